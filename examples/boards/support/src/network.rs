//! The network of a board: embassy-net, with its runner in a task of its own.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_net_driver::Driver;

/// QEMU's host, which has this address for its guests. In the end-to-end tests it is the peer on the board's wire.
const HOST_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

/// The same address, as text.
pub const HOST: &str = "10.0.2.2";

/// The port of the collector that a gateway reports to.
pub const COLLECTOR_PORT: u16 = 2325;

/// The collector, if there is one.
pub const COLLECTOR: Option<SocketAddrV4> = Some(SocketAddrV4::new(HOST_ADDRESS, COLLECTOR_PORT));

/// The port of the broker.
pub const BROKER_PORT: u16 = 1883;

/// The time server, if the host has one.
pub const TIME_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(HOST_ADDRESS), 123);

/// The server behind a proxy.
pub const UPSTREAM: SocketAddrV4 = SocketAddrV4::new(HOST_ADDRESS, 9998);

/// Makes the stack and its runner, which must run in a separate task of the board.
///
/// QEMU's boards have no source of randomness. The seed, which determines port numbers and initial
/// sequence numbers, comes from the hardware address and the time since boot; a board with a random
/// number generator would use that.
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
