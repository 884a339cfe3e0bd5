//! Tables of the smallest and of the largest sizes: every slot works, and the one that is too many
//! is refused.

use std::time::Duration;

use picoevent::{Cx, Event, EventBase, Full, Instant, Mode, Storage, What};

/// Whose callbacks ran, by the word of each event.
#[derive(Default)]
struct App(Vec<u32>);

impl App {
    fn note(&mut self, cx: &mut Cx<Self>, event: Event, _: What) {
        self.0.push(cx.event(event).map_or(u32::MAX, |event| event.user()));
    }
}

/// Fills the table, each event with a deadline of its own, the last made first.
fn every_slot_fires_in_order<const EVENTS: usize>(slots: usize) {
    let mut storage = Box::new(Storage::<App, EVENTS, 1, 16, 16>::new());
    let mut base = EventBase::new(&mut storage);
    let mut app = App::default();
    let mut last = None;
    for number in 0..slots as u32 {
        let event = base.new_timer(Mode::OneShot, App::note).unwrap();
        let mut verbs = base.event(event).unwrap();
        verbs.set_user(number);
        verbs.add(Some(Duration::from_micros(u64::from(slots as u32 - number)))).unwrap();
        last = Some(event);
    }
    assert_eq!(base.new_timer(Mode::OneShot, App::note), Err(Full::Events));
    let last = last.unwrap();
    assert_eq!((last.index(), base.counts().added), (slots - 1, slots));
    assert_eq!(base.deadline(), Some(Instant::from_micros(1)), "the last made is due first");

    base.event(last).unwrap().del();
    base.event(last).unwrap().activate(What::READ);
    base.dispatch(&mut app);
    assert_eq!(std::mem::take(&mut app.0), [slots as u32 - 1], "the last slot can be named");
    base.advance(Instant::from_micros(slots as u64));
    base.dispatch(&mut app);
    assert!(app.0.iter().copied().eq((0..slots as u32 - 1).rev()), "by their deadlines");
    assert_eq!((base.counts().added, base.deadline()), (0, None));

    base.event(last).unwrap().free();
    assert!(base.event(last).is_err(), "its handle is stale");
    assert_eq!(base.new_timer(Mode::OneShot, App::note).map(Event::index), Ok(slots - 1));
}

#[test]
fn sixteen_slots_are_all_used() {
    every_slot_fires_in_order::<16>(16);
}

/// With more stack than a test has: a storage is made there before it moves into its box.
#[test]
fn as_many_slots_as_a_handle_can_name_are_all_used() {
    let work = std::thread::Builder::new().stack_size(256 << 20);
    // What goes beyond is not used.
    work.spawn(|| every_slot_fires_in_order::<65_536>(65_535)).unwrap().join().unwrap();
}
