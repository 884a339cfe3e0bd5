//! The DHCP server of simulations whose device asks for its address.
//!
//! It gives one address to whoever asks, for as long as the plan says, from when the plan says. When
//! the address changes it refuses to renew the old one, as a server does whose network was renumbered.

use std::net::Ipv4Addr;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress,
    EthernetFrame, EthernetProtocol, EthernetRepr, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket,
    UdpRepr,
};

use crate::world::network::address;
use crate::world::network::ether::{Ether, PEER};
use crate::world::network::segment;
use crate::world::observe::observer::Direction;

/// A lease, and who is told of it.
pub(crate) struct Dhcp {
    /// The address it gives.
    address: Ipv4Addr,
    /// For how many seconds.
    lease: u32,
    /// Since when it is there, in microseconds of the simulation.
    open_at: u64,
}

impl Dhcp {
    pub(crate) fn new(address: Ipv4Addr, lease: u32, open_at: u64) -> Self {
        Self { address, lease, open_at }
    }

    /// Gives another address from now on.
    pub(crate) fn set_address(&mut self, address: Ipv4Addr) {
        self.address = address;
    }

    /// Answers what has arrived; the address, if one was granted.
    pub(crate) fn work(&mut self, ether: &mut Ether) -> Option<Ipv4Addr> {
        let mut granted = None;
        while let Some(frame) = ether.to_server.pop_front() {
            if ether.choice_log.now >= self.open_at && self.answer(&frame, ether) {
                granted = Some(self.address);
            }
            ether.put_back(frame);
        }
        granted
    }

    /// Answers one message; whether it granted the address.
    fn answer(&self, frame: &[u8], ether: &mut Ether) -> bool {
        let Some(message) = segment::dhcp_message(frame) else { return false };
        let Ok(packet) = DhcpPacket::new_checked(message) else { return false };
        let Ok(request) = DhcpRepr::parse(&packet) else { return false };
        let wanted = request.requested_ip.unwrap_or(request.client_ip);
        let (kind, lease) = match request.message_type {
            DhcpMessageType::Discover => (DhcpMessageType::Offer, Some(self.lease)),
            DhcpMessageType::Request if wanted == self.address => {
                (DhcpMessageType::Ack, Some(self.lease))
            }
            DhcpMessageType::Request => (DhcpMessageType::Nak, None),
            _ => return false,
        };
        send(&self.reply(&request, kind, lease), ether);
        kind == DhcpMessageType::Ack
    }

    fn reply(
        &self,
        request: &DhcpRepr<'_>,
        message_type: DhcpMessageType,
        lease: Option<u32>,
    ) -> DhcpRepr<'static> {
        DhcpRepr {
            message_type,
            transaction_id: request.transaction_id,
            secs: 0,
            client_hardware_address: request.client_hardware_address,
            client_ip: Ipv4Addr::UNSPECIFIED,
            your_ip: lease.map_or(Ipv4Addr::UNSPECIFIED, |_| self.address),
            server_ip: address::PEER,
            router: None,
            subnet_mask: lease.map(|_| Ipv4Addr::new(255, 255, 255, 0)),
            relay_agent_ip: request.relay_agent_ip,
            broadcast: true,
            requested_ip: None,
            client_identifier: None,
            server_identifier: Some(address::PEER),
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration: lease,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        }
    }
}

fn send(reply: &DhcpRepr<'_>, ether: &mut Ether) {
    let checksums = ChecksumCapabilities::default();
    let datagram = UdpRepr { src_port: DHCP_SERVER_PORT, dst_port: DHCP_CLIENT_PORT };
    let packet = Ipv4Repr {
        src_addr: address::PEER,
        dst_addr: Ipv4Addr::BROADCAST,
        next_header: IpProtocol::Udp,
        payload_len: datagram.header_len() + reply.buffer_len(),
        hop_limit: 64,
    };
    let header = EthernetRepr {
        src_addr: EthernetAddress(PEER),
        dst_addr: EthernetAddress::BROADCAST,
        ethertype: EthernetProtocol::Ipv4,
    };
    let length = header.buffer_len() + packet.buffer_len() + packet.payload_len;
    let mut buffer = ether.buffer(length);
    let mut frame = EthernetFrame::new_unchecked(&mut buffer[..]);
    header.emit(&mut frame);
    let mut outer = Ipv4Packet::new_unchecked(frame.payload_mut());
    packet.emit(&mut outer, &checksums);
    let (from, to) = (packet.src_addr.into(), packet.dst_addr.into());
    let mut inner = UdpPacket::new_unchecked(outer.payload_mut());
    let write = |payload: &mut [u8]| {
        reply.emit(&mut DhcpPacket::new_unchecked(payload)).expect("the room was asked for");
    };
    datagram.emit(&mut inner, &from, &to, reply.buffer_len(), write, &checksums);
    ether.send(Direction::ToDevice, buffer);
}
