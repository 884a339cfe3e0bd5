//! The cable between the device and the peer: frames in two directions, and the link.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::task::{Context, Waker};

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use smoltcp::phy::{DeviceCapabilities, Medium};
use smoltcp::wire::{EthernetFrame, EthernetProtocol, Ipv4Packet, TcpPacket};

pub const DEVICE: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub const PEER: [u8; 6] = [2, 0, 0, 0, 0, 1];
const MTU: usize = 1514;

pub struct Cable {
    to_device: VecDeque<Vec<u8>>,
    to_peer: VecDeque<Vec<u8>>,
    plugged: bool,
    waker: Option<Waker>,
    /// How many frames went either way, those that were lost included.
    pub frames: usize,
    /// Every TCP segment that went either way, those that were lost included.
    pub segments: Vec<Segment>,
    /// Whether a segment is lost.
    pub lose: Box<dyn FnMut(&Segment) -> bool>,
    /// Whether the peer's next SYN is kept for [`Cable::repeat_syn`].
    pub keep_syn: bool,
    syn: Option<Vec<u8>>,
}

/// What the tests look at in a TCP segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub source: (Ipv4Addr, u16),
    pub syn: bool,
    pub fin: bool,
    pub rst: bool,
    pub window: u16,
    pub data: Vec<u8>,
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

    /// Plugs the cable in or out: the device's link goes up or down.
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

    /// Sends the SYN that was kept to the device once more.
    pub fn repeat_syn(&mut self) {
        let frame = self.syn.take().expect("a SYN was kept");
        self.send_to_device(frame);
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

    fn send_to_peer(&mut self, frame: Vec<u8>) {
        if self.passes(&frame) {
            self.to_peer.push_back(frame);
        }
    }
}

impl Segment {
    fn of(frame: &[u8]) -> Option<Self> {
        let frame = EthernetFrame::new_checked(frame).ok()?;
        if frame.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
        let tcp = TcpPacket::new_checked(packet.payload()).ok()?;
        Some(Self {
            source: (packet.src_addr(), tcp.src_port()),
            syn: tcp.syn(),
            fin: tcp.fin(),
            rst: tcp.rst(),
            window: tcp.window_len(),
            data: tcp.payload().to_vec(),
        })
    }
}

/// The device's end of the cable.
pub struct End(pub Rc<RefCell<Cable>>);
/// The peer's end of the cable.
pub struct PeerEnd(pub Rc<RefCell<Cable>>);
pub struct Frame(Vec<u8>);
pub struct ToPeer(Rc<RefCell<Cable>>);
pub struct ToDevice(Rc<RefCell<Cable>>);

impl Driver for End {
    type RxToken<'a> = Frame;
    type TxToken<'a> = ToPeer;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Frame, ToPeer)> {
        let mut cable = self.0.borrow_mut();
        cable.waker = Some(cx.waker().clone());
        let frame = cable.to_device.pop_front()?;
        Some((Frame(frame), ToPeer(self.0.clone())))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<ToPeer> {
        Some(ToPeer(self.0.clone()))
    }

    fn link_state(&mut self, cx: &mut Context<'_>) -> LinkState {
        let mut cable = self.0.borrow_mut();
        cable.waker = Some(cx.waker().clone());
        if cable.plugged { LinkState::Up } else { LinkState::Down }
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

impl RxToken for Frame {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, work: F) -> R {
        work(&mut self.0)
    }
}

impl TxToken for ToPeer {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, work: F) -> R {
        let mut frame = vec![0; len];
        let result = work(&mut frame);
        self.0.borrow_mut().send_to_peer(frame);
        result
    }
}

impl smoltcp::phy::Device for PeerEnd {
    type RxToken<'a> = Frame;
    type TxToken<'a> = ToDevice;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Frame, ToDevice)> {
        let frame = self.0.borrow_mut().to_peer.pop_front()?;
        Some((Frame(frame), ToDevice(self.0.clone())))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<ToDevice> {
        Some(ToDevice(self.0.clone()))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = MTU;
        capabilities.medium = Medium::Ethernet;
        capabilities
    }
}

impl smoltcp::phy::RxToken for Frame {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, work: F) -> R {
        work(&self.0)
    }
}

impl smoltcp::phy::TxToken for ToDevice {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, work: F) -> R {
        let mut frame = vec![0; len];
        let result = work(&mut frame);
        self.0.borrow_mut().send_to_device(frame);
        result
    }
}
