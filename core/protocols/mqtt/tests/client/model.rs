//! A model of a broker with faults. It restarts, loses sessions, resets connections in the middle of a packet,
//! and delays and repeats packets. A device publishes messages to the broker and subscribes. The simulation
//! runs with many seeds.
//!
//! The model checks the client's packets all the time. After the faults end, these statements must be true:
//!
//! * The broker has delivered each message that was acknowledged to the application: at least once with QoS 1, exactly
//!   once with QoS 2. A message that was reported as lost was delivered at most once.
//! * The application has received each message that the broker has not lost. It has received no
//!   message with QoS 2 twice.
//! * First deliveries are in the order of publishing.
//! * The time between two attempts to connect is never below the shortest back-off. At the end the client stores
//!   only its subscription.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use fastrand::Rng;
use picoevent::{Cx, EventBase, EventMut, Instant, Pool, Storage};
use picoevent_mqtt::{
    self as mqtt, Client, ClientMut, HasMqtt, Message, MqttEvent, Options, Publish, PublishError,
    Qos, Subscription, Version,
};

use picoevent_peers::mqtt::{Broker, Reply};

use super::world::{Peer, World};

/// The broker of the simulations. It publishes messages to the device.
struct Host {
    broker: Broker,
    rng: Rng,
    /// The time of the next message to the device.
    next_at: Instant,
    most: u32,
    qos_of: HashMap<u32, u8>,
    heard_at: Instant,
    keep_alive: Duration,
}

/// Returns a payload: the number, and `length` more bytes.
fn payload(number: u32, length: usize) -> Vec<u8> {
    let mut payload = number.to_be_bytes().to_vec();
    payload.resize(4 + length, number as u8);
    payload
}

fn number_of(payload: &[u8]) -> u32 {
    let number = u32::from_be_bytes(payload[..4].try_into().unwrap());
    assert!(payload[4..].iter().all(|byte| *byte == number as u8), "a payload that is whole");
    number
}

impl Host {
    fn new(mut rng: Rng) -> Self {
        let mut broker = Broker::new(rng.fork());
        if rng.bool() {
            broker = broker.limited();
        }
        broker.faults = rng.u32(5..120);
        Self {
            broker,
            next_at: Instant::ZERO.after(Duration::from_secs(1)),
            most: rng.u32(5..25),
            qos_of: HashMap::new(),
            heard_at: Instant::ZERO,
            keep_alive: Duration::from_secs(15),
            rng,
        }
    }

    /// Returns the number of deliveries of each of the device's messages.
    fn delivered(&self) -> HashMap<u32, u32> {
        let mut delivered = HashMap::new();
        for delivery in self.broker.deliveries() {
            let number = number_of(&delivery.payload);
            assert_eq!(delivery.topic, topic_of(number));
            *delivered.entry(number).or_default() += 1;
        }
        delivered
    }

    /// Returns the messages with a quality of service in the order of their first delivery.
    fn order(&self, qos: u8) -> Vec<u32> {
        let mut seen = HashSet::new();
        let deliveries = self.broker.deliveries().iter().filter(|delivery| delivery.qos == qos);
        let numbers = deliveries.map(|delivery| number_of(&delivery.payload));
        numbers.filter(|number| seen.insert(*number)).collect()
    }
}

/// Returns the time since the start.
fn since(now: Instant) -> Duration {
    now.since(Instant::ZERO)
}

impl Peer for Host {
    fn called(&mut self, now: Instant) -> bool {
        self.broker.takes_calls(since(now))
    }

    fn heard(&mut self, now: Instant, bytes: &[u8]) -> Reply {
        let silence = now.since(self.heard_at);
        let limit = self.keep_alive + Duration::from_millis(10);
        assert!(!self.broker.is_up() || silence <= limit, "silent for {silence:?}");
        self.heard_at = now;
        let reply = self.broker.heard(since(now), bytes).unwrap();
        let is_ours = |filter: &str| filter == "in/#";
        assert!(self.broker.subscription().is_none_or(is_ours));
        reply
    }

    fn gone(&mut self) {
        self.broker.gone();
    }

    fn next(&self) -> Instant {
        if self.broker.made() < self.most { self.next_at } else { Instant::MAX }
    }

    fn due(&mut self, now: Instant) -> Reply {
        self.next_at = now.after(Duration::from_millis(self.rng.u64(1..8_000)));
        let (number, qos) = (self.broker.made(), self.rng.u8(1..3));
        self.qos_of.insert(number, qos);
        let payload = payload(number, number as usize * 37 % 150);
        self.broker.publish(since(now), &format!("in/{number}"), &payload, qos)
    }
}

fn topic_of(number: u32) -> String {
    format!("out/{}", number % 3)
}

/// The device. It publishes, and counts the messages that it receives.
struct Device {
    mqtt: Client<Device, 5, 200, 1>,
    version: Version,
    rng: Rng,
    made: u32,
    most: u32,
    is_full: bool,
    /// The numbers of the messages under way, by their identifier.
    under_way: HashMap<u16, (u32, Qos)>,
    acked: Vec<(u32, Qos)>,
    lost: Vec<u32>,
    subscription: Option<mqtt::PacketId>,
    /// The number of complete deliveries of each message, and the order of the messages.
    seen: HashMap<u32, u32>,
    order: Vec<u32>,
    piece: Vec<u8>,
}

impl HasMqtt for Device {
    fn mqtt(&mut self) -> ClientMut<'_, Self> {
        self.mqtt.as_mut()
    }

    fn options(&self) -> Options<'_> {
        Options {
            client_id: "device",
            version: self.version,
            session_expiry: 3_600,
            keep_alive: 15,
            ..Options::new("192.0.2.1:1883".parse().unwrap())
        }
    }

    fn event(&mut self, cx: &mut Cx<Self>, event: MqttEvent) {
        match event {
            MqttEvent::Up { .. } => {}
            MqttEvent::Down(down) => {
                self.piece.clear();
                assert!(!matches!(down, mqtt::Down::Broken(_) | mqtt::Down::Options), "{down}");
            }
            MqttEvent::Acked(id, reason) => {
                if Some(id) == self.subscription {
                    assert_eq!(reason, mqtt::Reason::GRANTED_QOS_2);
                    return;
                }
                let (number, qos) = self.under_way.remove(&id.number()).expect("once");
                match reason {
                    mqtt::Reason::SUCCESS => self.acked.push((number, qos)),
                    mqtt::Reason::PACKET_TOO_LARGE => self.lost.push(number),
                    other => panic!("{other}"),
                }
            }
            MqttEvent::Lost(id) => {
                let (number, qos) = self.under_way.remove(&id.number()).expect("once");
                assert_eq!(qos, Qos::Two);
                self.lost.push(number);
            }
            MqttEvent::Room => {
                self.is_full = false;
                self.publish(cx);
            }
        }
    }

    fn message(&mut self, message: &mut Message<Self>) {
        // A message that matches no subscription counts, too.
        self.heard(message);
    }
}

impl Device {
    fn new(rng: Rng, version: Version, most: u32) -> Self {
        Self {
            mqtt: Client::new(),
            version,
            rng,
            made: 0,
            most,
            is_full: false,
            under_way: HashMap::new(),
            acked: Vec::new(),
            lost: Vec::new(),
            subscription: None,
            seen: HashMap::new(),
            order: Vec::new(),
            piece: Vec::new(),
        }
    }

    fn start(&mut self, base: &mut EventBase<Self>) {
        let pool = base.add_pool(Pool::new(1).rings(96, 160)).unwrap();
        mqtt::start(self, base, pool).unwrap();
        let subscription = Subscription::new("in/#", Qos::Two, Self::heard);
        self.subscription = Some(mqtt::subscribe(self, base, &subscription).unwrap());
        base.after(Duration::from_millis(1), Self::tick).unwrap();
    }

    fn tick(&mut self, event: &mut EventMut<Self>) {
        self.publish(event.cx());
        if self.made < self.most {
            let pause = Duration::from_millis(self.rng.u64(1..4_000));
            event.after(pause, Self::tick).unwrap();
        }
    }

    fn publish(&mut self, cx: &mut Cx<Self>) {
        for _ in 0..self.rng.u32(1..4) {
            if self.made >= self.most || self.is_full {
                return;
            }
            let number = self.made;
            let qos = [Qos::Zero, Qos::One, Qos::Two][self.rng.usize(0..3)];
            let payload = payload(number, self.rng.usize(0..40));
            let topic = topic_of(number);
            let message = Publish { qos, ..Publish::new(&topic, &payload) };
            match mqtt::publish(self, cx, &message) {
                Ok(Some(id)) => {
                    assert!(self.under_way.insert(id.number(), (number, qos)).is_none());
                }
                Ok(None) => {}
                // A message with QoS 0 is lost in this case.
                Err(PublishError::Down | PublishError::TooLong) => {}
                Err(PublishError::Full) => {
                    self.is_full = qos != Qos::Zero;
                    if self.is_full {
                        return;
                    }
                }
                Err(error) => panic!("{error}"),
            }
            self.made += 1;
        }
    }

    fn heard(&mut self, message: &mut Message<Self>) {
        if message.is_first() {
            assert!(message.topic().starts_with("in/"));
            self.piece.clear();
        }
        assert_eq!(self.piece.len(), message.offset());
        self.piece.extend(message.payload());
        if message.is_last() {
            let number = number_of(&self.piece);
            let times = self.seen.entry(number).or_default();
            *times += 1;
            if *times == 1 {
                self.order.push(number);
            }
        }
    }
}

/// The totals of many simulations. They show that enough faults happened.
#[derive(Default)]
struct Sum {
    connects: u64,
    acked: u64,
    lost: u64,
    seen: u64,
    again: u64,
}

/// Simulates a day with a broker that is unreachable at times. Checks that the client's memory does not grow, and
/// that no attempt to connect comes too early.
#[test]
fn a_day_takes_no_more_than_an_hour() {
    let mut storage = Storage::<Device, 4, 1, 256, 0, 1>::new();
    let mut base = EventBase::new(&mut storage);
    base.seed(&[5; 32]);
    let mut rng = Rng::with_seed(24);
    let mut broker = Host::new(rng.fork());
    (broker.broker.faults, broker.most) = (40, 20_000);
    let (mut device, mut net) = (Device::new(rng, Version::V5, u32::MAX), World::new(broker));
    device.start(&mut base);
    let mut most = (0, 0);
    for hour in 0..24 {
        net.run_for(&mut base, &mut device, 3_600);
        // The broker is unreachable every fourth hour.
        net.peer.broker.is_away = hour % 4 == 3;
        let counts = base.counts();
        assert_eq!((counts.conns, counts.listeners), (1, 0));
        assert!(counts.events <= 2, "{}", counts.events);
        let client = device.mqtt();
        most = (client.used().max(most.0), client.stored().max(most.1));
        assert!(device.under_way.len() <= 4);
    }
    assert!(most.0 <= 5 && most.1 <= 200);
    let (acked, connects) = (device.acked.len(), net.connects.len());
    assert!(acked > 3_000 && connects > 1_000, "{acked} and {connects}");
    // No attempt to connect follows earlier than the shortest delay.
    assert!(
        net.connects
            .windows(2)
            .all(|pair| { pair[1].since(pair[0]) >= Duration::from_millis(375) })
    );
}

fn simulate(seed: u64, sum: &mut Sum) {
    let mut rng = Rng::with_seed(seed);
    let version = if rng.bool() { Version::V5 } else { Version::V3 };
    let mut storage = Storage::<Device, 4, 1, 256, 0, 1>::new();
    let mut base = EventBase::new(&mut storage);
    base.seed(&[seed as u8 | 1; 32]);
    let most = rng.u32(5..40);
    let mut device = Device::new(rng.fork(), version, most);
    let broker = Host::new(rng.fork());
    let mut net = World::new(broker);
    net.chunk = rng.usize(1..200);
    device.start(&mut base);
    net.run_for(&mut base, &mut device, 120);
    // No more faults happen.
    net.peer.broker.faults = 0;
    net.run_for(&mut base, &mut device, 200);

    assert!(device.mqtt().is_up(), "it is up when the broker is");
    assert!(!device.is_full && device.made == device.most, "room is an event");
    assert!(device.under_way.is_empty(), "all has come to its end: {:?}", device.under_way);
    assert_eq!(device.mqtt().used(), 1, "the subscription");
    assert_eq!(device.mqtt().stored(), "in/#".len() + 1);
    let delivered = net.peer.delivered();
    let times = |number: &u32| delivered.get(number).copied().unwrap_or(0);
    for (number, qos) in &device.acked {
        let times = times(number);
        assert!(times == 1 || times > 1 && *qos == Qos::One, "{number}, {qos:?}: {times} times");
    }
    for number in &device.lost {
        assert!(times(number) <= 1, "{number} with QoS 2 came {} times", times(number));
    }
    for order in [net.peer.order(1), net.peer.order(2)] {
        assert!(order.is_sorted(), "{order:?}");
    }
    for number in 0..net.peer.broker.made() {
        let times = device.seen.get(&number).copied().unwrap_or(0);
        let qos = net.peer.qos_of.get(&number).copied().unwrap_or(0);
        assert!(times <= 1 || qos == 1, "{number} with QoS {qos} came {times} times");
        assert!(times > 0 || net.peer.broker.has_forgotten(number), "{number} is lost");
    }
    assert!(
        net.connects
            .windows(2)
            .all(|pair| { pair[1].since(pair[0]) >= Duration::from_millis(375) })
    );
    assert!(net.connects.len() < 120, "{} attempts", net.connects.len());
    sum.connects += net.connects.len() as u64;
    sum.acked += device.acked.len() as u64;
    sum.lost += device.lost.len() as u64;
    sum.seen += device.seen.len() as u64;
    sum.again += delivered.values().filter(|times| **times > 1).count() as u64;
}

fn sweep(seeds: Range<u64>) -> Sum {
    let mut sum = Sum::default();
    for seed in seeds {
        let one = std::panic::AssertUnwindSafe(|| simulate(seed, &mut sum));
        if let Err(panic) = std::panic::catch_unwind(one) {
            eprintln!("in seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
    sum
}

#[test]
fn nothing_is_lost_or_doubled_that_must_not_be() {
    let seeds = 10_000;
    let sum = sweep(0..seeds);
    // Checks that enough faults happened.
    assert!(sum.connects > seeds * 3 && sum.acked > seeds * 5 && sum.seen > seeds * 3);
    assert!(sum.lost > seeds / 20 && sum.again > seeds / 20, "{} {}", sum.lost, sum.again);
}

/// Runs the number of seeds in `MQTT_SEEDS`; the default is a million.
#[test]
#[ignore = "takes minutes"]
fn nothing_is_lost_or_doubled_over_a_million_seeds() {
    let seeds = std::env::var("MQTT_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    sweep(10_000..10_000 + seeds.unwrap_or(1_000_000));
}
