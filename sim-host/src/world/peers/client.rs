//! A client: a script and a behaviour.

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{Socket, State};

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, MAX_START, MOST, Stream};
use crate::world::choices::kinds::Behaviour;
use crate::world::peers::conversation::{Conversation, ConversationState, Pace};
use crate::world::peers::crowd::{Crowd, CrowdConnection};
use crate::world::peers::script::{Choices, MakeScript, Script};

impl Behaviour {
    /// Returns whether the device must serve a client with this behaviour.
    pub(crate) const fn is_owed_service(self) -> bool {
        matches!(self, Self::Normal | Self::SlowReader | Self::SlowWriter | Self::PortReuse)
    }
}

/// Microseconds until a refused client reconnects.
const AGAIN: u64 = 700_000;

/// The stage of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The client is not connected, and will connect at the time `wake`.
    Waiting,
    /// The client is connected or connecting.
    Connected,
    /// The client has finished or given up, and its connection is being closed.
    Leaving,
    /// The client has ended.
    Gone,
}

pub(crate) struct Client {
    pub(crate) number: u32,
    pub(crate) behaviour: Behaviour,
    /// The device's port that the client connects to.
    pub(crate) target_port: u16,
    pub(crate) over_ipv6: bool,
    pub(crate) stage: Stage,
    /// The device has served the client, or no longer has to serve the client.
    pub(crate) served: bool,
    /// The number of times that the client was refused or lost its connection.
    pub(crate) refused: u32,
    pub(crate) socket: Option<SocketHandle>,
    /// The local port of the client's last connection; zero before the first connection.
    pub(crate) port: u16,
    /// The time of the client's next poll, if nothing happens to its socket.
    pub(crate) wake: u64,
    /// The time of the client's first connect.
    start: u64,
    /// The time from the first connect until the client was served, in microseconds.
    pub(crate) waited: u64,
    script: Script,
    /// The severity of the behaviour. For a client that resets its connection or disappears, the severity is the number
    /// of bytes that are transferred before the client does this.
    severity: u64,
    /// The number of connects that follow after the current connection.
    more_connects: u32,
    /// The time between the end of a connection and the client's next connect, in microseconds.
    pause: u64,
    conversation: Conversation,
    /// The current connection of a client that belongs to a crowd (clients that one program runs); `None` for other
    /// clients.
    crowd_connection: Option<CrowdConnection>,
}

/// What happens to a client's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The socket stays.
    Stays,
    /// The socket is removed without a reset, and frames to its port are dropped.
    Vanishes,
    /// The socket is removed.
    Removed,
}

/// The part of a client's state that observers see. When this part changes, observers receive an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) served: bool,
    pub(crate) refused: u32,
    pub(crate) gone: bool,
}

impl Client {
    /// Chooses the client with this number. If `may_misbehave` is not set, the client's behaviour is normal.
    pub(crate) fn choose(
        choice_log: &mut ChoiceLog,
        number: u32,
        may_misbehave: bool,
        has_ipv6: bool,
        script: MakeScript<'_>,
    ) -> Self {
        let kind = choice_log.choose_for(Stream::Client, ChoicePoint::Kind, number, |random| {
            if may_misbehave && random.chance(450) {
                random.below(Behaviour::ALL.len() as u64)
            } else {
                0
            }
        });
        let start =
            choice_log.choose_for(
                Stream::Client,
                ChoicePoint::Start,
                number,
                |random| match random.below(3) {
                    0 => 0,
                    1 => random.below(2_000),
                    _ => random.spread(1_000, 8_000_000),
                },
            );
        let behaviour = Behaviour::of_answer(kind);
        let severity = match behaviour {
            Behaviour::Normal => 0,
            _ => choice_log.choose_for(Stream::Client, ChoicePoint::Severity, number, |random| {
                random.below(3) * random.spread(1, 200)
            }),
        };
        let target = script(None, &mut Choices::new(choice_log, number));
        let over_ipv6 = has_ipv6
            && choice_log.choose_for(Stream::Client, ChoicePoint::OverIpv6, number, |random| {
                random.below(2)
            }) > 0;
        let client = Self::new(number, behaviour, start.min(MAX_START), target);
        Self { severity, over_ipv6, ..client }
    }

    /// Makes a normal client for the socket-leak check. The client connects to this port immediately.
    pub(crate) fn of_socket_leak_check(
        choice_log: &mut ChoiceLog,
        number: u32,
        port: u16,
        script: MakeScript<'_>,
    ) -> Self {
        let now = choice_log.now;
        let target = script(Some(port), &mut Choices::new(choice_log, number));
        Self::new(number, Behaviour::Normal, now, target)
    }

    /// Returns whether the client belongs to the socket-leak check.
    pub(crate) const fn is_of_socket_leak_check(&self) -> bool {
        self.number > MOST as u32
    }

    fn new(
        number: u32,
        behaviour: Behaviour,
        start: u64,
        (target_port, script): (u16, Script),
    ) -> Self {
        Self {
            number,
            behaviour,
            target_port,
            over_ipv6: false,
            stage: Stage::Waiting,
            served: false,
            refused: 0,
            socket: None,
            port: 0,
            wake: start,
            start,
            waited: 0,
            script,
            severity: 0,
            more_connects: u32::from(behaviour == Behaviour::PortReuse),
            pause: 0,
            conversation: Conversation::default(),
            crowd_connection: None,
        }
    }

    /// Returns the part of the state that observers see.
    pub(crate) fn standing(&self) -> Standing {
        let gone = self.stage == Stage::Gone;
        Standing { served: self.served, refused: self.refused, gone }
    }

    /// Returns whether the device still has to serve the client.
    pub(crate) fn is_owed(&self) -> bool {
        self.behaviour.is_owed_service() && !self.served
    }

    /// Returns whether the client connects only once and must be served on this connection.
    pub(crate) fn connects_once(&self) -> bool {
        matches!(self.behaviour, Behaviour::Normal | Behaviour::SlowWriter)
    }

    /// Returns the size of the receive buffer of the client's socket, in bytes.
    pub(crate) fn window(&self) -> usize {
        match self.behaviour {
            Behaviour::ZeroWindow => 1 + (self.severity % 64) as usize,
            // The device must send its remaining output within the adapter's linger time. With a smaller window, this
            // would take too long.
            Behaviour::SlowReader => 256,
            _ => 2048,
        }
    }

    /// Returns whether the client's next connect uses the same local port as its last connect.
    pub(crate) fn reuses_port(&self) -> bool {
        self.behaviour == Behaviour::PortReuse && self.port != 0 && self.refused == 0
    }

    /// Records that the client begins a connect.
    pub(crate) fn begin(&mut self, socket: SocketHandle, port: u16) {
        self.socket = Some(socket);
        self.port = port;
        self.stage = Stage::Connected;
        self.conversation = Conversation::default();
        self.wake = u64::MAX;
    }

    /// Does the work that is possible now.
    ///
    /// # Errors
    /// A violation of the script by the device.
    pub(crate) fn work(
        &mut self,
        socket: &mut Socket<'_>,
        crowd: Option<&mut Crowd>,
        (now, quiet, ending): (u64, bool, bool),
    ) -> Result<After, String> {
        self.wake = u64::MAX;
        match (self.stage, crowd) {
            (Stage::Connected, Some(crowd)) if self.script.is_of_crowd => {
                let after = self.continue_conversation(socket, Some(crowd), now, quiet, ending);
                if self.stage != Stage::Connected
                    && let Some(mut crowd_connection) = self.crowd_connection.take()
                {
                    crowd_connection.end(crowd);
                }
                after
            }
            (Stage::Connected, _) => self.continue_conversation(socket, None, now, quiet, ending),
            (Stage::Leaving, _) => Ok(self.leave(socket, now)),
            (Stage::Waiting | Stage::Gone, _) => Ok(After::Stays),
        }
    }

    /// Reports to the program of the crowd that the connection has ended. Does not change the socket.
    pub(crate) fn end_crowd_connection(&mut self, crowd: Option<&mut Crowd>) {
        if let (Some(mut crowd_connection), Some(crowd)) = (self.crowd_connection.take(), crowd) {
            crowd_connection.end(crowd);
        }
    }

    /// Returns a description of the bytes that the client has received on its connection. Returns `None` if there are
    /// none, or if a program runs the client.
    pub(crate) fn describe_received(&self) -> Option<String> {
        self.conversation.describe_received()
    }

    /// Returns whether the client belongs to a crowd and is connected.
    pub(crate) fn has_crowd_connection(&self) -> bool {
        self.crowd_connection.is_some()
    }

    fn continue_conversation(
        &mut self,
        socket: &mut Socket<'_>,
        crowd: Option<&mut Crowd>,
        now: u64,
        quiet: bool,
        ending: bool,
    ) -> Result<After, String> {
        if matches!(socket.state(), State::SynSent | State::SynReceived) {
            return Ok(After::Stays);
        }
        let progress = self
            .crowd_connection
            .as_ref()
            .map_or(self.conversation.progress, |connection| connection.progress);
        let is_due = socket.state() != State::Closed && progress >= self.severity;
        match self.behaviour {
            Behaviour::HalfOpen if is_due => {
                self.gone();
                return Ok(After::Vanishes);
            }
            Behaviour::Reset if is_due => {
                socket.abort();
                self.stage = Stage::Leaving;
                return Ok(After::Stays);
            }
            Behaviour::EarlyEnd => {
                socket.close();
                self.stage = Stage::Leaving;
                return Ok(After::Stays);
            }
            _ => {}
        }
        let pace = match self.behaviour {
            Behaviour::SlowReader if !quiet => {
                Pace { read: 1 + (self.severity as usize % 16), write: 0 }
            }
            Behaviour::SlowWriter if !quiet => Pace { read: 0, write: 1 },
            _ => Pace::FULL,
        };
        let reads = self.behaviour != Behaviour::ZeroWindow;
        let state = match crowd {
            Some(_) if self.crowd_connection.is_none() && socket.state() == State::Closed => {
                ConversationState::Lost
            }
            Some(crowd) => {
                let connection =
                    self.crowd_connection.get_or_insert_with(|| CrowdConnection::new(crowd));
                connection.go_on(crowd, socket, now, pace, reads, ending)?
            }
            None => self.conversation.go_on(&self.script, socket, now, pace, reads, ending)?,
        };
        match state {
            ConversationState::Over => {
                socket.close();
                self.served = self.more_connects == 0;
                self.waited = now - self.start;
                self.pause = 0;
                self.stage = Stage::Leaving;
                if socket.state() == State::Closed {
                    // The client has reset the connection. When the reset has been sent, the socket does not wake the
                    // client. So the client checks the socket again one microsecond later.
                    self.wake = now + 1;
                }
                Ok(self.leave(socket, now))
            }
            // The device has ended the connection, so the client ends its side, too.
            ConversationState::Ended if self.crowd_connection.is_some() => {
                socket.close();
                if self.is_owed() && !ending {
                    self.more_connects += 1;
                    self.pause = AGAIN;
                }
                self.stage = Stage::Leaving;
                Ok(self.leave(socket, now))
            }
            ConversationState::Until(wake) => {
                self.wake = wake;
                Ok(After::Stays)
            }
            // The program of the crowd decides whether the device may drop a client. So a lost connection of a crowd's
            // client does not count as refused.
            ConversationState::Lost if self.crowd_connection.is_some() => {
                self.connect_again(now, ending);
                Ok(After::Removed)
            }
            ConversationState::Lost => {
                self.lost(now, ending);
                Ok(After::Removed)
            }
            ConversationState::Ended => {
                self.connect_again(now, ending);
                Ok(After::Removed)
            }
        }
    }

    /// Waits until the client's connection has ended, and discards data that still arrives.
    fn leave(&mut self, socket: &mut Socket<'_>, now: u64) -> After {
        if socket.can_recv() {
            let _ = socket.recv(|bytes| (bytes.len(), ()));
        }
        // After a reset, the socket keeps its remote endpoint until the reset is sent.
        let over = match socket.state() {
            State::Closed => socket.remote_endpoint().is_none(),
            State::TimeWait | State::FinWait2 => true,
            _ => false,
        };
        if !over {
            return After::Stays;
        }
        self.left(now);
        After::Removed
    }

    /// Handles the end of the client's connection. The client is gone, or connects again later.
    pub(crate) fn left(&mut self, now: u64) {
        match self.more_connects {
            0 => self.gone(),
            _ => {
                self.more_connects -= 1;
                (self.stage, self.socket, self.wake) = (Stage::Waiting, None, now + self.pause);
            }
        }
    }

    /// Returns the number of bytes that the client has sent and received on its current connection. Returns zero if the
    /// client is not connected.
    pub(crate) fn progress(&self) -> u64 {
        match (self.stage, &self.crowd_connection) {
            (Stage::Connected, Some(connection)) => connection.progress,
            (Stage::Connected, None) => self.conversation.progress,
            _ => 0,
        }
    }

    /// Records a lost connection. A client that must still be served reconnects later.
    pub(crate) fn lost(&mut self, now: u64, ending: bool) {
        self.refused += 1;
        self.connect_again(now, ending);
    }

    /// Resets the connection and leaves. The device no longer has to serve this client.
    pub(crate) fn excuse(&mut self, socket: &mut Socket<'_>, now: u64) {
        socket.abort();
        (self.served, self.more_connects) = (true, 0);
        (self.stage, self.wake) = (Stage::Leaving, now + 1);
    }

    /// Makes the client reconnect later, if the device must still serve the client and the application was not
    /// interrupted. In all other cases, the client is gone.
    fn connect_again(&mut self, now: u64, ending: bool) {
        if self.behaviour.is_owed_service() && !self.served && !ending {
            (self.stage, self.socket) = (Stage::Waiting, None);
            self.wake = now + AGAIN;
        } else {
            self.gone();
        }
    }

    /// Makes the client connect once more after its current connection.
    pub(crate) fn will_connect_again(&mut self) {
        self.more_connects += 1;
    }

    pub(crate) fn gone(&mut self) {
        (self.stage, self.socket, self.wake) = (Stage::Gone, None, u64::MAX);
    }
}
