//! Replays a recording: makes the recorded calls again, and compares the results.

use core::fmt;
use core::net::SocketAddr;

use super::code::sum;
use super::{Called, Entry, Sizes};
use crate::handle::Conn;
use crate::pool::PoolId;
use crate::{Action, End, EventBase, Pool, Wait};

/// A replay of a recording.
///
/// ```
/// # use picoevent::record::{Replay, ReplayError};
/// # use picoevent::{Cx, EventBase, Storage};
/// # #[derive(Default)] struct App;
/// # impl App { fn start(_: &mut Cx<Self>) {} }
/// fn a_failure_of_the_field(recorded: &[u8]) -> Result<(), ReplayError<'_>> {
///     let mut replay = Replay::new(recorded)?;
///     let mut storage = Storage::<App, 8, 4, 4096>::new();
///     let mut base = EventBase::new(&mut storage);
///     App::start(&mut base); // … as the program did …
///     replay.finish(&mut base, &mut App::default()).map(drop)
/// }
/// # let _ = a_failure_of_the_field;
/// ```
pub struct Replay<'r> {
    entries: Entries<'r>,
    sizes: Sizes,
    /// The number of pools that were compared.
    pools: u8,
}

/// The entries of a recording, each with the number of its iteration, from 1. If the next bytes are not an entry, the
/// iterator returns an error and ends.
#[derive(Clone)]
pub struct Entries<'r> {
    rest: &'r [u8],
    at: usize,
    iteration: u32,
}

/// The reason why [`Replay::run`] has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The loop has ended, as it did in the recording. More entries may follow.
    Ended(End),
    /// The recording is over.
    Over,
}

/// Why a recording cannot be replayed, or why its replay stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayError<'r> {
    /// The bytes from this position on are not an entry.
    Garbled {
        /// The position of the first of these bytes.
        at: usize,
    },
    /// The recording does not begin with [`Entry::Base`].
    NotFromTheStart,
    /// The capacities of the base differ from those of the recorded base.
    OtherSizes {
        /// The capacities of the recorded base.
        recorded: Sizes,
        /// The capacities of the base of the replay.
        found: Sizes,
    },
    /// The application or the base behaves differently than in the recording.
    Difference(Difference<'r>),
}

/// The first difference between a recording and its replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference<'r> {
    /// The iteration of the loop, from 1.
    pub iteration: u32,
    /// The entry of the recording.
    pub expected: Entry<'r>,
    /// The entry of the replay.
    pub found: Entry<'r>,
}

impl<'r> Replay<'r> {
    /// Makes a replay of a recording.
    ///
    /// # Errors
    /// [`ReplayError::Garbled`] if a part of `bytes` is not an entry. All entries are checked here, before the replay.
    /// [`ReplayError::NotFromTheStart`] if the first entry is not [`Entry::Base`].
    pub fn new(bytes: &'r [u8]) -> Result<Self, ReplayError<'r>> {
        if let Some(error) = Entries::of(bytes).find_map(Result::err) {
            return Err(error);
        }
        let mut entries = Entries::of(bytes);
        match entries.next() {
            Some(Ok((_, Entry::Base(sizes)))) => Ok(Self { entries, sizes, pools: 0 }),
            _ => Err(ReplayError::NotFromTheStart),
        }
    }

    /// Returns the capacities of the base that was recorded.
    pub const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Searches the part of the recording that is not replayed yet. Returns the first pool that the program adds in
    /// this part; `None` if this part adds no pool.
    pub fn first_pool(&self) -> Option<Pool> {
        self.entries.clone().find_map(|entry| match entry {
            Ok((_, Entry::Pool(pool))) => Some(pool),
            _ => None,
        })
    }

    /// Searches the part of the recording that is not replayed yet. Returns the first address on which the program
    /// listens in this part; `None` if the program does not listen in this part.
    pub fn listens_on(&self) -> Option<SocketAddr> {
        self.entries.clone().find_map(|entry| match entry {
            Ok((_, Entry::Action(Some(Action::Listen(_)), address))) => address,
            _ => None,
        })
    }

    /// Sets the time and the seed of `base` to the values that the recorded base had at the beginning of the recording.
    /// Does nothing if the recording does not contain these values. If the application requests random bytes or sets
    /// timers while it starts, call this function before you start the application.
    pub fn prepare<A>(&self, base: &mut EventBase<'_, A>) {
        let mut is_first = true;
        for entry in self.entries.clone() {
            match entry {
                Ok((_, Entry::TimeInPass(now))) if is_first => base.update_now(now),
                // Recordings of earlier versions begin with `Entry::Time`.
                Ok((_, Entry::Time(now))) => base.advance(now),
                Ok((_, Entry::Seed(seed))) => base.seed(&seed),
                _ => return,
            }
            is_first = false;
        }
    }

    /// Replays until the loop ends or the recording is over. Start the application on `base` first, as the program did.
    /// If the result is [`Replayed::Ended`], the recorded program may have called methods of the base before it started
    /// the loop again. Make the same calls on `base`, then call this function again.
    ///
    /// # Errors
    /// [`ReplayError::OtherSizes`] if `base` has other sizes than the recorded base. [`ReplayError::Difference`] if a
    /// result differs from the recording. After [`ReplayError::Difference`], the application is in the state in which
    /// it first behaved differently.
    pub fn run<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
    ) -> Result<Replayed, ReplayError<'r>> {
        let (recorded, found) = (self.sizes, base.sizes());
        if recorded != found {
            return Err(ReplayError::OtherSizes { recorded, found });
        }
        for entry in self.entries.by_ref() {
            let (iteration, expected) = entry?;
            let found = match expected {
                // The application has added its pools when it started. So the pools are only compared here.
                Entry::Pool(_) => {
                    self.pools = self.pools.saturating_add(1);
                    let pool = base.pool(PoolId(self.pools.saturating_sub(1)));
                    pool.map_or(Entry::Base(base.sizes()), Entry::Pool)
                }
                _ => play(expected, base, app),
            };
            if found != expected {
                return Err(ReplayError::Difference(Difference { iteration, expected, found }));
            }
            if let Entry::Wait(Some(end)) = expected {
                return Ok(Replayed::Ended(end));
            }
        }
        Ok(Replayed::Over)
    }

    /// Replays to the end of the recording. Returns the reason for the last end of the loop; `None` if the loop has not
    /// ended.
    ///
    /// # Errors
    /// The same as for [`Replay::run`].
    pub fn finish<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
    ) -> Result<Option<End>, ReplayError<'r>> {
        let mut last = None;
        while let Replayed::Ended(end) = self.run(base, app)? {
            last = Some(end);
        }
        Ok(last)
    }

    /// Returns the number of the next iteration, from 1.
    pub const fn iteration(&self) -> u32 {
        self.entries.iteration
    }
}

/// Repeats the call that `entry` records. Returns an entry with the results of the repeated call. The returned entry is
/// equal to `entry` if the results are the same as in the recording.
fn play<'r, A>(entry: Entry<'r>, base: &mut EventBase<'_, A>, app: &mut A) -> Entry<'r> {
    match entry {
        Entry::Base(_) | Entry::Pool(_) => {}
        Entry::Seed(seed) => base.seed(&seed),
        Entry::Begin(run) => base.begin(run),
        Entry::Prepare => base.prepare(app),
        Entry::Deadline => drop(base.deadline()),
        Entry::Action(..) => {
            let action = base.next_action();
            return Entry::Action(action, base.address_in(action));
        }
        Entry::Wait(_) => {
            return Entry::Wait(match base.wait() {
                Wait::Ended(end) => Some(end),
                Wait::Not | Wait::Until(_) | Wait::Forever => None,
            });
        }
        Entry::Accepted(listener, peer, _) => {
            return Entry::Accepted(listener, peer, base.accepted(listener, peer));
        }
        Entry::Connected(conn) => base.connected(conn),
        Entry::Local(conn, address) => base.local_is(conn, || Some(address)),
        Entry::Received(conn, bytes, rest) => {
            let taken = receive(conn, bytes, base);
            return Entry::Received(conn, bytes.get(..taken).unwrap_or(bytes), rest);
        }
        Entry::Sent(conn, amount, _) => {
            let (first, second) = base.output(conn);
            let amount = amount.min(first.len().saturating_add(second.len()));
            let sum = sum(first.iter().chain(second).take(amount));
            base.sent(conn, amount);
            return Entry::Sent(conn, amount, sum);
        }
        Entry::PeerFinished(conn) => base.peer_finished(conn),
        Entry::Failed(conn, error) => base.failed(conn, error),
        Entry::Delivered(conn) => base.delivered(conn),
        Entry::EndLingering => drop(base.end_lingering()),
        Entry::CloseAll => base.close_all(),
        Entry::Overdue => base.end_overdue(),
        Entry::ListenFailed(listener, error) => base.listen_failed(listener, error),
        Entry::Ready(source, what) => base.ready(source, what),
        Entry::Raised(signal, raises) => base.raised(signal, raises),
        Entry::Time(now) => base.advance(now),
        Entry::TimeInPass(now) => base.update_now(now),
        Entry::Network(bytes) => return crate::network::play(bytes, base),
        Entry::Datagram(..) | Entry::Udp(..) => return crate::udp::play(entry, base),
        Entry::Call(_) | Entry::Passed => {
            let Some(fired) = base.next() else { return Entry::Passed };
            let called = Entry::Call(Called::of(&fired));
            if called == entry {
                fired.call(app, base);
            }
            return called;
        }
    }
    entry
}

/// Reports received bytes as a back end does. Returns the number of bytes for which the input ring had room.
fn receive<A>(conn: Conn, bytes: &[u8], base: &mut EventBase<'_, A>) -> usize {
    let Some((first, second)) = base.input(conn) else { return 0 };
    let mut taken = 0_usize;
    for (target, byte) in first.iter_mut().chain(second).zip(bytes) {
        *target = *byte;
        taken = taken.saturating_add(1);
    }
    base.received(conn, taken);
    taken
}

impl<'r> Entries<'r> {
    /// Returns the entries in these bytes.
    pub const fn of(bytes: &'r [u8]) -> Self {
        Self { rest: bytes, at: 0, iteration: 1 }
    }
}

impl<'r> Iterator for Entries<'r> {
    type Item = Result<(u32, Entry<'r>), ReplayError<'r>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((entry, length)) = Entry::decode(self.rest) else {
            self.rest = &[];
            return Some(Err(ReplayError::Garbled { at: self.at }));
        };
        let iteration = self.iteration;
        self.rest = self.rest.get(length..).unwrap_or_default();
        self.at = self.at.saturating_add(length);
        self.iteration = iteration.saturating_add(u32::from(entry == Entry::Passed));
        Some(Ok((iteration, entry)))
    }
}

impl fmt::Display for ReplayError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Garbled { at } => write!(f, "the recording is garbled or cut off at byte {at}"),
            Self::NotFromTheStart => {
                f.write_str("the recording has lost its start: it can be read but not replayed")
            }
            Self::OtherSizes { recorded, found } => {
                write!(f, "the recording is of a base of {recorded}; this base is of {found}")
            }
            Self::Difference(difference) => difference.fmt(f),
        }
    }
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { iteration, expected, found } = self;
        write!(f, "iteration {iteration}: the recording has \"{expected}\", now it is \"{found}\"")
    }
}

impl core::error::Error for ReplayError<'_> {}
