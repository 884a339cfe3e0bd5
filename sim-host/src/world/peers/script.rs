//! Scripts: what a client sends and what it must receive.

use std::time::Duration;

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, Stream};
use crate::world::peers::pattern::Pattern;

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
    /// A device that is asked to end must end the stream with one of these.
    pub(crate) goodbye: bool,
    /// It is no script: the program of the test case's crowd runs the client.
    pub(crate) is_of_crowd: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Begins to send, after what is being sent.
    Send(Vec<u8>),
    /// Waits for these bytes.
    Expect(Pattern),
    /// Waits for what one of these scripts begins with, and goes on with that.
    Either(Vec<Script>),
    /// Sends the end of the stream, after what is being sent.
    Finish,
    /// Waits for the peer's end of the stream, with no bytes before it.
    ExpectEnd,
    Pause(Duration),
}

impl Script {
    /// Makes the script of a client that connects and sends nothing.
    pub const fn new() -> Self {
        Self { steps: Vec::new(), endings: Vec::new(), goodbye: false, is_of_crowd: false }
    }

    pub(crate) fn of_crowd() -> Self {
        Self { is_of_crowd: true, ..Self::new() }
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
        self.then(Step::Expect(Pattern::exactly(bytes)))
    }

    /// Waits for a text with places for what is not known: `<digits>`, `<number>` (digits, maybe with a
    /// minus), `<word>` (no space), `<text>` (up to the end of the line, also nothing). `<<` is the
    /// character.
    ///
    /// ```
    /// use picoevent_sim::world::Script;
    ///
    /// let watch = Script::new().send(b"watch\n").expect_pattern("temp=<number> samples=<digits>\r\n");
    /// # let _ = watch;
    /// ```
    ///
    /// # Panics
    /// If the pattern is malformed: it says nothing about where a part ends, for instance.
    #[must_use]
    pub fn expect_pattern(self, pattern: &str) -> Self {
        match pattern.parse() {
            Ok(pattern) => self.then(Step::Expect(pattern)),
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits for what one of these scripts expects first, follows that script to its end, and goes on here.
    /// The texts with which the device may end count for this script.
    ///
    /// ```
    /// use picoevent_sim::world::Script;
    ///
    /// let script = Script::new().send(b"get led\n").either([
    ///     Script::new().expect(b"on\n").send(b"set led off\n").expect(b"ok\n"),
    ///     Script::new().expect(b"off\n"),
    /// ]);
    /// # let _ = script.finish().expect_end();
    /// ```
    ///
    /// # Panics
    /// If a script does not begin with what it expects, or one begins like another.
    #[must_use]
    pub fn either<const N: usize>(mut self, scripts: [Self; N]) -> Self {
        let first = |number: usize| {
            let first = scripts.get(number).and_then(Self::first);
            first.unwrap_or_else(|| {
                panic!("alternative {number} does not begin with what it expects")
            })
        };
        for (one, other) in (0..N).flat_map(|one| (0..N).map(move |other| (one, other))) {
            let alike = one != other && first(one).begins_with(first(other));
            assert!(!alike, "alternative {one} begins like alternative {other}");
        }
        assert!(N > 0, "there are no alternatives");
        self.endings.extend(scripts.iter().flat_map(|script| script.endings.iter().cloned()));
        self.goodbye |= scripts.iter().any(|script| script.goodbye);
        self.then(Step::Either(scripts.to_vec()))
    }

    /// Allows the device to end the stream with this text, and insists on it if the application is
    /// interrupted while the client expects more: a client that the application has answered before must hear
    /// the goodbye.
    #[must_use]
    pub fn goodbye(mut self, text: &[u8]) -> Self {
        self.goodbye = true;
        self.may_end_with(text)
    }

    /// Returns what it waits for first.
    pub(crate) fn first(&self) -> Option<&Pattern> {
        match self.steps.first() {
            Some(Step::Expect(pattern)) => Some(pattern),
            _ => None,
        }
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
    /// The number of the client; from [`SERVERS_FROM`] on of the server, from [`UDP_CLIENTS_FROM`] on of the
    /// UDP client.
    number: u32,
    asked: u32,
}

/// The choices of servers have numbers behind those of clients.
pub(crate) const SERVERS_FROM: u32 = 1_000;
/// That of the crowd is behind them.
pub(crate) const CROWD: u32 = 1_900;
/// Those of UDP clients are behind it.
pub(crate) const UDP_CLIENTS_FROM: u32 = 2_000;
/// Those of UDP servers are behind those of UDP clients.
pub(crate) const UDP_SERVERS_FROM: u32 = 3_000;

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
