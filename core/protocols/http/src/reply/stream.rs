//! Answers that are written piece by piece.

use core::fmt;

use super::{Head, Length, Reply, ReplyError, length_of};
use crate::exchange::flag;
use crate::number::Hex;
use crate::request::Request;
use crate::status::Status;

/// Functions for an answer whose content is written in several steps.
///
/// This example sends a megabyte through an output ring of a few hundred bytes:
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
///             return; // `pull` is called again when there is room.
///         }
///     }
/// }
/// # let _ = LOG;
/// ```
impl<A: 'static> Request<'_, '_, '_, A> {
    /// Begins an answer: writes its head. Write the content with [`write`](Self::write): in the route's
    /// [`pull`](crate::Route::pull), or at any time through [`Http::with`](crate::Http::with).
    ///
    /// # Errors
    /// Returns the same errors as [`reply`](Self::reply).
    pub fn begin(&mut self, reply: Reply<'_>, length: Length) -> Result<(), ReplyError> {
        self.write_head(&Head::of(&reply), length, &[], 0)?;
        self.exchange.left = match length {
            Length::Known(length) => length,
            Length::Unknown => u32::MAX,
        };
        self.exchange.set(if self.exchange.has(flag::BARE) || length == Length::Known(0) {
            flag::COMPLETE
        } else {
            flag::OPEN
        });
        Ok(())
    }

    /// Begins server-sent events. Write the events with [`event`](Self::event).
    ///
    /// # Errors
    /// Returns the same errors as [`reply`](Self::reply).
    pub fn begin_events(&mut self) -> Result<(), ReplyError> {
        let reply =
            Reply::new(Status::OK, "text/event-stream").fields("Cache-Control: no-store\r\n");
        self.begin(reply, Length::Unknown)
    }

    /// Writes a server-sent event: all of it, or nothing. `name` and `data` must not contain line breaks.
    ///
    /// # Errors
    /// Returns the same errors as [`write`](Self::write).
    pub fn event(&mut self, name: &str, data: fmt::Arguments<'_>) -> Result<(), ReplyError> {
        self.write_fmt(format_args!("event: {name}\ndata: {data}\n\n"))
    }

    /// Writes content: all of it, or nothing.
    ///
    /// # Errors
    /// Returns a [`ReplyError`] if the content was not written.
    pub fn write(&mut self, content: &[u8]) -> Result<(), ReplyError> {
        if content.is_empty() {
            return Ok(());
        }
        let size = self.begin_write(content.len())?;
        let parts = match self.exchange.has(flag::CHUNKS) {
            true => [size.as_bytes(), b"\r\n", content, b"\r\n"],
            false => [content, &[], &[], &[]],
        };
        self.conn.write_parts(&parts)?;
        self.end_write(content.len());
        Ok(())
    }

    /// Writes as much of `content` as fits. Returns the number of bytes written.
    pub fn write_some(&mut self, content: &[u8]) -> usize {
        let overhead = if self.exchange.has(flag::CHUNKS) { 12 } else { 0 };
        let room = self.conn.room().saturating_sub(overhead).min(self.unwritten() as usize);
        let content = content.get(..room).unwrap_or(content);
        self.write(content).map_or(0, |()| content.len())
    }

    /// Writes formatted content: all of it, or nothing. `write!(request, …)` calls this function. The text is
    /// formatted twice: first to find its length.
    ///
    /// # Errors
    /// Returns a [`ReplyError`] if the content was not written.
    pub fn write_fmt(&mut self, content: fmt::Arguments<'_>) -> Result<(), ReplyError> {
        let length = length_of(content);
        if length == 0 {
            return Ok(());
        }
        let size = self.begin_write(length)?;
        if self.exchange.has(flag::CHUNKS) {
            self.check_room(length.saturating_add(size.as_bytes().len()).saturating_add(4))?;
            self.conn.write_parts(&[size.as_bytes(), b"\r\n"])?;
        }
        self.conn.write_fmt(content)?;
        if self.exchange.has(flag::CHUNKS) {
            self.conn.write_parts(&[b"\r\n"])?;
        }
        self.end_write(length);
        Ok(())
    }

    /// Returns the number of bytes of the content that were written.
    pub fn written(&self) -> u32 {
        self.exchange.written
    }

    /// Returns the number of bytes of the content that are still to be written: `u32::MAX` if the length is unknown,
    /// and 0 when the answer is complete.
    pub fn unwritten(&self) -> u32 {
        if self.exchange.has(flag::OPEN) { self.exchange.left } else { 0 }
    }

    /// Ends an answer of unknown length. An answer of known length ends by itself. If this function is called while an
    /// answer of known length is not complete, the connection is reset, so that the client sees an error.
    ///
    /// # Errors
    /// Returns a [`ReplyError`] if the answer could not be ended.
    pub fn finish(&mut self) -> Result<(), ReplyError> {
        if !self.exchange.has(flag::OPEN) {
            return Err(ReplyError::NotNow);
        }
        if self.exchange.left != u32::MAX {
            self.conn.abort();
            return Err(ReplyError::Ended);
        }
        if self.exchange.has(flag::CHUNKS) {
            self.conn.write_parts(&[b"0\r\n\r\n"])?;
        }
        self.complete();
        Ok(())
    }

    /// Checks that a piece of content may be written. Returns the size of the piece as hexadecimal digits, for the size
    /// line of a chunk.
    fn begin_write(&self, length: usize) -> Result<Hex, ReplyError> {
        if !self.exchange.has(flag::OPEN) {
            return Err(ReplyError::NotNow);
        }
        match u32::try_from(length) {
            Ok(length) if length <= self.exchange.left => Ok(Hex::of(length)),
            _ => Err(ReplyError::TooLong),
        }
    }

    /// Counts a piece of content that was written.
    fn end_write(&mut self, length: usize) {
        self.exchange.count(length);
        self.exchange.written = self.exchange.written.wrapping_add(length as u32);
        if self.exchange.left != u32::MAX {
            self.exchange.left = self.exchange.left.saturating_sub(length as u32);
            if self.exchange.left == 0 {
                self.complete();
            }
        }
    }

    pub(crate) fn complete(&mut self) {
        self.exchange.flags &= !flag::OPEN;
        self.exchange.set(flag::COMPLETE);
    }
}
