//! A server that sends every datagram back unchanged. The case `datagrams` of `cargo xtask soak` uses it.

use std::net::SocketAddr;
use std::process::ExitCode;

use picoevent::{
    Cx, EventBase, EventMut, SendError, SetupError, Signal, Storage, UdpEvent, UdpMut, UdpRings,
    UdpSocket,
};

/// Rings for several hundred datagrams in each direction.
const RINGS: UdpRings = UdpRings::new(32_768, 32_768);

/// The longest datagram that is sent back.
const LONGEST: usize = 512;

struct Echo;

impl Echo {
    fn start(cx: &mut Cx<Self>, address: SocketAddr) -> Result<UdpSocket, SetupError> {
        cx.on_signal(Signal::INT, |_, event: &mut EventMut<Self>| event.exit())?;
        cx.bind(address, RINGS, Self::echo)
    }

    /// Echoes datagrams. If an answer does not fit into the output ring, its datagram stays in the input ring, and this
    /// callback runs again later.
    fn echo(&mut self, udp: &mut UdpMut<Self>, _: UdpEvent) {
        while let Some(datagram) = udp.peek() {
            let (from, length) = (datagram.from, datagram.data.len().min(LONGEST));
            let mut copy = [0; LONGEST];
            copy[..length].copy_from_slice(&datagram.data[..length]);
            if udp.send_to(&copy[..length], from) == Err(SendError::Full) {
                return;
            }
            udp.consume();
        }
    }
}

fn main() -> ExitCode {
    let mut storage = Box::new(Storage::<Echo, 1, 0, { RINGS.bytes() }, 0, 0, 0, 1>::new());
    let mut base = EventBase::new(&mut storage);
    desk::serve_udp(&mut base, &mut Echo, Echo::start, 9007)
}
