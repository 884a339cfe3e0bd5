//! picoevent over embassy-net, without traffic. This program measures the cost that the executor, the adapter and
//! embassy-time add to an interrupt and to a timer.
//!
//! The loop has one idle socket. In each iteration of the loop, the task of the network stack also checks its sockets.
//! The figures include the cost of this check, because a program on a board also has this cost.
//!
//! E2 is the workload of an event that an interrupt activates. T1 is the workload of timers that fire and re-arm
//! themselves.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use embassy_net::{Stack, StackResources};
use picoevent::{EventBase, EventMut, Mode, Signal, Storage, Trigger};
use picoevent_bench_chip::clock;
use picoevent_bench_chip::executor::Executor;
use picoevent_bench_chip::interrupt::{self, Interrupt};
use picoevent_bench_chip::meter::{Harness, Report, Stopwatch};
use picoevent_bench_chip::network;
use picoevent_bench_chip::random::{self, PERIOD, Random};
use picoevent_bench_chip::wire::Wire;
use picoevent_embassy::{Config, Sockets, run};
use static_cell::{ConstStaticCell, StaticCell};

const TIMES: u32 = 10_000;
const FIRES: u32 = 4_000;
const EMPTY: &str = "an empty interrupt";

static RAISED: Trigger = Trigger::new(Signal::USR1);
/// Makes the application add timers until it has [`WANTED`] timers.
static ADD_TIMERS: Trigger = Trigger::new(Signal::USR2);
static WANTED: AtomicU32 = AtomicU32::new(0);
/// The number of callbacks so far.
static DONE: AtomicU32 = AtomicU32::new(0);

static WIRE: ConstStaticCell<Wire> = ConstStaticCell::new(Wire::new());
static RESOURCES: StaticCell<StackResources<2>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<1, 128, 128>> = ConstStaticCell::new(Sockets::new());
static STORAGE: ConstStaticCell<Storage<App, 66, 0, 0, 0, 0>> =
    ConstStaticCell::new(Storage::new());

/// The source of random periods, and the number of timers so far.
struct App {
    random: Random,
    timers: u32,
}

#[unsafe(no_mangle)]
extern "C" fn on_pend() {
    RAISED.raise();
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start("");
    let executor = Executor::take();
    let resources = RESOURCES.init_with(StackResources::new);
    let stack = network::start(executor.spawner(), WIRE.take(), resources);
    executor.spawner().spawn(serve(stack).expect("spawned once"));
    executor.run_until_idle();

    interrupt::unmask();
    report.harness(EMPTY, Harness::Meter, TIMES, || interrupt::pend(Interrupt::Empty));
    report.count("E2, through the adapter", Harness::Named(EMPTY), TIMES, || {
        interrupt::pend(Interrupt::Pend);
        executor.run_until_idle();
    });
    assert_eq!(take_count(), TIMES, "a callback for each interrupt");

    random::report(&mut report);
    for (name, timers) in [
        ("T1 through the adapter, 4 timers", 4),
        ("T1 through the adapter, 16 timers", 16),
        ("T1 through the adapter, 64 timers", 64),
    ] {
        WANTED.store(timers, Ordering::Relaxed);
        ADD_TIMERS.raise();
        executor.run_until_idle();
        let mut watch = Stopwatch::new();
        while DONE.load(Ordering::Relaxed) < FIRES {
            watch.time(|| {
                clock::jump();
                executor.run_until_idle();
            });
        }
        report.timed(name, PERIOD, take_count(), &watch);
    }
    report.end()
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let mut base = EventBase::new(STORAGE.take());
    base.on_signal(RAISED.signal(), |_, _| count()).expect("the storage has room");
    base.on_signal(ADD_TIMERS.signal(), add_timers).expect("the storage has room");
    let mut app = App { random: Random::new(1), timers: 0 };
    let config = Config::default();
    run(stack, SOCKETS.take(), &[&RAISED, &ADD_TIMERS], &mut base, &mut app, config).await;
    panic!("nothing ends the loop");
}

fn add_timers(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    while app.timers < WANTED.load(Ordering::Relaxed) {
        let timer = event.new_timer(Mode::OneShot, on_timer).expect("the storage has room");
        app.timers += 1;
        arm(app, &mut event.cx().event(timer).expect("it was made now"));
    }
}

fn on_timer(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    count();
    arm(app, event);
}

#[inline(always)]
fn arm(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    let delay = Duration::from_micros(u64::from(app.random.period()));
    let added = event.add(Some(delay));
    debug_assert_eq!(added, Ok(()), "a timer waits for no source");
}

#[inline(always)]
fn count() {
    DONE.store(DONE.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

fn take_count() -> u32 {
    DONE.swap(0, Ordering::Relaxed)
}
