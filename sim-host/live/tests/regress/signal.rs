//! The system's signals. Each test uses a different signal, because a signal reaches the whole process.

use std::thread;
use std::time::Duration;

use picoevent::{End, Event, EventFlags, EventMut, Mode, Run, Signal};
use signal_hook::low_level;

use crate::support::{App, Scene, play};

fn raise(signal: Signal) {
    low_level::raise(i32::from(signal.number())).unwrap();
}

/// Raises the signal in another thread, and waits until this thread has ended.
fn raise_from_elsewhere(signal: Signal) {
    thread::spawn(move || raise(signal)).join().unwrap();
}

/// Adds an event for a signal. The first call of its callback deletes the event.
fn catch(scene: &mut Scene<'_, '_>, signal: Signal) -> Event {
    let once = |app: &mut App, event: &mut EventMut<'_, '_, App>| {
        app.record(event);
        event.del();
    };
    let event = scene.base.on_signal(signal, once).unwrap();
    scene.live.settle(scene.base).unwrap();
    event
}

#[test]
fn simple_signal() {
    let signal = Signal::new(14).unwrap();
    play(|mut scene| {
        catch(&mut scene, signal);
        raise_from_elsewhere(signal);
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        assert_eq!(scene.app.whats(), [EventFlags::SIGNAL]);
    });
}

#[test]
fn simple_signal_re_order() {
    let signal = Signal::new(26).unwrap();
    play(|mut scene| {
        let event = catch(&mut scene, signal);
        scene.base.event(event).unwrap().del();
        scene.live.settle(scene.base).unwrap();
        scene.base.event(event).unwrap().add(None).unwrap();
        scene.live.settle(scene.base).unwrap();
        raise_from_elsewhere(signal);
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        assert_eq!(scene.app.whats(), [EventFlags::SIGNAL]);
    });
}

#[test]
fn multiplesignal() {
    let signal = Signal::new(27).unwrap();
    play(|mut scene| {
        catch(&mut scene, signal);
        catch(&mut scene, signal);
        raise_from_elsewhere(signal);
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        assert_eq!(scene.app.whats(), [EventFlags::SIGNAL; 2]);
    });
}

#[test]
fn immediatesignal() {
    play(|mut scene| {
        catch(&mut scene, Signal::USR1);
        raise(Signal::USR1);
        assert_eq!(scene.run(Run::NONBLOCK), End::Empty);
        assert_eq!(scene.app.whats(), [EventFlags::SIGNAL]);
    });
}

#[test]
fn signal_timeout() {
    play(|mut scene| {
        let winch = Signal::new(28).unwrap();
        let event = scene.base.new_signal(winch, Mode::OneShot, App::record).unwrap();
        scene.base.event(event).unwrap().add(Some(Duration::from_micros(10))).unwrap();
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        assert_eq!(scene.app.whats(), [EventFlags::TIMEOUT]);
    });
}

#[test]
fn signal_while_processing() {
    play(|mut scene| {
        let again = |app: &mut App, event: &mut EventMut<'_, '_, App>| {
            app.record(event);
            match app.calls.len() {
                5 => event.exit(),
                _ => raise(Signal::USR2),
            }
        };
        scene.base.on_signal(Signal::USR2, again).unwrap();
        scene.base.after(Duration::ZERO, |_, _| raise(Signal::USR2)).unwrap();
        assert_eq!(scene.run(Run::DEFAULT), End::Exit);
        assert_eq!(scene.app.whats(), [EventFlags::SIGNAL; 5]);
    });
}

#[test]
fn signal_free_in_callback() {
    play(|mut scene| {
        let free = |app: &mut App, event: &mut EventMut<'_, '_, App>| {
            app.record(event);
            event.free();
        };
        scene.base.on_signal(Signal::HUP, free).unwrap();
        scene.live.settle(scene.base).unwrap();
        raise(Signal::HUP);
        raise(Signal::HUP);
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        assert_eq!(scene.app.calls.len(), 1);
    });
}
