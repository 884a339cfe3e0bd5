//! The device's network controller, a driver of embassy-net.

use std::task::Waker;

use picoevent_sim_support::net::{Cable, End};

use crate::world::device::interrupt;
use crate::world::network::ether::{DEVICE, Ether};
use crate::world::observe::observer::Direction;

/// The driver on the device's side of the cable.
pub(crate) use picoevent_sim_support::net::DeviceEnd as Nic;

impl Cable for Ether {
    const DEVICE: [u8; 6] = DEVICE;

    fn take(&mut self, at: End) -> Option<Vec<u8>> {
        match at {
            End::Device => self.to_device.pop_front(),
            End::Peer => self.to_peer.pop_front(),
        }
    }

    fn send(&mut self, from: End, frame: Vec<u8>) {
        match from {
            End::Device => self.send(Direction::ToPeer, frame),
            End::Peer => self.send(Direction::ToDevice, frame),
        }
    }

    fn is_up(&self) -> bool {
        self.plugged
    }

    fn set_waker(&mut self, waker: &Waker) {
        self.waker = Some(waker.clone());
    }

    fn buffer(&mut self, length: usize) -> Vec<u8> {
        self.buffer(length)
    }

    fn put_back(&mut self, frame: Vec<u8>) {
        self.put_back(frame);
    }

    fn before_receive() {
        interrupt::point();
    }
}
