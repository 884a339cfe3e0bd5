//! Builds and reads frames with smoltcp's wire types, without a stack.

use std::net::Ipv4Addr;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr, TcpControl,
    TcpPacket, TcpRepr, TcpSeqNumber,
};

use crate::world::choices::random::Random;
use crate::world::network::address;
use crate::world::network::ether::{ATTACKER, DEVICE, Ether};
use crate::world::observe::observer::Direction;

/// A segment to the device.
pub(super) struct Segment<'b> {
    pub(super) port: u16,
    pub(super) control: TcpControl,
    pub(super) push: bool,
    pub(super) number: TcpSeqNumber,
    pub(super) answer: Option<TcpSeqNumber>,
    pub(super) bytes: &'b [u8],
}

/// The contents of a frame from the device that the attacker answers.
pub(super) enum Answer {
    /// A host with this address and hardware address requests the attacker's hardware address.
    WhoHas(Ipv4Addr, EthernetAddress),
    /// The device accepted a connection: the attacker's port, and the device's sequence and
    /// acknowledgement numbers.
    Accepted { port: u16, number: TcpSeqNumber, answer: TcpSeqNumber },
}

impl Segment<'_> {
    pub(super) fn send(&self, (device, port): (Ipv4Addr, u16), ether: &mut Ether) {
        let control = match self.control {
            TcpControl::None if self.push => TcpControl::Psh,
            control => control,
        };
        let segment = TcpRepr {
            src_port: self.port,
            dst_port: port,
            control,
            seq_number: self.number,
            ack_number: self.answer,
            window_len: 1024,
            window_scale: None,
            max_seg_size: (control == TcpControl::Syn).then_some(1460),
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: self.bytes,
        };
        packet(device, IpProtocol::Tcp, segment.buffer_len(), ether, |payload| {
            let mut packet = TcpPacket::new_unchecked(payload);
            let (from, to) = (address::ATTACKER.into(), device.into());
            segment.emit(&mut packet, &from, &to, &ChecksumCapabilities::default());
        });
    }
}

/// Sends an echo request to the device.
pub(super) fn ping(device: Ipv4Addr, random: &mut Random, ether: &mut Ether) {
    let data = [0x55; 48];
    let ping = Icmpv4Repr::EchoRequest {
        ident: 7,
        seq_no: random.below(1000) as u16,
        data: &data[..random.below(48) as usize],
    };
    packet(device, IpProtocol::Icmp, ping.buffer_len(), ether, |payload| {
        ping.emit(&mut Icmpv4Packet::new_unchecked(payload), &ChecksumCapabilities::default());
    });
}

/// Sends a frame with the device's destination address and random bytes after it.
pub(super) fn garbage(random: &mut Random, ether: &mut Ether) {
    let length = random.between(14, 200) as usize;
    let mut frame = ether.buffer(length);
    frame.iter_mut().for_each(|byte| *byte = random.next() as u8);
    frame[..6].copy_from_slice(&DEVICE);
    let protocol = match random.below(4) {
        0 => Some([0x08, 0x00]),
        1 => Some([0x08, 0x06]),
        2 => Some([0x86, 0xdd]),
        _ => None,
    };
    if let Some(protocol) = protocol {
        frame[12..14].copy_from_slice(&protocol);
    }
    ether.send(Direction::ToDevice, frame);
}

/// Answers an ARP request for the attacker.
pub(super) fn arp_reply(target: Ipv4Addr, hardware: EthernetAddress, ether: &mut Ether) {
    let answer = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: EthernetAddress(ATTACKER),
        source_protocol_addr: address::ATTACKER,
        target_hardware_addr: hardware,
        target_protocol_addr: target,
    };
    frame(EthernetProtocol::Arp, answer.buffer_len(), ether, |payload| {
        answer.emit(&mut ArpPacket::new_unchecked(payload));
    });
}

/// Reads a frame of the device. Returns `None` for a frame that the attacker ignores.
pub(super) fn parse(frame: &[u8]) -> Option<Answer> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    match frame.ethertype() {
        EthernetProtocol::Arp => {
            let packet = ArpPacket::new_checked(frame.payload()).ok()?;
            let ArpRepr::EthernetIpv4 {
                operation: ArpOperation::Request,
                source_hardware_addr,
                source_protocol_addr,
                target_protocol_addr: address::ATTACKER,
                ..
            } = ArpRepr::parse(&packet).ok()?
            else {
                return None;
            };
            Some(Answer::WhoHas(source_protocol_addr, source_hardware_addr))
        }
        EthernetProtocol::Ipv4 => {
            let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
            let segment = TcpPacket::new_checked(packet.payload()).ok()?;
            let welcome = packet.dst_addr() == address::ATTACKER && segment.syn() && segment.ack();
            welcome.then(|| Answer::Accepted {
                port: segment.dst_port(),
                number: segment.seq_number(),
                answer: segment.ack_number(),
            })
        }
        _ => None,
    }
}

fn packet(
    device: Ipv4Addr,
    next_header: IpProtocol,
    payload_len: usize,
    ether: &mut Ether,
    emit: impl FnOnce(&mut [u8]),
) {
    let header = Ipv4Repr {
        src_addr: address::ATTACKER,
        dst_addr: device,
        next_header,
        payload_len,
        hop_limit: 64,
    };
    let length = header.buffer_len() + payload_len;
    frame(EthernetProtocol::Ipv4, length, ether, |payload| {
        let mut packet = Ipv4Packet::new_unchecked(payload);
        header.emit(&mut packet, &ChecksumCapabilities::default());
        emit(packet.payload_mut());
    });
}

fn frame(
    ethertype: EthernetProtocol,
    length: usize,
    ether: &mut Ether,
    emit: impl FnOnce(&mut [u8]),
) {
    let header = EthernetRepr {
        src_addr: EthernetAddress(ATTACKER),
        dst_addr: EthernetAddress(DEVICE),
        ethertype,
    };
    let mut buffer = ether.buffer(header.buffer_len() + length);
    let mut frame = EthernetFrame::new_unchecked(&mut buffer[..]);
    header.emit(&mut frame);
    emit(frame.payload_mut());
    ether.send(Direction::ToDevice, buffer);
}
