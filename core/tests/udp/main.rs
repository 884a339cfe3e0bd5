//! UDP sockets: requests of the application, reports to the application, and all errors.
#![cfg(feature = "udp")]

use std::net::SocketAddr;

use picoevent::{
    Action, Dropped, EventBase, FullError, SendError, SetupError, Storage, UdpAction, UdpError,
    UdpEvent, UdpMut, UdpRequest, UdpRings, UdpSocket, Wait,
};

mod input;
mod output;
#[cfg(feature = "record")]
mod recorded;
mod sockets;

#[derive(Default)]
struct App {
    events: Vec<UdpEvent>,
    react: Option<fn(&mut App, &mut UdpMut<App>, UdpEvent)>,
    received: Vec<(SocketAddr, Vec<u8>, bool)>,
}

impl App {
    fn called(&mut self, udp: &mut UdpMut<Self>, event: UdpEvent) {
        self.events.push(event);
        if let Some(react) = self.react {
            react(self, udp, event);
        }
    }

    /// Receives one datagram.
    fn receive_one(&mut self, udp: &mut UdpMut<Self>, _: UdpEvent) {
        let mut buffer = [0; 64];
        if let Some(received) = udp.receive_from(&mut buffer) {
            let data = buffer[..received.len].to_vec();
            self.received.push((received.from, data, received.truncated));
        }
    }

    fn events(&mut self) -> Vec<UdpEvent> {
        std::mem::take(&mut self.events)
    }
}

/// The rings of each socket. The storage has room for two sockets with these rings, and for no other object.
const RINGS: UdpRings = UdpRings::new(64, 64);

type TestStorage = Storage<App, 0, 0, 256, 0, 0, 0, 2>;
type Base<'s> = EventBase<'s, App>;

const PEER: &str = "192.0.2.7:9000";
const LOCAL: &str = "192.0.2.1:7000";

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn bind(base: &mut Base<'_>) -> UdpSocket {
    base.bind(addr("0.0.0.0:7000"), RINGS, App::called).unwrap()
}

/// Makes a socket, and binds it as a back end does.
fn bound(base: &mut Base<'_>) -> UdpSocket {
    let socket = bind(base);
    assert_eq!(actions(base), [Action::Udp(socket, UdpAction::Bind)]);
    base.bound(socket, addr(LOCAL));
    socket
}

fn actions(base: &mut Base<'_>) -> Vec<Action> {
    std::iter::from_fn(|| base.next_action()).collect()
}

/// Runs passes until nothing is due.
fn run(base: &mut Base<'_>, app: &mut App) {
    for _ in 0..100 {
        base.dispatch(app);
        if !matches!(base.wait(), Wait::Not) {
            return;
        }
        let posted = actions(base);
        assert!(
            posted.iter().all(|action| !matches!(action, Action::Udp(_, UdpAction::Bind))),
            "{posted:?}"
        );
    }
    panic!("the loop spins");
}
