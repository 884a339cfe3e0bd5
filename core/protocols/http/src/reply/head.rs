//! The head of an answer: its values, and the function that writes it.

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

const LINE_END: &str = "\r\n";

/// The text before each value of a head. If a value is empty, the text before the value is not written. Only
/// [`LINE_END`] is always written.
static NAMES: [&str; 9] = [
    "HTTP/1.1 ",
    "",
    "\r\nContent-Type: ",
    "\r\nContent-Length: ",
    "\r\nTransfer-Encoding: ",
    "\r\nConnection: ",
    "\r\nDate: ",
    LINE_END,
    LINE_END,
];

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

    /// Writes the head of the answer, and `content` after it. If there is not enough room for the head, for `content`
    /// and for `more` further bytes, writes nothing and returns an error.
    pub(crate) fn write_head(
        &mut self,
        head: &Head<'_>,
        length: Length,
        content: &[u8],
        more: usize,
    ) -> Result<(), ReplyError> {
        let Head { status, content_type, fields } = *head;
        if self.exchange.has(flag::ANSWERED) {
            return Err(ReplyError::NotNow);
        }
        let is_http_1_0 = self.exchange.has(flag::HTTP_1_0);
        let (mut flags, mut content) = (flag::ANSWERED, content);
        if self.exchange.method == Method::Head || status.is_bare() {
            flags |= flag::BARE;
            content = &[];
        }
        if self.is_last() || length == Length::Unknown && is_http_1_0 {
            flags |= flag::LAST;
        }
        let (mut digits, mut coding) = (Decimal::NONE, &[][..]);
        match length {
            Length::Known(length) if !status.is_bare() => digits = Decimal::of(length),
            Length::Unknown if !is_http_1_0 && !status.is_bare() => {
                flags |= flag::CHUNKS;
                coding = b"chunked";
            }
            _ => {}
        }
        let mut connection = &[][..];
        let mut date = self.date;
        if status == Status::SWITCHING_PROTOCOLS {
            date = None;
        } else if flags & flag::LAST != 0 {
            connection = b"close";
        } else if is_http_1_0 {
            connection = b"keep-alive";
        }
        let date = date.map(Date::text);
        let code = Decimal::of(status.code().into());
        let values = [
            code.as_bytes(),
            Status::phrase(code.as_bytes()),
            content_type,
            digits.as_bytes(),
            coding,
            connection,
            date.as_ref().map_or(&[], |date| date),
            fields,
            content,
        ];
        let mut parts = [[&[][..]; 2]; 9];
        for ((part, name), value) in parts.iter_mut().zip(&NAMES).zip(&values) {
            if !value.is_empty() || *name == LINE_END {
                *part = [name.as_bytes(), value];
            }
        }
        let parts = parts.as_flattened();
        if more > 0 && flags & flag::BARE == 0 {
            let size = parts.iter().fold(more, |sum, part| sum.saturating_add(part.len()));
            self.check_room(size)?;
        }
        let size = self.conn.write_parts(parts)?;
        self.exchange.count(size);
        self.exchange.set(flags);
        Ok(())
    }

    /// Returns whether the connection ends after this answer: because the client requests it, because the body was not
    /// read, or because the limit for requests is reached.
    #[inline(never)]
    fn is_last(&self) -> bool {
        let exchange = &*self.exchange;
        let is_close_requested =
            exchange.has(flag::CLOSE) || exchange.has(flag::HTTP_1_0) && !exchange.has(flag::KEEP);
        let is_unread = !matches!(exchange.input, Input::Done) && !exchange.has(flag::CALLED);
        is_close_requested
            || is_unread
            || exchange.has(flag::LAST)
            || exchange.requests >= self.site.limits.requests
    }
}
