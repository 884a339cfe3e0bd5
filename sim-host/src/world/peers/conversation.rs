//! A client's progress in its script, on one connection.

use smoltcp::socket::tcp::{RecvError, Socket, State};

use crate::world::peers::matcher::{Matcher, Meaning};
use crate::world::peers::pattern::Pattern;
use crate::world::peers::script::{Script, Step};

/// The time between two writes of a slow client, in microseconds. The time between two reads is a quarter of this time.
const SLOWLY: u64 = 1_000_000;

/// The number of received bytes that are shown after an error.
const SHOWN: usize = 24;

/// The maximum number of bytes per read and per write; zero for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) read: usize,
    pub(crate) write: usize,
}

impl Pace {
    pub(crate) const FULL: Self = Self { read: 0, write: 0 };
}

/// The state of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConversationState {
    /// The conversation continues at this time, or at the next event of its socket if this event comes earlier.
    Until(u64),
    /// The script is finished.
    Over,
    /// The connection was lost before the end of the script.
    Lost,
    /// The device has ended the connection with one of the script's endings.
    Ended,
}

#[derive(Default)]
pub(crate) struct Conversation {
    /// The number of bytes transferred in both directions.
    pub(crate) progress: u64,
    /// The number of bytes received, and the bytes that were received in the previous step.
    received: u64,
    previous: Vec<u8>,
    cursor: Cursor,
    /// Compares the bytes received in this step with the expected text.
    matcher: Matcher,
    out: Vec<u8>,
    sent: usize,
    /// The stream ends after the last byte of `out`.
    finishes: bool,
    /// The peer has received bytes before the application was interrupted. So the application has accepted the
    /// connection. If the application is interrupted, it must send its goodbye text on this connection.
    is_known: bool,
    /// The last step was [`Step::ExpectEnd`], so the device has ended its stream.
    has_end: bool,
    /// The time at which a pause ends.
    pause: Option<u64>,
    next_read: u64,
    next_write: u64,
}

/// A position in a script.
#[derive(Default)]
struct Cursor {
    /// The alternatives that contain the current step, the outermost first. Each entry has the index of a
    /// [`Step::Either`], and the index of the chosen alternative in this step.
    inside: Vec<(usize, usize)>,
    step: usize,
}

impl Cursor {
    /// Returns the steps of the innermost alternative, or of the script if no alternative contains the current step.
    fn steps<'s>(&self, script: &'s Script) -> &'s [Step] {
        self.inside.iter().fold(&script.steps, |steps, (step, alternative)| {
            match steps.get(*step) {
                Some(Step::Either(scripts)) => {
                    scripts.get(*alternative).map_or(steps, |script| &script.steps)
                }
                _ => steps,
            }
        })
    }

    /// Returns the next step, or `None` at the end of the script. Leaves alternatives that are finished.
    fn next<'s>(&mut self, script: &'s Script) -> Option<&'s Step> {
        loop {
            if let Some(step) = self.steps(script).get(self.step) {
                return Some(step);
            }
            let (step, _) = self.inside.pop()?;
            self.step = step + 1;
        }
    }

    /// Moves the position to the second step of an alternative. The first step of the alternative is already done.
    fn enter(&mut self, alternative: usize) {
        self.inside.push((self.step, alternative));
        self.step = 1;
    }
}

/// The result of a step that waits for bytes.
enum Reply {
    /// More bytes are needed.
    Later,
    /// The pattern with this number is complete.
    Is(usize),
    /// An ending is complete.
    Ended,
}

impl Conversation {
    /// Advances in the script as far as possible. `ending` means that the application was interrupted and must end.
    ///
    /// # Errors
    /// A violation of the script by the device.
    pub(crate) fn go_on(
        &mut self,
        script: &Script,
        socket: &mut Socket<'_>,
        now: u64,
        pace: Pace,
        reads: bool,
        ending: bool,
    ) -> Result<ConversationState, String> {
        let mut wake = u64::MAX;
        loop {
            wake = wake.min(self.flush(socket, now, pace));
            let all_sent = self.sent == self.out.len();
            if self.finishes && all_sent {
                socket.close();
            }
            let Some(step) = self.cursor.next(script) else {
                // After the end of the device's stream, unsent bytes do not matter.
                let over = all_sent || self.has_end;
                return Ok(match socket.state() {
                    _ if over => ConversationState::Over,
                    State::Closed => ConversationState::Lost,
                    _ => ConversationState::Until(wake),
                });
            };
            let done = match step {
                Step::Send(bytes) => {
                    self.out.extend_from_slice(bytes);
                    true
                }
                Step::Pause(time) => {
                    let until = *self.pause.get_or_insert(now + time.as_micros() as u64);
                    wake = wake.min(until);
                    until <= now
                }
                Step::Finish => {
                    self.finishes = true;
                    true
                }
                Step::Expect(_) | Step::Either(_) | Step::ExpectEnd if !reads => false,
                Step::Expect(pattern) => {
                    match self.expect(script, &[pattern], socket, now, pace, &mut wake, ending)? {
                        Reply::Ended => return Ok(ConversationState::Ended),
                        Reply::Later => false,
                        Reply::Is(_) => true,
                    }
                }
                Step::Either(scripts) => {
                    let wanted: Vec<_> = scripts.iter().filter_map(Script::first).collect();
                    match self.expect(script, &wanted, socket, now, pace, &mut wake, ending)? {
                        Reply::Ended => return Ok(ConversationState::Ended),
                        Reply::Later => false,
                        Reply::Is(alternative) => {
                            self.cursor.enter(alternative);
                            self.begin_step();
                            continue;
                        }
                    }
                }
                Step::ExpectEnd => match self.expect_end(script, socket)? {
                    Some(Reply::Ended) => return Ok(ConversationState::Ended),
                    reply => reply.is_some(),
                },
            };
            if !done {
                // Bytes that arrived before a reset can still be read.
                let lost = socket.state() == State::Closed && !(reads && socket.can_recv());
                return Ok(if lost {
                    ConversationState::Lost
                } else {
                    ConversationState::Until(wake)
                });
            }
            self.has_end = matches!(step, Step::ExpectEnd);
            self.cursor.step += 1;
            self.begin_step();
            self.pause = None;
        }
    }

    fn begin_step(&mut self) {
        let text = std::mem::take(&mut self.matcher).into_text();
        if !text.is_empty() {
            self.previous = text;
        }
    }

    /// Returns a description of the bytes that were received on this connection, or `None` if there are none. The
    /// number of a byte in an error text counts from the beginning of the step.
    pub(crate) fn describe_received(&self) -> Option<String> {
        let text = [&*self.previous, self.matcher.text()].concat();
        let last = text.get(text.len().saturating_sub(SHOWN)..).unwrap_or(&text);
        let last = last.escape_ascii();
        (self.received > 0).then(|| format!("{} bytes, the last of them \"{last}\"", self.received))
    }

    /// Sends as many bytes as possible now. Returns the time at which to continue if the pace limits the sending, or
    /// `u64::MAX` if the pace does not limit the sending.
    fn flush(&mut self, socket: &mut Socket<'_>, now: u64, pace: Pace) -> u64 {
        while self.sent < self.out.len() && socket.can_send() {
            if now < self.next_write {
                return self.next_write;
            }
            let end = match pace.write {
                0 => self.out.len(),
                bytes => self.out.len().min(self.sent + bytes),
            };
            let sent = socket.send_slice(&self.out[self.sent..end]).unwrap_or(0);
            self.sent += sent;
            self.progress += sent as u64;
            if pace.write > 0 {
                self.next_write = now + SLOWLY;
            }
        }
        u64::MAX
    }

    /// Reads the bytes that have arrived, and compares them with the patterns in `wanted`.
    #[allow(clippy::too_many_arguments, reason = "they are the arguments of `go_on`")]
    fn expect(
        &mut self,
        script: &Script,
        wanted: &[&Pattern],
        socket: &mut Socket<'_>,
        now: u64,
        pace: Pace,
        wake: &mut u64,
        ending: bool,
    ) -> Result<Reply, String> {
        let matcher = &mut self.matcher;
        let (_, mut meaning) = matcher.compare(wanted, &script.endings, &[]);
        loop {
            match meaning {
                Meaning::Open => {}
                Meaning::Is(index) => return Ok(Reply::Is(index)),
                Meaning::Ended => return Ok(Reply::Ended),
                Meaning::Wrong(text) => return Err(text),
            }
            if now < self.next_read && pace.read > 0 {
                *wake = (*wake).min(self.next_read);
                return Ok(Reply::Later);
            }
            let most = if pace.read == 0 { usize::MAX } else { pace.read };
            let received = socket.recv(|part| {
                let part = &part[..part.len().min(most)];
                let (taken, meaning) = matcher.compare(wanted, &script.endings, part);
                (taken, (taken, meaning))
            });
            match received {
                Ok((0, _)) => return Ok(Reply::Later),
                Ok((length, next)) => {
                    self.progress += length as u64;
                    self.received += length as u64;
                    self.is_known |= !ending;
                    if pace.read > 0 {
                        self.next_read = now + SLOWLY / 4;
                    }
                    meaning = next;
                }
                Err(RecvError::Finished) if !ending => return Err(matcher.cut(wanted)),
                Err(RecvError::Finished) if script.goodbye && self.is_known => {
                    return Err("the stream ended without a goodbye".to_owned());
                }
                Err(RecvError::Finished | RecvError::InvalidState) => return Ok(Reply::Later),
            }
        }
    }

    /// Waits for the end of the device's stream, or for one of the script's endings.
    fn expect_end(
        &mut self,
        script: &Script,
        socket: &mut Socket<'_>,
    ) -> Result<Option<Reply>, String> {
        let matcher = &mut self.matcher;
        loop {
            let received = socket.recv(|part| match script.endings.is_empty() || part.is_empty() {
                true => (0, (part.len(), Meaning::Open)),
                false => {
                    let (taken, meaning) = matcher.compare(&[], &script.endings, part);
                    (taken, (part.len(), meaning))
                }
            });
            match received {
                Ok((0, _)) | Err(RecvError::InvalidState) => return Ok(None),
                Ok((_, Meaning::Ended)) => return Ok(Some(Reply::Ended)),
                Ok((_, Meaning::Open)) if !script.endings.is_empty() => {}
                Ok((length, _)) => return Err(format!("{length} bytes came after the last one")),
                Err(RecvError::Finished) if matcher.is_ending() => {
                    return Err("the stream ended within the last text".to_owned());
                }
                Err(RecvError::Finished) => return Ok(Some(Reply::Is(0))),
            }
        }
    }
}
