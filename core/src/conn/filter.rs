//! Filters: a connection above another connection, with bytes transformed in both directions
//! (`bufferevent_filter_new`).
//!
//! ```text
//!   above   input ring ◀───────── output ring      the application's: any kind of connection
//!               ▲                     │
//!               │ Filter::input       │ Filter::output     through scratch on the stack
//!               │                     ▼
//!   below   input ring            output ring      a connection with a socket, or one above another filter
//! ```
//!
//! The connection below has the filter's function as its callback, instead of the application's. Each of its callbacks,
//! and each action for the connection above, calls [`Filtering::go_on`], which moves as many bytes as possible in both
//! directions. An end of stream or an error is passed up, and a finish or a close is passed down, always after the
//! bytes.

use super::firing::due;
use super::pair::SCRATCH;
use super::slot::flag;
use super::{ConnEnd, ConnEvent, ConnMut, Protocol};
use crate::Cx;
use crate::error::{Code, ConnError, SetupError};
use crate::handle::Conn;
use crate::outbox::action;
use crate::pool::PoolId;
use crate::ring::copy;

/// A filter's functions, which transform the bytes of both directions.
///
/// A function reads bytes from `from` and writes bytes to `to`. It returns the number of bytes consumed and the number
/// of bytes produced. It is called again with the remaining bytes, and when there are more bytes or more room. If it
/// returns zero for both, it is called again when there is more input or more room. If there can never be more, the
/// connection above fails with [`ConnError::Filter`]. Use the handle of the connection above as the key for
/// per-connection state.
///
/// This filter sends upper case below and delivers lower case above:
///
/// ```
/// use picoevent::{Conn, ConnError, ConnMut, Filter, PoolId, Protocol};
///
/// struct App {
///     inner: PoolId,
/// }
///
/// struct Lower;
///
/// impl Filter<App> for Lower {
///     fn input(
///         _: &mut App,
///         _: Conn,
///         from: &[u8],
///         to: &mut [u8],
///     ) -> Result<(usize, usize), ConnError> {
///         to.iter_mut().zip(from).for_each(|(to, from)| *to = from.to_ascii_lowercase());
///         let amount = from.len().min(to.len());
///         Ok((amount, amount))
///     }
///
///     fn output(
///         _: &mut App,
///         _: Conn,
///         from: &[u8],
///         to: &mut [u8],
///     ) -> Result<(usize, usize), ConnError> {
///         to.iter_mut().zip(from).for_each(|(to, from)| *to = from.to_ascii_uppercase());
///         let amount = from.len().min(to.len());
///         Ok((amount, amount))
///     }
/// }
///
/// /// The protocol above the filter.
/// struct Console;
///
/// impl Protocol<App> for Console {
///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
///         let _ = conn.transfer(conn.id());
///     }
/// }
///
/// /// The protocol of accepted connections.
/// struct Client;
///
/// impl Protocol<App> for Client {
///     fn opened(app: &mut App, conn: &mut ConnMut<App>) {
///         if conn.filter::<Lower, Console>(app.inner).is_err() {
///             conn.abort();
///         }
///     }
///
///     fn readable(_: &mut App, _: &mut ConnMut<App>) {}
/// }
/// # let _ = <Client as Protocol<App>>::ended;
/// ```
pub trait Filter<A>: Sized {
    /// Transforms bytes from below. Returns the numbers of bytes consumed and produced.
    ///
    /// # Errors
    /// The error with which the connection above fails. The connection below is reset.
    fn input(
        app: &mut A,
        above: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError>;

    /// Transforms bytes from above. Returns the numbers of bytes consumed and produced.
    ///
    /// # Errors
    /// As [`input`](Self::input).
    fn output(
        app: &mut A,
        above: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError>;

    /// Produces the bytes that follow the last byte from above, for example an end mark. Returns the number of bytes
    /// produced, and the number still to be produced. While bytes are left, it is called again when there is more room.
    /// After the last byte the connection below is finished.
    ///
    /// # Errors
    /// As [`input`](Self::input). [`ConnError::Filter`] if bytes are left, but the function produces none although it
    /// has the largest possible room.
    fn finish(app: &mut A, above: Conn, to: &mut [u8]) -> Result<(usize, usize), ConnError> {
        let _ = (app, above, to);
        Ok((0, 0))
    }

    /// Reports that the connection below has ended. This is the last call for the connection above, so its state can be
    /// dropped.
    fn ended(app: &mut A, above: Conn) {
        let _ = (app, above);
    }
}

/// Filters.
impl<A> ConnMut<'_, '_, A> {
    /// Puts a filter above this connection, and above the filter a connection from a pool [in
    /// memory](crate::Pool::in_memory). Returns the connection above. It is [opened](Protocol::opened) when this
    /// connection is open.
    ///
    /// From now on this connection belongs to the filter: it has no callbacks, timeouts or alarm for the application.
    /// If the connection above is closed, this connection is closed after its output. If the connection above is
    /// aborted, this connection is reset. If this connection is closed or finished before the filter is done, for
    /// example by [`EventBase::close_all`](crate::EventBase::close_all), it is reset and the connection above fails.
    ///
    /// [`Filter`] has an example.
    ///
    /// # Errors
    /// [`SetupError::NotFiltered`] if this connection already has a filter above it, has ended, or is at rest. For the
    /// pool, the errors of [`Cx::pair`]. Nothing changes then.
    pub fn filter<F: Filter<A>, P: Protocol<A>>(
        &mut self,
        pool: PoolId,
    ) -> Result<Conn, SetupError> {
        let below = self.conn;
        let slot = self.slot().ok_or(SetupError::NotFiltered)?;
        let is_free = slot.is_held() && !slot.has(flag::RELEASED) && slot.above().is_none();
        if !is_free {
            return Err(SetupError::NotFiltered);
        }
        let above = self.cx.conn_in_memory(pool, P::SETTINGS, P::event)?;
        self.cx.conn_set_peer(above, below);
        // The new settings have no high marks, so the rings get their full length again.
        self.cx.conn_align(below.slot());
        if let Some(slot) = self.cx.tables.conns.get_mut(below) {
            slot.put_below(above, on_event::<A, F>);
        }
        self.enable(super::Direction::Read).enable(super::Direction::Write);
        self.cx.conn_activate(below.slot(), due::OPENED);
        Ok(above)
    }
}

impl<A> Cx<'_, A> {
    /// Does an action for a connection above a filter, instead of a back end. Most actions are done in the callback of
    /// the connection below, which becomes due here.
    pub(super) fn conn_carry_filtered(&mut self, above: Conn, below: Conn, action: u8) {
        let is_held = self.tables.conns.get(below).is_some_and(|slot| slot.is_held());
        match action {
            action::SEND | action::RECEIVE | action::END if is_held => {
                self.conn_activate(below.slot(), due::OPENED);
            }
            action::FREE => self.conn_give_back(above.slot()),
            action::CLOSE => {
                self.conn_give_back(above.slot());
                if is_held {
                    self.conn_close(below.slot());
                }
            }
            action::DROP => {
                self.conn_give_back(above.slot());
                // This also resets a connection that was closed: bytes from above are missing, so an orderly end would
                // be wrong.
                if self.tables.conns.get(below).is_some_and(|slot| !slot.has(flag::RELEASED)) {
                    self.conn_drop(below.slot(), Code::ABORTED);
                }
            }
            _ => {}
        }
    }

    /// Resets a connection whose stream is about to end, if the filter above it is not done. In this case the
    /// application has ended the connection directly, not through the filter. Without a reset the peer could not know
    /// that the stream is incomplete. Returns whether the connection was reset.
    pub(super) fn conn_cut_off(&mut self, below: Conn) -> bool {
        let above = self.tables.conns.get(below).and_then(|slot| slot.above());
        let Some(above) = above else { return false };
        if self.tables.conns.get(above).is_none_or(|slot| slot.has(flag::DELIVERED)) {
            return false;
        }
        self.conn_failed(above, ConnError::Reset.into());
        self.conn_drop(below.slot(), Code::ABORTED);
        true
    }

    /// Returns the free space in a connection's input ring; zero while no input is wanted.
    fn conn_input_room(&self, conn: Conn) -> usize {
        let wanted = self.tables.conns.get(conn).filter(|slot| slot.wants_input());
        wanted.map_or(0, |slot| self.pools.input_len(slot.rings()).saturating_sub(slot.input.len()))
    }
}

/// The callback of a connection below a filter.
fn on_event<A, F: Filter<A>>(app: &mut A, below: &mut ConnMut<'_, '_, A>, event: ConnEvent) {
    let Some(above) = below.slot().and_then(|slot| slot.above()) else { return };
    let mut filtering = Filtering { app, below, above };
    match event {
        ConnEvent::Ended(end) => filtering.end::<F>(end),
        _ => {
            if let Err(error) = filtering.go_on::<F>() {
                filtering.below.cx().conn_failed(above, error.into());
                // This must be a reset: an abort closes in order if both streams look complete, but bytes are missing
                // here.
                let below = filtering.below.conn.slot();
                filtering.below.cx().conn_drop(below, Code::ABORTED);
            }
        }
    }
}

/// A filter with the two connections it works on.
struct Filtering<'f, 'c, 's, A> {
    app: &'f mut A,
    below: &'f mut ConnMut<'c, 's, A>,
    above: Conn,
}

impl<A> Filtering<'_, '_, '_, A> {
    fn go_on<F: Filter<A>>(&mut self) -> Result<(), ConnError> {
        if !self.below.is_open() {
            return Ok(());
        }
        let cx = self.below.cx();
        // This check prevents an endless loop: a closed connection would post a send action each time, and that action
        // would call this function again.
        if cx.tables.conns.get(self.above).is_some_and(|slot| slot.is_held()) {
            cx.conn_connected(self.above);
        }
        while self.move_up::<F>()? {}
        let is_at_end = self.below.input_len() == 0
            && self.below.slot().is_some_and(|slot| slot.has(flag::EOF));
        if is_at_end {
            self.below.cx().conn_finished(self.above);
        }
        // The application may have finished the connection below directly: see `conn_cut_off`.
        if self.below.slot().is_some_and(|slot| slot.is_finished()) {
            return Ok(());
        }
        while self.move_down::<F>()? {}
        self.finish::<F>()
    }

    /// Moves bytes from below to above. Returns whether there may be more to move.
    fn move_up<F: Filter<A>>(&mut self) -> Result<bool, ConnError> {
        let (mut from, mut to) = ([0; SCRATCH], [0; SCRATCH]);
        let held = self.below.copy_out(0, &mut from);
        let room = self.below.cx().conn_input_room(self.above).min(SCRATCH);
        if held == 0 || room == 0 {
            return Ok(false);
        }
        let from = from.get(..held).unwrap_or_default();
        let to = to.get_mut(..room).unwrap_or_default();
        let (taken, made) = F::input(self.app, self.above, from, to)?;
        self.below.consume(taken.min(held));
        let made = to.get(..made).unwrap_or(to);
        self.below.cx().conn_fill(self.above, made);
        if taken == 0 && made.is_empty() {
            let is_all = self.below.slot().is_some_and(|slot| slot.has(flag::EOF));
            let is_most = held == SCRATCH || held == self.below.ring_sizes().0 || is_all;
            let has_most = room == SCRATCH || self.above_has_no_input();
            return if is_most && has_most { Err(ConnError::Filter) } else { Ok(false) };
        }
        Ok(true)
    }

    /// Moves bytes from above to below. Returns whether there may be more to move.
    fn move_down<F: Filter<A>>(&mut self) -> Result<bool, ConnError> {
        let (mut from, mut to) = ([0; SCRATCH], [0; SCRATCH]);
        let held = copy(&mut from, self.below.cx().conn_output(self.above).0);
        if held == 0 {
            return Ok(false);
        }
        let room = self.below.room().min(SCRATCH);
        if room == 0 {
            self.below.wait_for_room(SCRATCH);
            return Ok(false);
        }
        let from = from.get(..held).unwrap_or_default();
        let to = to.get_mut(..room).unwrap_or_default();
        let (taken, made) = F::output(self.app, self.above, from, to)?;
        let made = to.get(..made).unwrap_or(to);
        self.below.write_some(made);
        self.below.cx().conn_sent(self.above, taken.min(held));
        if taken == 0 && made.is_empty() {
            return self.below_is_stuck(held, room).map(|()| false);
        }
        Ok(true)
    }

    /// Handles a filter that consumed nothing from above: waits for more room, if more is possible.
    ///
    /// # Errors
    /// [`ConnError::Filter`] if neither more room nor more bytes are possible.
    fn below_is_stuck(&mut self, held: usize, room: usize) -> Result<(), ConnError> {
        if room < SCRATCH && self.below.output_len() > 0 {
            self.below.wait_for_room(SCRATCH);
            return Ok(());
        }
        let cx = self.below.cx();
        let slot = cx.tables.conns.get(self.above);
        let is_last = slot.is_none_or(|slot| slot.has(flag::FINISHED));
        let is_full =
            slot.is_some_and(|slot| slot.output.len() == cx.pools.output_len(slot.rings()));
        if held == SCRATCH || is_last || is_full { Err(ConnError::Filter) } else { Ok(()) }
    }

    /// Finishes the connection below when the connection above has ended its stream.
    fn finish<F: Filter<A>>(&mut self) -> Result<(), ConnError> {
        let above = self.below.cx().tables.conns.get(self.above);
        let is_wanted = above.is_some_and(|slot| {
            slot.has(flag::END_SENT)
                && !slot.has(flag::DELIVERED)
                && slot.pending.actions & action::END == 0
        });
        if !is_wanted {
            return Ok(());
        }
        loop {
            let mut to = [0; SCRATCH];
            let room = self.below.room().min(SCRATCH);
            let to = to.get_mut(..room).unwrap_or_default();
            let (made, left) = F::finish(self.app, self.above, to)?;
            let made = to.get(..made).unwrap_or(to);
            self.below.write_some(made);
            if left == 0 {
                break;
            }
            if made.is_empty() {
                if room == SCRATCH || self.below.output_len() == 0 {
                    return Err(ConnError::Filter);
                }
                self.below.wait_for_room(left.min(SCRATCH));
                return Ok(());
            }
        }
        self.below.finish();
        self.below.cx().conn_delivered(self.above);
        Ok(())
    }

    fn end<F: Filter<A>>(&mut self, end: ConnEnd) {
        F::ended(self.app, self.above);
        let (below, above) = (self.below.conn, self.above);
        let direction = self.below.failed_direction();
        let cx = self.below.cx();
        match end {
            // The connection above gets the error with its direction.
            ConnEnd::Failed(error) => {
                let failure = direction.map_or(error.into(), |direction| error.found(direction));
                cx.conn_failed(above, failure);
            }
            // If the connection above still exists, the application has ended the connection below directly.
            ConnEnd::Closed | ConnEnd::Aborted => {
                if !cx.conn_cut_off(below) {
                    cx.conn_failed(above, ConnError::Reset.into());
                }
            }
        }
    }

    fn above_has_no_input(&mut self) -> bool {
        self.below.cx().tables.conns.get(self.above).is_none_or(|slot| slot.input.len() == 0)
    }
}
