//! Storage on the heap: as large as was asked for, made on a small stack, refused where it is of no use.

use std::error::Error;
use std::iter;
use std::net::SocketAddr;
use std::thread;

use picoevent::memory::{MAX_RING, MAX_SLOTS};
use picoevent::{Conn, Direction, EventBase, Full, Mode, WriteError};
use picoevent_mio::{Capacities, CapacityError, HeapStorage};

/// Nothing: no callback is ever called here.
struct App;

const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7);

/// Makes connections until there is no room for one more.
fn fill(base: &mut EventBase<'_, App>) -> Vec<Conn> {
    let conns = iter::from_fn(|| base.connect(PEER).ok()).collect();
    assert_eq!(base.connect(PEER), Err(Full::Conns));
    conns
}

#[test]
fn sixty_five_thousand_connections_are_made_on_a_small_stack() {
    let small = thread::Builder::new().stack_size(64 << 10);
    let made = small.spawn(|| {
        let capacities =
            Capacities { conns: 65_000, input: 4096, output: 4096, ..Capacities::default() };
        let mut storage = HeapStorage::<App>::new(capacities)?;
        let mut base = EventBase::over(storage.memory());
        let conns = fill(&mut base);
        let last = *conns.last().ok_or("there is no connection")?;
        base.conn(last)?.write(&[0; 4096])?;
        Ok::<_, Box<dyn Error + Send + Sync>>(conns.len())
    });
    assert_eq!(made.unwrap().join().unwrap().unwrap(), 65_000);
}

#[test]
fn each_kind_has_the_capacity_that_was_asked_for() {
    let capacities =
        Capacities { events: 3, conns: 5, input: 70, output: 90, listeners: 2, sources: 4 };
    let mut storage = HeapStorage::<App>::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());

    let events = iter::from_fn(|| base.new_timer(Mode::OneShot, |_, _, _, _| {}).ok()).count();
    let listeners = iter::from_fn(|| base.listen(PEER, |_, _, _| {}).ok()).count();
    let sources = iter::from_fn(|| base.new_source().ok()).count();
    assert_eq!((events, listeners, sources), (3, 2, 4));

    let conns = fill(&mut base);
    assert_eq!(conns.len(), 5);
    for conn in conns {
        base.connected(conn);
        base.conn(conn).unwrap().enable(Direction::Read);
        let (first, second) = base.input(conn).unwrap();
        assert_eq!(first.len() + second.len(), 70);
        let mut conn = base.conn(conn).unwrap();
        assert_eq!(conn.write(&[0; 91]), Err(WriteError::Full { room: 90 }));
        assert_eq!(conn.write(&[0; 90]), Ok(()));
    }
}

#[test]
fn what_is_not_named_is_as_in_a_storage() {
    let capacities = Capacities { events: 1, conns: 1, ..Capacities::default() };
    let mut storage = HeapStorage::<App>::new(capacities).unwrap();
    let memory = storage.memory();
    let mut named = picoevent::Storage::<App, 1, 1>::new();
    let expected = picoevent::memory::Memory::from(&mut named);
    assert_eq!((memory.input_len, memory.output_len), (expected.input_len, expected.output_len));
    assert_eq!((memory.input.len(), memory.output.len()), (512, 512));
    assert_eq!(memory.listeners.len(), expected.listeners.len());
    assert_eq!(memory.sources.len(), expected.sources.len());
}

#[test]
fn a_second_base_on_the_same_memory_does_not_know_the_firsts_handles() {
    let capacities = Capacities { conns: 2, ..Capacities::default() };
    let mut storage = HeapStorage::<App>::new(capacities).unwrap();
    let before = fill(&mut EventBase::over(storage.memory()));
    let mut base = EventBase::over(storage.memory());
    assert_eq!(fill(&mut base).len(), 2);
    assert!(before.into_iter().all(|conn| base.conn(conn).is_err()));
}

#[track_caller]
fn assert_refused(capacities: Capacities, error: CapacityError, said: &str) {
    let refused = HeapStorage::<App>::new(capacities).err();
    assert_eq!(refused, Some(error));
    assert_eq!(error.to_string(), said);
}

#[test]
fn connections_without_room_are_refused() {
    let one = Capacities { conns: 1, ..Capacities::default() };
    let said = "a connection needs room for input: raise `input`";
    assert_refused(Capacities { input: 0, ..one }, CapacityError::NoInput, said);
    assert_refused(Capacities { input: 0, output: 0, ..one }, CapacityError::NoInput, said);
    let said = "a connection needs room for output: raise `output`";
    assert_refused(Capacities { output: 0, ..one }, CapacityError::NoOutput, said);
}

#[test]
fn rings_of_no_connection_may_have_any_size() {
    for size in [0, 1, usize::MAX] {
        let capacities = Capacities { input: size, output: size, ..Capacities::default() };
        let mut storage = HeapStorage::<App>::new(capacities).unwrap();
        assert!(fill(&mut EventBase::over(storage.memory())).is_empty());
    }
}

#[test]
fn rings_that_are_too_long_are_refused() {
    let longest = MAX_RING.min(isize::MAX as usize);
    let error = CapacityError::RingTooLong { longest };
    let said = format!("a ring can have {longest} bytes: lower `input`, `output` or `conns`");
    for length in [longest + 1, usize::MAX] {
        let one = Capacities { conns: 1, ..Capacities::default() };
        assert_refused(Capacities { input: length, ..one }, error, &said);
        assert_refused(Capacities { output: length, ..one }, error, &said);
    }
}

#[test]
fn more_slots_than_handles_can_name_are_refused() {
    let slots = |capacities: Capacities| {
        let Capacities { events, conns, listeners, sources, .. } = capacities;
        [events, conns, listeners, sources].into_iter().fold(0, usize::saturating_add)
    };
    let none = Capacities { listeners: 0, ..Capacities::default() };
    let all = MAX_SLOTS;
    for capacities in [
        Capacities { events: all + 1, ..none },
        Capacities { conns: all, listeners: 1, ..none },
        Capacities { listeners: all, sources: 1, ..none },
        Capacities { events: 1, sources: usize::MAX, ..none },
    ] {
        let slots = slots(capacities);
        let said =
            format!("{slots} events, connections, listeners and sources are more than 65535");
        assert_refused(capacities, CapacityError::TooManySlots(slots), &said);
    }
    assert!(HeapStorage::<App>::new(Capacities { events: all, ..none }).is_ok());
}
