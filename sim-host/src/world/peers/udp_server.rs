//! UDP servers that the device queries.

use std::net::Ipv4Addr;
use std::time::Duration;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::udp::{Socket, UdpMetadata};

use crate::world::network::address;
use crate::world::peers::script::Choices;
use crate::world::peers::udp_client::UdpClient;

/// The program of a UDP server that the device queries, for
/// [`TestCase::udp_server`](crate::world::TestCase::udp_server).
///
/// The program may return forged answers. An address in a forged answer must be [`unused_address`]. If the device
/// requests the hardware address of this IP address, the device has used the forged answer.
pub trait UdpServer {
    /// Handles a datagram that arrives at the simulation time `at`. If `quiet` is set, the faults are over, and the
    /// server must behave correctly. Returns the datagrams to send back.
    fn received(&mut self, at: Duration, bytes: &[u8], quiet: bool) -> Vec<UdpReply>;
}

/// A datagram of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpReply {
    /// The delay after which the datagram is sent.
    pub after: Duration,
    /// The datagram is sent from another port of the same host.
    pub from_other_port: bool,
    /// The payload of the datagram.
    pub bytes: Vec<u8>,
}

/// Returns an address that no host on the network has. If the device requests the hardware address of this IP address,
/// the device has used a forged answer. The simulation then ends with
/// [`Verdict::Invariant`](crate::world::Verdict::Invariant).
pub const fn unused_address() -> Ipv4Addr {
    address::UNUSED
}

/// Makes a server's program.
pub(crate) type MakeUdpServer = dyn Fn(&mut Choices<'_>) -> Box<dyn UdpServer> + Send + Sync;

/// The difference between the source port of forged answers and the server's port. Forged answers come from the
/// server's host, but not from the server's port.
const OTHER_PORT_OFFSET: u16 = 20_000;

/// A running server.
pub(crate) struct UdpServing {
    pub(crate) port: u16,
    program: Box<dyn UdpServer>,
    /// The server's socket, and the socket that sends answers from another port.
    sockets: Option<[SocketHandle; 2]>,
    /// Delayed answers: the time, the socket, the destination and the bytes.
    held: Vec<(u64, usize, UdpMetadata, Vec<u8>)>,
    /// The time of the server's next poll, if nothing arrives.
    pub(crate) wake: u64,
}

impl UdpServing {
    pub(crate) fn new(port: u16, program: Box<dyn UdpServer>) -> Self {
        Self { port, program, sockets: None, held: Vec::new(), wake: 0 }
    }

    /// Does the work that is possible now.
    pub(crate) fn work(&mut self, sockets: &mut SocketSet<'static>, now: u64, quiet: bool) {
        let port = self.port;
        let own = *self.sockets.get_or_insert_with(|| {
            [port, port.wrapping_add(OTHER_PORT_OFFSET)]
                .map(|port| sockets.add(UdpClient::socket(port)))
        });
        while let Ok((bytes, from)) = sockets.get_mut::<Socket<'_>>(own[0]).recv() {
            for reply in self.program.received(Duration::from_micros(now), bytes, quiet) {
                let at = now + reply.after.as_micros() as u64;
                let socket = usize::from(reply.from_other_port);
                self.held.push((at, socket, UdpMetadata::from(from.endpoint), reply.bytes));
            }
        }
        self.held.retain(|(at, socket, to, bytes)| {
            if *at <= now {
                // If the buffer is full, the datagram is lost, as on a network.
                let _ = sockets.get_mut::<Socket<'_>>(own[*socket]).send_slice(bytes, *to);
            }
            *at > now
        });
        self.wake = self.held.iter().map(|(at, ..)| *at).min().unwrap_or(u64::MAX);
    }
}
