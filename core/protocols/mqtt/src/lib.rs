//! MQTT for [picoevent]: a client of versions 3.1.1 and 5, in fixed memory, for boards and hosts alike.
//!
//! ```
//! use core::net::SocketAddr;
//! use picoevent::{Cx, PoolId};
//! use picoevent_mqtt::{self as mqtt, Client, ClientMut, HasMqtt, Message, MqttEvent, Options, Publish, Qos, Subscription};
//!
//! struct App {
//!     /// Eight subscriptions and messages under way, and a kilobyte for them.
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
//!             // The broker was away for so long that the store is full.
//!         }
//!     }
//! }
//! # let _ = (App::start, App::measured);
//! ```
//!
//! * The application owns the [`Client`] and says with [`HasMqtt`] where it is, because callbacks are plain
//!   functions. Its capacities are in its type; nothing allocates.
//! * The client connects again by itself, with growing delays that vary at random. It subscribes again if the broker
//!   has lost the session, and sends again, in order, what was not acknowledged.
//! * [`publish`] takes a message or says why not. One with [`Qos::One`] or [`Qos::Two`] that was taken is not lost as long
//!   as the loop lasts: it ends in one event, [`Acked`](MqttEvent::Acked) or [`Lost`](MqttEvent::Lost).
//! * A message that arrives is looked at in the connection's input ring. One that is longer comes in pieces. It is
//!   acknowledged when the application has seen all of it. With [`Qos::Two`] it comes once.
//! * What the broker may not send ends the connection, with the reason that the standard names.
//! * What the broker limits is obeyed: the messages under way, the size of packets, the quality of service, messages to
//!   be kept, and aliases of topics.
//!
//! It takes 13.3 KB of flash on a Cortex-M3, with both versions; its RAM stands with [`Client`].
//!
//! # Limits
//!
//! The connection's output ring has to hold the longest message, the input ring all but the payload of one.
//! AUTH, and what goes with it, is refused. A broker that loses its session, makes a new one, and loses the connection
//! before the client has heard of it, says the next time that there is a session: a message with [`Qos::Two`] that was under
//! way may arrive twice then, with any client.
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
mod event;
mod link;
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
