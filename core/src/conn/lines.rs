//! Reads lines and other delimited messages from a connection's input.

use super::ConnMut;
use super::firing::due;
use crate::error::LineError;
use crate::ring::{Eol, next_until};

/// Lines and other delimited messages.
impl<A> ConnMut<'_, '_, A> {
    /// Moves the next line into `buffer`. Returns the line without the `\n` or `\r\n` at its end (`evbuffer_readln`
    /// with `EVBUFFER_EOL_CRLF`). Returns `None` while there is no complete line, while the output has less
    /// [room](super::Protocol::ROOM) than an answer needs, and after the connection was closed. So a `while let` loop
    /// over the lines ends in these cases. The next `readable` callback can run the loop again.
    ///
    /// A line longer than `buffer` or the input ring is reported once, as [`LineError::TooLong`], and skipped to its
    /// end. The returned line borrows only `buffer`, so you can write to the connection while you use the line.
    ///
    /// ```
    /// use picoevent::{ConnMut, LineError, Protocol};
    /// # struct App;
    /// struct Console;
    ///
    /// impl Protocol<App> for Console {
    ///     const ROOM: usize = 80;
    ///
    ///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
    ///         let mut buffer = [0; 64];
    ///         while let Some(line) = conn.read_line(&mut buffer) {
    ///             // There is room for an answer, unless the connection has failed.
    ///             let _ = match line {
    ///                 Ok(line) => write!(conn, "you said {line}\r\n"),
    ///                 Err(LineError::TooLong) => conn.write(b"too long\r\n"),
    ///                 Err(LineError::NotText) => conn.write(b"not text\r\n"),
    ///             };
    ///         }
    ///     }
    /// }
    /// # let _ = <Console as Protocol<App>>::ended;
    /// ```
    pub fn read_line<'b>(&mut self, buffer: &'b mut [u8]) -> Option<Result<&'b str, LineError>> {
        let line = self.read_line_with(Eol::Crlf, buffer)?;
        Some(line.and_then(|line| str::from_utf8(line).map_err(|_| LineError::NotText)))
    }

    /// Moves the next line into `buffer`, like [`read_line`](Self::read_line), but returns bytes and supports every
    /// [`Eol`].
    pub fn read_line_with<'b>(
        &mut self,
        eol: Eol,
        buffer: &'b mut [u8],
    ) -> Option<Result<&'b [u8], LineError>> {
        if !self.may_answer() {
            return None;
        }
        let line = self.with_input(|ring, storage, lines| {
            ring.read_line(storage, lines, eol, buffer).map(|line| line.map(|line| &*line))
        });
        line?
    }

    /// Takes the next line like [`read_line_with`](Self::read_line_with), but without a copy. The returned line is a
    /// slice of the input ring. The slice is valid until the connection is used again. A line is too long only if it is
    /// longer than the ring. O(size of the ring) if the line is not contiguous, because the input must then be moved.
    ///
    /// ```
    /// use picoevent::{ConnMut, Eol};
    /// # struct App { level: u8 }
    /// fn readable(app: &mut App, conn: &mut ConnMut<App>) {
    ///     while let Some(line) = conn.take_line(Eol::Lf) {
    ///         match line {
    ///             Ok(b"up") => app.level += 1,
    ///             Ok(b"down") => app.level -= 1,
    ///             _ => return conn.close(),
    ///         }
    ///     }
    /// }
    /// # let _ = readable;
    /// ```
    pub fn take_line(&mut self, eol: Eol) -> Option<Result<&[u8], LineError>> {
        if !self.may_answer() {
            return None;
        }
        let line =
            self.with_input(|ring, storage, lines| ring.take_line(storage, lines, eol))??;
        let pool = self.slot().map(|slot| self.cx.pools.input(slot.rings(), self.conn.slot()));
        Some(line.map(|line| pool.and_then(|input| input.get(line)).unwrap_or_default()))
    }

    /// Returns whether a message may be passed to the application now: the application has not closed the connection,
    /// and the output has room for an answer.
    fn may_answer(&self) -> bool {
        let slot = self.slot().filter(|slot| slot.is_readable());
        slot.is_some_and(|slot| slot.due_with_room(&self.cx.pools) & due::NEED_ANSWER_ROOM != 0)
    }

    /// Moves the bytes up to and including `end` into `buffer`, for example the header section of an HTTP request.
    /// Returns these bytes. Returns `None` in the same cases as [`read_line`](Self::read_line), and if `end` is empty.
    ///
    /// ```
    /// use picoevent::ConnMut;
    /// # struct App;
    /// fn answer(_: &mut App, conn: &mut ConnMut<App>) {
    ///     let mut buffer = [0; 480];
    ///     while let Some(header) = conn.read_until(b"\r\n\r\n", &mut buffer) {
    ///         let is_page = header.is_ok_and(|header| header.starts_with(b"GET / "));
    ///         let status = if is_page { "204 No Content" } else { "404 Not Found" };
    ///         let _ = write!(conn, "HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
    ///         conn.close();
    ///     }
    /// }
    /// # let _ = answer;
    /// ```
    ///
    /// # Errors
    /// [`LineError::TooLong`] if these bytes do not fit into `buffer` or the input ring. The input is kept.
    pub fn read_until<'b>(
        &mut self,
        end: &[u8],
        buffer: &'b mut [u8],
    ) -> Option<Result<&'b [u8], LineError>> {
        if !self.may_answer() {
            return None;
        }
        let (ring, storage) = self.input();
        let length = next_until(&ring, storage, end, buffer.len())?;
        Some(length.map(|length| {
            let target = buffer.get_mut(..length).unwrap_or_default();
            self.read(target);
            &*target
        }))
    }
}
