//! The network of the cable: the board's own address, and the one that it lends the host.

use edge_dhcp::server::{Server, ServerOptions};
use edge_dhcp::{Options, Packet};
use embassy_executor::Spawner;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Runner, Stack, StackResources, StaticConfigV4};
use embassy_time::Instant;
use static_cell::ConstStaticCell;

use crate::Driver;

/// The board's address. It is the same on every board: a second one at the same host needs another.
pub const ADDRESS: Ipv4Address = Ipv4Address::new(192, 168, 7, 1);

/// The ports of DHCP.
const SERVER: u16 = 67;
const CLIENT: u16 = 68;

/// The longest message: a host's has some 300 bytes.
const MESSAGE: usize = 600;

/// The addresses that are lent. A host that changes its identifier takes a second one.
const LEASES: usize = 4;

/// Starts the network over the cable. Returns the stack.
///
/// It takes one socket of `resources`, as a board does that asks for its address.
pub fn start<const SOCKETS: usize>(
    spawner: Spawner,
    driver: Driver,
    resources: &'static mut StackResources<SOCKETS>,
    random: u64,
) -> Stack<'static> {
    let config = Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(ADDRESS, 24),
        gateway: None,
        dns_servers: Default::default(),
    });
    let (stack, runner) = embassy_net::new(driver, config, resources, random);
    spawner.spawn(serve_network(runner).expect("spawned once"));
    spawner.spawn(lend_addresses(stack).expect("spawned once"));
    stack
}

#[embassy_executor::task]
async fn serve_network(mut runner: Runner<'static, Driver>) -> ! {
    runner.run().await
}

/// Lends the host an address: 192.168.7.50 to the first. Without a router in the answer the host sends nothing
/// here that is for others.
#[embassy_executor::task]
async fn lend_addresses(stack: Stack<'static>) -> ! {
    static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers {
        received: ([PacketMetadata::EMPTY; 2], [0; 2 * MESSAGE]),
        sent: ([PacketMetadata::EMPTY; 2], [0; MESSAGE]),
        request: [0; MESSAGE],
        reply: [0; MESSAGE],
    });
    let Buffers { received, sent, request, reply } = BUFFERS.take();
    let mut socket =
        UdpSocket::new(stack, &mut received.0, &mut received.1, &mut sent.0, &mut sent.1);
    socket.bind(SERVER).expect("a new socket has no port");
    let mut server = Server::<_, LEASES>::new(|| Instant::now().as_secs(), ADDRESS);
    let options = ServerOptions::new(ADDRESS, None);
    loop {
        // A message that is too long, or none, is no request.
        let Ok((length, _)) = socket.recv_from(request).await else { continue };
        let Ok(request) = Packet::decode(&request[..length]) else { continue };
        let mut room = Options::buf();
        let answer = server.handle_request(&mut room, &options, &request);
        let Some(Ok(bytes)) = answer.as_ref().map(|answer| answer.encode(reply)) else { continue };
        // The host has no address yet. What is lost it asks for again.
        if socket.send_to(bytes, (Ipv4Address::BROADCAST, CLIENT)).await.is_err() {
            defmt::warn!("a DHCP answer could not be sent");
        }
    }
}

/// The memory of the DHCP server.
struct Buffers {
    received: ([PacketMetadata; 2], [u8; 2 * MESSAGE]),
    sent: ([PacketMetadata; 2], [u8; MESSAGE]),
    request: [u8; MESSAGE],
    reply: [u8; MESSAGE],
}
