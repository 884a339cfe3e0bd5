//! Time and triggers: timers fire when they are due, and raises are never slept through.

use std::time::Duration;

use picoevent::{EventFlags, EventMut};

use crate::world::app::App;
use crate::world::{PORT, World};

#[test]
fn a_timer_fires_at_its_time_and_not_before() {
    let mut world = World::new();
    world.pass(Duration::from_micros(123));
    world.command(|_, cx| {
        cx.after(Duration::from_micros(1500), App::commanded).expect("there is room")
    });
    let before = world.seen.borrow().signals;
    world.pass(Duration::from_micros(1499));
    assert_eq!(world.seen.borrow().signals, before);
    world.pass(Duration::from_micros(1));
    assert_eq!(world.seen.borrow().signals, before + 1);
}

#[test]
fn callbacks_see_the_time_at_which_they_are_due() {
    let mut world = World::new();
    world.pass(Duration::from_secs(7));
    world
        .command(|_, cx| {
            assert_eq!(cx.now().as_micros(), 7_000_000);
            cx.after(Duration::from_micros(250), |_, event| {
                assert_eq!(event.now().as_micros(), 7_000_250);
                event.exit();
            })
        })
        .expect("there is room");
    world.pass(Duration::from_secs(1));
    assert!(world.device.output.is_some());
}

#[test]
fn a_periodic_timer_does_not_drift() {
    let mut world = World::new();
    let before = world.seen.borrow().signals;
    world.command(|_, cx| {
        cx.every(Duration::from_millis(10), App::commanded).expect("there is room")
    });
    let commanded = 1;
    world.pass(Duration::from_secs(10));
    assert_eq!(world.seen.borrow().signals, before + commanded + 1000);
}

#[test]
fn the_earlier_of_two_timers_wakes_the_loop_whichever_came_first() {
    let mut world = World::new();
    let base = world.seen.borrow().signals + 1;
    world.command(|_, cx| {
        for delay in [300, 100, 200] {
            cx.after(Duration::from_millis(delay), App::commanded).expect("there is room");
        }
    });
    for fired in 1..=3 {
        world.pass(Duration::from_millis(100));
        assert_eq!(world.seen.borrow().signals, base + fired);
    }
}

#[test]
fn a_timer_that_is_freed_does_not_wake_the_loop() {
    let mut world = World::new();
    let event = world
        .command(|_, cx| cx.after(Duration::from_secs(5), App::commanded).expect("there is room"));
    world.command(move |_, cx| cx.event(event).expect("it is there").free());
    let before = world.seen.borrow().signals;
    world.pass(Duration::from_secs(10));
    assert_eq!(world.seen.borrow().signals, before);
}

#[test]
fn a_raise_wakes_the_loop() {
    let mut world = World::new();
    assert_eq!(world.seen.borrow().signals, 0);
    world.trigger.raise();
    world.settle();
    assert_eq!(world.seen.borrow().signals, 1);
}

#[test]
fn raises_are_counted() {
    let mut world = World::new();
    for _ in 0..5 {
        world.trigger.raise();
    }
    let polls = world.device.polls;
    world.settle();
    assert_eq!(world.seen.borrow().signals, 5);
    assert_eq!(world.device.polls, polls + 1);
}

#[test]
fn a_raise_between_the_look_and_the_sleep_is_not_slept_through() {
    let mut world = World::new();
    let trigger = world.trigger;
    // Callbacks run after the triggers were looked at, and before the loop sleeps.
    world.command(move |_, _| trigger.raise());
    assert_eq!(world.seen.borrow().signals, 2);
}

#[test]
fn a_raise_from_another_thread_wakes_the_loop() {
    let mut world = World::new();
    let trigger = world.trigger;
    std::thread::spawn(move || trigger.raise()).join().expect("it raises");
    world.settle();
    assert_eq!(world.seen.borrow().signals, 1);
}

#[test]
fn callbacks_that_never_rest_leave_the_network_its_turn() {
    fn again(app: &mut App, event: &mut EventMut<'_, '_, App>) {
        let mut seen = app.seen.borrow_mut();
        seen.signals += 1;
        if seen.accepted.is_empty() && seen.signals < 10_000 {
            event.activate(EventFlags::TIMEOUT);
        }
    }
    let mut world = World::new();
    world.listen(PORT);
    world.order(|_, cx| {
        let event = cx.new_timer(picoevent::Mode::Persist, again).expect("there is room");
        cx.event(event).expect("it was made just now").activate(EventFlags::TIMEOUT);
    });
    world.call();
    assert_eq!(world.accepted().len(), 1);
    assert!(world.seen.borrow().signals < 1000);
}
