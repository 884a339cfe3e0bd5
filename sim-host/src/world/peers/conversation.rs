//! A client's progress in its script, on one connection.

use smoltcp::socket::tcp::{RecvError, Socket, State};

use crate::world::peers::script::{Script, Step};

/// Microseconds between two reads or writes of a slow client.
const SLOWLY: u64 = 1_000_000;

/// The most bytes per read and write; zero for no limit.
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
pub(crate) enum Talk {
    /// It continues with the next event of its socket, or at this time.
    Until(u64),
    /// The script has been finished.
    Over,
    /// The connection was lost before the end of the script.
    Lost,
    /// The device has ended it with a text that the script allows.
    Ended,
}

#[derive(Default)]
pub(crate) struct Conversation {
    /// Bytes transferred in both directions.
    pub(crate) progress: u64,
    step: usize,
    /// How many bytes of the current expectation have arrived.
    heard: usize,
    /// The ending that has begun.
    ending: Option<usize>,
    out: Vec<u8>,
    sent: usize,
    /// The end of the stream follows the last byte.
    finishes: bool,
    /// When a pause ends.
    pause: Option<u64>,
    next_read: u64,
    next_write: u64,
}

impl Conversation {
    /// Advances in the script as far as possible.
    ///
    /// # Errors
    /// What the device did against the script.
    pub(crate) fn go_on(
        &mut self,
        script: &Script,
        socket: &mut Socket<'_>,
        now: u64,
        pace: Pace,
        reads: bool,
        ending: bool,
    ) -> Result<Talk, String> {
        let mut wake = u64::MAX;
        loop {
            wake = wake.min(self.flush(socket, now, pace));
            let all_sent = self.sent == self.out.len();
            if self.finishes && all_sent {
                socket.close();
            }
            let Some(step) = script.steps.get(self.step) else {
                // After the end of the stream, unsent bytes do not matter.
                let over = all_sent || matches!(script.steps.last(), Some(Step::ExpectEnd));
                return Ok(match socket.state() {
                    _ if over => Talk::Over,
                    State::Closed => Talk::Lost,
                    _ => Talk::Until(wake),
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
                Step::Expect(_) | Step::ExpectEnd if !reads => false,
                Step::Expect(bytes) => {
                    let ends = self.ending.and_then(|ending| script.endings.get(ending));
                    let wanted = ends.unwrap_or(bytes);
                    match self.expect(wanted, socket, now, pace, &mut wake, ending) {
                        Ok(true) if ends.is_some() => return Ok(Talk::Ended),
                        Err(Mismatch::Byte(at, heard)) if self.ends(script, wanted, at, heard) => {
                            continue;
                        }
                        expected => expected.map_err(|mismatch| mismatch.text(wanted))?,
                    }
                }
                Step::ExpectEnd => match self.expect_end(socket) {
                    Err(_) if !script.endings.is_empty() => return Ok(Talk::Ended),
                    ended => ended?,
                },
            };
            if !done {
                // Bytes that arrived before a reset can still be read.
                let lost = socket.state() == State::Closed && !(reads && socket.can_recv());
                return Ok(if lost { Talk::Lost } else { Talk::Until(wake) });
            }
            self.step += 1;
            self.pause = None;
        }
    }

    /// Sends what can be sent. Returns when to continue, if it waits for the time.
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

    /// Returns whether one of the script's endings has begun, when `heard` came at this place instead of what
    /// was wanted there. Then it is expected from here on.
    fn ends(&mut self, script: &Script, wanted: &[u8], at: usize, heard: u8) -> bool {
        // An ending may share its first bytes with what was wanted.
        let began = |text: &Vec<u8>| {
            (0..=at.min(text.len())).find(|shared| {
                text.get(*shared) == Some(&heard)
                    && wanted.get(at - shared..at) == text.get(..*shared)
            })
        };
        let found = script.endings.iter().enumerate();
        let found = found.filter_map(|(index, text)| Some((index, began(text)?))).next();
        let Some((index, shared)) = found else { return false };
        (self.ending, self.heard) = (Some(index), shared + 1);
        true
    }

    /// Hears what there is of an expectation; whether it has come true.
    fn expect(
        &mut self,
        bytes: &[u8],
        socket: &mut Socket<'_>,
        now: u64,
        pace: Pace,
        wake: &mut u64,
        ending: bool,
    ) -> Result<bool, Mismatch> {
        while self.heard < bytes.len() {
            if now < self.next_read && pace.read > 0 {
                *wake = (*wake).min(self.next_read);
                return Ok(false);
            }
            let rest = &bytes[self.heard..];
            let most = if pace.read == 0 { rest.len() } else { pace.read.min(rest.len()) };
            let heard = socket.recv(|part| {
                let part = &part[..part.len().min(most)];
                let wrong = part.iter().zip(rest).position(|(heard, due)| heard != due);
                // What comes behind a wrong byte may be the rest of another text.
                let taken = wrong.map_or(part.len(), |at| at + 1);
                (taken, (part.len(), wrong.map(|at| (at, part[at]))))
            });
            match heard {
                Ok((0, _)) => return Ok(false),
                Ok((length, None)) => {
                    self.heard += length;
                    self.progress += length as u64;
                    if pace.read > 0 {
                        self.next_read = now + SLOWLY / 4;
                    }
                }
                Ok((_, Some((at, heard)))) => return Err(Mismatch::Byte(self.heard + at, heard)),
                Err(RecvError::Finished) if !ending => return Err(Mismatch::End(self.heard)),
                Err(RecvError::Finished | RecvError::InvalidState) => return Ok(false),
            }
        }
        self.heard = 0;
        Ok(true)
    }

    /// Returns whether the device's stream has ended.
    fn expect_end(&mut self, socket: &mut Socket<'_>) -> Result<bool, String> {
        match socket.recv(|part| (0, part.len())) {
            Ok(0) | Err(RecvError::InvalidState) => Ok(false),
            Ok(length) => Err(format!("{length} bytes came after the last one")),
            Err(RecvError::Finished) => Ok(true),
        }
    }
}

/// How what came differs from what was expected.
enum Mismatch {
    /// Another byte came at this place.
    Byte(usize, u8),
    /// The stream ended after so many bytes.
    End(usize),
}

impl Mismatch {
    fn text(&self, expected: &[u8]) -> String {
        match *self {
            Self::Byte(at, heard) => {
                let due = expected.get(at).copied().unwrap_or_default();
                format!("byte {at} was {heard:#04x} instead of {due:#04x}")
            }
            Self::End(heard) => {
                format!("the stream ended after {heard} of {} bytes", expected.len())
            }
        }
    }
}
