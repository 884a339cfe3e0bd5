//! Parts of simulated networks, shared by the simulator and by tests of other packages, and a
//! shrinker for failing lists.

#[cfg(feature = "net")]
pub mod net;
pub mod shrink;
