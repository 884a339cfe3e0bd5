//! Time and triggers: timers fire when they are due, and a raised trigger always wakes the loop.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use picoevent::{
    ConnEvent, Direction, End, EventBase, EventFlags, EventMut, Instant, Pool, Run, Storage,
};
use picoevent_embassy::{Adapter, Config, Sockets};

use crate::world::app::{App, SIGNAL, Seen};
use crate::world::{DEVICE, PORT, World, address, clock};

#[test]
fn a_timer_fires_at_its_time_and_not_before() {
    let mut world = World::new();
    world.pass(Duration::from_micros(123));
    world.command(|_, cx| {
        cx.after(Duration::from_micros(1500), App::run_command).expect("there is room")
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
        cx.every(Duration::from_millis(10), App::run_command).expect("there is room")
    });
    let commands = 1;
    world.pass(Duration::from_secs(10));
    assert_eq!(world.seen.borrow().signals, before + commands + 1000);
}

#[test]
fn the_earliest_timer_wakes_the_loop_in_any_order_of_creation() {
    let mut world = World::new();
    let base = world.seen.borrow().signals + 1;
    world.command(|_, cx| {
        for delay in [300, 100, 200] {
            cx.after(Duration::from_millis(delay), App::run_command).expect("there is room");
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
    let event = world.command(|_, cx| {
        cx.after(Duration::from_secs(5), App::run_command).expect("there is room")
    });
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
fn a_raise_between_the_check_of_the_triggers_and_the_sleep_is_not_lost() {
    let mut world = World::new();
    let trigger = world.trigger;
    // Callbacks run after the triggers were read, and before the loop sleeps.
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
fn a_callback_that_activates_itself_does_not_block_the_network() {
    fn again(app: &mut App, event: &mut EventMut<'_, '_, App>) {
        let mut seen = app.seen.borrow_mut();
        seen.signals += 1;
        if seen.accepted.is_empty() && seen.signals < 10_000 {
            event.activate(EventFlags::TIMEOUT);
        }
    }
    let mut world = World::new();
    world.listen(PORT);
    world.queue_command(|_, cx| {
        let event = cx.new_timer(picoevent::Mode::Persist, again).expect("there is room");
        cx.event(event).expect("it was made just now").activate(EventFlags::TIMEOUT);
    });
    world.connect_client();
    assert_eq!(world.accepted().len(), 1);
    assert!(world.seen.borrow().signals < 1000);
}

/// Makes a device that starts its loop one hour after it was switched on. A timer and a connect are added before the
/// first iteration of the loop.
fn started_late(origin: Instant) -> World {
    let seen = Rc::<RefCell<Seen>>::default();
    let app_seen = seen.clone();
    let world = World::of::<4, _>(address(DEVICE), async move |stack, trigger| {
        clock::set(3_600_000_000);
        let mut storage = Box::new(Storage::<App, 2, 1, 128, 0>::new());
        let mut base = EventBase::new(&mut storage);
        base.advance(origin);
        let pool = base.add_pool(Pool::new(1).rings(64, 64)).expect("there is room");
        let mut app = App::new(app_seen, pool);
        base.on_signal(SIGNAL, App::run_command).expect("there is room");
        base.after(Duration::from_secs(2), App::run_command).expect("there is room");
        let conn = app.connect(&mut base, "10.0.0.77:7000".parse().expect("an address"));
        let mut conn = base.conn(conn).expect("it was made just now");
        conn.set_timeouts(None, Some(Duration::from_secs(5)));
        let mut sockets = Box::new(Sockets::<1, 64, 64>::new());
        let triggers = [trigger];
        let mut adapter = Adapter::new(stack, &mut sockets, &triggers, Config::default());
        // The first run ends after one second. The second run begins 30 s later, but the base's time does not advance
        // between the two runs.
        base.exit_after(Duration::from_secs(1));
        assert_eq!(adapter.run(&mut base, &mut app, Run::DEFAULT).await, End::Exit);
        assert_eq!(base.now(), origin.after(Duration::from_secs(1)));
        clock::set(clock::now() + 30_000_000);
        adapter.run(&mut base, &mut app, Run::DEFAULT).await
    });
    World { seen, ..world }
}

#[test]
fn timeouts_set_before_the_first_iteration_count_from_the_start_of_the_run() {
    for origin in [0, 7_200_000_000, 1 << 53] {
        let mut world = started_late(Instant::from_micros(origin));
        world.pass(Duration::ZERO);
        let start = world.now();
        // The first run ends after one second. Then the clock advances by 30 s, and the second run begins.
        world.pass(Duration::from_micros(999_999));
        assert_eq!(world.seen.borrow().signals, 0, "{origin}");
        world.pass(Duration::from_micros(1));
        assert_eq!(world.now() - start, 31_000_000);
        world.pass(Duration::from_micros(999_999));
        assert_eq!(world.seen.borrow().signals, 0, "{origin}");
        world.pass(Duration::from_micros(1));
        assert_eq!(world.seen.borrow().signals, 1, "{origin}");
        world.pass(Duration::from_micros(2_999_999));
        assert_eq!(world.seen.borrow().events, [], "{origin}");
        world.pass(Duration::from_micros(1));
        let [(_, event)] = world.seen.borrow().events[..] else { panic!("{origin}: no timeout") };
        assert_eq!(event, ConnEvent::Timeout(Direction::Write));
    }
}
