//! The capacities of hello-world on each board, as its program there has them.

/// Connections served at once.
pub const FEW: usize = if cfg!(feature = "qemu-lm3s6965evb") { 4 } else { 8 };

/// Sockets, each of which can shake hands.
pub const MANY: usize = 16;

/// Bytes a socket holds in each direction.
pub const BUFFER: usize = if cfg!(feature = "qemu-lm3s6965evb") { 128 } else { 256 };

/// The rings of a connection of the loop: received and not consumed, written and not sent.
pub const INPUT: usize = 32;
/// See [`INPUT`].
pub const OUTPUT: usize = 64;

/// Events of the loop.
pub const EVENTS: usize = 4;
