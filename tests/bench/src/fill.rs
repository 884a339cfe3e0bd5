//! Fills the tables, each with one kind of object.

use std::time::Duration;

use picoevent::{Conn, ConnEvent, Cx, Direction, Event, Mode, What};

use crate::bench::{App, Bench, TICK};

/// Makes all events, none of them pending.
pub fn make_events(bench: &mut Bench<'_>) {
    for _ in 0..bench.size {
        bench.events.push(bench.base.new_timer(Mode::OneShot, count).unwrap());
    }
}

/// Arms every event with a distant deadline of its own.
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
        let event = bench.base.new_event(source, What::READ, Mode::Persist, count).unwrap();
        bench.base.event(event).unwrap().add(None).unwrap();
        bench.sources.push(source);
        bench.events.push(event);
    }
    bench.dispatch();
}

/// Opens every connection.
pub fn open_all(bench: &mut Bench<'_>) {
    let address = "127.0.0.1:7".parse().unwrap();
    let listener = bench.base.listen(address, |_, _, _| {}).unwrap();
    for _ in 0..bench.size {
        let conn = bench.base.accepted(listener, address).unwrap();
        let mut view = bench.base.conn(conn).unwrap();
        view.on_read(read_all).on_write(written).on_event(nothing).enable(Direction::Read);
        bench.conns.push(conn);
    }
    bench.dispatch();
}

fn count(app: &mut App, _: &mut Cx<'_, App>, _: Event, _: What) {
    app.calls += 1;
}

fn read_all(app: &mut App, cx: &mut Cx<'_, App>, conn: Conn) {
    let mut bytes = [0; 64];
    if let Ok(mut conn) = cx.conn(conn) {
        assert_eq!(conn.read(&mut bytes), 64);
        app.calls += 1;
    }
}

fn written(app: &mut App, _: &mut Cx<'_, App>, _: Conn) {
    app.calls += 1;
}

fn nothing(_: &mut App, _: &mut Cx<'_, App>, _: Conn, _: ConnEvent) {}
