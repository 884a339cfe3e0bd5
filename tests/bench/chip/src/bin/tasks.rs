//! The workloads of the program `core`, run with embassy's tasks instead of events. Workloads without an equivalent for
//! tasks are left out.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};

use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::Timer;
use picoevent_bench_chip::clock;
use picoevent_bench_chip::executor::Executor;
use picoevent_bench_chip::interrupt::{self, Interrupt};
use picoevent_bench_chip::meter::{Harness, Report, Stopwatch};
use picoevent_bench_chip::random::{self, PERIOD, Random};

const TIMES: u32 = 10_000;
const FIRES: u32 = 4_000;
const READY: usize = 8;
const SEED: u32 = 1;
const EMPTY: &str = "an empty interrupt";

/// How often tasks have done their work since the last call of [`counted`].
static DONE: AtomicU32 = AtomicU32::new(0);

type Event = Signal<CriticalSectionRawMutex, ()>;

static EVENTS: [Event; READY] = [const { Signal::new() }; READY];
static PING: Event = Signal::new();
static PONG: Event = Signal::new();

#[unsafe(no_mangle)]
extern "C" fn on_pend() {
    EVENTS[0].signal(());
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start("");
    let executor = Executor::take();
    yields(&mut report, &executor);
    signals(&mut report, &executor);
    interrupts(&mut report, &executor);
    random::report(&mut report);
    timers::<4>(&mut report, &executor, "T1, 4 tasks");
    timers::<16>(&mut report, &executor, "T1, 16 tasks");
    timers::<64>(&mut report, &executor, "T1, 64 tasks");
    report.end()
}

/// Workload E1: tasks that wake themselves.
fn yields(report: &mut Report, executor: &Executor) {
    for (name, tasks) in [("E1, 1 task yields", 1), ("E1, 8 tasks yield", READY as u32)] {
        let rounds = (TIMES / tasks).next_multiple_of(100);
        for _ in 0..tasks {
            executor.spawner().spawn(yielding(rounds).expect("the pool has room"));
        }
        report.count_of(name, Harness::Loop, rounds, tasks, || executor.poll());
        assert_eq!(take_count(), rounds * tasks, "each task yields each time");
        executor.run_until_idle();
    }
}

/// Workload E1 with signals: tasks that wake each other, and tasks that are woken from outside of the executor.
fn signals(report: &mut Report, executor: &Executor) {
    for (from, to) in [(&PING, &PONG), (&PONG, &PING)] {
        executor.spawner().spawn(hopping(from, to, TIMES / 2).expect("the pool has room"));
    }
    executor.poll();
    PING.signal(());
    report.count("E1, a Signal to the other task", Harness::Loop, TIMES, || executor.poll());
    assert_eq!(take_count(), TIMES, "one hop each time");

    for event in &EVENTS {
        executor.spawner().spawn(waiting(event).expect("the pool has room"));
    }
    executor.run_until_idle();
    report.count("E1, 1 Signal ready", Harness::Loop, TIMES, || {
        EVENTS[0].signal(());
        executor.poll();
    });
    assert_eq!(take_count(), TIMES, "one event each time");
    let rounds = (TIMES / READY as u32).next_multiple_of(100);
    report.count_of("E1, 8 Signals ready", Harness::Loop, rounds, READY as u32, || {
        EVENTS.iter().for_each(|event| event.signal(()));
        executor.poll();
    });
    assert_eq!(take_count(), rounds * READY as u32, "all events each time");
}

/// Workload E2: a task that waits for a `Signal` of an interrupt handler.
fn interrupts(report: &mut Report, executor: &Executor) {
    interrupt::unmask();
    report.harness(EMPTY, Harness::Meter, TIMES, || interrupt::pend(Interrupt::Empty));
    report.count("E2, a Signal to a task", Harness::Named(EMPTY), TIMES, || {
        interrupt::pend(Interrupt::Pend);
        executor.poll();
    });
    assert_eq!(take_count(), TIMES, "one event each time");
}

/// Workload T1: tasks that sleep for random periods, in embassy-time's queue.
fn timers<const TASKS: usize>(report: &mut Report, executor: &Executor, name: &'static str) {
    for number in 0..TASKS {
        let seed = SEED + number as u32;
        executor.spawner().spawn(sleeping(seed, FIRES).expect("the pool has room"));
    }
    executor.poll();
    let mut watch = Stopwatch::new();
    while DONE.load(Ordering::Relaxed) < FIRES {
        watch.time(|| {
            clock::jump();
            executor.poll();
        });
    }
    // Wake every sleeping task. Each task ends, because enough timers have fired.
    let fires = DONE.load(Ordering::Relaxed);
    while clock::next().is_some() {
        clock::jump();
        executor.poll();
    }
    take_count();
    report.timed(name, PERIOD, fires, &watch);
}

#[embassy_executor::task(pool_size = READY)]
async fn yielding(rounds: u32) {
    for _ in 0..rounds {
        count();
        yield_now().await;
    }
}

#[embassy_executor::task(pool_size = 2)]
async fn hopping(from: &'static Event, to: &'static Event, hops: u32) {
    for _ in 0..hops {
        from.wait().await;
        count();
        to.signal(());
    }
}

#[embassy_executor::task(pool_size = READY)]
async fn waiting(event: &'static Event) {
    loop {
        event.wait().await;
        count();
    }
}

#[embassy_executor::task(pool_size = 64)]
async fn sleeping(seed: u32, fires: u32) {
    let mut random = Random::new(seed);
    while DONE.load(Ordering::Relaxed) < fires {
        Timer::after_micros(u64::from(random.period())).await;
        count();
    }
}

#[inline(always)]
fn count() {
    DONE.store(DONE.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

fn take_count() -> u32 {
    DONE.swap(0, Ordering::Relaxed)
}
