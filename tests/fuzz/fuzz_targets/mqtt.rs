//! `cargo fuzz run mqtt`: parses byte strings from libFuzzer as packets from an MQTT broker, and passes them to a
//! client.

#![no_main]

use std::convert::Infallible;
use std::task::Poll;

use libfuzzer_sys::fuzz_target;
use picoevent::{Action, Backend, Conn, Cx, EventBase, Instant, Pool, Run, Storage};
use picoevent_mqtt::wire::{Header, Packet, PublishHead};
use picoevent_mqtt::{
    self as mqtt, Client, ClientMut, HasMqtt, Message, MqttEvent, Options, Publish, Qos,
    Subscription, Version,
};

/// An application with a client. The application answers each received message with a message.
struct App {
    mqtt: Client<App, 3, 100, 2>,
    version: Version,
    /// The expected offset of the next part of a message.
    offset: usize,
}

impl HasMqtt for App {
    fn mqtt(&mut self) -> ClientMut<'_, Self> {
        self.mqtt.as_mut()
    }

    fn options(&self) -> Options<'_> {
        Options {
            version: self.version,
            session_expiry: 60,
            ..Options::new(([192, 0, 2, 1], 1883).into())
        }
    }

    fn event(&mut self, cx: &mut Cx<'_, Self>, event: MqttEvent) {
        if let MqttEvent::Up { .. } = event {
            let _ = mqtt::publish(self, cx, &Publish::new("a", b"b").qos(Qos::Two));
        }
    }

    fn message(&mut self, message: &mut Message<'_, '_, Self>) {
        answer(self, message);
    }
}

fn answer(app: &mut App, message: &mut Message<'_, '_, App>) {
    assert!(message.is_first() || message.offset() == app.offset);
    app.offset = message.offset() + message.payload().len();
    assert!(!message.is_first() || !message.topic().is_empty());
    let _ = message.properties().user().count();
    let _ = mqtt::publish(app, message.cx(), &Publish::new("a", b"b").qos(Qos::One));
}

/// A back end with one peer. The peer sends the bytes from libFuzzer in several parts.
struct PeerBackend<'b> {
    bytes: &'b [u8],
    now: Instant,
    conn: Option<Conn>,
    is_open: bool,
}

impl Backend<App> for PeerBackend<'_> {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, App>) -> Result<(), Infallible> {
        match action {
            Action::Connect(conn) => (self.conn, self.is_open) = (Some(conn), false),
            Action::Send(conn) => {
                let (first, second) = base.output(conn);
                let amount = first.len() + second.len();
                base.sent(conn, amount);
            }
            Action::End(conn) => base.delivered(conn),
            Action::Close(_) | Action::Reset(_) => self.conn = None,
            _ => {}
        }
        Ok(())
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<'_, App>) -> Poll<Result<(), Infallible>> {
        if self.conn.is_none() || self.bytes.is_empty() {
            self.now = self.now.max(until.min(self.now.after(std::time::Duration::from_secs(70))));
        }
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut EventBase<'_, App>) {
        let Some(conn) = self.conn else { return };
        if !std::mem::replace(&mut self.is_open, true) {
            return base.connected(conn);
        }
        let Some((size, rest)) = self.bytes.split_first() else { return };
        let Some((first, second)) = base.input(conn) else { return };
        let count = usize::from(*size).min(rest.len());
        let targets = first.iter_mut().chain(second).take(count);
        let written = targets.zip(rest).map(|(target, byte)| *target = *byte).count();
        self.bytes = &rest[written..];
        base.received(conn, written);
    }
}

fuzz_target!(|bytes: &[u8]| {
    for version in [Version::V3, Version::V5] {
        read(version, bytes);
        run(version, bytes);
    }
});

fn read(version: Version, bytes: &[u8]) {
    let Ok(Some(header)) = Header::read(bytes) else { return };
    let Some(body) = bytes.get(header.length..) else { return };
    let body = &body[..body.len().min(header.body)];
    if let Ok(Some(head)) = PublishHead::read(version, &header, body) {
        assert!(head.length <= body.len() && head.topic.len() < head.length);
        let _ = head.properties.user().count();
    }
    if body.len() == header.body {
        let _ = Packet::read(version, &header, body);
    }
}

fn run(version: Version, bytes: &[u8]) {
    let mut storage = Storage::<App, 0, 1, 192, 0, 1>::new();
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(Pool::new(1).rings(64, 128)).unwrap();
    let mut app = App { mqtt: Client::new(), version, offset: 0 };
    mqtt::start(&mut app, &mut base, pool).unwrap();
    let all = Subscription::new("#", Qos::Two, answer);
    mqtt::subscribe(&mut app, &mut base, &all).unwrap();
    let mut back_end = PeerBackend { bytes, now: Instant::ZERO, conn: None, is_open: false };
    base.begin(Run::DEFAULT);
    for _ in 0..bytes.len() + 20 {
        let Poll::Ready(Ok(None)) = base.iterate(&mut app, &mut back_end) else { return };
        let client = app.mqtt.as_mut();
        assert!(client.used() <= 3 && client.stored() <= 100);
    }
}
