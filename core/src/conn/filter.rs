//! Filters: a connection above another one, with bytes transformed both ways (`bufferevent_filter_new`).
//!
//! ```text
//!   above   input ring ◀───────── output ring      the application's: any kind of connection
//!               ▲                     │
//!               │ Filter::input       │ Filter::output     through scratch on the stack
//!               │                     ▼
//!   below   input ring            output ring      a connection with a socket, or one above another filter
//! ```
//!
//! The connection below gets the filter's function instead of its own, and no callback of the application.
//! Every callback of it, and everything that is to be done for the connection above, comes to
//! [`Filtering::go_on`], which moves what can be moved, both ways. End of stream and errors go up, end and
//! close go down, both behind the bytes.

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

/// What a filter does with the bytes of both directions.
///
/// A function gets bytes in `from`, and room in `to`. It returns how many bytes it has taken, and how many it
/// has made. It is called again with the rest, and with more bytes or more room. One that neither takes nor
/// makes any waits for more of both; if there never can be more, the connection above fails with
/// [`ConnError::Filter`]. State of each connection can be kept by the handle of the connection above.
///
/// Upper case below, lower case above:
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
/// /// What clients talk to.
/// struct Console;
///
/// impl Protocol<App> for Console {
///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
///         let _ = conn.transfer(conn.id());
///     }
/// }
///
/// /// What is listened with.
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
    /// Transforms bytes from below. Returns how many it took and made.
    ///
    /// # Errors
    /// The error that the connection above fails with. The one below is aborted.
    fn input(
        app: &mut A,
        above: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError>;

    /// Transforms bytes from above. Returns how many it took and made.
    ///
    /// # Errors
    /// As [`input`](Self::input).
    fn output(
        app: &mut A,
        above: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError>;

    /// Makes what comes behind the last byte from above: a mark of the end, for instance. Returns how many bytes
    /// it has made, and how many are left to be made. While there are any, it is called again, when there is
    /// room for them or as much as there ever is; the connection below is ended behind the last.
    ///
    /// # Errors
    /// As [`input`](Self::input). One that makes nothing in as much room as there ever is, though bytes are left,
    /// fails with [`ConnError::Filter`].
    fn finish(app: &mut A, above: Conn, to: &mut [u8]) -> Result<(usize, usize), ConnError> {
        let _ = (app, above, to);
        Ok((0, 0))
    }

    /// The connection below has ended: the last call for the connection above, whose state can be dropped.
    fn ended(app: &mut A, above: Conn) {
        let _ = (app, above);
    }
}

/// Filters.
impl<A> ConnMut<'_, '_, A> {
    /// Puts a filter above this connection, and a connection of a pool [in memory](crate::Pool::in_memory) above
    /// the filter, which is [opened](Protocol::opened) when this one is. Returns the connection above. From now on
    /// this connection belongs to the filter: it has no callbacks, timeouts and alarm of its own. When the one
    /// above is closed, so is this one, after its output; when it is aborted, this one is reset. When this one is
    /// closed or finished before the filter is done, as by [`EventBase::close_all`](crate::EventBase::close_all),
    /// it is reset, and the one above fails.
    ///
    /// [`Filter`] has an example.
    ///
    /// # Errors
    /// [`SetupError::NotFiltered`] when this connection has a filter above it already, has ended, or is at
    /// rest; as [`Cx::pair`] for the pool. Nothing has changed then.
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
        // The marks go with the settings, so the rings become as long as they are.
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
    /// Does what a back end does with an action, for a connection above a filter: most of it is done by the
    /// function of the connection below, which is called for it.
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
                // Also one that was closed: without the bytes from above its end would come too early.
                if self.tables.conns.get(below).is_some_and(|slot| !slot.has(flag::RELEASED)) {
                    self.conn_drop(below.slot(), Code::ABORTED);
                }
            }
            _ => {}
        }
    }

    /// Resets a connection whose stream is about to end, if the filter above it is not done: it was ended behind
    /// the filter's back, and the peer would take what it has got for all. Returns whether it has.
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

    /// Returns how much room the input of a connection has, zero while none is wanted.
    fn conn_input_room(&self, conn: Conn) -> usize {
        let wanted = self.tables.conns.get(conn).filter(|slot| slot.wants_input());
        wanted.map_or(0, |slot| self.pools.input_len(slot.rings()).saturating_sub(slot.input.len()))
    }
}

/// The function of a connection below a filter.
fn on_event<A, F: Filter<A>>(app: &mut A, below: &mut ConnMut<'_, '_, A>, event: ConnEvent) {
    let Some(above) = below.slot().and_then(|slot| slot.above()) else { return };
    let mut filtering = Filtering { app, below, above };
    match event {
        ConnEvent::Ended(end) => filtering.end::<F>(end),
        _ => {
            if let Err(error) = filtering.go_on::<F>() {
                filtering.below.cx().conn_failed(above, error.into());
                // An abort would end a complete stream in order, and bytes of this one are missing.
                let below = filtering.below.conn.slot();
                filtering.below.cx().conn_drop(below, Code::ABORTED);
            }
        }
    }
}

/// A filter at work.
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
        // A closed one would ask to send each time, and be asked here again, without an end.
        if cx.tables.conns.get(self.above).is_some_and(|slot| slot.is_held()) {
            cx.conn_connected(self.above);
        }
        while self.move_up::<F>()? {}
        let is_at_end = self.below.input_len() == 0
            && self.below.slot().is_some_and(|slot| slot.has(flag::EOF));
        if is_at_end {
            self.below.cx().conn_finished(self.above);
        }
        // It may have been finished behind the filter's back: see `conn_cut_off`.
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

    /// A filter took nothing from above. Waits for more room, if there can be more.
    ///
    /// # Errors
    /// [`ConnError::Filter`] when there is as much room as there can be, and as many bytes.
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

    /// Ends the connection below, when the one above has ended its stream.
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
            // With its direction.
            ConnEnd::Failed(error) => {
                let failure = direction.map_or(error.into(), |direction| error.found(direction));
                cx.conn_failed(above, failure);
            }
            // The application has ended it behind the filter's back, if the one above is still there.
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
