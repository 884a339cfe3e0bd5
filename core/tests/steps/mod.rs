//! What a back end does with a connection, one step at a time.

use picoevent::{Action, Conn, EventBase};

/// Takes all actions.
pub fn actions<A>(base: &mut EventBase<A>) -> Vec<Action> {
    std::iter::from_fn(|| base.next_action()).collect()
}

/// Puts as much of `data` into the input ring as is wanted. Returns how much.
pub fn feed<A>(base: &mut EventBase<A>, conn: Conn, data: &[u8]) -> usize {
    let Some((first, second)) = base.input(conn) else { return 0 };
    let room = first.iter_mut().chain(second);
    let amount = room.zip(data).map(|(room, byte)| *room = *byte).count();
    base.received(conn, amount);
    amount
}

/// Takes up to `most` bytes of output.
pub fn drain<A>(base: &mut EventBase<A>, conn: Conn, most: usize) -> Vec<u8> {
    let (first, second) = base.output(conn);
    let bytes: Vec<u8> = first.iter().chain(second).copied().take(most).collect();
    base.sent(conn, bytes.len());
    bytes
}
