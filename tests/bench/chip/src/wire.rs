//! A cable within the program: each side receives the frames of the other side, and no frame is lost.
//!
//! Frames are written and read in the memory of the cable, so the drivers copy nothing. The program
//! `hello-by-polling` counts the instructions that the drivers need for a frame.

use core::cell::{RefCell, RefMut};
use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};
use embassy_sync::waitqueue::AtomicWaker;
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// The size of the longest frame: a header, and a datagram of the largest size that every host must accept.
const LONGEST: usize = 14 + 576;
/// The maximum number of frames in transit in one direction.
const DEPTH: usize = 4;

/// The hardware address of the measured side.
pub const BOARD: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// The hardware address of the other side.
pub const PEER: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// A cable.
pub struct Wire {
    to_board: RefCell<Frames>,
    from_board: RefCell<Frames>,
    waker: AtomicWaker,
}

/// The frames in transit in one direction.
struct Frames {
    frames: [([u8; LONGEST], usize); DEPTH],
    first: usize,
    count: usize,
    total: u32,
}

impl Wire {
    /// Makes a cable without frames.
    pub const fn new() -> Self {
        Self {
            to_board: RefCell::new(Frames::new()),
            from_board: RefCell::new(Frames::new()),
            waker: AtomicWaker::new(),
        }
    }

    /// Returns the driver of the measured side, for embassy-net.
    pub fn board(&'static self) -> Board {
        Board(self)
    }

    /// Returns the device of the measured side, for smoltcp.
    pub fn device(&'static self) -> Device {
        Device { incoming: &self.to_board, outgoing: &self.from_board, wakes: None }
    }

    /// Returns the device of the other side.
    pub fn peer(&'static self) -> Device {
        let wakes = Some(&self.waker);
        Device { incoming: &self.from_board, outgoing: &self.to_board, wakes }
    }

    /// Returns whether a frame is in transit to the measured side.
    pub fn is_arriving(&self) -> bool {
        self.to_board.borrow().count > 0
    }

    /// Returns whether a frame is in transit in either direction.
    pub fn is_busy(&self) -> bool {
        self.is_arriving() || self.from_board.borrow().count > 0
    }

    /// Returns the number of frames so far, in both directions.
    pub fn total(&self) -> u32 {
        self.to_board.borrow().total + self.from_board.borrow().total
    }
}

impl Default for Wire {
    fn default() -> Self {
        Self::new()
    }
}

impl Frames {
    const fn new() -> Self {
        Self { frames: [([0; LONGEST], 0); DEPTH], first: 0, count: 0, total: 0 }
    }
}

/// A frame that arrived.
pub struct Incoming<'a>(RefMut<'a, Frames>);

impl<'a> Incoming<'a> {
    fn of(frames: &'a RefCell<Frames>) -> Option<Self> {
        let frames = frames.borrow_mut();
        (frames.count > 0).then_some(Self(frames))
    }

    fn read<R>(mut self, read: impl FnOnce(&mut [u8]) -> R) -> R {
        let frames = &mut *self.0;
        let first = frames.first;
        frames.first = (first + 1) % DEPTH;
        frames.count -= 1;
        let (bytes, length) = &mut frames.frames[first];
        read(&mut bytes[..*length])
    }
}

/// Room for a frame to send.
pub struct Outgoing<'a>(RefMut<'a, Frames>, Option<&'a AtomicWaker>);

impl<'a> Outgoing<'a> {
    fn of(frames: &'a RefCell<Frames>, wakes: Option<&'a AtomicWaker>) -> Option<Self> {
        let frames = frames.borrow_mut();
        (frames.count < DEPTH).then_some(Self(frames, wakes))
    }

    fn write<R>(mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let frames = &mut *self.0;
        let index = (frames.first + frames.count) % DEPTH;
        frames.count += 1;
        frames.total += 1;
        let (bytes, len) = &mut frames.frames[index];
        *len = length;
        let result = fill(&mut bytes[..length]);
        if let Some(waker) = self.1 {
            waker.wake();
        }
        result
    }
}

/// The driver of the measured side.
pub struct Board(&'static Wire);

impl Driver for Board {
    type RxToken<'a> = Incoming<'a>;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        self.0.waker.register(cx.waker());
        Some((Incoming::of(&self.0.to_board)?, Outgoing::of(&self.0.from_board, None)?))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Outgoing<'_>> {
        let room = Outgoing::of(&self.0.from_board, None);
        Some(room.expect("the peer takes frames before the wire is full of them"))
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = LONGEST;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(BOARD)
    }
}

/// One side of the cable, as a device for smoltcp.
pub struct Device {
    incoming: &'static RefCell<Frames>,
    outgoing: &'static RefCell<Frames>,
    wakes: Option<&'static AtomicWaker>,
}

impl phy::Device for Device {
    type RxToken<'a> = Incoming<'a>;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        Some((Incoming::of(self.incoming)?, Outgoing::of(self.outgoing, self.wakes)?))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_>> {
        Outgoing::of(self.outgoing, self.wakes)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = LONGEST;
        capabilities
    }
}

impl embassy_net_driver::RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        self.read(read)
    }
}

impl embassy_net_driver::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        self.write(length, fill)
    }
}

impl phy::RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        self.read(|bytes| read(bytes))
    }
}

impl phy::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        self.write(length, fill)
    }
}
