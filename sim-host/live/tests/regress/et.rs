//! Edge-triggered events.

use std::io::{Read, Write};
use std::net::Shutdown;

use picoevent::{End, EventFlags, Mode, Run};

use crate::support::{App, pair, play};

const EDGE: EventFlags = EventFlags::EDGE;

#[test]
fn et() {
    for (interest, calls) in [(EventFlags::READ | EDGE, 1), (EventFlags::READ, 2)] {
        play(|mut scene| {
            let (ours, mut theirs) = pair();
            theirs.write_all(b"test string").unwrap();
            theirs.shutdown(Shutdown::Write).unwrap();
            let source = scene.watch(&ours);
            scene.app.streams = vec![ours];
            scene.wait(source, interest, Mode::Persist, 1, |app, event| {
                app.record(event);
                app.streams[0].read_exact(&mut [0]).unwrap();
            });
            for _ in 0..2 {
                assert_eq!(scene.run(Run::NONBLOCK | Run::ONCE), End::Done);
            }
            assert_eq!(scene.app.whats(), vec![interest; calls]);
        });
    }
}

/// Deleting one edge-triggered event does not affect the other event.
#[test]
fn et_multiple_events() {
    play(|mut scene| {
        let (ours, mut theirs) = pair();
        let source = scene.watch(&ours);
        scene.wait(source, EventFlags::READ | EDGE, Mode::Persist, 1, App::record);
        let writes = scene.wait(source, EventFlags::WRITE | EDGE, Mode::Persist, 2, App::record);
        theirs.write_all(b"A").unwrap();
        scene.run(Run::NONBLOCK);
        assert_eq!(scene.app.calls, [(1, EventFlags::READ | EDGE), (2, EventFlags::WRITE | EDGE)]);

        scene.base.event(writes).unwrap().del();
        scene.run(Run::NONBLOCK);
        scene.app.calls.clear();
        theirs.write_all(b"A").unwrap();
        scene.run(Run::NONBLOCK);
        assert_eq!(scene.app.calls, [(1, EventFlags::READ | EDGE)]);
        scene.app.calls.clear();
        scene.run(Run::NONBLOCK);
        assert_eq!(scene.app.calls, [], "nothing was read, and nothing has changed");
    });
}
