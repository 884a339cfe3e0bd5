//! Models of the servers that a device talks to: a name server, a time server, and an MQTT broker.
//!
//! They have no sockets and no clock: a test gives them bytes and the time, and gets bytes. So the tests of the
//! protocols, the simulator, and tests on real sockets use the same models.

pub mod dns;
pub mod mqtt;
pub mod ntp;
