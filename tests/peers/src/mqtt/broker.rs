//! A broker with one client. It injects faults, as often as a test sets: it restarts, forgets sessions, resets
//! connections within a packet, delays packets, and acknowledges twice. It checks all that the client sends.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use fastrand::Rng;

use super::packet::{self, Connect, Packet, ack, connack, publish, suback, text};

/// An action of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Ends its stream.
    End,
    /// Resets the connection.
    Reset,
}

/// The actions of the broker in order, each after a delay. No action overtakes an earlier one.
pub type Reply = Vec<(Duration, Deed)>;

/// A message that subscribers get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its topic.
    pub topic: String,
    /// Its payload.
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
    /// The packet identifier, or zero before the message is sent for the first time.
    id: u16,
    /// The client has received it and has sent a PUBREC (QoS 2).
    is_received: bool,
    /// It was sent on an earlier connection.
    again: bool,
    /// It was sent on this connection.
    sent: bool,
}

/// The state that outlives a connection.
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

/// The limits of a broker.
#[derive(Clone, Copy)]
struct Limits {
    receive: u16,
    aliases: u16,
    /// The maximum packet size, or 0 for no limit.
    longest: u32,
}

/// The broker.
pub struct Broker {
    rng: Rng,
    /// The version of the protocol that the client speaks, from its last CONNECT.
    level: u8,
    /// The probability of each fault, in thousandths.
    pub faults: u32,
    /// Whether it accepts no connections.
    pub is_away: bool,
    limits: Limits,
    session: Session,
    /// The time from which on it accepts connections again.
    back_at: Duration,
    bytes: Vec<u8>,
    is_up: bool,
    /// The connection is about to end: the broker reads and sends nothing more.
    is_deaf: bool,
    aliases: HashMap<u16, String>,
    /// How many unacknowledged messages the client accepts (its receive maximum).
    client_receives: u16,
    keep_alive: Duration,
    heard_at: Duration,
    up_at: Duration,
    /// The client's messages with QoS 1 or 2 that are not complete on this connection: their identifiers and QoS.
    in_flight: BTreeMap<u16, u8>,
    /// The number of messages that were made for the client.
    made: u32,
    /// The numbers of the messages for the client that were forgotten with a session.
    forgotten: BTreeSet<u32>,
    /// Messages of the client, in order. A message that was delivered twice is there twice.
    deliveries: Vec<Delivery>,
    /// The retained message of each topic, for later subscribers.
    retained: HashMap<String, Vec<u8>>,
    /// The topic and the payload of the will, and whether it is retained.
    will: Option<(String, Vec<u8>, bool)>,
    /// The number of wills that were published.
    pub wills: u32,
    /// The number of connections that the broker has ended, since the client was silent for too long.
    pub silences: u32,
}

/// Returns an error with a text unless a condition holds.
macro_rules! ensure {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err(format!($($text)+));
        }
    };
}

impl Broker {
    /// Makes a broker without limits and without faults.
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

    /// Sets random limits. A client of version 5 gets them in the CONNACK.
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

    /// Returns the filter that the client has subscribed to, or `None` if it has no subscription.
    pub fn subscription(&self) -> Option<&str> {
        self.session.subscription.as_ref().map(|(filter, _)| &**filter)
    }

    /// Returns the retained message of a topic, if there is one.
    pub fn retained(&self, topic: &str) -> Option<&[u8]> {
        self.retained.get(topic).map(|payload| &**payload)
    }

    /// Returns whether a client is connected.
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// Returns whether there is a will to publish when the client is gone.
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

    /// Stops reading and sending on this connection. Sometimes also restarts: the broker then accepts the next
    /// connection later, and may have forgotten the session.
    fn fall(&mut self, now: Duration) {
        self.is_deaf = true;
        if self.rng.u8(0..4) == 0 {
            self.back_at = now + Duration::from_millis(self.rng.u64(0..20_000));
            if self.rng.bool() {
                self.forget();
            }
        }
    }

    /// Sends bytes. A fault delays them, or sends only a part of them and ends the connection.
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

    /// Returns whether it accepts a connection now.
    pub fn takes_calls(&self, now: Duration) -> bool {
        now >= self.back_at && !self.is_away
    }

    /// Handles bytes from the client. Returns the reply.
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
                // The broker resets the connection and does not handle this packet.
                reply.push((Duration::ZERO, Deed::Reset));
                self.fall(now);
                break;
            }
            self.answer(now, &packet, &mut reply)?;
        }
        Ok(reply)
    }

    /// Returns the time at which it ends the connection unless the client sends something before (section 3.1.2.10 of
    /// the standard), or `None` if there is no such limit.
    pub fn gives_up_at(&self) -> Option<Duration> {
        let has_limit = self.is_up && !self.is_deaf && !self.keep_alive.is_zero();
        has_limit.then(|| self.heard_at + self.keep_alive * 3 / 2)
    }

    /// Ends the connection of a silent client. The caller must reset the connection.
    pub fn gives_up(&mut self) {
        self.silences += 1;
        self.is_deaf = true;
    }

    fn answer(&mut self, now: Duration, packet: &Packet, reply: &mut Reply) -> Result<(), String> {
        let is_first = matches!(packet, Packet::Connect(_));
        ensure!(is_first != self.is_up, "{packet:?}, and the client is up: {}", self.is_up);
        // The client has received the CONNACK, so it knows that the session is new. Before that, the session does not
        // count: if the connection ended, the client could not tell on its next connect that its old session is lost.
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
                // If the PUBREL was sent twice, the second PUBCOMP belongs to no message any more.
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
                // No will is published after a DISCONNECT.
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

    /// Returns the limits for this client. A client of 3.1.1 has no limits, since the protocol cannot report them.
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

    /// Handles a message of the client.
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
        // The topic with its length, the payload, and three bytes that every packet has.
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

    /// Publishes a message for the client, and sends it if possible. Without a subscription, the message is forgotten.
    /// Messages are numbered from zero.
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

    /// Sends messages to the client, as many as it accepts.
    fn push(&mut self, now: Duration, reply: &mut Reply) {
        // A client of 3.1.1 cannot report its limit. The client of the tests has room for four messages.
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

    /// Handles the end of the connection. Publishes the will, unless the client has sent a DISCONNECT.
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
