//! Reads frames, and applies the faults that change their contents.

use std::net::{Ipv4Addr, SocketAddr};

use smoltcp::wire::{
    ArpOperation, ArpPacket, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, EthernetFrame, EthernetProtocol,
    IpAddress, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket, TcpSeqNumber, UdpPacket,
};

/// The length of the Ethernet header.
const HEADER: usize = 14;

/// Returns the target address of an ARP request: the IPv4 address whose hardware address the sender needs. Returns
/// `None` if the frame is not an ARP request.
pub(crate) fn arp_target(frame: &[u8]) -> Option<Ipv4Addr> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Arp {
        return None;
    }
    let packet = ArpPacket::new_checked(frame.payload()).ok()?;
    let is_request = packet.operation() == ArpOperation::Request;
    let target = packet.target_protocol_addr().first_chunk().filter(|_| is_request);
    target.map(|ip: &[u8; 4]| (*ip).into())
}

/// Flips a bit, counted from the end of the Ethernet header. Returns whether a bit was flipped.
///
/// The checksums of IP, TCP and ICMPv6 detect every single flipped bit that matters. These checksums do not cover ARP
/// packets and the Ethernet header. On a real cable, the frame check sequence protects these parts of a frame. So this
/// function never flips a bit of an ARP packet or of the Ethernet header.
pub(crate) fn flip(frame: &mut [u8], bit: u64) -> bool {
    let is_ip = EthernetFrame::new_checked(&*frame).is_ok_and(|frame| {
        matches!(frame.ethertype(), EthernetProtocol::Ipv4 | EthernetProtocol::Ipv6)
    });
    let Some(bits) = frame.len().checked_sub(HEADER).filter(|bytes| is_ip && *bytes > 0) else {
        return false;
    };
    let bit = bit % (bits as u64 * 8);
    frame[HEADER + (bit / 8) as usize] ^= 1 << (bit % 8);
    true
}

/// Changes a byte of the payload of a TCP segment, or a bit of the sequence number if the segment has no payload. Also
/// changes a byte of the payload of a UDP datagram, but not of a DHCP message. Corrects the checksum. Returns the
/// source and destination port if the frame was changed.
pub(crate) fn forge(frame: &mut [u8], index: u64) -> Option<(u16, u16)> {
    let packet = packet(frame)?;
    let (from, to) = (packet.from, packet.to);
    let range_in_frame = packet.begin..packet.begin + packet.payload.len();
    if packet.protocol == IpProtocol::Udp {
        let mut datagram = UdpPacket::new_checked(frame.get_mut(range_in_frame)?).ok()?;
        let ports = (datagram.src_port(), datagram.dst_port());
        let length = datagram.payload_mut().len() as u64;
        if length == 0 || [DHCP_CLIENT_PORT, DHCP_SERVER_PORT].contains(&ports.1) {
            return None;
        }
        datagram.payload_mut()[(index % length) as usize] ^= 0x20;
        datagram.fill_checksum(&from, &to);
        return Some(ports);
    }
    if packet.protocol != IpProtocol::Tcp {
        return None;
    }
    let mut segment = TcpPacket::new_checked(frame.get_mut(range_in_frame)?).ok()?;
    match segment.payload_mut().len() {
        0 => {
            let TcpSeqNumber(number) = segment.seq_number();
            segment.set_seq_number(TcpSeqNumber(number ^ (1 << (index % 32))));
        }
        length => segment.payload_mut()[(index % length as u64) as usize] ^= 0x20,
    }
    segment.fill_checksum(&from, &to);
    Some((segment.src_port(), segment.dst_port()))
}

/// Returns the destination port of a TCP segment, or `None` if the frame is not a TCP segment.
pub(crate) fn target_port(frame: &[u8]) -> Option<u16> {
    segment(frame).map(|segment| segment.dst_port())
}

/// Returns the source and destination port of a TCP segment that begins a connection, or `None` if the frame does not
/// contain a TCP segment that begins a connection.
pub(crate) fn connect(frame: &[u8]) -> Option<(u16, u16)> {
    let segment = segment(frame).filter(|segment| segment.syn() && !segment.ack())?;
    Some((segment.src_port(), segment.dst_port()))
}

/// A datagram.
pub(crate) struct Datagram<'f> {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) data: &'f [u8],
}

/// Returns the datagram in a frame, if its checksums are correct.
pub(crate) fn datagram(frame: &[u8]) -> Option<Datagram<'_>> {
    let Packet { from, to, payload, .. } =
        packet(frame).filter(|packet| packet.protocol == IpProtocol::Udp && packet.is_intact)?;
    let datagram = UdpPacket::new_checked(payload).ok()?;
    let (source, target) = (datagram.src_port(), datagram.dst_port());
    datagram.verify_checksum(&from, &to).then(|| Datagram {
        from: SocketAddr::new(from.into(), source),
        to: SocketAddr::new(to.into(), target),
        data: datagram.payload(),
    })
}

/// Makes the checksum of a UDP datagram from this port wrong. Returns whether the frame contains a datagram from this
/// port.
pub(crate) fn corrupt_checksum(frame: &mut [u8], port: u16) -> bool {
    let Some(Packet { begin, payload, .. }) =
        packet(frame).filter(|packet| packet.protocol == IpProtocol::Udp)
    else {
        return false;
    };
    let is_from = UdpPacket::new_checked(payload).is_ok_and(|udp| udp.src_port() == port);
    if let Some(checksum) = frame.get_mut(begin + 6..begin + 8)
        && is_from
    {
        // The wrong checksum is never zero, because zero means that the datagram has no checksum.
        let right = u16::from_be_bytes([checksum[0], checksum[1]]);
        let wrong = if right == 0x5555 { 0xaaaa } else { right ^ 0x5555 };
        checksum.copy_from_slice(&wrong.to_be_bytes());
    }
    is_from
}

/// A packet of either version of IP.
struct Packet<'f> {
    from: IpAddress,
    to: IpAddress,
    protocol: IpProtocol,
    /// The offset of the payload in the frame.
    begin: usize,
    payload: &'f [u8],
    /// The checksum of the IP header is correct, or the header has no checksum.
    is_intact: bool,
}

fn packet(frame: &[u8]) -> Option<Packet<'_>> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    Some(match frame.ethertype() {
        EthernetProtocol::Ipv4 => {
            let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
            let (from, to) = (packet.src_addr().into(), packet.dst_addr().into());
            let begin = HEADER + usize::from(packet.header_len());
            let (protocol, is_intact) = (packet.next_header(), packet.verify_checksum());
            Packet { from, to, protocol, begin, payload: packet.payload(), is_intact }
        }
        EthernetProtocol::Ipv6 => {
            let packet = Ipv6Packet::new_checked(frame.payload()).ok()?;
            let (from, to) = (packet.src_addr().into(), packet.dst_addr().into());
            let begin = HEADER + packet.header_len();
            let (protocol, is_intact) = (packet.next_header(), true);
            Packet { from, to, protocol, begin, payload: packet.payload(), is_intact }
        }
        _ => return None,
    })
}

fn segment(frame: &[u8]) -> Option<TcpPacket<&[u8]>> {
    let packet = packet(frame).filter(|packet| packet.protocol == IpProtocol::Tcp)?;
    TcpPacket::new_checked(packet.payload).ok()
}

/// Describes a frame in a few words.
pub(crate) fn describe(frame: &[u8]) -> String {
    try_describe(frame).unwrap_or_else(|| format!("{} bytes", frame.len()))
}

fn try_describe(frame: &[u8]) -> Option<String> {
    let Some(packet) = packet(frame) else {
        let frame = EthernetFrame::new_checked(frame).ok()?;
        return Some(format!("{}", frame.ethertype()).to_lowercase());
    };
    if packet.protocol == IpProtocol::Udp {
        let datagram = UdpPacket::new_checked(packet.payload).ok()?;
        let (from, to) = (datagram.src_port(), datagram.dst_port());
        return Some(format!("{from}>{to} udp len {}", datagram.payload().len()));
    }
    if packet.protocol != IpProtocol::Tcp {
        return Some(format!("{}", packet.protocol).to_lowercase());
    }
    let tcp = TcpPacket::new_checked(packet.payload).ok()?;
    let flags = [
        (tcp.syn(), "syn "),
        (tcp.fin(), "fin "),
        (tcp.rst(), "rst "),
        (tcp.psh(), "psh "),
        (tcp.ack(), "ack "),
    ];
    let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, word)| *word).collect();
    let (from, to) = (tcp.src_port(), tcp.dst_port());
    let (number, answer) = (tcp.seq_number().0 as u32, tcp.ack_number().0 as u32);
    let (window, length) = (tcp.window_len(), tcp.payload().len());
    Some(format!("{from}>{to} {flags}seq {number} ack {answer} win {window} len {length}"))
}

/// Returns the DHCP message in a frame, if the frame is sent to a DHCP server.
pub(crate) fn dhcp_message(frame: &[u8]) -> Option<&[u8]> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
    if packet.next_header() != IpProtocol::Udp || !packet.verify_checksum() {
        return None;
    }
    let (from, to) = (packet.src_addr().into(), packet.dst_addr().into());
    let datagram = UdpPacket::new_checked(packet.payload()).ok()?;
    let meant = datagram.dst_port() == DHCP_SERVER_PORT && datagram.verify_checksum(&from, &to);
    meant.then(|| datagram.payload())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requested_address_of_an_arp_request_is_read() {
        let mut frame =
            [&[0xFF; 6][..], &[2, 0, 0, 0, 0, 2], &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]].concat();
        frame.extend([2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 99]);
        assert_eq!(arp_target(&frame), Some(Ipv4Addr::new(10, 0, 0, 99)));
        // An ARP reply, a frame of another type and a frame that is cut off are not ARP requests.
        let changed = |at: usize, byte: u8| {
            let mut frame = frame.clone();
            frame[at] = byte;
            arp_target(&frame)
        };
        assert_eq!((changed(21, 2), changed(12, 9)), (None, None));
        assert_eq!(arp_target(&frame[..40]), None);
    }
}
