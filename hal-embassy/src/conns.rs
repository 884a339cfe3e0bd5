//! The connections of the base: moves bytes between its rings and the stack's, and ends them.

use picoevent::{Conn, ConnError, EventBase, Instant};

use crate::env::Env;
use crate::slot::{Role, Slot};
use crate::socket::{Phase, Read};

/// Examines a connection and feeds its changes to the base.
#[inline(never)]
pub(crate) fn look<A>(slot: &mut Slot<'_>, conn: Conn, base: &mut EventBase<'_, A>, env: &Env<'_>) {
    if env.network.changed && slot.role != Role::Queued(conn) && has_lost_address(slot, env) {
        return fail(slot, conn, base, ConnError::AddressLost, env.until);
    }
    if slot.connects() {
        let late = slot.until(&env.limits) <= env.now;
        match slot.socket.phase() {
            Phase::Handshake if !late => return,
            Phase::Closed if !late && slot.role == Role::Queued(conn) => return,
            Phase::Handshake | Phase::Closed => {
                let given_up = late || slot.socket.owes_reset();
                let error = if given_up { ConnError::TimedOut } else { ConnError::Refused };
                slot.socket.forget();
                return fail(slot, conn, base, error, env.until);
            }
            _ => {
                base.connected(conn);
                slot.serve(Role::Open(conn), env.now);
            }
        }
    }
    match slot.role {
        Role::Closing(_) => close(slot, conn, base, env),
        _ => pump(slot, conn, base, env),
    }
}

/// Moves the bytes that can be moved, and checks whether the connection has ended.
fn pump<A>(slot: &mut Slot<'_>, conn: Conn, base: &mut EventBase<'_, A>, env: &Env<'_>) {
    if receive(slot, conn, base) | send(slot, conn, base) {
        slot.time = env.now;
    }
    let unsent = base.conn(conn).map_or(0, |conn| conn.output_len()) > 0;
    let phase = slot.socket.phase();
    if slot.ends.output_wanted && !unsent && phase == Phase::Open {
        slot.finish();
    }
    let over = match phase {
        Phase::Closed if !is_in_order(slot) => {
            let given_up = is_given_up(slot, env);
            let error = if given_up { ConnError::TimedOut } else { ConnError::Reset };
            return fail(slot, conn, base, error, env.until);
        }
        Phase::Closed | Phase::Done => true,
        _ => false,
    };
    if over && slot.ends.input {
        // No more bytes can move, so the socket becomes free before the application closes.
        slot.abort(env.until);
    }
}

/// Returns whether a closed connection ended in order: both directions are complete.
fn is_in_order(slot: &mut Slot<'_>) -> bool {
    let delivered = slot.ends.output && slot.socket.is_sent();
    let ended = slot.ends.input || slot.socket.has_input();
    // When nothing is left to read, a read distinguishes an end of stream from a reset.
    delivered && (ended || slot.socket.read(&mut [0]) == Read::End)
}

/// Returns whether the stack ended a closed connection, and not the peer. The stack does not report
/// it: it was the stack if its reset is not sent yet, or if output is unacknowledged and no byte has
/// moved for the whole timeout. An idle connection whose peer vanished may look like a reset one.
fn is_given_up(slot: &Slot<'_>, env: &Env<'_>) -> bool {
    let silent = slot.timeout(&env.limits) <= env.now;
    slot.socket.owes_reset() || (silent && !slot.socket.is_sent())
}

/// Moves input as far as the base has room. Returns whether any byte moved.
fn receive<A>(slot: &mut Slot<'_>, conn: Conn, base: &mut EventBase<'_, A>) -> bool {
    let mut moved = false;
    while let Some((space, _)) = base.input(conn) {
        match slot.socket.read(space) {
            Read::Bytes(amount) => {
                base.received(conn, amount);
                moved = true;
            }
            Read::End => {
                slot.ends.input = true;
                base.finished(conn);
                break;
            }
            Read::Nothing | Read::Reset => break,
        }
    }
    moved
}

/// Moves output as far as the socket has room. Returns whether any byte moved.
fn send<A>(slot: &mut Slot<'_>, conn: Conn, base: &mut EventBase<'_, A>) -> bool {
    let mut moved = false;
    loop {
        let amount = slot.socket.write(base.output(conn).0);
        if amount == 0 {
            return moved;
        }
        base.sent(conn, amount);
        moved = true;
    }
}

/// Moves the remaining output of a closed connection, and then releases it in the base.
fn close<A>(slot: &mut Slot<'_>, conn: Conn, base: &mut EventBase<'_, A>, env: &Env<'_>) {
    // A peer that reads only after its own output is accepted would otherwise never read.
    slot.socket.discard();
    send(slot, conn, base);
    let unsent = !base.output(conn).0.is_empty();
    let phase = slot.socket.phase();
    let possible = matches!(phase, Phase::Handshake | Phase::Open);
    if unsent && possible && env.now < slot.time {
        return;
    }
    base.released(conn);
    if unsent || matches!(phase, Phase::Handshake | Phase::Closed | Phase::Done) {
        // The reset gets a time limit of its own, since the connection's may have passed.
        slot.abort(env.until);
    } else {
        slot.linger(slot.time);
    }
}

/// Returns whether the connection's local address is no longer ours. The stack drops such a
/// connection itself, but may not have done so yet.
fn has_lost_address(slot: &Slot<'_>, env: &Env<'_>) -> bool {
    slot.socket.phase() == Phase::Closed
        || slot.socket.local_address().is_some_and(|address| !env.network.has(address))
}

pub(crate) fn fail<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    base: &mut EventBase<'_, A>,
    error: ConnError,
    until: Instant,
) {
    slot.abort(until);
    base.failed(conn, error);
}
