//! Events by edge.

use std::io::{Read, Write};
use std::net::Shutdown;

use picoevent::{End, Mode, Run, What};

use crate::support::{App, pair, play};

const EDGE: What = What::EDGE;

#[test]
fn et() {
    for (interest, calls) in [(What::READ | EDGE, 1), (What::READ, 2)] {
        play(|mut scene| {
            let (ours, mut theirs) = pair();
            theirs.write_all(b"test string").unwrap();
            theirs.shutdown(Shutdown::Write).unwrap();
            let source = scene.watch(&ours);
            scene.app.streams = vec![ours];
            scene.wait(source, interest, Mode::Persist, 1, |app, cx, event, what| {
                app.note(cx, event, what);
                app.streams[0].read_exact(&mut [0]).unwrap();
            });
            for _ in 0..2 {
                assert_eq!(scene.run(Run::NONBLOCK | Run::ONCE), End::Done);
            }
            assert_eq!(scene.app.whats(), vec![interest; calls]);
        });
    }
}

/// Deleting one event by edge leaves the other one by edge.
#[test]
fn et_multiple_events() {
    play(|mut scene| {
        let (ours, mut theirs) = pair();
        let source = scene.watch(&ours);
        scene.wait(source, What::READ | EDGE, Mode::Persist, 1, App::note);
        let writes = scene.wait(source, What::WRITE | EDGE, Mode::Persist, 2, App::note);
        theirs.write_all(b"A").unwrap();
        scene.run(Run::NONBLOCK);
        assert_eq!(scene.app.calls, [(1, What::READ | EDGE), (2, What::WRITE | EDGE)]);

        scene.base.event(writes).unwrap().del();
        scene.run(Run::NONBLOCK);
        scene.app.calls.clear();
        theirs.write_all(b"A").unwrap();
        scene.run(Run::NONBLOCK);
        assert_eq!(scene.app.calls, [(1, What::READ | EDGE)]);
        scene.app.calls.clear();
        scene.run(Run::NONBLOCK);
        assert_eq!(scene.app.calls, [], "nothing was read, and nothing has changed");
    });
}
