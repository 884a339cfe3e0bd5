//! The peer's stack: its network interface and sockets.

use std::net::Ipv4Addr;

use smoltcp::iface::{Config, Interface};
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr};

/// Makes a host's interface on `device`, with an address in a /24 network or without an address.
pub fn interface(
    device: &mut impl Device,
    hardware: [u8; 6],
    address: Option<Ipv4Addr>,
    seed: u64,
) -> Interface {
    let mut config = Config::new(EthernetAddress(hardware).into());
    config.random_seed = seed;
    let mut interface = Interface::new(config, device, Instant::ZERO);
    set_address(&mut interface, address);
    interface
}

/// Sets a host's address, or removes it.
///
/// # Panics
/// Never panics: an interface has room for one address.
pub fn set_address(interface: &mut Interface, address: Option<Ipv4Addr>) {
    interface.update_ip_addrs(|addresses| {
        addresses.clear();
        if let Some(address) = address {
            addresses.push(IpCidr::new(address.into(), 24)).expect("there is room for one");
        }
    });
}

/// Makes a socket with buffers of these sizes. The socket acknowledges data immediately, because delayed
/// acknowledgements would only slow down tests.
pub fn socket(receive: usize, send: usize) -> Socket<'static> {
    let buffer = |size| SocketBuffer::new(vec![0; size]);
    let mut socket = Socket::new(buffer(receive), buffer(send));
    socket.set_ack_delay(None);
    socket
}
