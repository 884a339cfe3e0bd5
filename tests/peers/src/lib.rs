//! Models of the servers that a device talks to: a server of names, a time server, and an MQTT broker.
//!
//! They have no sockets and no clock: a test gives them bytes and the time, and gets bytes. So the same models are
//! behind the protocols' own tests, the simulator, and tests on real sockets.

pub mod dns;
pub mod mqtt;
pub mod ntp;
