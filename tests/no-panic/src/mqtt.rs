//! The functions of the MQTT client, and the parsers of packets from a broker.

use picoevent::{Backoff, ConnMut, Cx, EventBase, PoolId, Storage};
use picoevent_mqtt::wire::{Header, Packet, PublishHead};
use picoevent_mqtt::{
    self as mqtt, Client, ClientMut, HasMqtt, Kind, Message, MqttEvent, Options, Properties,
    Publish, Qos, Reason, Subscription, Version,
};

use crate::unknown::{address, any, bytes, duration, word};

/// An application with a client.
struct App(Client<App, 3, 100, 2>);

impl HasMqtt for App {
    fn mqtt(&mut self) -> ClientMut<'_, Self> {
        any(&mut self.0).as_mut()
    }

    fn options(&self) -> Options<'_> {
        any((Options::new(address()), any(Options::by_name()))).0
    }

    fn event(&mut self, cx: &mut Cx<'_, Self>, event: MqttEvent) {
        if let MqttEvent::Acked(id, reason) = event {
            any((id.number(), reason.is_failure()));
        }
        any((cx, event));
    }

    fn message(&mut self, message: &mut Message<'_, '_, Self>) {
        read_message(self, message);
    }

    fn properties(&mut self, kind: Kind, properties: Properties<'_>) {
        any(kind);
        read_properties(any(properties));
    }

    fn connect(&mut self, conn: &mut ConnMut<'_, '_, Self>, delay: core::time::Duration) -> bool {
        conn.connect_after(any(delay), address()).is_ok()
    }
}

fn read_properties(properties: Properties<'_>) {
    any((properties.is_empty(), properties.user().last(), properties.reason()));
    any((properties.assigned_client_id(), properties.content_type()));
    any((properties.response_topic(), properties.correlation_data()));
    any(properties.message_expiry());
}

fn read_message(app: &mut App, message: &mut Message<'_, '_, App>) {
    any((message.topic(), message.payload(), message.offset(), message.total()));
    any((message.is_first(), message.is_last(), message.qos()));
    any((message.is_duplicate(), message.is_retained()));
    read_properties(message.properties());
    any((app, message.cx()));
}

pub fn every_function(pool: PoolId) {
    let mut storage = Storage::<App, 2, 2, 64, 1, 2>::new();
    let mut base = EventBase::new(any(&mut storage));
    let mut app = App(any(Client::new()));
    app.0.set_backoff(any(Backoff::new(duration(), duration())));
    any(mqtt::start(any(&mut app), any(&mut *base), any(pool))).ok();
    let user: &[(&str, &str)] = &[(word(), word())];
    let publish = Publish {
        message_expiry: any(Some(1)),
        content_type: any(Some(word())),
        response_topic: any(Some(word())),
        correlation_data: any(Some(bytes())),
        user: any(user),
        ..Publish::new(word(), bytes()).qos(any(Qos::One)).retained()
    };
    any(mqtt::publish(any(&mut app), any(&mut *base), any(&publish))).ok();
    let subscription = any(Subscription::new(word(), any(Qos::Two), read_message));
    any(mqtt::subscribe(any(&mut app), any(&mut *base), &subscription)).ok();
    any(mqtt::unsubscribe(any(&mut app), any(&mut *base), word())).ok();
    mqtt::stop(any(&mut app), any(&mut *base));
    let client = any(&mut app.0).as_mut();
    any((client.is_up(), client.is_started(), client.used(), client.stored()));
    // The callbacks of the client's connection are called through function pointers. The calls above have set these
    // pointers.
    while let Some(fired) = any(&mut base).next() {
        any(fired).call(any(&mut app), any(&mut *base));
    }
    any(mqtt::matches(word(), word()));
    read();
}

fn read() {
    let version = any(Version::V5);
    let Ok(Some(header)) = Header::read(bytes()) else { return };
    if let Ok(Some(head)) = PublishHead::read(version, any(&header), bytes()) {
        read_properties(head.properties);
        any(head);
    }
    any(Packet::read(version, any(&header), bytes())).ok();
    any(Reason(any(1)).is_failure());
}
