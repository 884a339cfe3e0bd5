//! Faults inside of a frame, and reading a frame.

use smoltcp::wire::{
    DHCP_SERVER_PORT, EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket,
    TcpSeqNumber, UdpPacket,
};

/// Flips a bit, counted from the end of the Ethernet header. Returns whether that was possible.
///
/// The checksums of IP and TCP detect every single flipped bit. They do not cover ARP and the
/// Ethernet header, which a real cable's frame check protects, so no bit of those is flipped.
pub(crate) fn flip(frame: &mut [u8], bit: u64) -> bool {
    let is_ip = EthernetFrame::new_checked(&*frame)
        .is_ok_and(|frame| frame.ethertype() == EthernetProtocol::Ipv4);
    let Some(bits) = frame.len().checked_sub(14).filter(|bytes| is_ip && *bytes > 0) else {
        return false;
    };
    let bit = bit % (bits as u64 * 8);
    frame[14 + (bit / 8) as usize] ^= 1 << (bit % 8);
    true
}

/// Changes a byte of a segment's payload, or of its sequence number if it has none, and corrects
/// the checksum. Returns the ports if it is a segment.
pub(crate) fn forge(frame: &mut [u8], place: u64) -> Option<(u16, u16)> {
    let mut frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let mut packet = Ipv4Packet::new_checked(frame.payload_mut()).ok()?;
    if packet.next_header() != IpProtocol::Tcp {
        return None;
    }
    let (source, target) = (packet.src_addr().into(), packet.dst_addr().into());
    let mut segment = TcpPacket::new_checked(packet.payload_mut()).ok()?;
    match segment.payload_mut().len() {
        0 => {
            let TcpSeqNumber(number) = segment.seq_number();
            segment.set_seq_number(TcpSeqNumber(number ^ (1 << (place % 32))));
        }
        length => segment.payload_mut()[(place % length as u64) as usize] ^= 0x20,
    }
    segment.fill_checksum(&source, &target);
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

fn segment(frame: &[u8]) -> Option<TcpPacket<&[u8]>> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    if frame.ethertype() != EthernetProtocol::Ipv4 {
        return None;
    }
    let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
    if packet.next_header() != IpProtocol::Tcp {
        return None;
    }
    TcpPacket::new_checked(packet.payload()).ok()
}

/// Describes a frame in a few words.
pub(crate) fn describe(frame: &[u8]) -> String {
    try_describe(frame).unwrap_or_else(|| format!("{} bytes", frame.len()))
}

fn try_describe(frame: &[u8]) -> Option<String> {
    let ether = EthernetFrame::new_checked(frame).ok()?;
    if ether.ethertype() != EthernetProtocol::Ipv4 {
        return Some(format!("{}", ether.ethertype()).to_lowercase());
    }
    let packet = Ipv4Packet::new_checked(ether.payload()).ok()?;
    if packet.next_header() != IpProtocol::Tcp {
        return Some(format!("{}", packet.next_header()).to_lowercase());
    }
    let tcp = TcpPacket::new_checked(packet.payload()).ok()?;
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
