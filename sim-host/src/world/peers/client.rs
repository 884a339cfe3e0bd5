//! A client: a script, and the behaviours with which it is followed.

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{Socket, State};

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, MOST, Stream};
use crate::world::choices::kinds::Behaviour;
use crate::world::peers::conversation::{Conversation, Pace, Talk};
use crate::world::peers::script::{Choices, MakeScript, Script};

impl Behaviour {
    /// Whether the device owes such a client its service.
    pub(crate) const fn is_owed_service(self) -> bool {
        matches!(self, Self::Normal | Self::SlowReader | Self::SlowWriter | Self::PortReuse)
    }
}

/// Microseconds until a client that was turned away calls again.
const AGAIN: u64 = 700_000;

/// How far a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It calls when its time has come.
    Waiting,
    /// It is connected, or tries to be.
    Calling,
    /// It has what it wanted, or gave it up, and the connection ends.
    Leaving,
    /// It is gone.
    Gone,
}

pub(crate) struct Client {
    pub(crate) number: u32,
    pub(crate) behaviour: Behaviour,
    /// The device's port that it calls.
    pub(crate) calls: u16,
    pub(crate) stage: Stage,
    /// It went through its script.
    pub(crate) served: bool,
    /// How often it was turned away, or lost its connection.
    pub(crate) turned_away: u32,
    pub(crate) socket: Option<SocketHandle>,
    /// The port of its last connection, zero before.
    pub(crate) port: u16,
    /// When it has to be looked at again, if nothing happens to its socket.
    pub(crate) wake: u64,
    /// When it called first.
    start: u64,
    /// How long it took until it was served.
    pub(crate) waited: u64,
    script: Script,
    /// After how many bytes it does what its behaviour says.
    severity: u64,
    /// Calls it makes after this one.
    more_calls: u32,
    talk: Conversation,
}

/// What becomes of a client's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It stays.
    Stays,
    /// It is removed without a word, and what comes for it is not heard.
    Vanishes,
    /// It is removed.
    Removed,
}

/// What observers hear of when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) served: bool,
    pub(crate) turned_away: u32,
    pub(crate) gone: bool,
}

impl Client {
    /// Draws the client of this number.
    pub(crate) fn draw(
        choice_log: &mut ChoiceLog,
        number: u32,
        mean: bool,
        script: MakeScript<'_>,
    ) -> Self {
        let drawn = choice_log.ask_about(Stream::Client, ChoicePoint::Kind, number, |random| {
            if mean && random.chance(450) { random.below(Behaviour::ALL.len() as u64) } else { 0 }
        });
        let start =
            choice_log.ask_about(Stream::Client, ChoicePoint::Start, number, |random| match random
                .below(3)
            {
                0 => 0,
                1 => random.below(2_000),
                _ => random.spread(1_000, 8_000_000),
            });
        let behaviour = Behaviour::of_answer(drawn);
        let severity = match behaviour {
            Behaviour::Normal => 0,
            _ => choice_log.ask_about(Stream::Client, ChoicePoint::Severity, number, |random| {
                random.below(3) * random.spread(1, 200)
            }),
        };
        let called = script(None, &mut Choices { choice_log, client: number, asked: 0 });
        Self { severity, ..Self::new(number, behaviour, start.min(60_000_000), called) }
    }

    /// Returns a nice client that calls at this port now, when all is over.
    pub(crate) fn of_socket_check(
        choice_log: &mut ChoiceLog,
        number: u32,
        port: u16,
        script: MakeScript<'_>,
    ) -> Self {
        let now = choice_log.now;
        let called = script(Some(port), &mut Choices { choice_log, client: number, asked: 0 });
        Self::new(number, Behaviour::Normal, now, called)
    }

    /// Whether it is one of those who call when all is over.
    pub(crate) const fn is_of_socket_check(&self) -> bool {
        self.number > MOST as u32
    }

    fn new(number: u32, behaviour: Behaviour, start: u64, (calls, script): (u16, Script)) -> Self {
        Self {
            number,
            behaviour,
            calls,
            stage: Stage::Waiting,
            served: false,
            turned_away: 0,
            socket: None,
            port: 0,
            wake: start,
            start,
            waited: 0,
            script,
            severity: 0,
            more_calls: u32::from(behaviour == Behaviour::PortReuse),
            talk: Conversation::default(),
        }
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        let gone = self.stage == Stage::Gone;
        Standing { served: self.served, turned_away: self.turned_away, gone }
    }

    /// Whether the device still owes it something.
    pub(crate) fn is_owed(&self) -> bool {
        self.behaviour.is_owed_service() && !self.served
    }

    /// Whether it calls once, and wants to be served then.
    pub(crate) fn calls_once(&self) -> bool {
        matches!(self.behaviour, Behaviour::Normal | Behaviour::SlowWriter)
    }

    /// Bytes its socket has room for.
    pub(crate) fn window(&self) -> usize {
        match self.behaviour {
            Behaviour::ZeroWindow => 1 + (self.severity % 64) as usize,
            // Not less: what the device has to send after its application closed must be through
            // within the adapter's linger time.
            Behaviour::SlowReader => 256,
            _ => 2048,
        }
    }

    /// Whether its next call comes from the port of the one before.
    pub(crate) fn reuses_port(&self) -> bool {
        self.behaviour == Behaviour::PortReuse && self.port != 0 && self.turned_away == 0
    }

    /// Begins to call.
    pub(crate) fn begin(&mut self, socket: SocketHandle, port: u16) {
        self.socket = Some(socket);
        self.port = port;
        self.stage = Stage::Calling;
        self.talk = Conversation::default();
        self.wake = u64::MAX;
    }

    /// Does what can be done now.
    ///
    /// # Errors
    /// What the device did that the script does not allow.
    pub(crate) fn work(
        &mut self,
        socket: &mut Socket<'_>,
        now: u64,
        quiet: bool,
        ending: bool,
    ) -> Result<After, String> {
        self.wake = u64::MAX;
        match self.stage {
            Stage::Calling => self.call(socket, now, quiet, ending),
            Stage::Leaving => Ok(self.leave(socket, now)),
            Stage::Waiting | Stage::Gone => Ok(After::Stays),
        }
    }

    fn call(
        &mut self,
        socket: &mut Socket<'_>,
        now: u64,
        quiet: bool,
        ending: bool,
    ) -> Result<After, String> {
        if matches!(socket.state(), State::SynSent | State::SynReceived) {
            return Ok(After::Stays);
        }
        let struck = socket.state() != State::Closed && self.talk.progress >= self.severity;
        match self.behaviour {
            Behaviour::HalfOpen if struck => {
                self.gone();
                return Ok(After::Vanishes);
            }
            Behaviour::Reset if struck => {
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
        match self.talk.go_on(&self.script, socket, now, pace, reads, ending)? {
            Talk::Over => {
                socket.close();
                self.served = self.more_calls == 0;
                self.waited = now - self.start;
                self.stage = Stage::Leaving;
                Ok(self.leave(socket, now))
            }
            Talk::Until(wake) => {
                self.wake = wake;
                Ok(After::Stays)
            }
            Talk::Lost => {
                self.lost(now, ending);
                Ok(After::Removed)
            }
        }
    }

    /// Waits for its connection to end, without hearing what still comes.
    fn leave(&mut self, socket: &mut Socket<'_>, now: u64) -> After {
        if socket.can_recv() {
            let _ = socket.recv(|bytes| (bytes.len(), ()));
        }
        // A reset is out when the socket knows no peer any more.
        let over = match socket.state() {
            State::Closed => socket.remote_endpoint().is_none(),
            State::TimeWait | State::FinWait2 => true,
            _ => false,
        };
        if !over {
            return After::Stays;
        }
        match self.more_calls {
            0 => self.gone(),
            _ => {
                self.more_calls -= 1;
                (self.stage, self.socket, self.wake) = (Stage::Waiting, None, now);
            }
        }
        After::Removed
    }

    /// Has lost its connection: it calls again, if it is of that kind.
    pub(crate) fn lost(&mut self, now: u64, ending: bool) {
        self.turned_away += 1;
        if self.behaviour.is_owed_service() && !self.served && !ending {
            (self.stage, self.socket) = (Stage::Waiting, None);
            self.wake = now + AGAIN;
        } else {
            self.gone();
        }
    }

    pub(crate) fn gone(&mut self) {
        (self.stage, self.socket, self.wake) = (Stage::Gone, None, u64::MAX);
    }
}
