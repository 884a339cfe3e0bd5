//! The DHCP server of simulations in which the device gets its address by DHCP.
//!
//! The configuration of the simulation sets the time at which the server starts, and the lease time. The server gives
//! the same address to every client. When the address changes, the server refuses to renew the lease of the old
//! address, like a server whose network was renumbered.

use std::net::Ipv4Addr;
use std::time::Duration;

use picoevent_sim_support::net::dhcp::{Lease, Policy, Server};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use crate::world::network::address;
use crate::world::network::ether::{Ether, PEER};
use crate::world::network::segment;
use crate::world::observe::observer::Direction;

/// The server and the time at which it starts.
pub(crate) struct Dhcp {
    server: Server,
    /// The lease time.
    lease: Duration,
    /// The time at which the server starts, in microseconds of the simulation.
    open_at: u64,
}

impl Dhcp {
    pub(crate) fn new(address: Ipv4Addr, lease: u32, open_at: u64) -> Self {
        let server = Server::new(address::PEER, None, Policy::Silence);
        let mut dhcp = Self { server, lease: Duration::from_secs(lease.into()), open_at };
        dhcp.set_address(address);
        dhcp
    }

    /// Changes the address that the server assigns.
    pub(crate) fn set_address(&mut self, address: Ipv4Addr) {
        let lease = Lease { address, duration: self.lease, renewal: None };
        self.server.set_policy(Policy::Grant(lease));
    }

    /// Answers the messages that have arrived. Returns the address if one was granted.
    pub(crate) fn work(&mut self, ether: &mut Ether) -> Option<Ipv4Addr> {
        let before = self.server.tally().granted;
        while let Some(frame) = ether.to_server.pop_front() {
            if ether.choice_log.now >= self.open_at
                && let Some(reply) =
                    segment::dhcp_message(&frame).and_then(|message| self.server.answer(message))
            {
                send(&reply, ether);
            }
            ether.put_back(frame);
        }
        let Policy::Grant(lease) = self.server.policy() else { return None };
        (self.server.tally().granted > before).then_some(lease.address)
    }
}

fn send(reply: &[u8], ether: &mut Ether) {
    let checksums = ChecksumCapabilities::default();
    let datagram = UdpRepr { src_port: DHCP_SERVER_PORT, dst_port: DHCP_CLIENT_PORT };
    let packet = Ipv4Repr {
        src_addr: address::PEER,
        dst_addr: Ipv4Addr::BROADCAST,
        next_header: IpProtocol::Udp,
        payload_len: datagram.header_len() + reply.len(),
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
    let write = |payload: &mut [u8]| payload.copy_from_slice(reply);
    datagram.emit(&mut inner, &from, &to, reply.len(), write, &checksums);
    ether.send(Direction::ToDevice, buffer);
}
