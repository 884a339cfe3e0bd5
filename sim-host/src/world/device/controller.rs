//! The device's network controller, as embassy-net drives it.

use std::cell::RefCell;
use std::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};

use crate::world::device::interrupt;
use crate::world::network::ether::{DEVICE, Ether, MTU};
use crate::world::network::nic::{Leave, Received};
use crate::world::observe::observer::Direction;

/// The device's end of the cable.
pub(crate) struct Nic<'e>(pub(crate) &'e RefCell<Ether>);

impl<'e> Driver for Nic<'e> {
    type RxToken<'a>
        = Received<'e>
    where
        Self: 'a;
    type TxToken<'a>
        = Leave<'e>
    where
        Self: 'a;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received<'e>, Leave<'e>)> {
        interrupt::point();
        let mut ether = self.0.borrow_mut();
        ether.waker = Some(cx.waker().clone());
        let frame = ether.to_device.pop_front()?;
        Some((Received(self.0, frame), Leave(self.0, Direction::ToPeer)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Leave<'e>> {
        Some(Leave(self.0, Direction::ToPeer))
    }

    fn link_state(&mut self, cx: &mut Context<'_>) -> LinkState {
        let mut ether = self.0.borrow_mut();
        ether.waker = Some(cx.waker().clone());
        if ether.plugged { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = MTU;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(DEVICE)
    }
}
