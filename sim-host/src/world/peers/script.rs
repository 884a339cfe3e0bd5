//! Scripts: what a client sends and what it must receive.

use std::time::Duration;

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, Stream};
use crate::world::peers::pattern::Pattern;

/// The client's side of a conversation.
///
/// A client does not wait until all bytes of a `send` step are sent. It continues with the next step, and sends the
/// remaining bytes at the same time. So the device may answer the first bytes before it has received the last bytes.
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
    /// Texts after which the device may end the stream early.
    pub(crate) endings: Vec<Vec<u8>>,
    /// If the application is interrupted, the device must end the stream with one of the texts in `endings`.
    pub(crate) goodbye: bool,
    /// The client follows no script. The program of the crowd runs the client.
    pub(crate) is_of_crowd: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Queues bytes for sending.
    Send(Vec<u8>),
    /// Waits for these bytes.
    Expect(Pattern),
    /// Waits for the first expected text of one of these scripts. Then continues with the script whose text has
    /// arrived.
    Either(Vec<Script>),
    /// Ends the client's side of the stream, after the queued bytes.
    Finish,
    /// Waits for the end of the device's stream. No bytes may come before the end.
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

    /// Waits for exactly these bytes. Other bytes are an error of the device. An end of stream before the last expected
    /// byte is also an error.
    #[must_use]
    pub fn expect(self, bytes: &[u8]) -> Self {
        self.then(Step::Expect(Pattern::exactly(bytes)))
    }

    /// Waits for a text with placeholders: `<digits>`, `<number>` (digits, with an optional minus sign), `<word>`
    /// (characters other than a space), `<text>` (all characters to the end of the line, or none). `<<` stands for the
    /// character `<`.
    ///
    /// ```
    /// use picoevent_sim::world::Script;
    ///
    /// let watch = Script::new().send(b"watch\n").expect_pattern("temp=<number> samples=<digits>\r\n");
    /// # let _ = watch;
    /// ```
    ///
    /// # Panics
    /// If the pattern is malformed, for example if it does not define where a placeholder ends.
    #[must_use]
    pub fn expect_pattern(self, pattern: &str) -> Self {
        match pattern.parse() {
            Ok(pattern) => self.then(Step::Expect(pattern)),
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits for the first expected text of one of the alternatives `scripts`. When the first text of an alternative
    /// has arrived, follows this alternative to its end, and then continues with the next step of `self`. The endings
    /// of `self` also apply inside of the alternatives.
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
    /// If `scripts` is empty, if a script does not begin with an expected text, or if the first text of a script begins
    /// with the first text of another script.
    #[must_use]
    pub fn either<const N: usize>(mut self, scripts: [Self; N]) -> Self {
        let first = |number: usize| {
            let first = scripts.get(number).and_then(Self::first);
            first.unwrap_or_else(|| {
                panic!("alternative {number} does not begin with an expected text")
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

    /// Allows the device to end the stream with this text. If the simulation interrupts the application, as Ctrl-C does
    /// on a host, while the client expects more bytes, the device must end the stream with this text. If the client had
    /// received no bytes before that, the device may end the stream without this text.
    #[must_use]
    pub fn goodbye(mut self, text: &[u8]) -> Self {
        self.goodbye = true;
        self.may_end_with(text)
    }

    /// Returns the pattern of the first step, or `None` if the first step does not wait for a pattern.
    pub(crate) fn first(&self) -> Option<&Pattern> {
        match self.steps.first() {
            Some(Step::Expect(pattern)) => Some(pattern),
            _ => None,
        }
    }

    /// Allows the device to send this text and end the stream, anywhere in the conversation: for example
    /// because the device has no room for the client, or because the client was silent for too long. The client
    /// then reconnects later.
    #[must_use]
    pub fn may_end_with(mut self, text: &[u8]) -> Self {
        self.endings.push(text.to_vec());
        self
    }

    /// Ends the client's side of the stream, after the last queued byte.
    #[must_use]
    pub fn finish(self) -> Self {
        self.then(Step::Finish)
    }

    /// Waits for the end of the device's stream. Bytes before the end are an error of the device.
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

/// Makes the script of a client. Returns the port that the client connects to, and the script. If the first argument is
/// `Some(port)`, the client connects to `port`. If the first argument is `None`, the port is chosen at random.
pub(crate) type MakeScript<'m> = &'m dyn Fn(Option<u16>, &mut Choices<'_>) -> (u16, Script);

/// Random numbers for a script or a program of a test case. Each number is recorded in the choice log, so it can be
/// replayed.
pub struct Choices<'t> {
    choice_log: &'t mut ChoiceLog,
    /// The number of the client that the choices belong to. A server has a number from [`SERVERS_FROM`] on, a UDP
    /// client from [`UDP_CLIENTS_FROM`] on, and a UDP server from [`UDP_SERVERS_FROM`] on. The crowd has the number
    /// [`CROWD`].
    number: u32,
    /// The number of choices made so far.
    count: u32,
}

/// The `number` of the first server in [`Choices`]. Clients have lower numbers.
pub(crate) const SERVERS_FROM: u32 = 1_000;
/// The `number` of the crowd in [`Choices`].
pub(crate) const CROWD: u32 = 1_900;
/// The `number` of the first UDP client in [`Choices`].
pub(crate) const UDP_CLIENTS_FROM: u32 = 2_000;
/// The `number` of the first UDP server in [`Choices`].
pub(crate) const UDP_SERVERS_FROM: u32 = 3_000;

impl<'t> Choices<'t> {
    pub(crate) fn new(choice_log: &'t mut ChoiceLog, number: u32) -> Self {
        Self { choice_log, number, count: 0 }
    }

    /// Returns a random number from zero to `most`. If a choice log is replayed and has no line for this choice,
    /// returns zero.
    pub fn up_to(&mut self, most: u64) -> u64 {
        let nth = self.number * 64 + self.count.min(63);
        self.count += 1;
        let answer =
            self.choice_log.choose_for(Stream::Script, ChoicePoint::Number, nth, |random| {
                match random.chance(300) {
                    true => random.below(most.saturating_add(1)),
                    false => random.spread(1, most.max(1)).min(most),
                }
            });
        answer.min(most)
    }

    /// Returns the number of the client in the simulation, from zero, or the number of the server
    /// in the test case.
    pub fn client(&self) -> u32 {
        self.number % SERVERS_FROM
    }
}
