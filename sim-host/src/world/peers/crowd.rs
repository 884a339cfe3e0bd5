//! A crowd: clients that follow no script. One program, a [`Service`], runs all clients of a crowd. So the program can
//! compare what the clients have sent and received.

use std::time::Duration;

use smoltcp::socket::tcp::{RecvError, Socket, State};

use crate::world::peers::conversation::{ConversationState, Pace};
use crate::world::peers::script::Choices;
use crate::world::peers::service::{End, Service, Session};

type Make = dyn Fn(&mut Choices<'_>) -> Box<dyn Service> + Send + Sync;

/// Makes the program of a test case's crowd.
pub(crate) struct CrowdMaker(Box<Make>);

impl CrowdMaker {
    pub(crate) fn new<S: Service>(
        make: impl Fn(&mut Choices<'_>) -> S + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(move |choices| Box::new(make(choices))))
    }

    pub(crate) fn make(&self, choices: &mut Choices<'_>) -> Crowd {
        Crowd {
            program: (self.0)(choices),
            connections: 0,
            has_changed: false,
            affected_by_forgery: false,
        }
    }
}

/// The program of a crowd during a simulation.
pub(crate) struct Crowd {
    program: Box<dyn Service>,
    /// The number of connections that the clients have opened.
    connections: u32,
    /// Something happened on a connection of the crowd. So clients that wait for another client may be able to
    /// continue.
    pub(crate) has_changed: bool,
    /// A byte on a connection of the crowd was forged. From then on, the errors of the program's checks are ignored.
    pub(crate) affected_by_forgery: bool,
}

/// One connection of a client of a crowd.
pub(crate) struct CrowdConnection {
    session: Session,
    /// The number of bytes of the session's output that were sent.
    sent: usize,
    /// The number of bytes transferred in both directions.
    pub(crate) progress: u64,
    /// The device has ended its stream.
    has_end: bool,
    is_opened: bool,
    next_read: u64,
    next_write: u64,
}

/// The time between two reads or two writes of a slow client, in microseconds.
const SLOWLY: u64 = Duration::from_millis(250).as_micros() as u64;

impl CrowdConnection {
    pub(crate) fn new(crowd: &mut Crowd) -> Self {
        crowd.connections += 1;
        Self {
            session: Session::new(crowd.connections - 1),
            sent: 0,
            progress: 0,
            has_end: false,
            is_opened: false,
            next_read: 0,
            next_write: 0,
        }
    }

    /// Reports to the program that the connection is over.
    pub(crate) fn end(&mut self, crowd: &mut Crowd) {
        if self.is_opened {
            crowd.program.ended(&mut self.session);
            crowd.has_changed = true;
        }
    }

    /// Does the work that is possible now.
    ///
    /// # Errors
    /// A text that describes what the device did wrong.
    pub(crate) fn go_on(
        &mut self,
        crowd: &mut Crowd,
        socket: &mut Socket<'_>,
        now: u64,
        pace: Pace,
        reads: bool,
        ending: bool,
    ) -> Result<ConversationState, String> {
        if !std::mem::replace(&mut self.is_opened, true) {
            crowd.has_changed = true;
            crowd.program.opened(&mut self.session)?;
        }
        let mut wake = u64::MAX;
        while reads && !self.has_end {
            if now < self.next_read {
                wake = wake.min(self.next_read);
                break;
            }
            let most = if pace.read == 0 { usize::MAX } else { pace.read };
            let input = &mut self.session.input;
            let received = socket.recv(|part| {
                let part = &part[..part.len().min(most)];
                input.extend_from_slice(part);
                (part.len(), part.len())
            });
            match received {
                Ok(0) => break,
                Ok(length) => {
                    self.progress += length as u64;
                    crowd.has_changed = true;
                    crowd.program.received(&mut self.session)?;
                    if pace.read > 0 {
                        self.next_read = now + SLOWLY;
                    }
                }
                Err(RecvError::Finished) => {
                    self.has_end = true;
                    crowd.has_changed = true;
                    // While the device shuts down, it may end any connection. So an error of `finished` is ignored.
                    let finished = crowd.program.finished(&mut self.session);
                    finished.or_else(|text| if ending { Ok(()) } else { Err(text) })?;
                }
                Err(RecvError::InvalidState) => break,
            }
        }
        crowd.program.poll(&mut self.session)?;
        while self.sent < self.session.output.len() && socket.can_send() {
            if now < self.next_write {
                wake = wake.min(self.next_write);
                break;
            }
            let left = &self.session.output[self.sent..];
            let part = if pace.write == 0 { left } else { &left[..left.len().min(pace.write)] };
            let sent = socket.send_slice(part).unwrap_or(0);
            self.sent += sent;
            self.progress += sent as u64;
            if pace.write > 0 {
                self.next_write = now + SLOWLY;
            }
        }
        let all_sent = self.sent == self.session.output.len();
        let is_reset = self.session.end == End::Reset;
        match self.session.end {
            End::Closed if all_sent => socket.close(),
            End::Reset => socket.abort(),
            End::Open | End::Closed => {}
        }
        Ok(match socket.state() {
            _ if self.session.is_served && (self.has_end || is_reset) => ConversationState::Over,
            _ if self.has_end => ConversationState::Ended,
            State::Closed if !socket.can_recv() => ConversationState::Lost,
            _ => ConversationState::Until(wake),
        })
    }
}
