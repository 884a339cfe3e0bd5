//! The content that the HTTP servers of the workload W8 send in each answer.

/// A hundred bytes.
pub const CONTENT: &[u8; 100] = &[b'x'; 100];
