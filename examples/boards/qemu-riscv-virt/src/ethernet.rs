//! The virtio network controller, as an embassy-net driver.
//!
//! ```text
//!   our buffers ──lent──▶ controller ──filled──▶ embassy-net reads one in place ──▶ lent again
//! ```
//!
//! The controller interrupts when it has filled a buffer, and when the cable comes or goes. A frame
//! is sent while the program waits, which QEMU does at once.

use core::ptr::NonNull;
use core::task::Context;

use board_support::frame::{self, Frame, Received};
use board_support::mmio::Registers;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use static_cell::ConstStaticCell;
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};

use crate::pages::Memory;

/// The last of eight places for devices, where QEMU puts the first.
const BASE: usize = 0x1000_8000;
const SIZE: usize = 0x1000;

// SAFETY: these are the registers of the controller that `virtio-drivers` leaves alone: the state
// and the acknowledgement of its interrupt, and, of its configuration, the state of the link.
const DEVICE: Registers = unsafe { Registers::new(BASE, SIZE) };

const INTERRUPTS: usize = 0x60;
const ACKNOWLEDGE: usize = 0x64;
/// The end of the hardware address, and above it the state.
const STATUS: usize = 0x104;
const LINK_UP: u32 = 1 << 16;

/// The buffers that the controller fills, and the places in its queues.
const BUFFERS: usize = 8;

/// A frame behind the controller's own header.
type Buffer = [u8; 1536];

type Controller = VirtIONetRaw<Memory, MmioTransport<'static>, BUFFERS>;

static WAKER: AtomicWaker = AtomicWaker::new();
static RECEIVED: ConstStaticCell<[Buffer; BUFFERS]> = ConstStaticCell::new([[0; 1536]; BUFFERS]);
static SENDING: ConstStaticCell<Frame> = ConstStaticCell::new([0; frame::LONGEST]);

/// The controller.
pub(crate) struct Ethernet {
    controller: Controller,
    buffers: &'static mut [Buffer; BUFFERS],
    /// The controller's name for each buffer that it has.
    names: [u16; BUFFERS],
    /// The buffer that embassy-net has read, or reads.
    held: Option<usize>,
    sending: &'static mut Frame,
}

impl Ethernet {
    /// Switches the controller on and lends it the buffers.
    pub(crate) fn start() -> Self {
        let header = NonNull::new(BASE as *mut VirtIOHeader).expect("its address is not zero");
        // SAFETY: QEMU has a virtio device's registers there, for as long as it runs.
        let transport = unsafe { MmioTransport::new(header, SIZE) }.expect("a virtio device");
        let mut controller = Controller::new(transport).expect("a network controller");
        controller.enable_interrupts();
        let (buffers, sending) = (RECEIVED.take(), SENDING.take());
        let mut ethernet = Self { controller, buffers, names: [0; BUFFERS], held: None, sending };
        (0..BUFFERS).for_each(|buffer| ethernet.lend(buffer));
        ethernet
    }

    /// The hardware address.
    pub(crate) fn address(&self) -> [u8; 6] {
        self.controller.mac_address()
    }

    /// Lends a buffer to the controller.
    fn lend(&mut self, buffer: usize) {
        // SAFETY: nobody looks at the buffer until `take` has got it back.
        let name = unsafe { self.controller.receive_begin(&mut self.buffers[buffer]) };
        self.names[buffer] = name.expect("its queue has a place for each buffer");
    }

    /// Takes the next frame: its buffer, and where it is in that.
    fn take(&mut self) -> Option<(usize, core::ops::Range<usize>)> {
        if let Some(buffer) = self.held.take() {
            self.lend(buffer);
        }
        loop {
            let name = self.controller.poll_receive()?;
            let buffer = self.names.iter().position(|known| *known == name)?;
            // SAFETY: it is the buffer that was lent by this name.
            let filled =
                unsafe { self.controller.receive_complete(name, &mut self.buffers[buffer]) };
            match filled {
                Ok((start, length)) if frame::is_length(length) => {
                    self.held = Some(buffer);
                    return Some((buffer, start..start + length));
                }
                _ => self.lend(buffer),
            }
        }
    }
}

/// Acknowledges the interrupt before the task that is woken looks, so that what comes meanwhile
/// interrupts again.
pub(crate) fn on_interrupt() {
    DEVICE.write(ACKNOWLEDGE, DEVICE.read(INTERRUPTS));
    WAKER.wake();
}

/// The permission to send one frame.
pub(crate) struct ToSend<'a>(&'a mut Controller, &'a mut Frame);

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        // The stack keeps to `capabilities`, so the length fits the buffer.
        let frame = &mut self.1[..length];
        let result = fill(frame);
        self.0.send(frame).expect("the queue is empty: each frame is waited for");
        result
    }
}

impl Driver for Ethernet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, cx: &mut Context) -> Option<(Received<'_>, ToSend<'_>)> {
        WAKER.register(cx.waker());
        let (buffer, frame) = self.take()?;
        let Self { controller, buffers, sending, .. } = self;
        Some((Received(&mut buffers[buffer][frame]), ToSend(controller, sending)))
    }

    fn transmit(&mut self, _: &mut Context) -> Option<ToSend<'_>> {
        Some(ToSend(&mut self.controller, self.sending))
    }

    fn link_state(&mut self, cx: &mut Context) -> LinkState {
        WAKER.register(cx.waker());
        if DEVICE.read(STATUS) & LINK_UP != 0 { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        frame::capabilities()
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address())
    }
}
