//! A broker with one client. The broker checks everything that the client sends. It also injects faults with a
//! probability that a test sets: it restarts, forgets sessions, ends connections in the middle of a packet, delays
//! packets, and acknowledges twice.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use fastrand::Rng;

use super::packet::{self, Connect, Packet, ack, connack, publish, suback, text};

/// An action of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerAction {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Ends the broker's stream.
    End,
    /// Resets the connection.
    Reset,
}

/// The actions of the broker in order, each with a delay. No action overtakes an earlier action.
pub type Reply = Vec<(Duration, BrokerAction)>;

/// A message that subscribers get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The topic of the message.
    pub topic: String,
    /// The payload of the message.
    pub payload: Vec<u8>,
    /// The quality of service of the message.
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
    /// The client has received the message and has sent a PUBREC (QoS 2).
    is_received: bool,
    /// The message was sent on an earlier connection.
    is_retransmission: bool,
    /// The message was sent on this connection.
    is_sent: bool,
}

/// The state that is kept after a connection has ended.
#[derive(Default)]
struct Session {
    exists: bool,
    /// The topic filter of the client's subscription, and the granted quality of service.
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
    /// The protocol version of the client's last CONNECT: 4 for 3.1.1, 5 for 5.0.
    level: u8,
    /// The probability of each fault, in thousandths.
    pub faults_per_thousand: u32,
    /// Whether the broker refuses all connections.
    pub is_unreachable: bool,
    limits: Limits,
    session: Session,
    /// The broker accepts no connections before this time.
    accepts_from: Duration,
    bytes: Vec<u8>,
    is_up: bool,
    /// Whether the connection is about to end, so that the broker no longer reads or sends.
    is_ending: bool,
    aliases: HashMap<u16, String>,
    /// The maximum number of unacknowledged messages that the client accepts (its receive maximum).
    client_receive_maximum: u16,
    keep_alive: Duration,
    received_at: Duration,
    up_at: Duration,
    /// The identifier and the QoS of each message with QoS 1 or 2 that the client has sent on this connection and that
    /// is not complete.
    in_flight: BTreeMap<u16, u8>,
    /// The number of messages that were published for the client.
    published: u32,
    /// The numbers ([`Outgoing::number`]) of messages that the broker has lost. A message for the client is lost if the
    /// broker forgets the session, or if the client has no subscription.
    lost: BTreeSet<u32>,
    /// The messages that the client has published, in order. If a message was delivered twice, the list contains the
    /// message twice.
    deliveries: Vec<Delivery>,
    /// The retained message of each topic, for later subscribers.
    retained: HashMap<String, Vec<u8>>,
    /// The topic and the payload of the will, and whether the will is retained.
    will: Option<(String, Vec<u8>, bool)>,
    /// The number of wills that were published.
    pub wills: u32,
    /// The number of connections that the broker has ended because the client was silent for too long.
    pub timeouts: u32,
}

/// If a condition does not hold, returns an error with the given text.
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
            faults_per_thousand: 0,
            is_unreachable: false,
            limits: Limits { receive: u16::MAX, aliases: 0, longest: 0 },
            session: Session::default(),
            accepts_from: Duration::ZERO,
            bytes: Vec::new(),
            is_up: false,
            is_ending: false,
            aliases: HashMap::new(),
            client_receive_maximum: u16::MAX,
            keep_alive: Duration::ZERO,
            received_at: Duration::ZERO,
            up_at: Duration::ZERO,
            in_flight: BTreeMap::new(),
            published: 0,
            lost: BTreeSet::new(),
            deliveries: Vec::new(),
            retained: HashMap::new(),
            will: None,
            wills: 0,
            timeouts: 0,
        }
    }

    /// Sets random limits. A client of version 5 gets these limits in the CONNACK.
    #[must_use]
    pub fn with_random_limits(mut self) -> Self {
        let Self { rng, limits, .. } = &mut self;
        *limits =
            Limits { receive: rng.u16(1..5), aliases: rng.u16(0..3), longest: rng.u32(60..200) };
        self
    }

    /// Returns the messages that the client has published, in the order of delivery.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Returns the number of messages that were published for the client.
    pub fn published(&self) -> u32 {
        self.published
    }

    /// Returns whether the broker has lost this message for the client.
    pub fn has_lost(&self, number: u32) -> bool {
        self.lost.contains(&number)
    }

    /// Returns the filter that the client has subscribed to, or `None` if the client has no subscription.
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

    /// Returns whether the broker holds a will message, which it publishes when the client is gone.
    pub fn has_will(&self) -> bool {
        self.will.is_some()
    }

    /// Returns the time since a client has connected, or zero if no client is connected.
    pub fn up_for(&self, now: Duration) -> Duration {
        if self.is_up { now.saturating_sub(self.up_at) } else { Duration::ZERO }
    }

    /// Returns the number of messages that the client has not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.session.outgoing.len()
    }

    fn injects_fault(&mut self) -> bool {
        self.rng.u32(0..1_000) < self.faults_per_thousand
    }

    /// Forgets the session.
    pub fn lose_session(&mut self) {
        let lost = self.session.outgoing.iter().map(|message| message.number);
        self.lost.extend(lost);
        self.session = Session::default();
    }

    /// Stops reading and sending on this connection. Sometimes the broker also restarts. After a restart, the broker
    /// accepts the next connection only later, and may have forgotten the session.
    fn fail(&mut self, now: Duration) {
        self.is_ending = true;
        if self.rng.u8(0..4) == 0 {
            self.accepts_from = now + Duration::from_millis(self.rng.u64(0..20_000));
            if self.rng.bool() {
                self.lose_session();
            }
        }
    }

    /// Sends bytes. A fault may delay the bytes, or send only a part of the bytes and end the connection.
    fn send(&mut self, now: Duration, bytes: Vec<u8>, reply: &mut Reply) {
        if self.is_ending {
            return;
        }
        let delay =
            Duration::from_millis(if self.injects_fault() { self.rng.u64(0..3_000) } else { 2 });
        if self.injects_fault() {
            let cut = self.rng.usize(0..bytes.len());
            reply.push((delay, BrokerAction::Send(bytes[..cut].to_vec())));
            reply.push((
                delay,
                if self.rng.bool() { BrokerAction::Reset } else { BrokerAction::End },
            ));
            self.fail(now);
            return;
        }
        reply.push((delay, BrokerAction::Send(bytes)));
    }

    /// Returns whether the broker accepts a connection now.
    pub fn accepts(&self, now: Duration) -> bool {
        now >= self.accepts_from && !self.is_unreachable
    }

    /// Handles bytes from the client. Returns the reply.
    ///
    /// # Errors
    /// The violation of the protocol by the client.
    pub fn receive(&mut self, now: Duration, bytes: &[u8]) -> Result<Reply, String> {
        self.received_at = now;
        let mut reply = Vec::new();
        self.bytes.extend(bytes);
        while !self.is_ending
            && let Some(packet) = packet::try_next(&mut self.bytes, self.level)?
        {
            if self.injects_fault() {
                // The broker resets the connection and does not handle this packet.
                reply.push((Duration::ZERO, BrokerAction::Reset));
                self.fail(now);
                break;
            }
            self.handle_packet(now, &packet, &mut reply)?;
        }
        Ok(reply)
    }

    /// Returns the time at which the broker ends the connection, or `None` if there is no time limit. The time is moved
    /// forward whenever the client sends something (section 3.1.2.10 of the standard).
    pub fn timeout_at(&self) -> Option<Duration> {
        let has_limit = self.is_up && !self.is_ending && !self.keep_alive.is_zero();
        has_limit.then(|| self.received_at + self.keep_alive * 3 / 2)
    }

    /// Ends the connection of a silent client. The caller must reset the connection.
    pub fn time_out(&mut self) {
        self.timeouts += 1;
        self.is_ending = true;
    }

    fn handle_packet(
        &mut self,
        now: Duration,
        packet: &Packet,
        reply: &mut Reply,
    ) -> Result<(), String> {
        let is_first = matches!(packet, Packet::Connect(_));
        ensure!(is_first != self.is_up, "{packet:?} before the CONNECT, or a second CONNECT");
        // A packet after the CONNECT shows that the client has received the CONNACK, so the client knows that its
        // session is new. Before this packet, the session must not count as present: if the CONNACK was lost, the next
        // CONNACK would report a present session, and the client would not notice that its old session is lost.
        self.session.exists |= !is_first;
        match packet {
            Packet::Connect(connect) => self.handle_connect(now, connect, reply),
            Packet::Publish(publish) => self.handle_publish(now, publish, reply)?,
            Packet::Ack(4, id, 0) => {
                let outgoing = &mut self.session.outgoing;
                let index =
                    outgoing.iter().position(|message| message.id == *id && message.is_sent);
                let index = index.filter(|index| outgoing[*index].qos == 1);
                let index = index.ok_or(format!(
                    "a PUBACK for {id}, but no message with QoS 1 has this identifier"
                ))?;
                outgoing.remove(index);
                self.send_messages(now, reply);
            }
            Packet::Ack(5, id, 0) => {
                let outgoing = &mut self.session.outgoing;
                let message = outgoing.iter_mut().find(|message| message.id == *id);
                let message = message.filter(|message| message.qos == 2);
                let message = message.ok_or(format!(
                    "a PUBREC for {id}, but no message with QoS 2 has this identifier"
                ))?;
                message.is_received = true;
                self.send_ack(now, 0x62, *id, reply);
            }
            Packet::Ack(6, id, _) => {
                self.session.received.remove(id);
                self.in_flight.remove(id);
                self.send_ack(now, 0x70, *id, reply);
            }
            Packet::Ack(7, id, _) => {
                // If the PUBREL was sent twice, the client sends two PUBCOMPs. The first PUBCOMP has already removed
                // the message.
                let outgoing = &mut self.session.outgoing;
                let index = outgoing.iter().position(|message| message.id == *id);
                if let Some(index) = index.filter(|index| outgoing[*index].is_received) {
                    outgoing.remove(index);
                }
                self.send_messages(now, reply);
            }
            Packet::Subscribe(id, filter, options) => {
                let qos = options & 3;
                ensure!(qos < 3, "a SUBSCRIBE requests QoS {qos}");
                self.session.subscription = Some((filter.clone(), qos));
                self.send(now, suback(self.level, 0x90, *id, qos), reply);
                self.send_messages(now, reply);
            }
            Packet::Ping => self.send(now, vec![0xD0, 0], reply),
            Packet::Disconnect(_) => {
                // No will is published after a DISCONNECT.
                self.will = None;
                self.is_ending = true;
                reply.push((Duration::ZERO, BrokerAction::End));
            }
            other => return Err(format!("unexpected packet: {other:?}")),
        }
        Ok(())
    }

    fn handle_connect(&mut self, now: Duration, connect: &Connect, reply: &mut Reply) {
        self.level = connect.level;
        (self.is_up, self.up_at) = (true, now);
        self.keep_alive = Duration::from_secs(connect.keep_alive.into());
        self.client_receive_maximum = connect.receive_maximum;
        self.will = connect
            .will
            .as_ref()
            .map(|(topic, payload, _, retain, _)| (topic.clone(), payload.clone(), *retain));
        let present = self.session.exists && !connect.clean;
        if !present {
            self.lose_session();
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
        self.send(now, connack(self.level, present, 0, &properties), reply);
        self.send_messages(now, reply);
    }

    /// Returns the limits for this client. A client of 3.1.1 has no limits, because a broker cannot report its limits
    /// in this version of the protocol.
    fn limits(&self) -> Limits {
        match self.level {
            5 => self.limits,
            _ => Limits { receive: u16::MAX, aliases: 0, longest: 0 },
        }
    }

    /// Sends an acknowledgement, sometimes twice.
    fn send_ack(&mut self, now: Duration, first: u8, id: u16, reply: &mut Reply) {
        self.send(now, ack(first, id), reply);
        if self.injects_fault() {
            self.send(now, ack(first, id), reply);
        }
    }

    /// Handles a PUBLISH of the client.
    fn handle_publish(
        &mut self,
        now: Duration,
        publish: &packet::Publish,
        reply: &mut Reply,
    ) -> Result<(), String> {
        let Limits { receive, aliases, longest } = self.limits();
        let topic = match (&*publish.topic, publish.alias) {
            (topic, 0) => topic.to_owned(),
            (topic, alias) => {
                ensure!(
                    alias <= aliases,
                    "the alias {alias} is greater than the maximum {aliases}"
                );
                if !topic.is_empty() {
                    self.aliases.insert(alias, topic.to_owned());
                }
                self.aliases
                    .get(&alias)
                    .cloned()
                    .ok_or(format!("the alias {alias} has no topic"))?
            }
        };
        // A packet contains the topic with its length, the payload, and at least three other bytes.
        let length = text(&publish.topic).len() + publish.payload.len() + 3;
        ensure!(
            longest == 0 || length <= longest as usize,
            "a packet of at least {length} bytes is longer than {longest}"
        );
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
        ensure!(is_new, "{publish:?} was already sent on this connection");
        let in_flight = self.in_flight.len();
        ensure!(
            in_flight <= usize::from(receive),
            "{in_flight} messages in flight, but at most {receive} are allowed"
        );
        if qos == 1 {
            self.deliveries.push(delivery);
            self.in_flight.remove(&publish.id);
            self.send_ack(now, 0x40, publish.id, reply);
        } else {
            if self.session.received.insert(publish.id) {
                self.deliveries.push(delivery);
            }
            self.send_ack(now, 0x50, publish.id, reply);
        }
        Ok(())
    }

    /// Publishes a message for the client, and sends the message if the client accepts it now. Without a subscription,
    /// the message is lost. Messages are numbered from zero.
    pub fn publish(&mut self, now: Duration, topic: &str, payload: &[u8], qos: u8) -> Reply {
        let number = self.published;
        self.published += 1;
        let Some(granted) = self.session.subscription.as_ref().map(|(_, granted)| *granted) else {
            self.lost.insert(number);
            return Vec::new();
        };
        self.session.outgoing.push_back(Outgoing {
            number,
            topic: topic.to_owned(),
            payload: payload.to_vec(),
            qos: qos.min(granted),
            id: 0,
            is_received: false,
            is_retransmission: false,
            is_sent: false,
        });
        let mut reply = Vec::new();
        if self.is_up {
            self.send_messages(now, &mut reply);
        }
        reply
    }

    /// Sends as many messages as the client accepts.
    fn send_messages(&mut self, now: Duration, reply: &mut Reply) {
        // The client in the tests can store four messages, but a client of 3.1.1 cannot report this limit. So the
        // broker never sends more than four messages that are not acknowledged.
        let maximum = self.client_receive_maximum.min(4);
        for index in 0..self.session.outgoing.len() {
            if self.is_ending {
                return;
            }
            let sent = self.session.outgoing.iter().filter(|message| message.is_sent).count();
            if sent >= usize::from(maximum) {
                return;
            }
            if self.session.outgoing[index].is_sent {
                continue;
            }
            if self.session.outgoing[index].id == 0 {
                let used: BTreeSet<_> =
                    self.session.outgoing.iter().map(|message| message.id).collect();
                let id = loop {
                    self.session.last_id = self.session.last_id % 9 + 1;
                    if !used.contains(&self.session.last_id) {
                        break self.session.last_id;
                    }
                };
                self.session.outgoing[index].id = id;
            }
            let message = &mut self.session.outgoing[index];
            message.is_sent = true;
            let bytes = if message.is_received {
                ack(0x62, message.id)
            } else {
                let publication = packet::Publish {
                    topic: message.topic.clone(),
                    qos: message.qos,
                    id: message.id,
                    dup: message.is_retransmission,
                    payload: message.payload.clone(),
                    ..packet::Publish::default()
                };
                publish(self.level, &publication)
            };
            self.send(now, bytes, reply);
        }
    }

    /// Handles the end of the connection. Publishes the will, unless the client has sent a DISCONNECT.
    pub fn disconnected(&mut self) {
        if let Some((topic, payload, retain)) = self.will.take() {
            self.wills += 1;
            if retain {
                self.retained.insert(topic, payload);
            }
        }
        (self.is_up, self.is_ending) = (false, false);
        self.bytes.clear();
        self.aliases.clear();
        self.in_flight.clear();
        for message in &mut self.session.outgoing {
            message.is_retransmission |= message.is_sent;
            message.is_sent = false;
        }
    }
}
