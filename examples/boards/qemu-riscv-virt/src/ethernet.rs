//! The virtio network controller, as an embassy-net driver.
//!
//! ```text
//!   receive:  our buffers ──lent──▶ controller ──filled──▶ embassy-net reads one in place ──▶ lent again
//!   send:     embassy-net fills a free buffer ──lent──▶ controller ──sent──▶ free again
//! ```
//!
//! The controller interrupts when it has filled or sent a buffer, and when the link goes up or down. The driver
//! never busy-waits for the controller, because QEMU sends frames in another thread, and a busy host may run
//! this thread late.

use core::ptr::NonNull;
use core::task::Context;

use board_support::frame::{self, Received};
use board_support::mmio::Registers;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use static_cell::ConstStaticCell;
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};

use crate::pages::Memory;

/// The address of the last of the eight slots for virtio devices. QEMU puts the first device into the last slot.
const BASE: usize = 0x1000_8000;
const SIZE: usize = 0x1000;

// SAFETY: this module uses only registers that `virtio-drivers` does not use: the status and the
// acknowledgement of the interrupt, and the link status in the controller's configuration.
const DEVICE: Registers = unsafe { Registers::new(BASE, SIZE) };

const INTERRUPTS: usize = 0x60;
const ACKNOWLEDGE: usize = 0x64;
/// The offset of a word with the last two bytes of the MAC address in its lower half, and the link status in its upper
/// half.
const STATUS: usize = 0x104;
const LINK_UP: u32 = 1 << 16;

/// The number of buffers that are lent to the controller for received frames.
const BUFFERS: usize = 4;

/// The number of buffers for frames to send. With too few buffers, the stack's last answer to a peer has to wait for a
/// buffer. If the socket serves another client before the answer is sent, the answer is lost and the peer is reset.
const SENDING_BUFFERS: usize = 16;

/// The number of entries in each queue: at least one for each buffer.
const QUEUE_SIZE: usize = 16;

/// The buffer of one frame. It holds the virtio-net header, and then the Ethernet frame.
type Buffer = [u8; 1536];

type Buffers<const COUNT: usize> = [Buffer; COUNT];

type Controller = VirtIONetRaw<Memory, MmioTransport<'static>, QUEUE_SIZE>;

static WAKER: AtomicWaker = AtomicWaker::new();
static RECEIVED: ConstStaticCell<Buffers<BUFFERS>> = ConstStaticCell::new([[0; 1536]; BUFFERS]);
static SENDING: ConstStaticCell<Buffers<SENDING_BUFFERS>> =
    ConstStaticCell::new([[0; 1536]; SENDING_BUFFERS]);

/// The Ethernet controller.
pub(crate) struct Ethernet {
    controller: Controller,
    received: &'static mut Buffers<BUFFERS>,
    /// For each buffer in `received`: the token under which the buffer is lent to the controller.
    tokens: [u16; BUFFERS],
    /// The index of the buffer that embassy-net reads or has read. The next call of `take` lends this buffer again.
    held: Option<usize>,
    sending: &'static mut Buffers<SENDING_BUFFERS>,
    /// For each buffer in `sending`: the frame that the controller is sending; `None` if the buffer is free.
    sent: [Option<Sent>; SENDING_BUFFERS],
}

/// A frame that the controller is sending.
struct Sent {
    /// The token under which the frame's buffer is lent to the controller.
    token: u16,
    /// The length of the virtio-net header and the frame, in bytes.
    length: usize,
}

impl Ethernet {
    /// Starts the controller, and lends the receive buffers to the controller.
    pub(crate) fn start() -> Self {
        let header = NonNull::new(BASE as *mut VirtIOHeader).expect("its address is not zero");
        // SAFETY: at this address QEMU has the registers of a virtio device, for as long as the guest runs.
        let transport = unsafe { MmioTransport::new(header, SIZE) }.expect("a virtio device");
        let mut controller = Controller::new(transport).expect("a network controller");
        controller.enable_interrupts();
        let mut ethernet = Self {
            controller,
            received: RECEIVED.take(),
            tokens: [0; BUFFERS],
            held: None,
            sending: SENDING.take(),
            sent: [const { None }; SENDING_BUFFERS],
        };
        (0..BUFFERS).for_each(|buffer| ethernet.lend(buffer));
        ethernet
    }

    /// Returns the MAC address.
    pub(crate) fn address(&self) -> [u8; 6] {
        self.controller.mac_address()
    }

    /// Lends a buffer to the controller, which fills the buffer with a received frame.
    fn lend(&mut self, buffer: usize) {
        // SAFETY: nothing accesses the buffer until `take` gets the buffer back.
        let token = unsafe { self.controller.receive_begin(&mut self.received[buffer]) };
        self.tokens[buffer] = token.expect("its queue has an entry for each buffer");
    }

    /// Takes the next received frame. Returns the index of the frame's buffer, and the range of the frame in the
    /// buffer.
    fn take(&mut self) -> Option<(usize, core::ops::Range<usize>)> {
        if let Some(buffer) = self.held.take() {
            self.lend(buffer);
        }
        loop {
            let token = self.controller.poll_receive()?;
            let buffer = self.tokens.iter().position(|known| *known == token)?;
            // SAFETY: this buffer was lent under this token.
            let filled =
                unsafe { self.controller.receive_complete(token, &mut self.received[buffer]) };
            match filled {
                Ok((start, length)) if frame::is_length(length) => {
                    self.held = Some(buffer);
                    return Some((buffer, start..start + length));
                }
                _ => self.lend(buffer),
            }
        }
    }

    /// Takes back the buffers whose frames the controller has sent. Returns the index of a free buffer; `None` if no
    /// buffer is free.
    fn free(&mut self) -> Option<usize> {
        while let Some(token) = self.controller.poll_transmit() {
            let index = self
                .sent
                .iter()
                .position(|sent| sent.as_ref().is_some_and(|it| it.token == token))?;
            let Sent { length, .. } = self.sent[index].take()?;
            // SAFETY: this part of the buffer was lent under this token.
            let _ =
                unsafe { self.controller.transmit_complete(token, &self.sending[index][..length]) };
        }
        self.sent.iter().position(Option::is_none)
    }
}

/// Acknowledges the interrupt, and then wakes the task. So a frame that arrives later interrupts again.
pub(crate) fn on_interrupt() {
    DEVICE.write(ACKNOWLEDGE, DEVICE.read(INTERRUPTS));
    WAKER.wake();
}

/// The permission to send one frame: a free buffer, and the entry of `Ethernet::sent` for the token and the length of
/// this buffer.
pub(crate) struct ToSend<'a> {
    controller: &'a mut Controller,
    buffer: &'a mut Buffer,
    sent: &'a mut Option<Sent>,
}

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let start = self.controller.fill_buffer_header(self.buffer).expect("it has room for that");
        // The stack respects `capabilities`, so the length fits the buffer.
        let whole = &mut self.buffer[..start + length];
        let result = fill(&mut whole[start..]);
        // SAFETY: nothing accesses the buffer until `free` gets the buffer back.
        let token = unsafe { self.controller.transmit_begin(whole) };
        let token = token.expect("its queue has an entry for each buffer");
        *self.sent = Some(Sent { token, length: start + length });
        result
    }
}

impl Driver for Ethernet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, cx: &mut Context) -> Option<(Received<'_>, ToSend<'_>)> {
        WAKER.register(cx.waker());
        // If there is no free buffer for an answer, the received frame stays in the queue.
        let index = self.free()?;
        let (buffer, frame) = self.take()?;
        let Self { controller, received, sending, sent, .. } = self;
        let (buffer, received) = (&mut sending[index], &mut received[buffer][frame]);
        Some((Received(received), ToSend { controller, buffer, sent: &mut sent[index] }))
    }

    fn transmit(&mut self, cx: &mut Context) -> Option<ToSend<'_>> {
        WAKER.register(cx.waker());
        let index = self.free()?;
        let Self { controller, sending, sent, .. } = self;
        Some(ToSend { controller, buffer: &mut sending[index], sent: &mut sent[index] })
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
