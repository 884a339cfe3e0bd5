//! Signals. The back end reports the counts of its signal handlers.

use std::time::Duration;

use picoevent::{Action, End, Event, EventBase, EventFlags, EventMut, Mode, Run, Signal};

use crate::script::{App, at, begin, ms, storage};

const ALRM: Signal = match Signal::new(14) {
    Some(signal) => signal,
    None => Signal::INT,
};

/// Records the call and deletes the event.
fn once(app: &mut App, event: &mut EventMut<App>) {
    app.record(event);
    event.del();
}

fn waiting(base: &mut EventBase<App>, signal: Signal, user: u32) -> Event {
    let event = base.on_signal(signal, once).unwrap();
    base.event(event).unwrap().set_user(user);
    event
}

#[test]
fn simple_signal() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    waiting(&mut base, ALRM, 1);
    script.world.borrow_mut().at(100, |world| world.raise(ALRM, 1));
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.whats(), app.millis()), (vec![EventFlags::SIGNAL], vec![100]));
    assert_eq!(script.actions, [Action::Catch(ALRM), Action::Release(ALRM)]);
}

#[test]
fn simple_signal_re_order() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = waiting(&mut base, ALRM, 1);
    base.event(event).unwrap().del();
    base.event(event).unwrap().add(None).unwrap();
    script.world.borrow_mut().at(100, |world| world.raise(ALRM, 1));
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.whats(), app.millis()), (vec![EventFlags::SIGNAL], vec![100]));
}

#[test]
fn multiplesignal() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    waiting(&mut base, ALRM, 1);
    waiting(&mut base, ALRM, 2);
    script.world.borrow_mut().at(100, |world| world.raise(ALRM, 1));
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.users(), base.now()), (vec![1, 2], at(100)));
}

#[test]
fn immediatesignal() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    waiting(&mut base, Signal::USR1, 1);
    base.settle(&mut script).unwrap();
    script.world.borrow_mut().raise(Signal::USR1, 1);
    assert_eq!(script.run(&mut base, &mut app, Run::NONBLOCK), End::Empty);
    assert_eq!(app.users(), [1]);
}

#[test]
fn signal_timeout() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = base.new_signal(Signal::USR1, Mode::OneShot, App::record).unwrap();
    base.event(event).unwrap().add(Some(Duration::from_micros(10))).unwrap();
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!(app.whats(), [EventFlags::TIMEOUT]);
    assert_eq!(base.now().as_micros(), 10);
}

#[test]
fn signal_while_processing() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    base.on_signal(Signal::USR1, |app: &mut App, event| {
        app.record(event);
        match app.calls.len() {
            5 => event.exit(),
            _ => app.world.borrow_mut().raise(Signal::USR1, 1),
        }
    })
    .unwrap();
    base.after(ms(0), |app: &mut App, _| app.world.borrow_mut().raise(Signal::USR1, 1)).unwrap();
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Exit);
    assert_eq!(app.whats(), [EventFlags::SIGNAL; 5]);
}

#[test]
fn signal_free_in_callback() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let free = |app: &mut App, event: &mut EventMut<App>| {
        app.record(event);
        event.free();
    };
    let event = base.on_signal(Signal::USR1, free).unwrap();
    script.world.borrow_mut().raise(Signal::USR1, 2);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!(app.calls.len(), 1);
    assert!(base.event(event).is_err());
}
