//! Readiness of descriptors, tested with streams in memory.

use picoevent::{End, EventFlags, Mode, Run};

use crate::script::app::{add, pending, timer, waiting};
use crate::script::stream::pair;
use crate::script::{App, at, begin, ms, storage};

#[test]
fn simpleread() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    theirs.write(b"this is a test");
    theirs.finish();
    let source = script.watch(&mut base, &ours);
    app.ends = vec![ours];
    waiting(&mut base, source, EventFlags::READ, Mode::OneShot, 1, |app, event| {
        app.record(event);
        if !app.ends[0].read(256).unwrap().is_empty() {
            event.add(None).unwrap();
        }
    });
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!(app.whats(), [EventFlags::READ, EventFlags::READ], "bytes, then the end");
}

#[test]
fn simplewrite() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    let source = script.watch(&mut base, &ours);
    app.ends = vec![ours];
    waiting(&mut base, source, EventFlags::WRITE, Mode::OneShot, 1, |app, event| {
        app.record(event);
        assert_eq!(app.ends[0].write(b"this is a test"), 14);
    });
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!(app.whats(), [EventFlags::WRITE]);
    assert_eq!(theirs.read(256).unwrap(), b"this is a test");
}

#[test]
fn simpleread_multiple() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    theirs.write(b"this is a test");
    theirs.finish();
    let source = script.watch(&mut base, &ours);
    for user in [1, 2] {
        waiting(&mut base, source, EventFlags::READ, Mode::OneShot, user, App::record);
    }
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.users(), app.whats()), (vec![1, 2], vec![EventFlags::READ; 2]));
}

/// One event waits for bytes to read, and one event waits for room to write. Both are called when the peers close their
/// endpoints, and not before.
#[test]
fn simpleclose_rw() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (reader, far_of_reader) = pair();
    let (writer, far_of_writer) = pair();
    writer.fill();
    let reads = script.watch(&mut base, &reader);
    let writes = script.watch(&mut base, &writer);
    waiting(&mut base, reads, EventFlags::READ, Mode::OneShot, 1, App::record);
    waiting(&mut base, writes, EventFlags::WRITE, Mode::OneShot, 2, App::record);
    app.ends = vec![far_of_reader, far_of_writer];
    let close = timer(&mut base, Mode::OneShot, 3, |app, _| {
        app.ends.iter().for_each(|end| end.close());
    });
    add(&mut base, close, 100);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.users(), app.whats()), (vec![1, 2], vec![EventFlags::READ, EventFlags::WRITE]));
    assert_eq!(app.millis(), [100, 100]);
}

#[test]
fn multiple_events_for_same_fd() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    let source = script.watch(&mut base, &ours);
    let reads = waiting(&mut base, source, EventFlags::READ, Mode::OneShot, 1, App::record);
    let writes = waiting(&mut base, source, EventFlags::WRITE, Mode::OneShot, 2, App::record);
    assert_eq!(script.run(&mut base, &mut app, Run::ONCE), End::Done);
    assert_eq!((app.users(), app.whats()), (vec![2], vec![EventFlags::WRITE]));
    base.event(writes).unwrap().del();
    theirs.write(b"this is a test");
    assert_eq!(script.run(&mut base, &mut app, Run::ONCE), End::Done);
    assert_eq!((app.users(), app.whats()), (vec![2, 1], vec![EventFlags::WRITE, EventFlags::READ]));
    assert_eq!(pending(&mut base, reads), EventFlags::NONE);
}

#[test]
fn want_only_once() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    theirs.write(b"this is a test");
    let source = script.watch(&mut base, &ours);
    app.ends = vec![ours, theirs];
    waiting(&mut base, source, EventFlags::READ, Mode::OneShot, 1, |app, event| {
        app.record(event);
        assert!(!app.ends[0].read(256).unwrap().is_empty());
        app.ends[1].write(b"and another");
    });
    base.exit_after(ms(300));
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Exit);
    assert_eq!((app.calls.len(), base.now()), (1, at(300)));
}

#[test]
fn event_pending() {
    let mut storage = storage();
    let (mut base, mut script, _) = begin(&mut storage);
    let (ours, theirs) = pair();
    let (source, other) = (script.watch(&mut base, &ours), script.watch(&mut base, &theirs));
    base.advance(at(7));
    let reads = waiting(&mut base, source, EventFlags::READ, Mode::OneShot, 1, App::record);
    let writes = base.new_event(other, EventFlags::WRITE, Mode::OneShot, App::record).unwrap();
    let timer = timer(&mut base, Mode::OneShot, 3, App::record);
    add(&mut base, timer, 500);
    assert_eq!(pending(&mut base, reads), EventFlags::READ);
    assert_eq!(pending(&mut base, writes), EventFlags::NONE, "it was made, not added");
    assert_eq!(pending(&mut base, timer), EventFlags::TIMEOUT);
    assert_eq!(base.event(timer).unwrap().deadline(), Some(at(507)));
    assert_eq!(base.event(reads).unwrap().deadline(), None);
}

const MANY: u32 = 70;

#[test]
fn many_events() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    for user in 0..MANY {
        let source = script.watch(&mut base, &pair().0);
        waiting(&mut base, source, EventFlags::WRITE, Mode::OneShot, user, App::record);
    }
    assert_eq!(script.run(&mut base, &mut app, Run::NONBLOCK), End::Empty);
    assert_eq!(app.users(), (0..MANY).collect::<Vec<_>>());
}

#[test]
fn many_events_slow_add() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    for user in 0..MANY {
        let source = script.watch(&mut base, &pair().0);
        waiting(&mut base, source, EventFlags::WRITE, Mode::Persist, user, App::record);
        assert_eq!(script.run(&mut base, &mut app, Run::NONBLOCK | Run::ONCE), End::Done);
    }
    script.run(&mut base, &mut app, Run::NONBLOCK | Run::ONCE);
    for user in 0..MANY {
        assert_eq!(app.calls_of(user), (MANY - user + 1) as usize, "event {user}");
    }
}
