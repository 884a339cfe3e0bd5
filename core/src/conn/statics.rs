//! Static bytes in a connection's output, for example a web page in flash. They are sent without a copy.
//!
//! ```text
//!  output ring   ┌───┬───┬───┬───┬───┬───┬───┐
//!                │ a │ b │ ▪ │ c │ d │ e │   │      sent: a b, the page, c d e
//!                └───┴───┴───┴───┴───┴───┴───┘
//!  static slots    conn, offset: 2, data: the page  ▪ one byte of the ring stands for the page
//! ```
//!
//! The connection's slot stores nothing about static bytes. Each unsent static slice is represented by one byte in the
//! ring. So the output ring is not empty before the slice is sent, and the code for the end of the stream, for timeouts
//! and for callbacks needs no special case. The back end gets the output in parts: the bytes of the ring before the
//! byte that represents the slice, then the slice, then the bytes of the ring after that byte.
//!
//! Each unsent slice has a static slot ([`StaticSlot`]). The slots in use are stored without gaps, in the order of the
//! writes. Finding a slot takes O(slots). If a connection's output was discarded, its static slots are stale and are
//! reused.

use super::ConnMut;
use crate::error::{SetupError, WriteError};
use crate::handle::Conn;
use crate::outbox::action;
use crate::ring::Count;
use crate::{Cx, Direction};

/// The slot of one unsent static slice; see [`Cx::set_static_slots`].
#[derive(Clone, Copy)]
pub struct StaticSlot {
    conn: Conn,
    /// The offset in the output ring of the byte that represents the slice.
    offset: Count,
    /// The unsent part of the slice; `None` in a free slot.
    data: Option<&'static [u8]>,
}

impl StaticSlot {
    /// Makes a free slot.
    pub const fn new() -> Self {
        Self { conn: Conn::UNSET, offset: 0, data: None }
    }

    fn is_of(&self, conn: Conn) -> bool {
        self.data.is_some() && self.conn == conn
    }
}

impl Default for StaticSlot {
    fn default() -> Self {
        Self::new()
    }
}

/// The slots for the unsent static slices of all connections.
pub(crate) struct Statics<'s>(&'s mut [StaticSlot]);

impl Statics<'_> {
    pub(crate) const fn new() -> Self {
        Self(&mut [])
    }

    /// Returns the number of unsent bytes of a connection, including static bytes. `ring_len` is the number of bytes in
    /// its output ring.
    pub(super) fn unsent(&self, conn: Conn, ring_len: usize) -> usize {
        if ring_len == 0 {
            return 0;
        }
        let slots = self.0.iter().filter(|slot| slot.is_of(conn));
        let lengths = slots.map(|slot| slot.data.map_or(0, <[u8]>::len).saturating_sub(1));
        lengths.fold(ring_len, usize::saturating_add)
    }

    /// Frees the slots for which `is_freeable` returns true. The other slots stay in order, without gaps.
    fn release(&mut self, mut is_freeable: impl FnMut(&StaticSlot) -> bool) {
        let mut kept = 0_usize;
        for index in 0..self.0.len() {
            let slot = self.0.get_mut(index).map(core::mem::take).unwrap_or_default();
            if slot.data.is_some() && !is_freeable(&slot) {
                if let Some(target) = self.0.get_mut(kept) {
                    *target = slot;
                }
                kept = kept.wrapping_add(1);
            }
        }
    }
}

/// Static bytes.
impl<A> ConnMut<'_, '_, A> {
    /// Queues `data` for sending without a copy (`evbuffer_add_reference`). So a page in flash takes no space in RAM,
    /// and may be longer than the output ring. Static bytes and other output are sent in the order in which they were
    /// written.
    ///
    /// Until `data` is sent, it takes one byte of the output ring and one slot of [`Cx::set_static_slots`]. The
    /// [marks](Self::marks) of the output count the bytes in the ring, so they count `data` as one byte.
    ///
    /// ```
    /// use picoevent::{ConnMut, WriteError};
    /// # struct App;
    /// static PAGE: &[u8] = b"<!doctype html><title>Boiler</title><p>It is warm.";
    ///
    /// fn answer(conn: &mut ConnMut<App>) -> Result<(), WriteError> {
    ///     write!(conn, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", PAGE.len())?;
    ///     conn.write_static(PAGE)?;
    ///     conn.close(); // When all is sent.
    ///     Ok(())
    /// }
    /// # let _ = answer;
    /// ```
    ///
    /// # Errors
    /// [`WriteError::Full`] if the output ring is full, [`WriteError::Statics`] if no slot for static bytes is free,
    /// [`WriteError::Finished`] if no more output can be sent. After an error nothing is queued.
    pub fn write_static(&mut self, data: &'static [u8]) -> Result<(), WriteError> {
        let (slot, storage) = self.output()?;
        if data.is_empty() {
            return Ok(());
        }
        let offset = slot.output.len();
        slot.output.check_room(storage.len(), 1)?;
        self.cx.release_statics();
        let mut slots = self.cx.statics.0.iter_mut();
        let free = slots.find(|slot| slot.data.is_none()).ok_or(WriteError::Statics)?;
        *free = StaticSlot { conn: self.conn, offset: offset as Count, data: Some(data) };
        self.write_some(&[0]);
        Ok(())
    }
}

impl<'s, A> Cx<'s, A> {
    /// Sets the slots for unsent static bytes. Can be called once. Each call of
    /// [`write_static`](ConnMut::write_static), for any connection, takes one slot until its bytes are sent. Writing
    /// and sending static bytes takes O(slots). A base without slots cannot send static bytes.
    ///
    /// ```
    /// use picoevent::memory::StaticSlot;
    /// use picoevent::{EventBase, SetupError, Storage};
    /// # struct App;
    /// let mut storage = Storage::<App, 4, 4, 4096>::new();
    /// let mut pages = [StaticSlot::new(); 4];
    /// let mut base = EventBase::new(&mut storage);
    /// base.set_static_slots(&mut pages)?;
    /// # Ok::<(), SetupError>(())
    /// ```
    ///
    /// # Errors
    /// [`SetupError::Statics`] if the base already has slots for static bytes.
    pub fn set_static_slots(&mut self, slots: &'s mut [StaticSlot]) -> Result<(), SetupError> {
        if !self.statics.0.is_empty() {
            return Err(SetupError::Statics);
        }
        slots.fill(StaticSlot::new());
        self.statics = Statics(slots);
        self.hooks.static_output = Some(|cx, conn, skipped| cx.static_output(conn, skipped));
        self.hooks.static_sent = Some(|cx, conn, amount| cx.static_sent(conn, amount));
        Ok(())
    }

    /// Returns the part of a connection's output that follows the first `skipped` bytes: static bytes, or the bytes
    /// before the next static bytes.
    fn static_output(&self, conn: Conn, skipped: usize) -> (&[u8], &[u8]) {
        let Some(slot) = self.tables.conns.get(conn) else { return Default::default() };
        let storage = self.pools.output(slot.rings(), conn.slot());
        let (mut from, mut skipped) = (0_usize, skipped);
        for StaticSlot { offset, data, .. } in self.statics.0.iter().filter(|slot| slot.is_of(conn))
        {
            let (offset, data) = (*offset as usize, data.unwrap_or_default());
            let before = offset.saturating_sub(from);
            if skipped < before {
                let before = slot.output.part(storage.len(), from.saturating_add(skipped)..offset);
                return before.map_or((&[], &[]), |before| before.bytes(storage));
            }
            skipped = skipped.saturating_sub(before);
            if skipped < data.len() {
                return (data.get(skipped..).unwrap_or_default(), &[]);
            }
            skipped = skipped.saturating_sub(data.len());
            from = offset.saturating_add(1);
        }
        slot.output.rest(storage.len(), from.saturating_add(skipped)).bytes(storage)
    }

    /// Records that the back end has sent `amount` bytes of the part that `static_output` returns. Returns the number
    /// of bytes to remove from the ring.
    fn static_sent(&mut self, conn: Conn, amount: usize) -> usize {
        let index = conn.slot();
        if self.tables.conns.get(conn).is_none_or(|slot| slot.output.len() == 0) {
            // The connection's output was discarded.
            self.statics.release(|slot| slot.conn == conn);
            return 0;
        }
        let mut slots = self.statics.0.iter_mut().filter(|slot| slot.is_of(conn));
        let Some(first) = slots.next().filter(|_| amount > 0) else { return amount };
        let amount = match first.offset {
            0 => {
                let unsent = first.data.and_then(|data| data.get(amount..));
                first.data = unsent.filter(|unsent| !unsent.is_empty());
                if first.data.is_some() {
                    // The limit for a closed connection is fixed: sending output does not prolong it.
                    if self.tables.conns.get(conn).is_some_and(|slot| slot.is_in_use()) {
                        self.conn_restart_timeout(index, Direction::Write);
                    }
                    return 0;
                }
                1
            }
            offset => amount.min(offset as usize),
        };
        for slot in slots {
            slot.offset = slot.offset.saturating_sub(amount as Count);
        }
        first.offset = first.offset.saturating_sub(amount as Count);
        self.statics.release(|_| false);
        // `static_output` has returned only one part of the output. So the back end is requested to send the next part.
        self.conn_post(index, action::SEND);
        amount
    }

    /// Frees the slots of connections that have ended or whose output was discarded.
    fn release_statics(&mut self) {
        let Self { statics, tables, .. } = self;
        statics.release(|slot| {
            tables.conns.get(slot.conn).is_none_or(|conn| {
                let is_over = !conn.is_in_use() && conn.is_over();
                is_over || conn.output.len() <= slot.offset as usize
            })
        });
    }
}
