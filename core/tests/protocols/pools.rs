//! Pools: the connections of a pool are reserved for it.

use picoevent::{
    AcceptError, ConnEvent, EventBase, FullError, Pool, Settings, SetupError, Storage,
};

use crate::{App, SETTINGS, actions, base, connect, drain, feed, listen, passes, peer, pool};

#[test]
fn two_pools_do_not_use_each_others_slots() {
    let (mut base, mut app) = (base(), App::default());
    let [clients, uplinks] =
        base.add_pools([2, 1].map(|conns| Pool::new(conns).rings(4, 4))).unwrap();
    let listener = listen(&mut base, clients, &SETTINGS);
    let accepted = [(); 2].map(|()| base.accepted(listener, peer()).unwrap());
    assert!(!base.has_room(listener));
    assert_eq!(base.accepted(listener, peer()), Err(AcceptError::Full));
    let uplink = connect(&mut base, uplinks);
    let refused = base.connect_with(peer(), uplinks, &SETTINGS, App::record);
    assert_eq!(refused, Err(SetupError::PoolFull));
    assert_eq!((base.conns_in_use(clients), base.conns_in_use(uplinks)), (2, 1));
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened; 2]);
    let indexes = accepted.map(|conn| base.conn(conn).unwrap().index_in_pool());
    assert_eq!(indexes, [Some(0), Some(1)]);
    let uplink = base.conn(uplink).unwrap();
    assert_eq!((uplink.index_in_pool(), uplink.pool()), (Some(0), Some(uplinks)));
}

#[test]
fn each_pool_has_rings_of_its_own_and_no_bytes_of_another() {
    let (mut base, mut app) = (base(), App::default());
    let pools = [Pool::new(2).rings(3, 5), Pool::new(1).rings(1, 7), Pool::new(2).rings(6, 2)];
    let ids = base.add_pools(pools).unwrap();
    let mut conns = Vec::new();
    for (id, pool) in ids.into_iter().zip(pools) {
        let listener = listen(&mut base, id, &SETTINGS);
        conns.extend((0..pool.conns()).map(|_| base.accepted(listener, peer()).unwrap()));
        assert_eq!(base.pool(id), Some(pool));
    }
    passes(&mut base, &mut app);
    // Each ring is filled with a different byte.
    for (byte, conn) in (1..).zip(&conns) {
        let (input, output) = base.conn(*conn).unwrap().ring_sizes();
        assert_eq!(feed(&mut base, *conn, &[byte; 9]), input);
        assert_eq!(base.conn(*conn).unwrap().write_some(&[0x80 | byte; 9]), output);
    }
    for (byte, conn) in (1..).zip(&conns) {
        let (input, output) = base.conn(*conn).unwrap().ring_sizes();
        let mut bytes = [0; 9];
        assert_eq!(base.conn(*conn).unwrap().read(&mut bytes), input);
        assert_eq!(bytes[..input], vec![byte; input]);
        assert_eq!(drain(&mut base, *conn, 9), vec![0x80 | byte; output]);
    }
    let sizes = conns.iter().map(|conn| base.conn(*conn).unwrap().ring_sizes());
    assert_eq!(sizes.collect::<Vec<_>>(), [(3, 5), (3, 5), (1, 7), (6, 2), (6, 2)]);
}

#[test]
fn a_pool_that_does_not_fit_the_storage_is_refused_and_takes_nothing() {
    let mut storage = Box::new(Storage::<App, 1, 3, 20, 1, 2>::new());
    let mut base = EventBase::new(&mut storage);
    let bytes = base.add_pool(Pool::new(3).rings(4, 4));
    assert_eq!(bytes, Err(SetupError::Bytes { left: 20 }));
    assert_eq!(base.add_pool(Pool::new(4).rings(1, 1)), Err(SetupError::Conns { left: 3 }));
    for (input, output) in [(0, 1), (1, 0), (picoevent::memory::MAX_RING + 1, 1)] {
        let refused = base.add_pool(Pool::new(1).rings(input, output));
        assert_eq!(refused, Err(SetupError::RingSize));
    }
    base.add_pool(Pool::new(1).rings(4, 4)).unwrap();
    assert_eq!(base.add_pool(Pool::new(3).rings(1, 1)), Err(SetupError::Conns { left: 2 }));
    assert_eq!(base.add_pool(Pool::new(1).rings(9, 4)), Err(SetupError::Bytes { left: 12 }));
    base.add_pool(Pool::new(2).rings(3, 3)).unwrap();
    assert_eq!(base.add_pool(Pool::new(0)), Err(SetupError::Pools));
}

#[test]
fn every_reason_for_a_refusal_says_what_to_do() {
    let texts = [
        (
            SetupError::Full(FullError::Listeners),
            "the listener table is full: raise LISTENERS of the storage",
        ),
        (SetupError::Pools, "the pool table is full: raise POOLS of the storage (16 at most)"),
        (
            SetupError::Conns { left: 3 },
            "the storage has 3 connections left: raise CONNS of the storage",
        ),
        (SetupError::Bytes { left: 9 }, "the storage has 9 bytes left: raise BYTES of the storage"),
        (
            SetupError::RingSize,
            "a ring must have at least one byte (UdpRings::LEAST for datagrams), and no more than MAX_RING",
        ),
        (SetupError::NoPool, "the base has no such pool: add it first"),
        (SetupError::PoolFull, "all connections of the pool are in use"),
        (SetupError::Room, "the output ring is shorter than the room for an answer"),
        (SetupError::Busy, "the output ring is shorter than the busy text"),
        (
            SetupError::Marks,
            "a low mark is above the high mark or the ring, or a high mark is below the bytes in the ring",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_pool_must_fit_the_protocol_and_belong_to_the_base() {
    static ROOMY: Settings = Settings::new().room(9);
    static WORDY: Settings = Settings::new().busy(b"123456789");
    let (mut base, mut other) = (base(), base());
    let foreign = [(); 2].map(|()| pool(&mut other, 1))[1];
    let pool = pool(&mut base, 1);
    for (settings, error) in [(&ROOMY, SetupError::Room), (&WORDY, SetupError::Busy)] {
        assert_eq!(base.listen_with(peer(), pool, settings, App::record), Err(error));
        assert_eq!(base.connect_with(peer(), pool, settings, App::record), Err(error));
        assert_eq!(base.outgoing_with(pool, settings, App::record), Err(error));
    }
    assert_eq!(base.listen_with(peer(), foreign, &SETTINGS, App::record), Err(SetupError::NoPool));
    assert_eq!(base.connect_with(peer(), foreign, &SETTINGS, App::record), Err(SetupError::NoPool));
    assert_eq!((base.pool(foreign), base.conns_in_use(foreign)), (None, 0));
    assert_eq!((base.counts().conns, base.counts().listeners), (0, 0));
}

#[test]
fn a_rest_pool_gets_every_connection_that_has_a_slot_and_bytes_left() {
    for (bytes, expected) in [(20, 2), (100, 3), (7, 0)] {
        let mut storage = Box::new(Storage::<App, 1, 4, 108, 1, 3>::new());
        let mut base = EventBase::new(&mut storage);
        let first =
            base.add_pool(Pool::new(1).rings(54 - bytes / 2, 54 - bytes.div_ceil(2))).unwrap();
        let rest = base.add_pool(Pool::rest().rings(4, 4)).unwrap();
        assert_eq!(base.pool(rest).unwrap().conns(), expected);
        assert_eq!(base.pool(first).unwrap().conns(), 1);
        let made = std::iter::from_fn(|| base.outgoing_with(rest, &SETTINGS, App::record).ok());
        assert_eq!(made.count(), expected);
    }
}

#[test]
fn sixteen_pools_all_work_and_a_seventeenth_is_refused() {
    let mut storage = Box::new(Storage::<App, 1, 17, 34, 16, 17>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let pools = base.add_pools([Pool::new(1).rings(1, 1); 16]).unwrap();
    assert_eq!(base.add_pool(Pool::new(1).rings(1, 1)), Err(SetupError::Pools));
    let conns = pools.map(|pool| {
        let listener = listen(&mut base, pool, &SETTINGS);
        base.accepted(listener, peer()).unwrap()
    });
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened; 16]);
    for (byte, conn) in (0..).zip(conns) {
        assert_eq!(feed(&mut base, conn, &[byte, byte]), 1);
        assert_eq!(base.conn(conn).unwrap().transfer(conn), Ok(1));
    }
    for ((byte, conn), pool) in (0..).zip(conns).zip(pools) {
        assert_eq!(drain(&mut base, conn, 9), [byte]);
        assert_eq!(base.conn(conn).unwrap().pool(), Some(pool));
        base.conn(conn).unwrap().abort();
    }
    passes(&mut base, &mut app);
    actions(&mut base);
    assert_eq!(base.counts().conns, 0);
    assert!(pools.iter().all(|pool| base.conns_in_use(*pool) == 0));
}

#[test]
fn a_pool_without_connections_refuses_all() {
    let mut base = base();
    let pool = pool(&mut base, 0);
    let listener = listen(&mut base, pool, &SETTINGS);
    assert!(!base.has_room(listener));
    assert_eq!(base.accepted(listener, peer()), Err(AcceptError::Full));
    assert_eq!(base.outgoing_with(pool, &SETTINGS, App::record), Err(SetupError::PoolFull));
}

#[test]
fn a_lingering_connection_is_evicted_for_its_own_pool_only() {
    let (mut base, mut app) = (base(), App::default());
    let pools = [pool(&mut base, 1), pool(&mut base, 1)];
    let listeners = pools.map(|pool| listen(&mut base, pool, &SETTINGS));
    let conns = listeners.map(|listener| base.accepted(listener, peer()).unwrap());
    passes(&mut base, &mut app);
    base.conn(conns[0]).unwrap().close();
    passes(&mut base, &mut app);
    actions(&mut base);
    base.delivered(conns[0]);
    assert!(base.is_lingering(conns[0]));
    assert!(base.has_room(listeners[0]) && !base.has_room(listeners[1]));
}
