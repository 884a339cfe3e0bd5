//! picoevent on a desk: the applications of boards, as programs.
//!
//! * [`live`]: real sockets, descriptors and signals, through [mio](https://docs.rs/mio).

pub mod live;
