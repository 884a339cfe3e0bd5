//! The end of a peer's stream, detected without reading: level-triggered and edge-triggered, one-shot and persistent.

use picoevent::{End, EventFlags, Mode, Run};

use crate::script::app::waiting;
use crate::script::stream::{self, pair};
use crate::script::{begin, ms, storage};

/// A function that ends the peer's side of the stream.
type Ending = fn(&stream::End);
const CLOSE: Ending = stream::End::close;
const SHUTDOWN: Ending = stream::End::finish;

/// Runs the loop in mode `NONBLOCK`, with one event that waits for the end of the peer's stream. Returns how the loop
/// ended, and the flags of the event's calls.
fn run_until_end(ending: Ending, interest: EventFlags, mode: Mode) -> (End, Vec<EventFlags>) {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    let source = script.watch(&mut base, &ours);
    waiting(&mut base, source, interest, mode, 1, |app, event| {
        app.record(event);
        app.world.borrow_mut().pass(ms(1));
    });
    ending(&theirs);
    // A level-triggered persistent event is called again and again, so the loop must be ended.
    if mode == Mode::Persist && !interest.contains(EventFlags::EDGE) {
        base.exit_after(ms(10));
    }
    let end = script.run(&mut base, &mut app, Run::NONBLOCK);
    (end, app.whats())
}

const EDGE: EventFlags = EventFlags::EDGE;

#[test]
fn simpleclose_close() {
    let reported = run_until_end(CLOSE, EventFlags::CLOSED, Mode::OneShot);
    assert_eq!(reported, (End::Empty, vec![EventFlags::CLOSED]));
}

#[test]
fn simpleclose_shutdown() {
    let reported = run_until_end(SHUTDOWN, EventFlags::CLOSED, Mode::OneShot);
    assert_eq!(reported, (End::Empty, vec![EventFlags::CLOSED]));
}

#[test]
fn simpleclose_close_persist() {
    let (end, whats) = run_until_end(CLOSE, EventFlags::CLOSED, Mode::Persist);
    assert_eq!(end, End::Exit);
    assert!(whats.len() > 5 && whats.iter().all(|what| *what == EventFlags::CLOSED));
}

#[test]
fn simpleclose_shutdown_persist() {
    let (end, whats) = run_until_end(SHUTDOWN, EventFlags::CLOSED, Mode::Persist);
    assert_eq!(end, End::Exit);
    assert!(whats.len() > 5 && whats.iter().all(|what| *what == EventFlags::CLOSED));
}

#[test]
fn simpleclose_close_et() {
    let reported = run_until_end(CLOSE, EventFlags::CLOSED | EDGE, Mode::OneShot);
    assert_eq!(reported, (End::Empty, vec![EventFlags::CLOSED | EDGE]));
}

#[test]
fn simpleclose_shutdown_et() {
    let reported = run_until_end(SHUTDOWN, EventFlags::CLOSED | EDGE, Mode::OneShot);
    assert_eq!(reported, (End::Empty, vec![EventFlags::CLOSED | EDGE]));
}

#[test]
fn simpleclose_close_persist_et() {
    let reported = run_until_end(CLOSE, EventFlags::CLOSED | EDGE, Mode::Persist);
    assert_eq!(reported, (End::Done, vec![EventFlags::CLOSED | EDGE]), "a change is reported once");
}

#[test]
fn simpleclose_shutdown_persist_et() {
    let reported = run_until_end(SHUTDOWN, EventFlags::CLOSED | EDGE, Mode::Persist);
    assert_eq!(reported, (End::Done, vec![EventFlags::CLOSED | EDGE]), "a change is reported once");
}
