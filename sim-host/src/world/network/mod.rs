//! The cable between the device and its peers: frames, faults, and the other hosts on the cable.

pub(crate) mod address;
pub(crate) mod cable;
pub(crate) mod dhcp;
pub(crate) mod digest;
pub(crate) mod ether;
pub(crate) mod link;
pub(crate) mod segment;
