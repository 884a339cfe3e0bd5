//! The capacities of hello-world on each board.

/// The maximum number of connections that are served at once.
pub const FEW: usize = if cfg!(feature = "qemu-lm3s6965evb") { 4 } else { 8 };

/// The number of sockets. Each socket can do a handshake with a client.
pub const MANY: usize = 16;

/// The size of a socket's buffer for each direction, in bytes.
pub const BUFFER: usize = if cfg!(feature = "qemu-lm3s6965evb") { 128 } else { 256 };

/// The size of a connection's input ring, in bytes.
pub const INPUT: usize = 32;
/// The size of a connection's output ring, in bytes.
pub const OUTPUT: usize = 64;

/// The number of the loop's events.
pub const EVENTS: usize = 4;
