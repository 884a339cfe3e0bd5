//! The cable between the device and the peer: frames in two directions, and the link.

use std::collections::VecDeque;
use std::task::Waker;

use picoevent_sim_support::net::{End, Segment};
use smoltcp::wire::{EthernetFrame, Ipv4Packet, TcpPacket};

pub const DEVICE: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub const PEER: [u8; 6] = [2, 0, 0, 0, 0, 1];

pub struct Cable {
    to_device: VecDeque<Vec<u8>>,
    to_peer: VecDeque<Vec<u8>>,
    plugged: bool,
    waker: Option<Waker>,
    /// The number of frames in both directions, including lost frames.
    pub frames: usize,
    /// Every TCP segment in both directions, including lost segments.
    pub segments: Vec<Segment>,
    /// Decides whether a segment is lost.
    pub lose: Box<dyn FnMut(&Segment) -> bool>,
    /// Whether the peer's next SYN is kept for [`Cable::repeat_syn`] and [`Cable::forge`].
    pub keep_syn: bool,
    syn: Option<Vec<u8>>,
}

impl Cable {
    pub fn new() -> Self {
        Self {
            to_device: VecDeque::new(),
            to_peer: VecDeque::new(),
            plugged: true,
            waker: None,
            frames: 0,
            segments: Vec::new(),
            lose: Box::new(|_| false),
            keep_syn: false,
            syn: None,
        }
    }

    /// Plugs the cable in or unplugs it: the device's link goes up or down.
    pub fn plug(&mut self, plugged: bool) {
        self.plugged = plugged;
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn passes(&mut self, frame: &[u8]) -> bool {
        let segment = Segment::of(frame);
        let lost = segment.as_ref().is_some_and(|segment| (self.lose)(segment));
        self.frames += 1;
        self.segments.extend(segment);
        self.plugged && !lost
    }
}

impl Cable {
    /// Sends a duplicate of the kept SYN to the device.
    pub fn repeat_syn(&mut self) {
        let frame = self.syn.take().expect("a SYN was kept");
        self.send_to_device(frame);
    }

    /// Sends a forged segment to the device: a copy of the kept SYN, changed by `change`.
    pub fn forge(&mut self, change: impl FnOnce(&mut TcpPacket<&mut [u8]>)) {
        let mut frame = self.syn.clone().expect("a SYN was kept");
        let mut ethernet = EthernetFrame::new_unchecked(&mut frame);
        let mut ip = Ipv4Packet::new_unchecked(ethernet.payload_mut());
        let (from, to) = (ip.src_addr().into(), ip.dst_addr().into());
        let mut segment = TcpPacket::new_unchecked(ip.payload_mut());
        change(&mut segment);
        segment.fill_checksum(&from, &to);
        self.to_device.push_back(frame);
        self.wake();
    }

    fn send_to_device(&mut self, frame: Vec<u8>) {
        if self.keep_syn && Segment::of(&frame).is_some_and(|segment| segment.syn) {
            self.keep_syn = false;
            self.syn = Some(frame.clone());
        }
        if self.passes(&frame) {
            self.to_device.push_back(frame);
            self.wake();
        }
    }
}

impl picoevent_sim_support::net::Cable for Cable {
    const DEVICE: [u8; 6] = DEVICE;

    fn take(&mut self, at: End) -> Option<Vec<u8>> {
        match at {
            End::Device => self.to_device.pop_front(),
            End::Peer => self.to_peer.pop_front(),
        }
    }

    fn send(&mut self, from: End, frame: Vec<u8>) {
        match from {
            End::Device if self.passes(&frame) => self.to_peer.push_back(frame),
            End::Device => {}
            End::Peer => self.send_to_device(frame),
        }
    }

    fn is_up(&self) -> bool {
        self.plugged
    }

    fn set_waker(&mut self, waker: &Waker) {
        self.waker = Some(waker.clone());
    }
}
