//! Common timeouts.

use picoevent::{AddError, EventBase, Full, Mode, Storage, What};

use crate::{App, at, ms, storage, timer, turn};

#[test]
fn common_timeouts_come_due_like_others() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let five = base.common_timeout(ms(5)).unwrap();
    assert_eq!(base.common_timeout(ms(5)), Ok(five), "one list for one duration");
    base.common_timeout(ms(9)).unwrap();
    assert_eq!(base.common_timeout(ms(7)), Err(Full::CommonTimeouts));
    let events: Vec<_> = (0..6).map(|user| timer(&mut base, Mode::OneShot, user)).collect();
    for (place, event) in events.iter().enumerate() {
        let mut event = base.event(*event).unwrap();
        match place {
            1 | 4 => event.add(Some(ms(5))).unwrap(),
            _ => event.add_common(five).unwrap(),
        }
    }
    base.event(events[2]).unwrap().del();
    base.event(events[0]).unwrap().add_common(five).unwrap();
    base.event(events[3]).unwrap().remove_timeout();
    assert_eq!(base.event(events[5]).unwrap().remaining(), Some(ms(5)));
    assert_eq!(base.event(events[5]).unwrap().pending(), What::TIMEOUT);
    let _ = turn(&mut base, &mut app, 4);
    assert_eq!((app.take(), base.deadline()), (vec![], Some(at(5))));
    let _ = turn(&mut base, &mut app, 5);
    assert_eq!(app.take(), [1, 4, 5, 0], "equal deadlines in the order they were armed");
    assert_eq!(base.counts().added, 0);
}

#[test]
fn an_event_moves_between_its_own_timeout_and_a_common_one() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let five = base.common_timeout(ms(5)).unwrap();
    let event = timer(&mut base, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(2))).unwrap();
    base.event(event).unwrap().add_common(five).unwrap();
    assert_eq!((base.deadline(), base.counts().added), (Some(at(5)), 1));
    base.event(event).unwrap().add(Some(ms(3))).unwrap();
    assert_eq!((base.deadline(), base.counts().added), (Some(at(3)), 1));
    base.event(event).unwrap().add_common(five).unwrap();
    for now in 1..=16 {
        let _ = turn(&mut base, &mut app, now);
    }
    assert_eq!(app.take().len(), 3, "it keeps the beat of the common one");
    base.event(event).unwrap().free();
    assert_eq!((base.deadline(), base.counts().events), (None, 0));
}

#[test]
fn a_beat_on_a_common_list_goes_where_its_deadline_belongs() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let five = base.common_timeout(ms(5)).unwrap();
    let (beat, late) = (timer(&mut base, Mode::Persist, 1), timer(&mut base, Mode::OneShot, 2));
    base.event(beat).unwrap().add_common(five).unwrap();
    // The loop is late: the beat of 10 is set at 8, when the other is begun for 13.
    app.events.push(late);
    base.advance(at(8));
    base.event(late).unwrap().add_common(five).unwrap();
    let _ = turn(&mut base, &mut app, 8);
    assert_eq!((app.take(), base.deadline()), (vec![1], Some(at(10))));
    let _ = turn(&mut base, &mut app, 10);
    let _ = turn(&mut base, &mut app, 13);
    assert_eq!(app.take(), [1, 2]);
}

#[test]
fn a_common_timeout_of_another_base_is_refused() {
    let (mut storage, mut other) = (storage(), Box::new(Storage::<App, 1, 1, 8, 8, 1, 1>::new()));
    let mut base = EventBase::new(&mut storage);
    base.common_timeout(ms(1)).unwrap();
    let foreign = base.common_timeout(ms(2)).unwrap();
    let mut base = EventBase::new(&mut other);
    let event = timer(&mut base, Mode::OneShot, 1);
    let added = base.event(event).unwrap().add_common(foreign);
    assert_eq!((added, base.counts().added), (Err(AddError::UnknownTimeout), 0));
}
