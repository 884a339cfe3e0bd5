//! Callbacks that take long: later timers still fire at their own time.

use std::time::Duration;

use crate::world::app::App;
use crate::world::{World, clock};

#[test]
fn a_slow_callback_does_not_make_timers_late() {
    let mut world = World::new();
    assert_eq!(world.now(), 0);
    world.command(|_, cx| {
        cx.after(Duration::from_millis(10), |app: &mut App, _| {
            assert_eq!(clock::now(), 10_000);
            // The callback takes 50 ms.
            clock::set(60_000);
            app.seen.borrow_mut().signals += 1;
        })
        .expect("there is room");
        cx.after(Duration::from_millis(70), |app: &mut App, event| {
            assert_eq!((clock::now(), event.now().as_micros()), (70_000, 70_000));
            app.seen.borrow_mut().signals += 1;
        })
        .expect("there is room");
    });
    let before = world.seen.borrow().signals;
    world.pass(Duration::from_millis(100));
    assert_eq!(world.seen.borrow().signals, before + 2);
}
