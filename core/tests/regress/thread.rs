//! Other contexts can do only one thing with a loop: raise signals.

use picoevent::{End, EventFlags, EventMut, Mode, Run, Signal};

use crate::script::app::timer;
use crate::script::{App, at, begin, ms, storage};

/// A loop without events keeps running. Another context raises a signal at 100, 200, 450 and 500 ms. The signal's
/// callback activates events, adds a timer, and ends the loop at 500 ms. In libevent's test, the other thread calls the
/// functions of the base directly.
#[test]
fn no_events() {
    fn raised(app: &mut App, event: &mut EventMut<App>) {
        app.count += 1;
        let other = |index: usize| app.events[index];
        match app.count {
            1 => event.event(other(0)).unwrap().activate(EventFlags::READ),
            2 => {
                event.event(other(1)).unwrap().activate(EventFlags::READ);
                event.event(other(2)).unwrap().add(Some(ms(200))).unwrap();
            }
            3 => event.event(other(3)).unwrap().activate(EventFlags::READ),
            _ => {
                event.event(other(4)).unwrap().activate(EventFlags::READ);
                event.after(ms(0), |_, event| event.loop_break()).unwrap();
            }
        }
    }
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    app.events = (0..5).map(|user| timer(&mut base, Mode::OneShot, user, App::record)).collect();
    // Before the first signal, the only pending event is the event that waits for this signal.
    base.on_signal(Signal::USR1, raised).unwrap();
    for millis in [100, 200, 450, 500] {
        script.world.borrow_mut().at(millis, |world| world.raise(Signal::USR1, 1));
    }
    assert_eq!(script.run(&mut base, &mut app, Run::NO_EXIT_ON_EMPTY), End::Break);
    assert!(base.got_break());
    assert_eq!((app.users(), app.millis()), (vec![0, 1, 2, 3, 4], vec![100, 200, 400, 450, 500]));
    assert_eq!(base.now(), at(500));
}
