//! The LAN9118 Ethernet controller, as an embassy-net driver.
//!
//! The controller interrupts when a frame arrives and when its PHY sees the cable come or go. Its
//! receive FIFO holds about six full frames and drops what comes beyond, without a word.

use core::task::Context;

use board_support::mmio::Registers;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};
use embassy_sync::waitqueue::AtomicWaker;

use crate::interrupt::{self, Interrupt};

mod mac;

// SAFETY: this is the board's Ethernet controller, and only this module touches it.
const LAN: Registers = unsafe { Registers::new(0x4020_0000, 0x100) };

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

/// The line is driven, high when there is an interrupt. At reset it is low when there is one,
/// which would never end.
const LINE_ON: u32 = 1 << 8 | 1 << 4 | 1 << 0;
const FRAME_RECEIVED: u32 = 1 << 3;
const PHY_CHANGED: u32 = 1 << 18;
const STORE_AND_FORWARD: u32 = 1 << 20;
/// Transmit FIFO of 5 KB, which leaves the rest to the receiver.
const FIFO_SPLIT: u32 = 5 << 16;
const TRANSMIT_ON: u32 = 1 << 1;
/// The first and the last piece of a frame: each frame is sent as one.
const WHOLE_FRAME: u32 = 1 << 13 | 1 << 12;

const STATUS_ERROR: u32 = 1 << 15;

const HEADER: usize = 14;
/// The longest frame without its checksum.
const FRAME: usize = HEADER + 1500;
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
    /// Switches the controller on.
    pub(crate) fn start() -> Self {
        LAN.write(INTERRUPT_MASK, 0);
        LAN.write(INTERRUPT_LINE, LINE_ON);
        LAN.write(HARDWARE_CONTROL, STORE_AND_FORWARD | FIFO_SPLIT);
        // An interrupt for each frame, not for some level of a FIFO; no padding, no offset.
        LAN.write(FIFO_LEVELS, 0);
        LAN.write(RECEIVE_CONTROL, 0);
        LAN.write(TRANSMIT_CONTROL, TRANSMIT_ON);
        mac::start();
        LAN.write(INTERRUPTS, u32::MAX);
        LAN.write(INTERRUPT_MASK, FRAME_RECEIVED | PHY_CHANGED);
        interrupt::unmask(Interrupt::Ethernet);
        Self { received: [0; FRAME], sending: [0; FRAME] }
    }

    /// The hardware address.
    pub(crate) fn address(&self) -> [u8; 6] {
        mac::address()
    }

    /// Takes the next frame out of the FIFO, whole, also if it is one we have no use for: the
    /// controller's own way to skip a frame does not work in QEMU.
    fn take(&mut self) -> Option<usize> {
        while LAN.read(RECEIVE_FIFO) >> 16 & 0xFF != 0 {
            let status = LAN.read(RECEIVE_STATUS);
            let total = (status >> 16 & 0x3FFF) as usize;
            let length = total.saturating_sub(CHECKSUM);
            let mut room = self.received.iter_mut();
            for _ in 0..total.div_ceil(4) {
                let word = LAN.read(RECEIVE_DATA).to_le_bytes();
                word.iter().zip(&mut room).for_each(|(byte, room)| *room = *byte);
            }
            if status & STATUS_ERROR == 0 && (HEADER..=FRAME).contains(&length) {
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
    let mut bytes = frame.iter().copied();
    for _ in 0..frame.len().div_ceil(4) {
        let word = core::array::from_fn(|_| bytes.next().unwrap_or(0));
        LAN.write(TRANSMIT_DATA, u32::from_le_bytes(word));
    }
}

/// Clears what is seen before anyone looks, so that what comes meanwhile interrupts again; whoever
/// waits takes all the frames there are.
pub(crate) extern "C" fn on_interrupt() {
    let seen = LAN.read(INTERRUPTS);
    if seen & PHY_CHANGED != 0 {
        mac::clear_phy_interrupt();
    }
    LAN.write(INTERRUPTS, seen);
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
        // What became of earlier frames; the list must not fill.
        while LAN.read(TRANSMIT_FIFO) >> 16 & 0xFF != 0 {
            LAN.read(TRANSMIT_STATUS);
        }
        if (LAN.read(TRANSMIT_FIFO) & 0xFFFF) < FRAME as u32 + 16 {
            // Frames are on their way, for half a millisecond at most.
            cx.waker().wake_by_ref();
            return None;
        }
        Some(TxToken(&mut self.sending))
    }

    fn link_state(&mut self, cx: &mut Context) -> LinkState {
        WAKER.register(cx.waker());
        if mac::is_linked() { LinkState::Up } else { LinkState::Down }
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
