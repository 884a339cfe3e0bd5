//! The network state that this back end reports to a base.
//!
//! The link is always up. The addresses are the addresses from which the system sends to the Internet, or the loopback
//! address if the system cannot send there. The name servers come from `/etc/resolv.conf`. The base gets this state
//! when a run begins. The base is not informed of later changes.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use picoevent::{Network, OwnAddress};

const NAME_SERVERS: &str = "/etc/resolv.conf";
/// Internet addresses that are reserved for documentation, so no host has them. Nothing is sent to
/// them.
const FAR: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// Describes the network of the system.
pub(super) fn describe() -> Network {
    let mut network = Network::new();
    network.set_link_up(true);
    let own: Vec<_> = FAR.iter().filter_map(|far| address_towards(*far)).collect();
    let loopback = own.is_empty().then_some(Ipv4Addr::LOCALHOST.into());
    for ip in own.into_iter().chain(loopback) {
        network.add_address(OwnAddress { ip, prefix: if ip.is_ipv4() { 32 } else { 128 } });
    }
    let text = fs::read_to_string(NAME_SERVERS).unwrap_or_default();
    for server in name_servers(&text) {
        if !network.add_name_server(server) {
            break;
        }
    }
    network
}

/// Returns the address from which the system would send to `far`; `None` if the system cannot send to `far`.
fn address_towards(far: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match far {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(far, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// Returns the name servers in a text in the format of resolv.conf(5). Leaves out servers whose address contains the
/// name of an interface, such as `fe80::1%eth0`.
fn name_servers(text: &str) -> impl Iterator<Item = IpAddr> {
    text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == "nameserver").then(|| words.next()?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_read_as_the_system_reads_them() {
        let text = "# nameserver 1.1.1.1\n; nameserver 2.2.2.2\ndomain example.org\n\
            nameserver 10.0.0.1\n  nameserver\tfd00::1   # ours\nnameserver\nnameserver fe80::1%eth0\n\
            nameserver no\nnameservers 3.3.3.3\noptions ndots:1\nnameserver 10.0.0.2";
        let expected = ["10.0.0.1", "fd00::1", "10.0.0.2"].map(|ip| ip.parse::<IpAddr>().unwrap());
        assert_eq!(name_servers(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn there_is_a_link_and_an_address() {
        let network = describe();
        assert!(network.is_link_up() && !network.addresses().is_empty());
        assert!(network.addresses().iter().all(|address| !address.ip.is_unspecified()));
    }
}
