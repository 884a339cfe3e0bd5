//! What an application does with a connection.

use core::net::SocketAddr;
use core::time::Duration;

use super::slot::{Phase, flag};
use super::{ConnSlot, Direction, OnConn, OnConnEvent, Tuning};
use crate::error::{Full, Stale, StillActive, WriteError};
use crate::handle::{Conn, Listener};
use crate::outbox::action;
use crate::time::millis;
use crate::{Cx, Priority};

/// One connection, borrowed from the loop: its verbs.
///
/// Made by [`Cx::conn`].
pub struct ConnMut<'c, 's, A> {
    cx: &'c mut Cx<'s, A>,
    conn: Conn,
}

impl<'s, A> Cx<'s, A> {
    /// Opens a connection to `peer`. [`Cx::conn`] sets its callbacks; the event callback gets the outcome,
    /// [`Connected`](super::ConnEvent::Connected) or [`Failed`](super::ConnEvent::Failed), which this
    /// call never returns.
    ///
    /// Data written meanwhile is sent as soon as the connection is established.
    ///
    /// # Errors
    /// [`Full::Conns`] when the table has no free slot.
    pub fn connect(&mut self, peer: SocketAddr) -> Result<Conn, Full> {
        let (conn, slot) = self.conn_insert().ok_or(Full::Conns)?;
        slot.begin(Phase::Connecting, peer.into());
        self.conn_post(conn.slot(), action::OPEN);
        Ok(conn)
    }

    /// Returns the connection's verbs.
    ///
    /// # Errors
    /// [`Stale`] when the connection was freed or closed.
    pub fn conn(&mut self, conn: Conn) -> Result<ConnMut<'_, 's, A>, Stale> {
        self.held(conn)?;
        Ok(ConnMut { cx: self, conn })
    }

    /// Moves as many bytes from the input of `from` to the output of `to` as there is room for. Returns
    /// the number moved. Both may be the same connection.
    ///
    /// # Errors
    /// [`Stale`] when one of them was freed; nothing has moved then.
    pub fn transfer(&mut self, from: Conn, to: Conn) -> Result<usize, Stale> {
        let mut input = self.held(from)?.input;
        let slot = self.held(to)?;
        if slot.is_finished() {
            return Ok(0);
        }
        let mut output = slot.output;
        let (held, room) = self.rings.input_and_output(from.index(), to.index());
        let (first, second) = input.bytes(held);
        let mut amount = output.write(room, first);
        if !second.is_empty() {
            amount = amount.wrapping_add(output.write(room, second));
        }
        if let Some(slot) = self.tables.conns.get_mut(to) {
            slot.output = output;
        }
        input.consume(held.len(), amount);
        self.conn_output_grew(to.slot(), amount);
        self.conn_input_shrank(from.slot(), input);
        Ok(amount)
    }

    fn held(&mut self, conn: Conn) -> Result<&mut ConnSlot<A>, Stale> {
        self.tables.conns.get_mut(conn).filter(|slot| slot.is_held()).ok_or(Stale)
    }
}

/// Callbacks and settings.
impl<A> ConnMut<'_, '_, A> {
    /// Sets the function to call after input arrived.
    pub fn on_read(&mut self, call: OnConn<A>) -> &mut Self {
        self.change(|slot| slot.on_read = Some(call))
    }

    /// Sets the function to call when all output was sent: the back end has it, the peer may not have it
    /// yet.
    pub fn on_write(&mut self, call: OnConn<A>) -> &mut Self {
        self.change(|slot| slot.on_write = Some(call))
    }

    /// Sets the function to call for all but data: connected, end of stream, timeout, failure.
    pub fn on_event(&mut self, call: OnConnEvent<A>) -> &mut Self {
        self.change(|slot| slot.on_event = Some(call))
    }

    /// Enables a direction. At first reading is disabled and writing is enabled.
    pub fn enable(&mut self, direction: Direction) -> &mut Self {
        let index = self.conn.slot();
        self.change(|slot| slot.enable(direction));
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
        self.change(|slot| slot.disable(direction));
        self
    }

    /// Sets how long no input may arrive (`read`), and how long waiting output may make no progress
    /// (`write`, which also bounds a connect), before the event callback gets a timeout. `None` and zero
    /// mean no timeout. In whole milliseconds, rounded up; the longest is 49 days.
    pub fn set_timeouts(&mut self, read: Option<Duration>, write: Option<Duration>) -> &mut Self {
        let (read, write) = (read.map_or(0, millis), write.map_or(0, millis));
        self.change(|slot| slot.timeouts = [read, write]);
        self.cx.conn_progress(self.conn.slot(), Direction::Read);
        self.cx.conn_progress(self.conn.slot(), Direction::Write);
        self
    }

    /// Returns the timeouts for reading and writing (`bufferevent_get_timeouts`), `None` where there
    /// is none.
    pub fn timeouts(&self) -> (Option<Duration>, Option<Duration>) {
        let [read, write] = self.slot().map_or([0; 2], |slot| slot.timeouts);
        let timeout = |millis: u32| (millis > 0).then(|| Duration::from_millis(millis.into()));
        (timeout(read), timeout(write))
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

    /// Sets the priority of the connection's callbacks.
    ///
    /// # Errors
    /// [`StillActive`] while a callback is due.
    pub fn set_priority(&mut self, priority: Priority) -> Result<(), StillActive> {
        let slot = self.cx.tables.conns.get_mut(self.conn);
        slot.map_or(Ok(()), |slot| slot.turn.set_priority(priority))
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

    /// Returns the application's word, zero at first.
    pub fn user(&self) -> u32 {
        self.slot().map_or(0, |slot| slot.user)
    }

    /// Sets the application's word.
    pub fn set_user(&mut self, user: u32) -> &mut Self {
        self.change(|slot| slot.user = user)
    }

    /// Returns the peer's address.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.slot().map(|slot| slot.peer.into())
    }

    /// Returns the listener that accepted the connection, none for an outgoing one. The handle is stale
    /// once the listener is freed. libevent passes it to the callback that accepts.
    pub fn listener(&self) -> Option<Listener> {
        self.slot().map(|slot| slot.listener).filter(|listener| *listener != Listener::NONE)
    }
}

/// Output.
impl<A> ConnMut<'_, '_, A> {
    /// Queues all of `data` for sending, or nothing.
    ///
    /// # Errors
    /// [`WriteError::Full`] when it does not fit now, [`WriteError::Finished`] when no more can
    /// be sent. Nothing was taken then.
    pub fn write(&mut self, data: &[u8]) -> Result<(), WriteError> {
        let open = self.slot().filter(|slot| !slot.is_finished());
        let held = open.ok_or(WriteError::Finished)?.output.len();
        self.cx.longest_write.note(data.len());
        let room = self.cx.rings.output_len().saturating_sub(held);
        if data.len() > room {
            return Err(WriteError::Full { room });
        }
        self.write_some(data);
        Ok(())
    }

    /// Queues as much of `data` as fits. Returns the number of bytes queued: zero when no more can be sent.
    pub fn write_some(&mut self, data: &[u8]) -> usize {
        let storage = self.cx.rings.output_mut(self.conn.index());
        let Some(slot) = self.cx.tables.conns.slot_mut(self.conn.slot()) else { return 0 };
        if slot.is_finished() {
            return 0;
        }
        let amount = slot.output.write(storage, data);
        self.cx.conn_output_grew(self.conn.slot(), amount);
        amount
    }

    /// Returns the number of bytes the output ring has room for.
    pub fn room(&self) -> usize {
        self.cx.rings.output_len().saturating_sub(self.output_len())
    }

    /// Returns the number of bytes written and not yet sent.
    pub fn output_len(&self) -> usize {
        self.slot().map_or(0, |slot| slot.output.len())
    }

    /// Ends the sending side: the end of the stream is sent after the output. Reading goes on.
    pub fn finish(&mut self) {
        self.change(|slot| slot.turn.set(flag::FINISHED, true));
        self.cx.conn_end_output(self.conn.slot());
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
        let storage = self.cx.rings.input(self.conn.index());
        self.slot().map_or((&[], &[]), |slot| slot.input.bytes(storage))
    }

    /// Discards up to `amount` of the oldest bytes. Returns the number discarded.
    pub fn consume(&mut self, amount: usize) -> usize {
        let Some(mut input) = self.slot().map(|slot| slot.input) else { return 0 };
        let amount = input.consume(self.cx.rings.input_len(), amount);
        self.cx.conn_input_shrank(self.conn.slot(), input);
        amount
    }

    /// Moves up to `target.len()` of the oldest bytes into `target`. Returns the number moved.
    pub fn read(&mut self, target: &mut [u8]) -> usize {
        let storage = self.cx.rings.input(self.conn.index());
        let Some(mut input) = self.slot().map(|slot| slot.input) else { return 0 };
        let amount = input.read(storage, target);
        self.cx.conn_input_shrank(self.conn.slot(), input);
        amount
    }

    /// Returns the offset in the input at which `needle` first occurs in full.
    pub fn find(&self, needle: &[u8]) -> Option<usize> {
        self.slot()?.input.find(self.cx.rings.input(self.conn.index()), needle)
    }
}

/// The end.
impl<A> ConnMut<'_, '_, A> {
    /// Closes the connection after its output is sent, so that the peer gets all of it. The handle is
    /// stale from here on; the slot is given back when the peer has ended its stream, too, or a
    /// [limit](Cx::set_close_limits) has passed.
    pub fn close(self) {
        self.cx.conn_close(self.conn.slot());
    }

    /// Drops the connection at once (`bufferevent_free`): unsent output is discarded, and the peer sees a
    /// reset if anything is left undone. The handle is stale from here on. The slot is given back when the
    /// back end has dropped its socket, before the loop waits next. Until then, also in the same callback,
    /// [`Cx::connect`] may return [`Full::Conns`].
    pub fn free(self) {
        self.cx.conn_abort(self.conn.slot());
    }

    fn slot(&self) -> Option<&ConnSlot<A>> {
        // The slot was taken when the view was made, and nothing could be freed since.
        self.cx.tables.conns.slot(self.conn.slot())
    }

    fn change(&mut self, change: impl FnOnce(&mut ConnSlot<A>)) -> &mut Self {
        if let Some(slot) = self.cx.tables.conns.slot_mut(self.conn.slot()) {
            change(slot);
        }
        self
    }
}

impl<A> Cx<'_, A> {
    fn conn_output_grew(&mut self, index: u16, amount: usize) {
        if amount == 0 {
            return;
        }
        self.conn_post(index, action::SEND);
        let slot = self.tables.conns.slot(index);
        if slot.is_some_and(|slot| slot.phase() == Phase::Open && slot.output.len() == amount) {
            // All earlier output was sent, so the wait for the peer begins now.
            self.conn_progress(index, Direction::Write);
        }
    }

    fn conn_input_shrank(&mut self, index: u16, input: crate::ring::Ring) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        let was_full = slot.input.len() == self.rings.input_len();
        slot.input = input;
        if was_full && input.len() < self.rings.input_len() {
            self.conn_post(index, action::RECEIVE);
            self.conn_progress(index, Direction::Read);
        }
    }
}
