//! The application, and the checks of its event base. The bytes of the test case select the functions that the
//! application calls.

use std::time::Duration;

use picoevent::{
    Conn, Counts, Cx, Direction, Event, EventBase, EventFlags, EventInfo, Instant, Listener, Pool,
    PoolId, Signal, Trigger, WriteError,
};

use crate::bytes::Bytes;
use crate::foreign::FOREIGN;
use crate::pass::Pass;
use crate::shadow::{ConnShadow, EventShadow, Life, ListenerShadow, SourceShadow};

/// The capacities of the base's storage.
pub struct Sizes {
    pub events: usize,
    pub conns: usize,
    pub listeners: usize,
    pub sources: usize,
    pub pools: Vec<PoolSizes>,
}

/// The capacities of a pool.
#[derive(Clone, Copy)]
pub struct PoolSizes {
    pub id: PoolId,
    /// The number of connection slots.
    pub slots: usize,
    /// The maximum number of connections that the application may hold.
    pub max_conns: usize,
    pub input: usize,
    pub output: usize,
}

impl PoolSizes {
    pub fn of(id: PoolId, pool: Pool) -> Self {
        let (input, output) = pool.ring_sizes();
        let max_conns = pool.spare(0).conns();
        Self { id, slots: pool.conns(), max_conns, input, output }
    }
}

/// The application: the expected state of every object, and the bytes that select the next function.
pub struct World {
    pub bytes: Bytes,
    pub sizes: Sizes,
    pub events: Vec<EventShadow>,
    pub conns: Vec<ConnShadow>,
    pub listeners: Vec<ListenerShadow>,
    pub sources: Vec<SourceShadow>,
    pub trigger: Trigger,
    pub pass: Pass,
    counter: u32,
}

/// The number of freed objects that are remembered, to check that their handles stay invalid.
const REMEMBERED: usize = 8;

impl World {
    pub fn new(bytes: Bytes, sizes: Sizes) -> Self {
        Self {
            bytes,
            sizes,
            events: Vec::new(),
            conns: Vec::new(),
            listeners: Vec::new(),
            sources: Vec::new(),
            trigger: Trigger::new(Signal::INT),
            pass: Pass::default(),
            counter: 0,
        }
    }

    /// Returns a number that was not returned before.
    pub fn next_number(&mut self) -> u32 {
        self.counter += 1;
        self.counter
    }

    /// Returns bytes to write or to receive. Adjacent bytes differ, so that a lost byte is detected.
    pub fn data(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next_number() as u8).collect()
    }

    /// Records that the connection `new` has taken a slot. If the slot belonged to a lingering connection, the
    /// lingering connection is gone.
    pub fn record_slot_taken(&mut self, new: Conn) {
        let lives = |shadow: &&mut ConnShadow| shadow.life != Life::Gone;
        let mut living = self.conns.iter_mut().filter(lives);
        if let Some(shadow) = living.find(|shadow| shadow.handle.index() == new.index()) {
            let is_free = shadow.is_freed() && shadow.reconnect_at.is_none();
            assert!(
                is_free || shadow.may_linger(),
                "the slot of a live connection was reused: {shadow:?}"
            );
            (shadow.life, shadow.evicted) = (Life::Gone, !is_free);
        }
    }

    /// Returns the capacities of a connection's pool. The ring sizes are limited to the high watermarks.
    pub fn pool_of(&self, index: usize) -> PoolSizes {
        self.pool_of_conn(&self.conns[index])
    }

    fn pool_of_conn(&self, shadow: &ConnShadow) -> PoolSizes {
        let (pool, kind) = (self.sizes.pools[shadow.pool], shadow.kind);
        let (input, output) = (pool.input.min(kind.input.1), pool.output.min(kind.output.1));
        PoolSizes { input, output, ..pool }
    }

    /// Returns the number of connections of a pool that the application holds, including connections that will connect
    /// again.
    pub fn held(&self, pool: usize) -> usize {
        let held = |conn: &&ConnShadow| conn.pool == pool && conn.is_valid();
        self.conns.iter().filter(held).count()
    }

    /// Returns the number of connections of a listener that the application holds.
    pub fn held_by_listener(&self, listener: Listener) -> usize {
        let held = |conn: &&ConnShadow| conn.listener == Some(listener) && conn.life == Life::Held;
        self.conns.iter().filter(held).count()
    }

    /// Returns the minimum and the maximum number of slots in use in a pool. The numbers can differ, because the base
    /// frees finished slots only when the back end takes actions.
    pub fn slots_in_use(&self, pool: usize) -> (usize, usize) {
        let is_taken = |conn: &&ConnShadow| conn.pool == pool && conn.life != Life::Gone;
        let freed = |conn: &&ConnShadow| conn.is_freed() && conn.reconnect_at.is_none();
        let max = self.conns.iter().filter(is_taken).count();
        (max - self.conns.iter().filter(is_taken).filter(freed).count(), max)
    }

    /// Records changes that the base makes by itself. The base puts connections at rest, and connects a connection when
    /// its connect time has passed.
    pub fn record_base_changes(&mut self, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        for shadow in &mut self.conns {
            let Ok(conn) = cx.conn(shadow.handle) else { continue };
            if shadow.is_freed() && conn.room() > 0 {
                shadow.set_resting();
            }
            if shadow.life == Life::Held && shadow.is_resting && !conn.is_resting() {
                assert!(
                    shadow.connect_at.is_some_and(|at| at <= now),
                    "the connection connects too early: {shadow:?}"
                );
                (shadow.is_resting, shadow.connect_at) = (false, None);
            }
        }
    }

    /// Returns the shadow of the event with this handle.
    pub fn event(&mut self, event: Event) -> &mut EventShadow {
        let found = self.events.iter_mut().rfind(|shadow| shadow.handle == event);
        found.expect("a callback ran for an unknown event")
    }
}

/// Functions that choose an object. They mostly choose an object that is alive, and sometimes an object that is gone.
/// `None` means an object of another base.
impl World {
    pub fn pick_event(&mut self) -> Option<usize> {
        pick(&mut self.bytes, &self.events, |event| event.alive)
    }

    pub fn pick_conn(&mut self) -> Option<usize> {
        pick(&mut self.bytes, &self.conns, |conn| conn.life != Life::Gone)
    }

    pub fn pick_listener(&mut self) -> Option<usize> {
        pick(&mut self.bytes, &self.listeners, |listener| listener.life == Life::Held)
    }

    pub fn pick_source(&mut self) -> Option<usize> {
        pick(&mut self.bytes, &self.sources, |source| source.life == Life::Held)
    }
}

fn pick<T>(bytes: &mut Bytes, all: &[T], lives: impl Fn(&T) -> bool) -> Option<usize> {
    let choice = bytes.below(32);
    let living = all.iter().filter(|one| lives(one)).count();
    if all.is_empty() || choice == 31 {
        None
    } else if living == 0 || choice > 26 {
        Some(choice % all.len())
    } else {
        let living_ones = all.iter().enumerate().filter(|(_, one)| lives(one));
        living_ones.map(|(index, _)| index).nth(choice % living)
    }
}

/// Remembers one more object. If too many of the objects are gone, forgets the oldest object that is gone.
pub fn remember<T>(all: &mut Vec<T>, one: T, is_gone: impl Fn(&T) -> bool) {
    if all.iter().filter(|one| is_gone(one)).count() > REMEMBERED
        && let Some(oldest) = all.iter().position(is_gone)
    {
        all.remove(oldest);
    }
    all.push(one);
}

/// The checks of the base against the expected state.
impl World {
    /// Records once-events that the base has freed. If `must_be_freed` is set, the base must have freed each
    /// once-event that has fired and is not pending again.
    pub fn record_freed_once_events(&mut self, cx: &mut Cx<'_, Self>, must_be_freed: bool) {
        for index in 0..self.events.len() {
            let handle = self.events[index].handle;
            if !self.events[index].fired_once {
                continue;
            }
            if cx.event(handle).is_err() {
                let shadow = &mut self.events[index];
                assert!(
                    !shadow.is_added_again,
                    "a once-event was freed although it was added again: {shadow:?}"
                );
                (shadow.alive, shadow.fired_once) = (false, false);
                shadow.set_idle();
            } else if must_be_freed {
                assert!(
                    is_live(cx, handle),
                    "a once-event was not freed although it is not pending"
                );
                (self.events[index].fired_once, self.events[index].is_added_again) = (false, false);
            }
        }
    }

    /// Checks the results of the base's query functions.
    pub fn check(&mut self, cx: &mut Cx<'_, Self>) {
        self.record_freed_once_events(cx, false);
        self.record_base_changes(cx);
        let infos: Vec<_> = cx.events().collect();
        self.check_events(cx, &infos);
        self.record_dropped(cx);
        self.check_conns(cx);
        for shadow in &self.listeners {
            match cx.listener(shadow.handle) {
                Ok(listener) => {
                    assert_eq!(shadow.life, Life::Held, "the handle of a freed listener is valid");
                    assert_eq!(listener.user(), shadow.user);
                    assert!(listener.address().is_some());
                    assert_eq!(
                        listener.conns(),
                        self.held_by_listener(shadow.handle),
                        "{shadow:?}"
                    );
                }
                Err(_) => {
                    assert_ne!(shadow.life, Life::Held, "the handle of a listener is invalid")
                }
            }
        }
        self.check_counts(cx, &infos);
        assert!(cx.event(FOREIGN.event).is_err());
        assert!(cx.conn(FOREIGN.conn).is_err());
        assert!(cx.listener(FOREIGN.listener).is_err());
    }

    fn check_events(&self, cx: &mut Cx<'_, Self>, infos: &[EventInfo]) {
        let now = cx.now();
        for shadow in &self.events {
            let Ok(event) = cx.event(shadow.handle) else {
                assert!(!shadow.alive, "the handle of an event is invalid: {shadow:?}");
                continue;
            };
            assert!(shadow.alive, "the handle of a freed event is valid: {shadow:?}");
            assert_eq!((event.user(), event.priority().level()), (shadow.user, shadow.level));
            let deadline = event.deadline();
            assert_eq!(event.remaining(), deadline.map(|deadline| deadline.since(now)));
            assert!(event.pending().contains(EventFlags::TIMEOUT) || deadline.is_none());
            if shadow.deadline.is_some_and(|at| at > now) || deadline.is_some() {
                assert_eq!(deadline, shadow.deadline, "wrong deadline: {shadow:?}");
            }
            let live = infos.iter().any(|info| info.event == shadow.handle);
            assert!(
                shadow.may_fire || !live,
                "an event is pending, but nothing can fire it: {shadow:?}"
            );
        }
        for info in infos {
            assert!(self.events.iter().any(|shadow| shadow.alive && shadow.handle == info.event));
        }
    }

    /// Records connections that were dropped with their listener, before the application received them.
    pub fn record_dropped(&mut self, cx: &mut Cx<'_, Self>) {
        for conn in &mut self.conns {
            let freed = !self.listeners.iter().any(|listener| {
                listener.life == Life::Held && Some(listener.handle) == conn.listener
            });
            if conn.life == Life::Held && conn.accept_due && freed && cx.conn(conn.handle).is_err()
            {
                conn.life = Life::Dropped;
                conn.output.clear();
            }
        }
    }

    fn check_conns(&self, cx: &mut Cx<'_, Self>) {
        for shadow in &self.conns {
            let Ok(mut conn) = cx.conn(shadow.handle) else {
                assert!(!shadow.is_valid(), "the handle of a connection is invalid: {shadow:?}");
                continue;
            };
            assert!(shadow.is_valid(), "the handle of a freed connection is valid: {shadow:?}");
            if shadow.life != Life::Held {
                assert!(!conn.is_open() && !conn.is_resting() && conn.room() == 0);
                assert_eq!(conn.write(b"x"), Err(WriteError::Finished));
                continue;
            }
            let pool = self.pool_of_conn(shadow);
            let (first, second) = conn.peek();
            assert!(first.iter().chain(second).eq(&shadow.input), "wrong input: {shadow:?}");
            assert_eq!(conn.input_len(), shadow.input.len());
            assert_eq!(conn.output_len(), shadow.output.len());
            let is_over = shadow.finished || shadow.failed;
            assert_eq!(conn.room(), if is_over { 0 } else { pool.output - shadow.output.held() });
            assert_eq!((conn.pool(), conn.is_resting()), (Some(pool.id), shadow.is_resting));
            assert_eq!(conn.is_open(), !shadow.connecting && !shadow.failed);
            assert!(conn.peer_addr().is_some());
            assert_eq!(conn.listener(), shadow.listener);
        }
    }

    fn check_counts(&self, cx: &Cx<'_, Self>, infos: &[EventInfo]) {
        let counts = cx.counts();
        assert_eq!(counts.events, self.events.iter().filter(|event| event.alive).count());
        let slots_in_use = (0..self.sizes.pools.len()).map(|pool| self.slots_in_use(pool));
        let (least, max) = slots_in_use.fold((0, 0), |(a, b), (least, max)| (a + least, b + max));
        assert!((least..=max).contains(&counts.conns), "{counts:?} {:?}", self.conns);
        for (index, pool) in self.sizes.pools.iter().enumerate() {
            assert_eq!(cx.conns_in_use(pool.id), self.held(index));
        }
        let listeners = self.listeners.iter().filter(|listener| listener.life != Life::Gone);
        assert_eq!(counts.listeners, listeners.count());
        let sources = self.sources.iter().filter(|source| source.life != Life::Gone);
        assert_eq!(counts.sources, sources.count());

        let waits = EventFlags::READ | EventFlags::WRITE | EventFlags::CLOSED | EventFlags::SIGNAL;
        let registered = |info: &&EventInfo| info.pending.intersects(waits);
        let timed = infos.iter().filter(|info| info.deadline.is_some()).count();
        let waiting = infos.iter().filter(registered).count() + timed;
        let active = infos.iter().filter(|info| !info.active.is_empty()).count();
        assert!(counts.added >= waiting + counts.active, "{counts:?}");
        assert!(counts.active >= active, "{counts:?}");
        let slots = self.sizes.events + self.sizes.conns + self.sizes.listeners;
        assert!(counts.active <= slots, "{counts:?}");
        assert!(covers(cx.peaks(), counts), "{:?} {counts:?}", cx.peaks());
    }

    /// Checks the information for back ends: the next deadline and the output.
    pub fn check_back_end_queries(&self, base: &mut EventBase<'_, Self>) {
        let earliest = base.events().filter_map(|info| info.deadline).min();
        assert!(
            earliest.is_none() || base.deadline() <= earliest,
            "the base's deadline is later than an event's deadline"
        );
        let now = base.now();
        for shadow in self.conns.iter().filter(|conn| conn.life == Life::Held && !conn.failed) {
            let alarm = shadow.alarm.map(|(at, _)| at);
            for at in [alarm, shadow.connect_at].into_iter().flatten().filter(|at| *at > now) {
                assert!(
                    base.deadline().is_some_and(|until| until <= at),
                    "the base's deadline is later than an alarm or a connect: {shadow:?}"
                );
            }
        }
        // A connect timeout runs while writing is enabled. After the timeout has become due, it no longer has a
        // deadline.
        let connects = |conn: &&ConnShadow| {
            let enabled = !conn.disabled[Direction::Write as usize];
            let held = conn.life == Life::Held && !conn.failed;
            held && enabled && conn.connecting && !conn.is_resting && conn.kind.connect > 0
        };
        let may_be_due = base.counts().active > 0;
        for shadow in self.conns.iter().filter(connects).filter(|_| !may_be_due) {
            let latest = now.after(Duration::from_millis(shadow.kind.connect));
            assert!(
                latest == Instant::MAX || base.deadline().is_some_and(|until| until <= latest),
                "a connect timeout has no deadline: {shadow:?}"
            );
        }
        for shadow in &self.conns {
            let (first, second) = base.output(shadow.handle);
            let output = first.iter().chain(second);
            assert!(
                first.is_empty() && second.is_empty() || output.eq(shadow.output.part()),
                "wrong output: {shadow:?}"
            );
        }
    }
}

fn covers(peaks: Counts, counts: Counts) -> bool {
    peaks.added >= counts.added
        && peaks.active >= counts.active
        && peaks.events >= counts.events
        && peaks.conns >= counts.conns
        && peaks.listeners >= counts.listeners
        && peaks.sources >= counts.sources
}

/// Returns whether the base reports an event as pending or active.
pub fn is_live(cx: &Cx<'_, World>, event: Event) -> bool {
    cx.events().any(|info| info.event == event)
}
