//! The connections of the base: bytes between its rings and the stack's, and how they end.

use core::task::Context;

use picoevent::{Conn, ConnError, EventBase, Instant};

use crate::config::Config;
use crate::network::Network;
use crate::slot::{Role, Slot};
use crate::socket::{Phase, Read};
use crate::time::Moment;

/// Looks what has become of a connection and feeds it to the base.
pub(crate) fn look<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    base: &mut EventBase<'_, A>,
    network: &Network<'_>,
    config: &Config,
    moment: Moment,
    cx: &mut Context<'_>,
) {
    if network.changed && slot.role != Role::Queued(conn) && has_lost_address(slot, network) {
        return fail(slot, conn, base, ConnError::AddressLost, moment);
    }
    if slot.connects() {
        let late = slot.until(config) <= moment.now;
        match slot.socket.phase() {
            Phase::Handshake if !late => return,
            Phase::Closed if !late && slot.role == Role::Queued(conn) => return,
            Phase::Handshake | Phase::Closed => {
                let given_up = late || slot.socket.owes_reset();
                let error = if given_up { ConnError::TimedOut } else { ConnError::Refused };
                slot.socket.forget();
                return fail(slot, conn, base, error, moment);
            }
            _ => {
                base.connected(conn);
                slot.serve(Role::Open(conn), moment.now);
            }
        }
    }
    match slot.role {
        Role::Closing(_) => close(slot, conn, base, moment, cx),
        _ => pump(slot, conn, base, config, moment, cx),
    }
}

/// Moves what can be moved, and sees whether the connection lives on.
fn pump<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    base: &mut EventBase<'_, A>,
    config: &Config,
    moment: Moment,
    cx: &mut Context<'_>,
) {
    if receive(slot, conn, base, cx) | send(slot, conn, base, cx) {
        slot.time = moment.now;
    }
    let unsent = base.conn(conn).map_or(0, |conn| conn.output_len()) > 0;
    let phase = slot.socket.phase();
    if slot.ends.output_wanted && !unsent && phase == Phase::Open {
        slot.finish();
    }
    let over = match phase {
        Phase::Closed if !is_in_order(slot, cx) => {
            let given_up = is_given_up(slot, config, moment.now);
            let error = if given_up { ConnError::TimedOut } else { ConnError::Reset };
            return fail(slot, conn, base, error, moment);
        }
        Phase::Closed | Phase::Done => true,
        _ => false,
    };
    if over && slot.ends.input {
        // Nothing can come or go any more, so the socket is free before the application closes.
        slot.abort(moment);
    }
}

/// Whether a connection that is closed ended as both sides wished.
fn is_in_order(slot: &mut Slot<'_>, cx: &mut Context<'_>) -> bool {
    let delivered = slot.ends.output && slot.socket.is_sent();
    let ended = slot.ends.input || slot.socket.has_input();
    // With nothing left to be read, a read tells an end of stream from a reset.
    delivered && (ended || slot.socket.read(&mut [0], cx) == Read::End)
}

/// Whether the stack ended a connection that is closed, and not the peer. The stack does not say:
/// it was the stack if it could not send its reset yet, or if nothing came of what was sent for so
/// long. An idle connection whose peer vanished may pass for one that the peer reset.
fn is_given_up(slot: &Slot<'_>, config: &Config, now: Instant) -> bool {
    let silent = slot.timeout(config) <= now;
    slot.socket.owes_reset() || (silent && !slot.socket.is_sent())
}

/// Takes what the base has room for; whether anything.
fn receive<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    base: &mut EventBase<'_, A>,
    cx: &mut Context<'_>,
) -> bool {
    let mut moved = false;
    while let Some((space, _)) = base.input(conn) {
        match slot.socket.read(space, cx) {
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
fn send<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    base: &mut EventBase<'_, A>,
    cx: &mut Context<'_>,
) -> bool {
    let mut moved = false;
    loop {
        let amount = slot.socket.write(base.output(conn).0, cx);
        if amount == 0 {
            return moved;
        }
        base.sent(conn, amount);
        moved = true;
    }
}

/// Moves what is left in the ring of a connection that was closed; then the base is done with it.
fn close<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    base: &mut EventBase<'_, A>,
    moment: Moment,
    cx: &mut Context<'_>,
) {
    // A peer that first wants to be rid of what it sends would never come to read.
    slot.socket.discard(cx);
    send(slot, conn, base, cx);
    let unsent = !base.output(conn).0.is_empty();
    let phase = slot.socket.phase();
    let possible = matches!(phase, Phase::Handshake | Phase::Open);
    if unsent && possible && moment.now < slot.time {
        return;
    }
    base.released(conn);
    if unsent || matches!(phase, Phase::Handshake | Phase::Closed | Phase::Done) {
        // The reset has a time of its own, since that of the connection may be up.
        slot.abort(moment);
    } else {
        slot.linger(slot.time);
    }
}

/// Whether the connection's own address is ours no more. The stack drops such a connection by
/// itself, but may not have come to it yet.
fn has_lost_address(slot: &Slot<'_>, network: &Network<'_>) -> bool {
    slot.socket.phase() == Phase::Closed
        || slot.socket.local_address().is_some_and(|address| !network.has(address))
}

pub(crate) fn fail<A>(
    slot: &mut Slot<'_>,
    conn: Conn,
    base: &mut EventBase<'_, A>,
    error: ConnError,
    moment: Moment,
) {
    slot.abort(moment);
    base.failed(conn, error);
}
