//! Replaces UDP when the feature `udp` is off: a table without slots, and a callback that is never due.

use core::convert::Infallible;
use core::marker::PhantomData;
use core::net::SocketAddr;

use super::UdpEvent;
use crate::handle::UdpSocket;
use crate::outbox::{Action, Pending};
use crate::queue::Node;
use crate::{Cx, EventBase, Fired};

/// An empty replacement for the index of a socket's slot.
pub(crate) type UdpIndex = Infallible;

/// An empty replacement for the slot of a UDP socket. With the feature `udp`, this type contains the state of a socket.
pub struct UdpSlot<A>(PhantomData<fn(&mut A)>);

impl<A> UdpSlot<A> {
    pub(crate) const EMPTY: Self = Self(PhantomData);
}

/// A replacement for the due callback of a UDP socket. Without the feature `udp`, this type has no values.
pub struct FiredUdp<A> {
    never: Infallible,
    app: PhantomData<fn(&mut A)>,
}

impl<A> FiredUdp<A> {
    /// Calls the callback.
    pub const fn call(self, _: &mut A, _: &mut Cx<'_, A>) {
        let Self { never, app: PhantomData } = self;
        match never {}
    }

    /// Returns the socket.
    pub const fn socket(&self) -> UdpSocket {
        match self.never {}
    }

    /// Returns the event.
    pub const fn event(&self) -> UdpEvent {
        match self.never {}
    }
}

/// A replacement for the actions for UDP sockets. Without the feature `udp`, this type has no values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpAction {}

impl UdpAction {
    pub(crate) const fn is_bind(self) -> bool {
        match self {}
    }

    #[cfg(feature = "record")]
    pub(crate) const fn number(self) -> u8 {
        match self {}
    }

    #[cfg(feature = "record")]
    pub(crate) const fn of_number(_: u8) -> Option<Self> {
        None
    }
}

/// An empty replacement for the table of UDP sockets.
pub(crate) struct UdpTable<'s, A>(PhantomData<&'s mut [UdpSlot<A>]>);

impl<'s, A> UdpTable<'s, A> {
    pub(crate) const fn new(_: &'s mut [UdpSlot<A>], _: &mut u16) -> Self {
        Self(PhantomData)
    }

    #[cfg(feature = "record")]
    pub(crate) fn shortened(self, slots: usize, _: &mut u16) -> Option<Self> {
        (slots == 0).then_some(self)
    }

    #[cfg(feature = "record")]
    pub(crate) const fn capacity(&self) -> usize {
        0
    }

    pub(crate) const fn len(&self) -> usize {
        0
    }

    #[cfg(any(feature = "peaks", test))]
    pub(crate) const fn peak(&self) -> usize {
        0
    }

    #[cfg(any(feature = "peaks", test))]
    pub(crate) const fn reset_peak(&mut self, _: usize) {}

    pub(crate) const fn index_of(&self, _: u16) -> Option<UdpIndex> {
        None
    }

    pub(crate) const fn node(&mut self, index: UdpIndex) -> Option<&mut Node> {
        match index {}
    }

    pub(crate) const fn pending(&mut self, index: UdpIndex) -> Option<&mut Pending> {
        match index {}
    }
}

impl<A> Cx<'_, A> {
    pub(crate) const fn udp_can_run(&self, index: UdpIndex) -> bool {
        match index {}
    }

    pub(crate) const fn udp_fire(&mut self, index: UdpIndex) -> Option<Fired<A>> {
        match index {}
    }

    pub(crate) const fn udp_action(&mut self, index: UdpIndex, _: u8) -> Option<Action> {
        match index {}
    }

    pub(crate) const fn udp_close_all(&mut self) {}
}

impl<A> EventBase<'_, A> {
    pub(crate) const fn udp_address_of(&self, _: UdpSocket) -> Option<SocketAddr> {
        None
    }
}

/// Replays nothing. A recording with entries for UDP sockets comes from a base that has slots for UDP sockets. This
/// base has no slots for UDP sockets. So the replay has already returned `ReplayError::OtherSizes`.
#[cfg(feature = "record")]
pub(crate) fn play<'r, A>(
    _: crate::record::Entry<'r>,
    base: &EventBase<'_, A>,
) -> crate::record::Entry<'r> {
    crate::record::Entry::Base(base.sizes())
}
