//! The application's state for each connection of a pool.

use picoevent::{Conn, ConnMap, EventBase};

use crate::{App, SETTINGS, actions, base, connect, listen, passes, peer, pool};

fn has_none<const N: usize>(map: &mut ConnMap<u32, N>, conn: Conn) -> bool {
    map.get(conn).is_none() && map.get_mut(conn).is_none() && map.remove(conn).is_none()
}

#[test]
fn each_connection_has_a_state_of_its_own_until_it_is_removed() {
    let (mut base, mut app) = (base(), App::default());
    // Another pool is added first. So the index of a connection in its pool differs from its index in the storage.
    pool(&mut base, 2);
    let pool = pool(&mut base, 3);
    let conns = [(); 3].map(|()| connect(&mut base, pool));
    let mut map = ConnMap::<u32, 3>::default();
    assert!(has_none(&mut map, conns[0]));
    for (number, conn) in (1..).zip(conns) {
        *map.of(&base.conn(conn).unwrap()).unwrap() += number;
        *map.of(&base.conn(conn).unwrap()).unwrap() *= 10;
    }
    assert_eq!(conns.map(|conn| map.get(conn).copied()), [Some(10), Some(20), Some(30)]);
    *map.get_mut(conns[1]).unwrap() += 1;
    let all: Vec<_> = map.iter().map(|(conn, state)| (conn, *state)).collect();
    assert_eq!(all, [(conns[0], 10), (conns[1], 21), (conns[2], 30)]);
    assert_eq!(
        (map.remove(conns[1]), map.remove(conns[1]), map.iter().count()),
        (Some(21), None, 2)
    );
    let made = map.of_or(&base.conn(conns[1]).unwrap(), || 7).copied();
    assert_eq!(made, Some(7), "it is made anew");
    passes(&mut base, &mut app);
}

#[test]
fn a_connection_of_another_pool_or_beyond_the_map_has_no_state() {
    let mut base = base();
    let pools = [pool(&mut base, 1), pool(&mut base, 3), pool(&mut base, 1)];
    let [before, first, second, third, behind] =
        [0, 1, 1, 1, 2].map(|at| connect(&mut base, pools[at]));
    let mut map = ConnMap::<u32, 2>::new();
    assert!(map.of(&base.conn(second).unwrap()).is_some());
    assert!(map.of(&base.conn(first).unwrap()).is_some());
    for conn in [before, third, behind] {
        assert_eq!(map.of(&base.conn(conn).unwrap()), None);
        assert!(has_none(&mut map, conn));
    }
    assert_eq!(map.iter().count(), 2);
}

#[test]
fn the_next_connection_in_a_slot_does_not_get_the_state_of_the_last() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let listener = listen(&mut base, pool, &SETTINGS);
    let mut map = ConnMap::<u32, 1>::new();
    let mut last = None;
    for round in 1..4 {
        let conn = base.accepted(listener, peer()).unwrap();
        passes(&mut base, &mut app);
        assert_eq!(map.get(conn), None, "the state of the last one is not its own");
        let state = map.of(&base.conn(conn).unwrap()).unwrap();
        assert_eq!(std::mem::replace(state, round), 0);
        if let Some(last) = last.replace(conn) {
            assert!(has_none(&mut map, last));
        }
        assert_eq!(map.get(conn), Some(&round));
        base.conn(conn).unwrap().abort();
        assert_eq!(map.get(conn), Some(&round), "until it is removed or replaced");
        passes(&mut base, &mut app);
        actions(&mut base);
    }
}

#[test]
fn the_state_is_there_in_the_callback_for_the_end_and_for_the_next_connect() {
    struct Sessions(ConnMap<u32, 1>, Vec<u32>);
    let mut storage = picoevent::Storage::<Sessions, 0, 1, 2>::new();
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(picoevent::Pool::rest().rings(1, 1)).unwrap();
    let conn = base.connect_with(peer(), pool, &SETTINGS, |app: &mut Sessions, conn, event| {
        *app.0.of(conn).unwrap() += 1;
        if let picoevent::ConnEvent::Ended(_) = event {
            app.1.push(*app.0.get(conn.id()).unwrap());
            conn.connect(peer()).unwrap();
        }
    });
    let (conn, mut app) = (conn.unwrap(), Sessions(ConnMap::new(), Vec::new()));
    for _ in 0..3 {
        while base.next_action().is_some() {}
        base.connected(conn);
        base.dispatch(&mut app);
        base.failed(conn, picoevent::ConnError::Reset);
        base.dispatch(&mut app);
        base.advance(base.now().after(crate::ms(1)));
        while base.next_action().is_some() {}
        base.dispatch(&mut app);
    }
    assert_eq!(app.1, [2, 4, 6]);
}
