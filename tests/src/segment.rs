//! What a frame says about TCP, at a glance: the ports, and whether it is a reset.
//!
//! smoltcp tells a socket that it is closed, not by what. The wire looks at the frames themselves,
//! so that a test can insist on an end without a reset, and so that one port can be cut off.

use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket};

/// The TCP facts of one Ethernet frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The port it comes from.
    pub from: u16,
    /// The port it goes to.
    pub to: u16,
    /// It resets the connection.
    pub reset: bool,
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
        Some(Self { from: tcp.src_port(), to: tcp.dst_port(), reset: tcp.rst() })
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
