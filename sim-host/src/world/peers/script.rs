//! What a client says and what it must hear: the application's protocol, seen from outside.

use std::time::Duration;

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, Stream};

/// One side of a conversation, the client's.
///
/// A client sends while it waits for what it expects, so that a server that answers byte by byte
/// makes nobody wait.
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
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Begins to send, behind what is being sent.
    Send(Vec<u8>),
    /// Waits for exactly these bytes.
    Expect(Vec<u8>),
    /// Sends the end of the stream, behind what is being sent.
    Finish,
    /// Waits for the peer's end of the stream, with nothing before it.
    ExpectEnd,
    Pause(Duration),
}

impl Script {
    /// A client that connects and says nothing.
    pub const fn new() -> Self {
        Self { steps: Vec::new() }
    }

    /// Sends bytes.
    #[must_use]
    pub fn send(self, bytes: &[u8]) -> Self {
        self.then(Step::Send(bytes.to_vec()))
    }

    /// Waits for exactly these bytes. Others, or an end before the last of them, are a failure of
    /// the device.
    #[must_use]
    pub fn expect(self, bytes: &[u8]) -> Self {
        self.then(Step::Expect(bytes.to_vec()))
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

    /// Does nothing for a while.
    #[must_use]
    pub fn pause(self, time: Duration) -> Self {
        self.then(Step::Pause(time))
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// Chooses the port that a client calls, unless it is given, and makes the client's script.
pub(crate) type MakeScript<'m> = &'m dyn Fn(Option<u16>, &mut Choices<'_>) -> (u16, Script);

/// The choices that are open to a script; each goes through the choice log.
pub struct Choices<'t> {
    pub(crate) choice_log: &'t mut ChoiceLog,
    pub(crate) client: u32,
    pub(crate) asked: u32,
}

impl Choices<'_> {
    /// A number up to `most`; zero is the default.
    pub fn up_to(&mut self, most: u64) -> u64 {
        let nth = self.client * 64 + self.asked.min(63);
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

    /// Which client of the simulation it is, from zero.
    pub fn client(&self) -> u32 {
        self.client
    }
}
