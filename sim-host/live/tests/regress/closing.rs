//! Events that report a peer's close although nothing is read from the socket: level-triggered and edge-triggered,
//! one-shot and persistent.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use picoevent::{End, EventFlags, Mode, Run};

use crate::support::{pair, play};

/// Ends the peer's side. Returns the peer's socket if it is still open.
type Ending = fn(UnixStream) -> Option<UnixStream>;
const CLOSE: Ending = |_| None;
const SHUTDOWN: Ending = |theirs| {
    theirs.shutdown(Shutdown::Write).unwrap();
    Some(theirs)
};

const EDGE: EventFlags = EventFlags::EDGE;
/// The number of calls after which a persistent level-triggered event breaks the loop. The loop calls such an event
/// again and again while it is added.
const CALLS: usize = 10;

/// Adds one event, ends the peer's side, and runs the loop without blocking. Checks how the loop ended and how
/// often the event was called.
#[track_caller]
fn check_close(ending: Ending, interest: EventFlags, mode: Mode, expected: (End, usize)) {
    play(|mut scene| {
        let (ours, theirs) = pair();
        let source = scene.watch(&ours);
        scene.wait(source, interest, mode, 1, |app, event| {
            app.record(event);
            if app.calls.len() == CALLS {
                event.loop_break();
            }
        });
        let _kept = ending(theirs);
        let end = scene.run(Run::NONBLOCK);
        assert_eq!((end, scene.app.whats()), (expected.0, vec![interest; expected.1]));
    });
}

#[test]
fn simpleclose_close() {
    check_close(CLOSE, EventFlags::CLOSED, Mode::OneShot, (End::Empty, 1));
}

#[test]
fn simpleclose_shutdown() {
    check_close(SHUTDOWN, EventFlags::CLOSED, Mode::OneShot, (End::Empty, 1));
}

#[test]
fn simpleclose_close_persist() {
    check_close(CLOSE, EventFlags::CLOSED, Mode::Persist, (End::Break, CALLS));
}

#[test]
fn simpleclose_shutdown_persist() {
    check_close(SHUTDOWN, EventFlags::CLOSED, Mode::Persist, (End::Break, CALLS));
}

#[test]
fn simpleclose_close_et() {
    check_close(CLOSE, EventFlags::CLOSED | EDGE, Mode::OneShot, (End::Empty, 1));
}

#[test]
fn simpleclose_shutdown_et() {
    check_close(SHUTDOWN, EventFlags::CLOSED | EDGE, Mode::OneShot, (End::Empty, 1));
}

#[test]
fn simpleclose_close_persist_et() {
    check_close(CLOSE, EventFlags::CLOSED | EDGE, Mode::Persist, (End::Done, 1));
}

#[test]
fn simpleclose_shutdown_persist_et() {
    check_close(SHUTDOWN, EventFlags::CLOSED | EDGE, Mode::Persist, (End::Done, 1));
}
