//! An MQTT broker that sometimes fails, as a server of the simulation.

use std::time::Duration;

use fastrand::Rng;
use picoevent_peers::mqtt::{Broker, BrokerAction, Reply};
use picoevent_sim::world::{Choices, Service, Session};

/// The port of the broker.
pub(crate) const PORT: u16 = 1883;

/// The minimum time between two connects. The first delay of the client's back-off varies at random, and is never
/// shorter than this time.
const SHORTEST_DELAY: Duration = Duration::from_millis(375);
/// If a connection has lasted for this time, the back-off of the client starts again with the first delay.
const STABLE: Duration = Duration::from_secs(10);
/// The maximum number of faults in a thousand packets.
const MOST_FAULTS: u64 = 80;
/// The longest time between two messages for the client, in milliseconds.
const MOST_PAUSE: u64 = 8_000;

/// A function that makes a message for the client. The argument is the number of the message. The function returns the
/// topic, the payload, and the quality of service.
pub(crate) type Message = fn(u32) -> (String, Vec<u8>, u8);

/// A broker with one client. It makes messages for the client.
pub(crate) struct Host {
    pub(crate) broker: Broker,
    rng: Rng,
    message: Message,
    /// The number of messages that the broker makes.
    most: u32,
    next_at: Duration,
    /// The number of the client's current connection.
    current: Option<u32>,
    last_connect: Option<Duration>,
    /// The server has accepted the connection of the last connect.
    was_answered: bool,
    /// The number of consecutive connects that each began less than [`STABLE`] after the previous connect.
    streak: u32,
    /// The time of the last event.
    pub(crate) now: Duration,
}

impl Host {
    pub(crate) fn new(choices: &mut Choices<'_>, message: Message) -> Self {
        let (faults, most) = (choices.up_to(MOST_FAULTS) as u32, choices.up_to(12) as u32);
        let mut rng = Rng::with_seed(choices.up_to(u64::from(u32::MAX)));
        let mut broker = Broker::new(rng.fork());
        broker.faults_per_thousand = faults;
        Self {
            broker,
            rng,
            message,
            most,
            next_at: Duration::ZERO,
            current: None,
            last_connect: None,
            was_answered: false,
            streak: 0,
            now: Duration::ZERO,
        }
    }

    /// Makes the broker announce its limits to the client, if the protocol version allows this.
    pub(crate) fn limited(mut self) -> Self {
        self.broker = self.broker.with_random_limits();
        self
    }

    /// Returns whether all messages for the client were sent and acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.broker.published() == self.most && self.broker.unacknowledged() == 0
    }

    pub(crate) fn has_client(&self) -> bool {
        self.current.is_some()
    }

    fn is_of(&self, session: &Session) -> bool {
        self.current == Some(session.number())
    }
}

/// Performs the actions that the broker of `picoevent-peers` returns. Ignores the delays of the actions, because the
/// simulated network delays frames. If a reset follows other actions, closes the connection instead of resetting it, so
/// that the bytes before the reset are sent.
fn perform(session: &mut Session, reply: Reply) {
    let cuts = reply.len() > 1;
    for (_, action) in reply {
        match action {
            BrokerAction::Send(bytes) => session.write(&bytes),
            BrokerAction::Reset if !cuts => session.reset(),
            BrokerAction::Reset | BrokerAction::End => session.close(),
        }
    }
}

impl Service for Host {
    /// Checks that the time between two connects follows the back-off. If [`STABLE`] or more has passed since the last
    /// connect, the client may have been connected for at least [`STABLE`]. So the client's back-off may start again
    /// with the first delay. The adapter may interrupt a connect to connect to another server, and later continue the
    /// first connect from another port. So the time is not checked if the last connect was not accepted.
    fn connecting(&mut self, at: Duration) -> Result<(), String> {
        let before = self.last_connect.replace(at);
        let Some(before) = before.filter(|_| std::mem::take(&mut self.was_answered)) else {
            self.streak = 0;
            return Ok(());
        };
        let after = at.saturating_sub(before);
        self.streak = if after >= STABLE { 0 } else { self.streak + 1 };
        let least = SHORTEST_DELAY * (1 << self.streak.saturating_sub(1).min(5));
        match after < least.min(STABLE) {
            true => Err(format!("the device connected again after {} ms", after.as_millis())),
            false => Ok(()),
        }
    }

    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        self.was_answered = true;
        if self.current.take().is_some() {
            // The previous connection has ended, but the broker was not informed yet.
            self.broker.disconnected();
        }
        if !self.broker.accepts(session.now()) && !session.is_quiet() {
            session.reset();
            return Ok(());
        }
        self.current = Some(session.number());
        Ok(())
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        if !self.is_of(session) {
            session.reset();
            return Ok(());
        }
        if session.is_quiet() {
            self.broker.faults_per_thousand = 0;
        }
        self.now = session.now();
        let bytes = session.input().to_vec();
        session.consume(bytes.len());
        let was_up = self.broker.is_up();
        let reply = self.broker.receive(self.now, &bytes)?;
        let is_new = self.broker.is_up() && !was_up;
        if is_new && !self.broker.has_will() {
            return Err("the client connected without its will".to_owned());
        }
        perform(session, reply);
        Ok(())
    }

    fn wakes_at(&self) -> Option<Duration> {
        self.current?;
        let next = (self.broker.published() < self.most).then_some(self.next_at);
        next.into_iter().chain(self.broker.timeout_at()).min()
    }

    fn poll(&mut self, session: &mut Session) -> Result<(), String> {
        let now = session.now();
        if !self.is_of(session) {
            return Ok(());
        }
        if self.broker.timeout_at().is_some_and(|end| end <= now) {
            self.broker.time_out();
            session.reset();
            return Ok(());
        }
        if self.broker.published() < self.most && self.next_at <= now {
            self.next_at = now + Duration::from_millis(self.rng.u64(1..MOST_PAUSE));
            let (topic, payload, qos) = (self.message)(self.broker.published());
            let reply = self.broker.publish(now, &topic, &payload, qos);
            perform(session, reply);
        }
        Ok(())
    }

    fn ended(&mut self, session: &mut Session) {
        if self.is_of(session) {
            self.current = None;
            self.broker.disconnected();
        }
    }

    fn restarted(&mut self) {
        if self.rng.bool() {
            self.broker.lose_session();
        }
    }
}
