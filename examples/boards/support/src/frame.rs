//! Room for the two frames a driver has in hand: the one that came and the one that goes.
//!
//! The room is lent to the tokens by which embassy-net reads and fills frames, so that no frame is
//! ever on the stack. Two are needed, as an answer is written while its question is read.

use embassy_net_driver::{Capabilities, RxToken, TxToken};

/// The length of an Ethernet header, without which a frame is none.
pub const HEADER: usize = 14;
/// The longest frame without its checksum: a header and 1500 bytes.
pub const LONGEST: usize = HEADER + 1500;

/// Room for a frame.
pub type Frame = [u8; LONGEST];

/// The two frames.
pub struct Frames {
    /// The frame that came.
    pub received: Frame,
    /// The frame that goes.
    pub sending: Frame,
}

impl Frames {
    /// Makes room.
    pub const fn new() -> Self {
        Self { received: [0; LONGEST], sending: [0; LONGEST] }
    }
}

impl Default for Frames {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a device's word for a frame's length, without the checksum, can be believed.
pub fn is_length(length: usize) -> bool {
    (HEADER..=LONGEST).contains(&length)
}

/// What a driver with this room can do.
pub fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::default();
    capabilities.max_transmission_unit = LONGEST;
    capabilities
}

/// Packs bytes into words as FIFOs take them: the first byte lowest, zeros after the last.
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

/// Leave to send one frame: its room, and the function that sends it from there.
pub struct ToSend<'a>(pub &'a mut Frame, pub fn(&[u8]));

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        // The stack keeps to `capabilities`, so the length is one there is room for.
        let frame = &mut self.0[..length];
        let result = fill(frame);
        (self.1)(frame);
        result
    }
}
