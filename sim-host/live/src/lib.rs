//! The back end on the operating system: real sockets, signals, wall time.
//!
//! ```text
//!   application   callbacks                  Protocol, fn(&mut App, …)
//!   picoevent     EventBase
//!   live          Live::run(…)               one thread
//!   mio           epoll, kqueue
//! ```
//!
//! [`Live`] does what a base asks for, waits for the system, and feeds the base what happened:
//!
//! ```no_run
//! use std::net::SocketAddr;
//! use picoevent::{ConnMut, EventBase, Pool, Protocol};
//! use picoevent_mio::{Capacities, HeapStorage, Live};
//!
//! struct App;
//! struct Echo;
//!
//! impl Protocol<App> for Echo {
//!     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
//!         let _ = conn.transfer(conn.id());
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clients = Pool::new(64).rings(1024, 1024);
//! let mut storage = HeapStorage::new(Capacities::of(&[clients]))?;
//! let mut base = EventBase::over(storage.memory());
//! let clients = base.add_pool(clients)?;
//! let listener = base.listen::<Echo>(SocketAddr::from(([127, 0, 0, 1], 0)), clients)?;
//! let mut live = Live::new()?;
//! live.settle(&mut base)?;
//! println!("listening on {}", live.local_addr(listener)?);
//! live.run(&mut base, &mut App)?;
//! # Ok(())
//! # }
//! ```
//!
//! The application sees level-triggered readiness, although the selector reports only changes: each
//! socket keeps its readable and writable state, and descriptors are registered again. Bytes go to
//! the system when the application writes them; the selector is needed only when the system refuses
//! some. They move between the system and a connection's rings without a copy in between.
//!
//! While a base has no room for a connection, the connection stays in the system's backlog. When the
//! process runs out of descriptors, the sockets of closed connections that wait for their peers' end
//! of stream are given up, the oldest first. When none is left, listeners accept nothing until a
//! descriptor is closed, or for [a second](RETRY) at most.
//!
//! A datagram is received into a buffer of the back end, and copied into its socket's ring. One that finds
//! no room waits here, and the others in the system's buffer, which drops what does not fit there. A
//! datagram that the system refuses to send is dropped and counted
//! ([`UdpMut::dropped`](picoevent::UdpMut::dropped)).
//!
//! The base's random bytes have their seed from the system: [`seed`]. It is told of the system's addresses and name
//! servers when a run begins ([`Cx::network`](picoevent::Cx::network)); later changes are not noticed.
//!
//! [`HeapStorage`] is the memory of a base on the heap, with a size chosen at run time.
//!
//! It needs Unix: descriptors, and signals that come through a pipe. On other systems the crate is empty. It is tested
//! on Linux, and compiled for macOS. This crate has no unsafe code and starts no thread.

#![cfg(unix)]

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::{Poll as Progress, Wake, Waker};
use std::time::Duration;

use mio::{Events, Poll};
use picoevent::{
    Action, Backend, End, EventBase, Instant, Listener, Run, Source, Trigger, UdpSocket,
};

mod clock;
mod conns;
mod errno;
mod listeners;
mod network;
mod objects;
mod random;
mod reach;
mod signals;
mod sources;
mod storage;
mod stream;
mod token;
mod tuning;
mod udp;
mod urgent;

pub use random::seed;
pub use sources::SourceError;
pub use storage::{Capacities, CapacityError, HeapStorage};

use clock::Clock;
use objects::Objects;
use token::Object;

/// The longest time without an accept when there is no descriptor for a connection.
pub const RETRY: Duration = Duration::from_secs(1);

/// The most events taken from the selector at once.
const EVENTS: usize = 1024;

/// A back end over the operating system, for one base.
pub struct Live {
    poll: Poll,
    /// What the selector reported last.
    events: Events,
    waker: Waker,
    clock: Clock,
    triggers: Vec<&'static Trigger>,
    objects: Objects,
    blocking: Blocking,
    /// The last pass came without a look for news.
    skipped: bool,
}

impl Live {
    /// Makes an empty back end.
    ///
    /// # Errors
    /// The system's error, when it has no selector left for this process.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), Object::Trigger.into())?;
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            waker: Waker::from(Arc::new(TriggerWaker(waker))),
            clock: Clock::stopped_at(Instant::ZERO),
            triggers: Vec::new(),
            objects: Objects::new(),
            blocking: Blocking::Allowed,
            skipped: false,
        })
    }

    /// Adds a trigger. Any thread may raise it, which raises its signal in the loop.
    pub fn add_trigger(&mut self, trigger: &'static Trigger) {
        self.triggers.push(trigger);
    }

    /// Makes a source from a descriptor, for events that wait for its readiness. The caller keeps
    /// the descriptor: the loop watches a duplicate, until
    /// [`Cx::forget_source`](picoevent::Cx::forget_source).
    ///
    /// # Errors
    /// [`SourceError`], when the base has no room or the descriptor cannot be watched.
    pub fn add_source<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        descriptor: impl AsFd,
    ) -> Result<Source, SourceError> {
        self.objects.add_source(base, descriptor.as_fd(), self.poll.registry())
    }

    /// Does what the base has asked for so far, without waiting: after this, each listener is open
    /// or has failed.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn settle<A>(&mut self, base: &mut EventBase<'_, A>) -> io::Result<()> {
        seed(base)?;
        base.settle(self)
    }

    /// Returns the address a listener listens on, with the port the system chose for port 0.
    ///
    /// # Errors
    /// The reason why it does not listen: the system's error, or [`ErrorKind::NotFound`] when it
    /// was freed or the base has not [settled](Live::settle) since it was made.
    pub fn local_addr(&self, listener: Listener) -> io::Result<SocketAddr> {
        self.objects.listeners.local_addr(listener)
    }

    /// Returns the address a UDP socket is bound to, with the port the system chose for port 0.
    ///
    /// # Errors
    /// The reason why it is not bound: the system's error, or [`ErrorKind::NotFound`] when it was closed
    /// or the base has not [settled](Live::settle) since it was made.
    pub fn udp_local_addr(&self, socket: UdpSocket) -> io::Result<SocketAddr> {
        self.objects.udp.local_addr(socket)
    }

    /// Runs the base until its loop ends, and returns the reason. What is open stays open: the
    /// loop can be run again. The base's time does not advance between two runs.
    ///
    /// # Errors
    /// The system's error, when the selector fails. Also when a signal that an event waits for
    /// cannot be caught, because no program can catch it or there is no descriptor left. The event
    /// then stays added and is never called; the loop can be run again without it. Deleting the
    /// event and adding it again retries.
    pub fn run<A>(&mut self, base: &mut EventBase<'_, A>, app: &mut A) -> io::Result<End> {
        self.run_with(base, app, Run::DEFAULT)
    }

    /// Runs the base as [`run`](Self::run) does, with other options (`event_base_loop`'s flags).
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
        run: Run,
    ) -> io::Result<End> {
        seed(base)?;
        base.take_idle_clock();
        base.network_is(&network::describe());
        self.clock = Clock::started_at(base.now());
        base.begin(run);
        let ended = loop {
            if let Some(ended) = self.turn(base, app, Blocking::Allowed).transpose() {
                break ended;
            }
        };
        self.clock = Clock::stopped_at(base.now());
        ended
    }

    /// Does one turn without waiting: does what the base asks for, looks for news, feeds it, and
    /// runs the callbacks that are due at the most urgent level. For programs with a loop of their
    /// own that call this often. If the loop has ended, returns the reason and does nothing.
    ///
    /// The base's time continues between two turns, from its value at the first. A verb called on
    /// the base meanwhile updates the time, so a timer made then counts from that moment, however
    /// late the next turn comes. [`Cx::now`](picoevent::Cx::now) returns the time of the last verb or
    /// turn.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn turn_once<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
    ) -> io::Result<Option<End>> {
        seed(base)?;
        base.take_idle_clock();
        if !self.clock.goes() {
            base.network_is(&network::describe());
            self.clock = Clock::started_at(base.now());
        }
        let ended = self.turn(base, app, Blocking::Never);
        // A timer made before the next turn counts from the moment it is made. The clock is read then.
        base.lend_idle_clock(clock::since_first_asked, self.clock.lent_at(base.now()));
        ended
    }

    /// Frees every listener and closes every connection of the base, and waits until what they owe their
    /// peers is with the system, within the [limits](picoevent::Cx::set_close_limits). No callback runs.
    /// The base can listen, connect and run again after that. Connections that the application held keep
    /// their place in their pool until the next run has reported their end. A program that ends at once
    /// instead leaves the system what it has, and loses what waits in the output rings.
    ///
    /// # Errors
    /// The system's error, when the selector fails.
    pub fn close<A>(&mut self, base: &mut EventBase<'_, A>) -> io::Result<()> {
        base.take_idle_clock();
        self.clock = Clock::started_at(base.now());
        self.blocking = Blocking::Allowed;
        base.close_all();
        let drained = loop {
            if let Progress::Ready(drained) = base.drain(self) {
                break drained;
            }
        };
        // Peers that have everything are not waited for.
        while let Some(conn) = base.end_lingering() {
            self.objects.close_conn(conn);
        }
        self.clock = Clock::stopped_at(base.now());
        drained
    }

    fn turn<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
        blocking: Blocking,
    ) -> io::Result<Option<End>> {
        self.blocking = blocking;
        match base.turn(app, self) {
            Progress::Ready(ended) => ended,
            // It blocks instead.
            Progress::Pending => Ok(None),
        }
    }
}

impl<A> Backend<A> for Live {
    type Error = io::Error;

    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn triggers(&self) -> (&[&Trigger], &Waker) {
        (&self.triggers, &self.waker)
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, A>) -> io::Result<()> {
        self.objects.act(action, base, self.poll.registry())
    }

    fn deadline(&mut self, base: &mut EventBase<'_, A>) -> Instant {
        self.objects.deadline(base, self.poll.registry())
    }

    fn may_skip_news(&mut self) -> bool {
        self.blocking == Blocking::Allowed && !core::mem::replace(&mut self.skipped, true)
    }

    /// Waits for the selector. The wait counts from the present, not from the base's time: callbacks may
    /// have taken long. The clock is read only if there is a deadline.
    fn wait(&mut self, until: Instant, base: &mut EventBase<'_, A>) -> Progress<io::Result<()>> {
        let timeout = match until {
            _ if self.blocking == Blocking::Never || until <= base.now() => Some(Duration::ZERO),
            Instant::MAX => None,
            until => Some(until.since(self.clock.now())),
        };
        self.skipped = false;
        Progress::Ready(match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            polled => polled,
        })
    }

    fn feed(&mut self, base: &mut EventBase<'_, A>) {
        self.objects.feed(base, &self.events, self.poll.registry());
    }
}

/// Whether a turn may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blocking {
    /// Until the base's next deadline, or for news.
    Allowed,
    Never,
}

/// The waker that a trigger uses when another thread raises it.
struct TriggerWaker(mio::Waker);

impl Wake for TriggerWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Err(error) = self.0.wake() {
            log::error!("a trigger cannot wake the loop: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use picoevent::Storage;

    use super::*;

    /// Callbacks that always write more must not keep the loop from its news.
    #[test]
    fn no_two_looks_for_news_are_skipped_in_a_row() {
        let mut live = Live::new().unwrap();
        let mut storage = Storage::<(), 0, 0, 0>::new();
        let mut base = EventBase::new(&mut storage);
        let skips = |live: &mut Live| Backend::<()>::may_skip_news(live);
        assert!(skips(&mut live) && !skips(&mut live) && !skips(&mut live));
        let looked = live.wait(Instant::ZERO, &mut base);
        assert!(matches!(looked, Progress::Ready(Ok(()))));
        assert!(skips(&mut live) && !skips(&mut live));
    }

    /// `turn_once` is asked to look for news.
    #[test]
    fn a_turn_without_waiting_skips_no_look() {
        let mut live = Live { blocking: Blocking::Never, ..Live::new().unwrap() };
        assert!(!Backend::<()>::may_skip_news(&mut live));
    }
}
