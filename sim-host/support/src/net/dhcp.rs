//! A DHCP server with one lease. A test can make the server grant, refuse, or ignore requests.
//!
//! All answers are broadcasts, which RFC 2131 always allows. The server has no table of clients: every client gets the
//! same address. The server opens no socket: the caller passes messages to the server and sends the answers.

use std::time::Duration;

use smoltcp::wire::{DhcpMessageType, DhcpOption, DhcpPacket, DhcpRepr, Ipv4Address};

/// The lease that the server grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The address of the client.
    pub address: Ipv4Address,
    /// The time for which the client may use the address, in whole seconds.
    pub duration: Duration,
    /// The time after which the client must renew the lease, in whole seconds and less than `duration`. `None` if the
    /// server does not state this time.
    pub renewal: Option<Duration>,
}

/// The server's reaction to requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Offers and grants this lease, and refuses requests for any other address.
    Grant(Lease),
    /// Refuses every request, so a client must give up its address at once. Makes no offers.
    Refuse,
    /// Answers nothing, as if there were no server.
    Silence,
}

/// The numbers of messages that the server has received, granted and refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of discover messages received. Clients without an address send them.
    pub discoveries: u32,
    /// The number of requests received, for a lease or for the renewal of a lease.
    pub requests: u32,
    /// The number of requests granted.
    pub granted: u32,
    /// The number of requests refused.
    pub refused: u32,
}

/// A DHCP server without a transport.
#[derive(Debug)]
pub struct Server {
    address: Ipv4Address,
    router: Option<Ipv4Address>,
    name_server: Option<Ipv4Address>,
    policy: Policy,
    tally: Tally,
}

/// The network mask of all tests.
const MASK: Ipv4Address = Ipv4Address::new(255, 255, 255, 0);

/// The renewal time option (RFC 2132, section 9.11).
const RENEWAL_TIME: u8 = 58;

impl Server {
    /// Makes the server on the host `address`. The server's answers contain `router` as the router for the clients.
    pub fn new(address: Ipv4Address, router: Option<Ipv4Address>, policy: Policy) -> Self {
        Self { address, router, name_server: None, policy, tally: Tally::default() }
    }

    /// Adds the address of a DNS server to all further answers.
    pub fn set_name_server(&mut self, server: Ipv4Address) {
        self.name_server = Some(server);
    }

    /// Changes the policy.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Returns the policy.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Returns the numbers of messages received, granted and refused so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Answers one message. Returns `None` if the server does not answer: because of its policy, or because `message`
    /// is not a DHCP discover or request message.
    pub fn answer(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let packet = DhcpPacket::new_checked(message).ok()?;
        let reply = self.reply(&DhcpRepr::parse(&packet).ok()?)?;
        // smoltcp parses the renewal time but does not write it. So the option is added here.
        let renewal = reply.renew_duration.map(u32::to_be_bytes);
        let renewal = renewal.as_ref().map(|data| DhcpOption { kind: RENEWAL_TIME, data });
        let reply = DhcpRepr { additional_options: renewal.as_slice(), ..reply };
        let mut bytes = vec![0; reply.buffer_len()];
        reply.emit(&mut DhcpPacket::new_unchecked(&mut bytes)).ok()?;
        Some(bytes)
    }

    /// Counts `request` and returns the reply, or `None` if the server does not reply.
    fn reply(&mut self, request: &DhcpRepr<'_>) -> Option<DhcpRepr<'static>> {
        match request.message_type {
            DhcpMessageType::Discover => self.tally.discoveries += 1,
            DhcpMessageType::Request => self.tally.requests += 1,
            _ => return None,
        }
        let wanted = request.requested_ip.unwrap_or(request.client_ip);
        match (request.message_type, self.policy) {
            (DhcpMessageType::Discover, Policy::Grant(lease)) => {
                Some(self.message(DhcpMessageType::Offer, request, Some(lease)))
            }
            (DhcpMessageType::Request, Policy::Grant(lease)) if wanted == lease.address => {
                self.tally.granted += 1;
                Some(self.message(DhcpMessageType::Ack, request, Some(lease)))
            }
            (DhcpMessageType::Request, Policy::Grant(_) | Policy::Refuse) => {
                self.tally.refused += 1;
                Some(self.message(DhcpMessageType::Nak, request, None))
            }
            _ => None,
        }
    }

    fn message(
        &self,
        message_type: DhcpMessageType,
        request: &DhcpRepr<'_>,
        lease: Option<Lease>,
    ) -> DhcpRepr<'static> {
        let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        DhcpRepr {
            message_type,
            transaction_id: request.transaction_id,
            secs: 0,
            client_hardware_address: request.client_hardware_address,
            client_ip: Ipv4Address::UNSPECIFIED,
            your_ip: lease.map_or(Ipv4Address::UNSPECIFIED, |lease| lease.address),
            server_ip: self.address,
            router: lease.and(self.router),
            subnet_mask: lease.map(|_| MASK),
            relay_agent_ip: request.relay_agent_ip,
            broadcast: true,
            requested_ip: None,
            client_identifier: None,
            server_identifier: Some(self.address),
            parameter_request_list: None,
            dns_servers: lease.and(self.name_server).map(|server| [server].into_iter().collect()),
            max_size: None,
            lease_duration: lease.map(|lease| seconds(lease.duration)),
            renew_duration: lease.and_then(|lease| lease.renewal).map(seconds),
            rebind_duration: None,
            additional_options: &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::wire::EthernetAddress;

    const SERVER: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);
    const LEASE: Lease = Lease {
        address: Ipv4Address::new(10, 0, 2, 15),
        duration: Duration::from_secs(100),
        renewal: Some(Duration::from_secs(7)),
    };

    /// Returns a client's message: a discover, or a request for an address.
    fn message(wanted: Option<Ipv4Address>) -> Vec<u8> {
        let kind = wanted.map_or(DhcpMessageType::Discover, |_| DhcpMessageType::Request);
        let message = DhcpRepr {
            message_type: kind,
            transaction_id: 42,
            secs: 0,
            client_hardware_address: EthernetAddress([2, 0, 0, 0, 0, 2]),
            client_ip: Ipv4Address::UNSPECIFIED,
            your_ip: Ipv4Address::UNSPECIFIED,
            server_ip: Ipv4Address::UNSPECIFIED,
            router: None,
            subnet_mask: None,
            relay_agent_ip: Ipv4Address::UNSPECIFIED,
            broadcast: false,
            requested_ip: wanted,
            client_identifier: None,
            server_identifier: None,
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        };
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut DhcpPacket::new_unchecked(&mut bytes)).unwrap();
        bytes
    }

    /// Checks a server's answer. Returns the message type and the address of the answer.
    fn answer(policy: Policy, message: &[u8]) -> Option<(DhcpMessageType, Ipv4Address)> {
        let mut server = Server::new(SERVER, Some(SERVER), policy);
        let bytes = server.answer(message)?;
        let packet = DhcpPacket::new_checked(&bytes).unwrap();
        let reply = DhcpRepr::parse(&packet).unwrap();
        assert_eq!((reply.transaction_id, reply.server_identifier), (42, Some(SERVER)));
        let times = (reply.lease_duration, reply.renew_duration);
        let refusal = reply.message_type == DhcpMessageType::Nak;
        assert_eq!(times, if refusal { (None, None) } else { (Some(100), Some(7)) });
        Some((reply.message_type, reply.your_ip))
    }

    #[test]
    fn a_discover_and_a_request_are_answered_with_both_times() {
        let grant = Policy::Grant(LEASE);
        let offer = (DhcpMessageType::Offer, LEASE.address);
        assert_eq!(answer(grant, &message(None)), Some(offer));
        let granted = (DhcpMessageType::Ack, LEASE.address);
        assert_eq!(answer(grant, &message(Some(LEASE.address))), Some(granted));
    }

    #[test]
    fn a_lease_contains_the_name_server() {
        let mut server = Server::new(SERVER, None, Policy::Grant(LEASE));
        server.set_name_server(SERVER);
        for (wanted, named) in [(Some(LEASE.address), true), (Some(SERVER), false)] {
            let bytes = server.answer(&message(wanted)).unwrap();
            let packet = DhcpPacket::new_checked(&bytes).unwrap();
            let servers = DhcpRepr::parse(&packet).unwrap().dns_servers.unwrap_or_default();
            assert_eq!(&servers[..], &[SERVER][..usize::from(named)]);
        }
    }

    #[test]
    fn a_request_for_another_address_is_refused() {
        let refused = Some((DhcpMessageType::Nak, Ipv4Address::UNSPECIFIED));
        assert_eq!(answer(Policy::Grant(LEASE), &message(Some(SERVER))), refused);
        assert_eq!(answer(Policy::Refuse, &message(Some(LEASE.address))), refused);
        assert_eq!(answer(Policy::Refuse, &message(None)), None);
    }

    #[test]
    fn silence_and_invalid_messages_give_no_answer() {
        assert_eq!(answer(Policy::Silence, &message(None)), None);
        assert_eq!(answer(Policy::Silence, &message(Some(LEASE.address))), None);
        let whole = message(None);
        for length in 0..240 {
            assert_eq!(answer(Policy::Grant(LEASE), &whole[..length]), None);
        }
    }
}
