//! Answers: whole ones, ones from flash, and ones that are written by and by.

use core::fmt;

use picoevent::WriteError;

use crate::date::Date;
use crate::exchange::{Input, flag};
use crate::method::Method;
use crate::number::{Decimal, Hex};
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
    /// Makes a head. An empty type is left out.
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

    /// Sets further header fields, each with `\r\n` at its end. Those of the framing are not among them.
    #[must_use]
    pub const fn fields(self, fields: &'t str) -> Self {
        Self { fields, ..self }
    }
}

/// The same as bytes.
pub(crate) struct Head<'t> {
    pub(crate) status: Status,
    pub(crate) content_type: &'t [u8],
    pub(crate) fields: &'t [u8],
}

impl<'t> Head<'t> {
    /// Makes a head for an answer without content.
    pub(crate) const fn bare(status: Status, fields: &'t [u8]) -> Self {
        Self { status, content_type: b"", fields }
    }

    const fn of(reply: &Reply<'t>) -> Self {
        let Reply { status, content_type, fields } = reply;
        Self { status: *status, content_type: content_type.as_bytes(), fields: fields.as_bytes() }
    }
}

/// How the content of an answer is framed.
enum Framing<'t> {
    None,
    Length(&'t Decimal),
    Chunks,
}

impl Head<'_> {
    /// Puts the parts of the head together: once for its size, and once to write it.
    #[inline(never)]
    fn put(
        &self,
        framing: &Framing<'_>,
        connection: &str,
        date: &[u8],
        put: &mut dyn FnMut(&[u8]),
    ) {
        let code = Decimal::of(self.status.code().into());
        put(b"HTTP/1.1 ");
        put(code.as_bytes());
        put(b" ");
        put(Status::phrase(code.as_bytes()));
        if !self.content_type.is_empty() {
            put(b"\r\nContent-Type: ");
            put(self.content_type);
        }
        match framing {
            Framing::None => {}
            Framing::Length(length) => {
                put(b"\r\nContent-Length: ");
                put(length.as_bytes());
            }
            Framing::Chunks => put(b"\r\nTransfer-Encoding: chunked"),
        }
        put(connection.as_bytes());
        if !date.is_empty() {
            put(b"\r\nDate: ");
            put(date);
        }
        put(b"\r\n");
        put(self.fields);
        put(b"\r\n");
    }
}

/// How long an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Known(u32),
    /// Until [`Request::finish`]: in chunks, or, for a client of HTTP/1.0, up to the end of the connection.
    Unknown,
}

/// Why an answer was not written. Nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// It does not fit into the output ring now.
    Full,
    /// It never fits into the output ring, or is longer than was said.
    TooLong,
    /// The request is answered already, or, for content, its answer has not begun or is complete.
    NotNow,
    /// The connection has ended.
    Ended,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the output ring has no room now",
            Self::TooLong => "the answer is longer than the output ring, or than was said",
            Self::NotNow => "there is no such answer under way",
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

/// Whole answers.
impl<A: 'static> Request<'_, '_, '_, A> {
    /// Answers with `content`, all or nothing: head and content have to fit into the output ring.
    ///
    /// # Errors
    /// [`ReplyError`]. Without any answer, the handler's request is answered with 500.
    pub fn reply(&mut self, reply: Reply<'_>, content: &[u8]) -> Result<(), ReplyError> {
        let length = u32::try_from(content.len()).map_err(|_| ReplyError::TooLong)?;
        self.write_head(&Head::of(&reply), Length::Known(length), content.len())?;
        if !self.x.has(flag::BARE) {
            self.conn.write(content)?;
            self.x.count(content.len());
        }
        self.x.set(flag::COMPLETE);
        Ok(())
    }

    /// Answers with formatted text, as [`reply`](Self::reply). The text is formatted twice, for its length.
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
    /// As [`reply`](Self::reply).
    pub fn reply_fmt(
        &mut self,
        reply: Reply<'_>,
        content: fmt::Arguments<'_>,
    ) -> Result<(), ReplyError> {
        let length = length_of(content);
        let known = u32::try_from(length).map_err(|_| ReplyError::TooLong)?;
        self.write_head(&Head::of(&reply), Length::Known(known), length)?;
        if !self.x.has(flag::BARE) {
            self.conn.write_fmt(content)?;
            self.x.count(length);
        }
        self.x.set(flag::COMPLETE);
        Ok(())
    }

    /// Answers with static bytes of any length, a page in flash for instance. They are sent from where they
    /// are, if the base has [slots](picoevent::Cx::set_static_slots) for that, and by way of the output ring
    /// otherwise.
    ///
    /// # Errors
    /// As [`reply`](Self::reply); only the head has to fit.
    pub fn reply_static(
        &mut self,
        reply: Reply<'_>,
        content: &'static [u8],
    ) -> Result<(), ReplyError> {
        self.answer_static(&Head::of(&reply), content)
    }

    /// Has the answer come later: the handler returns without one. [`Http::with`](crate::Http::with) gives
    /// the request again.
    pub fn later(&mut self) {
        self.x.set(flag::LATER);
    }
}

/// Answers that are written by and by.
///
/// A megabyte through an output ring of a few hundred bytes:
///
/// ```
/// use picoevent_http::{Length, Reply, Request, Route, Status};
/// # struct App;
/// const LOG: Route<App> = Route::get("/log", begin).pull(more);
///
/// fn begin(_: &mut App, request: &mut Request<App>) {
///     let _ = request.begin(Reply::text(Status::OK), Length::Known(1 << 20));
/// }
///
/// fn more(_: &mut App, request: &mut Request<App>) {
///     while request.unwritten() > 0 {
///         let line = if request.written() % 16 == 0 { &b"0123456789abcde\n"[..] } else { b"?" };
///         if request.write(line).is_err() {
///             return; // It is called again when there is room.
///         }
///     }
/// }
/// # let _ = LOG;
/// ```
impl<A: 'static> Request<'_, '_, '_, A> {
    /// Begins an answer: writes its head. The content follows by [`write`](Self::write), in the route's
    /// [`pull`](crate::Route::pull), or whenever there is something, by [`Http::with`](crate::Http::with).
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn begin(&mut self, reply: Reply<'_>, length: Length) -> Result<(), ReplyError> {
        self.write_head(&Head::of(&reply), length, 0)?;
        self.x.left = match length {
            Length::Known(length) => length,
            Length::Unknown => u32::MAX,
        };
        self.x.set(if self.x.has(flag::BARE) || length == Length::Known(0) {
            flag::COMPLETE
        } else {
            flag::OPEN
        });
        Ok(())
    }

    /// Begins server-sent events; [`event`](Self::event) writes them.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn begin_events(&mut self) -> Result<(), ReplyError> {
        let reply =
            Reply::new(Status::OK, "text/event-stream").fields("Cache-Control: no-store\r\n");
        self.begin(reply, Length::Unknown)
    }

    /// Writes a server-sent event, all or nothing. The text has no line breaks.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn event(&mut self, name: &str, data: fmt::Arguments<'_>) -> Result<(), ReplyError> {
        self.write_fmt(format_args!("event: {name}\ndata: {data}\n\n"))
    }

    /// Writes content, all or nothing.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub fn write(&mut self, content: &[u8]) -> Result<(), ReplyError> {
        if content.is_empty() {
            return Ok(());
        }
        self.begin_piece(content.len())?;
        self.conn.write(content)?;
        self.end_piece(content.len())
    }

    /// Writes as much of `content` as fits. Returns the number of bytes written.
    pub fn write_some(&mut self, content: &[u8]) -> usize {
        let overhead = if self.x.has(flag::CHUNKS) { 12 } else { 0 };
        let room = self.conn.room().saturating_sub(overhead).min(self.unwritten() as usize);
        let content = content.get(..room).unwrap_or(content);
        self.write(content).map_or(0, |()| content.len())
    }

    /// Writes formatted content, all or nothing. It is what `write!(request, …)` calls. The text is formatted
    /// twice, for its length.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub fn write_fmt(&mut self, content: fmt::Arguments<'_>) -> Result<(), ReplyError> {
        let length = length_of(content);
        if length == 0 {
            return Ok(());
        }
        self.begin_piece(length)?;
        self.conn.write_fmt(content)?;
        self.end_piece(length)
    }

    /// Returns how many bytes of the content are written.
    pub fn written(&self) -> u32 {
        self.x.written
    }

    /// Returns how many bytes of the content are still to be written: `u32::MAX` for an unknown length, none
    /// when it is complete.
    pub fn unwritten(&self) -> u32 {
        if self.x.has(flag::OPEN) { self.x.left } else { 0 }
    }

    /// Ends an answer of unknown length. One of a known length ends by itself; an earlier end is an error that
    /// the client sees, by a reset.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub fn finish(&mut self) -> Result<(), ReplyError> {
        if !self.x.has(flag::OPEN) {
            return Err(ReplyError::NotNow);
        }
        if self.x.left != u32::MAX {
            self.conn.abort();
            return Err(ReplyError::Ended);
        }
        if self.x.has(flag::CHUNKS) {
            self.conn.write(b"0\r\n\r\n")?;
        }
        self.complete();
        Ok(())
    }

    /// Writes what comes before a piece of content, if there is room for all of it.
    fn begin_piece(&mut self, length: usize) -> Result<(), ReplyError> {
        if !self.x.has(flag::OPEN) {
            return Err(ReplyError::NotNow);
        }
        let amount = u32::try_from(length).map_err(|_| ReplyError::TooLong)?;
        let is_bounded = self.x.left != u32::MAX;
        if is_bounded && amount > self.x.left {
            return Err(ReplyError::TooLong);
        }
        if !self.x.has(flag::CHUNKS) {
            return Ok(());
        }
        let size = Hex::of(amount);
        let digits = size.as_bytes();
        self.check_room(length.saturating_add(digits.len()).saturating_add(4))?;
        self.conn.write(digits)?;
        Ok(self.conn.write(b"\r\n")?)
    }

    /// Writes what comes behind a piece of content, and counts it.
    fn end_piece(&mut self, length: usize) -> Result<(), ReplyError> {
        if self.x.has(flag::CHUNKS) {
            self.conn.write(b"\r\n")?;
        }
        self.x.count(length);
        self.x.written = self.x.written.wrapping_add(length as u32);
        if self.x.left != u32::MAX {
            self.x.left = self.x.left.saturating_sub(length as u32);
            if self.x.left == 0 {
                self.complete();
            }
        }
        Ok(())
    }

    pub(crate) fn complete(&mut self) {
        self.x.flags &= !flag::OPEN;
        self.x.set(flag::COMPLETE);
    }
}

impl<A: 'static> Request<'_, '_, '_, A> {
    pub(crate) fn answer_static(
        &mut self,
        head: &Head<'_>,
        content: &'static [u8],
    ) -> Result<(), ReplyError> {
        let length = u32::try_from(content.len()).map_err(|_| ReplyError::TooLong)?;
        self.write_head(head, Length::Known(length), 0)?;
        if !self.x.has(flag::BARE) {
            self.x.rest = Some(content);
        }
        self.x.set(flag::COMPLETE);
        self.write_rest();
        Ok(())
    }

    /// Writes static content that waits for room, as far as there is some. Returns whether none is left.
    pub(crate) fn write_rest(&mut self) -> bool {
        let Some(rest) = self.x.rest.filter(|rest| !rest.is_empty()) else { return true };
        let written = match self.conn.write_static(rest) {
            Ok(()) => rest.len(),
            // All slots are taken: by way of the ring.
            Err(WriteError::Statics) => self.conn.write_some(rest),
            Err(_) => 0,
        };
        self.x.count(written);
        self.x.rest = rest.get(written..).filter(|rest| !rest.is_empty());
        if self.x.rest.is_some() {
            self.conn.wait_for_room(1);
        }
        self.x.rest.is_none()
    }

    pub(crate) fn check_room(&self, wanted: usize) -> Result<(), ReplyError> {
        if wanted <= self.conn.room() {
            return Ok(());
        }
        let (_, size) = self.conn.ring_sizes();
        Err(match self.conn.is_open() {
            false => ReplyError::Ended,
            true if wanted > size => ReplyError::TooLong,
            true => ReplyError::Full,
        })
    }

    /// Writes the head of the answer, if there is room for it and for the content behind it.
    pub(crate) fn write_head(
        &mut self,
        head: &Head<'_>,
        length: Length,
        content: usize,
    ) -> Result<(), ReplyError> {
        if self.x.has(flag::ANSWERED) {
            return Err(ReplyError::NotNow);
        }
        let is_bare = self.x.method == Method::Head || head.status.is_bare();
        let is_chunked = length == Length::Unknown && !self.x.has(flag::OLD);
        let is_last = self.is_last() || length == Length::Unknown && self.x.has(flag::OLD);
        let digits = match length {
            Length::Known(length) => Some(Decimal::of(length)),
            Length::Unknown => None,
        };
        let framing = match digits {
            _ if head.status.is_bare() => Framing::None,
            Some(ref length) => Framing::Length(length),
            None if is_chunked => Framing::Chunks,
            None => Framing::None,
        };
        let upgrades = head.status == Status::SWITCHING_PROTOCOLS;
        let connection = match is_last {
            true if !upgrades => "\r\nConnection: close",
            false if self.x.has(flag::OLD) => "\r\nConnection: keep-alive",
            _ => "",
        };
        let date = self.date.filter(|_| !upgrades).map(Date::text);
        let date = date.as_ref().map_or(&[][..], |date| date);
        let mut size = 0_usize;
        head.put(&framing, connection, date, &mut |part| size = size.saturating_add(part.len()));
        self.check_room(size.saturating_add(if is_bare { 0 } else { content }))?;
        head.put(&framing, connection, date, &mut |part| {
            // There is room.
            self.conn.write_some(part);
        });
        self.x.count(size);
        self.x.set(flag::ANSWERED);
        for (is, flag) in [(is_bare, flag::BARE), (is_chunked, flag::CHUNKS), (is_last, flag::LAST)]
        {
            if is {
                self.x.set(flag);
            }
        }
        Ok(())
    }

    /// Returns whether the connection ends with this answer: it is asked for, or the body was not read.
    fn is_last(&self) -> bool {
        let x = &*self.x;
        let is_asked = x.has(flag::CLOSE) || x.has(flag::OLD) && !x.has(flag::KEEP);
        let is_unread = !matches!(x.input, Input::Done) && !x.has(flag::CALLED);
        is_asked || is_unread || x.has(flag::LAST) || x.requests >= self.site.limits.requests
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
    // Only the text itself can fail.
    let _ = fmt::Write::write_fmt(&mut counter, text);
    counter.0
}
