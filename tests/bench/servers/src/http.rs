//! What the servers of W8 answer.

/// A hundred bytes.
pub const CONTENT: &[u8; 100] = &[b'x'; 100];
