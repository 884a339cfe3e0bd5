//! Low and high marks: when callbacks run, and how much each ring may hold (libevent's watermarks).
//!
//! ```text
//!            low          high        size
//!  input   ───┼────────────┼───────────┤   below low: no callback; at high: the peer waits
//!  output  ───┼────────────┼───────────┤   at or below low: callback; at high: no more writes
//! ```
//!
//! The marks are in the [`Settings`] of a kind of connection, so they take no space in a slot. The functions that
//! return the length of a ring return the high mark, if the high mark is less than the length. So a ring is full when
//! it holds as many bytes as its high mark. [`wait_for_input`](ConnMut::wait_for_input) and
//! [`wait_for_room`](ConnMut::wait_for_room) store their amount in the slot.

use super::firing::due;
use super::{ConnMut, ConnSlot, Direction, Settings};
use crate::Cx;
use crate::error::SetupError;
use crate::outbox::action;
use crate::pool::{PoolId, Rings};
use crate::ring::Searched;

impl<A> ConnSlot<A> {
    /// Returns whether there is enough input for the `readable` callback.
    pub(super) fn has_input_wanted(&self) -> bool {
        let wanted = self.searched().awaited();
        let low = || self.settings().map_or(0, Settings::input_low);
        self.input.len() >= if wanted > 0 { wanted } else { low() }
    }
}

/// Marks.
impl<'s, A> ConnMut<'_, 's, A> {
    /// Makes [`Readable`](super::ConnEvent::Readable) wait until the input has `amount` bytes in total. If the input
    /// has `amount` bytes already, `Readable` is reported in the next pass. `amount` replaces the [low
    /// mark](super::Protocol::INPUT_LOW) until input is consumed, or until a method searches for an end of line.
    /// `amount` is limited to the size of the input ring and to 32,767.
    ///
    /// With an `amount` of 1, input below the low mark is reported too (`BEV_TRIG_IGNORE_WATERMARKS`).
    ///
    /// This example reads messages that begin with their length, one message in each callback:
    ///
    /// ```
    /// use picoevent::{ConnMut, Protocol};
    /// # struct App;
    /// struct Messages;
    ///
    /// impl Protocol<App> for Messages {
    ///     const INPUT_LOW: usize = 2;
    ///
    ///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
    ///         let mut length = [0; 2];
    ///         conn.copy_out(0, &mut length);
    ///         let whole = usize::from(u16::from_be_bytes(length)).saturating_add(2);
    ///         if whole > conn.marks(picoevent::Direction::Read).1 {
    ///             return conn.abort(); // It never fits.
    ///         }
    ///         let Some(message) = conn.contiguous(whole) else {
    ///             conn.wait_for_input(whole);
    ///             return;
    ///         };
    ///         let _ = &message[2..];
    ///         conn.consume(whole);
    ///         conn.read_again();
    ///     }
    /// }
    /// # let _ = <Messages as Protocol<App>>::ended;
    /// ```
    pub fn wait_for_input(&mut self, amount: usize) -> &mut Self {
        let (input, _) = self.ring_sizes();
        if let Some(slot) = self.slot_in_use() {
            slot.set_searched(Searched::awaiting(amount.clamp(1, input.max(1))));
        }
        self.read_again()
    }

    /// Reports [`Readable`](super::ConnEvent::Readable) again in the next pass, if input is left in the ring
    /// (`bufferevent_trigger`). A callback that reads one message at a time calls this method to let other callbacks
    /// run between two messages. If the input has fewer bytes than the low mark, `Readable` is reported when the input
    /// reaches the low mark.
    ///
    /// ```
    /// use picoevent::{ConnMut, Protocol};
    /// # struct App;
    /// struct Worker;
    ///
    /// impl Protocol<App> for Worker {
    ///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
    ///         let mut buffer = [0; 64];
    ///         if let Some(line) = conn.read_line(&mut buffer) {
    ///             if let Ok(_job) = line {
    ///                 // … a job that takes long …
    ///             }
    ///             conn.read_again();
    ///         }
    ///     }
    /// }
    /// # let _ = <Worker as Protocol<App>>::ended;
    /// ```
    pub fn read_again(&mut self) -> &mut Self {
        if self.slot_in_use().is_some_and(|slot| slot.input.len() > 0) {
            self.cx.conn_activate(self.conn.slot(), due::READ);
        }
        self
    }

    /// Reports [`Writable`](super::ConnEvent::Writable) in the next pass, if the number of unsent bytes is at most the
    /// [low mark](super::Protocol::OUTPUT_LOW) (`bufferevent_trigger` with `EV_WRITE`). Does nothing if more bytes are
    /// unsent; [`wait_for_room`](Self::wait_for_room) ignores the low mark. Use `write_again` to start a sequence of
    /// writes that the `writable` callback continues.
    ///
    /// ```
    /// use picoevent::{ConnMut, Protocol};
    /// # struct App { left: u32 }
    /// struct Countdown;
    ///
    /// impl Protocol<App> for Countdown {
    ///     fn opened(_: &mut App, conn: &mut ConnMut<App>) {
    ///         conn.write_again();
    ///     }
    ///
    ///     fn writable(app: &mut App, conn: &mut ConnMut<App>) {
    ///         while app.left > 0 && write!(conn, "{}\n", app.left).is_ok() {
    ///             app.left -= 1;
    ///         }
    ///     }
    ///
    ///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
    ///         conn.consume(usize::MAX);
    ///     }
    /// }
    /// # let _ = <Countdown as Protocol<App>>::ended;
    /// ```
    pub fn write_again(&mut self) -> &mut Self {
        let open = self.cx.tables.conns.get(self.conn).filter(|slot| !slot.is_finished());
        if open.is_some_and(|slot| slot.due_with_room(&self.cx.pools) & due::WRITE != 0) {
            self.cx.conn_activate(self.conn.slot(), due::WRITE);
        }
        self
    }

    /// Returns the low and the high mark of a direction (`bufferevent_getwatermark`). Without a high mark, the second
    /// value is the [length of the ring](Self::ring_sizes).
    pub fn marks(&self, direction: Direction) -> (usize, usize) {
        let (input, output) = self.ring_sizes();
        let low =
            self.slot().and_then(ConnSlot::settings).map(|settings| settings.marks(direction).0);
        (low.unwrap_or(0), if direction == Direction::Read { input } else { output })
    }

    /// Returns the connection's current settings, set at its start or by [`set_settings`](Self::set_settings). Returns
    /// `None` for a connection below a filter, and after the connection has ended.
    pub fn settings(&self) -> Option<&'static Settings> {
        self.slot().filter(|slot| slot.above().is_none())?.settings()
    }

    /// Replaces the connection's settings: its marks, its room for an answer and its timeouts, which restart. A due
    /// callback may wait because of the old [marks](Self::marks). If the new marks allow this callback, it runs in the
    /// next pass. The bytes in the rings are kept, and are moved to the beginning of the rings. This takes O(length of
    /// the rings). For a connection below a filter, and after the connection has ended, nothing changes.
    ///
    /// In this example a server slows a sender down (back-pressure), and later removes the limit:
    ///
    /// ```
    /// use picoevent::{ConnMut, Settings, SetupError};
    /// # struct App;
    /// static OPEN: Settings = Settings::new();
    /// static SLOWED: Settings = Settings::new().input_marks(1, 64);
    ///
    /// fn set_slow(conn: &mut ConnMut<App>, slow: bool) -> Result<(), SetupError> {
    ///     conn.set_settings(if slow { &SLOWED } else { &OPEN })
    /// }
    /// # let _ = set_slow;
    /// ```
    ///
    /// # Errors
    /// [`SetupError::Marks`], [`SetupError::Room`] and [`SetupError::Busy`] if the connection's rings are too short for
    /// the settings. [`SetupError::Marks`] is also returned if a ring holds more bytes than its new high mark. After an
    /// error nothing has changed.
    pub fn set_settings(&mut self, settings: &'static Settings) -> Result<(), SetupError> {
        let Some(slot) = self.slot().filter(|slot| slot.is_in_use() && slot.above().is_none())
        else {
            return Ok(());
        };
        self.cx.fits_pool(PoolId(slot.pool()), settings)?;
        let rings = Rings { settings: Some(settings), ..slot.rings() };
        let sizes = (self.cx.pools.input_len(rings), self.cx.pools.output_len(rings));
        if slot.input.len() > sizes.0 || slot.output.len() > sizes.1 {
            return Err(SetupError::Marks);
        }
        let before = slot.due_with_room(&self.cx.pools);
        let needs_less_room = slot.settings().is_some_and(|old| settings.room < old.room);
        self.cx.conn_align(self.conn.slot());
        if let Some(slot) = self.slot_in_use() {
            slot.set_settings(settings);
            if slot.searched().awaited() > 0 {
                slot.set_searched(Searched::NOTHING);
            }
        }
        let index = self.conn.slot();
        self.cx.conn_post(index, action::RECEIVE);
        self.cx.conn_restart_timeout(index, Direction::Read);
        self.cx.conn_restart_timeout(index, Direction::Write);
        self.cx.conn_restart_connect_timeout(index);
        // The input may have waited for the room of an answer.
        let Some(slot) = self.slot() else { return Ok(()) };
        let gained = slot.due_with_room(&self.cx.pools) & !before;
        let has_room = needs_less_room && gained & due::NEED_ANSWER_ROOM != 0;
        let readable = if has_room && slot.input.len() > 0 { due::READ } else { 0 };
        self.cx.conn_activate(index, readable);
        Ok(())
    }
}

impl<A> Cx<'_, A> {
    /// Moves the bytes of a connection's rings to the beginning of the rings, so that the length of the rings can
    /// change.
    pub(super) fn conn_align(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        let rings = slot.rings();
        slot.input.align(self.pools.input_mut(rings, index));
        slot.output.align(self.pools.output_mut(rings, index));
    }
}
