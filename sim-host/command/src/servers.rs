//! Servers that the devices of the test cases connect to: an MQTT broker, a DNS server and an NTP server. The package
//! `picoevent-peers` implements their protocols. These modules run them in the simulator.

pub(crate) mod broker;
pub(crate) mod names;
pub(crate) mod time;
