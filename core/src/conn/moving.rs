//! Moves bytes between connections, and between connections and the application's ring buffers.

use super::ConnMut;
use crate::StaleError;
use crate::handle::Conn;
use crate::ring::{Ring, RingBuffer, Searched};

/// Moving bytes.
///
/// This proxy keeps a copy of the bytes it forwards, while the copy has room:
///
/// ```
/// use picoevent::{Conn, ConnMut, RingBuffer};
/// # struct App { upstream: Conn, copy: RingBuffer<'static> }
/// fn readable(app: &mut App, conn: &mut ConnMut<App>) {
///     let (first, second) = conn.peek();
///     app.copy.write_some(first);
///     app.copy.write_some(second);
///     if conn.transfer(app.upstream).is_err() {
///         conn.close();
///     }
/// }
/// # let _ = readable;
/// ```
impl<A> ConnMut<'_, '_, A> {
    /// Moves bytes from this connection's input to the output of `to`, as many as fit. Returns the number moved. `to`
    /// may be this connection. If the pools of both connections [exchange rings](crate::Pool::exchanging) and the
    /// output ring is empty, the rings are swapped without a copy, O(1).
    ///
    /// # Errors
    /// [`StaleError`] if one of the two connections has ended. After an error nothing has moved.
    pub fn transfer(&mut self, to: Conn) -> Result<usize, StaleError> {
        self.transfer_some(to, usize::MAX)
    }

    /// Does the same as [`transfer`](Self::transfer), but moves at most `most` bytes (`evbuffer_remove_buffer`).
    ///
    /// # Errors
    /// The same as for [`transfer`](Self::transfer).
    pub fn transfer_some(&mut self, to: Conn, most: usize) -> Result<usize, StaleError> {
        let from = self.conn;
        let slot = self.slot().ok_or(StaleError)?;
        let (mut input, from_rings) = (slot.input, slot.rings());
        let slot =
            self.cx.tables.conns.get(to).filter(|slot| slot.is_in_use()).ok_or(StaleError)?;
        if slot.is_finished() {
            return Ok(0);
        }
        let (mut output, to_rings) = (slot.output, slot.rings());
        let rings = ((from_rings, from.slot()), (to_rings, to.slot()));
        let was_full = input.len() == self.cx.pools.input_len(from_rings);
        // Two empty rings are swapped too. The memory of the output ring was probably used more recently, so it is more
        // likely to be in the cache. After the swap the next input is written to this memory.
        let is_whole = input.len() <= most && output.len() == 0;
        let amount = if is_whole && self.cx.pools.exchange(rings.0, rings.1) {
            output = core::mem::replace(&mut input, Ring::EMPTY);
            output.len()
        } else {
            let (storage, room) = self.cx.pools.input_and_output(rings.0, rings.1);
            input.transfer(storage, &mut output, room, most)
        };
        let mut begins = false;
        if let Some(slot) = self.cx.tables.conns.get_mut(to) {
            slot.output = output;
            begins = slot.begins_to_send(amount);
        }
        if let Some(slot) = self.cx.tables.conns.get_mut(from) {
            slot.input = input;
            if amount > 0 {
                slot.set_searched(Searched::NOTHING);
            }
        }
        self.cx.conn_output_grew(to.slot(), amount, begins);
        if amount > 0 {
            self.cx.conn_input_taken(from.slot(), was_full);
        }
        Ok(amount)
    }

    /// Moves up to `most` bytes from the input to the end of `ring`, as many as fit. Returns the number moved.
    pub fn transfer_to_ring(&mut self, ring: &mut RingBuffer<'_>, most: usize) -> usize {
        self.take(|input, storage| ring.transfer_from(input, storage, most))
    }

    /// Moves up to `most` bytes from the beginning of `ring` to the output, as many as fit. Returns the number moved;
    /// zero if no more output can be sent.
    pub fn transfer_from_ring(&mut self, ring: &mut RingBuffer<'_>, most: usize) -> usize {
        let Ok((slot, room)) = self.output() else { return 0 };
        let amount = ring.transfer_to(&mut slot.output, room, most);
        let begins = slot.begins_to_send(amount);
        self.cx.conn_output_grew(self.conn.slot(), amount, begins);
        amount
    }
}
