//! The operations. Each operation runs on tables that are full of one kind of object.

use std::hint::black_box;
use std::time::Duration;

use picoevent::{EventFlags, Mode};

use crate::bench::{Bench, TICK};
use crate::fill;

/// How the cost grows with the table's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// The cost does not grow.
    Flat,
    /// The cost grows with the logarithm of the table's size.
    Logarithmic,
}

/// One operation.
pub struct Operation {
    pub name: &'static str,
    pub growth: Growth,
    /// Fills the tables.
    pub prepare: fn(&mut Bench<'_>),
    /// Performs the operation once, and leaves the tables as they were.
    pub once: fn(&mut Bench<'_>),
}

const fn flat(
    name: &'static str,
    prepare: fn(&mut Bench<'_>),
    once: fn(&mut Bench<'_>),
) -> Operation {
    Operation { name, growth: Growth::Flat, prepare, once }
}

const fn logarithmic(
    name: &'static str,
    prepare: fn(&mut Bench<'_>),
    once: fn(&mut Bench<'_>),
) -> Operation {
    Operation { name, growth: Growth::Logarithmic, prepare, once }
}

/// All operations.
pub const OPERATIONS: [Operation; 11] = [
    flat("handle looked up", fill::make_events, look_up),
    flat("event made and freed", make_all_but_one, make_and_free),
    flat("event added and deleted, without a timeout", fill::watch_all, delete_and_add),
    flat("event activated and dispatched", fill::make_events, activate),
    flat("source ready, to its callback", fill::watch_all, ready),
    flat("64 bytes written, and sent", fill::open_all, write),
    flat("64 bytes received, and read", fill::open_all, receive),
    logarithmic("timer cancelled and armed, the last", fill::arm_all, arm_last),
    logarithmic("timer cancelled and armed, the first", fill::arm_all, arm_first),
    logarithmic("timer moved, from first to last", fill::arm_all, move_back),
    logarithmic("timer armed and fired", fill::arm_all, fire),
];

fn look_up(bench: &mut Bench<'_>) {
    let event = bench.event();
    black_box(bench.base.event(black_box(event)).map_or(0, |event| event.user()));
}

fn make_all_but_one(bench: &mut Bench<'_>) {
    fill::make_events(bench);
    let last = bench.events[bench.size - 1];
    bench.base.event(last).unwrap().free();
}

fn make_and_free(bench: &mut Bench<'_>) {
    let event = bench.base.new_timer(Mode::Persist, |_, _| {}).unwrap();
    bench.base.event(black_box(event)).unwrap().free();
}

fn delete_and_add(bench: &mut Bench<'_>) {
    let event = bench.event();
    let mut event = bench.base.event(event).unwrap();
    event.del();
    event.add(None).unwrap();
    while bench.base.next_action().is_some() {}
}

fn activate(bench: &mut Bench<'_>) {
    let event = bench.event();
    bench.base.event(event).unwrap().activate(EventFlags::READ);
    bench.dispatch();
}

fn ready(bench: &mut Bench<'_>) {
    let index = bench.next_index();
    bench.base.ready(bench.sources[index], EventFlags::READ);
    bench.dispatch();
}

fn write(bench: &mut Bench<'_>) {
    let conn = bench.conn();
    bench.base.conn(conn).unwrap().write(black_box(&[7; 64])).unwrap();
    let (first, second) = bench.base.output(conn);
    let amount = first.len() + second.len();
    bench.base.sent(conn, black_box(amount));
    bench.dispatch();
}

fn receive(bench: &mut Bench<'_>) {
    let conn = bench.conn();
    let (first, _) = bench.base.input(conn).unwrap();
    first.copy_from_slice(black_box(&[7; 64]));
    bench.base.received(conn, 64);
    bench.dispatch();
}

/// Arms the next timer with a deadline after all other deadlines. The timer sinks to a leaf of the heap.
fn arm_last(bench: &mut Bench<'_>) {
    arm(bench, Duration::from_secs(2_000_000));
}

/// Arms the next timer with a deadline before all other deadlines. The timer rises to the top of the heap.
fn arm_first(bench: &mut Bench<'_>) {
    let before = bench.base.deadline().unwrap().since(bench.base.now());
    arm(bench, before - Duration::from_micros(1));
}

/// Cancels the next timer and arms it again.
fn arm(bench: &mut Bench<'_>, delay: Duration) {
    let event = bench.event();
    let mut event = bench.base.event(event).unwrap();
    event.remove_timeout();
    event.add(Some(delay)).unwrap();
}

/// Arms the first timer with a deadline after all other deadlines. The timer sinks from the top of the heap to a leaf.
fn move_back(bench: &mut Bench<'_>) {
    // The timers were armed in the order in which `event` returns them. So this timer has the earliest deadline.
    let event = bench.event();
    let mut event = bench.base.event(event).unwrap();
    event.add(Some(Duration::from_secs(2_000_000))).unwrap();
    let now = bench.base.now().after(TICK);
    bench.base.advance(now);
}

fn fire(bench: &mut Bench<'_>) {
    let event = bench.event();
    let mut view = bench.base.event(event).unwrap();
    view.remove_timeout();
    view.add(Some(TICK)).unwrap();
    bench.dispatch();
    bench.base.event(event).unwrap().add(Some(Duration::from_secs(2_000_000))).unwrap();
}
