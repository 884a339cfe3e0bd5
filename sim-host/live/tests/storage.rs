//! Storage on the heap: its size, its construction on a small stack, and capacities that are
//! refused.

use std::error::Error;
use std::iter;
use std::net::SocketAddr;
use std::thread;

use picoevent::memory::{MAX_RING, MAX_SLOTS, Memory};
use picoevent::{
    Conn, ConnEvent, ConnMut, EventBase, Mode, Pool, PoolId, Settings, SetupError, WriteError,
};
use picoevent_mio::{Capacities, CapacityError, HeapStorage};

/// The application. It has no state, because these tests call no callback.
struct App;

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7);
const PLAIN: &Settings = &Settings::new();

fn ignore(_: &mut App, _: &mut ConnMut<App>, _: ConnEvent) {}

/// Makes connections until the pool has no room for another connection.
fn fill(base: &mut EventBase<'_, App>, pool: PoolId) -> Vec<Conn> {
    let conns = iter::from_fn(|| base.connect_with(PEER, pool, PLAIN, ignore).ok()).collect();
    assert_eq!(base.connect_with(PEER, pool, PLAIN, ignore), Err(SetupError::PoolFull));
    conns
}

#[test]
fn sixty_five_thousand_connections_are_made_on_a_small_stack() {
    let small = thread::Builder::new().stack_size(64 << 10);
    let made = small.spawn(|| {
        let pool = Pool::new(65_000).rings(4096, 4096);
        let mut storage = HeapStorage::<App>::new(Capacities::of(&[pool]))?;
        let mut base = EventBase::over(storage.memory());
        let pool = base.add_pool(pool)?;
        let conns = fill(&mut base, pool);
        let last = *conns.last().ok_or("there is no connection")?;
        base.conn(last)?.write(&[0; 4096])?;
        Ok::<_, Box<dyn Error + Send + Sync>>(conns.len())
    });
    assert_eq!(made.unwrap().join().unwrap().unwrap(), 65_000);
}

#[test]
fn each_kind_has_the_requested_capacity() {
    let pools = [Pool::new(5).rings(70, 90), Pool::new(1).rings(10, 20).spare(1)];
    let capacities = Capacities { events: 3, sources: 4, ..Capacities::of(&pools) };
    let mut storage = HeapStorage::<App>::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let [pool, other] = base.add_pools(pools).unwrap();
    assert_eq!(base.add_pool(Pool::new(0)), Err(SetupError::Pools));

    let events = iter::from_fn(|| base.new_timer(Mode::OneShot, |_, _| {}).ok()).count();
    let listeners = iter::from_fn(|| base.listen_with(PEER, pool, PLAIN, ignore).ok()).count();
    let sources = iter::from_fn(|| base.new_source().ok()).count();
    assert_eq!((events, listeners, sources), (3, 2, 4));

    for (pool, conns, input, output) in [(pool, 5, 70, 90), (other, 1, 10, 20)] {
        let made = fill(&mut base, pool);
        assert_eq!(made.len(), conns);
        for conn in made {
            base.connected(conn);
            let (first, second) = base.input(conn).unwrap();
            assert_eq!(first.len() + second.len(), input);
            let mut conn = base.conn(conn).unwrap();
            let too_long = Err(WriteError::TooLong { size: output });
            assert_eq!(conn.write(&vec![0; output + 1]), too_long);
            assert_eq!(conn.write(&vec![0; output]), Ok(()));
        }
    }
}

#[test]
fn unnamed_capacities_are_those_of_a_storage() {
    let capacities = Capacities { events: 1, conns: 1, bytes: 9, ..Capacities::default() };
    let mut storage = HeapStorage::<App>::new(capacities).unwrap();
    let memory = storage.memory();
    let mut named = picoevent::Storage::<App, 1, 1, 9>::new();
    let expected = Memory::from(&mut named);
    let lengths = |memory: &Memory<'_, App>| {
        let Memory { events, event_timers, conns, conn_timers, bytes, pools, .. } = memory;
        let Memory { listeners, sources, udp, .. } = memory;
        let heaps = (event_timers.len(), conn_timers.len());
        let rest = (bytes.len(), pools.len(), listeners.len(), sources.len(), udp.len());
        (events.len(), conns.len(), heaps, rest)
    };
    assert_eq!(lengths(&memory), lengths(&expected));
}

#[test]
fn handles_of_a_base_are_invalid_for_the_next_base_on_its_memory() {
    let pool = Pool::new(2);
    let mut storage = HeapStorage::<App>::new(Capacities::of(&[pool])).unwrap();
    let mut first = EventBase::over(storage.memory());
    let in_first = first.add_pool(pool).unwrap();
    let before = fill(&mut first, in_first);
    let mut base = EventBase::over(storage.memory());
    // The identifier of a pool of the first base is not valid for the second base.
    assert_eq!(base.connect_with(PEER, in_first, PLAIN, ignore), Err(SetupError::NoPool));
    let pool = base.add_pool(pool).unwrap();
    assert_eq!(fill(&mut base, pool).len(), 2);
    assert!(before.into_iter().all(|conn| base.conn(conn).is_err()));
}

#[track_caller]
fn assert_refused(capacities: Capacities, error: CapacityError, message: &str) {
    let refused = HeapStorage::<App>::new(capacities).err();
    assert_eq!(refused, Some(error));
    assert_eq!(error.to_string(), message);
}

/// Makes a storage with the capacities that `pool` needs, but with at most 1 MiB for rings. Adds the pool to a base on
/// this storage, and returns the result.
fn pool_of(pool: Pool) -> Result<PoolId, SetupError> {
    let all = Capacities::of(&[pool]);
    let capacities = Capacities { bytes: all.bytes.min(1 << 20), ..all };
    let mut storage = HeapStorage::<App>::new(capacities).unwrap();
    EventBase::over(storage.memory()).add_pool(pool)
}

#[test]
fn connections_with_empty_rings_are_refused() {
    for pool in [Pool::new(1).rings(0, 1), Pool::new(1).rings(0, 0), Pool::new(1).rings(1, 0)] {
        assert_eq!(pool_of(pool), Err(SetupError::RingSize));
    }
    assert!(pool_of(Pool::new(1).rings(1, 1)).is_ok());
}

#[test]
fn rings_of_no_connection_may_have_any_size() {
    for size in [1, 1024, MAX_RING] {
        let pool = Pool::new(0).rings(size, size);
        assert_eq!(Capacities::of(&[pool]).bytes, 0);
        let mut storage = HeapStorage::<App>::new(Capacities::of(&[pool])).unwrap();
        let mut base = EventBase::over(storage.memory());
        let pool = base.add_pool(pool).unwrap();
        assert!(fill(&mut base, pool).is_empty());
    }
}

#[test]
fn rings_that_are_too_long_are_refused() {
    if let Some(length) = MAX_RING.checked_add(1) {
        assert_eq!(pool_of(Pool::new(1).rings(length, 1)), Err(SetupError::RingSize));
        assert_eq!(pool_of(Pool::new(1).rings(1, length)), Err(SetupError::RingSize));
    }
    for bytes in [isize::MAX as usize + 1, usize::MAX] {
        let message = format!("{bytes} bytes are more than can be allocated");
        let capacities = Capacities { bytes, ..Capacities::default() };
        assert_refused(capacities, CapacityError::TooManyBytes(bytes), &message);
    }
}

#[test]
fn more_pools_than_a_base_can_have_are_refused() {
    let pools = [Pool::new(1).rings(1, 1); Pool::MOST];
    let all = Capacities::of(&pools);
    let mut storage = HeapStorage::<App>::new(all).unwrap();
    assert!(EventBase::over(storage.memory()).add_pools(pools).is_ok());
    let capacities = Capacities { pools: Pool::MOST + 1, ..all };
    assert_refused(capacities, CapacityError::TooManyPools(17), "17 pools are more than 16");
}

#[test]
fn more_slots_than_handles_can_address_are_refused() {
    let slots = |capacities: Capacities| {
        let Capacities { events, conns, listeners, sources, udp, .. } = capacities;
        [events, conns, listeners, sources, udp].into_iter().fold(0, usize::saturating_add)
    };
    let none = Capacities { listeners: 0, ..Capacities::default() };
    let all = MAX_SLOTS;
    for capacities in [
        Capacities { events: all + 1, ..none },
        Capacities { conns: all, listeners: 1, ..none },
        Capacities { listeners: all, sources: 1, ..none },
        Capacities { events: 1, sources: usize::MAX, ..none },
        Capacities { sources: all, udp: 1, ..none },
    ] {
        let slots = slots(capacities);
        let message = format!(
            "{slots} events, connections, listeners, sources and UDP sockets are more than 65535"
        );
        assert_refused(capacities, CapacityError::TooManySlots(slots), &message);
    }
    assert!(HeapStorage::<App>::new(Capacities { events: all, ..none }).is_ok());
}
