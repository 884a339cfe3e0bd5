//! Faults inside of a frame, and reading a frame.

use smoltcp::wire::{
    DHCP_SERVER_PORT, EthernetFrame, EthernetProtocol, IpAddress, IpProtocol, Ipv4Packet,
    Ipv6Packet, TcpPacket, TcpSeqNumber, UdpPacket,
};

/// The length of the Ethernet header.
const HEADER: usize = 14;

/// Flips a bit, counted from the end of the Ethernet header. Returns whether that was possible.
///
/// The checksums of IP, TCP and ICMPv6 detect every single flipped bit that matters. They do not cover ARP
/// and the Ethernet header, which a real cable's frame check protects, so no bit of those is flipped.
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

/// Changes a byte of a segment's payload, or of its sequence number if it has none, and corrects
/// the checksum. Returns the ports if it is a segment.
pub(crate) fn forge(frame: &mut [u8], place: u64) -> Option<(u16, u16)> {
    let packet = packet(frame).filter(|packet| packet.protocol == IpProtocol::Tcp)?;
    let (from, to) = (packet.from, packet.to);
    let place_in_frame = packet.begin..packet.begin + packet.payload.len();
    let mut segment = TcpPacket::new_checked(frame.get_mut(place_in_frame)?).ok()?;
    match segment.payload_mut().len() {
        0 => {
            let TcpSeqNumber(number) = segment.seq_number();
            segment.set_seq_number(TcpSeqNumber(number ^ (1 << (place % 32))));
        }
        length => segment.payload_mut()[(place % length as u64) as usize] ^= 0x20,
    }
    segment.fill_checksum(&from, &to);
    Some((segment.src_port(), segment.dst_port()))
}

/// Returns the destination port of a segment.
pub(crate) fn target_port(frame: &[u8]) -> Option<u16> {
    segment(frame).map(|segment| segment.dst_port())
}

/// Returns the ports of a segment that begins a connection: where it comes from, and where it goes to.
pub(crate) fn connect(frame: &[u8]) -> Option<(u16, u16)> {
    let segment = segment(frame).filter(|segment| segment.syn() && !segment.ack())?;
    Some((segment.src_port(), segment.dst_port()))
}

/// A packet of either version of IP.
struct Packet<'f> {
    from: IpAddress,
    to: IpAddress,
    protocol: IpProtocol,
    /// Where in the frame its payload begins.
    begin: usize,
    payload: &'f [u8],
}

fn packet(frame: &[u8]) -> Option<Packet<'_>> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    Some(match frame.ethertype() {
        EthernetProtocol::Ipv4 => {
            let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
            let (from, to) = (packet.src_addr().into(), packet.dst_addr().into());
            let begin = HEADER + usize::from(packet.header_len());
            Packet { from, to, protocol: packet.next_header(), begin, payload: packet.payload() }
        }
        EthernetProtocol::Ipv6 => {
            let packet = Ipv6Packet::new_checked(frame.payload()).ok()?;
            let (from, to) = (packet.src_addr().into(), packet.dst_addr().into());
            let begin = HEADER + packet.header_len();
            Packet { from, to, protocol: packet.next_header(), begin, payload: packet.payload() }
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

/// Returns the message to a DHCP server in a frame, if there is one.
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
