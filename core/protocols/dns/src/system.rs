//! The files in which systems keep their name servers and hosts.

use core::net::{IpAddr, SocketAddr};

/// The port of name servers.
const PORT: u16 = 53;

/// Returns the servers that the text of `/etc/resolv.conf` names.
///
/// ```
/// let text = "# by hand\nsearch example.org\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\n";
/// let servers: Vec<_> = picoevent_dns::name_servers(text).collect();
/// assert_eq!(servers, ["192.0.2.53:53".parse().unwrap()]);
/// ```
///
/// Addresses with the name of an interface are left out: which number it has, only the system knows.
pub fn name_servers(text: &str) -> impl Iterator<Item = SocketAddr> + '_ {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address =
            words.next().filter(|word| *word == "nameserver").and_then(|_| words.next())?;
        Some((address.parse::<IpAddr>().ok()?, PORT).into())
    })
}

/// Returns the names and addresses that the text of `/etc/hosts` names, for [`add_host`](crate::add_host).
///
/// ```
/// let text = "127.0.0.1 localhost\n192.0.2.9 broker.example broker # in the cellar\n";
/// let hosts: Vec<_> = picoevent_dns::hosts(text).collect();
/// assert_eq!(hosts[1], ("broker.example", [192, 0, 2, 9].into()));
/// assert_eq!(hosts.len(), 3);
/// ```
pub fn hosts(text: &str) -> impl Iterator<Item = (&str, IpAddr)> {
    text.lines().flat_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
        words.filter_map(move |name| Some((name, address?)))
    })
}
