//! A button and a lamp on an MQTT broker. Each press is published to `button/presses` with the number of presses. The
//! message arrives at least once. While the broker is offline, up to ten presses are kept, and further presses are
//! lost. The topic `button/lamp` switches the lamp.
//!
//! The crate is the whole application and does not depend on a particular board. `main.rs` runs the application on real
//! sockets.

#![no_std]

use core::fmt::Write;
use core::net::SocketAddr;

use heapless::String;
use picoevent::{Cx, EventMut, Pool, PoolId, Signal};
use picoevent_mqtt::{
    self as mqtt, Client, ClientMut, Down, HasMqtt, Message, MqttEvent, Options, Publish, Qos,
    StartError, Subscription,
};

// The application logs through defmt or log.
#[cfg(feature = "defmt")]
use defmt::info;
#[cfg(not(feature = "defmt"))]
use log::info;

/// The port of a broker.
pub const PORT: u16 = 1883;

/// The signal that a press raises.
pub const PRESSED: Signal = Signal::USR1;

/// The connection to the broker.
pub const BROKER: Pool = Pool::new(1).rings(256, 256);

/// The application. While the broker is offline, the application keeps up to ten presses.
pub struct Button {
    mqtt: Client<Button, 11, 300>,
    broker: SocketAddr,
    presses: u32,
    is_lit: bool,
}

impl HasMqtt for Button {
    fn mqtt(&mut self) -> ClientMut<'_, Self> {
        self.mqtt.as_mut()
    }

    fn options(&self) -> Options<'_> {
        let will = Publish::new("button/state", b"gone").retained();
        Options {
            client_id: "button",
            session_expiry: 3_600,
            will: Some(will),
            ..Options::new(self.broker)
        }
    }

    fn event(&mut self, cx: &mut Cx<Self>, event: MqttEvent) {
        match event {
            MqttEvent::Up { .. } => {
                info!("The broker has answered.");
                let online = Publish::new("button/state", b"online").retained();
                let _ = mqtt::publish(self, cx, &online);
            }
            // The interrupt has stopped the MQTT client.
            MqttEvent::Down(Down::Stopped) => cx.exit(),
            MqttEvent::Down(why) => info!("The broker is gone: {}.", why),
            _ => {}
        }
    }
}

impl Button {
    /// Makes the application. `broker` is the broker's address.
    pub const fn new(broker: SocketAddr) -> Self {
        Self { mqtt: Client::new(), broker, presses: 0, is_lit: false }
    }

    /// Connects to the broker, and waits for presses and for the interrupt signal.
    ///
    /// # Errors
    /// [`StartError`] when the storage has no room for two events and [`BROKER`].
    pub fn start(&mut self, cx: &mut Cx<Self>, pool: PoolId) -> Result<(), StartError> {
        let full = |full: picoevent::FullError| StartError::Setup(full.into());
        cx.on_signal(PRESSED, Self::pressed).map_err(full)?;
        cx.on_signal(Signal::INT, Self::interrupted).map_err(full)?;
        mqtt::start(self, cx, pool)?;
        let lamp = Subscription::new("button/lamp", Qos::One, Self::switched);
        let subscribed = mqtt::subscribe(self, cx, &lamp);
        debug_assert!(subscribed.is_ok(), "the store is empty");
        Ok(())
    }

    fn pressed(&mut self, event: &mut EventMut<Self>) {
        self.presses += 1;
        let mut number: String<10> = String::new();
        let written = write!(number, "{}", self.presses);
        debug_assert!(written.is_ok(), "the longest number fits");
        let press = Publish::new("button/presses", number.as_bytes()).qos(Qos::One);
        match mqtt::publish(self, event.cx(), &press) {
            Ok(_) => info!("Press {}.", self.presses),
            Err(error) => info!("Press {} is lost: {}.", self.presses, error),
        }
    }

    fn switched(&mut self, message: &mut Message<Self>) {
        self.is_lit = message.payload() == b"on";
        info!("The lamp is {}.", if self.is_lit { "on" } else { "off" });
    }

    fn interrupted(&mut self, event: &mut EventMut<Self>) {
        info!("Caught an interrupt signal.");
        // After a DISCONNECT the broker does not publish the will, so publish the same message here.
        let gone = Publish::new("button/state", b"gone").retained();
        let _ = mqtt::publish(self, event.cx(), &gone);
        mqtt::stop(self, event.cx());
    }
}
