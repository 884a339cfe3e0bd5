//! A broker that fails, as a server.

use std::time::Duration;

use fastrand::Rng;
use picoevent_peers::mqtt::{Broker, Deed, Reply};
use picoevent_sim::world::{Choices, Service, Session};

/// The port of the broker.
pub(crate) const PORT: u16 = 1883;

/// The least time between two connects: the shortest first delay of the client's back-off.
const SHORTEST_DELAY: Duration = Duration::from_millis(375);
/// A connection that lasts for so long begins the delays anew.
const STABLE: Duration = Duration::from_secs(10);
/// The most that goes wrong, in thousand packets.
const MOST_FAULTS: u64 = 80;
/// The longest time between two messages for the client, in milliseconds.
const MOST_PAUSE: u64 = 8_000;

/// A message for the client, by its number: the topic, the payload, and how often it is delivered.
pub(crate) type Message = fn(u32) -> (String, Vec<u8>, u8);

/// A broker with one client, for which it makes messages.
pub(crate) struct Host {
    pub(crate) broker: Broker,
    rng: Rng,
    message: Message,
    /// How many messages it makes.
    most: u32,
    next_at: Duration,
    /// The number of the session that is the client's.
    current: Option<u32>,
    last_call: Option<Duration>,
    /// The last connect was accepted.
    was_answered: bool,
    /// Connects one after the other that were not followed by a long connection.
    streak: u32,
    /// When something last came.
    pub(crate) now: Duration,
}

impl Host {
    pub(crate) fn new(choices: &mut Choices<'_>, message: Message) -> Self {
        let (faults, most) = (choices.up_to(MOST_FAULTS) as u32, choices.up_to(12) as u32);
        let mut rng = Rng::with_seed(choices.up_to(u64::from(u32::MAX)));
        let mut broker = Broker::new(rng.fork());
        broker.faults = faults;
        Self {
            broker,
            rng,
            message,
            most,
            next_at: Duration::ZERO,
            current: None,
            last_call: None,
            was_answered: false,
            streak: 0,
            now: Duration::ZERO,
        }
    }

    /// The client is told its limits, if it can be.
    pub(crate) fn limited(mut self) -> Self {
        self.broker = self.broker.limited();
        self
    }

    /// Returns whether everything was sent to the client that there is, and acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.broker.made() == self.most && self.broker.outgoing() == 0
    }

    pub(crate) fn has_client(&self) -> bool {
        self.current.is_some()
    }

    fn is_of(&self, session: &Session) -> bool {
        self.current == Some(session.number())
    }
}

/// Does what the model says. Delays are for the network to make; what is cut is sent before the end.
fn say(session: &mut Session, reply: Reply) {
    let cuts = reply.len() > 1;
    for (_, deed) in reply {
        match deed {
            Deed::Send(bytes) => session.write(&bytes),
            Deed::Reset if !cuts => session.reset(),
            Deed::Reset | Deed::End => session.close(),
        }
    }
}

impl Service for Host {
    /// Connects are as far apart as the back-off says. A device that was connected for long without the broker's
    /// knowledge may begin anew; and a connect that is not answered takes turns with those to others, so that it
    /// may come from another port.
    fn called(&mut self, at: Duration) -> Result<(), String> {
        let before = self.last_call.replace(at);
        let Some(before) = before.filter(|_| std::mem::take(&mut self.was_answered)) else {
            self.streak = 0;
            return Ok(());
        };
        let after = at.saturating_sub(before);
        self.streak = if after >= STABLE { 0 } else { self.streak + 1 };
        let least = SHORTEST_DELAY * (1 << self.streak.saturating_sub(1).min(5));
        match after < least.min(STABLE) {
            true => Err(format!("it was called again after {} ms", after.as_millis())),
            false => Ok(()),
        }
    }

    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        self.was_answered = true;
        if self.current.take().is_some() {
            // The one before is not known to have ended.
            self.broker.gone();
        }
        if !self.broker.takes_calls(session.now()) && !session.is_quiet() {
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
            self.broker.faults = 0;
        }
        self.now = session.now();
        let bytes = session.input().to_vec();
        session.consume(bytes.len());
        let was_up = self.broker.is_up();
        let reply = self.broker.heard(self.now, &bytes)?;
        let is_new = self.broker.is_up() && !was_up;
        if is_new && !self.broker.has_will() {
            return Err("it has connected without its will".to_owned());
        }
        say(session, reply);
        Ok(())
    }

    fn wakes_at(&self) -> Option<Duration> {
        self.current?;
        let next = (self.broker.made() < self.most).then_some(self.next_at);
        next.into_iter().chain(self.broker.gives_up_at()).min()
    }

    fn going_on(&mut self, session: &mut Session) -> Result<(), String> {
        let now = session.now();
        if !self.is_of(session) {
            return Ok(());
        }
        if self.broker.gives_up_at().is_some_and(|end| end <= now) {
            self.broker.gives_up();
            session.reset();
            return Ok(());
        }
        if self.broker.made() < self.most && self.next_at <= now {
            self.next_at = now + Duration::from_millis(self.rng.u64(1..MOST_PAUSE));
            let (topic, payload, qos) = (self.message)(self.broker.made());
            let reply = self.broker.publish(now, &topic, &payload, qos);
            say(session, reply);
        }
        Ok(())
    }

    fn ended(&mut self, session: &mut Session) {
        if self.is_of(session) {
            self.current = None;
            self.broker.gone();
        }
    }

    fn restarted(&mut self) {
        if self.rng.bool() {
            self.broker.forget();
        }
    }
}
