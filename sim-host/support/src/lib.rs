//! Parts of simulated networks, and a function that shortens the input of a test that fails. The simulator and the
//! tests of other packages share this code.

#[cfg(feature = "net")]
pub mod net;
pub mod shrink;
