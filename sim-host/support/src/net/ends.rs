//! The drivers on both sides of a cable: an embassy-net driver for the device, and a smoltcp device for the peer.

use std::cell::RefCell;
use std::ops::Deref;
use std::task::{Context, Waker};

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// The maximum length of a frame in bytes, without its checksum: 14 bytes of header and 1500 bytes of payload.
pub const MTU: usize = 1514;

/// A side of a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The device under test.
    Device,
    /// The host that the device communicates with.
    Peer,
}

/// A cable between the device and its peers.
pub trait Cable {
    /// The hardware address of the device.
    const DEVICE: [u8; 6];

    /// Takes the next frame that has arrived at a side, if there is one.
    fn take(&mut self, at: End) -> Option<Vec<u8>>;

    /// Sends a frame from one side to the other side.
    fn send(&mut self, from: End, frame: Vec<u8>);

    /// Returns whether the link is up.
    fn is_up(&self) -> bool;

    /// Stores the waker for frames to the device and for changes of the link.
    fn set_waker(&mut self, waker: &Waker);

    /// Returns a buffer for a frame of `length` bytes.
    fn buffer(&mut self, length: usize) -> Vec<u8> {
        vec![0; length]
    }

    /// Takes back the buffer of a frame, for reuse.
    fn put_back(&mut self, _frame: Vec<u8>) {}

    /// Called before the device checks for a frame. The cable is not borrowed during this call.
    fn before_receive() {}
}

/// The driver on the device's side of a cable. The cable is shared through `C`.
pub struct DeviceEnd<C>(pub C);

/// The driver on the peer's side of a cable. The cable is shared through `C`.
pub struct PeerEnd<C>(pub C);

/// A receive token: a received frame.
pub struct Received<C>(C, Vec<u8>);

/// A transmit token: permission to send one frame.
pub struct Departing<C>(C, End);

impl<T: Cable, C: Deref<Target = RefCell<T>> + Clone> Driver for DeviceEnd<C> {
    type RxToken<'a>
        = Received<C>
    where
        Self: 'a;
    type TxToken<'a>
        = Departing<C>
    where
        Self: 'a;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received<C>, Departing<C>)> {
        T::before_receive();
        let mut cable = self.0.borrow_mut();
        cable.set_waker(cx.waker());
        let frame = cable.take(End::Device)?;
        Some((Received(self.0.clone(), frame), Departing(self.0.clone(), End::Device)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Departing<C>> {
        Some(Departing(self.0.clone(), End::Device))
    }

    fn link_state(&mut self, cx: &mut Context<'_>) -> LinkState {
        let mut cable = self.0.borrow_mut();
        cable.set_waker(cx.waker());
        if cable.is_up() { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = MTU;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(T::DEVICE)
    }
}

impl<T: Cable, C: Deref<Target = RefCell<T>> + Clone> Device for PeerEnd<C> {
    type RxToken<'a>
        = Received<C>
    where
        Self: 'a;
    type TxToken<'a>
        = Departing<C>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Received<C>, Departing<C>)> {
        let frame = self.0.borrow_mut().take(End::Peer)?;
        Some((Received(self.0.clone(), frame), Departing(self.0.clone(), End::Peer)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Departing<C>> {
        Some(Departing(self.0.clone(), End::Peer))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = MTU;
        capabilities.medium = Medium::Ethernet;
        capabilities
    }
}

impl<T: Cable, C: Deref<Target = RefCell<T>>> embassy_net_driver::RxToken for Received<C> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, read: F) -> R {
        let result = read(&mut self.1);
        self.0.borrow_mut().put_back(self.1);
        result
    }
}

impl<T: Cable, C: Deref<Target = RefCell<T>>> phy::RxToken for Received<C> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        embassy_net_driver::RxToken::consume(self, |frame| read(frame))
    }
}

impl<T: Cable, C: Deref<Target = RefCell<T>>> embassy_net_driver::TxToken for Departing<C> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = self.0.borrow_mut().buffer(length);
        let result = write(&mut frame);
        self.0.borrow_mut().send(self.1, frame);
        result
    }
}

impl<T: Cable, C: Deref<Target = RefCell<T>>> phy::TxToken for Departing<C> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        embassy_net_driver::TxToken::consume(self, length, write)
    }
}
