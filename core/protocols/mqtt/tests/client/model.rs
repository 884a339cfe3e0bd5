//! A model of a broker with faults. It restarts, loses sessions, resets connections in the middle of a packet,
//! and delays and repeats packets. A device publishes messages to the broker and subscribes. The simulation
//! runs with many seeds.
//!
//! The model checks the client's packets all the time. After the faults end, these statements must be true:
//!
//! * The broker has delivered each message that the client has reported as acknowledged: at least once with QoS 1,
//!   exactly once with QoS 2. A message that was reported as lost was delivered at most once.
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

use super::network::{Network, Peer};

/// The broker of the simulations. It publishes messages to the device.
struct SimulatedBroker {
    broker: Broker,
    rng: Rng,
    /// The time of the next message to the device.
    next_at: Instant,
    message_count: u32,
    qos_of: HashMap<u32, u8>,
    received_at: Instant,
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
    assert!(payload[4..].iter().all(|byte| *byte == number as u8), "the payload is complete");
    number
}

impl SimulatedBroker {
    fn new(mut rng: Rng) -> Self {
        let mut broker = Broker::new(rng.fork());
        if rng.bool() {
            broker = broker.with_random_limits();
        }
        broker.faults_per_thousand = rng.u32(5..120);
        Self {
            broker,
            next_at: Instant::ZERO.after(Duration::from_secs(1)),
            message_count: rng.u32(5..25),
            qos_of: HashMap::new(),
            received_at: Instant::ZERO,
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

    /// Returns the messages with the quality of service `qos`, in the order of their first delivery.
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

impl Peer for SimulatedBroker {
    fn accepts(&mut self, now: Instant) -> bool {
        self.broker.accepts(since(now))
    }

    fn receive(&mut self, now: Instant, bytes: &[u8]) -> Reply {
        let silence = now.since(self.received_at);
        let limit = self.keep_alive + Duration::from_millis(10);
        assert!(!self.broker.is_up() || silence <= limit, "silent for {silence:?}");
        self.received_at = now;
        let reply = self.broker.receive(since(now), bytes).unwrap();
        let is_ours = |filter: &str| filter == "in/#";
        assert!(self.broker.subscription().is_none_or(is_ours));
        reply
    }

    fn disconnected(&mut self) {
        self.broker.disconnected();
    }

    fn timer_at(&self) -> Instant {
        if self.broker.published() < self.message_count { self.next_at } else { Instant::MAX }
    }

    fn timer_expired(&mut self, now: Instant) -> Reply {
        self.next_at = now.after(Duration::from_millis(self.rng.u64(1..8_000)));
        let (number, qos) = (self.broker.published(), self.rng.u8(1..3));
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
    published: u32,
    message_count: u32,
    is_full: bool,
    /// The numbers of the unacknowledged messages, by their identifier.
    unacknowledged: HashMap<u16, (u32, Qos)>,
    acked: Vec<(u32, Qos)>,
    lost: Vec<u32>,
    subscription: Option<mqtt::PacketId>,
    /// The number of complete deliveries of each message.
    deliveries: HashMap<u32, u32>,
    /// The messages in the order of their first delivery.
    order: Vec<u32>,
    partial: Vec<u8>,
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
                self.partial.clear();
                assert!(
                    !matches!(down, mqtt::Down::InvalidPacket(_) | mqtt::Down::Options),
                    "{down}"
                );
            }
            MqttEvent::Acked(id, reason) => {
                if Some(id) == self.subscription {
                    assert_eq!(reason, mqtt::Reason::GRANTED_QOS_2);
                    return;
                }
                let (number, qos) =
                    self.unacknowledged.remove(&id.number()).expect("each message ends once");
                match reason {
                    mqtt::Reason::SUCCESS => self.acked.push((number, qos)),
                    mqtt::Reason::PACKET_TOO_LARGE => self.lost.push(number),
                    other => panic!("{other}"),
                }
            }
            MqttEvent::Lost(id) => {
                let (number, qos) =
                    self.unacknowledged.remove(&id.number()).expect("each message ends once");
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
        self.receive(message);
    }
}

impl Device {
    fn new(rng: Rng, version: Version, message_count: u32) -> Self {
        Self {
            mqtt: Client::new(),
            version,
            rng,
            published: 0,
            message_count,
            is_full: false,
            unacknowledged: HashMap::new(),
            acked: Vec::new(),
            lost: Vec::new(),
            subscription: None,
            deliveries: HashMap::new(),
            order: Vec::new(),
            partial: Vec::new(),
        }
    }

    fn start(&mut self, base: &mut EventBase<Self>) {
        let pool = base.add_pool(Pool::new(1).rings(96, 160)).unwrap();
        mqtt::start(self, base, pool).unwrap();
        let subscription = Subscription::new("in/#", Qos::Two, Self::receive);
        self.subscription = Some(mqtt::subscribe(self, base, &subscription).unwrap());
        base.after(Duration::from_millis(1), Self::tick).unwrap();
    }

    fn tick(&mut self, event: &mut EventMut<Self>) {
        self.publish(event.cx());
        if self.published < self.message_count {
            let pause = Duration::from_millis(self.rng.u64(1..4_000));
            event.after(pause, Self::tick).unwrap();
        }
    }

    fn publish(&mut self, cx: &mut Cx<Self>) {
        for _ in 0..self.rng.u32(1..4) {
            if self.published >= self.message_count || self.is_full {
                return;
            }
            let number = self.published;
            let qos = [Qos::Zero, Qos::One, Qos::Two][self.rng.usize(0..3)];
            let payload = payload(number, self.rng.usize(0..40));
            let topic = topic_of(number);
            let message = Publish { qos, ..Publish::new(&topic, &payload) };
            match mqtt::publish(self, cx, &message) {
                Ok(Some(id)) => {
                    assert!(self.unacknowledged.insert(id.number(), (number, qos)).is_none());
                }
                Ok(None) => {}
                // A message that `publish` refuses with one of these errors is never sent.
                Err(PublishError::Down | PublishError::TooLong) => {}
                Err(PublishError::Full) => {
                    self.is_full = qos != Qos::Zero;
                    if self.is_full {
                        return;
                    }
                }
                Err(error) => panic!("{error}"),
            }
            self.published += 1;
        }
    }

    fn receive(&mut self, message: &mut Message<Self>) {
        if message.is_first() {
            assert!(message.topic().starts_with("in/"));
            self.partial.clear();
        }
        assert_eq!(self.partial.len(), message.offset());
        self.partial.extend(message.payload());
        if message.is_last() {
            let number = number_of(&self.partial);
            let times = self.deliveries.entry(number).or_default();
            *times += 1;
            if *times == 1 {
                self.order.push(number);
            }
        }
    }
}

/// The totals of many simulations. They show that enough faults happened.
#[derive(Default)]
struct Totals {
    connects: u64,
    acked: u64,
    lost: u64,
    delivered: u64,
    duplicates: u64,
}

/// Simulates a day with a broker that is unreachable at times. Checks that the client's memory does not grow, and
/// that no attempt to connect comes too early.
#[test]
fn memory_does_not_grow_in_a_simulated_day() {
    let mut storage = Storage::<Device, 4, 1, 256, 0, 1>::new();
    let mut base = EventBase::new(&mut storage);
    base.seed(&[5; 32]);
    let mut rng = Rng::with_seed(24);
    let mut broker = SimulatedBroker::new(rng.fork());
    (broker.broker.faults_per_thousand, broker.message_count) = (40, 20_000);
    let (mut device, mut net) = (Device::new(rng, Version::V5, u32::MAX), Network::new(broker));
    device.start(&mut base);
    let mut peak = (0, 0);
    for hour in 0..24 {
        net.run_for(&mut base, &mut device, 3_600);
        // The broker is unreachable every fourth hour.
        net.peer.broker.is_unreachable = hour % 4 == 3;
        let counts = base.counts();
        assert_eq!((counts.conns, counts.listeners), (1, 0));
        assert!(counts.events <= 2, "{}", counts.events);
        let client = device.mqtt();
        peak = (client.used().max(peak.0), client.stored().max(peak.1));
        assert!(device.unacknowledged.len() <= 4);
    }
    assert!(peak.0 <= 5 && peak.1 <= 200);
    let (acked, connects) = (device.acked.len(), net.connects.len());
    assert!(acked > 3_000 && connects > 1_000, "{acked} and {connects}");
    // The time between two attempts to connect is never below the shortest delay: 500 ms minus a quarter.
    assert!(
        net.connects
            .windows(2)
            .all(|pair| { pair[1].since(pair[0]) >= Duration::from_millis(375) })
    );
}

fn simulate(seed: u64, totals: &mut Totals) {
    let mut rng = Rng::with_seed(seed);
    let version = if rng.bool() { Version::V5 } else { Version::V3 };
    let mut storage = Storage::<Device, 4, 1, 256, 0, 1>::new();
    let mut base = EventBase::new(&mut storage);
    base.seed(&[seed as u8 | 1; 32]);
    let message_count = rng.u32(5..40);
    let mut device = Device::new(rng.fork(), version, message_count);
    let broker = SimulatedBroker::new(rng.fork());
    let mut net = Network::new(broker);
    net.max_chunk = rng.usize(1..200);
    device.start(&mut base);
    net.run_for(&mut base, &mut device, 120);
    // No more faults happen.
    net.peer.broker.faults_per_thousand = 0;
    net.run_for(&mut base, &mut device, 200);

    assert!(device.mqtt().is_up(), "the client is connected when the broker is reachable");
    assert!(
        !device.is_full && device.published == device.message_count,
        "all messages are published after the event Room"
    );
    assert!(
        device.unacknowledged.is_empty(),
        "messages without an end: {:?}",
        device.unacknowledged
    );
    assert_eq!(device.mqtt().used(), 1, "only the subscription has a slot");
    assert_eq!(device.mqtt().stored(), "in/#".len() + 1);
    let delivered = net.peer.delivered();
    let times = |number: &u32| delivered.get(number).copied().unwrap_or(0);
    for (number, qos) in &device.acked {
        let times = times(number);
        assert!(times == 1 || times > 1 && *qos == Qos::One, "{number}, {qos:?}: {times} times");
    }
    for number in &device.lost {
        assert!(times(number) <= 1, "{number} with QoS 2 was delivered {} times", times(number));
    }
    for order in [net.peer.order(1), net.peer.order(2)] {
        assert!(order.is_sorted(), "{order:?}");
    }
    for number in 0..net.peer.broker.published() {
        let times = device.deliveries.get(&number).copied().unwrap_or(0);
        let qos = net.peer.qos_of.get(&number).copied().unwrap_or(0);
        assert!(times <= 1 || qos == 1, "{number} with QoS {qos} was delivered {times} times");
        assert!(times > 0 || net.peer.broker.has_lost(number), "{number} was not delivered");
    }
    assert!(
        net.connects
            .windows(2)
            .all(|pair| { pair[1].since(pair[0]) >= Duration::from_millis(375) })
    );
    assert!(net.connects.len() < 120, "{} attempts", net.connects.len());
    totals.connects += net.connects.len() as u64;
    totals.acked += device.acked.len() as u64;
    totals.lost += device.lost.len() as u64;
    totals.delivered += device.deliveries.len() as u64;
    totals.duplicates += delivered.values().filter(|times| **times > 1).count() as u64;
}

fn simulate_all(seeds: Range<u64>) -> Totals {
    let mut totals = Totals::default();
    for seed in seeds {
        let one = std::panic::AssertUnwindSafe(|| simulate(seed, &mut totals));
        if let Err(panic) = std::panic::catch_unwind(one) {
            eprintln!("the simulation with seed {seed} has failed");
            std::panic::resume_unwind(panic);
        }
    }
    totals
}

#[test]
fn messages_are_delivered_as_their_qos_promises() {
    let seeds = 10_000;
    let totals = simulate_all(0..seeds);
    // Checks that enough faults happened.
    assert!(
        totals.connects > seeds * 3 && totals.acked > seeds * 5 && totals.delivered > seeds * 3
    );
    assert!(
        totals.lost > seeds / 20 && totals.duplicates > seeds / 20,
        "{} {}",
        totals.lost,
        totals.duplicates
    );
}

/// Runs one simulation for each of many seeds. The environment variable `MQTT_SEEDS` sets the number of seeds; the
/// default is a million.
#[test]
#[ignore = "takes minutes"]
fn messages_are_delivered_as_their_qos_promises_over_a_million_seeds() {
    let seeds = std::env::var("MQTT_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    simulate_all(10_000..10_000 + seeds.unwrap_or(1_000_000));
}
