//! The back end on the operating system: real sockets, real signals, real time.
//!
//! ```text
//!   application   callbacks                  Protocol, fn(&mut App, …)
//!   picoevent     EventBase
//!   live          Live::run(…)               one thread
//!   mio           epoll, kqueue
//! ```
//!
//! [`Live`] carries out the actions of a base, waits for events of the system, and feeds the events to the base:
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
//! The application sees level-triggered readiness, although the selector reports only changes. For each socket, the
//! back end stores whether the socket is readable and writable. For each source, the back end registers the descriptor
//! again when the base needs a report. After a registration, the selector reports the current readiness. Bytes go to
//! the system when the application writes them. If the system does not take all bytes, the back end sends the remaining
//! bytes when the selector reports room. The selector reports room only when a large part of the system's buffer is
//! free. So the back end also tries to send before a write timeout passes, and the timeout passes only if the system
//! has taken no bytes in this time. Bytes move between the system and a connection's rings without a copy in between.
//!
//! When a peer resets a connection, the system still has the input that arrived before. The application gets this input
//! before the connection ends, while reading is enabled. If the application does not consume the input, the end of the
//! connection is reported with the next output at the latest.
//!
//! While a base has no room for a connection, the connection stays in the system's backlog. A connection that the
//! application has closed lingers: its socket stays open until the peer ends the stream or a [time
//! limit](picoevent::Cx::set_close_limits) has passed. When the process runs out of descriptors, the back end closes
//! the sockets of lingering connections. Within a pool, the connection that has lingered longest comes first. When no
//! connection lingers, listeners accept nothing until the back end has closed a descriptor, or until [one
//! second](RETRY) has passed.
//!
//! A datagram is received into a buffer of the back end, and copied into its socket's ring. A datagram that does not
//! fit the ring waits in the back end, and the following datagrams wait in the system's buffer. The system drops
//! datagrams that do not fit the system's buffer. A datagram that the system refuses to send is dropped and counted
//! ([`UdpMut::dropped`](picoevent::UdpMut::dropped)).
//!
//! The seed of the base's random bytes comes from the system (see [`seed`]). When a run begins, the base gets the
//! system's addresses and name servers ([`Cx::network`](picoevent::Cx::network)). The base is not informed of later
//! changes.
//!
//! [`HeapStorage`] is the memory of a base on the heap. Its size is chosen at run time.
//!
//! The crate needs Unix: descriptors, and signals that are delivered through a pipe. On other systems the crate is
//! empty. The crate is tested on Linux, and compiled for macOS. This crate has no unsafe code and starts no thread.

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

/// The longest time for which listeners accept nothing because no descriptor is free.
pub const RETRY: Duration = Duration::from_secs(1);

/// The largest number of events that are taken from the selector at once.
const EVENTS: usize = 1024;

/// The largest number of times that events are taken from the selector in one iteration.
const MOST_POLLS: usize = 64;

/// The longest wait of the selector. Some systems refuse a wait of several years.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A back end over the operating system, for one base.
pub struct Live {
    poll: Poll,
    /// The last events of the selector.
    events: Events,
    waker: Waker,
    clock: Clock,
    triggers: Vec<&'static Trigger>,
    objects: Objects,
    blocking: Blocking,
    /// Whether the last pass began without checking the selector for new events.
    skipped: bool,
}

impl Live {
    /// Makes an empty back end.
    ///
    /// # Errors
    /// The system's error, if this process cannot get another selector.
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

    /// Adds a trigger. When any thread raises the trigger, the events of the trigger's signal become active in the
    /// loop.
    ///
    /// A trigger is for one loop: it wakes only the loop that has last read its count, and the loop that reads the
    /// count resets it. To wake several loops, use a trigger for each of them.
    pub fn add_trigger(&mut self, trigger: &'static Trigger) {
        self.triggers.push(trigger);
    }

    /// Makes a source from a descriptor, for events that wait for the readiness of the descriptor. The caller keeps the
    /// descriptor. The loop uses a duplicate until [`Cx::forget_source`](picoevent::Cx::forget_source) is called.
    ///
    /// # Errors
    /// [`SourceError`], if the base has no room or the selector cannot watch the descriptor.
    pub fn add_source<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        descriptor: impl AsFd,
    ) -> Result<Source, SourceError> {
        self.objects.add_source(base, descriptor.as_fd(), self.poll.registry())
    }

    /// Carries out all requested actions of the base, without waiting. After this call, each listener is open or has
    /// failed: [`local_addr`](Self::local_addr) returns the address or the error. A listener that fails later calls
    /// [`ListenerMut::on_error`](picoevent::ListenerMut::on_error). Without this callback, the failure is not reported.
    ///
    /// # Errors
    /// Like [`run`](Self::run).
    pub fn settle<A>(&mut self, base: &mut EventBase<'_, A>) -> io::Result<()> {
        seed(base)?;
        // One call carries out 8,192 actions. A base can request some actions for each of its 65,535 slots.
        for _ in 0..32 {
            base.settle(self)?;
        }
        Ok(())
    }

    /// Returns the address of a listener, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// The reason why the listener does not listen. This is the system's error, or [`ErrorKind::NotFound`] in two
    /// cases: the listener was freed, or the base has not [settled](Live::settle) since the listener was made.
    pub fn local_addr(&self, listener: Listener) -> io::Result<SocketAddr> {
        self.objects.listeners.local_addr(listener)
    }

    /// Returns the address of a UDP socket, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// The reason why the socket is not bound. This is the system's error, or [`ErrorKind::NotFound`] in two cases: the
    /// socket was closed, or the base has not [settled](Live::settle) since the socket was made.
    pub fn udp_local_addr(&self, socket: UdpSocket) -> io::Result<SocketAddr> {
        self.objects.udp.local_addr(socket)
    }

    /// Runs the base until its loop ends, and returns the reason for the end. Sockets stay open, so the loop can be run
    /// again. The base's time does not advance between two runs.
    ///
    /// # Errors
    /// The system's error, if the selector fails. An error is also returned if an event waits for a signal that cannot
    /// be caught, because no program can catch this signal or because no descriptor is left. The event stays added, but
    /// its callback is never called. The error is returned only once, so the loop can be run again. To retry, delete
    /// the event and add it again.
    pub fn run<A>(&mut self, base: &mut EventBase<'_, A>, app: &mut A) -> io::Result<End> {
        self.run_with(base, app, Run::DEFAULT)
    }

    /// Runs the base like [`run`](Self::run), with other options (`event_base_loop`'s flags).
    ///
    /// # Errors
    /// Like [`run`](Self::run).
    pub fn run_with<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
        run: Run,
    ) -> io::Result<End> {
        seed(base)?;
        base.remove_idle_clock();
        base.network_is(&network::describe());
        self.clock = Clock::started_at(base.now());
        base.begin(run);
        let ended = loop {
            if let Some(ended) = self.iterate(base, app, Blocking::Allowed).transpose() {
                break ended;
            }
        };
        self.clock = Clock::stopped_at(base.now());
        ended
    }

    /// Runs one iteration of the event loop without waiting: carries out the base's actions, feeds new events to the
    /// base, and runs the callbacks that are due at the most urgent priority. A program that has its own loop calls
    /// this function often. If the loop ends, this function calls no callbacks and returns the reason for the end. The
    /// loop continues with the next call, unless there is nothing to wait for ([`End::Empty`]).
    ///
    /// The base's time continues between two iterations, from its value at the first iteration. Between two iterations,
    /// each method of [`Cx`](picoevent::Cx) that takes `&mut self` first updates the time. So a timer counts from the
    /// call that makes it, even if the next iteration comes late. [`Cx::now`](picoevent::Cx::now) returns the time of
    /// the last of these calls, or of the last iteration.
    ///
    /// # Errors
    /// Like [`run`](Self::run).
    pub fn iterate_once<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
    ) -> io::Result<Option<End>> {
        seed(base)?;
        base.remove_idle_clock();
        if !self.clock.is_running() {
            base.network_is(&network::describe());
            self.clock = Clock::started_at(base.now());
            base.begin(Run::DEFAULT);
        }
        let ended = self.iterate(base, app, Blocking::Never);
        // A timer that is made before the next iteration must count from the moment at which it is made. So the base
        // gets a clock that it reads at that moment.
        base.set_idle_clock(clock::monotonic_time, self.clock.lent_at(base.now()));
        ended
    }

    /// Frees every listener and closes every connection of the base. Waits until the system has taken the output of all
    /// connections, but not longer than the [limits](picoevent::Cx::set_close_limits) allow. No callback runs. After
    /// this call, the base can listen, connect and run again. A connection that the application had not closed keeps
    /// its slot until the next run has reported the connection's end. A program that exits without this call loses the
    /// bytes in the output rings that the system has not taken. The system's signals that the base catches have no
    /// effect during this call, so a second Ctrl-C does not shorten it.
    ///
    /// # Errors
    /// The system's error, if the selector fails.
    pub fn close<A>(&mut self, base: &mut EventBase<'_, A>) -> io::Result<()> {
        base.remove_idle_clock();
        self.clock = Clock::started_at(base.now());
        self.blocking = Blocking::Allowed;
        base.close_all();
        let drained = loop {
            if let Progress::Ready(drained) = base.drain(self) {
                break drained;
            }
        };
        // Closes the sockets of connections whose output was sent. Does not wait until the peers end their streams.
        self.objects.close_lingering(base);
        self.clock = Clock::stopped_at(base.now());
        drained
    }

    fn iterate<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
        blocking: Blocking,
    ) -> io::Result<Option<End>> {
        self.blocking = blocking;
        match base.iterate(app, self) {
            Progress::Ready(ended) => ended,
            // `wait` blocks and never returns `Pending`, so this case does not occur.
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

    fn may_skip_poll(&mut self) -> bool {
        self.blocking == Blocking::Allowed && !core::mem::replace(&mut self.skipped, true)
    }

    /// Waits for the selector. The timeout counts from the current time. It does not count from the base's time,
    /// because callbacks may have run for a long time since then. The clock is read only if there is a deadline.
    fn wait(&mut self, until: Instant, base: &mut EventBase<'_, A>) -> Progress<io::Result<()>> {
        let mut timeout = match until {
            _ if self.blocking == Blocking::Never || until <= base.now() => Some(Duration::ZERO),
            Instant::MAX => None,
            until => Some(until.since(self.clock.now()).min(LONGEST_WAIT)),
        };
        self.skipped = false;
        loop {
            match self.poll.poll(&mut self.events, timeout) {
                // A signal has ended the wait, for example after the process was stopped for a while. Input may have
                // arrived, and timers may be due. The input must be reported first, so check for events again.
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    timeout = Some(Duration::ZERO);
                }
                polled => return Progress::Ready(polled),
            }
        }
    }

    /// Reports the events of the selector. The selector returns at most `EVENTS` events at once. If there are more,
    /// they are reported, too, because they may have come before the deadlines of timers that are due now.
    fn report(&mut self, base: &mut EventBase<'_, A>) {
        for _ in 0..MOST_POLLS {
            self.objects.report(base, &self.events, self.poll.registry());
            let may_have_more = self.events.iter().count() >= EVENTS;
            if !may_have_more || self.poll.poll(&mut self.events, Some(Duration::ZERO)).is_err() {
                return;
            }
        }
    }
}

/// How long an iteration may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blocking {
    /// Until the base's next deadline or the next event.
    Allowed,
    Never,
}

/// The waker with which a trigger wakes the loop from another thread.
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

    /// Callbacks that always write more must not keep the loop from checking for new events.
    #[test]
    fn no_two_polls_are_skipped_in_a_row() {
        let mut live = Live::new().unwrap();
        let mut storage = Storage::<(), 0, 0, 0>::new();
        let mut base = EventBase::new(&mut storage);
        let skips = |live: &mut Live| Backend::<()>::may_skip_poll(live);
        assert!(skips(&mut live) && !skips(&mut live) && !skips(&mut live));
        let polled = live.wait(Instant::ZERO, &mut base);
        assert!(matches!(polled, Progress::Ready(Ok(()))));
        assert!(skips(&mut live) && !skips(&mut live));
    }

    /// A call of `iterate_once` always checks for new events.
    #[test]
    fn an_iteration_without_waiting_always_polls() {
        let mut live = Live { blocking: Blocking::Never, ..Live::new().unwrap() };
        assert!(!Backend::<()>::may_skip_poll(&mut live));
    }
}
