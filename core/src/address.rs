//! A compact socket address, which is stored in slots. The address takes 22 bytes on a microcontroller. All bytes are
//! zero while no address is set.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::handle::Conn;

/// The number of a network interface, for addresses that are valid on one network only.
#[cfg(not(target_pointer_width = "64"))]
type Scope = u16;
#[cfg(target_pointer_width = "64")]
type Scope = u32;

/// A socket address without IPv6 flow information. No stack uses this information.
#[derive(Clone, Copy)]
pub(crate) struct Address {
    /// The IP address in network byte order. An IPv4 address uses the first four bytes.
    ip: [u8; 16],
    scope: Scope,
    port: u16,
    is_v6: bool,
    /// The address is not a socket address: it identifies a connection in memory. `ip` contains the handle of this
    /// connection.
    is_conn: bool,
}

impl Address {
    pub(crate) const EMPTY: Self =
        Self { ip: [0; 16], scope: 0, port: 0, is_v6: false, is_conn: false };

    /// Makes the address that identifies `conn`, a connection in memory. This address is the peer address of the
    /// connection at the other end.
    pub(crate) const fn of_conn(conn: Conn) -> Self {
        let [a, b, c, d] = conn.bits().to_le_bytes();
        let ip = [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Self { ip, is_conn: true, ..Self::EMPTY }
    }

    /// Returns the connection in memory that this address identifies. Returns `None` for a socket address.
    pub(crate) fn as_conn(&self) -> Option<Conn> {
        let [a, b, c, d, ..] = self.ip;
        self.is_conn.then(|| Conn::from_bits(u32::from_le_bytes([a, b, c, d])))
    }
}

impl From<SocketAddr> for Address {
    #[inline]
    fn from(address: SocketAddr) -> Self {
        let (ip, scope) = match address {
            SocketAddr::V4(v4) => {
                let [a, b, c, d] = v4.ip().octets();
                ([a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0)
            }
            SocketAddr::V6(v6) => (v6.ip().octets(), v6.scope_id() as Scope),
        };
        Self { ip, scope, port: address.port(), is_v6: address.is_ipv6(), is_conn: false }
    }
}

impl From<Address> for SocketAddr {
    #[inline(never)]
    #[allow(clippy::useless_conversion, reason = "a scope has 16 bits on a microcontroller")]
    fn from(Address { ip, scope, port, is_v6, .. }: Address) -> Self {
        if is_v6 {
            return SocketAddrV6::new(Ipv6Addr::from(ip), port, 0, scope.into()).into();
        }
        let [a, b, c, d, ..] = ip;
        SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_differs_from_every_address() {
        let conn = Conn::new(7, 3);
        assert_eq!(Address::of_conn(conn).as_conn(), Some(conn));
        assert_eq!(Address::from(SocketAddr::from(([7, 0, 3, 0], 0))).as_conn(), None);
    }

    #[test]
    fn an_address_comes_back_unchanged() {
        for text in
            ["0.0.0.0:0", "192.0.2.7:9995", "[::]:1", "[fe80::1%3]:65535", "[::ffff:1.2.3.4]:7"]
        {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(SocketAddr::from(Address::from(address)), address);
        }
        assert_eq!(SocketAddr::from(Address::EMPTY), "0.0.0.0:0".parse().unwrap());
    }
}
