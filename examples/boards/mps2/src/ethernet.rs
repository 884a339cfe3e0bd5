//! The LAN9118 Ethernet controller, as an embassy-net driver.
//!
//! The controller interrupts when a frame arrives and when the link goes up or down. Its receive FIFO holds about six
//! full frames. When the FIFO is full, the controller drops further frames silently.

use core::task::Context;

use board_support::frame::{self, Frames, Received, ToSend};
use board_support::mmio::Registers;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};
use embassy_sync::waitqueue::AtomicWaker;
use static_cell::ConstStaticCell;

use crate::image::IMAGE;

mod mac;

// SAFETY: this is the board's Ethernet controller, and only this module touches it.
const LAN: Registers = unsafe { Registers::new(IMAGE.ethernet.base, 0x100) };

const RECEIVE_DATA: usize = 0x00;
const TRANSMIT_DATA: usize = 0x20;
const RECEIVE_STATUS: usize = 0x40;
const TRANSMIT_STATUS: usize = 0x48;
const INTERRUPT_LINE: usize = 0x54;
const INTERRUPTS: usize = 0x58;
const INTERRUPT_MASK: usize = 0x5C;
const FIFO_LEVELS: usize = 0x68;
const RECEIVE_CONTROL: usize = 0x6C;
const TRANSMIT_CONTROL: usize = 0x70;
const HARDWARE_CONTROL: usize = 0x74;
const RECEIVE_FIFO: usize = 0x7C;
const TRANSMIT_FIFO: usize = 0x80;

/// Drives the interrupt line, active high. After reset the line is active low, and an active-low line would interrupt
/// all the time.
const LINE_ON: u32 = 1 << 8 | 1 << 4 | 1 << 0;
const FRAME_RECEIVED: u32 = 1 << 3;
const PHY_CHANGED: u32 = 1 << 18;
const STORE_AND_FORWARD: u32 = 1 << 20;
/// Gives 5 KB of the FIFO memory to the transmit FIFO, and the remaining memory to the receive FIFO.
const FIFO_SPLIT: u32 = 5 << 16;
const TRANSMIT_ON: u32 = 1 << 1;
/// The flags for the first and the last segment of a frame: each frame is sent as one segment.
const WHOLE_FRAME: u32 = 1 << 13 | 1 << 12;

const STATUS_ERROR: u32 = 1 << 15;
/// The FIFO space for the two command words of a frame, and for its padding to whole words.
const COMMANDS: u32 = 16;

const CHECKSUM: usize = 4;

static WAKER: AtomicWaker = AtomicWaker::new();
static FRAMES: ConstStaticCell<Frames> = ConstStaticCell::new(Frames::new());

/// The Ethernet controller.
pub(crate) struct Ethernet {
    frames: &'static mut Frames,
}

impl Ethernet {
    /// Starts the controller.
    pub(crate) fn start() -> Self {
        LAN.write(INTERRUPT_MASK, 0);
        LAN.write(INTERRUPT_LINE, LINE_ON);
        LAN.write(HARDWARE_CONTROL, STORE_AND_FORWARD | FIFO_SPLIT);
        // Interrupt for each received frame, not only at a higher FIFO level.
        LAN.write(FIFO_LEVELS, 0);
        // Received frames begin without an offset and end without padding.
        LAN.write(RECEIVE_CONTROL, 0);
        LAN.write(TRANSMIT_CONTROL, TRANSMIT_ON);
        mac::start();
        LAN.write(INTERRUPTS, u32::MAX);
        LAN.write(INTERRUPT_MASK, FRAME_RECEIVED | PHY_CHANGED);
        IMAGE.ethernet.interrupt.unmask();
        Self { frames: FRAMES.take() }
    }

    /// Returns the MAC address.
    pub(crate) fn address(&self) -> [u8; 6] {
        mac::address()
    }

    /// Moves the next valid frame out of the FIFO into `frames.received`. Returns its length. Invalid frames are also
    /// read completely, because the controller's function to skip a frame does not work in QEMU.
    fn take(&mut self) -> Option<usize> {
        while LAN.read(RECEIVE_FIFO) >> 16 & 0xFF != 0 {
            let status = LAN.read(RECEIVE_STATUS);
            let total = (status >> 16 & 0x3FFF) as usize;
            let length = total.saturating_sub(CHECKSUM);
            let mut room = self.frames.received.iter_mut();
            for byte in (0..total.div_ceil(4)).flat_map(|_| LAN.read(RECEIVE_DATA).to_le_bytes()) {
                if let Some(room) = room.next() {
                    *room = byte;
                }
            }
            if status & STATUS_ERROR == 0 && frame::is_length(length) {
                return Some(length);
            }
        }
        None
    }
}

fn send(frame: &[u8]) {
    let length = frame.len() as u32;
    LAN.write(TRANSMIT_DATA, WHOLE_FRAME | length);
    LAN.write(TRANSMIT_DATA, length);
    frame::words(frame.iter().copied()).for_each(|word| LAN.write(TRANSMIT_DATA, word));
}

/// Clears the interrupts, and then wakes the task. So a frame that arrives later interrupts again. The task takes all
/// received frames.
pub(crate) extern "C" fn on_interrupt() {
    let seen = LAN.read(INTERRUPTS);
    if seen & PHY_CHANGED != 0 {
        mac::clear_phy_interrupt();
    }
    LAN.write(INTERRUPTS, seen);
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
        // Read and discard the status words of sent frames, so that the FIFO of the status words does not become full.
        while LAN.read(TRANSMIT_FIFO) >> 16 & 0xFF != 0 {
            LAN.read(TRANSMIT_STATUS);
        }
        if (LAN.read(TRANSMIT_FIFO) & 0xFFFF) < frame::LONGEST as u32 + COMMANDS {
            // The FIFO has room again after half a millisecond at most, so poll until the FIFO has room.
            cx.waker().wake_by_ref();
            return None;
        }
        Some(ToSend(&mut self.frames.sending, send))
    }

    fn link_state(&mut self, cx: &mut Context) -> LinkState {
        WAKER.register(cx.waker());
        if mac::is_linked() { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        frame::capabilities()
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address())
    }
}
