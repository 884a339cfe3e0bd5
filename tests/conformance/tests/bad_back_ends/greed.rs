//! Tests with an application that frees all objects in every callback.

use std::rc::Rc;
use std::time::Duration;

use picoevent::{ConnError, Cx, EventFlags, EventMut, Mode, Priority, Signal};
use picoevent_conformance::App;

use crate::faulty::{ADDRESS, FaultyBackEnd};

/// Each test case gives the highest priority to one of these callbacks. The callbacks belong to a signal event, an
/// activated event, a timer, a connection that has just been opened, and a connection that has failed.
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

fn free_all_and_again(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    let name = match event.what() {
        EventFlags::SIGNAL => "signal",
        EventFlags::TIMEOUT => "timer",
        _ => "active",
    };
    app.log.push(name.into());
    free_all(app, event);
}

/// Makes events, connections and a listener. All callbacks of [`URGENT`] and the accept callback become due in one
/// iteration. The callback `urgent` has the highest priority. The callback that runs first frees all objects.
fn with_all_due(urgent: &str) -> FaultyBackEnd {
    let mut faulty = FaultyBackEnd::new();
    let listener = faulty.listen();
    faulty.app.reaction = Rc::new(|app, conn, _| free_all(app, conn.cx()));
    let level = |name: &str| if name == urgent { Priority::HIGHEST } else { Priority::LOWEST };
    let base = &mut faulty.base;
    let signal = base.on_signal(Signal::INT, free_all_and_again).unwrap();
    let active = base.new_timer(Mode::Persist, free_all_and_again).unwrap();
    let timer = base.new_timer(Mode::OneShot, free_all_and_again).unwrap();
    for (event, name) in [signal, active, timer].into_iter().zip(URGENT) {
        base.event(event).unwrap().set_priority(level(name)).unwrap();
    }
    base.event(active).unwrap().activate(EventFlags::READ);
    base.event(timer).unwrap().add(Some(Duration::ZERO)).unwrap();
    base.every(Duration::from_secs(1), free_all_and_again).unwrap();
    let conns = [faulty.connecting(), faulty.connecting()];
    for (conn, name) in conns.into_iter().zip(&URGENT[3..]) {
        faulty.base.conn(conn).unwrap().set_priority(level(name)).unwrap();
    }
    faulty.will_report(move |base| {
        base.raised(Signal::INT, 3);
        base.connected(conns[0]);
        base.peer_finished(conns[0]);
        base.accepted(listener, ADDRESS.into()).unwrap();
        base.failed(conns[1], ConnError::Reset);
    });
    faulty
}

/// The callbacks that still run after all objects were freed. A connection that has failed still reports its failure.
const ENDS: [&str; 2] = ["0 Ended(Aborted)", "1 Ended(Failed(Reset))"];

/// Runs the loop. Checks that the callback `first` runs first. This callback frees all objects. Also checks that the
/// later callbacks only report the ends of the connections, and that these callbacks are `ends`.
fn expect_ends(faulty: &mut FaultyBackEnd, first: &str, ends: &[&str]) {
    faulty.run();
    let mut log = core::mem::take(&mut faulty.app.log);
    assert_eq!(log.remove(0), first);
    log.sort();
    assert_eq!(log, ends);
}

#[test]
fn each_callback_may_free_everything() {
    for urgent in URGENT {
        let mut faulty = with_all_due(urgent);
        let ends: Vec<_> = ENDS.into_iter().filter(|end| *end != urgent).collect();
        expect_ends(&mut faulty, urgent, &ends);
        assert_eq!(faulty.base.events().count(), 0);
        let counts = faulty.base.counts();
        assert_eq!((counts.conns, counts.listeners, counts.added), (0, 0, 0));
        faulty.end();
    }
}

/// The accept callback has the default priority. In this test, all other callbacks have a lower priority.
#[test]
fn the_accept_callback_may_free_everything() {
    let mut faulty = with_all_due("none of them");
    expect_ends(&mut faulty, "2 accepted", &[ENDS[0], ENDS[1], "2 Ended(Aborted)"]);
    assert_eq!(faulty.base.counts().conns, 0);
    faulty.end();
}

#[test]
fn a_connection_may_be_closed_and_everything_freed_in_one_callback() {
    let mut faulty = with_all_due("0 Opened");
    faulty.app.reaction = Rc::new(|app, conn, _| {
        conn.close();
        free_all(app, conn.cx());
    });
    // The closed connection waits for the delivery of its end of stream, but no longer than its time limit.
    expect_ends(&mut faulty, "0 Opened", &["0 Ended(Closed)", ENDS[1]]);
    faulty.end();
}
