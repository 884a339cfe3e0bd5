//! The connections of the base: moves bytes between the base's rings and the stack's buffers, and
//! ends connections.

use picoevent::{Conn, ConnError, Direction, EventBase, Failure};

use crate::env::Env;
use crate::slot::{Ends, Slot};
use crate::socket::{Phase, Read};

/// The peer has reset the connection.
const RESET: Failure = ConnError::Reset.found(Direction::Read);
/// The peer no longer acknowledges anything.
const TIMED_OUT: Failure = ConnError::TimedOut.found(Direction::Write);

/// Examines a connection and feeds its changes to the base.
pub(crate) fn check<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    base: &mut EventBase<'_, A>,
    env: &Env<'_>,
) {
    if env.network.address_lost && has_lost_address(slot, env) {
        return fail(slot, conn, base, ConnError::AddressLost, env);
    }
    pump(slot, conn, Directions::Both, base, env);
}

/// Examines an outgoing connection that is not established yet, and feeds its changes to the base.
#[inline(never)]
pub(crate) fn check_connecting<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    base: &mut EventBase<'_, A>,
    env: &Env<'_>,
) {
    match env.outgoing.result(slot, env) {
        None => {}
        Some(Ok(())) => {
            base.local_is(conn, || slot.socket.local());
            base.connected(conn);
            slot.open(conn, env.now);
            pump(slot, conn, Directions::Both, base, env);
        }
        Some(Err(error)) => fail(slot, conn, base, error, env),
    }
}

/// The directions in which bytes may move.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Directions {
    Both,
    Output,
}

/// Moves the bytes that can be moved, and checks whether the connection has ended.
#[inline(never)]
pub(crate) fn pump<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    directions: Directions,
    base: &mut EventBase<'_, A>,
    env: &Env<'_>,
) {
    if directions == Directions::Both {
        receive(slot, conn, base, env);
    }
    send(slot, conn, base, env);
    match slot.socket.phase() {
        Phase::Closed if !is_in_order(slot) => {
            let timed_out = was_ended_by_stack(slot, env);
            let failure = if timed_out { TIMED_OUT } else { RESET };
            return fail(slot, conn, base, failure, env);
        }
        Phase::Finished | Phase::Closed | Phase::Done => {}
        Phase::Listening | Phase::Handshake | Phase::Open | Phase::Finishing => return,
    }
    if !slot.ends.has(Ends::DELIVERED) {
        slot.ends.set(Ends::DELIVERED, true);
        slot.time = env.now;
        base.delivered(conn);
    }
    slot.ends.set(Ends::LINGERS, base.is_lingering(conn));
    if slot.ends.has(Ends::INPUT) && slot.socket.phase() != Phase::Finished {
        // No more bytes can move, so free the socket before the application closes the connection.
        slot.abort(env.now);
    }
}

/// Returns whether a closed connection ended in order: both directions are complete.
fn is_in_order(slot: &mut Slot<'_>) -> bool {
    let delivered = slot.ends.has(Ends::OUTPUT) && slot.socket.is_output_acknowledged();
    let ended = slot.ends.has(Ends::INPUT) || slot.socket.has_input();
    // When nothing is left to read, a read distinguishes an end of stream from a reset.
    delivered && (ended || slot.socket.read(&mut [0]) == Read::End)
}

/// Returns whether a closed connection was ended by the stack, not by the peer. The stack does not report why a
/// connection has ended. So the function returns `true` in two cases: the stack's reset is not sent yet, or output is
/// unacknowledged and no byte has moved for the whole timeout. An idle connection whose peer vanished may look like a
/// connection that the peer has reset.
fn was_ended_by_stack(slot: &Slot<'_>, env: &Env<'_>) -> bool {
    slot.socket.has_pending_reset()
        || (slot.is_timed_out(env) && !slot.socket.is_output_acknowledged())
}

/// Moves received bytes from the socket to the base while the base has room.
fn receive<A>(slot: &mut Slot<'_>, conn: Conn, base: &mut EventBase<'_, A>, env: &Env<'_>) {
    while let Some((space, _)) = base.input(conn) {
        match slot.socket.read(space) {
            Read::Bytes(amount) => {
                slot.time = env.now;
                base.received(conn, amount);
            }
            Read::End => {
                slot.ends.set(Ends::INPUT, true);
                base.peer_finished(conn);
                return;
            }
            Read::Nothing | Read::Reset => return,
        }
    }
}

/// Moves output from the base to the socket while the socket has room.
fn send<A>(slot: &mut Slot<'_>, conn: Conn, base: &mut EventBase<'_, A>, env: &Env<'_>) {
    loop {
        let amount = slot.socket.write(base.output(conn).0);
        if amount == 0 {
            return;
        }
        slot.time = env.now;
        base.sent(conn, amount);
    }
}

/// Returns whether a connection that waits for room in the base has ended, or has just lost its local address. Such a
/// connection must not be accepted.
pub(crate) fn is_dead(slot: &Slot<'_>, env: &Env<'_>) -> bool {
    let is_over = matches!(slot.socket.phase(), Phase::Closed | Phase::Done);
    is_over || env.network.address_lost && has_lost_address(slot, env)
}

/// Returns whether the device no longer has the connection's local address. The stack itself drops such a connection,
/// before or after this check. After the drop, the socket is closed.
pub(crate) fn has_lost_address(slot: &Slot<'_>, env: &Env<'_>) -> bool {
    slot.socket.phase() == Phase::Closed
        || slot.socket.local_address().is_some_and(|address| !env.network.has(address))
}

pub(crate) fn fail<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    base: &mut EventBase<'_, A>,
    failure: impl Into<Failure>,
    env: &Env<'_>,
) {
    slot.abort(env.now);
    base.failed(conn, failure);
}
