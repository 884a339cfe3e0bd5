//! What an application does with a connection, except for its bytes.

use core::net::SocketAddr;
use core::time::Duration;

use super::slot::flag;
use super::{ConnSlot, Direction, Tuning};
use crate::error::{Code, StaleError, StillActiveError};
use crate::handle::{Conn, Listener};
use crate::outbox::action;
use crate::pool::PoolId;
use crate::time::{duration_of, millis};
use crate::{ConnError, Cx, Priority};

/// One connection, borrowed from the loop: its verbs.
///
/// A callback gets it for the connection it is about; [`Cx::conn`] makes it from a handle. Every verb
/// checks that the connection still exists. After its end, which another verb may have brought about,
/// verbs change nothing, and return zero, `None` or an error.
///
/// A button that sends a line to a connection whose handle the application has kept:
///
/// ```
/// use picoevent::{Conn, EventMut};
///
/// struct App {
///     uplink: Option<Conn>,
/// }
///
/// fn pressed(app: &mut App, event: &mut EventMut<App>) {
///     // It may be gone, or at rest.
///     if let Some(Ok(mut uplink)) = app.uplink.map(|uplink| event.conn(uplink))
///         && uplink.is_open()
///     {
///         let _ = uplink.write(b"pressed\n");
///     }
/// }
/// # let _ = pressed;
/// ```
pub struct ConnMut<'c, 's, A> {
    pub(super) cx: &'c mut Cx<'s, A>,
    pub(super) conn: Conn,
}

impl<'s, A> Cx<'s, A> {
    /// Returns the connection's verbs.
    ///
    /// # Errors
    /// [`StaleError`] when the connection has ended, or was closed or aborted, and does not connect again.
    pub fn conn(&mut self, conn: Conn) -> Result<ConnMut<'_, 's, A>, StaleError> {
        let slot = self.tables.conns.get(conn).ok_or(StaleError)?;
        if !slot.is_held() && !slot.has(flag::RECONNECTS) {
            return Err(StaleError);
        }
        Ok(ConnMut { cx: self, conn })
    }
}

impl<'c, 's, A> ConnMut<'c, 's, A> {
    pub(crate) const fn new(cx: &'c mut Cx<'s, A>, conn: Conn) -> Self {
        Self { cx, conn }
    }

    /// Returns the connection's handle, for keeping.
    pub const fn id(&self) -> Conn {
        self.conn
    }

    /// Returns the rest of the loop.
    pub const fn cx(&mut self) -> &mut Cx<'s, A> {
        self.cx
    }
}

/// Settings.
impl<A> ConnMut<'_, '_, A> {
    /// Returns whether the connection is established, and neither closed nor failed.
    pub fn is_open(&self) -> bool {
        self.slot().is_some_and(ConnSlot::is_open)
    }

    /// Enables a direction. Both are enabled when the connection opens.
    pub fn enable(&mut self, direction: Direction) -> &mut Self {
        let Some(slot) = self.held_mut() else { return self };
        slot.enable(direction);
        let index = self.conn.slot();
        let moves = match direction {
            Direction::Read => action::RECEIVE,
            Direction::Write => action::SEND,
        };
        self.cx.conn_post(index, moves);
        self.cx.conn_progress(index, direction);
        self.cx.conn_activate(index, 0);
        self
    }

    /// Disables a direction; the rings keep their bytes. Due callbacks of the direction wait until it is
    /// enabled again, except a timeout, which is taken back.
    pub fn disable(&mut self, direction: Direction) -> &mut Self {
        self.change(|slot| slot.disable(direction))
    }

    /// Returns whether a direction is enabled (`bufferevent_get_enabled`).
    pub fn is_enabled(&self, direction: Direction) -> bool {
        self.slot().is_some_and(|slot| {
            slot.has(match direction {
                Direction::Read => flag::READ_ENABLED,
                Direction::Write => flag::WRITE_ENABLED,
            })
        })
    }

    /// Sets how long no input may arrive (`read`), and how long waiting output may make no progress
    /// (`write`, which also bounds a connect without a [timeout of its own](super::Settings::connect)), before [`ConnEvent::Timeout`](super::ConnEvent::Timeout).
    /// `None` and zero mean no timeout. In whole milliseconds, rounded up; 49 days at most.
    pub fn set_timeouts(&mut self, read: Option<Duration>, write: Option<Duration>) -> &mut Self {
        let (read, write) = (read.map_or(0, millis), write.map_or(0, millis));
        self.change_timeouts(|timeouts| *timeouts = [read, write])
    }

    /// Sets how long no input may arrive; see [`set_timeouts`](Self::set_timeouts). The timeout for writing
    /// stays.
    pub fn set_idle(&mut self, idle: Option<Duration>) -> &mut Self {
        let idle = idle.map_or(0, millis);
        self.change_timeouts(|[read, _]| *read = idle)
    }

    /// Changes the timeouts and restarts them. A connection below a filter has none.
    fn change_timeouts(&mut self, change: impl FnOnce(&mut [u32; 2])) -> &mut Self {
        if let Some(slot) = self.held_mut().filter(|slot| slot.above().is_none()) {
            change(&mut slot.timeouts);
            self.cx.conn_progress(self.conn.slot(), Direction::Read);
            self.cx.conn_progress(self.conn.slot(), Direction::Write);
        }
        self
    }

    /// Returns the timeouts for reading and writing (`bufferevent_get_timeouts`), `None` where there
    /// is none.
    pub fn timeouts(&self) -> (Option<Duration>, Option<Duration>) {
        let [read, write] = self.slot().map_or([0; 2], |slot| slot.timeouts);
        (duration_of(read), duration_of(write))
    }

    /// Sets the priority of the connection's callbacks.
    ///
    /// # Errors
    /// [`StillActiveError`] while a callback is due.
    pub fn set_priority(&mut self, priority: Priority) -> Result<(), StillActiveError> {
        self.held_mut().map_or(Ok(()), |slot| slot.turn.set_priority(priority))
    }

    /// Returns the priority of the connection's callbacks (`bufferevent_get_priority`).
    pub fn priority(&self) -> Priority {
        self.slot().map_or(Priority::DEFAULT, |slot| slot.turn.priority())
    }

    /// Returns the direction that found why the connection has [failed](super::ConnEnd::Failed)
    /// (`BEV_EVENT_READING`, `BEV_EVENT_WRITING`), in its `ended` callback. `None` if neither did: its connect failed, or
    /// our own address was lost. A reset by the peer is found when reading, a peer that acknowledges nothing when writing.
    pub fn failed_direction(&self) -> Option<Direction> {
        let ended = |slot: &&ConnSlot<A>| !slot.is_held() && !slot.has(flag::RESTING);
        self.slot().filter(ended).and_then(|slot| slot.end().direction())
    }

    /// Turns Nagle's algorithm on or off (`TCP_NODELAY`). It is off at first: output leaves when it
    /// is written.
    pub fn set_nagle(&mut self, on: bool) -> &mut Self {
        self.tune(|tuning| tuning.nagle = on)
    }

    /// Sets how long the connection is silent before the stack probes whether the peer is still
    /// there (`SO_KEEPALIVE`); [`KEEP_ALIVE`](super::KEEP_ALIVE) at first. Rounded up to whole
    /// seconds, 65,535 at most. `None` and zero turn the probes off: a peer that vanished silently is
    /// then noticed only when something is sent to it.
    pub fn set_keep_alive(&mut self, silence: Option<Duration>) -> &mut Self {
        self.tune(|tuning| tuning.set_keep_alive(silence))
    }

    /// Returns the settings of the connection's socket.
    pub fn tuning(&self) -> Tuning {
        self.slot().map_or(Tuning::DEFAULT, |slot| slot.tuning())
    }

    fn tune(&mut self, change: impl FnOnce(&mut Tuning)) -> &mut Self {
        self.change(|slot| {
            let mut tuning = slot.tuning();
            change(&mut tuning);
            slot.set_tuning(tuning);
        });
        self.cx.conn_post(self.conn.slot(), action::TUNE);
        self
    }

    /// Returns the peer's address; for a connection at rest, the address of its last connect; for one above a
    /// filter, that of the connection below. None for the end of a [pair](Cx::pair).
    pub fn peer(&self) -> Option<SocketAddr> {
        Some(self.bottom()?.peer.into())
    }

    /// Returns the slot of the connection below all filters; none for the end of a pair.
    pub(super) fn bottom(&self) -> Option<&ConnSlot<A>> {
        let (mut above, mut slot) = (self.conn, self.slot()?);
        while let Some(conn) = slot.peer.as_conn() {
            slot = self.cx.tables.conns.get(conn)?;
            if slot.peer.as_conn() == Some(above) {
                return None;
            }
            above = conn;
        }
        Some(slot)
    }

    /// Returns the other end of a [pair](Cx::pair) (`bufferevent_pair_get_partner`), or the connection below the
    /// filter that this one is above (`bufferevent_get_underlying`).
    pub fn partner(&self) -> Option<Conn> {
        let partner = self.slot()?.peer.as_conn()?;
        self.cx.tables.conns.get(partner).map(|_| partner)
    }

    /// Returns the listener that accepted the connection, none for an outgoing one. The handle is stale
    /// once the listener is freed. libevent passes it to the callback that accepts.
    pub fn listener(&self) -> Option<Listener> {
        self.slot().map(|slot| slot.listener).filter(|listener| *listener != Listener::NONE)
    }

    /// Returns the connection's place in its pool, from 0: no other connection of the pool has it meanwhile.
    pub fn place(&self) -> Option<usize> {
        let pool = self.cx.pools.get(self.slot()?.pool())?;
        Some(pool.place_of(self.conn.slot()))
    }

    /// Returns the sizes of the input and the output ring in bytes: what the pool says, or the high marks, if
    /// these are less.
    pub fn ring_sizes(&self) -> (usize, usize) {
        let pools = &self.cx.pools;
        self.slot()
            .map_or((0, 0), |slot| (pools.input_len(slot.rings()), pools.output_len(slot.rings())))
    }

    /// Returns the connection's pool.
    pub fn pool(&self) -> Option<PoolId> {
        self.slot().map(|slot| PoolId(slot.pool()))
    }
}

/// The alarm: the connection's own timer, which ends with it.
///
/// A client that has to log in within ten seconds:
///
/// ```
/// use core::time::Duration;
/// use picoevent::{ConnMut, Protocol};
/// # struct App;
/// struct Login;
///
/// impl Protocol<App> for Login {
///     fn opened(_: &mut App, conn: &mut ConnMut<App>) {
///         conn.alarm_after(Duration::from_secs(10));
///     }
///
///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
///         let mut buffer = [0; 40];
///         if let Some(Ok("let me in")) = conn.read_line(&mut buffer) {
///             conn.cancel_alarm();
///         }
///     }
///
///     fn alarm(_: &mut App, conn: &mut ConnMut<App>) {
///         let _ = conn.write(b"too late\n");
///         conn.close();
///     }
/// }
/// # let _ = <Login as Protocol<App>>::ended;
/// ```
impl<A> ConnMut<'_, '_, A> {
    /// Sets the alarm: [`ConnEvent::Alarm`](super::ConnEvent::Alarm) is reported once, `delay` from now.
    /// Replaces an earlier alarm, also one that is due. In whole milliseconds, rounded up, one at least.
    pub fn alarm_after(&mut self, delay: Duration) -> &mut Self {
        self.set_alarm(millis(delay).max(1), 0)
    }

    /// As [`alarm_after`](Self::alarm_after), again and again. Missed periods are skipped.
    pub fn alarm_every(&mut self, period: Duration) -> &mut Self {
        let period = millis(period).max(1);
        self.set_alarm(period, period)
    }

    /// Cancels the alarm. Returns whether one was set.
    pub fn cancel_alarm(&mut self) -> bool {
        let Some(slot) = self.held_mut() else { return false };
        slot.take_alarm()
    }

    fn set_alarm(&mut self, delay: u32, period: u32) -> &mut Self {
        let now = self.cx.now;
        // The alarm of a connection at rest is its time to connect.
        if let Some(slot) = self.held_mut().filter(|slot| !slot.has(flag::RESTING)) {
            slot.take_alarm();
            slot.set_alarm(now, delay, period);
            self.cx.hooks.conn_alarm = Some(|cx, index| cx.conn_alarm_due(index));
            self.cx.conn_arm(self.conn.slot());
        }
        self
    }
}

/// The end.
impl<A> ConnMut<'_, '_, A> {
    /// Closes the connection after its output is sent, so that the peer gets all of it. No callback follows
    /// but [`Ended`](super::ConnEvent::Ended), and the handle is stale from here on. The slot is given back
    /// when the peer has ended its stream, too, or a [limit](Cx::set_close_limits) has passed.
    pub fn close(&mut self) {
        if self.still_held() {
            self.cx.conn_close(self.conn.slot());
        }
    }

    /// Drops the connection at once (`bufferevent_free`): unsent output is discarded, and the peer sees a
    /// reset if anything is left undone. No callback follows but [`Ended`](super::ConnEvent::Ended), and the
    /// handle is stale from here on. The slot is given back after that callback, and when the back end has
    /// dropped its socket. Until then [`Cx::connect`] may return [`SetupError::PoolFull`](crate::SetupError::PoolFull).
    pub fn abort(&mut self) {
        if self.still_held() {
            self.cx.conn_abort(self.conn.slot(), Code::ABORTED);
        }
    }

    /// As [`abort`](Self::abort), with an error that [`Ended`](super::ConnEvent::Ended) reports: a timeout,
    /// for instance. The peer always sees a reset, so that it does not take what it has for all there is.
    pub fn abort_with(&mut self, error: ConnError) {
        if self.still_held() {
            self.cx.conn_drop(self.conn.slot(), error.into());
        }
    }

    /// Returns whether the application holds the connection, which is about to end. One that has ended, and
    /// was to connect again, does not.
    fn still_held(&mut self) -> bool {
        let index = self.conn.slot();
        if self.slot().is_some() {
            self.cx.conn_set_reconnects(index, false);
        }
        self.slot().is_some_and(ConnSlot::is_held)
    }

    pub(super) fn slot(&self) -> Option<&ConnSlot<A>> {
        self.cx.tables.conns.get(self.conn)
    }

    /// Returns the slot, if the application may still change it.
    pub(super) fn held_mut(&mut self) -> Option<&mut ConnSlot<A>> {
        self.cx.tables.conns.get_mut(self.conn).filter(|slot| slot.is_held())
    }

    fn change(&mut self, change: impl FnOnce(&mut ConnSlot<A>)) -> &mut Self {
        if let Some(slot) = self.held_mut() {
            change(slot);
        }
        self
    }
}
