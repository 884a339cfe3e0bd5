//! The state of a time client.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use picoevent::{Cx, Event, FullError, Instant, UdpSocket, UnseededError};

use crate::WallTime;
use crate::packet::{Nonce, Time};

/// The maximum number of servers.
const MAX_SERVERS: usize = 3;

/// The maximum number of servers that have sent a kiss code and are remembered. By name, more servers can be found than
/// the client has at a time.
const MAX_LIMITS: usize = 4;

/// The assumed drift of the clock, in microseconds per second. A crystal drifts by 20 to 50 microseconds per second,
/// and by more when the crystal is cold.
const DRIFT: u64 = 100;

/// The minimum interval between two requests to the same server, in seconds (RFC 4330, section 10).
pub(crate) const MIN_INTERVAL: u32 = 15;

/// The longest interval to which the kiss code RATE doubles the interval, in seconds: 36 hours (MAXPOLL in RFC 5905,
/// section 7.2).
const MAX_INTERVAL: u32 = 1 << 17;

/// The time limit for an answer, in seconds.
pub(crate) const ANSWER_TIMEOUT: u32 = 2;

/// An application that has a time client.
pub trait HasClock: Sized {
    /// Returns the client.
    fn clock(&mut self) -> &mut Client;

    /// Called after each attempt, with the time, or with the reason why the attempt has failed.
    fn synced(&mut self, cx: &mut Cx<'_, Self>, result: Result<Synced, SyncError>) {
        let _ = (cx, result);
    }
}

/// A time client, and the clock that the client sets. A `Client` takes 312 bytes on a 32-bit chip, and 8 more bytes
/// with the feature `names`.
pub struct Client {
    pub(crate) servers: heapless::Vec<SocketAddr, MAX_SERVERS>,
    /// The index of the server for the next request.
    pub(crate) server: u8,
    /// The number of consecutive attempts that have failed.
    failures: u8,
    /// The interval between two requests, in seconds.
    pub(crate) interval: u32,
    /// The nonce of the request that waits for its answer, and the time at which the request was sent.
    pub(crate) request: Option<(Nonce, Instant)>,
    pub(crate) socket: Option<UdpSocket>,
    pub(crate) timer: Option<Event>,
    /// The servers that have sent a kiss code.
    limits: [Limit; MAX_LIMITS],
    /// The name of the servers, or an empty text if they are not found by name.
    #[cfg(feature = "names")]
    pub(crate) name: &'static str,
    /// The look-up of the name, if it was not cancelled. It may have ended.
    #[cfg(feature = "names")]
    pub(crate) lookup: Option<picoevent_dns::Lookup>,
    clock: Option<Reference>,
}

/// The limit that a server has set with a kiss code.
#[derive(Clone, Copy)]
struct Limit {
    server: IpAddr,
    /// The interval between two requests to this server, in seconds.
    interval: u32,
    /// The time of the next request. [`Instant::MAX`] means that the server refuses requests.
    not_before: Instant,
}

impl Limit {
    /// A free entry. No server has this address.
    const FREE: Self =
        Self { server: IpAddr::V4(Ipv4Addr::UNSPECIFIED), interval: 0, not_before: Instant::ZERO };
}

/// The reference of the clock: at the loop's time `at`, the time of day was `micros` microseconds since 1970, with a
/// maximum error of `error` microseconds.
#[derive(Clone, Copy)]
struct Reference {
    at: Instant,
    micros: u64,
    error: u64,
}

/// The result of a successful attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Synced {
    /// The time of day.
    pub time: WallTime,
    /// The change of the clock in microseconds, or `None` if the clock was not set before.
    pub step: Option<i64>,
    /// The round-trip time of the request and its answer.
    pub round_trip: Duration,
}

/// The reason why an attempt has failed. The client tries again, except after [`NoServer`](Self::NoServer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SyncError {
    /// The server has not answered in time.
    NoAnswer,
    /// The server does not know the time.
    Unsynchronized,
    /// The server has answered that the client sends requests too often. The client doubles the interval between its
    /// requests to this server, up to 36 hours.
    TooOften,
    /// The server refuses requests of this client. The client sends no more requests to this server. With servers found
    /// by name, this error is also reported if all servers that were found have refused requests before. The client
    /// looks up the name again later, because the name can then have other servers.
    Refused,
    /// The client has no server, or all servers have refused requests. The client does not try again until
    /// [`Client::set_servers`] and [`start`](crate::start) are called.
    NoServer,
    /// The name of the server was not found.
    NotFound,
    /// No UDP socket could be bound for the request.
    NoSocket,
}

/// The reason why the client does not start. The state of the client has not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StartError {
    /// The base has no free event.
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
    /// Makes a client without servers and without a time.
    pub const fn new() -> Self {
        Self {
            servers: heapless::Vec::new(),
            server: 0,
            failures: 0,
            interval: MIN_INTERVAL,
            request: None,
            socket: None,
            timer: None,
            limits: [Limit::FREE; MAX_LIMITS],
            #[cfg(feature = "names")]
            name: "",
            #[cfg(feature = "names")]
            lookup: None,
            clock: None,
        }
    }

    /// Sets the servers. The client sends a request to one server. If this server does not answer, the client sends the
    /// next request to the next server. Only the first three servers are used. The client forgets which servers have
    /// limited the rate or have refused requests.
    pub fn set_servers(&mut self, servers: &[SocketAddr]) {
        self.servers.clear();
        self.limits = [Limit::FREE; MAX_LIMITS];
        // Servers for which there is no room are left out.
        let _ = servers.iter().try_for_each(|server| self.servers.push(*server));
        (self.server, self.failures) = (0, 0);
    }

    /// Returns the time of day at the loop's time `now`, or `None` if the time of day is not known yet.
    #[inline(never)]
    pub fn wall(&self, now: Instant) -> Option<WallTime> {
        let Reference { at, micros, error } = self.clock?;
        let age = micros_between(at, now);
        let drift = (age / 1_000_000).saturating_add(1).saturating_mul(DRIFT);
        Some(WallTime::from_unix_micros(micros.saturating_add(age), error.saturating_add(drift)))
    }

    /// Returns the index of the server for the next request.
    fn index(&self) -> usize {
        let index = usize::from(self.server);
        if index < self.servers.len() { index } else { 0 }
    }

    /// Selects the server for a request at the time `now`: the next server whose limit permits a request. Returns
    /// `None` if there is no such server.
    pub(crate) fn select_server(&mut self, now: Instant) -> Option<SocketAddr> {
        for _ in 0..self.servers.len() {
            let server = *self.servers.get(self.index())?;
            if self.not_before(&server) <= now {
                if let Some(limit) =
                    self.limits.iter_mut().find(|limit| limit.server == server.ip())
                {
                    limit.not_before = after(now, limit.interval);
                }
                return Some(server);
            }
            self.move_to_next_server();
        }
        None
    }

    /// Returns the time from which `server` may get a request.
    fn not_before(&self, server: &SocketAddr) -> Instant {
        let limit = self.limits.iter().find(|limit| limit.server == server.ip());
        limit.map_or(Instant::ZERO, |limit| limit.not_before)
    }

    /// Returns the time from which one of the servers may get a request. Returns `None` if there is no server, or if
    /// all servers refuse requests.
    pub(crate) fn next_time(&self) -> Option<Instant> {
        let times = self.servers.iter().map(|server| self.not_before(server));
        times.min().filter(|time| *time < Instant::MAX)
    }

    /// Remembers the kiss code that `server` has sent. If there is no free entry, the entry whose next request is due
    /// first is replaced.
    fn limit(&mut self, server: IpAddr, error: SyncError, now: Instant) {
        let entries = self.limits.iter_mut();
        let entry = entries.min_by_key(|limit| (limit.server != server, limit.not_before));
        if let Some(limit) = entry {
            let known = if limit.server == server { limit.interval } else { 0 };
            let interval = self.interval.max(known);
            let interval = interval.max(interval.saturating_mul(2).min(MAX_INTERVAL));
            let is_refused = error == SyncError::Refused;
            let not_before = if is_refused { Instant::MAX } else { after(now, interval) };
            *limit = Limit { server, interval, not_before };
        }
    }

    /// Handles a datagram from a server. Returns `None` if the datagram is not an answer to the request.
    #[inline(never)]
    pub(crate) fn handle_datagram(
        &mut self,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) -> Option<Result<Synced, SyncError>> {
        let server = *self.servers.get(self.index())?;
        let (nonce, sent_at) = self.request?;
        if !is_same_host(&server, &from) {
            return None;
        }
        let answer = crate::packet::read(bytes, nonce)?;
        self.request = None;
        Some(match answer {
            Ok(time) => Ok(self.set(now, sent_at, &time)),
            Err(error) => {
                if matches!(error, SyncError::TooOften | SyncError::Refused) {
                    self.limit(server.ip(), error, now);
                }
                Err(self.count_failure(error))
            }
        })
    }

    /// Sets the clock if the new time has no larger error than the clock, or if the two times differ by more than the
    /// sum of both errors. If neither is the case, the clock does not change.
    fn set(&mut self, now: Instant, sent_at: Instant, time: &Time) -> Synced {
        self.failures = 0;
        let round_trip = micros_between(sent_at, now).saturating_sub(time.processing);
        // The transfer of the answer has taken an unknown time, from zero to the round-trip time. So half of the
        // round-trip time is added to the server's time, and the same value is added to the error.
        let half = round_trip / 2;
        let micros = time.sent.saturating_add(half);
        let error = half.saturating_add(time.distance).saturating_add(1);
        let mut step = None;
        let mut is_better = true;
        if let Some(before) = self.wall(now) {
            let difference = micros.wrapping_sub(before.unix_micros()).cast_signed();
            let known_error = before.error_micros();
            // If the difference is larger than both errors together, the old time is wrong, even if the old error was
            // small.
            is_better = error <= known_error
                || difference.unsigned_abs() > known_error.saturating_add(error);
            step = Some(if is_better { difference } else { 0 });
        }
        if is_better {
            self.clock = Some(Reference { at: now, micros, error });
        }
        let time = self.wall(now).unwrap_or(WallTime::from_unix_micros(micros, error));
        Synced { time, step, round_trip: Duration::from_micros(round_trip) }
    }

    /// Counts a failure, and moves to the next server.
    #[inline(never)]
    pub(crate) fn count_failure(&mut self, error: SyncError) -> SyncError {
        self.failures = self.failures.saturating_add(1);
        self.move_to_next_server();
        error
    }

    fn move_to_next_server(&mut self) {
        let next = self.server.wrapping_add(1);
        self.server = if usize::from(next) < self.servers.len() { next } else { 0 };
    }

    /// Returns the delay until the next request. After a success this is the interval. After a failure, the delay is 2
    /// seconds until all servers have failed once. When all servers have failed once, the delay is 15 seconds. The
    /// delay doubles each time all servers have failed again, but is at most the interval. If the servers permit a
    /// request only later, the delay is longer.
    #[inline(never)]
    pub(crate) fn delay(&self, now: Instant) -> Duration {
        let seconds = match self.failures.checked_div(self.servers.len().max(1) as u8) {
            _ if self.failures == 0 => self.interval,
            None | Some(0) => ANSWER_TIMEOUT,
            Some(rounds) => {
                let doubled = u32::from(rounds.saturating_sub(1)).min(24);
                MIN_INTERVAL.wrapping_shl(doubled).min(self.interval)
            }
        };
        let limited = self.next_time().map_or(Duration::ZERO, |time| time.since(now));
        Duration::from_secs(seconds.into()).max(limited)
    }

    /// Sets the servers to the addresses that were found for their name.
    #[cfg(feature = "names")]
    #[inline(never)]
    pub(crate) fn set_found_servers(&mut self, addresses: &picoevent_dns::Addresses) {
        self.servers.clear();
        for address in addresses.iter() {
            // Addresses for which there is no room are left out. These are the addresses of further servers with the
            // same name.
            let _ = self.servers.push((address, crate::packet::PORT).into());
        }
    }
}

/// Returns whether a datagram came from `server`. Ignores the scope ID of an IPv6 address. The scope ID is the number
/// of a local interface, and the address of the server may have been set without a scope ID.
fn is_same_host(server: &SocketAddr, from: &SocketAddr) -> bool {
    match (server, from) {
        (SocketAddr::V4(server), SocketAddr::V4(from)) => server == from,
        (SocketAddr::V6(server), SocketAddr::V6(from)) => {
            server.port() == from.port() && server.ip() == from.ip()
        }
        _ => false,
    }
}

/// Returns the time `seconds` after `now`.
const fn after(now: Instant, seconds: u32) -> Instant {
    now.after(Duration::from_secs(seconds as u64))
}

/// Returns the microseconds between two times.
const fn micros_between(from: Instant, to: Instant) -> u64 {
    to.as_micros().saturating_sub(from.as_micros())
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
            Self::TooOften => "the client sends requests to the time server too often",
            Self::Refused => "the time server refuses requests of this client",
            Self::NoServer => "no time server is set, or all have refused requests",
            Self::NotFound => "the name of the time server was not found",
            Self::NoSocket => "no UDP socket could be bound for the request",
        })
    }
}

impl core::error::Error for SyncError {}
