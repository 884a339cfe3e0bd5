//! The client on a loop in virtual time, with scripted brokers and with a model of a broker that has faults.

use critical_section as _;

mod connection;
mod invalid_packets;
mod limits;
mod messages;
mod model;
mod network;
mod other_library;
mod requests;
mod sessions;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{ConnMut, Cx, EventBase, Instant, Pool, PoolId, Storage};
use picoevent_mqtt::{
    self as mqtt, Client, ClientMut, Down, HasMqtt, Kind, Message, MqttEvent, Options, PacketId,
    Properties, Publish, Qos, Reason, Subscription, Version,
};

use network::{Network, Peer};
use picoevent_peers::mqtt::BrokerAction;
use picoevent_peers::mqtt::packet::{self, Packet, connack};

/// A message or a chunk of a message, as the application received it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ReceivedMessage {
    topic: String,
    payload: Vec<u8>,
    offset: usize,
    is_last: bool,
    qos: Qos,
    by_handler: bool,
}

/// The properties of a packet: the packet type, the user properties, and the reason string or the assigned client
/// identifier.
type ReceivedProperties = (Kind, Vec<(String, String)>, Option<String>);

/// The application. It stores all events and messages. Its client has four slots, a store of 160 bytes, and two
/// aliases.
struct App {
    mqtt: Client<App, 4, 160, 2>,
    options: Options<'static>,
    events: Vec<MqttEvent>,
    messages: Vec<ReceivedMessage>,
    properties: Vec<ReceivedProperties>,
    /// Called with each event.
    react: Option<fn(&mut App, &mut Cx<App>, MqttEvent)>,
    /// Called with each message.
    react_to_message: Option<fn(&mut App, &mut Message<App>)>,
    /// Whether `connect` can connect.
    can_connect: bool,
    /// The subscriptions that must exist after the last requests: each filter, and its quality of service.
    expected_subscriptions: HashMap<String, u8>,
    /// Whether the application also publishes messages at random.
    publishes: bool,
}

impl App {
    fn new() -> Self {
        Self {
            mqtt: Client::new(),
            options: Options { client_id: "test", ..Options::new(BROKER.parse().unwrap()) },
            events: Vec::new(),
            messages: Vec::new(),
            properties: Vec::new(),
            react: None,
            react_to_message: None,
            can_connect: true,
            expected_subscriptions: HashMap::new(),
            publishes: true,
        }
    }

    fn record(&mut self, message: &mut Message<Self>, by_handler: bool) {
        self.messages.push(ReceivedMessage {
            topic: message.topic().to_owned(),
            payload: message.payload().to_vec(),
            offset: message.offset(),
            is_last: message.is_last(),
            qos: message.qos(),
            by_handler,
        });
        let user = message.properties().user().map(owned).collect::<Vec<_>>();
        if !user.is_empty() {
            self.properties.push((Kind::Publish, user, None));
        }
        if let Some(react) = self.react_to_message {
            react(self, message);
        }
    }

    fn handle(&mut self, message: &mut Message<Self>) {
        self.record(message, true);
    }

    fn payloads(&self) -> Vec<&[u8]> {
        self.messages.iter().map(|message| &*message.payload).collect()
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

impl HasMqtt for App {
    fn mqtt(&mut self) -> ClientMut<'_, Self> {
        self.mqtt.as_mut()
    }

    fn options(&self) -> Options<'_> {
        self.options
    }

    fn event(&mut self, cx: &mut Cx<Self>, event: MqttEvent) {
        self.events.push(event);
        if let Some(react) = self.react {
            react(self, cx, event);
        }
    }

    fn message(&mut self, message: &mut Message<Self>) {
        self.record(message, false);
    }

    fn properties(&mut self, kind: Kind, properties: Properties) {
        let user = properties.user().map(owned).collect();
        let text = properties.reason().or(properties.assigned_client_id());
        self.properties.push((kind, user, text.map(str::to_owned)));
    }

    fn connect(&mut self, conn: &mut ConnMut<Self>, delay: Duration) -> bool {
        let broker = self.options.broker;
        self.can_connect && conn.connect_after(delay, broker).is_ok()
    }
}

/// A function that returns a broker's reaction to a packet.
type Answer = dyn FnMut(&Packet) -> Vec<BrokerAction>;

/// A broker that handles each packet with a script.
struct Script {
    level: u8,
    answer: Box<Answer>,
    bytes: Vec<u8>,
    packets: Vec<Packet>,
    /// The arrival times of the packets.
    times: Vec<Instant>,
    /// Whether connections are refused.
    is_unreachable: bool,
}

impl Peer for Script {
    fn accepts(&mut self, _: Instant) -> bool {
        self.bytes.clear();
        !self.is_unreachable
    }

    fn receive(&mut self, now: Instant, bytes: &[u8]) -> Vec<(Duration, BrokerAction)> {
        self.bytes.extend(bytes);
        let mut actions = Vec::new();
        while let Some(packet) = packet::next(&mut self.bytes, self.level) {
            actions.extend((self.answer)(&packet));
            self.packets.push(packet);
            self.times.push(now);
        }
        actions.into_iter().map(|action| (Duration::from_millis(1), action)).collect()
    }
}

type AppStorage = Storage<App, 8, 1, 1_024, 0, 1>;
type Net = Network<Script>;

/// The base, the application and the network of a test.
struct Test<'s> {
    base: EventBase<'s, App>,
    app: App,
    net: Net,
    pool: PoolId,
}

impl Test<'_> {
    fn start(&mut self) {
        mqtt::start(&mut self.app, &mut self.base, self.pool).unwrap();
    }

    /// Starts the client, and runs the loop until it is up.
    fn start_up(&mut self) {
        self.start();
        self.run(1);
        assert!(matches!(self.app.events[..], [MqttEvent::Up { .. }]), "{:?}", self.app.events);
        self.app.events.clear();
    }

    fn run(&mut self, seconds: u64) {
        self.net.run_for(&mut self.base, &mut self.app, seconds);
    }

    fn publish(&mut self, publish: &Publish) -> Result<Option<PacketId>, mqtt::PublishError> {
        mqtt::publish(&mut self.app, &mut self.base, publish)
    }

    fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<PacketId, mqtt::SubscribeError> {
        let subscription = Subscription::new(filter, qos, App::handle);
        mqtt::subscribe(&mut self.app, &mut self.base, &subscription)
    }

    fn unsubscribe(&mut self, filter: &str) -> Result<PacketId, mqtt::SubscribeError> {
        mqtt::unsubscribe(&mut self.app, &mut self.base, filter)
    }

    /// Sends a packet from the broker.
    fn send(&mut self, bytes: Vec<u8>) {
        self.net.perform(BrokerAction::Send(bytes));
        self.run(1);
    }

    fn packets(&mut self) -> Vec<Packet> {
        self.net.peer.times.clear();
        std::mem::take(&mut self.net.peer.packets)
    }

    /// Returns the packets since the last call, except a CONNECT.
    fn sent(&mut self) -> Vec<Packet> {
        let mut packets = self.packets();
        packets.retain(|packet| !matches!(packet, Packet::Connect(_)));
        packets
    }

    fn events(&mut self) -> Vec<MqttEvent> {
        std::mem::take(&mut self.app.events)
    }
}

const BROKER: &str = "192.0.2.1:1883";
const RINGS: (usize, usize) = (128, 256);
const LEVELS: [(u8, Version); 2] = [(4, Version::V3), (5, Version::V5)];

/// Runs a test with a scripted broker.
fn with_broker(
    version: Version,
    answer: impl FnMut(&Packet) -> Vec<BrokerAction> + 'static,
    run: impl FnOnce(&mut Test<'_>),
) {
    let mut storage = Box::new(AppStorage::new());
    let mut base = EventBase::new(&mut storage);
    base.seed(&[7; 32]);
    let pool = base.add_pool(Pool::new(1).rings(RINGS.0, RINGS.1)).unwrap();
    let level = if version == Version::V5 { 5 } else { 4 };
    let mut app = App::new();
    app.options.version = version;
    let script = Script {
        level,
        answer: Box::new(answer),
        bytes: Vec::new(),
        packets: Vec::new(),
        times: Vec::new(),
        is_unreachable: false,
    };
    run(&mut Test { base, app, net: Network::new(script), pool });
}

/// Runs a test with a broker that only accepts the client and answers pings.
fn with_minimal_broker(version: Version, run: impl FnOnce(&mut Test<'_>)) {
    let level = if version == Version::V5 { 5 } else { 4 };
    with_broker(version, move |packet| answer_connect_and_ping(level, packet), run);
}

/// Answers a CONNECT or a PINGREQ.
fn answer_connect_and_ping(level: u8, packet: &Packet) -> Vec<BrokerAction> {
    match packet {
        Packet::Connect(connect) => {
            vec![BrokerAction::Send(connack(level, !connect.clean, 0, &[]))]
        }
        Packet::Ping => vec![BrokerAction::Send(vec![0xD0, 0])],
        _ => Vec::new(),
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn acked(id: PacketId) -> MqttEvent {
    MqttEvent::Acked(id, Reason::SUCCESS)
}

fn down(down: Down) -> MqttEvent {
    MqttEvent::Down(down)
}
