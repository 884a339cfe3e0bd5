//! Models of the servers that a device uses: a name server, a time server and an MQTT broker.
//!
//! The models have no sockets and no clock. A test passes received bytes and the time to a model, and the model returns
//! the bytes to send. So the tests of the protocols, the simulator and the tests on real sockets can use the same
//! models.

pub mod dns;
pub mod mqtt;
pub mod ntp;
