//! A TCP client as a state machine: its plan and its outcome.
//!
//! A [`Plan`] describes a client's behaviour: how much it sends, whether it reads, and how it
//! leaves. Good and bad clients differ only in their plans. The [`Peer`](crate::peer::Peer) gives a
//! client its socket and steps it after every frame, so many clients run at once in one thread.

use smoltcp::socket::tcp::{RecvError, Socket, State};

/// How a client ends its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Ends after the server has ended, like `nc` with its input still open.
    AfterServer,
    /// Ends its own direction as soon as everything is sent, and continues to read: a half-close.
    AfterSending,
    /// Ends its own direction when it has received all it expects, and waits for the server's end.
    AfterAnswer,
    /// Sends a reset as soon as it is connected.
    Resetting,
    /// Vanishes as soon as it is connected, and never answers again, as after a power failure.
    Vanishing,
    /// Stays connected. Its stack acknowledges data; the client does nothing.
    Never,
}

/// The plan of a client.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The bytes that it sends, as fast as the server accepts them.
    pub send: Vec<u8>,
    /// The exact bytes that the server must send before its end of stream.
    pub expect: Vec<u8>,
    /// How it leaves.
    pub leave: Leave,
    /// Its receive buffer in bytes. A small buffer soon closes the window of a client that does not read.
    pub window: usize,
    /// Whether it reads. If not, input stays in the receive buffer.
    pub reads: bool,
}

/// Room for about a dozen full segments, so that the receive buffer is never the bottleneck.
const WINDOW: usize = 16 * 1024;

impl Plan {
    fn new(leave: Leave) -> Self {
        Self { send: Vec::new(), expect: Vec::new(), leave, window: WINDOW, reads: true }
    }

    /// Sends nothing, reads `greeting` and the server's end, and leaves: the ordinary client.
    pub fn listener_to(greeting: &[u8]) -> Self {
        Self { expect: greeting.to_vec(), ..Self::new(Leave::AfterServer) }
    }

    /// Ends its own direction at once, and still expects `greeting` and the server's end.
    pub fn half_closer(greeting: &[u8]) -> Self {
        Self { expect: greeting.to_vec(), ..Self::new(Leave::AfterSending) }
    }

    /// Sends `payload`, expects it back, and then ends its direction.
    pub fn echo(payload: Vec<u8>) -> Self {
        Self { expect: payload.clone(), send: payload, ..Self::new(Leave::AfterAnswer) }
    }

    /// Sends `payload`, ends its own direction, and only then expects it back.
    pub fn half_closing_echo(payload: Vec<u8>) -> Self {
        Self { leave: Leave::AfterSending, ..Self::echo(payload) }
    }

    /// Resets the connection as soon as it is open.
    pub fn resetter() -> Self {
        Self::new(Leave::Resetting)
    }

    /// Vanishes as soon as the connection is open.
    pub fn vanisher() -> Self {
        Self::new(Leave::Vanishing)
    }

    /// Connects and does nothing more.
    pub fn silent() -> Self {
        Self { reads: false, ..Self::new(Leave::Never) }
    }

    /// Sends `payload`, even if it is not read, and stays connected.
    pub fn flooder(payload: Vec<u8>) -> Self {
        Self { send: payload, ..Self::silent() }
    }

    /// Sends `payload`, reads nothing, and has a receive buffer of only 4 bytes, so that its window
    /// closes.
    pub fn non_reader(payload: Vec<u8>) -> Self {
        Self { send: payload, window: 4, reads: false, ..Self::new(Leave::Never) }
    }
}

/// The outcome of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It received exactly what it expected, and both directions ended without a reset.
    Served,
    /// It reset the connection or vanished, as planned.
    Gone,
    /// A reset answered its first segment: no listener, or no room.
    Refused,
    /// The connection was reset after this many bytes of the answer.
    Reset {
        /// Bytes read before the reset.
        after: usize,
    },
    /// It received everything and the server's end of stream, but the server answered the client's
    /// end of stream with a reset.
    ResetAtEnd,
    /// The answer differs from the expected answer, or is longer.
    Wrong {
        /// Index of the first wrong byte.
        at: usize,
    },
    /// The server ended its stream too early.
    Short {
        /// Bytes read before the end.
        after: usize,
    },
    /// The client is not done.
    Pending {
        /// The connection's TCP state.
        state: State,
        /// Bytes given to the stack so far.
        sent: usize,
        /// Bytes read so far.
        read: usize,
    },
}

/// Counts equal outcomes for a message: `2 × Served, 1 × Refused`.
pub fn summary(outcomes: &[Outcome]) -> String {
    let mut counts: Vec<(&Outcome, usize)> = Vec::new();
    for outcome in outcomes {
        match counts.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, count)) => *count += 1,
            None => counts.push((outcome, 1)),
        }
    }
    let counts: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} × {kind:?}")).collect();
    counts.join(", ")
}

/// A running client.
#[derive(Debug)]
pub struct Client {
    plan: Plan,
    outcome: Outcome,
    connected: bool,
    server_ended: bool,
    sent: usize,
    read: usize,
}

impl Client {
    /// Makes a client that has not connected yet.
    pub fn new(plan: Plan) -> Self {
        let outcome = Outcome::Pending { state: State::Closed, sent: 0, read: 0 };
        Self { plan, outcome, connected: false, server_ended: false, sent: 0, read: 0 }
    }

    /// Returns the client's outcome so far.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Returns whether the client is done.
    pub fn is_done(&self) -> bool {
        !matches!(self.outcome, Outcome::Pending { .. })
    }

    /// Returns whether it has vanished: after that, nothing may be sent for it.
    pub fn has_vanished(&self) -> bool {
        self.outcome == Outcome::Gone && self.plan.leave == Leave::Vanishing
    }

    /// Does everything that `socket` allows. `saw_reset` is true if the server has sent a reset to
    /// this client.
    pub fn step(&mut self, socket: &mut Socket<'_>, saw_reset: bool) {
        if self.is_done() {
            return;
        }
        if let Some(outcome) = self.advance(socket, saw_reset) {
            self.outcome = outcome;
        } else {
            let (sent, read) = (self.sent, self.read);
            self.outcome = Outcome::Pending { state: socket.state(), sent, read };
        }
    }

    fn advance(&mut self, socket: &mut Socket<'_>, saw_reset: bool) -> Option<Outcome> {
        if !self.connected {
            self.connected = !matches!(socket.state(), State::SynSent | State::Closed);
            let refused = socket.state() == State::Closed;
            // The plan begins in the next step. In between, the segment that completes the handshake is sent, so that
            // the server has an open connection.
            return refused.then_some(Outcome::Refused);
        }
        match self.plan.leave {
            Leave::Resetting => {
                socket.abort();
                return Some(Outcome::Gone);
            }
            Leave::Vanishing => return Some(Outcome::Gone),
            _ => {}
        }
        self.send(socket);
        if self.plan.reads
            && let Some(outcome) = self.receive(socket)
        {
            return Some(outcome);
        }
        if self.wants_to_end() {
            socket.close();
        }
        self.ending(socket, saw_reset)
    }

    fn send(&mut self, socket: &mut Socket<'_>) {
        let rest = &self.plan.send[self.sent..];
        // After an error the connection is over; `receive` reports that.
        self.sent += socket.send_slice(rest).unwrap_or(0);
    }

    /// Reads and compares all available bytes. Returns the outcome if they determine it.
    fn receive(&mut self, socket: &mut Socket<'_>) -> Option<Outcome> {
        while !self.server_ended {
            let expected = &self.plan.expect[self.read..];
            let compared = socket.recv(|bytes| {
                let same = bytes.iter().zip(expected).take_while(|(got, want)| got == want).count();
                (bytes.len(), (same, bytes.len()))
            });
            match compared {
                Ok((_, 0)) => break,
                Ok((same, length)) => {
                    self.read += same;
                    if same < length {
                        return Some(Outcome::Wrong { at: self.read });
                    }
                }
                Err(RecvError::Finished) if self.read < self.plan.expect.len() => {
                    return Some(Outcome::Short { after: self.read });
                }
                Err(RecvError::Finished) => self.server_ended = true,
                Err(RecvError::InvalidState) => return Some(Outcome::Reset { after: self.read }),
            }
        }
        None
    }

    fn wants_to_end(&self) -> bool {
        match self.plan.leave {
            Leave::AfterServer => self.server_ended,
            Leave::AfterSending => self.sent == self.plan.send.len(),
            Leave::AfterAnswer => self.read == self.plan.expect.len(),
            Leave::Resetting | Leave::Vanishing | Leave::Never => false,
        }
    }

    /// Returns the outcome if the connection is over.
    fn ending(&self, socket: &Socket<'_>, saw_reset: bool) -> Option<Outcome> {
        match socket.state() {
            // A client that half-closed only waits for stray segments now.
            State::TimeWait if self.server_ended => Some(Outcome::Served),
            State::Closed if !self.server_ended => Some(Outcome::Reset { after: self.read }),
            State::Closed if saw_reset => Some(Outcome::ResetAtEnd),
            State::Closed => Some(Outcome::Served),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_outcomes_are_counted_together() {
        let outcomes = [Outcome::Served, Outcome::Reset { after: 3 }, Outcome::Served];
        assert_eq!(summary(&outcomes), "2 × Served, 1 × Reset { after: 3 }");
        assert_eq!(summary(&[]), "");
    }
}
