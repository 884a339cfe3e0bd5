//! Urgent data: why a short read may not be the last one.
//!
//! A read that returns less than was asked for has usually taken all there was, and later input is a
//! new report of the selector. So a connection saves the second read, which would find nothing. But
//! a read also stops at urgent data (RFC 9293, 3.8.5), and what was sent after it may have come in
//! the same report. Where the selector reports urgent data, only a connection with urgent data is
//! read until nothing is left; where it does not, every connection is.

use mio::Interest;

/// Whether the selector reports urgent data.
pub(super) const IS_TOLD: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The interest in a connection's input.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const INPUT: Interest = Interest::READABLE.add(Interest::PRIORITY);

/// The interest in a connection's input.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const INPUT: Interest = Interest::READABLE;
