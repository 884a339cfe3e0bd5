//! The network below the sockets: the link, and our own addresses.

use core::pin::pin;
use core::task::{Context, Waker};

use embassy_net::{IpAddress, Stack};
use picoevent::ConnError;

use crate::ready;

#[cfg(not(feature = "network"))]
mod off;
#[cfg(feature = "network")]
mod on;

#[cfg(not(feature = "network"))]
use off::Reported;
#[cfg(feature = "network")]
use on::Reported;

pub(crate) struct Network<'n> {
    stack: Stack<'n>,
    snapshot: Snapshot,
    /// Whether the last call of [`check`](Self::check) found that an address was lost.
    pub(crate) address_lost: bool,
    /// Whether our waker was woken, by a change of the network or by a task that replaced our waker.
    was_woken: bool,
    /// Whether the waker must be set; see [`Network::wake_on_change`].
    unwatched: bool,
    #[cfg_attr(
        not(feature = "network"),
        expect(dead_code, reason = "the base gets no network state")
    )]
    reported: Reported,
}

#[derive(PartialEq, Eq)]
struct Snapshot {
    link_up: bool,
    v4: Option<IpAddress>,
    #[cfg(feature = "proto-ipv6")]
    v6: Option<IpAddress>,
}

impl Snapshot {
    fn of(stack: Stack<'_>) -> Self {
        Self {
            link_up: stack.is_link_up(),
            v4: stack.config_v4().map(|config| config.address.address().into()),
            #[cfg(feature = "proto-ipv6")]
            v6: v6::address(stack),
        }
    }

    /// Returns whether an address was lost or changed.
    fn has_lost(&self, now: &Self) -> bool {
        let lost = self.v4.is_some() && self.v4 != now.v4;
        #[cfg(feature = "proto-ipv6")]
        let lost = lost || self.v6.is_some() && self.v6 != now.v6;
        lost
    }
}

impl<'n> Network<'n> {
    pub(crate) fn new(stack: Stack<'n>) -> Self {
        let snapshot = Snapshot::of(stack);
        Self {
            stack,
            snapshot,
            address_lost: false,
            was_woken: false,
            unwatched: true,
            reported: Reported::NO,
        }
    }

    /// Reads the link and the addresses, unless our waker is set and was not woken. Returns whether the link or an
    /// address has changed. `changed` contains the bits that the stack's wakers have set; see [`ready`].
    #[inline(never)]
    pub(crate) fn check(&mut self, changed: u32) -> bool {
        self.was_woken |= changed & (1 << ready::NETWORK) != 0;
        self.address_lost = false;
        if !self.was_woken && !self.unwatched {
            return false;
        }
        let now = Snapshot::of(self.stack);
        let changed = now != self.snapshot;
        self.address_lost = self.snapshot.has_lost(&now);
        self.snapshot = now;
        self.unwatched |= changed;
        changed
    }

    /// Returns whether the device has the address.
    pub(crate) fn has(&self, address: IpAddress) -> bool {
        match address {
            IpAddress::Ipv4(_) => self.snapshot.v4 == Some(address),
            #[cfg(feature = "proto-ipv6")]
            IpAddress::Ipv6(_) => self.snapshot.v6 == Some(address),
        }
    }

    /// Checks that there is a route to the peer. Returns `None` while there is no link, or no address of the
    /// peer's family.
    ///
    /// # Errors
    /// `AddressInvalid` for the broadcast address of our network; `Unreachable` if there is no
    /// route. The stack itself would try to connect forever.
    pub(crate) fn check_route(&self, peer: IpAddress) -> Result<Option<()>, ConnError> {
        let routed = match peer {
            IpAddress::Ipv4(peer) => match self.stack.config_v4() {
                Some(config) if config.address.broadcast() == Some(peer) => {
                    return Err(ConnError::AddressInvalid);
                }
                Some(config) => config.gateway.is_some() || config.address.contains_addr(&peer),
                None => return Ok(None),
            },
            #[cfg(feature = "proto-ipv6")]
            IpAddress::Ipv6(peer) => match v6::has_route(self.stack, peer) {
                Some(has_route) => has_route,
                None => return Ok(None),
            },
        };
        match self.stack.is_link_up() {
            false => Ok(None),
            true if routed => Ok(Some(())),
            true => Err(ConnError::Unreachable),
        }
    }

    #[cfg(feature = "udp")]
    pub(crate) const fn stack(&self) -> Stack<'n> {
        self.stack
    }

    /// Returns whether the stack has a link, and an address of the same family as `address`.
    #[cfg(feature = "udp")]
    pub(crate) fn is_up_for(&self, address: IpAddress) -> bool {
        let configured = match address {
            IpAddress::Ipv4(_) => self.stack.config_v4().is_some(),
            #[cfg(feature = "proto-ipv6")]
            IpAddress::Ipv6(_) => self.stack.config_v6().is_some(),
        };
        self.stack.is_link_up() && configured
    }

    /// Returns whether the stack has a link and a route to a host.
    #[cfg(feature = "udp")]
    pub(crate) fn can_reach(&self, host: IpAddress) -> bool {
        matches!(self.check_route(host), Ok(Some(())))
    }

    /// Returns whether the address is a broadcast address.
    #[cfg(feature = "udp")]
    pub(crate) fn is_broadcast(&self, address: IpAddress) -> bool {
        match address {
            IpAddress::Ipv4(address) => {
                let config = self.stack.config_v4();
                let ours = config.and_then(|config| config.address.broadcast());
                address.is_broadcast() || ours == Some(address)
            }
            #[cfg(feature = "proto-ipv6")]
            IpAddress::Ipv6(_) => false,
        }
    }

    /// Joins a multicast group.
    #[cfg(feature = "multicast")]
    pub(crate) fn join(&self, group: IpAddress) -> Result<(), picoevent::UdpError> {
        use embassy_net::MulticastError;
        use picoevent::UdpError;

        self.stack.join_multicast_group(group).map_err(|error| match error {
            MulticastError::GroupTableFull => UdpError::NoSocket,
            MulticastError::Unaddressable => UdpError::Invalid,
        })
    }

    /// Leaves a multicast group.
    #[cfg(feature = "multicast")]
    pub(crate) fn leave(&self, group: IpAddress) {
        // Leaving fails only for an address that is not a multicast address, and no socket can have joined such an
        // address.
        let _ = self.stack.leave_multicast_group(group);
    }

    /// Fails: without the feature `multicast` the stack has no groups.
    #[cfg(all(feature = "udp", not(feature = "multicast")))]
    pub(crate) const fn join(&self, _: IpAddress) -> Result<(), picoevent::UdpError> {
        Err(picoevent::UdpError::Invalid)
    }

    #[cfg(all(feature = "udp", not(feature = "multicast")))]
    pub(crate) const fn leave(&self, _: IpAddress) {}

    /// If the waker was woken, requests that the waker is set again before the task sleeps. Called before each
    /// callback.
    pub(crate) fn request_watch(&mut self) {
        self.unwatched |= core::mem::take(&mut self.was_woken);
    }

    /// Returns whether the waker must be set.
    pub(crate) fn is_unwatched(&self) -> bool {
        self.unwatched
    }

    /// Sets `waker` to be woken when the link or an address changes.
    ///
    /// The stack keeps one waker for the changes of the link and the addresses. When a task sets another waker, the
    /// stack wakes the old waker. Two tasks that always set their wakers again would replace each other's waker
    /// forever. So our waker is set again only after a callback has run, or the network has changed.
    pub(crate) fn wake_on_change(&mut self, waker: &Waker) {
        self.unwatched = false;
        let mut cx = Context::from_waker(waker);
        // The link is up or down, so one of these two futures is not ready. That future sets the waker.
        let _ = pin!(self.stack.wait_link_down()).poll(&mut cx);
        let _ = pin!(self.stack.wait_link_up()).poll(&mut cx);
    }
}

#[cfg(feature = "proto-ipv6")]
mod v6 {
    use core::net::Ipv6Addr;

    use embassy_net::{IpAddress, Stack};

    #[cfg(feature = "network")]
    pub(super) fn describe(stack: Stack<'_>, now: &mut picoevent::Network) {
        let Some(config) = stack.config_v6() else { return };
        let (ip, prefix) = (config.address.address().into(), config.address.prefix_len());
        now.add_address(picoevent::OwnAddress { ip, prefix });
        config.gateway.into_iter().for_each(|ip| _ = now.add_gateway(ip.into()));
        config.dns_servers.iter().for_each(|ip| _ = now.add_name_server((*ip).into()));
    }

    pub(super) fn address(stack: Stack<'_>) -> Option<IpAddress> {
        stack.config_v6().map(|config| config.address.address().into())
    }

    /// Returns whether there is a route to the peer; `None` if the device has no IPv6 address.
    pub(super) fn has_route(stack: Stack<'_>, peer: Ipv6Addr) -> Option<bool> {
        let config = stack.config_v6()?;
        let is_on_link = peer.is_unicast_link_local() || config.address.contains_addr(&peer);
        Some(is_on_link || config.gateway.is_some())
    }
}
