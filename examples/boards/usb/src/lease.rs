//! The network over the cable: the board's static address, and a DHCP server for the host.

use edge_dhcp::server::{Server, ServerOptions};
use edge_dhcp::{Options, Packet};
use embassy_executor::Spawner;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Runner, Stack, StackResources, StaticConfigV4};
use embassy_time::Instant;
use static_cell::ConstStaticCell;

use crate::Driver;

/// The board's address. This address is the same on every board, so a second board on the same host needs a different
/// address.
pub const ADDRESS: Ipv4Address = Ipv4Address::new(192, 168, 7, 1);

/// The ports of DHCP.
const SERVER: u16 = 67;
const CLIENT: u16 = 68;

/// The longest DHCP message, in bytes. The message of a host usually has about 300 bytes.
const MESSAGE: usize = 600;

/// The number of addresses for hosts. A host that changes its MAC address takes a second address.
const LEASES: usize = 4;

/// Starts the network over the cable. Returns the stack.
///
/// The DHCP server takes one socket of `resources`, as the DHCP client does on other boards.
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
    spawner.spawn(serve_dhcp(stack).expect("spawned once"));
    stack
}

#[embassy_executor::task]
async fn serve_network(mut runner: Runner<'static, Driver>) -> ! {
    runner.run().await
}

/// Serves DHCP: the first host gets 192.168.7.50. The answers name no router, so the host uses this link only for the
/// board.
#[embassy_executor::task]
async fn serve_dhcp(stack: Stack<'static>) -> ! {
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
        // Ignore a message that is too long or invalid.
        let Ok((length, _)) = socket.recv_from(request).await else { continue };
        let Ok(request) = Packet::decode(&request[..length]) else { continue };
        let mut room = Options::buf();
        let answer = server.handle_request(&mut room, &options, &request);
        let Some(Ok(bytes)) = answer.as_ref().map(|answer| answer.encode(reply)) else { continue };
        // The host has no address yet, so broadcast the answer. If the answer is lost, the host sends its request
        // again.
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
