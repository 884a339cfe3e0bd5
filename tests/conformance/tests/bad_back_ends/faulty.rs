//! A back end that performs no request of the base. It only makes the reports that a test has queued.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::task::Poll;

use picoevent::{Action, Backend, Conn, End, EventBase, Instant, Listener, Run};
use picoevent_conformance::{App, Base, Sizes, base_of};

/// The address of every peer and listener.
pub const ADDRESS: ([u8; 4], u16) = ([10, 0, 0, 1], 80);

/// A function that makes the back end's reports of one iteration.
pub type Report = Box<dyn FnOnce(&mut EventBase<'_, App>)>;

/// A base with its application, on a back end that a test controls.
pub struct FaultyBackEnd {
    pub base: Base,
    pub app: App,
    pub wire: Wire,
}

/// The back end.
pub struct Wire {
    /// The current time of the back end.
    pub now: Instant,
    /// Returns the time after a wait that began at `now` and has the deadline `until`.
    pub next: fn(now: Instant, until: Instant) -> Instant,
    /// The queued reports. Each iteration takes one entry.
    pub reports: VecDeque<Report>,
    /// The actions that the base has requested so far.
    pub actions: Vec<Action>,
}

impl FaultyBackEnd {
    /// Makes a base with four connection slots. When the loop waits, the clock of its back end moves exactly to the
    /// deadline.
    pub fn new() -> Self {
        Self::with(base_of(Sizes::default()))
    }

    pub fn with((base, app): (Base, App)) -> Self {
        let (reports, actions) = (VecDeque::new(), Vec::new());
        let wire = Wire { now: Instant::ZERO, next: Instant::max, reports, actions };
        Self { base, app, wire }
    }

    /// Queues a function that makes reports. Each iteration calls one function of the queue.
    pub fn will_report(&mut self, report: impl FnOnce(&mut EventBase<'_, App>) + 'static) {
        self.wire.reports.push_back(Box::new(report));
    }

    /// Makes a listener.
    pub fn listen(&mut self) -> Listener {
        self.app.listen(&mut self.base, ADDRESS.into())
    }

    /// Makes a listener, and returns a connection that the listener has accepted.
    pub fn accepted(&mut self) -> Conn {
        let listener = self.listen();
        self.will_report(move |base| assert!(base.accepted(listener, ADDRESS.into()).is_ok()));
        self.expect(["0 accepted"]);
        self.app.conns[0]
    }

    /// Returns a connection that is connecting.
    pub fn connecting(&mut self) -> Conn {
        self.app.connect(&mut self.base, ADDRESS.into()).unwrap()
    }

    /// Runs the loop until it ends, sleeps forever, or has run 10,000 iterations. Returns how the loop ended, or `None`
    /// if it has not ended.
    pub fn run(&mut self) -> Option<End> {
        self.base.begin(Run::DEFAULT);
        for _ in 0..10_000 {
            match self.base.iterate(&mut self.app, &mut self.wire) {
                Poll::Ready(Ok(Some(end))) => return Some(end),
                Poll::Ready(Ok(None)) => {}
                Poll::Pending => return None,
            }
        }
        None
    }

    /// Runs the loop. The loop must call exactly these callbacks.
    pub fn expect<const N: usize>(&mut self, callbacks: [&str; N]) {
        self.run();
        assert_eq!(core::mem::take(&mut self.app.log), callbacks);
    }

    /// Frees all objects. Checks that the loop then ends although the back end performs no request, and that every
    /// connection has ended as often as it has begun.
    pub fn end(mut self) {
        self.wire.next = Instant::max;
        assert_eq!(self.app.log, [""; 0]);
        let conns = self.app.conns.iter().enumerate();
        let held = conns.filter(|(_, conn)| self.base.conn(**conn).is_ok());
        let mut ended: Vec<_> = held.map(|(number, _)| format!("{number} Ended(Closed)")).collect();
        self.base.close_all();
        assert_eq!(self.run(), Some(End::Empty));
        self.app.assert_all_ended();
        self.app.log.sort();
        ended.sort();
        let counts = self.base.counts();
        assert_eq!((counts.conns, counts.listeners, counts.active), (0, 0, 0));
        assert_eq!(self.app.log, ended);
        assert!(self.app.conns.iter().all(|conn| self.base.conn(*conn).is_err()));
    }
}

impl Backend<App> for Wire {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, _: &mut EventBase<'_, App>) -> Result<(), Infallible> {
        self.actions.push(action);
        Ok(())
    }

    fn deadline(&mut self, _: &mut EventBase<'_, App>) -> Instant {
        if self.reports.is_empty() { Instant::MAX } else { Instant::ZERO }
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<'_, App>) -> Poll<Result<(), Infallible>> {
        if until == Instant::MAX {
            return Poll::Pending;
        }
        self.now = (self.next)(self.now, until);
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut EventBase<'_, App>) {
        if let Some(report) = self.reports.pop_front() {
            report(base);
        }
    }
}
