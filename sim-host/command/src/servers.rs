//! Servers that devices of the test cases call: the models of `picoevent-peers`, in the simulator.

pub(crate) mod broker;
pub(crate) mod names;
pub(crate) mod time;
