//! A TCP client as a state machine: its plan and its outcome.
//!
//! A [`Plan`] describes a client's behaviour: what the client sends, whether it reads, and how it ends the connection.
//! Good and bad clients differ only in their plans. The [`Peer`](crate::peer::Peer) makes a socket for each client, and
//! calls [`Client::step`] for each client after every frame. In this way one thread runs many clients at once.

use smoltcp::socket::tcp::{RecvError, Socket, State};

/// How a client ends its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndMode {
    /// The client ends its own direction after the server's end of stream.
    AfterServer,
    /// The client ends its own direction as soon as everything is sent, and continues to read (a half-close).
    AfterSending,
    /// The client ends its own direction when it has received everything that it expects. Then it waits for the
    /// server's end of stream.
    AfterAnswer,
    /// The client sends a reset as soon as it is connected.
    Resetting,
    /// The client vanishes as soon as it is connected: it never answers again, as after a power failure.
    Vanishing,
    /// The client stays connected and does not end the connection. The stack still acknowledges data.
    Never,
}

/// The plan of a client.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The bytes that the client sends, as fast as the server accepts them.
    pub send: Vec<u8>,
    /// The exact bytes that the server must send before its end of stream.
    pub expect: Vec<u8>,
    /// How the client ends the connection.
    pub leave: EndMode,
    /// The size of the client's receive buffer in bytes. If the client does not read, a small buffer soon closes the
    /// window.
    pub window: usize,
    /// Whether the client reads. If the client does not read, input stays in the receive buffer.
    pub reads: bool,
}

/// The usual size of a receive buffer. The buffer holds about a dozen full segments, so that its size does not limit
/// the speed.
const WINDOW: usize = 16 * 1024;

impl Plan {
    fn new(leave: EndMode) -> Self {
        Self { send: Vec::new(), expect: Vec::new(), leave, window: WINDOW, reads: true }
    }

    /// Returns the plan of an ordinary client. It sends nothing, reads `greeting` and the server's end of stream, and
    /// then ends its own direction.
    pub fn listener_to(greeting: &[u8]) -> Self {
        Self { expect: greeting.to_vec(), ..Self::new(EndMode::AfterServer) }
    }

    /// Returns the plan of a client that ends its own direction at once, and still expects `greeting` and the server's
    /// end of stream.
    pub fn half_closer(greeting: &[u8]) -> Self {
        Self { expect: greeting.to_vec(), ..Self::new(EndMode::AfterSending) }
    }

    /// Returns the plan of a client that sends `payload`, expects the same bytes back, and then ends its own direction.
    pub fn echo(payload: Vec<u8>) -> Self {
        Self { expect: payload.clone(), send: payload, ..Self::new(EndMode::AfterAnswer) }
    }

    /// Returns the plan of a client that sends `payload`, ends its own direction, and still expects the same bytes
    /// back.
    pub fn half_closing_echo(payload: Vec<u8>) -> Self {
        Self { leave: EndMode::AfterSending, ..Self::echo(payload) }
    }

    /// Returns the plan of a client that resets the connection as soon as it is open.
    pub fn resetter() -> Self {
        Self::new(EndMode::Resetting)
    }

    /// Returns the plan of a client that vanishes as soon as the connection is open.
    pub fn vanisher() -> Self {
        Self::new(EndMode::Vanishing)
    }

    /// Returns the plan of a client that connects and then does nothing.
    pub fn silent() -> Self {
        Self { reads: false, ..Self::new(EndMode::Never) }
    }

    /// Returns the plan of a client that sends `payload`, reads nothing, and stays connected.
    pub fn flooder(payload: Vec<u8>) -> Self {
        Self { send: payload, ..Self::silent() }
    }

    /// Returns the plan of a client that sends `payload` and reads nothing. Its receive buffer has only 4 bytes, so
    /// that its window closes.
    pub fn non_reader(payload: Vec<u8>) -> Self {
        Self { send: payload, window: 4, reads: false, ..Self::new(EndMode::Never) }
    }
}

/// The outcome of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The client received exactly the expected bytes, and both directions ended without a reset.
    Served,
    /// The client reset the connection or vanished, as planned.
    Gone,
    /// The server answered the client's first segment with a reset. The server had no listener, or no free connection
    /// slot.
    Refused,
    /// The connection was reset before the server's end of stream.
    Reset {
        /// The number of bytes read before the reset.
        after: usize,
    },
    /// The client received everything and the server's end of stream, but the server answered the client's end of
    /// stream with a reset.
    ResetAtEnd,
    /// The answer differs from the expected answer, or is longer than the expected answer.
    Wrong {
        /// The index of the first wrong byte.
        at: usize,
    },
    /// The server ended its stream too early.
    Short {
        /// The number of bytes read before the end.
        after: usize,
    },
    /// The client is not done.
    Pending {
        /// The connection's TCP state.
        state: State,
        /// The number of bytes that the client has passed to the stack so far.
        sent: usize,
        /// The number of bytes read so far.
        read: usize,
    },
}

/// Returns a text for error messages with the number of clients for each outcome, for example `2 × Served, 1 ×
/// Refused`.
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

    /// Returns whether the client has vanished. After that, nothing may be sent for this client.
    pub fn has_vanished(&self) -> bool {
        self.outcome == Outcome::Gone && self.plan.leave == EndMode::Vanishing
    }

    /// Sends, receives and ends the connection according to the plan, as far as `socket` allows it now. `saw_reset` is
    /// true if the server has sent a reset to this client.
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
            // If the connection is open, the plan begins in the next step. Before that step, the stack sends the
            // segment that completes the handshake, so that the connection is open at the server too.
            return refused.then_some(Outcome::Refused);
        }
        match self.plan.leave {
            EndMode::Resetting => {
                socket.abort();
                return Some(Outcome::Gone);
            }
            EndMode::Vanishing => return Some(Outcome::Gone),
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
        // After an error, the connection is over. The function `receive` then returns the outcome.
        self.sent += socket.send_slice(rest).unwrap_or(0);
    }

    /// Reads all available bytes and compares them with the expected bytes. Returns the outcome if the connection has
    /// failed or the bytes are wrong.
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
            EndMode::AfterServer => self.server_ended,
            EndMode::AfterSending => self.sent == self.plan.send.len(),
            EndMode::AfterAnswer => self.read == self.plan.expect.len(),
            EndMode::Resetting | EndMode::Vanishing | EndMode::Never => false,
        }
    }

    /// Returns the outcome if the connection is over.
    fn ending(&self, socket: &Socket<'_>, saw_reset: bool) -> Option<Outcome> {
        match socket.state() {
            // Both directions have ended. In the state TIME-WAIT, the stack of the client only waits for late segments.
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
