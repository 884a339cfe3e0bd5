//! The heap of deadlines, tested through the public API.
//!
//! libevent tests its heap only with this test. Here the unit tests in `src/timers` also compare the heap with a sorted
//! map.

use std::time::Duration;

use picoevent::{EventFlags, Instant, Mode, Run};

use crate::script::app::timer;
use crate::script::{App, TestStorage, begin};

/// Makes 1,024 timers with random deadlines, and deletes one half of them. The other half must become due in the order
/// of the deadlines.
#[test]
fn randomized() {
    let mut storage = Box::new(TestStorage::<1024>::new());
    let (mut base, mut script, mut app) = begin(&mut storage);
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut expected = Vec::new();
    for user in 0..1024 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let delay = Duration::from_micros(random % 1_000_000);
        let event = timer(&mut base, Mode::OneShot, user, App::record);
        base.event(event).unwrap().add(Some(delay)).unwrap();
        app.events.push(event);
        if user % 2 == 1 {
            expected.push((Instant::ZERO.after(delay), user));
        }
    }
    for event in app.events.iter().step_by(2) {
        base.event(*event).unwrap().del();
        assert_eq!(base.event(*event).unwrap().pending(), EventFlags::NONE);
    }
    expected.sort();
    script.run(&mut base, &mut app, Run::DEFAULT);
    let fired: Vec<_> = app.calls.iter().map(|call| (call.at, call.user)).collect();
    assert_eq!(fired, expected);
}
