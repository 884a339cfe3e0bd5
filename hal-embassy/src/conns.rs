//! The connections of the base: bytes between its rings and the stack's, and how they end.

use picoevent::{Conn, ConnError, EventBase, Instant};

use crate::env::Env;
use crate::slot::{Role, Slot};
use crate::socket::{Phase, Read};

/// Looks what has become of a connection and feeds it to the base.
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

/// Moves what can be moved, and sees whether the connection lives on.
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
        // Nothing can come or go any more, so the socket is free before the application closes.
        slot.abort(env.until);
    }
}

/// Whether a connection that is closed ended as both sides wished.
fn is_in_order(slot: &mut Slot<'_>) -> bool {
    let delivered = slot.ends.output && slot.socket.is_sent();
    let ended = slot.ends.input || slot.socket.has_input();
    // With nothing left to be read, a read tells an end of stream from a reset.
    delivered && (ended || slot.socket.read(&mut [0]) == Read::End)
}

/// Whether the stack ended a connection that is closed, and not the peer. The stack does not say:
/// it was the stack if it could not send its reset yet, or if nothing came of what was sent for so
/// long. An idle connection whose peer vanished may pass for one that the peer reset.
fn is_given_up(slot: &Slot<'_>, env: &Env<'_>) -> bool {
    let silent = slot.timeout(&env.limits) <= env.now;
    slot.socket.owes_reset() || (silent && !slot.socket.is_sent())
}

/// Takes what the base has room for; whether anything.
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

/// Gives what the socket has room for; whether anything.
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

/// Moves what is left in the ring of a connection that was closed; then the base is done with it.
fn close<A>(slot: &mut Slot<'_>, conn: Conn, base: &mut EventBase<'_, A>, env: &Env<'_>) {
    // A peer that first wants to be rid of what it sends would never come to read.
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
        // The reset has a time of its own, since that of the connection may be up.
        slot.abort(env.until);
    } else {
        slot.linger(slot.time);
    }
}

/// Whether the connection's own address is ours no more. The stack drops such a connection by
/// itself, but may not have come to it yet.
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
