//! Fills the tables. Each table contains one kind of object.

use std::time::Duration;

use picoevent::{ConnEvent, ConnMut, EventFlags, EventMut, Mode, Pool, Settings};

use crate::bench::{App, Bench, TICK};

/// The size of each ring in bytes.
pub const RING: usize = 64;

const PLAIN: &Settings = &Settings::new();

/// Makes an event in every slot. No event is pending.
pub fn make_events(bench: &mut Bench<'_>) {
    for _ in 0..bench.size {
        bench.events.push(bench.base.new_timer(Mode::OneShot, count).unwrap());
    }
}

/// Arms every event with a different, distant deadline.
pub fn arm_all(bench: &mut Bench<'_>) {
    make_events(bench);
    for at in 0..bench.size {
        let event = bench.event();
        let delay = Duration::from_secs(1_000_000) + TICK * at as u32;
        bench.base.event(event).unwrap().add(Some(delay)).unwrap();
    }
}

/// Adds an event for every source.
pub fn watch_all(bench: &mut Bench<'_>) {
    for _ in 0..bench.size {
        let source = bench.base.new_source().unwrap();
        let event = bench.base.new_event(source, EventFlags::READ, Mode::Persist, count).unwrap();
        bench.base.event(event).unwrap().add(None).unwrap();
        bench.sources.push(source);
        bench.events.push(event);
    }
    bench.dispatch();
}

/// Opens a connection in every slot.
pub fn open_all(bench: &mut Bench<'_>) {
    let address = "127.0.0.1:7".parse().unwrap();
    let pool = bench.base.add_pool(Pool::rest().rings(RING, RING)).unwrap();
    let listener = bench.base.listen_with(address, pool, PLAIN, on_event).unwrap();
    for _ in 0..bench.size {
        bench.conns.push(bench.base.accepted(listener, address).unwrap());
    }
    bench.dispatch();
}

fn count(app: &mut App, _: &mut EventMut<'_, '_, App>) {
    app.calls += 1;
}

/// Reads all input. The input fills the ring.
fn on_event(app: &mut App, conn: &mut ConnMut<'_, '_, App>, event: ConnEvent) {
    match event {
        ConnEvent::Readable => assert_eq!(conn.read(&mut [0; RING]), RING),
        ConnEvent::Writable => {}
        _ => return,
    }
    app.calls += 1;
}
