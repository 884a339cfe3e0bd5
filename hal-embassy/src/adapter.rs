//! The back end. It owns the sockets of an embassy-net stack, and runs an event loop with these sockets.

use core::convert::Infallible;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker, ready};

use embassy_net::Stack;
use heapless::Vec;
use picoevent::{Action, Backend, End, EventBase, Fired, Instant, Run, Trigger};

use crate::config::Config;
use crate::listeners::Listening;
use crate::observe::Observe;
use crate::slot::Slot;
use crate::socket_table::{SocketTable, State};
use crate::sockets::Sockets;
use crate::time::Clock;
use crate::udp::UdpSlots;

/// A back end on a stack, for one base. The back end keeps its sockets between two runs of the loop:
///
/// ```no_run
/// use embassy_net::Stack;
/// use picoevent::{EventBase, Pool, Run, Storage};
/// use picoevent_embassy::{Adapter, Config, Sockets};
///
/// const CLIENTS: Pool = Pool::new(4).rings(512, 512);
///
/// async fn serve(stack: Stack<'_>) {
/// #   struct App;
/// #   let mut app = App;
///     let mut storage = Storage::<App, 8, { CLIENTS.conns() }, { CLIENTS.bytes() }>::new();
///     let mut base = EventBase::new(&mut storage);
///     // … add the pool, listen, and add events …
///     let mut sockets = Sockets::<8, 512, 512>::new();
///     let mut adapter = Adapter::new(stack, &mut sockets, &[], Config::default());
///     loop {
///         let end = adapter.run(&mut base, &mut app, Run::ONCE).await;
///         // … what is open stays open …
/// #       drop(end);
/// #       break;
///     }
///     adapter.close(&mut base).await;
/// }
/// # let _ = serve;
/// ```
///
/// Dropping the adapter drops its connections, and the peers get no segment. After the adapter is dropped, the base
/// must not be used, unless the base was [closed](Self::close) before.
pub struct Adapter<'n, const SOCKETS: usize, const UDP: usize = 0> {
    slots: Vec<Slot<'n>, SOCKETS>,
    /// The listeners, enabled or disabled.
    listeners: Vec<Listening, SOCKETS>,
    state: State<'n>,
    triggers: &'n [&'n Trigger],
    udp: UdpSlots<'n, UDP>,
}

/// The largest number of iterations of the event loop in one poll of the task. After these iterations, other tasks run.
/// So callbacks that always cause more callbacks do not block the network stack's task.
const ITERATIONS_PER_POLL: usize = 8;

impl<'n, const SOCKETS: usize> Adapter<'n, SOCKETS> {
    /// Makes the back end, and adds all its sockets to the stack.
    ///
    /// Interrupts and other threads reach the loop through `triggers`: [`Trigger::raise`] raises the signal of the
    /// trigger in the loop.
    ///
    /// # Panics
    /// When the stack's resources have no room for `SOCKETS` sockets; see the crate's documentation.
    pub fn new<const RX: usize, const TX: usize>(
        stack: Stack<'n>,
        sockets: &'n mut Sockets<SOCKETS, RX, TX>,
        triggers: &'n [&'n Trigger],
        config: Config,
    ) -> Self {
        Self {
            slots: sockets.open(stack, &config),
            listeners: Vec::new(),
            state: State::new(stack, &config),
            triggers,
            udp: UdpSlots::new(),
        }
    }

    /// Adds UDP sockets to the back end and to the stack.
    ///
    /// # Panics
    /// When the stack's resources have no room for `UDP` more sockets.
    #[cfg(feature = "udp")]
    pub fn with_udp<const UDP: usize, const RX: usize, const TX: usize, const PACKETS: usize>(
        self,
        sockets: &'n mut crate::UdpSockets<UDP, RX, TX, PACKETS>,
    ) -> Adapter<'n, SOCKETS, UDP> {
        let Self { slots, listeners, state, triggers, .. } = self;
        let udp = sockets.open(state.env.network.stack());
        Adapter { slots, listeners, state, triggers, udp }
    }
}

impl<'n, const SOCKETS: usize, const UDP: usize> Adapter<'n, SOCKETS, UDP> {
    /// Runs `base` until its loop ends, and returns the reason why the loop ended. Sockets stay open, and the loop can
    /// be run again. The base's time does not advance between two runs.
    pub fn run<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
        run: Run,
    ) -> impl Future<Output = End> {
        self.run_observed(base, app, run, ())
    }

    /// Runs `base` as [`run`](Self::run) does, with an observer.
    pub fn run_observed<A, O: Observe<A>>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
        run: Run,
        mut observer: O,
    ) -> impl Future<Output = End> {
        self.begin(base, run);
        poll_fn(move |cx| self.poll(base, app, &mut observer, cx))
    }

    /// Runs `base` as [`run_observed`](Self::run_observed) does, and then closes it.
    pub(crate) fn run_and_close<A, O: Observe<A>>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
        mut observer: O,
    ) -> impl Future<Output = End> {
        self.begin(base, Run::DEFAULT);
        let mut ended = None;
        poll_fn(move |cx| {
            let end = match ended {
                Some(end) => end,
                None => {
                    let end = ready!(self.poll(base, app, &mut observer, cx));
                    base.close_all();
                    *ended.insert(end)
                }
            };
            self.poll_closed(base, cx).map(|()| end)
        })
    }

    /// Closes every listener and connection of the base. Waits until the output is delivered, at most
    /// [`linger`](picoevent::Cx::set_close_limits). No callback runs meanwhile. After `close`, the base can listen,
    /// connect and run again. `close` does not inform the application that its open connections have ended. The next
    /// run reports these ends. Until then these connections keep their slots in their pools.
    pub fn close<A>(&mut self, base: &mut EventBase<'_, A>) -> impl Future<Output = ()> {
        self.state.clock = Clock::at(base.now());
        base.close_all();
        poll_fn(move |cx| self.poll_closed(base, cx))
    }

    fn begin<A>(&mut self, base: &mut EventBase<'_, A>, run: Run) {
        self.state.clock = Clock::at(base.now());
        self.state.sleep_until(Instant::MAX);
        // The network may have changed since the adapter was made, or since the last run.
        self.state.changed |= 1 << crate::ready::NETWORK;
        base.begin(run);
    }

    fn poll<A, O: Observe<A>>(
        &mut self,
        base: &mut EventBase<'_, A>,
        app: &mut A,
        observer: &mut O,
        cx: &mut Context<'_>,
    ) -> Poll<End> {
        let mut polled = self.polled(observer, cx.waker());
        if polled.table.udp_waits_for_stack() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if polled.table.state.lets_stack_run() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        for _ in 0..ITERATIONS_PER_POLL {
            match base.iterate(app, &mut polled) {
                Poll::Ready(Ok(None)) => {}
                Poll::Ready(Ok(Some(end))) => {
                    // Set the sockets' wakers. Without the wakers, changes of the sockets before the next run would be
                    // lost.
                    polled.table.watch(base, cx.waker());
                    return Poll::Ready(end);
                }
                Poll::Pending => {
                    polled.observer.idle(base, app);
                    return Poll::Pending;
                }
            }
        }
        // Set the sockets' wakers even though the task does not sleep. Without the wakers, changes of the sockets would
        // be lost.
        polled.table.watch(base, cx.waker());
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_closed<A>(&mut self, base: &mut EventBase<'_, A>, cx: &mut Context<'_>) -> Poll<()> {
        let mut no_observer = ();
        let mut polled = self.polled(&mut no_observer, cx.waker());
        let Ok(()) = ready!(base.drain(&mut polled));
        // Do not wait for peers that have received everything.
        while let Some(conn) = base.end_lingering() {
            polled.table.leave_to_stack(conn);
        }
        // The stack sends resets and datagrams when the stack's task runs next.
        if polled.table.has_pending_output() {
            let now = polled.table.state.clock.now();
            base.advance(now);
            polled.report(base);
            let deadline = Backend::deadline(&mut polled, base);
            if polled.table.has_pending_output() {
                // Return to the executor even if there is nothing to wait for: the stack's task must run to send the
                // resets and datagrams.
                let Ok(()) = ready!(polled.wait(deadline, base));
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    #[inline(never)]
    fn polled<'a, O>(
        &'a mut self,
        observer: &'a mut O,
        task: &'a Waker,
    ) -> PolledAdapter<'a, 'n, O> {
        let Self { slots, listeners, state, triggers, udp } = self;
        state.changed |= state.ready.take();
        let table = SocketTable { slots, listeners, state, udp: udp.all() };
        PolledAdapter { table, triggers, observer, task }
    }
}

/// The back end during one poll of the task.
struct PolledAdapter<'a, 'n, O> {
    table: SocketTable<'a, 'n>,
    triggers: &'a [&'n Trigger],
    observer: &'a mut O,
    task: &'a Waker,
}

impl<A, O: Observe<A>> Backend<A> for PolledAdapter<'_, '_, O> {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.table.state.clock.now()
    }

    fn triggers(&self) -> (&[&Trigger], &Waker) {
        (self.triggers, self.task)
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, A>) -> Result<(), Infallible> {
        self.table.act(action, base);
        Ok(())
    }

    fn deadline(&mut self, base: &mut EventBase<'_, A>) -> Instant {
        self.table.arrange(base).min(self.table.network_deadline())
    }

    fn wait(
        &mut self,
        until: Instant,
        base: &mut EventBase<'_, A>,
    ) -> Poll<Result<(), Infallible>> {
        if until <= base.now() || self.table.state.changed != 0 {
            return Poll::Ready(Ok(()));
        }
        self.table.state.sleep_until(until);
        self.table.watch(base, self.task);
        self.table.state.ready.sleep(self.task);
        if until < Instant::MAX {
            self.table.state.clock.wake_at(until, self.task);
        }
        Poll::Pending
    }

    fn report(&mut self, base: &mut EventBase<'_, A>) {
        self.table.check_sockets(base);
        self.table.report_network(base);
    }

    fn call(&mut self, fired: Fired<A>, base: &mut EventBase<'_, A>, app: &mut A) {
        self.table.state.env.network.request_watch();
        self.observer.before(base, app, &fired);
        fired.call(app, base);
        self.observer.after(base, app);
    }
}
