//! Servers that the devices of the test cases connect to: the models of `picoevent-peers`, in the
//! simulator.

pub(crate) mod broker;
pub(crate) mod names;
pub(crate) mod time;
