//! The application's functions for a connection, except for reading and writing bytes.

use core::net::SocketAddr;
use core::time::Duration;

use super::firing::due;
use super::slot::flag;
use super::{ConnSlot, Direction, Tuning};
use crate::error::{Code, StaleError, StillActiveError};
use crate::handle::{Conn, Listener};
use crate::outbox::action;
use crate::pool::PoolId;
use crate::time::{duration_of, millis};
use crate::{ConnError, Cx, Priority};

/// Access to one connection, borrowed from the loop.
///
/// Each callback gets the `ConnMut` of its connection; [`Cx::conn`] makes a `ConnMut` from a handle. Every method
/// checks that the connection still exists. After the connection has ended, methods change nothing and return zero,
/// `None` or an error.
///
/// In this example a button sends a line to a connection whose handle the application has stored:
///
/// ```
/// use picoevent::{Conn, EventMut};
///
/// struct App {
///     uplink: Option<Conn>,
/// }
///
/// fn pressed(app: &mut App, event: &mut EventMut<App>) {
///     // The connection may have ended, or be at rest.
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
    /// Returns access to a connection.
    ///
    /// # Errors
    /// [`StaleError`] if the connection has ended and will not reconnect. A closed or aborted connection has ended.
    pub fn conn(&mut self, conn: Conn) -> Result<ConnMut<'_, 's, A>, StaleError> {
        let slot = self.tables.conns.get(conn).ok_or(StaleError)?;
        if !slot.is_in_use() && !slot.has(flag::RECONNECTS) {
            return Err(StaleError);
        }
        Ok(ConnMut { cx: self, conn })
    }
}

impl<'c, 's, A> ConnMut<'c, 's, A> {
    pub(crate) const fn new(cx: &'c mut Cx<'s, A>, conn: Conn) -> Self {
        Self { cx, conn }
    }

    /// Returns the connection's handle, to store it.
    pub const fn id(&self) -> Conn {
        self.conn
    }

    /// Returns access to the loop and to its other objects.
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

    /// Enables a direction. Both directions are enabled when the connection opens.
    pub fn enable(&mut self, direction: Direction) -> &mut Self {
        let Some(slot) = self.slot_in_use() else { return self };
        slot.enable(direction);
        let index = self.conn.slot();
        let moves = match direction {
            Direction::Read => action::RECEIVE,
            Direction::Write => action::SEND,
        };
        self.cx.conn_post(index, moves);
        self.cx.conn_restart_timeout(index, direction);
        if direction == Direction::Write {
            self.cx.conn_restart_connect_timeout(index);
        }
        self.cx.conn_activate(index, 0);
        self
    }

    /// Disables a direction. The rings keep their bytes. Due callbacks of the direction wait until the direction is
    /// enabled again. A due timeout is cancelled.
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

    /// Sets the timeouts after which [`ConnEvent::Timeout`](super::ConnEvent::Timeout) is reported. `read` limits the
    /// time without input. `write` limits the time in which waiting output makes no progress. `write` also limits a
    /// connect that has no separate [connect timeout](super::Settings::connect). `None` and zero mean no timeout. Each
    /// timeout is rounded up to whole milliseconds. The maximum is 49 days.
    pub fn set_timeouts(&mut self, read: Option<Duration>, write: Option<Duration>) -> &mut Self {
        self.set_timeout(Direction::Read, read).set_timeout(Direction::Write, write)
    }

    /// Sets the timeout for reading; see [`set_timeouts`](Self::set_timeouts). The timeout for writing is not changed.
    pub fn set_idle(&mut self, idle: Option<Duration>) -> &mut Self {
        self.set_timeout(Direction::Read, idle)
    }

    /// Sets the timeout of a direction, and restarts it. A connection below a filter has no timeouts.
    #[inline(never)]
    fn set_timeout(&mut self, direction: Direction, timeout: Option<Duration>) -> &mut Self {
        if let Some(slot) = self.slot_in_use().filter(|slot| slot.above().is_none()) {
            let [read, write] = &mut slot.timeouts;
            let target = if direction == Direction::Read { read } else { write };
            *target = timeout.map_or(0, millis);
            self.cx.conn_restart_timeout(self.conn.slot(), direction);
        }
        self
    }

    /// Returns the timeouts for reading and writing (`bufferevent_get_timeouts`); `None` for no timeout.
    pub fn timeouts(&self) -> (Option<Duration>, Option<Duration>) {
        let [read, write] = self.slot().map_or([0; 2], |slot| slot.timeouts);
        (duration_of(read), duration_of(write))
    }

    /// Sets the priority of the connection's callbacks.
    ///
    /// # Errors
    /// [`StillActiveError`] while one of these callbacks is due.
    pub fn set_priority(&mut self, priority: Priority) -> Result<(), StillActiveError> {
        self.slot_in_use().map_or(Ok(()), |slot| slot.node.set_priority(priority))
    }

    /// Returns the priority of the connection's callbacks (`bufferevent_get_priority`).
    pub fn priority(&self) -> Priority {
        self.slot().map_or(Priority::DEFAULT, |slot| slot.node.priority())
    }

    /// Returns the direction in which the connection [failed](super::ConnEnd::Failed) (`BEV_EVENT_READING`,
    /// `BEV_EVENT_WRITING`). Call it in the `ended` callback. A reset by the peer is found when reading; a peer that
    /// does not acknowledge is found when writing. Returns `None` for other failures: the connect failed, or the local
    /// address was lost.
    pub fn failed_direction(&self) -> Option<Direction> {
        let ended = |slot: &&ConnSlot<A>| !slot.is_in_use() && !slot.has(flag::RESTING);
        self.slot().filter(ended).and_then(|slot| slot.end().direction())
    }

    /// Turns Nagle's algorithm on or off (`TCP_NODELAY`). Nagle's algorithm delays a small segment until earlier data
    /// is acknowledged. The default is off.
    pub fn set_nagle(&mut self, on: bool) -> &mut Self {
        self.tune(|tuning| tuning.nagle = on)
    }

    /// Sets the time without traffic before the stack sends keep-alive probes (`SO_KEEPALIVE`). The default is
    /// [`KEEP_ALIVE`](super::KEEP_ALIVE). The time is rounded up to whole seconds. The maximum is 65,535 seconds.
    /// `None` and zero turn the probes off. Without probes, a peer that vanished without a reset is detected only when
    /// data is sent to it.
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

    /// Returns the peer's address. For a connection at rest, returns the address of its last or next connect. For a
    /// connection above a filter, returns the peer's address of the connection below the filter. Returns `None` for a
    /// connection of a [pair](Cx::pair).
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        Some(self.bottom()?.peer.into())
    }

    /// Returns the slot of the connection below all filters; `None` for a connection of a pair.
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

    /// Returns the other connection of a [pair](Cx::pair) (`bufferevent_pair_get_partner`). For a connection above a
    /// filter, returns the connection below the filter (`bufferevent_get_underlying`). Returns `None` for other
    /// connections.
    pub fn partner(&self) -> Option<Conn> {
        let partner = self.slot()?.peer.as_conn()?;
        self.cx.tables.conns.get(partner).map(|_| partner)
    }

    /// Returns the listener that accepted the connection; `None` for an outgoing connection. The returned handle is
    /// stale once the listener is freed. This method replaces the listener argument of libevent's accept callback.
    pub fn listener(&self) -> Option<Listener> {
        self.slot().map(|slot| slot.listener).filter(|listener| *listener != Listener::NONE)
    }

    /// Returns the connection's index in its pool, counted from 0. No other connection of the pool has the same
    /// index at the same time.
    pub fn index_in_pool(&self) -> Option<usize> {
        let pool = self.cx.pools.get(self.slot()?.pool())?;
        Some(pool.position_of(self.conn.slot()))
    }

    /// Returns the sizes of the input and the output ring in bytes: the sizes of the pool's rings, or the high marks if
    /// the high marks are smaller.
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

/// The alarm: a timer of the connection, which is cancelled when the connection ends.
///
/// In this example a client must log in within ten seconds:
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
///         while let Some(line) = conn.read_line(&mut buffer) {
///             if line == Ok("let me in") {
///                 conn.cancel_alarm();
///             }
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
    /// Sets the alarm: [`ConnEvent::Alarm`](super::ConnEvent::Alarm) is reported once, after `delay`. Replaces an
    /// earlier alarm, even if the earlier alarm is already due. `delay` is rounded up to whole milliseconds. The
    /// minimum is one millisecond.
    pub fn alarm_after(&mut self, delay: Duration) -> &mut Self {
        self.set_alarm(millis(delay).max(1), 0)
    }

    /// Sets a periodic alarm: [`ConnEvent::Alarm`](super::ConnEvent::Alarm) is reported after each `period`. Missed
    /// periods are skipped. `period` is rounded like the delay of [`alarm_after`](Self::alarm_after), and an earlier
    /// alarm is replaced.
    pub fn alarm_every(&mut self, period: Duration) -> &mut Self {
        let period = millis(period).max(1);
        self.set_alarm(period, period)
    }

    /// Cancels the alarm. Returns whether an alarm was set, or its callback was due.
    pub fn cancel_alarm(&mut self) -> bool {
        let slot = self.slot_in_use().filter(|slot| !slot.has(flag::RESTING));
        slot.is_some_and(ConnSlot::take_alarm)
    }

    fn set_alarm(&mut self, delay: u32, period: u32) -> &mut Self {
        let now = self.cx.now;
        // A connection at rest uses the alarm for its connect time.
        if let Some(slot) = self.slot_in_use().filter(|slot| !slot.has(flag::RESTING)) {
            slot.take_alarm();
            slot.set_alarm(now, delay, period);
            self.cx.hooks.conn_alarm = Some(|cx, index, step| cx.conn_alarm(index, step));
            self.cx.conn_arm(self.conn.slot());
        }
        self
    }
}

/// Ending the connection.
impl<A> ConnMut<'_, '_, A> {
    /// Closes the connection after its output is sent, so that the peer gets all output. Only the callback
    /// [`Ended`](super::ConnEvent::Ended) follows, and the handle is stale from now on. The slot is freed when the peer
    /// has also ended its stream, or a [time limit](Cx::set_close_limits) has passed.
    pub fn close(&mut self) {
        if self.prepare_close(Code::CLOSED) {
            self.cx.conn_close(self.conn.slot());
        }
    }

    /// Aborts the connection at once (`bufferevent_free`). Unsent output is discarded. The peer gets a reset, unless
    /// the peer has ended its stream and all output was sent. Only the callback [`Ended`](super::ConnEvent::Ended)
    /// follows, and the handle is stale from now on. The slot is freed when the `Ended` callback has run and the back
    /// end has dropped the socket. Until then [`Cx::connect`] may return
    /// [`SetupError::PoolFull`](crate::SetupError::PoolFull).
    pub fn abort(&mut self) {
        if self.prepare_close(Code::ABORTED) {
            self.cx.conn_abort(self.conn.slot(), Code::ABORTED);
        }
    }

    /// Aborts the connection like [`abort`](Self::abort), but [`Ended`](super::ConnEvent::Ended) reports `error`, for
    /// example a timeout. The peer always gets a reset, so the peer can detect that the data may be incomplete.
    pub fn abort_with(&mut self, error: ConnError) {
        if self.prepare_close(error.into()) {
            self.cx.conn_reset(self.conn.slot(), error.into());
        }
    }

    /// Prepares a close or an abort. Returns whether the application may still use the connection. A connection that has
    /// ended may have to reconnect later, when its output is sent. In this case the reconnect is cancelled, and `ended`
    /// is called again, with `end`. `ended` is also called when a connection at rest is closed.
    fn prepare_close(&mut self, end: Code) -> bool {
        let index = self.conn.slot();
        let Some(slot) = self.cx.tables.conns.get_mut(self.conn) else { return false };
        let is_in_use = slot.is_in_use();
        if slot.has(flag::RECONNECTS) {
            slot.set_end(end);
            self.cx.conn_set_reconnects(index, false);
            self.cx.conn_activate(index, due::ENDED);
        }
        is_in_use
    }

    pub(super) fn slot(&self) -> Option<&ConnSlot<A>> {
        self.cx.tables.conns.get(self.conn)
    }

    /// Returns the slot, if the application may still change it.
    pub(super) fn slot_in_use(&mut self) -> Option<&mut ConnSlot<A>> {
        self.cx.tables.conns.get_mut(self.conn).filter(|slot| slot.is_in_use())
    }

    fn change(&mut self, change: impl FnOnce(&mut ConnSlot<A>)) -> &mut Self {
        if let Some(slot) = self.slot_in_use() {
            change(slot);
        }
        self
    }
}
