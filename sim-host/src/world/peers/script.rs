//! Scripts: what a client sends and what it must receive.

use std::time::Duration;

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, Stream};

/// The client's side of a conversation.
///
/// A client sends while it waits for what it expects, so a server may answer byte by byte.
///
/// ```
/// use picoevent_sim::world::Script;
///
/// let greeting = Script::new().expect(b"Hello, World!\n").expect_end();
/// let echo = Script::new().send(b"once upon").expect(b"once upon").finish().expect_end();
/// # let _ = (greeting, echo);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    pub(crate) steps: Vec<Step>,
    /// Texts with which the device may end the stream instead.
    pub(crate) endings: Vec<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Begins to send, after what is being sent.
    Send(Vec<u8>),
    /// Waits for exactly these bytes.
    Expect(Vec<u8>),
    /// Sends the end of the stream, after what is being sent.
    Finish,
    /// Waits for the peer's end of the stream, with no bytes before it.
    ExpectEnd,
    Pause(Duration),
}

impl Script {
    /// Makes the script of a client that connects and sends nothing.
    pub const fn new() -> Self {
        Self { steps: Vec::new(), endings: Vec::new() }
    }

    /// Sends bytes.
    #[must_use]
    pub fn send(self, bytes: &[u8]) -> Self {
        self.then(Step::Send(bytes.to_vec()))
    }

    /// Waits for exactly these bytes. Other bytes, or an end before the last of them, are a failure
    /// of the device.
    #[must_use]
    pub fn expect(self, bytes: &[u8]) -> Self {
        self.then(Step::Expect(bytes.to_vec()))
    }

    /// Allows the device to send this text and to end the stream, anywhere in the conversation: since it
    /// serves as many clients as it can, for instance, or since the client was silent for too long. Then the
    /// client connects again later.
    #[must_use]
    pub fn may_end_with(mut self, text: &[u8]) -> Self {
        self.endings.push(text.to_vec());
        self
    }

    /// Ends its own side of the stream, behind the last byte that is sent.
    #[must_use]
    pub fn finish(self) -> Self {
        self.then(Step::Finish)
    }

    /// Waits for the end of the device's side. Bytes before it are a failure of the device.
    #[must_use]
    pub fn expect_end(self) -> Self {
        self.then(Step::ExpectEnd)
    }

    /// Pauses for a time.
    #[must_use]
    pub fn pause(self, time: Duration) -> Self {
        self.then(Step::Pause(time))
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// Chooses the port that a client connects to, unless it is given, and makes the client's script.
pub(crate) type MakeScript<'m> = &'m dyn Fn(Option<u16>, &mut Choices<'_>) -> (u16, Script);

/// The choices that a script may make. Each goes through the choice log.
pub struct Choices<'t> {
    choice_log: &'t mut ChoiceLog,
    /// The number of the client or, from [`SERVERS_FROM`] on, of the server.
    number: u32,
    asked: u32,
}

/// The choices of servers have numbers behind those of clients.
pub(crate) const SERVERS_FROM: u32 = 1_000;

impl<'t> Choices<'t> {
    pub(crate) fn new(choice_log: &'t mut ChoiceLog, number: u32) -> Self {
        Self { choice_log, number, asked: 0 }
    }

    /// Returns a number up to `most`; zero is the default.
    pub fn up_to(&mut self, most: u64) -> u64 {
        let nth = self.number * 64 + self.asked.min(63);
        self.asked += 1;
        let answer =
            self.choice_log.ask_about(Stream::Script, ChoicePoint::Number, nth, |random| {
                match random.chance(300) {
                    true => random.below(most.saturating_add(1)),
                    false => random.spread(1, most.max(1)).min(most),
                }
            });
        answer.min(most)
    }

    /// Returns the number of the client in the simulation, from zero; of a server, its number in the test
    /// case.
    pub fn client(&self) -> u32 {
        self.number % SERVERS_FROM
    }
}
