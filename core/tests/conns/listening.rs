//! Listeners: full tables, and listeners that are disabled or freed while connections wait for their callback.

use picoevent::{
    AcceptError, Action, Conn, ConnError, ConnEvent, Cx, EventBase, ListenError, Listener, Storage,
};

use super::{App, Base, actions, at, base, connect, listener, ms, peer};

/// Accepts two connections. The callback of the first connection runs `change` on the listener.
fn accept_two(base: &mut Base, app: &mut App, change: fn(&mut Cx<App>, Listener)) -> [Conn; 2] {
    let listener = listener(base);
    let conns = [(); 2].map(|()| base.accepted(listener, peer()).unwrap());
    app.at_listener = Some(change);
    base.dispatch(app);
    assert_eq!(app.calls(), [ConnEvent::Opened], "the second one waits");
    assert_eq!(app.conn, Some(conns[0]));
    conns
}

fn disable(cx: &mut Cx<App>, listener: Listener) {
    cx.listener(listener).unwrap().disable();
}

#[test]
fn connections_of_a_listener_disabled_in_its_callback_wait_until_it_is_enabled() {
    let (mut base, mut app) = (base(), App::default());
    let [_, second] = accept_two(&mut base, &mut app, disable);
    base.dispatch(&mut app);
    assert_eq!((app.calls(), base.conns().count()), (vec![], 1));
    base.listener(app.listener.unwrap()).unwrap().enable();
    base.dispatch(&mut app);
    assert_eq!((app.calls(), app.conn), (vec![ConnEvent::Opened], Some(second)));
    assert_eq!(base.conns().count(), 2);
}

#[test]
fn a_connection_knows_the_listener_that_accepted_it() {
    let (mut storage, mut app) = (Storage::<App, 0, 3, 36, 2>::new(), App::default());
    let mut base = EventBase::new(&mut storage);
    let listeners = [(); 2].map(|()| listener(&mut base));
    let conns = listeners.map(|listener| base.accepted(listener, peer()).unwrap());
    base.dispatch(&mut app);
    for (conn, listener) in conns.into_iter().zip(listeners) {
        assert_eq!(base.conn(conn).unwrap().listener(), Some(listener));
    }
    base.listener(listeners[0]).unwrap().free();
    let stale = base.conn(conns[0]).unwrap().listener();
    assert!(base.listener(stale.unwrap()).is_err(), "its listener is gone");
    let outgoing = connect(&mut base);
    assert_eq!(base.conn(outgoing).unwrap().listener(), None);
}

#[test]
fn a_listener_disabled_and_enabled_in_one_callback_continues() {
    let (mut base, mut app) = (base(), App::default());
    let listener = listener(&mut base);
    for _ in 0..2 {
        base.accepted(listener, peer()).unwrap();
    }
    app.at_listener = Some(|cx, listener| {
        cx.listener(listener).unwrap().disable().enable();
    });
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Opened, ConnEvent::Opened]);
}

#[test]
fn connections_of_a_listener_freed_in_its_callback_are_reset() {
    let (mut base, mut app) = (base(), App::default());
    let free: fn(&mut Cx<App>, Listener) = |cx, listener| cx.listener(listener).unwrap().free();
    let [first, second] = accept_two(&mut base, &mut app, free);
    assert!(actions(&mut base).contains(&Action::Reset(second)));
    assert!(base.conn(first).is_ok(), "the one that was handed over lives on");
    assert_eq!(base.counts().conns, 1);
}

#[test]
fn connections_that_wait_for_their_listener_are_reset_when_it_is_freed() {
    let (mut base, mut app) = (base(), App::default());
    let [_, second] = accept_two(&mut base, &mut app, disable);
    actions(&mut base);
    base.listener(app.listener.unwrap()).unwrap().free();
    let requested = actions(&mut base);
    assert!(requested.contains(&Action::Reset(second)), "{requested:?}");
    base.dispatch(&mut app);
    assert_eq!((app.calls(), base.counts().conns), (vec![], 1));
}

#[test]
fn a_connection_that_fails_while_it_waits_for_its_listener_frees_its_slot() {
    let (mut base, mut app) = (base(), App::default());
    let [_, second] = accept_two(&mut base, &mut app, disable);
    base.failed(second, ConnError::Reset);
    assert_eq!(base.counts().conns, 1);
    base.listener(app.listener.unwrap()).unwrap().enable();
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [], "it was never reported to the application");
}

#[test]
fn a_connection_that_fails_before_it_is_opened_frees_its_slot() {
    let (mut base, mut app) = (base(), App::default());
    let listener = listener(&mut base);
    let conn = base.accepted(listener, peer()).unwrap();
    base.failed(conn, ConnError::Reset);
    base.dispatch(&mut app);
    assert_eq!((app.calls(), base.counts().conns), (vec![], 0));
}

#[test]
fn a_listener_disabled_by_a_timer_opens_no_accepted_connection() {
    let (mut base, mut app) = (base(), App::default());
    let listener = listener(&mut base);
    app.listener = Some(listener);
    let stop = base.new_timer(picoevent::Mode::OneShot, |app: &mut App, event| {
        disable(event.cx(), app.listener.unwrap());
    });
    let stop = stop.unwrap();
    base.event(stop).unwrap().set_priority(picoevent::Priority::HIGHEST).unwrap();
    base.event(stop).unwrap().add(Some(ms(5))).unwrap();
    base.advance(at(5));
    base.accepted(listener, peer()).unwrap();
    for _ in 0..3 {
        base.dispatch(&mut app);
    }
    assert_eq!(app.calls(), []);
}

#[test]
fn a_listener_is_enabled_until_it_is_disabled_or_fails() {
    let mut base = base();
    let listener = listener(&mut base);
    assert!(base.listener(listener).unwrap().is_enabled());
    assert!(!base.listener(listener).unwrap().disable().is_enabled());
    assert!(base.listener(listener).unwrap().enable().is_enabled());
    base.listen_failed(listener, ListenError::InUse);
    assert!(!base.listener(listener).unwrap().is_enabled());
}

#[test]
fn a_full_table_refuses_the_accept() {
    let (mut base, mut app) = (base(), App::default());
    let listener = listener(&mut base);
    let first = base.accepted(listener, peer()).unwrap();
    base.accepted(listener, peer()).unwrap();
    assert!(!base.has_room(listener));
    assert_eq!(base.accepted(listener, peer()), Err(AcceptError::Full));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Opened, ConnEvent::Opened]);
    base.conn(first).unwrap().abort();
    base.dispatch(&mut app);
    actions(&mut base);
    base.accepted(listener, peer()).unwrap();
    base.listener(listener).unwrap().free();
    assert_eq!(base.accepted(listener, peer()), Err(AcceptError::NoListener));
}
