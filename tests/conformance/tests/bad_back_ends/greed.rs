//! An application that frees all objects in every callback.

use std::rc::Rc;
use std::time::Duration;

use picoevent::{ConnError, Cx, EventFlags, EventMut, Mode, Priority, Signal};
use picoevent_conformance::App;

use crate::unruly::{ADDRESS, Unruly};

/// The callback with the highest priority: of a signal, of an activated event, of a timer, of a connection that has
/// just been opened, or of a connection that has failed.
const URGENT: [&str; 5] = ["signal", "active", "timer", "0 Opened", "1 Ended(Failed(Reset))"];

/// Frees all events, connections and listeners.
fn free_all(app: &App, cx: &mut Cx<'_, App>) {
    for event in cx.events().map(|info| info.event).collect::<Vec<_>>() {
        cx.event(event).unwrap().free();
    }
    for conn in &app.conns {
        if let Ok(mut conn) = cx.conn(*conn) {
            conn.abort();
        }
    }
    for listener in &app.listeners {
        if let Ok(mut listener) = cx.listener(*listener) {
            listener.free();
        }
    }
}

fn greedy(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    let name = match event.what() {
        EventFlags::SIGNAL => "signal",
        EventFlags::TIMEOUT => "timer",
        _ => "active",
    };
    app.log.push(name.into());
    free_all(app, event);
}

/// Makes one object of each kind, so that the callbacks of all objects run in one turn. The first
/// callback frees all objects.
fn with_all_due(urgent: &str) -> Unruly {
    let mut unruly = Unruly::new();
    let listener = unruly.listen();
    unruly.app.reaction = Rc::new(|app, conn, _| free_all(app, conn.cx()));
    let level = |name: &str| if name == urgent { Priority::HIGHEST } else { Priority::LOWEST };
    let base = &mut unruly.base;
    let signal = base.on_signal(Signal::INT, greedy).unwrap();
    let active = base.new_timer(Mode::Persist, greedy).unwrap();
    let timer = base.new_timer(Mode::OneShot, greedy).unwrap();
    for (event, name) in [signal, active, timer].into_iter().zip(URGENT) {
        base.event(event).unwrap().set_priority(level(name)).unwrap();
    }
    base.event(active).unwrap().activate(EventFlags::READ);
    base.event(timer).unwrap().add(Some(Duration::ZERO)).unwrap();
    base.every(Duration::from_secs(1), greedy).unwrap();
    let conns = [unruly.connecting(), unruly.connecting()];
    for (conn, name) in conns.into_iter().zip(&URGENT[3..]) {
        unruly.base.conn(conn).unwrap().set_priority(level(name)).unwrap();
    }
    unruly.feed(move |base| {
        base.raised(Signal::INT, 3);
        base.connected(conns[0]);
        base.finished(conns[0]);
        base.accepted(listener, ADDRESS.into()).unwrap();
        base.failed(conns[1], ConnError::Reset);
    });
    unruly
}

/// The callbacks after all objects were freed. A connection that has failed still reports its failure.
const ENDS: [&str; 2] = ["0 Ended(Aborted)", "1 Ended(Failed(Reset))"];

/// Runs the loop. One callback frees all, and then the ends of the connections are reported.
fn expect_ends(unruly: &mut Unruly, first: &str, ends: &[&str]) {
    unruly.run();
    let mut log = core::mem::take(&mut unruly.app.log);
    assert_eq!(log.remove(0), first);
    log.sort();
    assert_eq!(log, ends);
}

#[test]
fn each_callback_may_free_everything() {
    for urgent in URGENT {
        let mut unruly = with_all_due(urgent);
        let ends: Vec<_> = ENDS.into_iter().filter(|end| *end != urgent).collect();
        expect_ends(&mut unruly, urgent, &ends);
        assert_eq!(unruly.base.events().count(), 0);
        let counts = unruly.base.counts();
        assert_eq!((counts.conns, counts.listeners, counts.added), (0, 0, 0));
        unruly.end();
    }
}

/// The accept callback has the default priority. All other callbacks have a lower priority here.
#[test]
fn the_accept_callback_may_free_everything() {
    let mut unruly = with_all_due("none of them");
    expect_ends(&mut unruly, "2 accepted", &[ENDS[0], ENDS[1], "2 Ended(Aborted)"]);
    assert_eq!(unruly.base.counts().conns, 0);
    unruly.end();
}

#[test]
fn a_connection_may_be_closed_and_everything_freed_in_one_callback() {
    let mut unruly = with_all_due("0 Opened");
    unruly.app.reaction = Rc::new(|app, conn, _| {
        conn.close();
        free_all(app, conn.cx());
    });
    // The closed connection waits until the end of its stream is delivered, at most until its time limit.
    expect_ends(&mut unruly, "0 Opened", &["0 Ended(Closed)", ENDS[1]]);
    unruly.end();
}
