//! The chip's Ethernet controller, as an embassy-net driver.
//!
//! ```text
//!  receive FIFO, in words:   │ length + 6 │ frame …          │ checksum │
//!                            └ 16 bits ───┴ begins in the middle of a word
//!  transmit FIFO, in words:  │ length - 14 │ frame …         │
//! ```
//!
//! The controller counts the received frames. The interrupt only means that there is at least one received frame. QEMU
//! models no PHY, so the link is always up.

use core::task::Context;

use board_support::frame::{self, Frames, Received, ToSend};
use board_support::mmio::Registers;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};
use embassy_sync::waitqueue::AtomicWaker;
use static_cell::ConstStaticCell;

use crate::interrupt;

// SAFETY: this is the chip's Ethernet controller, and only this module touches it.
const MAC: Registers = unsafe { Registers::new(0x4004_8000, 0x1000) };

const STATUS: usize = 0x00;
const MASK: usize = 0x04;
const RECEIVE_CONTROL: usize = 0x08;
const TRANSMIT_CONTROL: usize = 0x0C;
const DATA: usize = 0x10;
const ADDRESS_LOW: usize = 0x14;
const ADDRESS_HIGH: usize = 0x18;
const FRAME_COUNT: usize = 0x34;
const TRANSMIT_REQUEST: usize = 0x38;

const RECEIVED: u32 = 1 << 0;
/// Receiver on; the receiver also accepts the frames of all multicast groups.
const RECEIVE_ON: u32 = 1 << 0 | 1 << 1;
/// Transmitter on: pads short frames, appends the checksum, full duplex.
const TRANSMIT_ON: u32 = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 4;

/// The number of bytes before a received frame (its length), and after a received frame (its checksum).
const LENGTH: usize = 2;
const CHECKSUM: usize = 4;

static WAKER: AtomicWaker = AtomicWaker::new();
static FRAMES: ConstStaticCell<Frames> = ConstStaticCell::new(Frames::new());

/// The Ethernet controller.
pub(crate) struct Ethernet {
    frames: &'static mut Frames,
}

impl Ethernet {
    /// Starts the controller. After reset, all interrupts of the controller are enabled, but the driver needs only the
    /// receive interrupt.
    pub(crate) fn start() -> Self {
        MAC.write(MASK, 0);
        MAC.write(RECEIVE_CONTROL, RECEIVE_ON);
        MAC.write(TRANSMIT_CONTROL, TRANSMIT_ON);
        MAC.write(STATUS, RECEIVED);
        MAC.write(MASK, RECEIVED);
        interrupt::ETHERNET.unmask();
        Self { frames: FRAMES.take() }
    }

    /// Returns the MAC address.
    pub(crate) fn address(&self) -> [u8; 6] {
        let [a, b, c, d] = MAC.read(ADDRESS_LOW).to_le_bytes();
        let [e, f, _, _] = MAC.read(ADDRESS_HIGH).to_le_bytes();
        [a, b, c, d, e, f]
    }

    /// Moves the next valid frame out of the controller into `frames.received`. Returns its length. Invalid frames are
    /// also read completely, and dropped.
    fn take(&mut self) -> Option<usize> {
        while MAC.read(FRAME_COUNT) != 0 {
            let first = MAC.read(DATA).to_le_bytes();
            let total = usize::from(u16::from_le_bytes([first[0], first[1]]));
            let length = total.saturating_sub(LENGTH + CHECKSUM);
            let rest = (1..total.div_ceil(4)).flat_map(|_| MAC.read(DATA).to_le_bytes());
            let mut room = self.frames.received.iter_mut();
            for byte in first.into_iter().skip(LENGTH).chain(rest) {
                if let Some(room) = room.next() {
                    *room = byte;
                }
            }
            if frame::is_length(length) {
                return Some(length);
            }
        }
        None
    }
}

/// Sends a frame, which must have at least a header.
pub(crate) fn send(frame: &[u8]) {
    let payload = frame.len().saturating_sub(frame::HEADER) as u16;
    let bytes = payload.to_le_bytes().into_iter().chain(frame.iter().copied());
    frame::words(bytes).for_each(|word| MAC.write(DATA, word));
    MAC.write(TRANSMIT_REQUEST, 1);
}

/// Handles received frames: wakes the task. The task takes all received frames, so the interrupt can be cleared here.
pub(crate) extern "C" fn on_interrupt() {
    MAC.write(STATUS, RECEIVED);
    WAKER.wake();
}

impl Driver for Ethernet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, cx: &mut Context) -> Option<(Received<'_>, ToSend<'_>)> {
        WAKER.register(cx.waker());
        let length = self.take()?;
        let Frames { received, sending } = &mut *self.frames;
        Some((Received(&mut received[..length]), ToSend(sending, send)))
    }

    fn transmit(&mut self, cx: &mut Context) -> Option<ToSend<'_>> {
        if MAC.read(TRANSMIT_REQUEST) != 0 {
            // A frame is being sent. This takes at most 0.1 ms, so poll until the frame is sent.
            cx.waker().wake_by_ref();
            return None;
        }
        Some(ToSend(&mut self.frames.sending, send))
    }

    fn link_state(&mut self, _: &mut Context) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        frame::capabilities()
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address())
    }
}
