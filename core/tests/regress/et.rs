//! Edge-triggered events.

use picoevent::{AddError, End, EventFlags, EventMut, Mode, Run};

use crate::script::app::{pending, waiting};
use crate::script::stream::pair;
use crate::script::{App, begin, storage};

const EDGE: EventFlags = EventFlags::EDGE;

/// Reads one byte.
fn read_one(app: &mut App, event: &mut EventMut<App>) {
    app.record(event);
    assert_eq!(app.ends[0].read(1).unwrap().len(), 1);
}

#[test]
fn et() {
    for (interest, calls) in [(EventFlags::READ | EDGE, 1), (EventFlags::READ, 2)] {
        let mut storage = storage();
        let (mut base, mut script, mut app) = begin(&mut storage);
        let (ours, theirs) = pair();
        theirs.write(b"test string");
        theirs.finish();
        let source = script.watch(&mut base, &ours);
        app.ends = vec![ours];
        waiting(&mut base, source, interest, Mode::Persist, 1, read_one);
        for _ in 0..2 {
            let end = script.run(&mut base, &mut app, Run::NONBLOCK | Run::ONCE);
            assert_eq!(end, End::Done);
        }
        assert_eq!(app.whats(), vec![interest; calls]);
    }
}

/// Edge-triggered and level-triggered events cannot share a source. libevent refuses this only in its debug mode.
#[test]
fn et_mix_error() {
    let mut storage = storage();
    let (mut base, mut script, _) = begin(&mut storage);
    let source = script.watch(&mut base, &pair().0);
    let edge = base.new_event(source, EventFlags::READ | EDGE, Mode::OneShot, App::record).unwrap();
    let level = base.new_event(source, EventFlags::READ, Mode::OneShot, App::record).unwrap();
    for (first, second) in [(edge, level), (level, edge)] {
        assert_eq!(base.event(first).unwrap().add(None), Ok(()));
        assert_eq!(base.event(second).unwrap().add(None), Err(AddError::MixedEdge));
        assert!(pending(&mut base, first).contains(EventFlags::READ));
        assert_eq!(pending(&mut base, second), EventFlags::NONE);
        base.event(first).unwrap().del();
    }
}

/// There are two edge-triggered events. After one event is deleted, the other event is still edge-triggered.
#[test]
fn et_multiple_events() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    let source = script.watch(&mut base, &ours);
    let reads = waiting(&mut base, source, EventFlags::READ | EDGE, Mode::Persist, 1, App::record);
    let writes =
        waiting(&mut base, source, EventFlags::WRITE | EDGE, Mode::Persist, 2, App::record);
    theirs.write(b"A");
    script.run(&mut base, &mut app, Run::NONBLOCK);
    assert_eq!(
        (app.users(), app.whats()),
        (vec![1, 2], vec![EventFlags::READ | EDGE, EventFlags::WRITE | EDGE])
    );

    base.event(writes).unwrap().del();
    script.run(&mut base, &mut app, Run::NONBLOCK);
    app.calls.clear();
    theirs.write(b"A");
    script.run(&mut base, &mut app, Run::NONBLOCK);
    assert_eq!((app.users(), app.whats()), (vec![1], vec![EventFlags::READ | EDGE]));
    app.calls.clear();
    script.run(&mut base, &mut app, Run::NONBLOCK);
    assert_eq!(app.calls, [], "nothing was read, and nothing has changed");
    base.event(reads).unwrap().del();
}
