//! A broker with one client. It restarts, forgets sessions, resets connections in mid-packet, delays, and acknowledges
//! twice, as often as it is told; and it checks all that the client sends.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use fastrand::Rng;

use super::packet::{self, Connect, Packet, ack, connack, publish, suback, text};

/// What the broker does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Ends its stream.
    End,
    /// Resets the connection.
    Reset,
}

/// What it does one after the other, each after a time; none overtakes an earlier one.
pub type Reply = Vec<(Duration, Deed)>;

/// A message that subscribers get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its topic.
    pub topic: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// Its quality of service.
    pub qos: u8,
}

/// A message for the client.
#[derive(Clone, Debug)]
struct Outgoing {
    number: u32,
    topic: String,
    payload: Vec<u8>,
    qos: u8,
    /// Zero while it was not sent.
    id: u16,
    /// The client has it, with QoS 2.
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
    /// A filter, and the quality of service that is granted.
    subscription: Option<(String, u8)>,
    /// Identifiers of messages with QoS 2 that are not released.
    received: BTreeSet<u16>,
    outgoing: VecDeque<Outgoing>,
    last_id: u16,
}

/// What a broker allows.
#[derive(Clone, Copy)]
struct Limits {
    receive: u16,
    aliases: u16,
    /// 0 for none.
    longest: u32,
}

/// The broker.
pub struct Broker {
    rng: Rng,
    /// The version of the protocol that the client speaks, from its last CONNECT.
    level: u8,
    /// How often something goes wrong, in thousand packets.
    pub faults: u32,
    /// It takes no connections.
    pub is_away: bool,
    limits: Limits,
    session: Session,
    /// It takes connections again.
    back_at: Duration,
    bytes: Vec<u8>,
    is_up: bool,
    /// The connection is about to end: nothing is heard or said any more.
    is_deaf: bool,
    aliases: HashMap<u16, String>,
    /// What the client takes.
    client_receives: u16,
    keep_alive: Duration,
    heard_at: Duration,
    up_at: Duration,
    /// QoS > 0 that the client has under way on this connection.
    in_flight: BTreeMap<u16, u8>,
    /// Messages that were made for the client.
    made: u32,
    /// Messages for the client that were forgotten with a session.
    forgotten: BTreeSet<u32>,
    /// Messages of the client, in order; one that was delivered twice is there twice.
    deliveries: Vec<Delivery>,
    /// What is kept for later subscribers.
    retained: HashMap<String, Vec<u8>>,
    /// The topic and the payload of the will, and whether it is kept.
    will: Option<(String, Vec<u8>, bool)>,
    /// Wills that were published.
    pub wills: u32,
    /// Connections that were given up, since the client was silent.
    pub silences: u32,
}

/// Fails with a text unless something holds.
macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err(format!($($text)+));
        }
    };
}

impl Broker {
    /// Makes a broker that allows everything, and with which nothing goes wrong.
    pub fn new(rng: Rng) -> Self {
        Self {
            rng,
            level: 5,
            faults: 0,
            is_away: false,
            limits: Limits { receive: u16::MAX, aliases: 0, longest: 0 },
            session: Session::default(),
            back_at: Duration::ZERO,
            bytes: Vec::new(),
            is_up: false,
            is_deaf: false,
            aliases: HashMap::new(),
            client_receives: u16::MAX,
            keep_alive: Duration::ZERO,
            heard_at: Duration::ZERO,
            up_at: Duration::ZERO,
            in_flight: BTreeMap::new(),
            made: 0,
            forgotten: BTreeSet::new(),
            deliveries: Vec::new(),
            retained: HashMap::new(),
            will: None,
            wills: 0,
            silences: 0,
        }
    }

    /// Sets limits by chance, which a client of version 5 is told.
    #[must_use]
    pub fn limited(mut self) -> Self {
        let Self { rng, limits, .. } = &mut self;
        *limits =
            Limits { receive: rng.u16(1..5), aliases: rng.u16(0..3), longest: rng.u32(60..200) };
        self
    }

    /// Returns the messages that the client has published, in the order of delivery.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Returns how many messages were made for the client.
    pub fn made(&self) -> u32 {
        self.made
    }

    /// Returns whether a message for the client was forgotten with a session.
    pub fn has_forgotten(&self, number: u32) -> bool {
        self.forgotten.contains(&number)
    }

    /// Returns what the client has subscribed to, if it has.
    pub fn subscription(&self) -> Option<&str> {
        self.session.subscription.as_ref().map(|(filter, _)| &**filter)
    }

    /// Returns what is kept for later subscribers of a topic.
    pub fn retained(&self, topic: &str) -> Option<&[u8]> {
        self.retained.get(topic).map(|payload| &**payload)
    }

    /// Returns whether a client is connected.
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// Returns whether there is something to publish when the client is gone.
    pub fn has_will(&self) -> bool {
        self.will.is_some()
    }

    /// Returns how long a client has been connected.
    pub fn up_for(&self, now: Duration) -> Duration {
        if self.is_up { now.saturating_sub(self.up_at) } else { Duration::ZERO }
    }

    /// Returns how many messages the client has not acknowledged.
    pub fn outgoing(&self) -> usize {
        self.session.outgoing.len()
    }

    fn goes_wrong(&mut self) -> bool {
        self.rng.u32(0..1_000) < self.faults
    }

    /// Forgets the session.
    pub fn forget(&mut self) {
        let lost = self.session.outgoing.iter().map(|message| message.number);
        self.forgotten.extend(lost);
        self.session = Session::default();
    }

    /// Restarts, or not: the next connection is taken later, perhaps without the session.
    fn fall(&mut self, now: Duration) {
        self.is_deaf = true;
        if self.rng.u8(0..4) == 0 {
            self.back_at = now + Duration::from_millis(self.rng.u64(0..20_000));
            if self.rng.bool() {
                self.forget();
            }
        }
    }

    /// Sends bytes, unless something goes wrong.
    fn say(&mut self, now: Duration, bytes: Vec<u8>, reply: &mut Reply) {
        if self.is_deaf {
            return;
        }
        let delay =
            Duration::from_millis(if self.goes_wrong() { self.rng.u64(0..3_000) } else { 2 });
        if self.goes_wrong() {
            let cut = self.rng.usize(0..bytes.len());
            reply.push((delay, Deed::Send(bytes[..cut].to_vec())));
            reply.push((delay, if self.rng.bool() { Deed::Reset } else { Deed::End }));
            self.fall(now);
            return;
        }
        reply.push((delay, Deed::Send(bytes)));
    }

    /// Returns whether it takes a connection.
    pub fn takes_calls(&self, now: Duration) -> bool {
        now >= self.back_at && !self.is_away
    }

    /// Takes bytes of the client.
    ///
    /// # Errors
    /// What the client did wrong.
    pub fn heard(&mut self, now: Duration, bytes: &[u8]) -> Result<Reply, String> {
        self.heard_at = now;
        let mut reply = Vec::new();
        self.bytes.extend(bytes);
        while !self.is_deaf
            && let Some(packet) = packet::try_next(&mut self.bytes, self.level)?
        {
            if self.goes_wrong() {
                // It never sees this one.
                reply.push((Duration::ZERO, Deed::Reset));
                self.fall(now);
                break;
            }
            self.answer(now, &packet, &mut reply)?;
        }
        Ok(reply)
    }

    /// Returns when it gives the client up unless it hears from it (3.1.2.10).
    pub fn gives_up_at(&self) -> Option<Duration> {
        let has_limit = self.is_up && !self.is_deaf && !self.keep_alive.is_zero();
        has_limit.then(|| self.heard_at + self.keep_alive * 3 / 2)
    }

    /// Gives the client up: the connection is to be reset.
    pub fn gives_up(&mut self) {
        self.silences += 1;
        self.is_deaf = true;
    }

    fn answer(&mut self, now: Duration, packet: &Packet, reply: &mut Reply) -> Result<(), String> {
        let is_first = matches!(packet, Packet::Connect(_));
        ensure!(is_first != self.is_up, "{packet:?}, and the client is up: {}", self.is_up);
        // The client knows of the session that was made anew. If it did not when the connection ended, no client
        // could tell the next time that this is another session than its own.
        self.session.exists |= !is_first;
        match packet {
            Packet::Connect(connect) => self.greet(now, connect, reply),
            Packet::Publish(publish) => self.take(now, publish, reply)?,
            Packet::Ack(4, id, 0) => {
                let held = &mut self.session.outgoing;
                let place = held.iter().position(|message| message.id == *id && message.sent);
                let place = place.filter(|place| held[*place].qos == 1);
                let place = place.ok_or(format!("a PUBACK for {id}, which was not sent"))?;
                held.remove(place);
                self.push(now, reply);
            }
            Packet::Ack(5, id, 0) => {
                let held = &mut self.session.outgoing;
                let message = held.iter_mut().find(|message| message.id == *id);
                let message = message.filter(|message| message.qos == 2);
                let message = message.ok_or(format!("a PUBREC for {id}, which was not sent"))?;
                message.is_received = true;
                self.say_ack(now, 0x62, *id, reply);
            }
            Packet::Ack(6, id, _) => {
                self.session.received.remove(id);
                self.in_flight.remove(id);
                self.say_ack(now, 0x70, *id, reply);
            }
            Packet::Ack(7, id, _) => {
                // The second PUBREL of two is of nothing any more.
                let held = &mut self.session.outgoing;
                let place = held.iter().position(|message| message.id == *id);
                if let Some(place) = place.filter(|place| held[*place].is_received) {
                    held.remove(place);
                }
                self.push(now, reply);
            }
            Packet::Subscribe(id, filter, options) => {
                let qos = options & 3;
                ensure!(qos < 3, "a SUBSCRIBE with a QoS of {qos}");
                self.session.subscription = Some((filter.clone(), qos));
                self.say(now, suback(self.level, 0x90, *id, qos), reply);
                self.push(now, reply);
            }
            Packet::Ping => self.say(now, vec![0xD0, 0], reply),
            Packet::Disconnect(_) => {
                // There is no will after a goodbye.
                self.will = None;
                self.is_deaf = true;
                reply.push((Duration::ZERO, Deed::End));
            }
            other => return Err(format!("{other:?}")),
        }
        Ok(())
    }

    fn greet(&mut self, now: Duration, connect: &Connect, reply: &mut Reply) {
        self.level = connect.level;
        (self.is_up, self.up_at) = (true, now);
        self.keep_alive = Duration::from_secs(connect.keep_alive.into());
        self.client_receives = connect.receive_maximum;
        self.will = connect
            .will
            .as_ref()
            .map(|(topic, payload, _, retain, _)| (topic.clone(), payload.clone(), *retain));
        let present = self.session.exists && !connect.clean;
        if !present {
            self.forget();
        }
        let Limits { receive, aliases, longest } = self.limits();
        let mut properties = Vec::new();
        if receive < u16::MAX {
            properties.push(0x21);
            properties.extend(receive.to_be_bytes());
        }
        if aliases > 0 {
            properties.push(0x22);
            properties.extend(aliases.to_be_bytes());
        }
        if longest > 0 {
            properties.push(0x27);
            properties.extend(longest.to_be_bytes());
        }
        self.say(now, connack(self.level, present, 0, &properties), reply);
        self.push(now, reply);
    }

    /// Returns the limits that hold: a client of 3.1.1 cannot be told any.
    fn limits(&self) -> Limits {
        match self.level {
            5 => self.limits,
            _ => Limits { receive: u16::MAX, aliases: 0, longest: 0 },
        }
    }

    /// Sends an acknowledgement, sometimes twice.
    fn say_ack(&mut self, now: Duration, first: u8, id: u16, reply: &mut Reply) {
        self.say(now, ack(first, id), reply);
        if self.goes_wrong() {
            self.say(now, ack(first, id), reply);
        }
    }

    /// Takes a message of the client.
    fn take(
        &mut self,
        now: Duration,
        publish: &packet::Publish,
        reply: &mut Reply,
    ) -> Result<(), String> {
        let Limits { receive, aliases, longest } = self.limits();
        let topic = match (&*publish.topic, publish.alias) {
            (topic, 0) => topic.to_owned(),
            (topic, alias) => {
                ensure!(alias <= aliases, "an alias of {alias}");
                if !topic.is_empty() {
                    self.aliases.insert(alias, topic.to_owned());
                }
                self.aliases.get(&alias).cloned().ok_or(format!("the alias {alias} is unknown"))?
            }
        };
        // The text, its length, and what no packet does without.
        let least = text(&publish.topic).len() + publish.payload.len() + 3;
        ensure!(longest == 0 || least <= longest as usize, "a packet of {least} bytes or more");
        let (payload, qos) = (publish.payload.clone(), publish.qos);
        if publish.retain {
            self.retained.insert(topic.clone(), payload.clone());
        }
        let delivery = Delivery { topic, payload, qos };
        if qos == 0 {
            self.deliveries.push(delivery);
            return Ok(());
        }
        let is_new = self.in_flight.insert(publish.id, qos).is_none();
        ensure!(is_new, "{publish:?}: a packet is sent once on a connection");
        let under_way = self.in_flight.len();
        ensure!(under_way <= usize::from(receive), "{under_way} messages are under way");
        if qos == 1 {
            self.deliveries.push(delivery);
            self.in_flight.remove(&publish.id);
            self.say_ack(now, 0x40, publish.id, reply);
        } else {
            if self.session.received.insert(publish.id) {
                self.deliveries.push(delivery);
            }
            self.say_ack(now, 0x50, publish.id, reply);
        }
        Ok(())
    }

    /// Publishes a message for the client, and sends it if it can. Without a subscription it is forgotten. Messages have
    /// numbers from zero.
    pub fn publish(&mut self, now: Duration, topic: &str, payload: &[u8], qos: u8) -> Reply {
        let number = self.made;
        self.made += 1;
        let Some(granted) = self.session.subscription.as_ref().map(|(_, granted)| *granted) else {
            self.forgotten.insert(number);
            return Vec::new();
        };
        self.session.outgoing.push_back(Outgoing {
            number,
            topic: topic.to_owned(),
            payload: payload.to_vec(),
            qos: qos.min(granted),
            id: 0,
            is_received: false,
            again: false,
            sent: false,
        });
        let mut reply = Vec::new();
        if self.is_up {
            self.push(now, &mut reply);
        }
        reply
    }

    /// Sends messages to the client, as many as it takes.
    fn push(&mut self, now: Duration, reply: &mut Reply) {
        // In 3.1.1 the client cannot say; it has four places.
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
                let publication = packet::Publish {
                    topic: message.topic.clone(),
                    qos: message.qos,
                    id: message.id,
                    dup: message.again,
                    payload: message.payload.clone(),
                    ..packet::Publish::default()
                };
                publish(self.level, &publication)
            };
            self.say(now, bytes, reply);
        }
    }

    /// The connection is gone. Without a goodbye, the will is published.
    pub fn gone(&mut self) {
        if let Some((topic, payload, retain)) = self.will.take() {
            self.wills += 1;
            if retain {
                self.retained.insert(topic, payload);
            }
        }
        (self.is_up, self.is_deaf) = (false, false);
        self.bytes.clear();
        self.aliases.clear();
        self.in_flight.clear();
        for message in &mut self.session.outgoing {
            message.again |= message.sent;
            message.sent = false;
        }
    }
}
