//! A device that performs the actions of listeners and connections.

use core::hint::black_box;
use core::net::{Ipv4Addr, SocketAddr};

use picoevent::{Action, ConnError, EventBase};

/// Performs an action, and at once reports to the base that the action succeeded.
#[inline(always)]
pub fn act<A>(base: &mut EventBase<'_, A>, action: Action) {
    match black_box(action) {
        Action::Listen(listener) if base.has_room(listener) => {
            black_box(base.accepted(listener, peer()).is_ok());
        }
        Action::Receive(conn) => {
            if let Some((first, _)) = base.input(conn) {
                let amount = black_box(first).len();
                base.received(conn, amount);
            }
            base.peer_finished(conn);
            base.failed(conn, black_box(ConnError::Reset));
        }
        Action::Send(conn) => {
            let (first, second) = black_box(base.output(conn));
            let amount = first.len() + second.len();
            base.sent(conn, amount);
        }
        Action::End(conn) => base.delivered(conn),
        _ => {}
    }
}

/// Returns the address of a peer.
pub fn peer() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, black_box(9995)))
}
