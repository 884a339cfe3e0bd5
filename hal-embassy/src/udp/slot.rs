//! A slot for a UDP socket of the base: a socket of the stack, and what this socket is used for.

use core::net::{IpAddr, SocketAddr};
use core::task::Poll;

use embassy_net::{IpAddress, IpEndpoint, IpListenEndpoint};
use heapless::Vec;
use picoevent::{EventBase, UdpError, UdpSocket};

use super::socket::Socket;
use crate::address;
use crate::env::Env;
use crate::time::{self, NEVER, Stamp};

/// The stack must send a datagram within this time; otherwise the datagram is dropped. The stack requests a neighbour's
/// hardware address once per second.
pub(crate) const SEND_TIMEOUT: u32 = time::millis(3_000);

/// The largest number of multicast groups of a socket. The stack has at most four groups, for all sockets together.
const GROUPS: usize = 4;

/// The largest length of a datagram over IPv4, in bytes. A datagram must fit one Ethernet frame, because the stack does
/// not fragment.
const MAX_V4: usize = 1_472;
/// The largest length of a datagram over IPv6, in bytes.
const MAX_V6: usize = 1_452;

/// The UDP sockets of an adapter.
pub(crate) struct UdpSlots<'n, const UDP: usize>(Vec<UdpSlot<'n>, UDP>);

/// The UDP sockets during a poll of the task.
pub(crate) type Udp<'r, 'n> = &'r mut [UdpSlot<'n>];

impl<'n, const UDP: usize> UdpSlots<'n, UDP> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a socket. Does nothing if there is no room.
    pub(super) fn add(&mut self, socket: Socket<'n>) {
        let _ = self.0.push(UdpSlot::new(socket));
    }

    pub(crate) fn all(&mut self) -> Udp<'_, 'n> {
        &mut self.0
    }
}

pub(crate) struct UdpSlot<'n> {
    pub(super) socket: Socket<'n>,
    pub(super) role: Role,
    /// The time at which the stack got the datagrams that it still has to send; `None` if it has none to send.
    pub(super) sending_since: Option<Stamp>,
    /// Whether the socket may send broadcasts.
    pub(super) may_broadcast: bool,
    pub(super) groups: Vec<IpAddress, GROUPS>,
}

/// The use of a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Not used.
    Free,
    /// A UDP socket of the base. While the stack sends a datagram of this socket, the datagram is still in the base's
    /// ring, as the oldest datagram.
    Bound(UdpSocket),
    /// A closed socket that still has datagrams to send.
    Closing,
}

impl<'n> UdpSlot<'n> {
    fn new(socket: Socket<'n>) -> Self {
        Self {
            socket,
            role: Role::Free,
            sending_since: None,
            may_broadcast: false,
            groups: Vec::new(),
        }
    }

    pub(super) fn is_sending(&self) -> bool {
        self.sending_since.is_some()
    }

    /// Returns the time until the unsent datagrams of the socket are dropped; [`NEVER`] if there are none.
    pub(super) fn time_left(&self, now: Stamp) -> u32 {
        self.sending_since
            .map_or(NEVER, |since| SEND_TIMEOUT.saturating_sub(now.wrapping_sub(since)))
    }

    /// Receives datagrams while the base has room.
    pub(super) fn receive<A>(&mut self, id: UdpSocket, base: &mut EventBase<'_, A>) {
        let longest = self.socket.longest();
        while base.has_udp_room(id, longest)
            && self.socket.receive(|from, data| base.received_from(id, from, data)).is_some()
        {
        }
    }

    /// Drops the datagrams that the stack has not sent: closes the socket and binds it again. Closing the socket would
    /// also discard the received datagrams. So the received datagrams are passed to the base first. The received
    /// datagrams for which the base has no room are dropped and counted.
    pub(super) fn drop_unsent<A>(&mut self, base: &mut EventBase<'_, A>) {
        let endpoint = self.socket.endpoint();
        if let Role::Bound(id) = self.role {
            let take = |from, data: &[u8], base: &mut EventBase<'_, A>| {
                if !base.received_from(id, from, data) {
                    base.input_dropped(id);
                }
            };
            while self.socket.receive(|from, data| take(from, data, base)).is_some() {}
        }
        let role = self.role;
        self.free();
        if let Role::Bound(id) = role {
            match self.socket.bind(endpoint) {
                Ok(()) => base.udp_done(id, Err(UdpError::Unreachable)),
                Err(error) => base.bind_failed(id, error),
            }
            self.role = role;
        }
    }

    /// Closes the socket. Unsent datagrams are lost.
    pub(super) fn free(&mut self) {
        self.socket.close();
        (self.role, self.sending_since) = (Role::Free, None);
    }

    /// Gives the stack a datagram. Returns `false` if the stack cannot take it yet.
    ///
    /// # Errors
    /// The reason why the datagram cannot be sent.
    pub(super) fn send(
        &mut self,
        to: SocketAddr,
        data: &[u8],
        env: &Env<'_>,
    ) -> Result<bool, UdpError> {
        let max_length = if to.is_ipv6() { MAX_V6 } else { MAX_V4 };
        if data.len() > max_length {
            return Err(UdpError::TooLong);
        }
        let to = address::udp_endpoint(to).ok_or(UdpError::Invalid)?;
        self.check_destination(to, env)?;
        match self.socket.send(to, data) {
            Poll::Ready(sent) => sent?,
            Poll::Pending => return Ok(false),
        }
        self.sending_since = Some(env.now);
        Ok(true)
    }

    /// Checks that the stack can send to this address now.
    ///
    /// # Errors
    ///
    /// [`UdpError::Denied`] for a broadcast that is not allowed; [`UdpError::Unreachable`] if there is no link, no
    /// address or no route.
    fn check_destination(&self, to: IpEndpoint, env: &Env<'_>) -> Result<(), UdpError> {
        let network = &env.network;
        if network.is_broadcast(to.addr) && !self.may_broadcast {
            return Err(UdpError::Denied);
        }
        let needs_no_route = !to.addr.is_unicast() || network.is_broadcast(to.addr);
        let is_reachable =
            if needs_no_route { network.is_up_for(to.addr) } else { network.can_reach(to.addr) };
        if is_reachable { Ok(()) } else { Err(UdpError::Unreachable) }
    }

    /// Returns whether a packet could match both this socket and another socket that is bound to `endpoint`.
    pub(super) fn overlaps(&self, endpoint: IpListenEndpoint) -> bool {
        self.role != Role::Free && address::overlap(self.socket.endpoint(), endpoint)
    }
}

/// Converts the address of a multicast group. Returns `None` for an address family that the stack does not have.
pub(super) fn group_address(group: IpAddr) -> Option<IpAddress> {
    address::udp_endpoint((group, 1).into()).map(|endpoint| endpoint.addr)
}
