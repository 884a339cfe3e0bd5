//! Counts, peaks, and inspecting a base.

use picoevent::{EventFlags, Mode};

#[cfg(feature = "peaks")]
use crate::iterate;
use crate::{App, activate, at, base, ms, timer};

#[cfg(feature = "peaks")]
#[test]
fn counts_and_peaks_size_a_storage() {
    let (mut base, mut app) = (base(), App::default());
    let source = base.new_source().unwrap();
    let event = base.new_event(source, EventFlags::READ, Mode::Persist, App::record).unwrap();
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    base.ready(source, EventFlags::READ);
    let counts = base.counts();
    assert_eq!((counts.added, counts.active, counts.events, counts.sources), (3, 1, 1, 1));
    timer(&mut base, Mode::OneShot, 1);
    base.event(event).unwrap().free();
    let _ = iterate(&mut base, &mut app, 1);
    let counts = base.counts();
    assert_eq!((counts.added, counts.active, counts.events), (0, 0, 1));
    let peaks = base.take_peaks();
    assert_eq!((peaks.added, peaks.active, peaks.events, peaks.sources), (3, 1, 2, 1));
    assert_eq!(base.peaks(), base.counts());
}

#[test]
fn each_pending_or_active_event_is_listed_once() {
    let (mut base, mut app) = (base(), App::default());
    let source = base.new_source().unwrap();
    let event = base.new_event(source, EventFlags::READ, Mode::Persist, App::record).unwrap();
    base.event(event).unwrap().set_user(7).add(Some(ms(5))).unwrap();
    base.event(event).unwrap().activate(EventFlags::WRITE);
    timer(&mut base, Mode::OneShot, 1);
    let active = timer(&mut base, Mode::OneShot, 2);
    activate(&mut base, active);
    let infos: Vec<_> = base.events().collect();
    assert_eq!(infos.iter().map(|info| info.event).collect::<Vec<_>>(), [event, active]);
    assert_eq!(infos[0].pending, EventFlags::READ | EventFlags::TIMEOUT);
    assert_eq!((infos[0].deadline, infos[1].active), (Some(at(5)), EventFlags::READ));
    base.advance(at(2));
    assert_eq!(
        base.dump().to_string(),
        "at 2000 us: 4 added, 2 active\n  \
         event 0.1 user 7 priority 4: pending TIMEOUT|READ, active WRITE, in 3000 us\n  \
         event 2.1 user 2 priority 4: pending NONE, active READ"
    );
    base.dispatch(&mut app);
    assert_eq!(base.events().count(), 1);
}
