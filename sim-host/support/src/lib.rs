//! Building blocks of simulated networks, shared by the simulator and the tests of other packages,
//! and a shrinker for failures.

#[cfg(feature = "net")]
pub mod net;
pub mod shrink;
