//! What a frame says about TCP.
//!
//! smoltcp tells a socket that it is closed, not by what. A test looks at the frames themselves, to
//! insist on an end without a reset, to lose some, or to cut off one port.

use std::net::Ipv4Addr;

use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket};

/// The TCP segment in an Ethernet frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The address and port it comes from.
    pub source: (Ipv4Addr, u16),
    /// The address and port it goes to.
    pub target: (Ipv4Addr, u16),
    /// It opens a connection.
    pub syn: bool,
    /// It ends its direction.
    pub fin: bool,
    /// It resets the connection.
    pub rst: bool,
    /// The window, as it stands in the header.
    pub window: u16,
    /// The payload.
    pub data: Vec<u8>,
}

impl Segment {
    /// Reads `frame`; `None` if it is not a whole TCP segment over IPv4 and Ethernet.
    pub fn of(frame: &[u8]) -> Option<Self> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        if ethernet.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        if ip.next_header() != IpProtocol::Tcp {
            return None;
        }
        let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
        Some(Self {
            source: (ip.src_addr(), tcp.src_port()),
            target: (ip.dst_addr(), tcp.dst_port()),
            syn: tcp.syn(),
            fin: tcp.fin(),
            rst: tcp.rst(),
            window: tcp.window_len(),
            data: tcp.payload().to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_short_or_foreign_is_no_segment() {
        for length in 0..64 {
            assert_eq!(Segment::of(&vec![0; length]), None);
            assert_eq!(Segment::of(&vec![0xff; length]), None);
        }
    }
}
