//! What a client of time servers keeps.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{Cx, Event, FullError, Instant, UdpSocket, UnseededError};

use crate::WallTime;
use crate::packet::Answer;

/// The most servers that are asked.
const SERVERS: usize = 3;

/// How much the clock may go wrong in a second, in microseconds: a crystal is off by 20 to 50, and more when
/// it is cold.
const DRIFT: u64 = 100;

/// The least time between two questions to a server, once the time is known (RFC 4330, 10: never less).
pub(crate) const LEAST_INTERVAL: Duration = Duration::from_secs(15);

/// How long an answer may take.
pub(crate) const WAIT: Duration = Duration::from_secs(2);

/// An application that has a client.
pub trait HasClock: Sized {
    /// Returns the client.
    fn clock(&mut self) -> &mut Client;

    /// A server was asked, and the clock was set or not.
    fn synced(&mut self, cx: &mut Cx<'_, Self>, result: Result<Synced, SyncError>) {
        let _ = (cx, result);
    }
}

/// A client of time servers, and the clock that it sets. It takes 192 bytes on a chip of 32 bits, and 8 more with
/// the feature `names`.
pub struct Client {
    pub(crate) servers: heapless::Vec<SocketAddr, SERVERS>,
    /// The server that is asked.
    pub(crate) server: u8,
    /// Questions without a time in the answer, one after the other.
    failures: u8,
    /// How long to wait between questions.
    pub(crate) interval: Duration,
    /// The number of the question that waits for its answer, and when it was sent.
    pub(crate) asked: Option<([u8; 8], Instant)>,
    pub(crate) socket: Option<UdpSocket>,
    pub(crate) timer: Option<Event>,
    /// The name of the servers, if they have one.
    #[cfg(feature = "names")]
    pub(crate) name: &'static str,
    clock: Option<Set>,
}

/// How the clock was set: the time of day at a time of the loop.
#[derive(Clone, Copy)]
struct Set {
    at: Instant,
    micros: u64,
    error: u64,
}

/// The clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Synced {
    /// The time of day.
    pub time: WallTime,
    /// What the clock was changed by, in microseconds; `None` the first time.
    pub step: Option<i64>,
    /// How long the question and its answer were under way.
    pub round_trip: Duration,
}

/// Why the clock was not set. It is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SyncError {
    /// The server has not answered in time.
    NoAnswer,
    /// The server does not know the time.
    Unsynchronized,
    /// The server is asked too often; it is asked half as often from now on.
    TooOften,
    /// The server does not want to be asked; it is not asked again.
    Refused,
    /// There is no server to ask, or none that wants to be asked. It is not tried again before
    /// [`Client::set_servers`] and [`start`](crate::start).
    NoServer,
    /// The name of the server was not found.
    NotFound,
    /// There is no socket to ask with.
    NoSocket,
}

/// Why the client does not start. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StartError {
    /// The base has no event for it.
    Full(FullError),
    /// The base has no seed for random numbers.
    Unseeded,
}

impl From<FullError> for StartError {
    fn from(error: FullError) -> Self {
        Self::Full(error)
    }
}

impl From<UnseededError> for StartError {
    fn from(_: UnseededError) -> Self {
        Self::Unseeded
    }
}

impl Client {
    /// Makes a client that knows no server and no time.
    pub const fn new() -> Self {
        Self {
            servers: heapless::Vec::new(),
            server: 0,
            failures: 0,
            interval: LEAST_INTERVAL,
            asked: None,
            socket: None,
            timer: None,
            #[cfg(feature = "names")]
            name: "",
            clock: None,
        }
    }

    /// Sets the servers, which are asked in turn: the next one when one does not answer. Of more than three, the
    /// first three count.
    pub fn set_servers(&mut self, servers: &[SocketAddr]) {
        self.servers.clear();
        // What has no room is left out.
        let _ = servers.iter().try_for_each(|server| self.servers.push(*server));
        (self.server, self.failures) = (0, 0);
    }

    /// Returns the time of day at a time of the loop, once it is known.
    pub fn wall(&self, now: Instant) -> Option<WallTime> {
        let Set { at, micros, error } = self.clock?;
        let age = now.since(at).as_micros() as u64;
        let drift = (age / 1_000_000).saturating_add(1).saturating_mul(DRIFT);
        Some(WallTime::from_unix_micros(micros.saturating_add(age), error.saturating_add(drift)))
    }

    /// Returns the server that is to be asked.
    pub(crate) fn next_server(&self) -> Option<SocketAddr> {
        self.servers.get(usize::from(self.server)).or(self.servers.first()).copied()
    }

    /// Takes what came from a server. Returns `None` if it is no answer to the question.
    pub(crate) fn answered(
        &mut self,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) -> Option<Result<Synced, SyncError>> {
        let server = self.next_server()?;
        let (number, asked_at) = self.asked?;
        if (server.ip(), server.port()) != (from.ip(), from.port()) {
            return None;
        }
        let answer = crate::packet::read(bytes, number)?;
        self.asked = None;
        Some(match answer {
            Answer::Time { sent, held, distance } => {
                Ok(self.set(now, asked_at, sent, held, distance))
            }
            Answer::Unsynchronized => Err(self.failed(SyncError::Unsynchronized)),
            Answer::TooOften => {
                self.interval = self.interval.saturating_mul(2);
                Err(self.failed(SyncError::TooOften))
            }
            Answer::Refused => {
                let place = self.servers.iter().position(|held| *held == server);
                let refused = place.filter(|place| *place < self.servers.len());
                refused.map(|place| self.servers.swap_remove(place));
                Err(self.failed(SyncError::Refused))
            }
        })
    }

    /// Sets the clock, unless it is known better.
    fn set(
        &mut self,
        now: Instant,
        asked_at: Instant,
        sent: u64,
        held: u64,
        distance: u64,
    ) -> Synced {
        self.failures = 0;
        let round_trip = (now.since(asked_at).as_micros() as u64).saturating_sub(held);
        // The answer was under way for something between nothing and all of it.
        let half = round_trip / 2;
        let set = Set {
            at: now,
            micros: sent.saturating_add(half),
            error: half.saturating_add(distance).saturating_add(1),
        };
        let before = self.wall(now);
        let step = before.map(|before| set.micros.wrapping_sub(before.unix_micros()).cast_signed());
        let is_better = before.is_none_or(|before| {
            let known = before.error().as_micros() as u64;
            // A clock that is off by more than both may be is wrong, however good it was.
            set.error <= known
                || step.is_some_and(|step| step.unsigned_abs() > known.saturating_add(set.error))
        });
        if is_better {
            self.clock = Some(set);
        }
        let time = self.wall(now).unwrap_or(WallTime::from_unix_micros(set.micros, set.error));
        let step = if is_better { step } else { Some(0) };
        Synced { time, step, round_trip: Duration::from_micros(round_trip) }
    }

    /// Counts a failure, and turns to the next server.
    pub(crate) fn failed(&mut self, error: SyncError) -> SyncError {
        self.failures = self.failures.saturating_add(1);
        let servers = self.servers.len().max(1) as u8;
        self.server = self.server.wrapping_add(1).checked_rem(servers).unwrap_or(0);
        error
    }

    /// Returns when to ask again, from now: each server soon once, and then at doubled times, up to the interval.
    pub(crate) fn delay(&self) -> Duration {
        let rounds = u32::from(self.failures).checked_div(self.servers.len() as u32);
        match (self.failures, rounds) {
            (0, _) => self.interval,
            (_, Some(0)) => WAIT,
            (_, rounds) => {
                let doubled =
                    1_u32.checked_shl(rounds.unwrap_or(0).saturating_sub(1)).unwrap_or(u32::MAX);
                LEAST_INTERVAL.saturating_mul(doubled).min(self.interval)
            }
        }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(error) => error.fmt(f),
            Self::Unseeded => UnseededError.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

impl fmt::Display for SyncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAnswer => "the time server has not answered",
            Self::Unsynchronized => "the time server does not know the time",
            Self::TooOften => "the time server is asked too often",
            Self::Refused => "the time server does not want to be asked",
            Self::NoServer => "there is no time server to ask",
            Self::NotFound => "the name of the time server was not found",
            Self::NoSocket => "there is no socket to ask a time server with",
        })
    }
}

impl core::error::Error for SyncError {}
