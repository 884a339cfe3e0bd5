//! A connection's bytes: what an application writes and reads.

use core::fmt;
use core::ops::{Range, RangeBounds};

use super::slot::flag;
use super::{ConnMut, ConnSlot, Direction};
use crate::Cx;
use crate::error::WriteError;
use crate::outbox::action;
use crate::ring::{Eol, Lines, Ring, Searched, length_of, offsets};

/// Output.
///
/// Text, bytes that fit, and bytes that are made in place:
///
/// ```
/// use picoevent::{ConnMut, WriteError};
/// # struct App;
/// fn answer(_: &mut App, conn: &mut ConnMut<App>) -> Result<(), WriteError> {
///     write!(conn, "{} bytes:\r\n", 1_000)?;
///     conn.write_with(16, |room| {
///         room.fill(b'.');
///         room.len()
///     })?;
///     let sent = conn.write_some(&[b'x'; 1_000]);
///     assert!(sent <= 1_000);
///     Ok(())
/// }
/// # let _ = answer;
/// ```
impl<A> ConnMut<'_, '_, A> {
    /// Queues all of `data` for sending, or nothing.
    ///
    /// # Errors
    /// [`WriteError::Full`] when it does not fit now, [`WriteError::TooLong`] when it never will,
    /// [`WriteError::Finished`] when no more can be sent. Nothing was taken then.
    pub fn write(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.cx.longest_write.note(data.len());
        let (slot, storage) = self.output()?;
        slot.output.check_room(storage.len(), data.len())?;
        let amount = slot.output.write(storage, data);
        let begins = slot.begins_to_send(amount);
        self.cx.conn_output_grew(self.conn.slot(), amount, begins);
        Ok(())
    }

    /// Queues all of several pieces for sending, one behind the other, or nothing (`evbuffer_add_iovec`). Returns
    /// the number of bytes queued.
    ///
    /// ```
    /// use picoevent::{ConnMut, WriteError};
    /// # struct App;
    /// fn send(conn: &mut ConnMut<App>, message: &[u8]) -> Result<(), WriteError> {
    ///     let length = (message.len() as u32).to_be_bytes();
    ///     conn.write_parts(&[&length, message])?;
    ///     Ok(())
    /// }
    /// # let _ = send;
    /// ```
    ///
    /// # Errors
    /// As [`write`](Self::write), for all of them together.
    pub fn write_parts(&mut self, parts: &[&[u8]]) -> Result<usize, WriteError> {
        let length = length_of(parts);
        self.cx.longest_write.note(length);
        let (slot, storage) = self.output()?;
        slot.output.write_parts(storage, parts, length)?;
        let begins = slot.begins_to_send(length);
        self.cx.conn_output_grew(self.conn.slot(), length, begins);
        Ok(length)
    }

    /// Queues formatted text for sending, all or nothing, straight into the ring. It is what
    /// `write!(conn, "{value}\r\n")` calls; no trait is to be imported.
    ///
    /// # Errors
    /// As [`write`](Self::write). Then the text was formatted twice, for its length.
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), WriteError> {
        let (slot, storage) = self.output()?;
        match slot.output.write_fmt(storage, text) {
            Ok(amount) => {
                let begins = slot.begins_to_send(amount);
                self.cx.longest_write.note(amount);
                self.cx.conn_output_grew(self.conn.slot(), amount, begins);
                Ok(())
            }
            Err(length) => {
                let full = slot.output.full(storage.len(), length);
                self.cx.longest_write.note(length);
                Err(full)
            }
        }
    }

    /// Queues as much of `data` as fits. Returns the number of bytes queued: zero when no more can be sent.
    pub fn write_some(&mut self, data: &[u8]) -> usize {
        let Ok((slot, storage)) = self.output() else { return 0 };
        let amount = slot.output.write(storage, data);
        let begins = slot.begins_to_send(amount);
        self.cx.conn_output_grew(self.conn.slot(), amount, begins);
        amount
    }

    /// Reserves `amount` bytes of room in one piece, lets `fill` write there, and queues as many of them as
    /// it returns (`evbuffer_reserve_space`, `evbuffer_commit_space`). Returns that number. O(size of the
    /// ring) if the room is not in one piece, since the output is moved then.
    ///
    /// # Errors
    /// As [`write`](Self::write), and [`WriteError::Unreserved`] when `fill` returns more than `amount`.
    /// Nothing was queued then.
    pub fn write_with(
        &mut self,
        amount: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Result<usize, WriteError> {
        self.cx.longest_write.note(amount);
        let (slot, storage) = self.output()?;
        let used = fill(slot.output.reserve(storage, amount)?);
        if used > amount {
            return Err(WriteError::Unreserved);
        }
        let used = slot.output.commit(storage.len(), used);
        let begins = slot.begins_to_send(used);
        self.cx.conn_output_grew(self.conn.slot(), used, begins);
        Ok(used)
    }

    /// Returns the number of bytes that can be written now; zero when no more can be sent.
    pub fn room(&self) -> usize {
        let open = self.slot().filter(|slot| !slot.is_finished());
        open.map_or(0, |slot| {
            self.cx.pools.output_len(slot.rings()).saturating_sub(slot.output.len())
        })
    }

    /// Reports [`Writable`](super::ConnEvent::Writable) once, as soon as `room` bytes can be written; in
    /// the next pass, if that is so already. More than the output ring holds, 65,535 at most, means an
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
        let size = self.slot().map_or(0, |slot| self.cx.pools.output_len(slot.rings()));
        if let Some(slot) = self.held_mut().filter(|slot| !slot.is_finished()) {
            slot.set_room_wanted(room.clamp(1, size.max(1)));
            self.write_again();
        }
        self
    }

    /// Returns the number of bytes written and not yet sent, [static ones](Self::write_static) included.
    pub fn output_len(&self) -> usize {
        self.slot().map_or(0, |slot| self.cx.statics.unsent(self.conn, slot.output.len()))
    }

    /// Returns the slot and the storage of its output ring, while more can be sent.
    pub(super) fn output(&mut self) -> Result<(&mut ConnSlot<A>, &mut [u8]), WriteError> {
        let open = self.cx.tables.conns.get_mut(self.conn).filter(|slot| !slot.is_finished());
        let slot = open.ok_or(WriteError::Finished)?;
        let storage = self.cx.pools.output_mut(slot.rings(), self.conn.slot());
        Ok((slot, storage))
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
///
/// A message of four bytes of length, and as many bytes as these say:
///
/// ```
/// use picoevent::{ConnMut, Protocol};
/// # struct App;
/// struct Messages;
///
/// impl Protocol<App> for Messages {
///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
///         let mut length = [0; 4];
///         while conn.copy_out(0, &mut length) == 4 {
///             let whole = (u32::from_be_bytes(length) as usize).saturating_add(4);
///             if whole > conn.ring_sizes().0 {
///                 return conn.abort(); // It never fits.
///             }
///             let Some(message) = conn.contiguous(whole) else { return };
///             let _ = &message[4..];
///             conn.consume(whole);
///         }
///     }
/// }
/// # let _ = <Messages as Protocol<App>>::ended;
/// ```
impl<A> ConnMut<'_, '_, A> {
    /// Returns the number of bytes received and not yet consumed.
    pub fn input_len(&self) -> usize {
        self.slot().map_or(0, |slot| slot.input.len())
    }

    /// Returns the bytes received and not yet consumed, oldest first; the second slice continues the
    /// first.
    pub fn peek(&self) -> (&[u8], &[u8]) {
        let (ring, storage) = self.input();
        ring.bytes(storage)
    }

    /// Returns the input from `offset` on; nothing beyond the end.
    pub fn peek_from(&self, offset: usize) -> (&[u8], &[u8]) {
        let (ring, storage) = self.input();
        ring.rest(storage.len(), offset).bytes(storage)
    }

    /// Copies input from `offset` on into `target`, as much as is there. Returns the number of bytes copied.
    pub fn copy_out(&self, offset: usize, target: &mut [u8]) -> usize {
        let (ring, storage) = self.input();
        ring.rest(storage.len(), offset).copy_out(storage, target)
    }

    /// Returns the oldest `amount` bytes in one piece (`evbuffer_pullup`); `None` if there are fewer. O(size
    /// of the ring) if they are not in one piece, since they are moved then.
    pub fn contiguous(&mut self, amount: usize) -> Option<&mut [u8]> {
        let slot = self.cx.tables.conns.get_mut(self.conn)?;
        slot.input.contiguous(self.cx.pools.input_mut(slot.rings(), self.conn.slot()), amount)
    }

    /// Discards up to `amount` of the oldest bytes. Returns the number discarded.
    pub fn consume(&mut self, amount: usize) -> usize {
        self.take(|ring, storage| ring.consume(storage.len(), amount))
    }

    /// Moves up to `target.len()` of the oldest bytes into `target`. Returns the number moved.
    pub fn read(&mut self, target: &mut [u8]) -> usize {
        self.take(|ring, storage| ring.read(storage, target))
    }

    /// Puts `data` before the oldest byte, all or nothing: what was read, and cannot be used yet. No callback
    /// becomes due by it; see [`read_again`](Self::read_again).
    ///
    /// # Errors
    /// [`WriteError::Full`] when the input ring has no room, [`WriteError::TooLong`] when it never has,
    /// [`WriteError::Finished`] before the connection is open and after it was closed.
    pub fn prepend(&mut self, data: &[u8]) -> Result<(), WriteError> {
        let open = self.cx.tables.conns.get_mut(self.conn);
        let open = open.filter(|slot| slot.is_readable() && !slot.has(flag::RESTING));
        let slot = open.ok_or(WriteError::Finished)?;
        slot.set_searched(Searched::NOTHING);
        slot.input.prepend(self.cx.pools.input_mut(slot.rings(), self.conn.slot()), data)
    }

    /// Returns the offset in the input at which `needle` first occurs in full; an empty needle occurs at 0.
    pub fn find(&self, needle: &[u8]) -> Option<usize> {
        let (ring, storage) = self.input();
        ring.find(storage, needle)
    }

    /// Returns the offset at which `needle` first occurs in full in a range of offsets: `5..` from an offset
    /// on, `..64` in the first 64 bytes (`evbuffer_search_range`). `None` for a range that is reversed or
    /// begins beyond the end; an end beyond the end is the end.
    pub fn find_in(&self, needle: &[u8], range: impl RangeBounds<usize>) -> Option<usize> {
        let (ring, storage) = self.input();
        ring.find_in(storage, needle, offsets(range, ring.len()))
    }

    /// Returns the offsets of the first end of a line (`evbuffer_search_eol`): the line is before its start,
    /// the next one begins at its end. A line that comes byte by byte is searched once, if one kind of
    /// end is looked for.
    pub fn find_eol(&mut self, eol: Eol) -> Option<Range<usize>> {
        self.with_input(|ring, storage, lines| ring.find_eol(storage, eol, &mut lines.searched))?
    }

    /// Returns whether no further input comes.
    #[cfg(feature = "embedded-io")]
    pub(crate) fn is_input_over(&self) -> bool {
        self.slot().is_none_or(|slot| slot.has(flag::EOF) || slot.is_finished() && !slot.is_open())
    }

    /// Returns the input ring and its storage, empty ones after the end.
    pub(super) fn input(&self) -> (Ring, &[u8]) {
        self.slot().map_or((Ring::EMPTY, &[]), |slot| {
            (slot.input, self.cx.pools.input(slot.rings(), self.conn.slot()))
        })
    }

    /// Takes bytes out of the input. Returns their number.
    pub(super) fn take(&mut self, take: impl FnOnce(&mut Ring, &[u8]) -> usize) -> usize {
        let Some(slot) = self.cx.tables.conns.get_mut(self.conn) else { return 0 };
        let storage = self.cx.pools.input(slot.rings(), self.conn.slot());
        let was_full = slot.input.len() == storage.len();
        let amount = take(&mut slot.input, storage);
        slot.set_searched(Searched::NOTHING);
        if amount > 0 {
            self.cx.conn_input_taken(self.conn.slot(), was_full);
        }
        amount
    }

    /// Works on the input, of which lines may be taken. `None` after the end.
    pub(super) fn with_input<T>(
        &mut self,
        work: impl FnOnce(&mut Ring, &mut [u8], &mut Lines) -> T,
    ) -> Option<T> {
        let slot = self.cx.tables.conns.get_mut(self.conn)?;
        let storage = self.cx.pools.input_mut(slot.rings(), self.conn.slot());
        let before = slot.input.len();
        let was_full = before == storage.len();
        let mut lines = slot.lines();
        let done = work(&mut slot.input, storage, &mut lines);
        slot.set_lines(lines);
        if slot.input.len() < before {
            self.cx.conn_input_taken(self.conn.slot(), was_full);
        }
        Some(done)
    }
}

impl<A> ConnSlot<A> {
    /// Returns whether the `amount` bytes that were just written are all of the output: the wait for the peer
    /// begins now.
    pub(super) fn begins_to_send(&self, amount: usize) -> bool {
        self.is_open() && self.output.len() == amount
    }
}

impl<A> Cx<'_, A> {
    pub(super) fn conn_output_grew(&mut self, index: u16, amount: usize, begins: bool) {
        if amount == 0 {
            return;
        }
        self.conn_post(index, action::SEND);
        if begins {
            self.conn_progress(index, Direction::Write);
        }
    }

    /// Bytes were taken out of the input ring, which may have been full.
    pub(super) fn conn_input_taken(&mut self, index: u16, was_full: bool) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        // A filter may wait for more room than there was.
        if was_full || slot.peer.as_conn().is_some() {
            self.conn_post(index, action::RECEIVE);
        }
        if was_full {
            self.conn_progress(index, Direction::Read);
        }
    }
}

/// Each piece of text is queued all or nothing; [`ConnMut::write_fmt`] queues the whole so.
impl<A> fmt::Write for ConnMut<'_, '_, A> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes()).map_err(|_| fmt::Error)
    }
}
