//! The head of an answer: what it says of the content and of the connection, and how it is written.

use super::{Length, Reply, ReplyError};
use crate::date::Date;
use crate::exchange::{Input, flag};
use crate::method::Method;
use crate::number::Decimal;
use crate::request::Request;
use crate::status::Status;

/// The head of an answer, as bytes.
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

    pub(super) const fn of(reply: &Reply<'t>) -> Self {
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

impl<A: 'static> Request<'_, '_, '_, A> {
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
