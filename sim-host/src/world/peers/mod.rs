//! The peers of the device: clients and the attacker.

pub(crate) mod attacker;
pub(crate) mod client;
pub(crate) mod conversation;
pub(crate) mod peer;
pub(crate) mod script;
