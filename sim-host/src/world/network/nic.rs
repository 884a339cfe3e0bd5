//! The two ends of the cable: the device's network controller, and the peers'.

use std::cell::RefCell;
use std::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};
use smoltcp::phy::{Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use crate::world::device::interrupt;
use crate::world::network::ether::{DEVICE, Ether, MTU};
use crate::world::observe::observer::Direction;

/// The device's controller, as embassy-net drives it.
pub(crate) struct Nic<'e>(pub(crate) &'e RefCell<Ether>);

/// The peers' controller, as smoltcp drives it.
pub(crate) struct PeerNic<'e>(pub(crate) &'e RefCell<Ether>);

/// A frame that was received.
pub(crate) struct Received<'e>(&'e RefCell<Ether>, Vec<u8>);

/// Leave to send one frame.
pub(crate) struct Leave<'e>(&'e RefCell<Ether>, Direction);

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

impl embassy_net_driver::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, work: F) -> R {
        let result = work(&mut self.1);
        self.0.borrow_mut().put_back(self.1);
        result
    }
}

impl embassy_net_driver::TxToken for Leave<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, work: F) -> R {
        let mut frame = self.0.borrow_mut().buffer(length);
        let result = work(&mut frame);
        self.0.borrow_mut().send(self.1, frame);
        result
    }
}

impl<'e> Device for PeerNic<'e> {
    type RxToken<'a>
        = Received<'e>
    where
        Self: 'a;
    type TxToken<'a>
        = Leave<'e>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Received<'e>, Leave<'e>)> {
        let frame = self.0.borrow_mut().to_peer.pop_front()?;
        Some((Received(self.0, frame), Leave(self.0, Direction::ToDevice)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Leave<'e>> {
        Some(Leave(self.0, Direction::ToDevice))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = MTU;
        capabilities.medium = Medium::Ethernet;
        capabilities
    }
}

impl smoltcp::phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, work: F) -> R {
        let result = work(&self.1);
        self.0.borrow_mut().put_back(self.1);
        result
    }
}

impl smoltcp::phy::TxToken for Leave<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, work: F) -> R {
        embassy_net_driver::TxToken::consume(self, length, work)
    }
}
