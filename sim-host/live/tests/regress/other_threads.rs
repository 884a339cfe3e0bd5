//! Other threads can only raise a trigger. The callback of the trigger's signal then changes the base.

use std::thread;
use std::time::Duration;

use picoevent::{End, EventFlags, EventMut, Mode, Run, Signal, Trigger};

use crate::support::{App, Scene, pair, play};

/// Adds a one-shot event for the trigger's signal. The event's callback deletes the only other event, so no event is
/// left after the callback.
fn delete_when_raised(scene: &mut Scene<'_, '_>, trigger: &'static Trigger) {
    scene.live.add_trigger(trigger);
    let delete = |app: &mut App, event: &mut EventMut<'_, '_, App>| {
        event.cx().event(app.events[0]).unwrap().del();
    };
    let event = scene.base.new_signal(trigger.signal(), Mode::OneShot, delete).unwrap();
    scene.base.event(event).unwrap().add(None).unwrap();
}

#[test]
fn del_notify() {
    static TRIGGER: Trigger = Trigger::new(Signal::QUIT);
    play(|mut scene| {
        let (ours, _theirs) = pair();
        let source = scene.watch(&ours);
        let event = scene.wait(source, EventFlags::READ, Mode::OneShot, 1, App::record);
        scene.app.events = vec![event];
        delete_when_raised(&mut scene, &TRIGGER);
        let raises = thread::spawn(|| TRIGGER.raise());
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        raises.join().unwrap();
        assert_eq!(scene.app.calls, []);
    });
}

#[test]
fn del_timeout_notify() {
    static TRIGGER: Trigger = Trigger::new(Signal::TERM);
    play(|mut scene| {
        let event = scene.base.new_timer(Mode::OneShot, App::record).unwrap();
        scene.base.event(event).unwrap().add(Some(Duration::from_secs(3600))).unwrap();
        scene.app.events = vec![event];
        delete_when_raised(&mut scene, &TRIGGER);
        let raises = thread::spawn(|| TRIGGER.raise());
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        raises.join().unwrap();
        assert_eq!(scene.app.calls, []);
    });
}

/// Each call of the callback `activated`, except the last, starts a thread that raises the trigger again. The loop has
/// no other work, so it sleeps or is about to sleep when the trigger is raised.
#[test]
fn no_events() {
    static TRIGGER: Trigger = Trigger::new(Signal::INT);
    play(|mut scene| {
        scene.live.add_trigger(&TRIGGER);
        let raised = |app: &mut App, event: &mut EventMut<'_, '_, App>| {
            app.record(event);
            let activated = app.events[app.calls.len() - 1];
            event.cx().event(activated).unwrap().activate(EventFlags::READ);
        };
        let activated = |app: &mut App, event: &mut EventMut<'_, '_, App>| {
            app.count += 1;
            match app.count {
                5 => event.loop_break(),
                _ => drop(thread::spawn(|| TRIGGER.raise())),
            }
        };
        scene.base.on_signal(Signal::INT, raised).unwrap();
        for _ in 0..5 {
            let event = scene.base.new_timer(Mode::OneShot, activated).unwrap();
            scene.app.events.push(event);
        }
        drop(thread::spawn(|| TRIGGER.raise()));
        assert_eq!(scene.run(Run::NO_EXIT_ON_EMPTY), End::Break);
        assert!(scene.base.got_break());
        assert_eq!(scene.app.count, 5);
    });
}
