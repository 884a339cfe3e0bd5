//! The busy text, spare slots and the limits of listeners.
//!
//! If a client connects when the pool is full, it gets the busy text. A pool can have spare slots, which are reserved
//! for such clients.

use picoevent::{AcceptError, Action, Conn, ConnError, ConnEvent, Pool, Settings};

use crate::{
    ABORTED, App, Base, CLOSED, SETTINGS, actions, base, drain, listen, passes, peer, pool,
};

static BUSY: Settings = Settings::new().busy(b"busy\r\n");

/// Makes a listener whose pool has one ordinary slot, which is in use, and one spare slot.
fn busy(base: &mut Base, app: &mut App) -> (picoevent::Listener, Conn) {
    let pool = base.add_pool(Pool::new(1).rings(8, 8).spare(1)).unwrap();
    let listener = listen(base, pool, &BUSY);
    let conn = base.accepted(listener, peer()).unwrap();
    assert_eq!(passes(base, app), [ConnEvent::Opened]);
    actions(base);
    (listener, conn)
}

#[test]
fn a_client_in_a_spare_slot_gets_the_busy_text_and_is_closed_without_a_callback() {
    let (mut base, mut app) = (base(), App::default());
    let (listener, first) = busy(&mut base, &mut app);
    assert!(base.has_room(listener));
    let second = base.accepted(listener, peer()).unwrap();
    assert!(base.conn(second).is_err(), "the application does not reach it");
    assert_eq!(base.conns().collect::<Vec<_>>(), [first]);
    assert_eq!(base.listener(listener).unwrap().conns(), 1);
    assert_eq!(actions(&mut base), [Action::Receive(second), Action::Send(second)]);
    assert_eq!(drain(&mut base, second, 99), b"busy\r\n");
    assert_eq!(actions(&mut base), [Action::End(second)]);
    base.peer_finished(second);
    base.delivered(second);
    assert_eq!(actions(&mut base), [Action::Close(second)]);
    assert_eq!((passes(&mut base, &mut app), base.counts().conns), (vec![], 1));
}

#[test]
fn while_no_spare_slot_is_free_clients_wait() {
    let (mut base, mut app) = (base(), App::default());
    let (listener, first) = busy(&mut base, &mut app);
    let second = base.accepted(listener, peer()).unwrap();
    assert!(!base.has_room(listener));
    assert_eq!(base.accepted(listener, peer()), Err(AcceptError::Full));
    actions(&mut base);
    base.failed(second, ConnError::Reset);
    assert!(base.has_room(listener), "the spare slot is free again");
    let third = base.accepted(listener, peer()).unwrap();
    drain(&mut base, third, 99);
    actions(&mut base);
    base.delivered(third);
    assert!(base.is_lingering(third) && base.has_room(listener), "one that lingers makes room");
    base.conn(first).unwrap().abort();
    assert_eq!(passes(&mut base, &mut app), [ABORTED]);
    actions(&mut base);
    let next = base.accepted(listener, peer()).unwrap();
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened], "now it is served");
    assert!(base.conn(next).is_ok());
}

#[test]
fn without_a_busy_text_a_spare_slot_is_not_used() {
    let (mut base, mut app) = (base(), App::default());
    let pool = base.add_pool(Pool::new(1).rings(8, 8).spare(1)).unwrap();
    let listener = listen(&mut base, pool, &SETTINGS);
    let conn = base.accepted(listener, peer()).unwrap();
    passes(&mut base, &mut app);
    assert!(!base.has_room(listener));
    let refused = base.outgoing_with(pool, &SETTINGS, App::record);
    assert_eq!(refused, Err(picoevent::SetupError::PoolFull));
    // A closed connection that still delivers its output does not count as in use. So the next client gets a normal
    // connection, although only the spare slot is free.
    base.conn(conn).unwrap().write(b"bye").unwrap();
    base.conn(conn).unwrap().close();
    assert!(base.has_room(listener));
    base.accepted(listener, peer()).unwrap();
    assert_eq!(passes(&mut base, &mut app), [CLOSED, ConnEvent::Opened]);
}

#[test]
fn a_listener_accepts_no_more_than_its_limit() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 4);
    let [bounded, free] = [(); 2].map(|()| listen(&mut base, pool, &SETTINGS));
    base.listener(bounded).unwrap().set_limit(2);
    let conns = [(); 2].map(|()| base.accepted(bounded, peer()).unwrap());
    assert_eq!(base.listener(bounded).unwrap().conns(), 2);
    assert!(!base.has_room(bounded) && base.has_room(free));
    assert_eq!(base.accepted(bounded, peer()), Err(AcceptError::Full));
    let other = base.accepted(free, peer()).unwrap();
    passes(&mut base, &mut app);
    assert_eq!((base.listener(free).unwrap().conns(), base.conns_in_use(pool)), (1, 3));
    // A closed connection does not count for the limit of the listener, although it still delivers its output.
    base.conn(conns[0]).unwrap().write(b"bye").unwrap();
    base.conn(conns[0]).unwrap().close();
    assert_eq!(base.listener(bounded).unwrap().conns(), 1);
    assert!(base.has_room(bounded));
    base.conn(other).unwrap().abort();
    base.failed(conns[1], ConnError::Reset);
    passes(&mut base, &mut app);
    assert_eq!(base.listener(bounded).unwrap().conns(), 0);
    assert_eq!(base.listener(free).unwrap().conns(), 0);
    base.listener(bounded).unwrap().set_limit(0);
    assert!(!base.has_room(bounded));
}

#[test]
fn a_listener_at_its_limit_sends_the_busy_text_like_one_whose_pool_is_full() {
    let (mut base, mut app) = (base(), App::default());
    let pool = base.add_pool(Pool::new(2).rings(8, 8).spare(1)).unwrap();
    let listener = listen(&mut base, pool, &BUSY);
    base.listener(listener).unwrap().set_limit(1);
    base.accepted(listener, peer()).unwrap();
    let busy = base.accepted(listener, peer()).unwrap();
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened]);
    assert_eq!(drain(&mut base, busy, 99), b"busy\r\n");
}

/// A connection that only gets the busy text can take any free slot of the pool, not only a spare slot. A listener that
/// must always have a slot needs a separate pool.
#[test]
fn a_busy_text_at_the_limit_takes_an_ordinary_slot_until_it_is_delivered() {
    let (mut base, mut app) = (base(), App::default());
    let shared = base.add_pool(Pool::new(2).rings(8, 8)).unwrap();
    let own = base.add_pool(Pool::new(1).rings(8, 8)).unwrap();
    let [bounded, free] = [(); 2].map(|()| listen(&mut base, shared, &BUSY));
    let apart = listen(&mut base, own, &SETTINGS);
    base.listener(bounded).unwrap().set_limit(1);
    base.accepted(bounded, peer()).unwrap();
    let answered = base.accepted(bounded, peer()).unwrap();
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened]);
    assert_eq!(base.conns_in_use(shared), 1, "a connection that gets the busy text is not in use");
    assert!(!base.has_room(free) && !base.has_room(bounded), "both wait for the slot");
    assert!(base.has_room(apart), "another pool is not touched");
    actions(&mut base);
    drain(&mut base, answered, 99);
    actions(&mut base);
    base.delivered(answered);
    assert!(base.has_room(free), "the client has its answer");
    base.accepted(free, peer()).unwrap();
    assert_eq!(actions(&mut base)[0], Action::Close(answered));
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened], "it is served");
}

#[test]
fn the_connections_of_a_freed_listener_count_for_no_other() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 2);
    let old = listen(&mut base, pool, &SETTINGS);
    let conn = base.accepted(old, peer()).unwrap();
    passes(&mut base, &mut app);
    base.listener(old).unwrap().free();
    actions(&mut base);
    let new = listen(&mut base, pool, &SETTINGS);
    assert_eq!(base.listener(new).unwrap().conns(), 0);
    base.accepted(new, peer()).unwrap();
    base.conn(conn).unwrap().abort();
    passes(&mut base, &mut app);
    assert_eq!((base.listener(new).unwrap().conns(), base.conns_in_use(pool)), (1, 1));
}
