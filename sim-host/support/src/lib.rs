//! What simulated networks are made of, for the simulator and for tests of other packages, and the search
//! for a shorter failure.

#[cfg(feature = "net")]
pub mod net;
pub mod shrink;
