//! Tables of the smallest and largest sizes: every slot can be used, and a further object is refused.

use std::time::Duration;

use picoevent::memory::{ConnSlot, EventSlot, Memory, PoolSlot, TimerSlot};
use picoevent::{Event, EventBase, EventFlags, EventMut, FullError, Instant, Mode, Pool, Settings};

/// The data words of the events whose callbacks ran.
#[derive(Default)]
struct App(Vec<u32>);

impl App {
    fn record(&mut self, event: &mut EventMut<Self>) {
        self.0.push(event.user());
    }
}

/// Fills the table with events of different deadlines. The event that is made last has the earliest deadline.
fn every_slot_fires_in_order(count: usize, slots: usize) {
    let mut events: Vec<EventSlot<App>> =
        std::iter::repeat_with(EventSlot::new).take(count).collect();
    let mut event_timers = vec![TimerSlot::new(); count];
    let (events, event_timers) = (&mut events[..], &mut event_timers[..]);
    let mut base = EventBase::over(Memory { events, event_timers, ..Memory::default() });
    let mut app = App::default();
    let mut last = None;
    for number in 0..slots as u32 {
        let event = base.new_timer(Mode::OneShot, App::record).unwrap();
        let mut verbs = base.event(event).unwrap();
        verbs.set_user(number);
        verbs.add(Some(Duration::from_micros(u64::from(slots as u32 - number)))).unwrap();
        last = Some(event);
    }
    assert_eq!(base.new_timer(Mode::OneShot, App::record), Err(FullError::Events));
    let last = last.unwrap();
    assert_eq!((last.index(), base.counts().added), (slots - 1, slots));
    assert_eq!(base.deadline(), Some(Instant::from_micros(1)), "the last made is due first");

    base.event(last).unwrap().del();
    base.event(last).unwrap().activate(EventFlags::READ);
    base.dispatch(&mut app);
    assert_eq!(std::mem::take(&mut app.0), [slots as u32 - 1], "the last slot can be named");
    base.advance(Instant::from_micros(slots as u64));
    base.dispatch(&mut app);
    assert!(app.0.iter().copied().eq((0..slots as u32 - 1).rev()), "by their deadlines");
    assert_eq!((base.counts().added, base.deadline()), (0, None));

    base.event(last).unwrap().free();
    assert!(base.event(last).is_err(), "its handle is stale");
    assert_eq!(base.new_timer(Mode::OneShot, App::record).map(Event::index), Ok(slots - 1));
}

#[test]
fn sixteen_slots_are_all_used() {
    every_slot_fires_in_order(16, 16);
}

#[test]
fn the_most_slots_that_handles_allow_are_all_used() {
    // Slots beyond the limit are not used.
    every_slot_fires_in_order(65_536, 65_535);
}

/// Makes outgoing connections until the pool is full. Returns the number of connections.
fn conns_made(memory: Memory<App>, rings: usize) -> usize {
    static SETTINGS: Settings = Settings::new();
    let mut base = EventBase::over(memory);
    let pool = base.add_pool(Pool::rest().rings(rings, rings)).unwrap();
    let count = std::iter::from_fn(|| base.outgoing_with(pool, &SETTINGS, |_, _, _| ()).ok());
    let count = count.count();
    assert_eq!(base.pool(pool).map(|pool| pool.conns()), Some(count));
    count
}

#[test]
fn all_tables_together_have_65535_slots() {
    let conns = 100;
    let mut events: Vec<EventSlot<App>> =
        std::iter::repeat_with(EventSlot::new).take(65_500).collect();
    let mut slots: Vec<ConnSlot<App>> = std::iter::repeat_with(ConnSlot::new).take(conns).collect();
    let (mut event_timers, mut conn_timers) =
        (vec![TimerSlot::new(); 65_500], vec![TimerSlot::new(); conns]);
    let (mut bytes, mut pools) = (vec![0; 2 * conns], [PoolSlot::new()]);
    let memory = Memory {
        events: &mut events,
        event_timers: &mut event_timers,
        conns: &mut slots,
        conn_timers: &mut conn_timers,
        bytes: &mut bytes,
        pools: &mut pools,
        ..Memory::default()
    };
    assert_eq!(conns_made(memory, 1), 35);
}

#[test]
fn only_connections_that_have_rings_and_a_timer_slot_are_used() {
    for (timers, rings, expected) in [(3, 2, 2), (2, 3, 2), (3, 3, 3), (0, 3, 0)] {
        let mut slots: Vec<ConnSlot<App>> = std::iter::repeat_with(ConnSlot::new).take(4).collect();
        let (mut conn_timers, mut bytes) =
            (vec![TimerSlot::new(); timers], vec![0; 16 * rings + 15]);
        let memory = Memory {
            conns: &mut slots,
            conn_timers: &mut conn_timers,
            bytes: &mut bytes,
            pools: &mut [PoolSlot::new()],
            ..Memory::default()
        };
        assert_eq!(conns_made(memory, 8), expected);
    }
}
