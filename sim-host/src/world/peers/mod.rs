//! The peers of the device: clients, servers and the attacker.

pub(crate) mod answers;
pub(crate) mod attacker;
pub(crate) mod client;
pub(crate) mod conversation;
pub(crate) mod crowd;
mod matcher;
mod pattern;
pub(crate) mod peer;
pub(crate) mod script;
pub(crate) mod server;
pub(crate) mod service;
pub(crate) mod serving;
pub(crate) mod udp_client;
pub(crate) mod udp_server;
