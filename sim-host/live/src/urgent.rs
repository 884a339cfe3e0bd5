//! Urgent data is the reason why input may be left after a short read.
//!
//! If a read returns fewer bytes than requested, the read has usually taken all input, and the selector reports later
//! input. So a second read, which would find nothing, is not needed. But a read also stops at urgent data (RFC 9293,
//! 3.8.5), and the bytes behind the urgent data may have come in the same event. The selector does not report these
//! bytes again. Where the selector reports urgent data, only a connection with urgent data is read until nothing is
//! left. On other systems, every connection is read until nothing is left.

use mio::Interest;

/// Whether the selector reports urgent data.
pub(super) const IS_REPORTED: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The interest in a connection's input.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const INPUT: Interest = Interest::READABLE.add(Interest::PRIORITY);

/// The interest in a connection's input.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const INPUT: Interest = Interest::READABLE;
