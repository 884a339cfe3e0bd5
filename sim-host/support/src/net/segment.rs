//! The TCP segment in a frame.
//!
//! smoltcp reports that a connection is closed, but not the reason. So tests inspect frames: to check that a connection
//! ends without a reset, to drop some segments, or to drop all segments of a port.

use std::net::Ipv4Addr;

use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket};

/// A TCP segment in an Ethernet frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The source address and port.
    pub source: (Ipv4Addr, u16),
    /// The destination address and port.
    pub target: (Ipv4Addr, u16),
    /// The segment opens a connection.
    pub syn: bool,
    /// The segment ends its direction of the connection.
    pub fin: bool,
    /// The segment resets the connection.
    pub rst: bool,
    /// The window field of the header.
    pub window: u16,
    /// The payload.
    pub data: Vec<u8>,
}

impl Segment {
    /// Parses `frame`. Returns `None` if the frame does not contain a complete TCP segment over IPv4.
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
    fn short_frames_and_other_protocols_are_not_segments() {
        for length in 0..64 {
            assert_eq!(Segment::of(&vec![0; length]), None);
            assert_eq!(Segment::of(&vec![0xff; length]), None);
        }
    }
}
