//! Urgent data: why a short read may not be the last one.
//!
//! A read that returns less than was asked for usually has taken all there was, and whatever comes
//! later is a new report of the selector. So a connection saves the second read, which would find
//! nothing. A read stops at urgent data too (RFC 9293, 3.8.5), and what was sent after it may have
//! come in the same report. Where the selector tells of urgent data, only such a connection is read
//! until nothing is left; where it does not, every one is.

use mio::Interest;

/// Whether the selector tells of urgent data.
pub(super) const IS_TOLD: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// What the selector is asked for about a connection.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const INTEREST: Interest =
    Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);

/// What the selector is asked for about a connection.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);
