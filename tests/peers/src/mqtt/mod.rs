//! MQTT: the packets that a broker reads and writes, and a broker that injects faults.

mod broker;
pub mod packet;

pub use broker::{Broker, BrokerAction, Delivery, Reply};
