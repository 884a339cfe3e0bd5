//! The other side of the cable: clients, and one who sends what no client would.

pub(crate) mod attacker;
pub(crate) mod client;
pub(crate) mod conversation;
pub(crate) mod peer;
pub(crate) mod script;
