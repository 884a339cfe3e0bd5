//! The base: the state of a loop.
//!
//! A back end implements [`Backend`](crate::Backend), and [`EventBase::iterate`] calls its methods. Only `iteration.rs`
//! defines the order of the steps of an iteration. The steps are public methods too, for tests and for programs that
//! measure single steps: [`prepare`](EventBase::prepare), [`next_action`](EventBase::next_action),
//! [`wait`](EventBase::wait), [`advance`](EventBase::advance), [`dispatch`](EventBase::dispatch) and
//! [`next`](EventBase::next).

use core::ops::{Deref, DerefMut};

use crate::conn::{CloseLimits, ConnEvent, ConnMut, ConnProgress, OnConn, Statics};
use crate::cx::Cx;
use crate::error::ListenError;
use crate::event::{EventList, EventMut, OnEvent};
use crate::handle::{Conn, Event, Listener};
use crate::hooks::Hooks;
use crate::idle::IdleClock;
use crate::limit::Limit;
use crate::listener::{ListenerMut, OnListenError};
use crate::memory::Memory;
use crate::network::NetworkState;
use crate::outbox::Outbox;
use crate::pass::Phase;
use crate::peak::Peak;
use crate::pool::Pools;
use crate::queue::Queues;
use crate::random::Random;
use crate::record::{Entry, LongestWrite, Recorder};
use crate::run::{LoopState, request};
use crate::storage::Storage;
use crate::tables::Tables;
use crate::timers::Timers;
use crate::udp::FiredUdp;
use crate::watcher::Watchers;
use crate::{EventFlags, Instant};

/// The event base of an application `A` (`event_base`): tables, timers and queues in the caller's [`Storage`].
///
/// An application uses the methods of [`Cx`], because the base dereferences to `Cx`. The methods of `EventBase` itself
/// are for [back ends](crate::Backend) and for programs that run a back end. [`EventBase::iterate`] runs one iteration
/// of the loop.
pub struct EventBase<'s, A> {
    pub(crate) cx: Cx<'s, A>,
    /// The idle clock. It keeps the loop's time current between two iterations, if the program calls each iteration
    /// itself.
    pub(crate) idle_clock: IdleClock,
}

/// A callback that is due, with its arguments.
pub enum Fired<A> {
    /// An event became active.
    Event(OnEvent<A>, Event, EventFlags),
    /// Something happened to a connection.
    Conn(OnConn<A>, Conn, ConnEvent),
    /// A listener failed.
    ListenError(OnListenError<A>, Listener, ListenError),
    /// Something happened to a UDP socket. Without the feature `udp` no value of this variant exists.
    Udp(FiredUdp<A>),
}

impl<'s, A> EventBase<'s, A> {
    /// Makes an empty base that uses `storage`. O(size of the storage).
    pub fn new<
        const EVENTS: usize,
        const CONNS: usize,
        const BYTES: usize,
        const LISTENERS: usize,
        const POOLS: usize,
        const SOURCES: usize,
        const UDP: usize,
    >(
        storage: &'s mut Storage<A, EVENTS, CONNS, BYTES, LISTENERS, POOLS, SOURCES, UDP>,
    ) -> Self {
        Self::over(storage.into())
    }

    /// Makes an empty base that uses memory in separate [parts](crate::memory). O(size of the memory).
    pub fn over(mut memory: Memory<'s, A>) -> Self {
        memory.fit();
        let Memory { events, event_timers, conns, conn_timers, listeners, sources, .. } = memory;
        let Memory { bytes, pools, udp, .. } = memory;
        Self {
            cx: Cx {
                tables: Tables::new(events, conns, listeners, sources, udp),
                pools: Pools::new(pools, bytes),
                queues: Queues::new(),
                timers: Timers::new(event_timers, conn_timers),
                now: Instant::ZERO,
                due_from: Instant::MAX,
                exit_at: Instant::MAX,
                calls: 0,
                due_moved: false,
                sequence: 0,
                armed: 0,
                registered: 0,
                listening: 0,
                outbox: Outbox::new(),
                close_limits: CloseLimits::new(),
                conn_progress: ConnProgress::NONE,
                signal_events: EventList::NONE,
                state: LoopState::new(),
                phase: Phase::Between,
                repeat: None,
                fired_once: Event::NONE,
                hooks: Hooks::new(),
                statics: Statics::new(),
                watchers: Watchers::new(),
                limit: Limit::new(),
                most_added: Peak::NONE,
                longest_write: LongestWrite::NONE,
                recorder: Recorder::NONE,
                random: Random::UNSEEDED,
                network: NetworkState::NONE,
            },
            idle_clock: IdleClock::NONE,
        }
    }

    /// Sets the loop's time to `now`. A time earlier than the loop's time is ignored. Call this method before you
    /// report what happened at the time `now`. If a report starts a timeout, the timeout begins at `now`. Timers that
    /// are due become active when the pass begins.
    ///
    /// [`iterate`](EventBase::iterate) calls this method. Call it directly only in tests and in programs that measure
    /// single steps.
    pub fn advance(&mut self, now: Instant) {
        self.cx.recorder.record(|| Entry::Time(now));
        self.cx.update_now(now);
        let Cx { state, exit_at, now, .. } = &mut self.cx;
        if state.is_requested(request::EXIT_LATER) && *exit_at <= *now {
            *exit_at = Instant::MAX;
            state.exit_now();
        }
    }
}

impl<A> Fired<A> {
    /// Calls the callback.
    pub fn call(self, app: &mut A, cx: &mut Cx<'_, A>) {
        match self {
            Self::Event(call, event, what) => call(app, &mut EventMut::new(cx, event, what)),
            Self::Conn(call, conn, event) => call(app, &mut ConnMut::new(cx, conn), event),
            Self::ListenError(call, listener, error) => {
                call(app, &mut ListenerMut::new(cx, listener), error);
            }
            Self::Udp(fired) => fired.call(app, cx),
        }
    }
}

impl<'s, A> Deref for EventBase<'s, A> {
    type Target = Cx<'s, A>;

    fn deref(&self) -> &Self::Target {
        &self.cx
    }
}

impl<A> DerefMut for EventBase<'_, A> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.read_idle_clock();
        &mut self.cx
    }
}
