//! The end of a peer, heard of without reading: by level and by edge, once and again and again.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use picoevent::{End, Mode, Run, What};

use crate::support::{pair, play};

/// Ends the peer's side: what is left of it.
type Ending = fn(UnixStream) -> Option<UnixStream>;
const CLOSE: Ending = |_| None;
const SHUTDOWN: Ending = |theirs| {
    theirs.shutdown(Shutdown::Write).unwrap();
    Some(theirs)
};

const EDGE: What = What::EDGE;
/// Calls after which a persistent event by level, which is called for as long as it waits, breaks
/// the loop.
const CALLS: usize = 10;

/// Waits for the end with one event, without blocking.
#[track_caller]
fn hear(ending: Ending, interest: What, mode: Mode, expected: (End, usize)) {
    play(|mut scene| {
        let (ours, theirs) = pair();
        let source = scene.watch(&ours);
        scene.wait(source, interest, mode, 1, |app, cx, event, what| {
            app.note(cx, event, what);
            if app.calls.len() == CALLS {
                cx.break_off();
            }
        });
        let _kept = ending(theirs);
        let end = scene.run(Run::NONBLOCK);
        assert_eq!((end, scene.app.whats()), (expected.0, vec![interest; expected.1]));
    });
}

#[test]
fn simpleclose_close() {
    hear(CLOSE, What::CLOSED, Mode::OneShot, (End::Empty, 1));
}

#[test]
fn simpleclose_shutdown() {
    hear(SHUTDOWN, What::CLOSED, Mode::OneShot, (End::Empty, 1));
}

#[test]
fn simpleclose_close_persist() {
    hear(CLOSE, What::CLOSED, Mode::Persist, (End::Break, CALLS));
}

#[test]
fn simpleclose_shutdown_persist() {
    hear(SHUTDOWN, What::CLOSED, Mode::Persist, (End::Break, CALLS));
}

#[test]
fn simpleclose_close_et() {
    hear(CLOSE, What::CLOSED | EDGE, Mode::OneShot, (End::Empty, 1));
}

#[test]
fn simpleclose_shutdown_et() {
    hear(SHUTDOWN, What::CLOSED | EDGE, Mode::OneShot, (End::Empty, 1));
}

#[test]
fn simpleclose_close_persist_et() {
    hear(CLOSE, What::CLOSED | EDGE, Mode::Persist, (End::Done, 1));
}

#[test]
fn simpleclose_shutdown_persist_et() {
    hear(SHUTDOWN, What::CLOSED | EDGE, Mode::Persist, (End::Done, 1));
}
