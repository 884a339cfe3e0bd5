//! An MQTT client for tests. It publishes and subscribes with every quality of service.
//!
//! The broker restarts, forgets sessions, and ends connections in the middle of a packet. The following conditions must
//! still hold:
//!
//! * if the acknowledgement of a message was reported to the application, the broker has delivered the message, exactly
//!   once with QoS 2;
//! * a message with QoS 2 is delivered at most once, in both directions;
//! * the application receives every message that the broker has not forgotten;
//! * in the end, all messages are sent and received, and the connection stays open although it is
//!   idle.

use std::time::Duration;

use picoevent::{Cx, EventMut, Pool, SetupError, Signal, Storage};
use picoevent_mqtt::{
    self as mqtt, Client, ClientMut, Down, HasMqtt, Message, MqttEvent, Options, PacketId, Publish,
    PublishError, Qos, Reason, Subscription, Version,
};
use picoevent_sim::world::{Choices, Server, Size, Sockets, TestCase, server_address};

use crate::servers::broker::{self, Host};

/// The number of messages that the application publishes.
const MOST: u32 = 30;
/// The time after the last fault within which all messages must be sent and received, and the connection must have
/// stayed open for [`LASTS`].
const DONE_WITHIN: Duration = Duration::from_secs(235);
/// The time for which the connection must stay open although it is idle. This time is longer than the broker's timeout
/// for a silent client.
const LASTS: Duration = Duration::from_secs(60);

type Memory = Storage<Publisher, 4, 1, 256, 1, 1>;

const SIZES: [Size<Publisher>; 2] = [
    Size::of(Pool::new(1).rings(96, 160), Memory::new, Sockets::<2, 512, 512>::new),
    Size::of(Pool::new(1).rings(96, 160), Memory::new, Sockets::<1, 64, 32>::new),
];

/// The application.
pub struct Publisher {
    mqtt: Client<Publisher, 5, 200, 1>,
    version: Version,
    made: u32,
    is_full: bool,
    under_way: Vec<(PacketId, u32)>,
    acked: Vec<u32>,
    /// Messages that were reported as possibly lost.
    lost: Vec<u32>,
    subscription: Option<PacketId>,
    /// The number of times that each message was received.
    received: Vec<u32>,
    partial_message: Vec<u8>,
    /// The first error of the client.
    problem: Option<String>,
}

/// Returns the payload of a message: its number, followed by more bytes.
fn payload(number: u32, length: usize) -> Vec<u8> {
    let mut payload = number.to_be_bytes().to_vec();
    payload.resize(4 + length, number as u8);
    payload
}

/// Returns the number of a message, or `None` if the payload is not complete.
fn number_of(payload: &[u8]) -> Option<u32> {
    let (number, rest) = payload.split_first_chunk()?;
    let number = u32::from_be_bytes(*number);
    rest.iter().all(|byte| *byte == number as u8).then_some(number)
}

const fn qos_of(number: u32) -> Qos {
    match number % 4 {
        0 => Qos::Zero,
        1 => Qos::One,
        _ => Qos::Two,
    }
}

/// Returns the message from the broker with this number: its topic, its payload, and its quality of service.
fn incoming(number: u32) -> (String, Vec<u8>, u8) {
    let length = number as usize * 37 % 150;
    (format!("in/{number}"), payload(number, length), 1 + (number % 2) as u8)
}

impl HasMqtt for Publisher {
    fn mqtt(&mut self) -> ClientMut<'_, Self> {
        self.mqtt.as_mut()
    }

    fn options(&self) -> Options<'_> {
        Options {
            client_id: "publisher",
            version: self.version,
            session_expiry: 3_600,
            keep_alive: 15,
            will: Some(Publish::new("state", b"gone").retained()),
            ..Options::new(server_address(broker::PORT))
        }
    }

    fn event(&mut self, cx: &mut Cx<'_, Self>, event: MqttEvent) {
        match event {
            MqttEvent::Up { .. } => {}
            MqttEvent::Down(down) => {
                self.partial_message.clear();
                if let Down::InvalidPacket(_) | Down::Options = down {
                    self.report_problem(down.to_string());
                }
            }
            MqttEvent::Acked(id, _) if Some(id) == self.subscription => {}
            MqttEvent::Acked(id, reason) => match self.take(id) {
                Some(number) if reason == Reason::SUCCESS => self.acked.push(number),
                // The message was published before the broker announced its limit, and is longer than this limit.
                Some(number) if reason == Reason::PACKET_TOO_LARGE => self.lost.push(number),
                Some(number) => {
                    self.report_problem(format!("message {number} has failed: {reason}"))
                }
                None => self.report_problem(format!("{id:?} has ended twice")),
            },
            MqttEvent::Lost(id) => match self.take(id) {
                Some(number) if qos_of(number) == Qos::Two => self.lost.push(number),
                _ => self.report_problem(format!("{id:?} is lost")),
            },
            MqttEvent::Room => {
                self.is_full = false;
                self.publish(cx);
            }
        }
    }

    /// Handles a message that matches no subscription of the client. This happens if the broker has kept a session that
    /// contains a subscription from an earlier connection.
    fn message(&mut self, message: &mut Message<'_, '_, Self>) {
        self.receive(message);
    }
}

impl Publisher {
    fn new(version: Version) -> Self {
        Self {
            mqtt: Client::new(),
            version,
            made: 0,
            is_full: false,
            under_way: Vec::new(),
            acked: Vec::new(),
            lost: Vec::new(),
            subscription: None,
            received: Vec::new(),
            partial_message: Vec::new(),
            problem: None,
        }
    }

    fn start(&mut self, cx: &mut Cx<'_, Self>, pool: Pool) -> Result<(), SetupError> {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        let pool = cx.add_pool(pool)?;
        if let Err(error) = mqtt::start(self, cx, pool) {
            self.report_problem(error.to_string());
        }
        match mqtt::subscribe(self, cx, &Subscription::new("in/#", Qos::Two, Self::receive)) {
            Ok(id) => self.subscription = Some(id),
            Err(error) => self.report_problem(error.to_string()),
        }
        cx.after(Duration::from_millis(1), Self::tick)?;
        Ok(())
    }

    fn report_problem(&mut self, what: String) {
        self.problem.get_or_insert(what);
    }

    fn take(&mut self, id: PacketId) -> Option<u32> {
        let index = self.under_way.iter().position(|(held, _)| *held == id)?;
        Some(self.under_way.swap_remove(index).1)
    }

    fn tick(&mut self, event: &mut EventMut<'_, '_, Self>) {
        self.publish(event.cx());
        if self.made < MOST {
            let pause = event.random_u32().unwrap_or_default() % 4_000;
            if event.after(Duration::from_millis(pause.into()), Self::tick).is_err() {
                self.report_problem("there is no room for a timer".to_owned());
            }
        }
    }

    fn publish(&mut self, cx: &mut Cx<'_, Self>) {
        let count = 1 + cx.random_u32().unwrap_or_default() % 3;
        for _ in 0..count {
            if self.made >= MOST || self.is_full {
                return;
            }
            let number = self.made;
            let (topic, qos) = (format!("out/{}", number % 3), qos_of(number));
            let payload = payload(number, number as usize * 7 % 40);
            match mqtt::publish(self, cx, &Publish::new(&topic, &payload).qos(qos)) {
                Ok(Some(id)) => {
                    if self.under_way.iter().any(|(held, _)| *held == id) {
                        self.report_problem(format!("{id:?} is used twice"));
                    }
                    self.under_way.push((id, number));
                }
                // A message with QoS 0 may be lost.
                Ok(None) | Err(PublishError::Down | PublishError::TooLong) => {}
                Err(PublishError::Full) if qos == Qos::Zero => {}
                Err(PublishError::Full) => {
                    self.is_full = true;
                    return;
                }
                Err(error) => self.report_problem(error.to_string()),
            }
            self.made += 1;
        }
    }

    fn receive(&mut self, message: &mut Message<'_, '_, Self>) {
        if message.is_first() {
            self.partial_message.clear();
        }
        self.partial_message.extend(message.payload());
        if message.is_last() {
            match number_of(&self.partial_message) {
                Some(number) if number < 1_000 => {
                    let index = number as usize;
                    self.received.resize(self.received.len().max(index + 1), 0);
                    self.received[index] += 1;
                }
                _ => self.report_problem(format!("it received {:?}", self.partial_message)),
            }
        }
    }

    fn is_done(&self) -> bool {
        self.made == MOST && self.under_way.is_empty()
    }
}

/// Checks the conditions that must always hold.
fn agree(app: &Publisher, host: &Host) -> Result<(), String> {
    if let Some(problem) = &app.problem {
        return Err(problem.clone());
    }
    let mut delivered = [0_u32; MOST as usize];
    for delivery in host.broker.deliveries() {
        let number = number_of(&delivery.payload).filter(|number| *number < MOST);
        let number = number.ok_or_else(|| format!("{delivery:?} was not published"))?;
        delivered[number as usize] += 1;
    }
    for (number, times) in (0..).zip(delivered) {
        if qos_of(number) == Qos::Two && times > 1 {
            return Err(format!("message {number} was delivered {times} times"));
        }
    }
    if let Some(number) = app.acked.iter().find(|number| delivered[**number as usize] == 0) {
        return Err(format!("message {number} was acknowledged, but not delivered"));
    }
    for (number, times) in (0..).zip(&app.received) {
        if incoming(number).2 == 2 && *times > 1 {
            return Err(format!("message {number} was received {times} times"));
        }
    }
    Ok(())
}

/// Checks the conditions that must hold in the end.
fn done(app: &Publisher, host: &Host) -> Result<(), String> {
    if !app.is_done() {
        let (made, under_way) = (app.made, app.under_way.len());
        return Err(format!("{made} messages were published, and {under_way} are under way"));
    }
    if !host.is_done() {
        return Err(format!(
            "{} messages for the client are under way",
            host.broker.unacknowledged()
        ));
    }
    let is_received =
        |number: u32| app.received.get(number as usize).is_some_and(|times| *times > 0);
    let missing = (0..host.broker.published())
        .find(|number| !is_received(*number) && !host.broker.has_lost(*number));
    match missing {
        Some(number) => Err(format!("message {number} for the client is lost")),
        None if host.broker.up_for(host.now) < LASTS => {
            Err("the connection does not last".to_owned())
        }
        None => Ok(()),
    }
}

/// Returns the publisher's test case, with version 5.
pub fn publisher() -> TestCase<Publisher> {
    case("publisher", Version::V5)
}

/// Returns the publisher's test case, with version 3.1.1.
pub fn publisher_3() -> TestCase<Publisher> {
    case("publisher-3", Version::V3)
}

fn case(name: &str, version: Version) -> TestCase<Publisher> {
    let make = |choices: &mut Choices<'_>| {
        let host = Host::new(choices, incoming);
        if choices.up_to(1) == 0 { host } else { host.limited() }
    };
    let host = Server::new(broker::PORT, make).always(agree).in_the_end(DONE_WITHIN, done);
    TestCase::with_app(
        name,
        7000,
        move || Publisher::new(version),
        |app, cx, _, pool| app.start(cx, pool),
    )
    .sizes(&SIZES)
    .server(host)
}
