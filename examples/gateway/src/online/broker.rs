//! The MQTT broker: the gateway publishes its samples and its state to the broker. The broker sends values to the
//! gateway, and the gateway keeps these values in its store for clients of the console.

use core::fmt::Write;
use core::time::Duration;

use heapless::String;
use picoevent::{ConnMut, Cx};
use picoevent_mqtt::{
    self as mqtt, ClientMut, Down, HasMqtt, Message, MqttEvent, Options, Publish, Qos, Subscription,
};

use super::Topic;
use crate::{Gateway, Sample, info};

/// The session expiry interval in seconds: how long the broker keeps messages for the gateway while the gateway is
/// offline.
const SESSION_EXPIRY: u32 = 3_600;

impl HasMqtt for Gateway {
    fn mqtt(&mut self) -> ClientMut<'_, Self> {
        self.online.mqtt.as_mut()
    }

    fn options(&self) -> Options<'_> {
        Options {
            client_id: self.setup.name,
            session_expiry: SESSION_EXPIRY,
            will: Some(Publish::new(&self.online.state, b"gone").qos(Qos::One).retained()),
            ..Options::by_name()
        }
    }

    fn event(&mut self, cx: &mut Cx<Self>, event: MqttEvent) {
        match event {
            MqttEvent::Up { .. } => {
                info!("the broker is there");
                self.online.has_unpublished_state = true;
                self.publish_state(cx);
            }
            MqttEvent::Down(Down::Stopped) => {}
            MqttEvent::Down(why) => info!("the broker is gone: {}", why),
            MqttEvent::Acked(_, reason) if reason.is_failure() => {
                info!("the broker has refused: {}", reason);
            }
            MqttEvent::Room => self.publish_state(cx),
            _ => {}
        }
    }

    fn connect(&mut self, conn: &mut ConnMut<Self>, delay: Duration) -> bool {
        self.online.settings.broker.is_some_and(|broker| self.connect_to(broker, conn, delay))
    }
}

impl Gateway {
    /// Connects to the broker and subscribes to `NAME/set/KEY`.
    pub(super) fn start_broker(&mut self, cx: &mut Cx<Self>) {
        let Some(pool) = self.online.broker_pool else { return };
        self.online.state = self.topic("/state");
        if let Err(error) = mqtt::start(self, cx, pool) {
            return info!("there is no broker: {}", error);
        }
        let filter = self.topic("/set/+");
        let set = Subscription::new(&filter, Qos::One, Self::set_by_broker);
        if let Err(error) = mqtt::subscribe(self, cx, &set) {
            info!("the broker cannot set values: {}", error);
        }
    }

    /// Disconnects from the broker. If the DISCONNECT cannot be sent, the broker publishes the will.
    pub(super) fn disconnect_broker(&mut self, cx: &mut Cx<Self>) {
        let state = self.online.state.clone();
        if mqtt::publish(self, cx, &Publish::new(&state, b"gone").retained()).is_ok() {
            mqtt::stop(self, cx);
        }
    }

    /// Publishes a sample. If the MQTT client has no room for the sample, for example while the broker is offline, the
    /// sample is not published. Samples that are not published are counted.
    pub(crate) fn publish(&mut self, cx: &mut Cx<Self>, sample: Sample) {
        if self.online.broker_pool.is_none() {
            return;
        }
        let Sample { number, micros, value, forced } = sample;
        let mut text = String::<96>::new();
        let _ = write!(
            text,
            "{{\"number\":{number},\"micros\":{micros},\"temp\":{value},\"forced\":{forced}}}"
        );
        let topic = self.topic("/sample");
        let message = Publish::new(&topic, text.as_bytes()).qos(Qos::One);
        if mqtt::publish(self, cx, &message).is_err() {
            self.online.unpublished = self.online.unpublished.saturating_add(1);
        }
    }

    /// Returns the number of samples that were not published because the MQTT client had no room for them.
    pub const fn unpublished(&self) -> u32 {
        self.online.unpublished
    }

    /// Publishes that the gateway is online, unless this state was already published.
    fn publish_state(&mut self, cx: &mut Cx<Self>) {
        if self.online.has_unpublished_state {
            let state = self.online.state.clone();
            let online = Publish::new(&state, b"online").qos(Qos::One).retained();
            // If the MQTT client has no room for the message, the event `Room` follows later, and this function is
            // called again.
            self.online.has_unpublished_state = mqtt::publish(self, cx, &online).is_err();
        }
    }

    /// Stores a received value. The last level of the topic is the value's key in the store.
    fn set_by_broker(&mut self, message: &mut Message<Self>) {
        let is_whole = message.is_first() && message.is_last();
        let key = message.topic().rsplit('/').next().filter(|key| is_whole && !key.is_empty());
        let value = str::from_utf8(message.payload()).ok();
        let set = key.zip(value).map(|(key, value)| self.store.set(key, value));
        if !matches!(set, Some(Ok(()))) {
            info!("the broker has sent a value that is not kept");
        }
    }

    fn topic(&self, suffix: &str) -> Topic {
        let mut topic = Topic::new();
        let _ = write!(topic, "{}{suffix}", self.setup.name);
        topic
    }
}
