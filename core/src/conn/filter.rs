//! Filters: a connection above another connection. The filter between them transforms the bytes in both directions
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
//! The callback of the connection below is a function of the filter, not a function of the application. This callback
//! calls [`Filtering::run`], which moves as many bytes as possible in both directions. The back end does not get the
//! actions of the connection above, for example to send output. Instead, such an action makes the callback of the
//! connection below due, and the callback moves the bytes. After the bytes, an end of stream or an error of the
//! connection below is passed to the connection above. In the other direction, a finish or a close of the connection
//! above is passed to the connection below.

use super::firing::due;
use super::pair::SCRATCH;
use super::slot::flag;
use super::{ConnEnd, ConnEvent, ConnMut, Protocol};
use crate::Cx;
use crate::error::{Code, ConnError, SetupError};
use crate::handle::Conn;
use crate::outbox::action;
use crate::pool::PoolId;

/// A filter's functions, which transform the bytes of both directions.
///
/// [`input`](Self::input) and [`output`](Self::output) read bytes from `from` and write bytes to `to`. Each of these
/// two functions returns the number of bytes consumed and the number of bytes produced. The function is called again
/// with the remaining bytes, until no bytes or no room is left. If both numbers are zero, the function is called again
/// when `from` has more bytes or `to` has more room. If neither more bytes nor more room are possible, the connection
/// above fails with [`ConnError::Filter`]. Use the handle of the connection above as the key for per-connection state.
///
/// This filter sends upper case to the connection below, and passes lower case to the connection above:
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
    /// Transforms bytes from the connection below. Returns the numbers of bytes consumed and produced.
    ///
    /// # Errors
    /// The error with which the connection above fails. The connection below is reset.
    fn input(
        app: &mut A,
        above: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError>;

    /// Transforms bytes from the connection above. Returns the numbers of bytes consumed and produced.
    ///
    /// # Errors
    /// The same as for [`input`](Self::input).
    fn output(
        app: &mut A,
        above: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError>;

    /// Produces the bytes that follow the last byte from the connection above, for example an end marker. Returns the
    /// number of bytes produced, and the number of bytes that are still to be produced. While bytes are left to
    /// produce, the function is called again when there is more room. After the last byte the filter half-closes the
    /// connection below.
    ///
    /// # Errors
    /// The same as for [`input`](Self::input). The connection above also fails, with [`ConnError::Filter`], if the
    /// function produces no bytes in the largest possible room although bytes are left to produce.
    fn finish(app: &mut A, above: Conn, to: &mut [u8]) -> Result<(usize, usize), ConnError> {
        let _ = (app, above, to);
        Ok((0, 0))
    }

    /// Is called when the connection below has ended. This is the filter's last call for the connection above, so the
    /// filter can drop its state for the connection above.
    fn ended(app: &mut A, above: Conn) {
        let _ = (app, above);
    }
}

/// Filters.
impl<A> ConnMut<'_, '_, A> {
    /// Puts a filter above this connection, and puts a new connection, from a pool [in memory](crate::Pool::in_memory),
    /// above the filter. Returns the new connection, called the connection above. The connection above is
    /// [opened](Protocol::opened) when this connection is open.
    ///
    /// From now on this connection belongs to the filter: it has no callbacks, timeouts or alarm for the application.
    /// If the connection above is closed, this connection is closed after its output. If the connection above is
    /// aborted, this connection is reset. Do not close or half-close this connection directly before the filter has
    /// [finished](Filter::finish) this connection's stream. If you do, this connection is reset, and the connection
    /// above fails. [`EventBase::close_all`](crate::EventBase::close_all) also closes this connection directly.
    ///
    /// An outgoing connection with a filter does not reconnect, and its slot is not free yet in the
    /// [`ended`](Protocol::ended) callback of the connection above. So make the next connection from a pool with a
    /// further slot, or in a later callback.
    ///
    /// [`Filter`] has an example.
    ///
    /// # Errors
    /// [`SetupError::NotFiltered`] if this connection already has a filter above it, was [half-closed](Self::finish),
    /// has ended, or is at rest (an outgoing connection without a socket). The errors for the pool are the same as for
    /// [`Cx::pair`]. After an error nothing has changed.
    pub fn filter<F: Filter<A>, P: Protocol<A>>(
        &mut self,
        pool: PoolId,
    ) -> Result<Conn, SetupError> {
        let below = self.conn;
        let slot = self.slot().ok_or(SetupError::NotFiltered)?;
        let can_be_filtered = slot.is_in_use()
            && !slot.is_finished()
            && !slot.has(flag::RELEASED)
            && slot.above().is_none();
        if !can_be_filtered {
            return Err(SetupError::NotFiltered);
        }
        let above = self.cx.conn_in_memory(pool, P::SETTINGS, P::event)?;
        self.cx.conn_set_peer(above, below);
        // The new settings have no high marks, so the rings get their full length again.
        self.cx.conn_align(below.slot());
        if let Some(slot) = self.cx.tables.conns.get_mut(below) {
            slot.attach_filter(above, on_event::<A, F>);
        }
        self.enable(super::Direction::Read).enable(super::Direction::Write);
        self.cx.conn_restart_connect_timeout(above.slot());
        self.cx.conn_activate(below.slot(), due::OPENED);
        Ok(above)
    }
}

impl<A> Cx<'_, A> {
    /// Carries out an action for a connection above a filter. The back end does not get such an action. For most
    /// actions, this function only makes the callback of the connection below due. The callback then carries out the
    /// action.
    pub(super) fn conn_act_filtered(&mut self, above: Conn, below: Conn, action: u8) {
        let is_in_use = self.tables.conns.get(below).is_some_and(|slot| slot.is_in_use());
        match action {
            action::SEND | action::RECEIVE | action::END if is_in_use => {
                self.conn_activate(below.slot(), due::OPENED);
            }
            action::FREE => self.conn_free(above.slot()),
            action::CLOSE => {
                self.conn_free(above.slot());
                if is_in_use {
                    self.conn_close(below.slot());
                }
            }
            action::RESET => {
                self.conn_free(above.slot());
                // The connection below is reset even if it was closed. Bytes from the connection above are missing, so
                // the peer must not get a normal end of the stream.
                if self.tables.conns.get(below).is_some_and(|slot| !slot.has(flag::RELEASED)) {
                    self.conn_reset(below.slot(), Code::ABORTED);
                }
            }
            _ => {}
        }
    }

    /// Resets a connection whose stream is about to end, if the filter above it has not finished the stream. In this
    /// case the application has ended the connection directly, not through the filter. Without a reset the peer could
    /// not know that the stream is incomplete. Returns whether the connection was reset.
    pub(super) fn conn_reset_unfinished(&mut self, below: Conn) -> bool {
        let above = self.tables.conns.get(below).and_then(|slot| slot.above());
        let Some(above) = above else { return false };
        if self.tables.conns.get(above).is_none_or(|slot| slot.has(flag::DELIVERED)) {
            return false;
        }
        self.conn_failed(above, ConnError::Reset.into());
        self.conn_reset(below.slot(), Code::ABORTED);
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
            if let Err(error) = filtering.run::<F>() {
                filtering.below.cx().conn_failed(above, error.into());
                // `conn_abort` is not used here. It would close the connection below normally if both of its streams
                // look complete. But bytes are missing, so the connection must be reset.
                let below = filtering.below.conn.slot();
                filtering.below.cx().conn_reset(below, Code::ABORTED);
            }
        }
    }
}

/// The application, and the connections below and above a filter.
struct Filtering<'f, 'c, 's, A> {
    app: &'f mut A,
    below: &'f mut ConnMut<'c, 's, A>,
    above: Conn,
}

impl<A> Filtering<'_, '_, '_, A> {
    fn run<F: Filter<A>>(&mut self) -> Result<(), ConnError> {
        if !self.below.is_open() {
            return Ok(());
        }
        self.open_above();
        while self.move_up::<F>()? {}
        let is_at_end = self.below.input_len() == 0
            && self.below.slot().is_some_and(|slot| slot.has(flag::EOF));
        if is_at_end {
            self.below.cx().conn_peer_finished(self.above);
        }
        // The application may have finished the connection below directly: see `conn_reset_unfinished`.
        if self.below.slot().is_some_and(|slot| slot.is_finished()) {
            return Ok(());
        }
        while self.move_down::<F>()? {}
        self.finish::<F>()
    }

    /// Opens the connection above, if it is not open yet.
    fn open_above(&mut self) {
        let cx = self.below.cx();
        // This check prevents an endless loop. If the connection above is closed, `conn_connected` requests a send
        // action for the connection above. The send action makes the callback of the connection below due, and the
        // callback moves bytes and opens the connection above again.
        if cx.tables.conns.get(self.above).is_some_and(|slot| slot.is_in_use()) {
            cx.conn_connected(self.above);
        }
    }

    /// Moves bytes from the connection below to the connection above. Returns whether there may be more bytes to move.
    fn move_up<F: Filter<A>>(&mut self) -> Result<bool, ConnError> {
        let (mut from, mut to) = ([0; SCRATCH], [0; SCRATCH]);
        let available = self.below.copy_out(0, &mut from);
        let room = self.below.cx().conn_input_room(self.above).min(SCRATCH);
        if available == 0 || room == 0 {
            return Ok(false);
        }
        let from = from.get(..available).unwrap_or_default();
        let to = to.get_mut(..room).unwrap_or_default();
        let (consumed, produced) = F::input(self.app, self.above, from, to)?;
        self.below.consume(consumed.min(available));
        let output = to.get(..produced).unwrap_or(to);
        self.below.cx().conn_fill(self.above, output);
        if consumed == 0 && output.is_empty() {
            let is_at_end = self.below.slot().is_some_and(|slot| slot.has(flag::EOF));
            let has_all_input =
                available == SCRATCH || available == self.below.ring_sizes().0 || is_at_end;
            let has_all_room = room == SCRATCH || self.above_waits_for_input();
            return if has_all_input && has_all_room { Err(ConnError::Filter) } else { Ok(false) };
        }
        Ok(true)
    }

    /// Moves bytes from the connection above to the connection below. Returns whether there may be more bytes to move.
    fn move_down<F: Filter<A>>(&mut self) -> Result<bool, ConnError> {
        let (mut from, mut to) = ([0; SCRATCH], [0; SCRATCH]);
        let available = self.below.cx().conn_copy_output(self.above, &mut from);
        if available == 0 {
            return Ok(false);
        }
        let room = self.below.room().min(SCRATCH);
        if room == 0 {
            self.below.wait_for_room(1);
            return Ok(false);
        }
        let from = from.get(..available).unwrap_or_default();
        let to = to.get_mut(..room).unwrap_or_default();
        let (consumed, produced) = F::output(self.app, self.above, from, to)?;
        let output = to.get(..produced).unwrap_or(to);
        self.below.write_some(output);
        self.count_sent(consumed.min(available));
        if consumed == 0 && output.is_empty() {
            return self.handle_no_progress(available, room).map(|()| false);
        }
        Ok(true)
    }

    /// Reports that the oldest `amount` bytes of the output of the connection above were sent. Static bytes are
    /// separate parts of the output, and each report is for one part.
    fn count_sent(&mut self, amount: usize) {
        let (cx, mut left) = (self.below.cx(), amount);
        while left > 0 {
            let (first, second) = cx.conn_output(self.above);
            let part = first.len().saturating_add(second.len()).min(left);
            if part == 0 {
                return;
            }
            cx.conn_sent(self.above, part);
            left = left.saturating_sub(part);
        }
    }

    /// Is called when [`Filter::output`] has consumed and produced no bytes. Waits for more room in the connection
    /// below, if more room is possible.
    ///
    /// # Errors
    /// [`ConnError::Filter`] if neither more room nor more bytes are possible.
    fn handle_no_progress(&mut self, available: usize, room: usize) -> Result<(), ConnError> {
        if room < SCRATCH && self.below.output_len() > 0 {
            self.below.wait_for_room(room.saturating_add(1));
            return Ok(());
        }
        let cx = self.below.cx();
        let slot = cx.tables.conns.get(self.above);
        let is_last = slot.is_none_or(|slot| slot.has(flag::FINISHED));
        let is_full =
            slot.is_some_and(|slot| slot.output.len() == cx.pools.output_len(slot.rings()));
        if available == SCRATCH || is_last || is_full { Err(ConnError::Filter) } else { Ok(()) }
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
            let (produced, left) = F::finish(self.app, self.above, to)?;
            let output = to.get(..produced).unwrap_or(to);
            self.below.write_some(output);
            if left == 0 {
                break;
            }
            if output.is_empty() {
                if room == SCRATCH || self.below.output_len() == 0 {
                    return Err(ConnError::Filter);
                }
                self.below.wait_for_room(room.saturating_add(1));
                return Ok(());
            }
        }
        self.below.finish();
        self.below.cx().conn_delivered(self.above);
        Ok(())
    }

    fn end<F: Filter<A>>(&mut self, end: ConnEnd) {
        let (below, above) = (self.below.conn, self.above);
        let direction = self.below.failed_direction();
        match end {
            // The connection above fails with the same error, in the same direction.
            ConnEnd::Failed(error) => {
                // The input that arrived before the failure is not lost. If the filter has not run since the connection
                // below was opened, the connection above is opened now.
                if self.below.input_len() > 0 {
                    self.open_above();
                }
                while self.move_up::<F>().unwrap_or(false) {}
                let cx = self.below.cx();
                let failure = direction.map_or(error.into(), |direction| error.found(direction));
                cx.conn_failed(above, failure);
            }
            // If the connection above still exists, the application has ended the connection below directly.
            ConnEnd::Closed | ConnEnd::Aborted => {
                let cx = self.below.cx();
                if !cx.conn_reset_unfinished(below) {
                    cx.conn_failed(above, ConnError::Reset.into());
                }
            }
        }
        F::ended(self.app, self.above);
    }

    /// Returns whether the connection above has too little input for its `readable` callback. Then the application
    /// takes no input, so the connection above gets no more room.
    fn above_waits_for_input(&mut self) -> bool {
        let slot = self.below.cx().tables.conns.get(self.above);
        slot.is_none_or(|slot| slot.input.len() == 0 || !slot.has_input_wanted())
    }
}
