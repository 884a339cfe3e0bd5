//! The cable between the device and its peers. The cable loses no frames.

use std::collections::VecDeque;
use std::task::Waker;

use picoevent_sim_support::net;

#[derive(Default)]
pub(super) struct Cable {
    to_device: VecDeque<Vec<u8>>,
    to_peer: VecDeque<Vec<u8>>,
    waker: Option<Waker>,
}

impl Cable {
    /// The hardware address of the peers' interface.
    pub(super) const PEER: [u8; 6] = [2, 0, 0, 0, 0, 1];

    /// Returns whether a frame is in transit to the peers.
    pub(super) fn has_frame_for_peer(&self) -> bool {
        !self.to_peer.is_empty()
    }
}

impl net::Cable for Cable {
    const DEVICE: [u8; 6] = [2, 0, 0, 0, 0, 2];

    fn take(&mut self, at: net::End) -> Option<Vec<u8>> {
        match at {
            net::End::Device => self.to_device.pop_front(),
            net::End::Peer => self.to_peer.pop_front(),
        }
    }

    fn send(&mut self, from: net::End, frame: Vec<u8>) {
        match from {
            net::End::Device => self.to_peer.push_back(frame),
            net::End::Peer => {
                self.to_device.push_back(frame);
                if let Some(waker) = self.waker.take() {
                    waker.wake();
                }
            }
        }
    }

    fn is_up(&self) -> bool {
        true
    }

    fn set_waker(&mut self, waker: &Waker) {
        self.waker = Some(waker.clone());
    }
}
