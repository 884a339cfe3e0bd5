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
}

#[derive(Default)]
pub(crate) struct Conversation {
    /// Bytes transferred in both directions.
    pub(crate) progress: u64,
    step: usize,
    /// How many bytes of the current expectation have arrived.
    heard: usize,
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
                Step::Expect(bytes) => self.expect(bytes, socket, now, pace, &mut wake, ending)?,
                Step::ExpectEnd => self.expect_end(socket)?,
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

    /// Reads bytes of an expectation. Returns whether it is complete.
    fn expect(
        &mut self,
        bytes: &[u8],
        socket: &mut Socket<'_>,
        now: u64,
        pace: Pace,
        wake: &mut u64,
        ending: bool,
    ) -> Result<bool, String> {
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
                (part.len(), (part.len(), wrong.map(|at| (at, part[at], rest[at]))))
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
                Ok((_, Some((at, heard, due)))) => {
                    let at = self.heard + at;
                    return Err(format!("byte {at} was {heard:#04x} instead of {due:#04x}"));
                }
                Err(RecvError::Finished) if !ending => {
                    let (heard, due) = (self.heard, bytes.len());
                    return Err(format!("the stream ended after {heard} of {due} bytes"));
                }
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
