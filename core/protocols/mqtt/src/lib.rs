//! MQTT for [picoevent]: a client of versions 3.1.1 and 5, in fixed memory, for boards and hosts.
//!
//! ```
//! use core::net::SocketAddr;
//! use picoevent::{Cx, PoolId};
//! use picoevent_mqtt::{self as mqtt, Client, ClientMut, HasMqtt, Message, MqttEvent, Options, Publish, Qos, Subscription};
//!
//! struct App {
//!     /// Eight slots for subscriptions and unacknowledged messages, and a store of a kilobyte.
//!     mqtt: Client<App, 8, 1024>,
//!     broker: SocketAddr,
//!     level: u32,
//! }
//!
//! impl HasMqtt for App {
//!     fn mqtt(&mut self) -> ClientMut<'_, Self> {
//!         self.mqtt.as_mut()
//!     }
//!
//!     fn options(&self) -> Options<'_> {
//!         Options {
//!             client_id: "pump-7",
//!             session_expiry: 3_600,
//!             will: Some(Publish::new("pump-7/state", b"gone").retained()),
//!             ..Options::new(self.broker)
//!         }
//!     }
//!
//!     fn event(&mut self, cx: &mut Cx<Self>, event: MqttEvent) {
//!         if let MqttEvent::Up { .. } = event {
//!             let online = Publish::new("pump-7/state", b"online").retained();
//!             let _ = mqtt::publish(self, cx, &online);
//!         }
//!     }
//! }
//!
//! impl App {
//!     fn start(&mut self, cx: &mut Cx<Self>, pool: PoolId) -> Result<(), mqtt::StartError> {
//!         mqtt::start(self, cx, pool)?;
//!         let set = Subscription::new("pump-7/set/level", Qos::One, Self::set_level);
//!         let _ = mqtt::subscribe(self, cx, &set);
//!         Ok(())
//!     }
//!
//!     fn set_level(&mut self, message: &mut Message<Self>) {
//!         let level = str::from_utf8(message.payload()).ok();
//!         self.level = level.and_then(|level| level.parse().ok()).unwrap_or(self.level);
//!     }
//!
//!     fn measured(&mut self, cx: &mut Cx<Self>, flow: &str) {
//!         let sample = Publish::new("pump-7/flow", flow.as_bytes()).qos(Qos::One);
//!         if mqtt::publish(self, cx, &sample).is_err() {
//!             // The store is full, because the broker was unreachable for too long.
//!         }
//!     }
//! }
//! # let _ = (App::start, App::measured);
//! ```
//!
//! * The application owns the [`Client`]. Callbacks are plain functions without captured state, so they get the client
//!   through [`HasMqtt`]. The client's capacities are in its type. The client does not allocate.
//! * The client reconnects by itself. The delays grow, and vary at random. After a reconnect it retransmits, in order,
//!   the messages that were not acknowledged. If the broker has lost the session, the client subscribes again. The
//!   state of the session is in RAM: see [`Options::clean_start`] for what happens after a restart of the program.
//! * [`publish`] accepts a message or returns an error. An accepted message with [`Qos::One`] or [`Qos::Two`] is stored
//!   until the broker has completely acknowledged the message. The message also stays stored while the client has no
//!   connection, or is stopped. For each of these messages there is one event at the end: [`Acked`](MqttEvent::Acked)
//!   or [`Lost`](MqttEvent::Lost).
//! * The application reads a received message in the connection's input ring. A message that is longer than the ring
//!   arrives in chunks. The client acknowledges a message after the application has read its last chunk. With
//!   [`Qos::Two`], a complete message arrives only once.
//! * If the broker violates the protocol, the connection ends with the reason that the standard specifies.
//! * The client obeys the broker's limits: the number of unacknowledged messages, the packet size, the quality of
//!   service, retained messages, and topic aliases.
//!
//! The crate takes 13.3 KB of flash on a Cortex-M3, with both versions of the protocol. See [`Client`] for its RAM.
//!
//! # Limits
//!
//! A published message has to fit into the connection's output ring, and has to leave 10 bytes of the ring free. These
//! bytes are for acknowledgements, a PINGREQ and a DISCONNECT. The header, topic and properties of a received message
//! have to fit into the input ring. The payload can be longer than the ring. The client does not support enhanced
//! authentication: if the broker sends an AUTH, the client ends the connection. In one case, a published message with
//! [`Qos::Two`] may be delivered twice. No MQTT client can prevent this case. First, the broker loses the session
//! before it has completely acknowledged the message. Then the broker makes a new session, but the connection ends
//! before the client receives the CONNACK. On the next connection, the broker reports that a session is present, so the
//! client retransmits the message.
#![cfg_attr(not(test), no_std)]
#![doc(test(attr(deny(warnings))))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests may panic"))]

mod aliases;
mod client;
mod connection;
mod event;
mod message;
mod options;
mod receiving;
mod sending;
mod slots;
mod topic;
mod verbs;
pub mod wire;

pub use client::{Client, ClientMut, HasMqtt};
pub use event::{Down, MqttEvent, PacketId, PublishError, StartError, SubscribeError};
pub use message::{Message, OnMessage};
pub use options::{Options, Publish, Subscription};
pub use topic::matches;
pub use verbs::{publish, start, stop, subscribe, unsubscribe};
pub use wire::{Kind, Properties, Qos, Reason, Version};
