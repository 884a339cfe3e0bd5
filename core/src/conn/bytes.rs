//! Writes to a connection's output and reads of its input.

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
/// This example writes text, builds bytes directly in the ring, and writes as many bytes as fit:
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
    /// [`WriteError::Full`] if `data` does not fit now, [`WriteError::TooLong`] if `data` can never fit,
    /// [`WriteError::Finished`] if no more output can be sent. After an error nothing is queued.
    pub fn write(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.cx.longest_write.update(data.len());
        let (slot, storage) = self.output()?;
        slot.output.check_room(storage.len(), data.len())?;
        let amount = slot.output.write(storage, data);
        let begins = slot.begins_to_send(amount);
        self.cx.conn_output_grew(self.conn.slot(), amount, begins);
        Ok(())
    }

    /// Queues several byte slices for sending, one after the other: all of them or nothing (`evbuffer_add_iovec`).
    /// Returns the number of bytes queued.
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
    /// The same as for [`write`](Self::write), with the total length of `parts`.
    pub fn write_parts(&mut self, parts: &[&[u8]]) -> Result<usize, WriteError> {
        let length = length_of(parts);
        self.cx.longest_write.update(length);
        let (slot, storage) = self.output()?;
        slot.output.write_parts(storage, parts, length)?;
        let begins = slot.begins_to_send(length);
        self.cx.conn_output_grew(self.conn.slot(), length, begins);
        Ok(length)
    }

    /// Writes formatted text directly into the output ring. Queues the whole text or nothing.
    /// `write!(conn, "{value}\r\n")` calls this function, so you need not import a trait.
    ///
    /// # Errors
    /// The same as for [`write`](Self::write). A text that does not fit is formatted a second time, to find its length.
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), WriteError> {
        let (slot, storage) = self.output()?;
        match slot.output.write_fmt(storage, text) {
            Ok(amount) => {
                let begins = slot.begins_to_send(amount);
                self.cx.longest_write.update(amount);
                self.cx.conn_output_grew(self.conn.slot(), amount, begins);
                Ok(())
            }
            Err(length) => {
                let full = slot.output.full(storage.len(), length);
                self.cx.longest_write.update(length);
                Err(full)
            }
        }
    }

    /// Queues as much of `data` as fits. Returns the number of bytes queued: zero when no more output can be sent.
    pub fn write_some(&mut self, data: &[u8]) -> usize {
        let Ok((slot, storage)) = self.output() else { return 0 };
        let amount = slot.output.write(storage, data);
        let begins = slot.begins_to_send(amount);
        self.cx.conn_output_grew(self.conn.slot(), amount, begins);
        amount
    }

    /// Reserves `amount` contiguous bytes of room, calls `fill` to write into them, and queues as many bytes as `fill`
    /// returns (`evbuffer_reserve_space`, `evbuffer_commit_space`). Returns that number. O(size of the ring) if the
    /// room is not contiguous, because the output must then be moved.
    ///
    /// # Errors
    /// The same as for [`write`](Self::write), and [`WriteError::Unreserved`] if `fill` returns more than `amount`.
    /// After an error nothing is queued.
    pub fn write_with(
        &mut self,
        amount: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Result<usize, WriteError> {
        self.cx.longest_write.update(amount);
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

    /// Returns the number of bytes that can be written now; zero when no more output can be sent.
    pub fn room(&self) -> usize {
        let open = self.slot().filter(|slot| !slot.is_finished());
        open.map_or(0, |slot| {
            self.cx.pools.output_len(slot.rings()).saturating_sub(slot.output.len())
        })
    }

    /// Reports [`Writable`](super::ConnEvent::Writable) once, as soon as `room` bytes can be written. If there is
    /// enough room already, `Writable` is reported in the next pass. `room` is limited to the size of the output ring
    /// and to 65,535.
    ///
    /// This example sends a list that is longer than the ring:
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
        if let Some(slot) = self.slot_in_use().filter(|slot| !slot.is_finished()) {
            slot.set_room_wanted(room.clamp(1, size.max(1)));
            self.write_again();
        }
        self
    }

    /// Returns the number of bytes written and not yet sent, including [static bytes](Self::write_static).
    pub fn output_len(&self) -> usize {
        self.slot().map_or(0, |slot| self.cx.statics.unsent(self.conn, slot.output.len()))
    }

    /// Returns the connection's slot and the storage of the connection's output ring. Returns an error if no more
    /// output can be sent.
    pub(super) fn output(&mut self) -> Result<(&mut ConnSlot<A>, &mut [u8]), WriteError> {
        let open = self.cx.tables.conns.get_mut(self.conn).filter(|slot| !slot.is_finished());
        let slot = open.ok_or(WriteError::Finished)?;
        let storage = self.cx.pools.output_mut(slot.rings(), self.conn.slot());
        Ok((slot, storage))
    }

    /// Half-closes the connection: the end of the stream is sent after the output. Reading continues.
    pub fn finish(&mut self) {
        if let Some(slot) = self.slot_in_use() {
            slot.node.set(flag::FINISHED, true);
            // A filter that waits for more bytes than are left in the output is called again, because it fails now.
            let is_in_memory = slot.peer.as_conn().is_some();
            self.cx.conn_go_on_ending(self.conn.slot());
            if is_in_memory {
                self.cx.conn_post(self.conn.slot(), action::SEND);
            }
        }
    }
}

/// Input.
///
/// This example reads messages that begin with their length in four bytes:
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

    /// Returns the bytes received and not yet consumed, oldest first. The second slice follows the first.
    pub fn peek(&self) -> (&[u8], &[u8]) {
        let (ring, storage) = self.input();
        ring.bytes(storage)
    }

    /// Returns the input from `offset` on; empty slices if `offset` is beyond the end.
    pub fn peek_from(&self, offset: usize) -> (&[u8], &[u8]) {
        let (ring, storage) = self.input();
        ring.rest(storage.len(), offset).bytes(storage)
    }

    /// Copies up to `target.len()` bytes of input, from `offset` on, into `target`. Returns the number of bytes copied.
    pub fn copy_out(&self, offset: usize, target: &mut [u8]) -> usize {
        let (ring, storage) = self.input();
        ring.rest(storage.len(), offset).copy_out(storage, target)
    }

    /// Returns the oldest `amount` bytes as one slice (`evbuffer_pullup`); `None` if the input has fewer bytes. O(size
    /// of the ring) if these bytes are not contiguous, because they must then be moved.
    pub fn contiguous(&mut self, amount: usize) -> Option<&mut [u8]> {
        let slot = self.cx.tables.conns.get_mut(self.conn)?;
        if slot.searched().awaited() == 0 {
            // The caller may change the bytes, so they must be searched again.
            slot.set_searched(Searched::NOTHING);
        }
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

    /// Puts all of `data` before the oldest byte of the input, or nothing. Use it to put back bytes that were read too
    /// early. The method does not cause a [`Readable`](super::ConnEvent::Readable) event; call
    /// [`read_again`](Self::read_again) to request the event.
    ///
    /// # Errors
    /// [`WriteError::Full`] if the input ring has no room now, [`WriteError::TooLong`] if `data` is longer than the
    /// ring, [`WriteError::Finished`] before the connection is open and after it was closed.
    pub fn prepend(&mut self, data: &[u8]) -> Result<(), WriteError> {
        let open = self.cx.tables.conns.get_mut(self.conn);
        let open = open.filter(|slot| slot.is_readable() && !slot.has(flag::RESTING));
        let slot = open.ok_or(WriteError::Finished)?;
        slot.input.prepend(self.cx.pools.input_mut(slot.rings(), self.conn.slot()), data)?;
        if !data.is_empty() {
            slot.set_searched(Searched::NOTHING);
        }
        Ok(())
    }

    /// Returns the offset in the input at which `needle` first occurs completely; 0 for an empty needle.
    pub fn find(&self, needle: &[u8]) -> Option<usize> {
        let (ring, storage) = self.input();
        ring.find(storage, needle)
    }

    /// Returns the offset at which `needle` first occurs completely within a range of offsets, for example `5..` or
    /// `..64` (`evbuffer_search_range`). `None` for a range that is reversed or starts beyond the end of the input. The
    /// end of the range is limited to the end of the input.
    pub fn find_in(&self, needle: &[u8], range: impl RangeBounds<usize>) -> Option<usize> {
        let (ring, storage) = self.input();
        ring.find_in(storage, needle, offsets(range, ring.len()))
    }

    /// Returns the position of the first end-of-line sequence (`evbuffer_search_eol`), as a range of offsets: the line
    /// ends at the start of the range, and the next line begins at the end of the range. A line may arrive in several
    /// parts. The first 8,191 bytes are not searched twice if each call searches for the same `eol`.
    pub fn find_eol(&mut self, eol: Eol) -> Option<Range<usize>> {
        self.with_input(|ring, storage, lines| ring.find_eol(storage, eol, &mut lines.searched))?
    }

    /// Returns whether no more input will arrive.
    #[cfg(feature = "embedded-io")]
    pub(crate) fn is_input_over(&self) -> bool {
        self.slot().is_none_or(|slot| slot.has(flag::EOF) || slot.is_finished() && !slot.is_open())
    }

    /// Returns the input ring and its storage; both are empty after the connection has ended.
    pub(super) fn input(&self) -> (Ring, &[u8]) {
        self.slot().map_or((Ring::EMPTY, &[]), |slot| {
            (slot.input, self.cx.pools.input(slot.rings(), self.conn.slot()))
        })
    }

    /// Removes bytes from the input. Returns their number.
    pub(super) fn take(&mut self, take: impl FnOnce(&mut Ring, &[u8]) -> usize) -> usize {
        let Some(slot) = self.cx.tables.conns.get_mut(self.conn) else { return 0 };
        let storage = self.cx.pools.input(slot.rings(), self.conn.slot());
        let was_full = slot.input.len() == storage.len();
        let amount = take(&mut slot.input, storage);
        if amount > 0 {
            slot.set_searched(Searched::NOTHING);
            self.cx.conn_input_taken(self.conn.slot(), was_full);
        }
        amount
    }

    /// Runs `work` on the input. `work` may remove lines from the input. Returns `None` after the
    /// connection has ended.
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
    /// Returns whether the output consists only of the `amount` bytes that were just written. In this case the write
    /// timeout starts now.
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
            self.conn_restart_timeout(index, Direction::Write);
        }
    }

    /// Requests more input after bytes were removed from the input ring. `was_full` is true if the ring was full before
    /// the bytes were removed.
    pub(super) fn conn_input_taken(&mut self, index: u16, was_full: bool) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        // A filter may have stopped although the ring was not full, because the next bytes that the filter produces
        // need more room than was left. So the filter must be called again.
        if was_full || slot.peer.as_conn().is_some() {
            self.conn_post(index, action::RECEIVE);
        }
        if was_full {
            self.conn_restart_timeout(index, Direction::Read);
        }
    }
}

/// Each call of `write_str` queues its string completely or not at all. A formatted text can need several calls. So
/// after an error a part of the text can be in the queue. [`ConnMut::write_fmt`] queues the whole text or nothing.
impl<A> fmt::Write for ConnMut<'_, '_, A> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes()).map_err(|_| fmt::Error)
    }
}
