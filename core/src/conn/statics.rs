//! Static bytes in a connection's output: sent from where they are, a page in flash for instance.
//!
//! ```text
//!  output ring   ┌───┬───┬───┬───┬───┬───┬───┐
//!                │ a │ b │ ▪ │ c │ d │ e │   │      sent: a b, the page, c d e
//!                └───┴───┴───┴───┴───┴───┴───┘
//!  static slots    conn, at: 2, bytes: the page     ▪ one byte of the ring stands for the page
//! ```
//!
//! So a connection's slot knows nothing of static bytes, and unsent ones are unsent output for all that
//! looks at the ring: the end of the stream, timeouts, callbacks. The back end gets the output part by part:
//! the ring up to the place, then the static bytes, then the ring from there on.
//!
//! The slots are kept without gaps, in the order of the writes. Finding one is O(slots). A slot whose
//! connection has lost its output is stale, and is used again.

use super::ConnMut;
use crate::error::{SetupError, WriteError};
use crate::handle::Conn;
use crate::outbox::action;
use crate::ring::Count;
use crate::{Cx, Direction};

/// Room for one piece of static bytes that waits to be sent; see [`Cx::set_static_slots`].
#[derive(Clone, Copy)]
pub struct StaticSlot {
    conn: Conn,
    /// The offset in the output ring of the byte that stands for the piece.
    at: Count,
    /// What is unsent of the piece; a free slot has none.
    data: Option<&'static [u8]>,
}

impl StaticSlot {
    /// Makes a free slot.
    pub const fn new() -> Self {
        Self { conn: Conn::UNSET, at: 0, data: None }
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

/// The static pieces of all connections that wait to be sent.
pub(crate) struct Statics<'s>(&'s mut [StaticSlot]);

impl Statics<'_> {
    pub(crate) const fn new() -> Self {
        Self(&mut [])
    }

    /// Returns the first piece of a connection that is unsent.
    fn first(&self, conn: Conn) -> Option<&StaticSlot> {
        self.0.iter().find(|slot| slot.is_of(conn))
    }

    /// Returns the number of unsent bytes of a connection whose output ring holds `held`.
    pub(super) fn unsent(&self, conn: Conn, held: usize) -> usize {
        if held == 0 {
            return 0;
        }
        let pieces = self.0.iter().filter(|slot| slot.is_of(conn));
        let lengths = pieces.map(|slot| slot.data.map_or(0, <[u8]>::len).saturating_sub(1));
        lengths.fold(held, usize::saturating_add)
    }

    /// Frees the slots for which `is_free` holds. The others stay in order, without gaps.
    fn release(&mut self, mut is_free: impl FnMut(&StaticSlot) -> bool) {
        let mut kept = 0_usize;
        for at in 0..self.0.len() {
            let slot = self.0.get_mut(at).map(core::mem::take).unwrap_or_default();
            if slot.data.is_some() && !is_free(&slot) {
                if let Some(place) = self.0.get_mut(kept) {
                    *place = slot;
                }
                kept = kept.wrapping_add(1);
            }
        }
    }
}

/// Static bytes.
impl<A> ConnMut<'_, '_, A> {
    /// Queues all of `data` for sending (`evbuffer_add_reference`), from where it is: a page in flash takes no
    /// room in RAM, and may be longer than the output ring. It is sent in its place, behind what was written
    /// before and before what is written after.
    ///
    /// It takes one byte of the output ring, and one of the slots that [`Cx::set_static_slots`] gave the
    /// base, until it is sent.
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
    /// [`WriteError::Full`] when the ring has no byte of room, [`WriteError::Statics`] when no slot is
    /// free, [`WriteError::Finished`] when no more can be sent. Nothing was taken then.
    pub fn write_static(&mut self, data: &'static [u8]) -> Result<(), WriteError> {
        let (slot, storage) = self.output()?;
        if data.is_empty() {
            return Ok(());
        }
        let at = slot.output.len();
        slot.output.check_room(storage.len(), 1)?;
        self.cx.release_statics();
        let mut slots = self.cx.statics.0.iter_mut();
        let free = slots.find(|slot| slot.data.is_none()).ok_or(WriteError::Statics)?;
        *free = StaticSlot { conn: self.conn, at: at as Count, data: Some(data) };
        self.write_some(&[0]);
        Ok(())
    }
}

impl<'s, A> Cx<'s, A> {
    /// Gives the base room for static bytes that wait to be sent, once: one slot for each
    /// [`write_static`](ConnMut::write_static) that is not sent yet, of all connections together. Writing and
    /// sending them takes O(slots). A base without has room for none.
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
    /// [`SetupError::Statics`] when it has some already.
    pub fn set_static_slots(&mut self, slots: &'s mut [StaticSlot]) -> Result<(), SetupError> {
        if !self.statics.0.is_empty() {
            return Err(SetupError::Statics);
        }
        slots.fill(StaticSlot::new());
        self.statics = Statics(slots);
        self.hooks.static_output = Some(|cx, conn| cx.static_output(conn));
        self.hooks.static_sent = Some(|cx, conn, amount| cx.static_sent(conn, amount));
        Ok(())
    }

    /// Returns the next part of a connection's output: static bytes, or those before them.
    fn static_output(&self, conn: Conn) -> (&[u8], &[u8]) {
        let Some(slot) = self.tables.conns.get(conn) else { return Default::default() };
        let storage = self.pools.output(slot.rings(), conn.slot());
        match self.statics.first(conn) {
            Some(StaticSlot { at: 0, data: Some(data), .. }) => (data, &[]),
            Some(StaticSlot { at, .. }) => {
                let before = slot.output.part(storage.len(), 0..*at as usize);
                before.map_or((&[], &[]), |before| before.bytes(storage))
            }
            None => slot.output.bytes(storage),
        }
    }

    /// Counts bytes of that part as sent. Returns how many bytes leave the ring.
    fn static_sent(&mut self, conn: Conn, amount: usize) -> usize {
        let index = conn.slot();
        if self.tables.conns.get(conn).is_none_or(|slot| slot.output.len() == 0) {
            // It has lost its output.
            self.statics.release(|slot| slot.conn == conn);
            return 0;
        }
        let mut pieces = self.statics.0.iter_mut().filter(|slot| slot.is_of(conn));
        let Some(first) = pieces.next().filter(|_| amount > 0) else { return amount };
        let amount = match first.at {
            0 => {
                let unsent = first.data.and_then(|data| data.get(amount..));
                first.data = unsent.filter(|unsent| !unsent.is_empty());
                if first.data.is_some() {
                    self.conn_progress(index, Direction::Write);
                    return 0;
                }
                1
            }
            at => amount.min(at as usize),
        };
        for piece in pieces {
            piece.at = piece.at.saturating_sub(amount as Count);
        }
        first.at = first.at.saturating_sub(amount as Count);
        self.statics.release(|_| false);
        // The back end got a part of the output only.
        self.conn_post(index, action::SEND);
        amount
    }

    /// Frees the slots of connections that have ended, or lost their output.
    fn release_statics(&mut self) {
        let Self { statics, tables, .. } = self;
        statics.release(|slot| {
            tables.conns.get(slot.conn).is_none_or(|conn| {
                let is_over = !conn.is_held() && conn.is_over();
                is_over || conn.output.len() <= slot.at as usize
            })
        });
    }
}
