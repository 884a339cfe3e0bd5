//! What lies below the sockets: the link, and the addresses that are ours.

use core::pin::pin;
use core::task::{Context, Waker};

use embassy_net::{IpAddress, Stack};
use picoevent::ConnError;

use crate::ready;

pub(crate) struct Network<'n> {
    stack: Stack<'n>,
    seen: Seen,
    /// Whether the last look found something else than the one before.
    pub(crate) changed: bool,
    /// Whether our waker was used, by a change or by a task that took its place.
    displaced: bool,
    /// Whether the waker is to be set; see [`Network::wake_on_change`].
    unwatched: bool,
}

#[derive(PartialEq, Eq)]
struct Seen {
    link_up: bool,
    v4: Option<IpAddress>,
    #[cfg(feature = "proto-ipv6")]
    v6: Option<IpAddress>,
}

impl Seen {
    fn of(stack: Stack<'_>) -> Self {
        Self {
            link_up: stack.is_link_up(),
            v4: stack.config_v4().map(|config| config.address.address().into()),
            #[cfg(feature = "proto-ipv6")]
            v6: v6::address(stack),
        }
    }
}

impl<'n> Network<'n> {
    pub(crate) fn new(stack: Stack<'n>) -> Self {
        Self { stack, seen: Seen::of(stack), changed: false, displaced: false, unwatched: true }
    }

    /// Looks what there is now, and returns whether it is something else than before. `news` are
    /// the bits that the stack's wakers have set.
    pub(crate) fn look(&mut self, news: u32) -> bool {
        self.displaced |= news & (1 << ready::NETWORK) != 0;
        let now = Seen::of(self.stack);
        self.changed = now != self.seen;
        self.seen = now;
        self.unwatched |= self.changed;
        self.changed
    }

    /// Whether the address is ours.
    pub(crate) fn has(&self, address: IpAddress) -> bool {
        match address {
            IpAddress::Ipv4(_) => self.seen.v4 == Some(address),
            #[cfg(feature = "proto-ipv6")]
            IpAddress::Ipv6(_) => self.seen.v6 == Some(address),
        }
    }

    /// Looks whether there is a way to the peer.
    ///
    /// # Errors
    /// `AddressInvalid` for the broadcast address of our network; `Unreachable` when there is no
    /// way, where the stack itself would try for ever.
    pub(crate) fn find_way(&self, peer: IpAddress) -> Result<(), ConnError> {
        let routed = match peer {
            IpAddress::Ipv4(peer) => match self.stack.config_v4() {
                Some(config) if config.address.broadcast() == Some(peer) => {
                    return Err(ConnError::AddressInvalid);
                }
                Some(config) => config.gateway.is_some() || config.address.contains_addr(&peer),
                None => false,
            },
            #[cfg(feature = "proto-ipv6")]
            IpAddress::Ipv6(peer) => v6::reaches(self.stack, peer),
        };
        if self.seen.link_up && routed { Ok(()) } else { Err(ConnError::Unreachable) }
    }

    /// Notes that something happened to the loop: its next sleep watches for changes again.
    pub(crate) fn watch(&mut self) {
        self.unwatched |= core::mem::take(&mut self.displaced);
    }

    /// Has `waker` woken when the link or an address changes.
    ///
    /// The stack has one waker for this, and wakes the task whose place another takes. Two tasks
    /// that always took the place back would evict each other's waker for ever. So the place is
    /// taken again only after something else happened.
    pub(crate) fn wake_on_change(&mut self, waker: &Waker) {
        if core::mem::take(&mut self.unwatched) {
            let mut cx = Context::from_waker(waker);
            // The one of the two that is not true already takes the place.
            let _ = pin!(self.stack.wait_link_down()).poll(&mut cx);
            let _ = pin!(self.stack.wait_link_up()).poll(&mut cx);
        }
    }
}

#[cfg(feature = "proto-ipv6")]
mod v6 {
    use core::net::Ipv6Addr;

    use embassy_net::{IpAddress, Stack};

    pub(super) fn address(stack: Stack<'_>) -> Option<IpAddress> {
        stack.config_v6().map(|config| config.address.address().into())
    }

    pub(super) fn reaches(stack: Stack<'_>, peer: Ipv6Addr) -> bool {
        stack.config_v6().is_some_and(|config| {
            let near = peer.is_unicast_link_local() || config.address.contains_addr(&peer);
            near || config.gateway.is_some()
        })
    }
}
