//! Buffers for the two frames of a driver: the received frame and the frame being sent.
//!
//! embassy-net reads and fills frames through tokens. The tokens borrow these buffers, so no frame is ever
//! on the stack. Two buffers are needed, because embassy-net writes an answer while it reads the request.

use embassy_net_driver::{Capabilities, RxToken, TxToken};

/// The length of an Ethernet header in bytes. A shorter frame is invalid.
pub const HEADER: usize = 14;
/// The length of the longest frame without its checksum: a header and 1500 bytes.
pub const LONGEST: usize = HEADER + 1500;

/// The buffer of a frame.
pub type Frame = [u8; LONGEST];

/// The two buffers.
pub struct Frames {
    /// The received frame.
    pub received: Frame,
    /// The frame being sent.
    pub sending: Frame,
}

impl Frames {
    /// Makes the buffers.
    pub const fn new() -> Self {
        Self { received: [0; LONGEST], sending: [0; LONGEST] }
    }
}

impl Default for Frames {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns whether `length`, the length of a frame without its checksum, is valid.
pub fn is_length(length: usize) -> bool {
    (HEADER..=LONGEST).contains(&length)
}

/// Returns the capabilities of a driver with these buffers.
pub fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::default();
    capabilities.max_transmission_unit = LONGEST;
    capabilities
}

/// Packs bytes into little-endian words for a FIFO. Pads the last word with zeros.
pub fn words(mut bytes: impl Iterator<Item = u8>) -> impl Iterator<Item = u32> {
    core::iter::from_fn(move || {
        let first = bytes.next()?;
        let mut next = || bytes.next().unwrap_or(0);
        Some(u32::from_le_bytes([first, next(), next(), next()]))
    })
}

/// A frame that was received.
pub struct Received<'a>(pub &'a mut [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// The permission to send one frame: its buffer, and the function that sends it.
pub struct ToSend<'a>(pub &'a mut Frame, pub fn(&[u8]));

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        // The stack respects `capabilities`, so the length fits the buffer.
        let frame = &mut self.0[..length];
        let result = fill(frame);
        (self.1)(frame);
        result
    }
}
