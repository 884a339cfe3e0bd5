//! The ends of the cable: what receives and sends a frame, and the peers' network controller.

use std::cell::RefCell;

use smoltcp::phy::{Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use crate::world::network::ether::{Ether, MTU};
use crate::world::observe::observer::Direction;

/// The peers' controller, as smoltcp drives it.
pub(crate) struct PeerNic<'e>(pub(crate) &'e RefCell<Ether>);

/// A frame that was received.
pub(crate) struct Received<'e>(pub(crate) &'e RefCell<Ether>, pub(crate) Vec<u8>);

/// Leave to send one frame.
pub(crate) struct Leave<'e>(pub(crate) &'e RefCell<Ether>, pub(crate) Direction);

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
