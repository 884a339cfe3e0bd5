//! Marks: how much input a callback waits for, and how much each ring may hold.
//!
//! ```text
//!            low          high        size
//!  input   ───┼────────────┼───────────┤   less than low: no callback; at high the peer waits
//!  output  ───┼────────────┼───────────┤   low at most: a callback; at high nothing more is written
//! ```
//!
//! The marks stand in the [`Settings`] of a kind of connections, so they take no room in a slot. A high mark makes the
//! ring shorter: all that looks at its length follows. What a callback waits for once,
//! [input](ConnMut::wait_for_input) or [room](ConnMut::wait_for_room), is the connection's own.

use super::firing::due;
use super::slot::flag;
use super::{ConnMut, ConnSlot, Direction, Settings};
use crate::Cx;
use crate::error::SetupError;
use crate::outbox::action;
use crate::pool::{PoolId, Rings};
use crate::ring::Searched;

impl<A> ConnSlot<A> {
    /// Returns whether there is as much input as the callback for it waits for.
    pub(super) fn has_input_wanted(&self) -> bool {
        let wanted = self.searched().awaited();
        let low = || self.settings().map_or(0, Settings::input_low);
        self.input.len() >= if wanted > 0 { wanted } else { low() }
    }
}

/// Marks.
impl<'s, A> ConnMut<'_, 's, A> {
    /// Makes [`Readable`](super::ConnEvent::Readable) wait for `amount` bytes of input in all; in the next pass it is reported, if
    /// they are there. Replaces the [low mark](super::Protocol::INPUT_LOW) until input is taken, or the end of a line is
    /// looked for. More than the input ring holds means a full ring, more than 32,767 bytes mean that.
    ///
    /// With 1, it reports input that the low mark holds back (`BEV_TRIG_IGNORE_WATERMARKS`).
    ///
    /// Messages behind their length, one callback for each:
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
        if let Some(slot) = self.held_mut() {
            slot.set_searched(Searched::awaiting(amount.clamp(1, input.max(1))));
        }
        self.read_again()
    }

    /// Reports [`Readable`](super::ConnEvent::Readable) again in the next pass, if input is left in the ring
    /// (`bufferevent_trigger`): for a callback that takes one message at a time, so that others run between
    /// two messages. With less input than the low mark it waits for that.
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
            self.cx.conn_activate(self.conn.slot(), due::READ);
        }
        self
    }

    /// Reports [`Writable`](super::ConnEvent::Writable) again in the next pass, if no more output is left than the
    /// [low mark](super::Protocol::OUTPUT_LOW) (`bufferevent_trigger` with `EV_WRITE`): to begin what that callback goes on
    /// with. [`wait_for_room`](Self::wait_for_room) does not look at the low mark.
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
        if open.is_some_and(|slot| slot.has_room_for(&self.cx.pools) & due::WRITE != 0) {
            self.cx.conn_activate(self.conn.slot(), due::WRITE);
        }
        self
    }

    /// Returns the low and the high mark of a direction (`bufferevent_getwatermark`): the high one is the
    /// [length of the ring](Self::ring_sizes), if there is none.
    pub fn marks(&self, direction: Direction) -> (usize, usize) {
        let (input, output) = self.ring_sizes();
        let low =
            self.slot().and_then(ConnSlot::settings).map(|settings| settings.marks(direction).0);
        (low.unwrap_or(0), if direction == Direction::Read { input } else { output })
    }

    /// Returns what the connection began with, or was [given](Self::set_settings) since; `None` below a filter, and
    /// after the end.
    pub fn settings(&self) -> Option<&'static Settings> {
        self.slot().filter(|slot| slot.above().is_none())?.settings()
    }

    /// Gives the connection other settings: other marks, another room for an answer, and other timeouts, which start again.
    /// What the [marks](Self::marks) held back and do not any more is reported in the next pass. The bytes in the
    /// rings stay; they are moved to the beginning, O(length of the rings). Nothing changes below a filter, and
    /// after the end.
    ///
    /// A server that holds a slow sender back, until its report is written:
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
    /// [`SetupError::Marks`], [`SetupError::Room`] and [`SetupError::Busy`] when the connection's rings are too short for
    /// them, and [`SetupError::Marks`] when a ring holds more now than its new high mark. Nothing has changed then.
    pub fn set_settings(&mut self, settings: &'static Settings) -> Result<(), SetupError> {
        let Some(slot) = self.slot().filter(|slot| slot.is_held() && slot.above().is_none()) else {
            return Ok(());
        };
        self.cx.fits_pool(PoolId(slot.pool()), settings)?;
        let rings = Rings { settings: Some(settings), ..slot.rings() };
        let sizes = (self.cx.pools.input_len(rings), self.cx.pools.output_len(rings));
        if slot.input.len() > sizes.0 || slot.output.len() > sizes.1 {
            return Err(SetupError::Marks);
        }
        self.cx.conn_align(self.conn.slot());
        if let Some(slot) = self.held_mut() {
            slot.set_settings(settings);
            if slot.searched().awaited() > 0 {
                slot.set_searched(Searched::NOTHING);
            }
        }
        let index = self.conn.slot();
        self.cx.conn_post(index, action::RECEIVE);
        self.cx.conn_progress(index, Direction::Read);
        self.cx.conn_progress(index, Direction::Write);
        self.cx.conn_connect_timeout(index);
        self.cx.conn_activate(index, 0);
        Ok(())
    }
}

impl<A> Cx<'_, A> {
    /// Moves the bytes in the rings of the connection in a slot to their beginning, so that the rings may become longer or
    /// shorter.
    pub(super) fn conn_align(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        let rings = slot.rings();
        slot.input.align(self.pools.input_mut(rings, index));
        slot.output.align(self.pools.output_mut(rings, index));
    }

    /// Lets the timeout for connecting begin, if the connection in a slot is connecting.
    pub(super) fn conn_connect_timeout(&mut self, index: u16) {
        let now = self.now;
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if !slot.has(flag::OPEN | flag::CLOSING | flag::RELEASED) {
            slot.last = [now; 2];
            self.conn_arm(index);
        }
    }
}
