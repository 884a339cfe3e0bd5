//! A connection's bytes: what an application writes and reads.

use core::fmt;

use super::slot::flag;
use super::{ConnMut, ConnSlot, Direction};
use crate::error::{LineError, WriteError};
use crate::handle::Conn;
use crate::outbox::action;
use crate::ring::Ring;
use crate::{Cx, StaleError};

/// Output.
impl<A> ConnMut<'_, '_, A> {
    /// Queues all of `data` for sending, or nothing.
    ///
    /// # Errors
    /// [`WriteError::Full`] when it does not fit now, [`WriteError::TooLong`] when it never will,
    /// [`WriteError::Finished`] when no more can be sent. Nothing was taken then.
    pub fn write(&mut self, data: &[u8]) -> Result<(), WriteError> {
        let index = self.conn.slot();
        let open = self.cx.tables.conns.get_mut(self.conn).filter(|slot| !slot.is_finished());
        let slot = open.ok_or(WriteError::Finished)?;
        let storage = self.cx.pools.output_mut(slot.pool(), index);
        let (held, size) = (slot.output.len(), storage.len());
        self.cx.longest_write.note(data.len());
        if data.len() > size.saturating_sub(held) {
            return Err(too_much(data.len(), held, size));
        }
        let amount = slot.output.write(storage, data);
        let begins = slot.begins_to_send(amount);
        self.cx.conn_output_grew(index, amount, begins);
        Ok(())
    }

    /// Queues formatted text for sending, all or nothing, straight into the ring. It is what
    /// `write!(conn, "{value}\r\n")` calls; no trait is to be imported.
    ///
    /// # Errors
    /// As [`write`](Self::write). Then the text was formatted twice, for its length.
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), WriteError> {
        let index = self.conn.slot();
        let open = self.cx.tables.conns.get_mut(self.conn).filter(|slot| !slot.is_finished());
        let slot = open.ok_or(WriteError::Finished)?;
        let before = slot.output;
        let storage = self.cx.pools.output_mut(slot.pool(), index);
        let size = storage.len();
        let written = fmt::write(&mut Output { ring: &mut slot.output, storage }, text);
        let amount = slot.output.len().saturating_sub(before.len());
        if written.is_err() {
            slot.output = before;
            let mut length = Length(0);
            let _ = fmt::write(&mut length, text);
            self.cx.longest_write.note(length.0);
            return Err(too_much(length.0, before.len(), size));
        }
        let begins = slot.begins_to_send(amount);
        self.cx.longest_write.note(amount);
        self.cx.conn_output_grew(index, amount, begins);
        Ok(())
    }

    /// Queues as much of `data` as fits. Returns the number of bytes queued: zero when no more can be sent.
    pub fn write_some(&mut self, data: &[u8]) -> usize {
        let index = self.conn.slot();
        let Some(slot) = self.cx.tables.conns.get_mut(self.conn) else { return 0 };
        if slot.is_finished() {
            return 0;
        }
        let amount = slot.output.write(self.cx.pools.output_mut(slot.pool(), index), data);
        let begins = slot.begins_to_send(amount);
        self.cx.conn_output_grew(index, amount, begins);
        amount
    }

    /// Returns the number of bytes that can be written now; zero when no more can be sent.
    pub fn room(&self) -> usize {
        let open = self.slot().filter(|slot| !slot.is_finished());
        open.map_or(0, |slot| {
            self.cx.pools.output_len(slot.pool()).saturating_sub(slot.output.len())
        })
    }

    /// Reports [`Writable`](super::ConnEvent::Writable) once, as soon as `room` bytes can be written; in
    /// the next pass, if that is so already. More than the output ring has, 65,535 at most, means an
    /// empty ring.
    ///
    /// A list that is longer than the ring:
    ///
    /// ```
    /// use picoevent::{ConnMut, Protocol};
    ///
    /// struct App {
    ///     next: u32,
    /// }
    ///
    /// struct Numbers;
    ///
    /// impl Protocol<App> for Numbers {
    ///     fn opened(app: &mut App, conn: &mut ConnMut<App>) {
    ///         Self::writable(app, conn);
    ///     }
    ///
    ///     fn writable(app: &mut App, conn: &mut ConnMut<App>) {
    ///         while app.next < 1_000 {
    ///             if write!(conn, "{}\n", app.next).is_err() {
    ///                 conn.wait_for_room(64);
    ///                 return;
    ///             }
    ///             app.next += 1;
    ///         }
    ///         conn.close();
    ///     }
    ///
    ///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
    ///         conn.consume(usize::MAX);
    ///     }
    /// }
    /// # let _ = <Numbers as Protocol<App>>::ended;
    /// ```
    pub fn wait_for_room(&mut self, room: usize) -> &mut Self {
        let size = self.slot().map_or(0, |slot| self.cx.pools.output_len(slot.pool()));
        if let Some(slot) = self.held_mut().filter(|slot| !slot.is_finished()) {
            slot.set_room_wanted(room.clamp(1, size.max(1)));
            if slot.has_room_wanted(size) {
                self.cx.conn_activate(self.conn.slot(), super::firing::due::WRITE);
            }
        }
        self
    }

    /// Returns the number of bytes written and not yet sent.
    pub fn output_len(&self) -> usize {
        self.slot().map_or(0, |slot| slot.output.len())
    }

    /// Ends the sending side: the end of the stream is sent after the output. Reading goes on.
    pub fn finish(&mut self) {
        if let Some(slot) = self.held_mut() {
            slot.turn.set(flag::FINISHED, true);
            self.cx.conn_go_on_ending(self.conn.slot());
        }
    }
}

/// Input.
impl<A> ConnMut<'_, '_, A> {
    /// Returns the number of bytes received and not yet consumed.
    pub fn input_len(&self) -> usize {
        self.slot().map_or(0, |slot| slot.input.len())
    }

    /// Returns the bytes received and not yet consumed, oldest first; the second slice continues the
    /// first.
    pub fn peek(&self) -> (&[u8], &[u8]) {
        self.slot().map_or((&[], &[]), |slot| {
            slot.input.bytes(self.cx.pools.input(slot.pool(), self.conn.slot()))
        })
    }

    /// Discards up to `amount` of the oldest bytes. Returns the number discarded.
    pub fn consume(&mut self, amount: usize) -> usize {
        let Some(slot) = self.cx.tables.conns.get_mut(self.conn) else { return 0 };
        let size = self.cx.pools.input_len(slot.pool());
        let was_full = slot.input.len() == size;
        let amount = slot.input.consume(size, amount);
        if was_full && amount > 0 {
            self.cx.conn_input_has_room(self.conn.slot());
        }
        amount
    }

    /// Moves up to `target.len()` of the oldest bytes into `target`. Returns the number moved.
    pub fn read(&mut self, target: &mut [u8]) -> usize {
        let Some(slot) = self.cx.tables.conns.get_mut(self.conn) else { return 0 };
        let storage = self.cx.pools.input(slot.pool(), self.conn.slot());
        let was_full = slot.input.len() == storage.len();
        let amount = slot.input.read(storage, target);
        if was_full && amount > 0 {
            self.cx.conn_input_has_room(self.conn.slot());
        }
        amount
    }

    /// Returns the offset in the input at which `needle` first occurs in full.
    pub fn find(&self, needle: &[u8]) -> Option<usize> {
        let slot = self.slot()?;
        slot.input.find(self.cx.pools.input(slot.pool(), self.conn.slot()), needle)
    }

    /// Moves the next line into `buffer`. Returns it without its end, `\n` or `\r\n` (`evbuffer_readln`
    /// with `EVBUFFER_EOL_CRLF`). `None` while there is no whole line, while there is less
    /// [room](super::Protocol::ROOM) for output than an answer takes, and after the connection was closed;
    /// so a loop over the lines ends by itself, and goes on when there is more.
    ///
    /// A line longer than `buffer`, or than the input ring, is reported once, as [`LineError::TooLong`],
    /// and skipped to its end. The answer borrows `buffer` alone, so the connection can be written to.
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
        let line = self.take_line(buffer)?;
        Some(line.and_then(|length| {
            let line = buffer.get(..length).unwrap_or_default();
            core::str::from_utf8(line).map_err(|_| LineError::NotText)
        }))
    }

    /// Takes a line and its end out of the input. Returns the length of the line, which is in `buffer`.
    fn take_line(&mut self, buffer: &mut [u8]) -> Option<Result<usize, LineError>> {
        loop {
            let slot = self.slot().filter(|slot| slot.is_readable())?;
            if !slot.has_answer_room(self.cx.pools.output_len(slot.pool())) {
                return None;
            }
            let (held, skips) = (slot.input.len(), slot.has(flag::SKIPS_LINE));
            let is_full = held == self.cx.pools.input_len(slot.pool());
            match self.find(b"\n") {
                Some(end) => {
                    let length = end.saturating_sub(self.ends_in_return(end).into());
                    let fits = buffer.get_mut(..length).filter(|_| !skips);
                    let taken = fits.map(|line| self.read(line));
                    self.consume(end.saturating_add(1).saturating_sub(taken.unwrap_or(0)));
                    self.set_skips_line(false);
                    match taken {
                        None if skips => {}
                        taken => return Some(taken.ok_or(LineError::TooLong)),
                    }
                }
                // A `\r` may be the first half of the end.
                None if skips || held > buffer.len().saturating_add(1) || is_full => {
                    self.consume(held);
                    self.set_skips_line(true);
                    return if skips { None } else { Some(Err(LineError::TooLong)) };
                }
                None => return None,
            }
        }
    }

    /// Returns whether the byte before the offset `end` in the input is a `\r`.
    fn ends_in_return(&self, end: usize) -> bool {
        let (first, second) = self.peek();
        let last = end.checked_sub(1);
        last.and_then(|last| first.iter().chain(second).nth(last))
            .is_some_and(|byte| *byte == b'\r')
    }

    fn set_skips_line(&mut self, skips: bool) {
        if let Some(slot) = self.cx.tables.conns.get_mut(self.conn) {
            slot.turn.set(flag::SKIPS_LINE, skips);
        }
    }

    /// Moves the bytes up to and with `end` into `buffer`: an HTTP header, for instance. Returns them.
    /// `None` as for [`read_line`](Self::read_line).
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
    /// [`LineError::TooLong`] when that is more than `buffer` or the input ring has. The input stays.
    pub fn read_until<'b>(
        &mut self,
        end: &[u8],
        buffer: &'b mut [u8],
    ) -> Option<Result<&'b [u8], LineError>> {
        let slot = self.slot().filter(|slot| slot.is_readable())?;
        if !slot.has_answer_room(self.cx.pools.output_len(slot.pool())) {
            return None;
        }
        let held = slot.input.len();
        let is_full = held == self.cx.pools.input_len(slot.pool());
        let found = self.find(end).map(|at| at.saturating_add(end.len()));
        match found {
            Some(length) if length <= buffer.len() => {
                let target = buffer.get_mut(..length)?;
                self.read(target);
                Some(Ok(target))
            }
            None if held < buffer.len() && !is_full => None,
            _ => Some(Err(LineError::TooLong)),
        }
    }

    /// Reports [`Readable`](super::ConnEvent::Readable) again in the next pass, if input is left in the ring
    /// (`bufferevent_trigger`): for a callback that takes one message at a time, so that others run between
    /// two messages.
    ///
    /// ```
    /// use picoevent::{ConnMut, Protocol};
    /// # struct App;
    /// struct Worker;
    ///
    /// impl Protocol<App> for Worker {
    ///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
    ///         let mut buffer = [0; 64];
    ///         if let Some(Ok(_job)) = conn.read_line(&mut buffer) {
    ///             // … a job that takes long …
    ///             conn.read_again();
    ///         }
    ///     }
    /// }
    /// # let _ = <Worker as Protocol<App>>::ended;
    /// ```
    pub fn read_again(&mut self) -> &mut Self {
        if self.held_mut().is_some_and(|slot| slot.input.len() > 0) {
            self.cx.conn_activate(self.conn.slot(), super::firing::due::READ);
        }
        self
    }

    /// Moves as many bytes from this connection's input to the output of `to` as there is room for.
    /// Returns the number moved. Both may be the same connection.
    ///
    /// # Errors
    /// [`StaleError`] when one of them has ended; nothing has moved then.
    pub fn transfer(&mut self, to: Conn) -> Result<usize, StaleError> {
        let from = self.conn;
        let slot = self.slot().ok_or(StaleError)?;
        let (mut input, from_pool) = (slot.input, slot.pool());
        let slot = self.cx.tables.conns.get(to).filter(|slot| slot.is_held()).ok_or(StaleError)?;
        if slot.is_finished() {
            return Ok(0);
        }
        let (mut output, to_pool) = (slot.output, slot.pool());
        let rings = ((from_pool, from.slot()), (to_pool, to.slot()));
        let (held, room) = self.cx.pools.input_and_output(rings.0, rings.1);
        let (first, second) = input.bytes(held);
        let mut amount = output.write(room, first);
        if !second.is_empty() {
            amount = amount.wrapping_add(output.write(room, second));
        }
        let was_full = input.len() == held.len();
        input.consume(held.len(), amount);
        let mut begins = false;
        if let Some(slot) = self.cx.tables.conns.get_mut(to) {
            slot.output = output;
            begins = slot.begins_to_send(amount);
        }
        if let Some(slot) = self.cx.tables.conns.get_mut(from) {
            slot.input = input;
        }
        self.cx.conn_output_grew(to.slot(), amount, begins);
        if was_full && amount > 0 {
            self.cx.conn_input_has_room(from.slot());
        }
        Ok(amount)
    }
}

/// Writes text to a ring, as far as it fits.
struct Output<'r> {
    ring: &'r mut Ring,
    storage: &'r mut [u8],
}

impl fmt::Write for Output<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let written = self.ring.write(self.storage, text.as_bytes());
        if written == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Counts the bytes of a text.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

/// Returns why so many bytes do not fit in a ring.
const fn too_much(length: usize, held: usize, size: usize) -> WriteError {
    if length > size {
        return WriteError::TooLong { size };
    }
    WriteError::Full { room: size.saturating_sub(held) }
}

impl<A> ConnSlot<A> {
    /// Returns whether the `amount` bytes that were just written are all of the output: the wait for the peer
    /// begins now.
    fn begins_to_send(&self, amount: usize) -> bool {
        self.is_open() && self.output.len() == amount
    }
}

impl<A> Cx<'_, A> {
    fn conn_output_grew(&mut self, index: u16, amount: usize, begins: bool) {
        if amount == 0 {
            return;
        }
        self.conn_post(index, action::SEND);
        if begins {
            self.conn_progress(index, Direction::Write);
        }
    }

    /// The input ring was full, and is not any more.
    fn conn_input_has_room(&mut self, index: u16) {
        self.conn_post(index, action::RECEIVE);
        self.conn_progress(index, Direction::Read);
    }
}
