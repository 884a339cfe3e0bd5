//! Replaces `slot.rs` and `work.rs` if the feature `udp` is off: there are no UDP sockets.

use core::marker::PhantomData;
use core::task::Waker;

use picoevent::{EventBase, Instant, UdpAction, UdpSocket};

use crate::socket_table::SocketTable;

/// Replaces the UDP sockets of an adapter.
pub(crate) struct UdpSlots<'n, const UDP: usize>(PhantomData<&'n ()>);

/// Replaces the UDP sockets during a poll of the task.
pub(crate) type Udp<'r, 'n> = PhantomData<&'r mut &'n ()>;

impl<'n, const UDP: usize> UdpSlots<'n, UDP> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }

    pub(crate) const fn all(&mut self) -> Udp<'_, 'n> {
        PhantomData
    }
}

impl SocketTable<'_, '_> {
    pub(crate) const fn act_udp<A>(
        &mut self,
        _: UdpSocket,
        _: UdpAction,
        _: &mut EventBase<'_, A>,
    ) {
    }

    pub(crate) const fn udp_waits_for_stack(&mut self) -> bool {
        false
    }

    pub(crate) const fn check_udp<A>(&mut self, _: u32, _: &mut EventBase<'_, A>) {}

    pub(crate) const fn timed_out_udp(&self) -> u32 {
        0
    }

    pub(crate) const fn udp_deadline(&self, _: Instant) -> Instant {
        Instant::MAX
    }

    pub(crate) const fn udp_is_sending(&self) -> bool {
        false
    }

    pub(crate) const fn watch_udp<A>(&mut self, _: u32, _: &mut EventBase<'_, A>, _: &Waker) {}
}
