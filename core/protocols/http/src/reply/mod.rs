//! Answers: complete answers, static answers from flash, and answers that are written piece by piece.

mod head;
mod stream;

use core::fmt;

use picoevent::WriteError;

pub(crate) use head::Head;

use crate::exchange::flag;
use crate::request::Request;
use crate::status::Status;

/// The head of an answer.
///
/// ```
/// use picoevent_http::{Reply, Status};
///
/// const JSON: Reply<'_> = Reply::new(Status::OK, "application/json").fields("Cache-Control: no-store\r\n");
/// # let _ = JSON;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Reply<'t> {
    pub(crate) status: Status,
    pub(crate) content_type: &'t str,
    pub(crate) fields: &'t str,
}

impl<'t> Reply<'t> {
    /// Makes a head. If `content_type` is empty, the field `Content-Type` is left out.
    pub const fn new(status: Status, content_type: &'t str) -> Self {
        Self { status, content_type, fields: "" }
    }

    /// Makes a head for plain text.
    pub const fn text(status: Status) -> Self {
        Self::new(status, "text/plain; charset=utf-8")
    }

    /// Makes a head for HTML.
    pub const fn html(status: Status) -> Self {
        Self::new(status, "text/html; charset=utf-8")
    }

    /// Makes a head for an answer without content.
    pub const fn empty(status: Status) -> Self {
        Self::new(status, "")
    }

    /// Sets additional header fields. Each field must end with `\r\n`. The library itself adds the fields for the
    /// framing of the answer, such as `Content-Length`.
    #[must_use]
    pub const fn fields(self, fields: &'t str) -> Self {
        Self { fields, ..self }
    }
}

/// The length of an answer's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// This number of bytes.
    Known(u32),
    /// Unknown until [`Request::finish`]. The answer is sent in chunks. HTTP/1.0 has no chunks, so the server closes
    /// the connection at the end of the answer.
    Unknown,
}

/// The reason why an answer was not written. No part of the answer was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// The output ring has no room for the answer now.
    Full,
    /// The answer is larger than the output ring, or the content is longer than the length that the head of the answer
    /// contains.
    TooLong,
    /// The request is already answered. For functions that write content: the answer has not begun, or is already
    /// complete.
    NotNow,
    /// The connection has ended.
    Ended,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the output ring has no room now",
            Self::TooLong => "the answer is longer than the output ring, or than its stated length",
            Self::NotNow => "the request is already answered, or no answer has begun",
            Self::Ended => "the connection has ended",
        })
    }
}

impl core::error::Error for ReplyError {}

impl From<WriteError> for ReplyError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Full { .. } => Self::Full,
            WriteError::Finished => Self::Ended,
            _ => Self::TooLong,
        }
    }
}

/// Complete answers.
impl<A: 'static> Request<'_, '_, '_, A> {
    /// Answers with `content`. If head and content together do not fit into the output ring, nothing is written.
    ///
    /// # Errors
    /// Returns a [`ReplyError`] if the answer was not written. If the handler gives no answer at all, the client gets
    /// status 500.
    pub fn reply(&mut self, reply: Reply<'_>, content: &[u8]) -> Result<(), ReplyError> {
        let length = u32::try_from(content.len()).map_err(|_| ReplyError::TooLong)?;
        self.write_head(&Head::of(&reply), Length::Known(length), content, 0)?;
        self.exchange.set(flag::COMPLETE);
        Ok(())
    }

    /// Answers with formatted text, like [`reply`](Self::reply). The text is formatted twice: first to find its
    /// length.
    ///
    /// ```
    /// use picoevent_http::{Reply, Request, Status};
    /// # struct App { level: i32 }
    /// fn status(app: &mut App, request: &mut Request<App>) {
    ///     let json = Reply::new(Status::OK, "application/json");
    ///     let _ = request.reply_fmt(json, format_args!("{{\"level\":{}}}\n", app.level));
    /// }
    /// # let _ = status;
    /// ```
    ///
    /// # Errors
    /// Returns the same errors as [`reply`](Self::reply).
    pub fn reply_fmt(
        &mut self,
        reply: Reply<'_>,
        content: fmt::Arguments<'_>,
    ) -> Result<(), ReplyError> {
        let length = length_of(content);
        let known = u32::try_from(length).map_err(|_| ReplyError::TooLong)?;
        self.write_head(&Head::of(&reply), Length::Known(known), &[], length)?;
        if !self.exchange.has(flag::BARE) {
            self.conn.write_fmt(content)?;
            self.exchange.count(length);
        }
        self.exchange.set(flag::COMPLETE);
        Ok(())
    }

    /// Answers with static bytes of any length, such as a page in flash. If the event base has a free [static
    /// slot](picoevent::Cx::set_static_slots), the bytes are sent without a copy. If there is no free static slot, the
    /// bytes are copied to the output ring.
    ///
    /// # Errors
    /// Returns the same errors as [`reply`](Self::reply), but only the head has to fit into the output ring.
    pub fn reply_static(
        &mut self,
        reply: Reply<'_>,
        content: &'static [u8],
    ) -> Result<(), ReplyError> {
        self.answer_static(&Head::of(&reply), content)
    }

    /// Lets the handler return without an answer. Call [`Http::with`](crate::Http::with) to answer later.
    pub fn later(&mut self) {
        self.exchange.set(flag::LATER);
    }
}

impl<A: 'static> Request<'_, '_, '_, A> {
    pub(crate) fn answer_static(
        &mut self,
        head: &Head<'_>,
        content: &'static [u8],
    ) -> Result<(), ReplyError> {
        let length = u32::try_from(content.len()).map_err(|_| ReplyError::TooLong)?;
        self.write_head(head, Length::Known(length), &[], 0)?;
        if !self.exchange.has(flag::BARE) {
            self.exchange.rest = Some(content);
        }
        self.exchange.set(flag::COMPLETE);
        self.write_rest();
        Ok(())
    }

    /// Writes as much of the remaining static content as possible. Returns whether all of the content is written.
    pub(crate) fn write_rest(&mut self) -> bool {
        let Some(rest) = self.exchange.rest.filter(|rest| !rest.is_empty()) else { return true };
        let written = match self.conn.write_static(rest) {
            Ok(()) => rest.len(),
            // All static slots are in use, so the content goes through the ring.
            Err(WriteError::Statics) => self.conn.write_some(rest),
            Err(_) => 0,
        };
        self.exchange.count(written);
        self.exchange.rest = rest.get(written..).filter(|rest| !rest.is_empty());
        if self.exchange.rest.is_some() {
            self.conn.wait_for_room(1);
        }
        self.exchange.rest.is_none()
    }
}

/// Returns the length of formatted text.
pub(crate) fn length_of(text: fmt::Arguments<'_>) -> usize {
    struct Counter(usize);
    impl fmt::Write for Counter {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.saturating_add(text.len());
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // The counter never fails. Only the `Display` implementation of a value in the text can return an error.
    let _ = fmt::Write::write_fmt(&mut counter, text);
    counter.0
}
