//! Triggers, raised by other threads.

use std::thread;

use picoevent::{EventMut, Signal, Trigger};

use crate::support::run;

#[derive(Default)]
struct App {
    raises: u32,
}

#[test]
fn all_raises_of_many_threads_count_and_wake_the_loop() {
    static TRIGGER: Trigger = Trigger::new(Signal::QUIT);
    const RAISES: u32 = 2_000;
    let mut app = App::default();
    let mut threads = Vec::new();
    run::<1, _>(&mut app, |live, base, _| {
        live.add_trigger(&TRIGGER);
        let count = |app: &mut App, event: &mut EventMut<App>| {
            app.raises += 1;
            if app.raises == 4 * RAISES {
                event.exit();
            }
        };
        // The application cannot distinguish the signal of a trigger from a signal of the system.
        base.on_signal(Signal::QUIT, count).unwrap();
        for _ in 0..4 {
            threads.push(thread::spawn(|| (0..RAISES).for_each(|_| TRIGGER.raise())));
        }
    });
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(app.raises, 4 * RAISES);
}

#[test]
fn a_raise_before_the_loop_is_not_lost() {
    static TRIGGER: Trigger = Trigger::new(Signal::INT);
    let mut app = App::default();
    TRIGGER.raise();
    run::<1, _>(&mut app, |live, base, _| {
        live.add_trigger(&TRIGGER);
        let exit = |app: &mut App, event: &mut EventMut<App>| {
            app.raises += 1;
            event.exit();
        };
        base.on_signal(Signal::INT, exit).unwrap();
    });
    assert_eq!(app.raises, 1);
}
