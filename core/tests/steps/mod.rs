//! The steps of a back end for a connection, one at a time.

use picoevent::{Action, Conn, EventBase};

/// Takes and returns all pending actions.
pub fn actions<A>(base: &mut EventBase<A>) -> Vec<Action> {
    std::iter::from_fn(|| base.next_action()).collect()
}

/// Writes as much of `data` to the input ring as fits. Returns the number of bytes written.
pub fn feed<A>(base: &mut EventBase<A>, conn: Conn, data: &[u8]) -> usize {
    let Some((first, second)) = base.input(conn) else { return 0 };
    let room = first.iter_mut().chain(second);
    let amount = room.zip(data).map(|(room, byte)| *room = *byte).count();
    base.received(conn, amount);
    amount
}

/// Sends up to `most` bytes of output. Returns the sent bytes.
pub fn drain<A>(base: &mut EventBase<A>, conn: Conn, most: usize) -> Vec<u8> {
    let (first, second) = base.output(conn);
    let bytes: Vec<u8> = first.iter().chain(second).copied().take(most).collect();
    base.sent(conn, bytes.len());
    bytes
}
