//! Reads the files in which operating systems list name servers and hosts.

use core::net::{IpAddr, SocketAddr};

use crate::literal;

/// The port of name servers.
const PORT: u16 = 53;

/// Returns the servers in the text of `/etc/resolv.conf`.
///
/// ```
/// let text = "# by hand\nsearch example.org\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\n";
/// let servers: Vec<_> = picoevent_dns::name_servers(text).collect();
/// assert_eq!(servers, ["192.0.2.53:53".parse().unwrap()]);
/// ```
///
/// Addresses with an interface name are left out, because only the operating system knows the
/// interface's number.
pub fn name_servers(text: &str) -> impl Iterator<Item = SocketAddr> + '_ {
    lines(text).filter_map(|line| {
        let mut words = words(line);
        let is_server = words.next() == Some("nameserver");
        let address = words.next().filter(|_| is_server)?;
        Some((literal::parse(address)?, PORT).into())
    })
}

/// Returns the names and addresses in the text of `/etc/hosts`, for [`add_host`](crate::add_host).
///
/// ```
/// let text = "127.0.0.1 localhost\n192.0.2.9 broker.example broker # in the cellar\n";
/// let hosts: Vec<_> = picoevent_dns::hosts(text).collect();
/// assert_eq!(hosts[1], ("broker.example", [192, 0, 2, 9].into()));
/// assert_eq!(hosts.len(), 3);
/// ```
pub fn hosts(text: &str) -> impl Iterator<Item = (&str, IpAddr)> {
    lines(text).flat_map(|line| {
        let mut words = words(line).take_while(|word| !word.starts_with('#'));
        let address = words.next().and_then(literal::parse);
        words.filter_map(move |name| Some((name, address?)))
    })
}

fn lines(text: &str) -> impl Iterator<Item = &[u8]> {
    text.as_bytes().split(|byte| *byte == b'\n')
}

fn words(line: &[u8]) -> impl Iterator<Item = &str> {
    let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.map(|word| core::str::from_utf8(word).unwrap_or_default())
}
