//! A model of a broker that restarts, forgets sessions, resets connections in mid-packet, delays and sends twice; and a
//! device that publishes to it and subscribes, over many seeds.
//!
//! While there are faults, the model checks what the client sends. After them, all has to come to its end:
//!
//! * what the application was told is acknowledged, the broker has; with QoS 2 once, always at most once;
//! * what the broker has not forgotten, the application has seen; with QoS 2 once, always at most once;
//! * first deliveries come in the order in which they were published;
//! * attempts to connect are as far apart as the back-off says; the base and the client hold what they held at first.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use fastrand::Rng;
use picoevent::{Cx, EventBase, EventMut, Instant, Pool, Storage};
use picoevent_mqtt::{
    self as mqtt, Client, ClientMut, HasMqtt, Message, MqttEvent, Options, Publish, PublishError,
    Qos, Subscription, Version,
};

use super::packet::{self, Packet, ack, connack, publish, suback};
use super::world::{Deed, Peer, World};

/// A message that the broker has for the device.
#[derive(Clone, Debug)]
struct Outgoing {
    number: u32,
    qos: u8,
    /// Zero while it was not sent.
    id: u16,
    /// The device has it, with QoS 2.
    is_received: bool,
    /// It was sent on an earlier connection.
    again: bool,
    /// It was sent on this connection.
    sent: bool,
}

/// What outlives a connection.
#[derive(Default)]
struct Session {
    exists: bool,
    is_subscribed: bool,
    /// Identifiers of messages with QoS 2 that are not released.
    received: BTreeSet<u16>,
    outgoing: VecDeque<Outgoing>,
    last_id: u16,
}

/// The broker.
struct Broker {
    rng: Rng,
    level: u8,
    /// How often something goes wrong, in thousand packets.
    faults: u32,
    session: Session,
    is_away: bool,
    /// It takes connections again.
    back_at: Instant,
    bytes: Vec<u8>,
    is_up: bool,
    /// The connection is about to end: nothing is heard or said any more.
    is_deaf: bool,
    receive_maximum: u16,
    alias_maximum: u16,
    aliases: HashMap<u16, String>,
    longest: u32,
    /// What the client takes.
    client_receives: u16,
    keep_alive: Duration,
    heard_at: Instant,
    /// QoS > 0 that the client has under way on this connection.
    in_flight: BTreeMap<u16, u8>,
    /// When the next message for the device is made.
    next_at: Instant,
    made: u32,
    most: u32,
    /// How often each of the device's messages was delivered, and the order of first deliveries.
    delivered: HashMap<u32, u32>,
    order: [Vec<u32>; 2],
    /// Messages for the device that were forgotten with a session.
    forgotten: BTreeSet<u32>,
    qos_of: HashMap<u32, u8>,
}

/// A payload of the number and some more bytes, and its number.
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

impl Broker {
    fn new(mut rng: Rng, level: u8) -> Self {
        let limits = rng.bool() && level == 5;
        Self {
            faults: rng.u32(5..120),
            level,
            session: Session::default(),
            is_away: false,
            back_at: Instant::ZERO,
            bytes: Vec::new(),
            is_up: false,
            is_deaf: false,
            receive_maximum: if limits { rng.u16(1..5) } else { u16::MAX },
            alias_maximum: if limits { rng.u16(0..3) } else { 0 },
            aliases: HashMap::new(),
            longest: if limits { rng.u32(60..200) } else { 0 },
            client_receives: u16::MAX,
            keep_alive: Duration::ZERO,
            heard_at: Instant::ZERO,
            in_flight: BTreeMap::new(),
            next_at: Instant::ZERO.after(Duration::from_secs(1)),
            made: 0,
            most: rng.u32(5..25),
            delivered: HashMap::new(),
            order: [const { Vec::new() }; 2],
            forgotten: BTreeSet::new(),
            qos_of: HashMap::new(),
            rng,
        }
    }

    fn goes_wrong(&mut self) -> bool {
        self.rng.u32(0..1_000) < self.faults
    }

    fn forget(&mut self) {
        let lost = self.session.outgoing.iter().map(|message| message.number);
        self.forgotten.extend(lost);
        self.session = Session::default();
    }

    /// Restarts, or not: the next connection is taken later, perhaps without the session.
    fn fall(&mut self, now: Instant) {
        self.is_deaf = true;
        if self.rng.u8(0..4) == 0 {
            self.back_at = now.after(Duration::from_millis(self.rng.u64(0..20_000)));
            if self.rng.bool() {
                self.forget();
            }
        }
    }

    /// Sends bytes, unless something goes wrong.
    fn say(&mut self, now: Instant, bytes: Vec<u8>, deeds: &mut Vec<(Duration, Deed)>) {
        if self.is_deaf {
            return;
        }
        let delay =
            Duration::from_millis(if self.goes_wrong() { self.rng.u64(0..3_000) } else { 2 });
        if self.goes_wrong() {
            let cut = self.rng.usize(0..bytes.len());
            deeds.push((delay, Deed::Send(bytes[..cut].to_vec())));
            deeds.push((delay, if self.rng.bool() { Deed::Reset } else { Deed::End }));
            self.fall(now);
            return;
        }
        deeds.push((delay, Deed::Send(bytes)));
    }

    fn answer(&mut self, now: Instant, packet: &Packet, deeds: &mut Vec<(Duration, Deed)>) {
        // The client knows of the session that was made anew. If it did not when the connection ended, no client
        // could tell the next time that this is another session than its own.
        self.session.exists |= !matches!(packet, Packet::Connect(_));
        match packet {
            Packet::Connect(connect) => {
                assert!(!self.is_up, "a second CONNECT");
                assert_eq!(connect.level, self.level);
                self.is_up = true;
                self.keep_alive = Duration::from_secs(connect.keep_alive.into());
                self.client_receives = connect.receive_maximum;
                let present = self.session.exists && !connect.clean;
                if !present {
                    self.forget();
                }
                let mut properties = Vec::new();
                if self.receive_maximum < u16::MAX {
                    properties.push(0x21);
                    properties.extend(self.receive_maximum.to_be_bytes());
                }
                if self.alias_maximum > 0 {
                    properties.push(0x22);
                    properties.extend(self.alias_maximum.to_be_bytes());
                }
                if self.longest > 0 {
                    properties.push(0x27);
                    properties.extend(self.longest.to_be_bytes());
                }
                self.say(now, connack(self.level, present, 0, &properties), deeds);
                self.push(now, deeds);
            }
            Packet::Publish(publish) => self.take(now, publish, deeds),
            Packet::Ack(4, id, 0) => {
                let held = &mut self.session.outgoing;
                let place = held.iter().position(|message| message.id == *id && message.sent);
                let place = place.expect("an acknowledgement of what was sent");
                assert_eq!(held[place].qos, 1);
                held.remove(place);
                self.push(now, deeds);
            }
            Packet::Ack(5, id, 0) => {
                let held = &mut self.session.outgoing;
                let message = held.iter_mut().find(|message| message.id == *id).unwrap();
                assert_eq!(message.qos, 2);
                message.is_received = true;
                self.say_ack(now, 0x62, *id, deeds);
            }
            Packet::Ack(6, id, _) => {
                self.session.received.remove(id);
                self.in_flight.remove(id);
                self.say_ack(now, 0x70, *id, deeds);
            }
            Packet::Ack(7, id, reason) => {
                // The second PUBREL of two is of nothing any more.
                let held = &mut self.session.outgoing;
                let place = held.iter().position(|message| message.id == *id);
                assert!(place.is_some() || *reason != 0 || self.level == 4 || self.faults > 0);
                if let Some(place) = place.filter(|place| held[*place].is_received) {
                    held.remove(place);
                }
                self.push(now, deeds);
            }
            Packet::Subscribe(id, filter, qos) => {
                assert_eq!((&**filter, qos & 3), ("in/#", 2));
                self.session.is_subscribed = true;
                self.say(now, suback(self.level, 0x90, *id, 2), deeds);
                self.push(now, deeds);
            }
            Packet::Ping => self.say(now, vec![0xD0, 0], deeds),
            other => panic!("{other:?}"),
        }
    }

    /// Sends an acknowledgement, sometimes twice.
    fn say_ack(&mut self, now: Instant, first: u8, id: u16, deeds: &mut Vec<(Duration, Deed)>) {
        self.say(now, ack(first, id), deeds);
        if self.goes_wrong() {
            self.say(now, ack(first, id), deeds);
        }
    }

    /// Takes a message of the device.
    fn take(&mut self, now: Instant, publish: &packet::Publish, deeds: &mut Vec<(Duration, Deed)>) {
        let topic = match (&*publish.topic, publish.alias) {
            (topic, 0) => topic.to_owned(),
            (topic, alias) => {
                assert!(alias <= self.alias_maximum);
                if !topic.is_empty() {
                    self.aliases.insert(alias, topic.to_owned());
                }
                self.aliases[&alias].clone()
            }
        };
        let number = number_of(&publish.payload);
        assert_eq!(topic, topic_of(number));
        let deliver = |this: &mut Self| {
            let times = this.delivered.entry(number).or_default();
            *times += 1;
            if *times == 1 && publish.qos > 0 {
                this.order[usize::from(publish.qos) - 1].push(number);
            }
        };
        if publish.qos == 0 {
            return deliver(self);
        }
        let is_new = self.in_flight.insert(publish.id, publish.qos).is_none();
        assert!(is_new, "{publish:?}: a packet is sent once on a connection");
        assert!(self.in_flight.len() <= usize::from(self.receive_maximum));
        if publish.qos == 1 {
            deliver(self);
            self.in_flight.remove(&publish.id);
            self.say_ack(now, 0x40, publish.id, deeds);
        } else {
            if self.session.received.insert(publish.id) {
                deliver(self);
            }
            self.say_ack(now, 0x50, publish.id, deeds);
        }
    }

    /// Sends messages to the device, as many as it takes.
    fn push(&mut self, now: Instant, deeds: &mut Vec<(Duration, Deed)>) {
        // In 3.1.1 the device cannot say; it has four places.
        let most = self.client_receives.min(4);
        for place in 0..self.session.outgoing.len() {
            if self.is_deaf {
                return;
            }
            let sent = self.session.outgoing.iter().filter(|message| message.sent).count();
            if sent >= usize::from(most) {
                return;
            }
            if self.session.outgoing[place].sent {
                continue;
            }
            if self.session.outgoing[place].id == 0 {
                let used: BTreeSet<_> = self.session.outgoing.iter().map(|held| held.id).collect();
                let id = loop {
                    self.session.last_id = self.session.last_id % 9 + 1;
                    if !used.contains(&self.session.last_id) {
                        break self.session.last_id;
                    }
                };
                self.session.outgoing[place].id = id;
            }
            let message = &mut self.session.outgoing[place];
            message.sent = true;
            let bytes = if message.is_received {
                ack(0x62, message.id)
            } else {
                let length = message.number as usize * 37 % 150;
                publish(
                    self.level,
                    &packet::Publish {
                        topic: format!("in/{}", message.number),
                        qos: message.qos,
                        id: message.id,
                        dup: message.again,
                        payload: payload(message.number, length),
                        ..packet::Publish::default()
                    },
                )
            };
            self.say(now, bytes, deeds);
        }
    }
}

impl Peer for Broker {
    fn called(&mut self, now: Instant) -> bool {
        now >= self.back_at && !self.is_away
    }

    fn heard(&mut self, now: Instant, bytes: &[u8]) -> Vec<(Duration, Deed)> {
        let silence = now.since(self.heard_at);
        let limit = self.keep_alive + Duration::from_millis(10);
        assert!(!self.is_up || silence <= limit, "silent for {silence:?}");
        self.heard_at = now;
        let mut deeds = Vec::new();
        self.bytes.extend(bytes);
        while !self.is_deaf
            && let Some(packet) = packet::next(&mut self.bytes, self.level)
        {
            if self.goes_wrong() {
                // It never sees this one.
                deeds.push((Duration::ZERO, Deed::Reset));
                self.fall(now);
                break;
            }
            self.answer(now, &packet, &mut deeds);
        }
        deeds
    }

    fn gone(&mut self) {
        (self.is_up, self.is_deaf) = (false, false);
        self.bytes.clear();
        self.aliases.clear();
        self.in_flight.clear();
        for message in &mut self.session.outgoing {
            message.again |= message.sent;
            message.sent = false;
        }
    }

    fn next(&self) -> Instant {
        if self.made < self.most { self.next_at } else { Instant::MAX }
    }

    fn due(&mut self, now: Instant) -> Vec<(Duration, Deed)> {
        self.next_at = now.after(Duration::from_millis(self.rng.u64(1..8_000)));
        let number = self.made;
        self.made += 1;
        if !self.session.is_subscribed {
            self.forgotten.insert(number);
            return Vec::new();
        }
        let qos = self.rng.u8(1..3);
        self.qos_of.insert(number, qos);
        self.session.outgoing.push_back(Outgoing {
            number,
            qos,
            id: 0,
            is_received: false,
            again: false,
            sent: false,
        });
        let mut deeds = Vec::new();
        if self.is_up {
            self.push(now, &mut deeds);
        }
        deeds
    }
}

fn topic_of(number: u32) -> String {
    format!("out/{}", number % 3)
}

/// The device: it publishes, and counts what it hears.
struct Device {
    mqtt: Client<Device, 5, 200, 1>,
    version: Version,
    rng: Rng,
    made: u32,
    most: u32,
    is_full: bool,
    /// Numbers, by the identifier under which they are under way.
    under_way: HashMap<u16, (u32, Qos)>,
    acked: Vec<(u32, Qos)>,
    lost: Vec<u32>,
    subscription: Option<mqtt::PacketId>,
    /// How often each message was seen in full, and the order.
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
        // The broker has kept the session of a subscription that was acknowledged.
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
                // A message with QoS 0 is lost then.
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

fn is_sorted(numbers: &[u32]) -> bool {
    numbers.is_sorted()
}

/// What a simulation has come to, for the test that nothing is tested by chance.
#[derive(Default)]
struct Sum {
    connects: u64,
    acked: u64,
    lost: u64,
    seen: u64,
    again: u64,
}

/// A day with a broker that comes and goes: nothing grows, and no attempt comes too early.
#[test]
fn a_day_takes_no_more_than_an_hour() {
    let mut storage = Storage::<Device, 4, 1, 256, 0, 1>::new();
    let mut base = EventBase::new(&mut storage);
    base.seed(&[5; 32]);
    let mut rng = Rng::with_seed(24);
    let mut broker = Broker::new(rng.fork(), 5);
    (broker.faults, broker.most) = (40, 20_000);
    let (mut device, mut net) = (Device::new(rng, Version::V5, u32::MAX), World::new(broker));
    device.start(&mut base);
    let mut most = (0, 0);
    for hour in 0..24 {
        net.run_for(&mut base, &mut device, 3_600);
        // Away for half an hour at times.
        net.peer.is_away = hour % 4 == 3;
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
    // On average no more than one attempt in the shortest delay, and while the broker is away one a minute.
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
    let broker = Broker::new(rng.fork(), if version == Version::V5 { 5 } else { 4 });
    let mut net = World::new(broker);
    net.chunk = rng.usize(1..200);
    device.start(&mut base);
    net.run_for(&mut base, &mut device, 120);
    // Nothing goes wrong any more.
    net.peer.faults = 0;
    net.run_for(&mut base, &mut device, 200);

    assert!(device.mqtt().is_up(), "it is up when the broker is");
    assert!(!device.is_full && device.made == device.most, "room is an event");
    assert!(device.under_way.is_empty(), "all has come to its end: {:?}", device.under_way);
    assert_eq!(device.mqtt().used(), 1, "the subscription");
    assert_eq!(device.mqtt().stored(), "in/#".len() + 1);
    let times = |number: &u32| net.peer.delivered.get(number).copied().unwrap_or(0);
    for (number, qos) in &device.acked {
        let times = times(number);
        assert!(times == 1 || times > 1 && *qos == Qos::One, "{number}, {qos:?}: {times} times");
    }
    for number in &device.lost {
        assert!(times(number) <= 1, "{number} with QoS 2 came {} times", times(number));
    }
    assert!(net.peer.order.iter().all(|order| is_sorted(order)), "{:?}", net.peer.order);
    for number in 0..net.peer.made {
        let times = device.seen.get(&number).copied().unwrap_or(0);
        let qos = net.peer.qos_of.get(&number).copied().unwrap_or(0);
        assert!(times <= 1 || qos == 1, "{number} with QoS {qos} came {times} times");
        assert!(times > 0 || net.peer.forgotten.contains(&number), "{number} is lost");
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
    sum.again += net.peer.delivered.values().filter(|times| **times > 1).count() as u64;
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
    // Enough has gone wrong.
    assert!(sum.connects > seeds * 3 && sum.acked > seeds * 5 && sum.seen > seeds * 3);
    assert!(sum.lost > seeds / 20 && sum.again > seeds / 20, "{} {}", sum.lost, sum.again);
}

/// As many seeds as `MQTT_SEEDS` says, a million otherwise.
#[test]
#[ignore = "takes minutes"]
fn nothing_is_lost_or_doubled_over_a_million_seeds() {
    let seeds = std::env::var("MQTT_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    sweep(10_000..10_000 + seeds.unwrap_or(1_000_000));
}
