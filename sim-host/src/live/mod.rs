//! The back end on the operating system: real sockets, signals, wall time.
//!
//! ```text
//!   application   callbacks                  fn(&mut App, &mut Cx<App>, …)
//!   picoevent     EventBase
//!   live          Live::run(…)               one thread
//!   mio           epoll, kqueue
//! ```
//!
//! [`Live`] takes what a base asks for, waits for the system, and feeds what happened:
//!
//! ```no_run
//! use std::net::SocketAddr;
//! use picoevent::{EventBase, Storage};
//! use picoevent_sim::live::Live;
//!
//! # struct App;
//! # fn main() -> std::io::Result<()> {
//! let mut storage = Storage::<App, 8, 64>::new();
//! let mut base = EventBase::new(&mut storage);
//! let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
//! let listener = base.listen(any_port, |_, cx, conn| drop(cx.conn(conn).map(|c| c.close())));
//! let mut live = Live::new()?;
//! live.settle(&mut base);
//! println!("listening on {}", live.local_addr(listener.expect("a fresh base has room"))?);
//! live.run(&mut base, &mut App)?;
//! # Ok(())
//! # }
//! ```
//!
//! What the application sees is level-triggered, although the selector reports only changes: each
//! socket remembers what it can still do, and descriptors are asked about again. Bytes are written
//! when the application writes them, and the selector is needed only when the system refuses some;
//! they move between the system and a connection's rings without a copy in between.
//!
//! A base that has no room for a connection leaves it in the system's backlog. When the process
//! runs out of descriptors, listeners rest until one is closed, or for [a second](RETRY) at most.
//!
//! Tested on Linux. There is no unsafe code here, nor a thread.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use mio::{Events, Poll};
use picoevent::{Action, End, EventBase, Listener, Run, Source, Trigger, Wait};

mod aging;
mod clock;
mod conns;
mod errno;
mod listeners;
mod signals;
mod sources;
mod stream;
mod token;

pub use sources::SourceError;

use clock::Clock;
use conns::Conns;
use listeners::Listeners;
use signals::Signals;
use sources::Sources;
use stream::Part;
use token::Subject;

/// How long a closed connection may take to hand its output to the system. Then it is reset.
pub const LINGER: Duration = Duration::from_secs(10);

/// How long the socket of a closed connection stays for the peer's end of stream, so that the peer
/// can read what it was sent.
pub const FIN_WAIT: Duration = Duration::from_secs(2);

/// How long listeners rest at most when there is no descriptor for a connection.
pub const RETRY: Duration = Duration::from_secs(1);

/// Events taken from the selector at once.
const EVENTS: usize = 1024;

/// A back end over the operating system, for one base.
pub struct Live {
    poll: Poll,
    /// What the selector reported last. Taken while a loop runs.
    events: Events,
    bell: Waker,
    clock: Clock,
    triggers: Vec<&'static Trigger>,
    listeners: Listeners,
    conns: Conns,
    sources: Sources,
    signals: Signals,
}

impl Live {
    /// Makes a back end with nothing in it.
    ///
    /// # Errors
    /// The system's, when it has no selector left for this process.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let bell = mio::Waker::new(poll.registry(), Subject::Trigger.into())?;
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            bell: Waker::from(Arc::new(Bell(bell))),
            clock: Clock::from(picoevent::Instant::ZERO),
            triggers: Vec::new(),
            listeners: Listeners::new(),
            conns: Conns::new(),
            sources: Sources::new(),
            signals: Signals::new(),
        })
    }

    /// Lets a trigger, which any thread may raise, raise its signal in the loop.
    pub fn add_trigger(&mut self, trigger: &'static Trigger) {
        self.triggers.push(trigger);
    }

    /// Makes a source of a descriptor, for events that wait for its readiness. The descriptor
    /// stays the caller's: a duplicate of it is watched, until
    /// [`Cx::forget_source`](picoevent::Cx::forget_source).
    ///
    /// # Errors
    /// [`SourceError`], when the base has no room or the descriptor can not be watched.
    pub fn add_source<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        descriptor: impl AsFd,
    ) -> Result<Source, SourceError> {
        self.sources.add(base, descriptor.as_fd(), self.poll.registry())
    }

    /// Does what the base has asked for so far, and does not wait: listeners are open after this,
    /// or have failed.
    pub fn settle<A>(&mut self, base: &mut EventBase<'_, A>) {
        while let Some(action) = base.next_action() {
            self.act(action, base);
        }
    }

    /// The address a listener listens on, with the port the system chose if it was to choose one.
    ///
    /// # Errors
    /// Why it does not listen: the system's error, or [`ErrorKind::NotFound`] when the listener
    /// was freed or the base has not [settled](Live::settle) since it was made.
    pub fn local_addr(&self, listener: Listener) -> io::Result<SocketAddr> {
        self.listeners.local_addr(listener)
    }

    /// Runs the base until its loop ends, and answers why it did. What is open stays open: the
    /// loop can be run again.
    ///
    /// # Errors
    /// The system's, when the selector fails.
    pub fn run<A>(&mut self, base: &mut EventBase<'_, A>, app: &mut A) -> io::Result<End> {
        self.run_with(base, app, Run::DEFAULT)
    }

    /// As [`run`](Self::run), in one of the other ways (`event_base_loop`'s flags).
    ///
    /// # Errors
    /// The system's, when the selector fails.
    pub fn run_with<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
        run: Run,
    ) -> io::Result<End> {
        self.clock = Clock::from(base.now());
        // A callback can not run this loop again, so nobody misses them.
        let mut events = core::mem::replace(&mut self.events, Events::with_capacity(0));
        let end = self.turn_until_end(base, app, run, &mut events);
        self.events = events;
        end
    }

    fn turn_until_end<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
        run: Run,
        events: &mut Events,
    ) -> io::Result<End> {
        base.begin(run);
        loop {
            base.prepare(app);
            self.settle(base);
            let deadline = match base.wait() {
                Wait::Not => Deadline::Now,
                Wait::Until(deadline) => Deadline::At(deadline),
                Wait::Forever => Deadline::Never,
                Wait::Ended(end) => return Ok(end),
            };
            self.wait(base, events, deadline)?;
            let now = self.clock.now();
            self.feed(base, events, now);
            base.advance(now);
            base.dispatch_with(app, || self.clock.now());
        }
    }

    /// Waits for news, or for the deadline of the base or of one of ours. The wait is computed
    /// from the time now, not from the base's: its callbacks may have taken long.
    fn wait<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        events: &mut Events,
        deadline: Deadline,
    ) -> io::Result<()> {
        let mut due = deadline == Deadline::Now;
        for trigger in &self.triggers {
            // In this order, or a raise in between would ring for nobody and be slept through.
            trigger.register(&self.bell);
            due |= feed_raises(trigger, base);
        }
        self.conns.register_new(base, self.poll.registry());
        if self.conns.take_closed() {
            self.listeners.resume();
        }
        due |= self.listeners.are_waiting() && base.has_room();
        let timeout = if due { Some(Duration::ZERO) } else { self.until(deadline) };
        if timeout != Some(Duration::ZERO) {
            self.clock.start();
        }
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            polled => polled,
        }
    }

    /// How long it is until the first deadline. The clock is read only if there is one.
    fn until(&mut self, deadline: Deadline) -> Option<Duration> {
        let base = if let Deadline::At(deadline) = deadline { Some(deadline) } else { None };
        let ours = self.conns.deadline().into_iter().chain(self.listeners.deadline());
        let first = ours.chain(base).min()?;
        Some(first.since(self.clock.now()))
    }

    fn feed<A>(&mut self, base: &mut EventBase<'_, A>, events: &Events, now: picoevent::Instant) {
        let registry = self.poll.registry();
        for event in events {
            match Subject::of(event.token()) {
                Some(Subject::Listener(place)) => self.listeners.note(place),
                Some(Subject::Conn(place)) => self.conns.note(place, event, base, registry),
                Some(Subject::Lingering(place)) => {
                    self.conns.note_lingering(place, event, registry);
                }
                Some(Subject::Source(place)) => self.sources.note(place, event, base),
                Some(Subject::Signal(signal)) => base.raised(signal, self.signals.take(signal)),
                Some(Subject::Trigger) | None => {}
            }
        }
        for trigger in &self.triggers {
            feed_raises(trigger, base);
        }
        self.conns.expire(base, now);
        // Last, so that an event of this turn finds no one new in the place it is about.
        self.listeners.accept(base, &mut self.conns, registry, now);
    }

    fn act<A>(&mut self, action: Action, base: &mut EventBase<'_, A>) {
        let registry = self.poll.registry();
        match action {
            Action::Listen(listener, address) => {
                if let Err(error) = self.listeners.open(listener, address, registry) {
                    base.listen_failed(listener, errno::listen(&error));
                }
            }
            Action::Ignore(listener) => self.listeners.ignore(listener),
            Action::Unlisten(listener) => self.listeners.close(listener),
            Action::Connect(conn, peer) => {
                if let Err(error) = self.conns.connect(conn, peer, registry) {
                    base.failed(conn, errno::conn(&error));
                }
            }
            Action::Receive(conn) => self.conns.work(conn, Part::Input, base, registry),
            Action::Send(conn) => self.conns.work(conn, Part::Output, base, registry),
            Action::Finish(conn) => self.conns.finish(conn, base, registry),
            Action::Close(conn) => {
                let deadline = self.clock.now().after(LINGER);
                self.conns.close(conn, deadline, base, registry);
            }
            Action::Abort(conn) => self.conns.abort(conn),
            Action::Interest(source, what) => self.sources.watch(source, what, registry),
            Action::Forget(source) => self.sources.forget(source, registry),
            Action::Catch(signal) => self.signals.catch(signal, registry),
            Action::Release(signal) => self.signals.release(signal),
            action => log::error!("{action:?} is unknown here: picoevent is newer than this crate"),
        }
    }
}

/// When a loop is to look for news, at the latest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deadline {
    Now,
    At(picoevent::Instant),
    Never,
}

/// Feeds what was counted since it was last asked; whether that was anything.
fn feed_raises<A>(trigger: &Trigger, base: &mut EventBase<'_, A>) -> bool {
    let raises = trigger.take();
    base.raised(trigger.signal(), raises);
    raises > 0
}

/// Rings when a trigger is raised in another thread.
struct Bell(mio::Waker);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Err(error) = self.0.wake() {
            log::error!("a trigger can not wake the loop: {error}");
        }
    }
}
