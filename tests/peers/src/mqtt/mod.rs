//! MQTT: packets as a broker sees them, and a broker that injects faults.

mod broker;
pub mod packet;

pub use broker::{Broker, Deed, Delivery, Reply};
