//! The network of a board: embassy-net, with its runner in a separate task.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_net_driver::Driver;

/// The host's address in QEMU's user network. In the end-to-end tests, the board's peer has this address.
const HOST_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

/// The host's address in QEMU's user network, as text.
pub const HOST: &str = "10.0.2.2";

/// The port of the collector that a gateway reports to.
pub const COLLECTOR_PORT: u16 = 2325;

/// The collector's address, if there is a collector.
pub const COLLECTOR: Option<SocketAddrV4> = Some(SocketAddrV4::new(HOST_ADDRESS, COLLECTOR_PORT));

/// The port of the MQTT broker that a gateway connects to.
pub const BROKER_PORT: u16 = 1883;

/// The address of the host's time server, if the host has one.
pub const TIME_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(HOST_ADDRESS), 123);

/// The address of the server that the example `proxy` connects to.
pub const UPSTREAM: SocketAddrV4 = SocketAddrV4::new(HOST_ADDRESS, 9998);

/// Makes the stack and its runner, which must run in a separate task of the board.
///
/// QEMU's boards have no source of randomness. So the seed, which determines port numbers and initial sequence numbers,
/// comes from the MAC address and the time since boot. A board with a random number generator takes the seed from this
/// generator instead.
pub fn start<D: Driver, const SOCKETS: usize>(
    driver: D,
    config: Config,
    resources: &'static mut StackResources<SOCKETS>,
    hardware: [u8; 6],
) -> (Stack<'static>, Runner<'static, D>) {
    let unique = hardware.iter().fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte));
    let seed = unique.rotate_left(17) ^ embassy_time::Instant::now().as_ticks();
    embassy_net::new(driver, config, resources, seed)
}
