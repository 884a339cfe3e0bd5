//! An MQTT client that uses every feature. `cargo xtask size` measures the code of the crate `picoevent_mqtt` in this
//! image.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::net::{Ipv4Addr, SocketAddr};

use picoevent::{Action, Cx, EventBase, Pool, Storage};
use picoevent_alone::run;
use picoevent_mqtt::{
    self as mqtt, Client, ClientMut, HasMqtt, Kind, Message, MqttEvent, Options, Properties,
    Publish, Qos, Subscription,
};
use static_cell::ConstStaticCell;

const BROKER: Pool = Pool::new(1).rings(256, 256);

/// The application.
pub struct App {
    mqtt: Client<App, 8, 512, 2>,
}

impl HasMqtt for App {
    fn mqtt(&mut self) -> ClientMut<'_, Self> {
        self.mqtt.as_mut()
    }

    fn options(&self) -> Options<'_> {
        let broker = SocketAddr::from((Ipv4Addr::LOCALHOST, black_box(1883)));
        Options { version: black_box(mqtt::Version::V5), ..black_box(Options::new(broker)) }
    }

    fn event(&mut self, cx: &mut Cx<'_, Self>, event: MqttEvent) {
        if let MqttEvent::Down(_) = black_box(event) {
            mqtt::stop(self, cx);
        }
    }

    fn properties(&mut self, kind: Kind, properties: Properties<'_>) {
        black_box((kind, properties.reason(), properties.assigned_client_id()));
    }
}

/// Answers a message.
fn answer(app: &mut App, message: &mut Message<'_, '_, App>) {
    black_box((message.topic(), message.payload(), message.properties().response_topic()));
    black_box(message.properties().user().count());
    let reply = black_box(Publish::new("a", b"b").qos(Qos::One));
    black_box(mqtt::publish(app, message.cx(), &reply).is_ok());
}

static STORAGE: ConstStaticCell<Storage<App, 1, { BROKER.conns() }, { BROKER.bytes() }>> =
    ConstStaticCell::new(Storage::new());
static APP: ConstStaticCell<App> = ConstStaticCell::new(App { mqtt: Client::new() });

/// The image's entry.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn image() {
    let mut base = EventBase::new(STORAGE.take());
    let app = APP.take();
    let Ok(pool) = base.add_pool(BROKER) else { return };
    black_box(mqtt::start(app, &mut base, pool).is_ok());
    let set = black_box(Subscription::new("a/+", Qos::One, answer));
    black_box(mqtt::subscribe(app, &mut base, &set).is_ok());
    black_box(mqtt::unsubscribe(app, &mut base, black_box("a/+")).is_ok());
    run(&mut base, app, act);
}

/// Performs an action, and at once reports to the base that the action succeeded.
fn act(base: &mut EventBase<'_, App>, action: Action) {
    match black_box(action) {
        Action::Connect(conn) => base.connected(conn),
        Action::Receive(conn) => {
            if let Some((first, _)) = base.input(conn) {
                let amount = black_box(first).len();
                base.received(conn, amount);
            }
        }
        Action::Send(conn) => {
            let (first, second) = black_box(base.output(conn));
            let amount = first.len() + second.len();
            base.sent(conn, amount);
        }
        Action::End(conn) => base.delivered(conn),
        _ => {}
    }
}
