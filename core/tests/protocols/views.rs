//! Methods on objects that were freed in the meantime change nothing.

use picoevent::{
    ConnEvent, ConnectError, Direction, EventFlags, EventMut, ListenError, Mode, Priority, Signal,
    StaleError, WriteError,
};

use crate::{
    ABORTED, App, SETTINGS, actions, at, base, feed, listen, ms, open, passes, peer, pool,
    with_conn,
};

#[test]
fn the_methods_of_an_aborted_connection_return_nothing_and_change_nothing() {
    let (mut base, mut app, conn) = with_conn();
    let other = open(&mut base, &mut app);
    feed(&mut base, other, b"other");
    passes(&mut base, &mut app);
    app.others = vec![other];
    app.react = Some(|app, conn, event| {
        if event != ConnEvent::Readable {
            return;
        }
        let id = conn.id();
        conn.cx().conn(id).unwrap().abort();
        assert!(conn.cx().conn(id).is_err());
        assert_eq!(conn.write(b"x"), Err(WriteError::Finished));
        assert_eq!(write!(conn, "{}", 1), Err(WriteError::Finished));
        assert_eq!((conn.write_some(b"x"), conn.room(), conn.output_len()), (0, 0, 0));
        conn.wait_for_room(1).read_again();
        conn.enable(Direction::Read).disable(Direction::Write);
        conn.set_timeouts(Some(ms(1)), Some(ms(1))).set_idle(Some(ms(1)));
        conn.alarm_after(ms(1)).alarm_every(ms(1)).set_nagle(true).set_keep_alive(None);
        assert!(!conn.cancel_alarm() && !conn.is_open() && !conn.is_resting());
        assert_eq!(conn.set_priority(Priority::LOWEST), Ok(()));
        assert_eq!(conn.transfer(app.others[0]), Ok(1), "input that is left can be read");
        assert_eq!(conn.read_line(&mut [0; 8]), None);
        assert_eq!(conn.read_until(b"a", &mut [0; 8]), None);
        assert_eq!(conn.connect(peer()), Err(ConnectError::Accepted));
        conn.finish();
        conn.close();
        conn.abort();
        conn.abort_with(picoevent::ConnError::Denied);
        assert_eq!(conn.cx().conn(app.others[0]).unwrap().transfer(id), Err(StaleError));
    });
    feed(&mut base, conn, b"a");
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable, ABORTED]);
    actions(&mut base);
    assert_eq!((base.counts().conns, base.deadline()), (1, None));
    assert_eq!(base.conn(other).unwrap().input_len(), 5);
    base.advance(at(100));
    assert_eq!(passes(&mut base, &mut app), []);
}

/// Another event may already use the slot of the freed event.
#[test]
fn the_methods_of_a_freed_event_change_no_other_event() {
    fn freed(app: &mut App, event: &mut EventMut<App>) {
        let id = event.id();
        event.cx().event(id).unwrap().free();
        // The new event takes the freed slot.
        let next = event.new_timer(Mode::OneShot, |app: &mut App, _| app.count += 100).unwrap();
        assert_eq!(next.index(), id.index());
        app.count += 1;
        assert_eq!(event.add(Some(ms(1))), Ok(()));
        event.activate(EventFlags::READ);
        event.activate(EventFlags::SIGNAL);
        event.remove_timeout();
        event.del();
        event.on_fire(|app, _| app.count += 1_000).set_user(7);
        assert_eq!(event.set_priority(Priority::LOWEST), Ok(()));
        assert_eq!(
            (event.pending(), event.deadline(), event.remaining()),
            (EventFlags::NONE, None, None)
        );
        assert_eq!((event.user(), event.priority()), (0, Priority::DEFAULT));
        event.free();
        let mut next = event.cx().event(next).unwrap();
        assert_eq!((next.pending(), next.user()), (EventFlags::NONE, 0));
        next.add(Some(ms(5))).unwrap();
    }
    let (mut base, mut app) = (base(), App::default());
    base.after(ms(1), freed).unwrap();
    base.advance(at(1));
    passes(&mut base, &mut app);
    assert_eq!((app.count, base.deadline()), (1, Some(at(6))));
    base.advance(at(6));
    passes(&mut base, &mut app);
    assert_eq!(app.count, 101);
}

#[test]
fn an_event_that_is_freed_in_its_callback_does_not_become_active_again() {
    let (mut base, mut app) = (base(), App::default());
    let freed = |app: &mut App, event: &mut EventMut<App>| {
        app.count += 1;
        event.free();
        event.activate(EventFlags::READ);
        let _ = event.add(Some(ms(1)));
    };
    let event = base.on_signal(Signal::INT, freed).unwrap();
    base.raised(Signal::INT, 3);
    passes(&mut base, &mut app);
    base.advance(at(10));
    passes(&mut base, &mut app);
    assert_eq!((app.count, base.counts().added, base.counts().events), (1, 0, 0));
    assert!(base.event(event).is_err());
}

#[test]
fn a_listener_that_is_freed_in_its_callback_stays_freed() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let listener = listen(&mut base, pool, &SETTINGS);
    base.listener(listener).unwrap().on_error(|app, listener, _| {
        let id = listener.id();
        listener.cx().listener(id).unwrap().free();
        app.count += 1;
        listener.enable().disable().enable().set_limit(0).set_user(7).on_error(|_, _, _| panic!());
        assert!(!listener.is_enabled());
        assert_eq!((listener.user(), listener.conns()), (0, 0));
        listener.free();
    });
    base.listen_failed(listener, ListenError::InUse);
    passes(&mut base, &mut app);
    assert_eq!(actions(&mut base), [picoevent::Action::Unlisten(listener)]);
    assert_eq!((app.count, base.counts().listeners), (1, 0));
    base.listen_failed(listener, ListenError::InUse);
    assert_eq!(passes(&mut base, &mut app), []);
    assert!(base.accepted(listener, peer()).is_err());
}

#[test]
fn a_listener_that_was_enabled_again_does_not_report_its_former_failure() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let listener = listen(&mut base, pool, &SETTINGS);
    base.listener(listener).unwrap().on_error(|app, _, _| app.count += 1);
    base.listen_failed(listener, ListenError::InUse);
    base.listener(listener).unwrap().enable();
    passes(&mut base, &mut app);
    assert_eq!(app.count, 0);
    base.listen_failed(listener, ListenError::InUse);
    passes(&mut base, &mut app);
    assert_eq!(app.count, 1);
}
