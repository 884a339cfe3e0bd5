//! The back end's actions can make callbacks due. The tests check whether the back end checks for new events before
//! these callbacks run.

use core::convert::Infallible;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::task::{Poll, Waker};
use core::time::Duration;

use picoevent::{
    Action, Backend, Conn, ConnMut, DispatchLimit, End, EventBase, Fired, Instant, Listener, Pool,
    Priority, Protocol, Run, Signal, Storage, Trigger,
};

const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7);

/// The log of a test, in order.
#[derive(Debug, Default)]
struct Log(Vec<&'static str>);

/// Sends a greeting. Each time all output was sent, sends more output.
struct Greeter;

impl Protocol<Log> for Greeter {
    fn opened(log: &mut Log, conn: &mut ConnMut<Log>) {
        log.0.push("opened");
        conn.write(b"hello").unwrap();
    }

    fn readable(log: &mut Log, conn: &mut ConnMut<Log>) {
        log.0.push("readable");
        conn.consume(usize::MAX);
    }

    fn idle(log: &mut Log, _: &mut ConnMut<Log>) {
        log.0.push("idle");
    }

    fn writable(log: &mut Log, conn: &mut ConnMut<Log>) {
        log.0.push("writable");
        conn.write(b"more").unwrap();
    }
}

/// A back end with one client, which receives all output at once.
struct OneClient {
    listener: Listener,
    client: Option<Conn>,
    may_skip: bool,
    polls: Vec<&'static str>,
    now: Instant,
    /// The number of bytes that the client has sent and that are not reported yet.
    sent: usize,
    /// The time that the next callback takes, or zero. During this time the client sends a byte.
    work: Duration,
    trigger: Option<&'static Trigger>,
}

impl Backend<Log> for OneClient {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn triggers(&self) -> (&[&Trigger], &Waker) {
        (self.trigger.as_slice(), Waker::noop())
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, Log>) -> Result<(), Infallible> {
        if let Action::Send(conn) = action {
            let (first, second) = base.output(conn);
            let amount = first.len() + second.len();
            base.sent(conn, amount);
        }
        Ok(())
    }

    fn may_skip_poll(&mut self) -> bool {
        self.may_skip
    }

    fn wait(&mut self, _: Instant, _: &mut EventBase<'_, Log>) -> Poll<Result<(), Infallible>> {
        self.polls.push("polled");
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut EventBase<'_, Log>) {
        if self.client.is_none() {
            self.client = base.accepted(self.listener, ADDRESS).ok();
        }
        if self.sent > 0 {
            base.received(self.client.unwrap(), std::mem::take(&mut self.sent));
        }
    }

    fn call(&mut self, fired: Fired<Log>, base: &mut EventBase<'_, Log>, log: &mut Log) {
        fired.call(log, base);
        let work = std::mem::take(&mut self.work);
        if work > Duration::ZERO {
            (self.now, self.sent) = (self.now.after(work), 1);
        }
    }
}

const POOL: Pool = Pool::new(1).rings(16, 16);
type TestStorage = Storage<Log, 2, 1, { POOL.bytes() }>;

/// Makes a base and its back end, and begins a run of the loop.
fn begin(storage: &mut TestStorage, may_skip: bool) -> (EventBase<'_, Log>, OneClient) {
    let mut base = EventBase::new(storage);
    let pool = base.add_pool(POOL).unwrap();
    let listener = base.listen::<Greeter>(ADDRESS, pool).unwrap();
    base.begin(Run::DEFAULT);
    let back_end = OneClient {
        listener,
        client: None,
        may_skip,
        polls: Vec::new(),
        now: Instant::ZERO,
        sent: 0,
        work: Duration::ZERO,
        trigger: None,
    };
    (base, back_end)
}

/// Returns the log of three iterations. The log also shows when the back end checked for new events.
fn three_iterations(may_skip: bool, set_up: fn(&mut EventBase<Log>)) -> Vec<&'static str> {
    let mut storage = Storage::new();
    let (mut base, mut back_end) = begin(&mut storage, may_skip);
    set_up(&mut base);
    let mut log = Log::default();
    for _ in 0..3 {
        assert_eq!(base.iterate(&mut log, &mut back_end), Poll::Ready(Ok(None)));
        // In each iteration, the back end checked for new events before the callback ran. So the check must come before
        // the callback in the log.
        let called = log.0.pop();
        log.0.append(&mut back_end.polls);
        log.0.extend(called);
    }
    log.0
}

#[test]
fn callbacks_that_actions_make_due_run_after_a_poll() {
    let log = three_iterations(false, |_| {});
    assert_eq!(log, ["polled", "opened", "polled", "writable", "polled", "writable"]);
}

#[test]
fn a_back_end_may_skip_the_poll_before_callbacks_that_its_actions_make_due() {
    let log = three_iterations(true, |_| {});
    assert_eq!(log, ["polled", "opened", "writable", "writable"]);
}

#[test]
fn a_poll_with_watchers_before_or_after_it_is_not_skipped() {
    let log = three_iterations(true, |base| {
        base.on_prepare(|_, _| {}).unwrap();
    });
    assert_eq!(log, ["polled", "opened", "polled", "writable", "polled", "writable"]);
}

#[test]
fn the_end_of_the_loop_comes_before_callbacks_that_actions_make_due() {
    let mut storage = Storage::new();
    let (mut base, mut back_end) = begin(&mut storage, true);
    let mut log = Log::default();
    assert_eq!(base.iterate(&mut log, &mut back_end), Poll::Ready(Ok(None)));
    base.loop_break();
    let ended = base.iterate(&mut log, &mut back_end);
    assert_eq!((ended, log.0), (Poll::Ready(Ok(Some(End::Break))), vec!["opened"]));
}

#[test]
fn a_loop_with_a_requested_exit_ends_after_one_pass_although_polls_may_be_skipped() {
    let mut storage = Storage::new();
    let (mut base, mut back_end) = begin(&mut storage, true);
    let mut log = Log::default();
    assert_eq!(base.iterate(&mut log, &mut back_end), Poll::Ready(Ok(None)));
    base.exit();
    assert_eq!(base.iterate(&mut log, &mut back_end), Poll::Ready(Ok(None)));
    let ended = base.iterate(&mut log, &mut back_end);
    assert_eq!((ended, log.0), (Poll::Ready(Ok(Some(End::Exit))), vec!["opened", "writable"]));
}

/// A callback has written output and has taken longer than the idle timeout. Meanwhile the client has sent a byte.
#[test]
fn input_that_arrived_during_a_long_callback_is_reported_instead_of_the_timeout() {
    let mut storage = Storage::new();
    let (mut base, mut back_end) = begin(&mut storage, true);
    let mut log = Log::default();
    assert_eq!(base.iterate(&mut log, &mut back_end), Poll::Ready(Ok(None)));
    let timeout = Duration::from_secs(1);
    base.conn(back_end.client.unwrap()).unwrap().set_timeouts(Some(timeout), None);
    (back_end.now, back_end.sent) = (back_end.now.after(timeout * 2), 1);
    for _ in 0..2 {
        assert_eq!(base.iterate(&mut log, &mut back_end), Poll::Ready(Ok(None)));
    }
    assert_eq!(log.0[..3], ["opened", "readable", "writable"]);
    assert!(!log.0.contains(&"idle"), "{log:?}");
}

/// A timer may become due while a check watcher runs. The input that has arrived meanwhile is not reported yet.
#[test]
fn input_that_arrived_during_a_slow_check_watcher_is_reported_instead_of_the_timeout() {
    let mut storage = Storage::new();
    let (mut base, mut back_end) = begin(&mut storage, false);
    let mut log = Log::default();
    assert_eq!(base.iterate(&mut log, &mut back_end), Poll::Ready(Ok(None)));
    let timeout = Duration::from_secs(1);
    base.conn(back_end.client.unwrap()).unwrap().set_timeouts(Some(timeout), None);
    base.on_check(|_, _| {}).unwrap();
    let time = Some(timeout * 10);
    let limit = DispatchLimit { callbacks: None, time, priority: Priority::HIGHEST };
    base.set_dispatch_limit(Some(limit));
    back_end.work = timeout * 2;
    for _ in 0..2 {
        assert_eq!(base.iterate(&mut log, &mut back_end), Poll::Ready(Ok(None)));
    }
    assert!(log.0.contains(&"readable") && !log.0.contains(&"idle"), "{log:?}");
}

#[test]
fn a_timer_that_the_callback_of_a_late_trigger_makes_counts_from_the_trigger() {
    static TRIGGER: Trigger = Trigger::new(Signal::USR1);
    for may_skip in [false, true] {
        let mut storage = Storage::new();
        let (mut base, mut back_end) = begin(&mut storage, may_skip);
        back_end.trigger = Some(&TRIGGER);
        base.listener(back_end.listener).unwrap().free();
        base.on_signal(Signal::USR1, |log: &mut Log, event| {
            log.0.push("signal");
            event.after(Duration::from_secs(1), |_, _| {}).unwrap();
        })
        .unwrap();
        let mut log = Log::default();
        assert_eq!(base.iterate(&mut log, &mut back_end), Poll::Ready(Ok(None)));
        back_end.now = Instant::from_micros(5_000_000);
        TRIGGER.raise();
        assert_eq!(base.iterate(&mut log, &mut back_end), Poll::Ready(Ok(None)));
        let polls = if may_skip { 1 } else { 2 };
        assert_eq!((log.0, back_end.polls.len()), (vec!["signal"], polls));
        assert_eq!(base.deadline(), Some(Instant::from_micros(6_000_000)));
    }
}
