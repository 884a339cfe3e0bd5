//! The end of a peer's stream, detected without reading: level-triggered and edge-triggered, one-shot and persistent.

use picoevent::{End, EventFlags, Mode, Run};

use crate::script::app::waiting;
use crate::script::stream::{self, pair};
use crate::script::{begin, ms, room};

/// A function that ends the peer's side of the stream.
type Ending = fn(&stream::End);
const CLOSE: Ending = stream::End::close;
const SHUTDOWN: Ending = stream::End::finish;

/// Waits with one event for the end of the peer's stream, without blocking. Returns how the loop ended, and the flags
/// of the event's calls.
fn hear(ending: Ending, interest: EventFlags, mode: Mode) -> (End, Vec<EventFlags>) {
    let mut room = room();
    let (mut base, mut script, mut app) = begin(&mut room);
    let (ours, theirs) = pair();
    let source = script.watch(&mut base, &ours);
    waiting(&mut base, source, interest, mode, 1, |app, event| {
        app.note(event);
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
    let heard = hear(CLOSE, EventFlags::CLOSED, Mode::OneShot);
    assert_eq!(heard, (End::Empty, vec![EventFlags::CLOSED]));
}

#[test]
fn simpleclose_shutdown() {
    let heard = hear(SHUTDOWN, EventFlags::CLOSED, Mode::OneShot);
    assert_eq!(heard, (End::Empty, vec![EventFlags::CLOSED]));
}

#[test]
fn simpleclose_close_persist() {
    let (end, whats) = hear(CLOSE, EventFlags::CLOSED, Mode::Persist);
    assert_eq!(end, End::Exit);
    assert!(whats.len() > 5 && whats.iter().all(|what| *what == EventFlags::CLOSED));
}

#[test]
fn simpleclose_shutdown_persist() {
    let (end, whats) = hear(SHUTDOWN, EventFlags::CLOSED, Mode::Persist);
    assert_eq!(end, End::Exit);
    assert!(whats.len() > 5 && whats.iter().all(|what| *what == EventFlags::CLOSED));
}

#[test]
fn simpleclose_close_et() {
    let heard = hear(CLOSE, EventFlags::CLOSED | EDGE, Mode::OneShot);
    assert_eq!(heard, (End::Empty, vec![EventFlags::CLOSED | EDGE]));
}

#[test]
fn simpleclose_shutdown_et() {
    let heard = hear(SHUTDOWN, EventFlags::CLOSED | EDGE, Mode::OneShot);
    assert_eq!(heard, (End::Empty, vec![EventFlags::CLOSED | EDGE]));
}

#[test]
fn simpleclose_close_persist_et() {
    let heard = hear(CLOSE, EventFlags::CLOSED | EDGE, Mode::Persist);
    assert_eq!(heard, (End::Done, vec![EventFlags::CLOSED | EDGE]), "a change is told once");
}

#[test]
fn simpleclose_shutdown_persist_et() {
    let heard = hear(SHUTDOWN, EventFlags::CLOSED | EDGE, Mode::Persist);
    assert_eq!(heard, (End::Done, vec![EventFlags::CLOSED | EDGE]), "a change is told once");
}
