//! The answer of the servers of W8.

/// A hundred bytes.
pub const CONTENT: &[u8; 100] = &[b'x'; 100];
