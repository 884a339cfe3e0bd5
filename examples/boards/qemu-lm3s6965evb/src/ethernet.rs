//! The chip's Ethernet controller, as an embassy-net driver.
//!
//! ```text
//!  receive FIFO, in words:   │ length + 6 │ frame …          │ checksum │
//!                            └ 16 bits ───┴ 2 bytes off the word's edge
//!  transmit FIFO, in words:  │ length - 14 │ frame …         │
//! ```
//!
//! Frames are counted by the controller; the interrupt only says that there are some. QEMU models
//! no PHY, so the link is always up.

use core::task::Context;

use board_support::mmio::Registers;
use embassy_net_driver::{
    Capabilities, Driver, HardwareAddress, LinkState,
};
use embassy_sync::waitqueue::AtomicWaker;

use crate::interrupt::{self, Interrupt};

// SAFETY: this is the chip's Ethernet controller, and only this module touches it.
const MAC: Registers = unsafe { Registers::new(0x4004_8000, 0x1000) };

const STATUS: usize = 0x00;
const MASK: usize = 0x04;
const RECEIVE_CONTROL: usize = 0x08;
const TRANSMIT_CONTROL: usize = 0x0C;
const DATA: usize = 0x10;
const ADDRESS_LOW: usize = 0x14;
const ADDRESS_HIGH: usize = 0x18;
const FRAMES: usize = 0x34;
const TRANSMIT_REQUEST: usize = 0x38;

const RECEIVED: u32 = 1 << 0;
/// Receive, all multicast groups too.
const RECEIVE_ON: u32 = 1 << 0 | 1 << 1;
/// Transmit, pad short frames, append the checksum, full duplex.
const TRANSMIT_ON: u32 = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 4;

const HEADER: usize = 14;
/// The longest frame without its checksum.
const FRAME: usize = HEADER + 1500;
/// What stands around a received frame: its length, its checksum.
const LENGTH: usize = 2;
const CHECKSUM: usize = 4;

static WAKER: AtomicWaker = AtomicWaker::new();

/// The controller.
pub(crate) struct Ethernet {
    received: [u8; FRAME],
    sending: [u8; FRAME],
}

/// A frame that was received.
pub(crate) struct RxToken<'a>(&'a mut [u8]);

/// Leave to send one frame.
pub(crate) struct TxToken<'a>(&'a mut [u8; FRAME]);

impl Ethernet {
    /// Switches the controller on. All its interrupts are on at reset; only one is wanted.
    pub(crate) fn start() -> Self {
        MAC.write(MASK, 0);
        MAC.write(RECEIVE_CONTROL, RECEIVE_ON);
        MAC.write(TRANSMIT_CONTROL, TRANSMIT_ON);
        MAC.write(STATUS, RECEIVED);
        MAC.write(MASK, RECEIVED);
        interrupt::unmask(Interrupt::Ethernet);
        Self { received: [0; FRAME], sending: [0; FRAME] }
    }

    /// The hardware address.
    pub(crate) fn address(&self) -> [u8; 6] {
        let [a, b, c, d] = MAC.read(ADDRESS_LOW).to_le_bytes();
        let [e, f, _, _] = MAC.read(ADDRESS_HIGH).to_le_bytes();
        [a, b, c, d, e, f]
    }

    /// Sends a frame, which has a header at least.
    pub(crate) fn send(&mut self, frame: &[u8]) {
        send(frame);
    }

    /// Takes the next frame out of the controller, whole, also if it is one we have no use for.
    fn take(&mut self) -> Option<usize> {
        while MAC.read(FRAMES) != 0 {
            let first = MAC.read(DATA).to_le_bytes();
            let total = usize::from(u16::from_le_bytes([first[0], first[1]]));
            let length = total.saturating_sub(LENGTH + CHECKSUM);
            let mut room = self.received.iter_mut();
            let mut keep = |bytes: &[u8]| {
                bytes.iter().zip(&mut room).for_each(|(byte, room)| *room = *byte);
            };
            keep(&first[LENGTH..]);
            for _ in 1..total.div_ceil(4) {
                keep(&MAC.read(DATA).to_le_bytes());
            }
            if (HEADER..=FRAME).contains(&length) {
                return Some(length);
            }
        }
        None
    }
}

fn send(frame: &[u8]) {
    let Some(payload) = frame.len().checked_sub(HEADER) else { return };
    let length = (payload as u16).to_le_bytes();
    let mut bytes = length.iter().chain(frame).copied();
    let words = (LENGTH + frame.len()).div_ceil(4);
    for _ in 0..words {
        let word = core::array::from_fn(|_| bytes.next().unwrap_or(0));
        MAC.write(DATA, u32::from_le_bytes(word));
    }
    MAC.write(TRANSMIT_REQUEST, 1);
}

/// Frames are there: whoever waits for them takes them all, so the interrupt is done with.
pub(crate) extern "C" fn on_interrupt() {
    MAC.write(STATUS, RECEIVED);
    WAKER.wake();
}

impl Driver for Ethernet {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, cx: &mut Context) -> Option<(RxToken<'_>, TxToken<'_>)> {
        WAKER.register(cx.waker());
        let length = self.take()?;
        Some((RxToken(&mut self.received[..length]), TxToken(&mut self.sending)))
    }

    fn transmit(&mut self, cx: &mut Context) -> Option<TxToken<'_>> {
        if MAC.read(TRANSMIT_REQUEST) != 0 {
            // A frame is on its way, for a tenth of a millisecond at most.
            cx.waker().wake_by_ref();
            return None;
        }
        Some(TxToken(&mut self.sending))
    }

    fn link_state(&mut self, _: &mut Context) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address())
    }
}

impl embassy_net_driver::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl embassy_net_driver::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let frame = &mut self.0[..length];
        let result = fill(frame);
        send(frame);
        result
    }
}
