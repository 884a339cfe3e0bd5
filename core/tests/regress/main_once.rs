//! Events that are freed after one call (`event_base_once`), and activation of events by descriptor, signal or handle.

use picoevent::{AddError, End, EventFlags, Mode, OnceError, Run, Signal};

use crate::script::app::{add, waiting};
use crate::script::stream::pair;
use crate::script::{App, at, begin, ms, storage};

#[test]
fn event_once() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    let source = script.watch(&mut base, &ours);
    let once = [
        base.once(source, EventFlags::READ, None, App::record).unwrap(),
        base.after(ms(50), App::record).unwrap(),
        base.after(ms(0), App::record).unwrap(),
        base.after(ms(0), App::record).unwrap(),
    ];
    for (user, event) in once.iter().enumerate() {
        base.event(*event).unwrap().set_user(user as u32);
    }
    assert_eq!(base.once(source, EventFlags::NONE, None, App::record), Err(OnceError::NoInterest));
    theirs.write(b"test");
    theirs.finish();
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!(app.users(), [2, 3, 0, 1], "what is due at once stands first, in order");
    assert_eq!(
        app.whats(),
        [EventFlags::TIMEOUT, EventFlags::TIMEOUT, EventFlags::READ, EventFlags::TIMEOUT]
    );
    assert_eq!((app.millis(), base.counts().events), (vec![0, 0, 0, 50], 0));
}

#[test]
fn event_once_never() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = base.after(ms(10_000), App::record).unwrap();
    base.exit_after(ms(75));
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Exit);
    assert_eq!(app.calls, []);
    base.event(event).unwrap().free();
    assert_eq!(base.counts().events, 0, "it can be freed, too, and not only with the base");
}

/// libevent's test activates events by descriptor and by signal. Here the back end's reports `ready` and `raised` do
/// this. Instead of an invalid descriptor, the test uses the handle of a forgotten source. To activate an event with
/// `TIMEOUT`, the test uses the handle of the event.
#[test]
fn active_by_fd() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    let gone = script.watch(&mut base, &ours);
    base.forget_source(gone).unwrap();
    base.settle(&mut script).unwrap();
    base.ready(gone, EventFlags::READ);
    base.raised(Signal::HUP, 1);
    assert_eq!(base.counts().active, 0);

    let (source, other) = (script.watch(&mut base, &ours), script.watch(&mut base, &theirs));
    let reads = waiting(&mut base, source, EventFlags::READ, Mode::OneShot, 1, App::record);
    waiting(&mut base, source, EventFlags::WRITE, Mode::OneShot, 2, App::record);
    waiting(&mut base, other, EventFlags::READ, Mode::OneShot, 3, App::record);
    let both = waiting(&mut base, other, EventFlags::READ, Mode::OneShot, 4, App::record);
    let signal = base.new_signal(Signal::HUP, Mode::OneShot, App::record).unwrap();
    base.event(signal).unwrap().set_user(5);
    for event in [reads, both, signal] {
        add(&mut base, event, 600_000);
    }
    base.ready(source, EventFlags::WRITE);
    base.ready(other, EventFlags::READ);
    base.event(both).unwrap().activate(EventFlags::TIMEOUT);
    base.raised(Signal::HUP, 1);
    assert_eq!(script.run(&mut base, &mut app, Run::ONCE), End::Done);
    assert_eq!(app.users(), [2, 3, 4, 5], "only those who wait for it");
    let read_late = EventFlags::READ | EventFlags::TIMEOUT;
    assert_eq!(app.whats(), [EventFlags::WRITE, EventFlags::READ, read_late, EventFlags::SIGNAL]);
    assert_eq!(base.event(reads).unwrap().deadline(), Some(at(600_000)));
    assert_eq!(base.once(gone, EventFlags::READ, None, App::record), Err(closed()));
}

fn closed() -> OnceError {
    OnceError::Add(AddError::SourceClosed)
}
