//! Bulk transfers: with events that are added again, with persistent events, and in both directions at once.

use picoevent::{End, EventFlags, EventMut, Mode, Run};

use crate::script::app::waiting;
use crate::script::stream::pair;
use crate::script::{App, begin, storage};

const BYTES: usize = 16 * 1024;

/// Returns the bytes to send.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| index as u8).collect()
}

/// Writes the next part. `count` is the number of bytes written so far.
fn write(app: &mut App, event: &mut EventMut<App>) {
    app.record(event);
    let bytes = pattern(BYTES);
    let rest = &bytes[app.count..];
    app.count += app.ends[0].write(&rest[..rest.len().min(128)]);
    if app.count == BYTES {
        app.ends[0].finish();
        event.del();
    } else {
        event.add(None).unwrap();
    }
}

fn read(app: &mut App, event: &mut EventMut<App>) {
    app.record(event);
    match app.ends[1].read(1000).unwrap().as_slice() {
        [] => event.del(),
        bytes => {
            app.data[1].extend(bytes);
            event.add(None).unwrap();
        }
    }
}

fn transfer(mode: Mode) {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    let (source, other) = (script.watch(&mut base, &ours), script.watch(&mut base, &theirs));
    app.ends = vec![ours, theirs];
    waiting(&mut base, source, EventFlags::WRITE, mode, 1, write);
    waiting(&mut base, other, EventFlags::READ, mode, 2, read);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!(app.data[1], pattern(BYTES));
    assert_eq!(app.calls_of(1), BYTES / 128);
}

#[test]
fn multiple() {
    transfer(Mode::OneShot);
}

#[test]
fn persistent() {
    transfer(Mode::Persist);
}

/// Both endpoints send and receive at the same time: 4,096 bytes in one direction and 8,192 in the other.
#[test]
fn combined() {
    const AMOUNTS: [usize; 2] = [4096, 8192];
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    app.ends = vec![ours.clone(), theirs.clone()];
    for (user, end) in [(0, &ours), (1, &theirs)] {
        let source = script.watch(&mut base, end);
        waiting(&mut base, source, EventFlags::READ, Mode::OneShot, user, |app, event| {
            let here = event.user() as usize;
            let bytes = app.ends[here].read(256).unwrap();
            app.data[here].extend(&bytes);
            if !bytes.is_empty() {
                event.add(None).unwrap();
            }
        });
        // `data[2]` and `data[3]` store the bytes that `ends[0]` and `ends[1]` have sent.
        waiting(&mut base, source, EventFlags::WRITE, Mode::OneShot, user, |app, event| {
            let here = event.user() as usize;
            let sent = app.data[2 + here].len();
            let bytes = &pattern(AMOUNTS[here])[sent..];
            let amount = app.ends[here].write(&bytes[..bytes.len().min(1000)]);
            app.data[2 + here].extend(&bytes[..amount]);
            if sent + amount == AMOUNTS[here] {
                app.ends[here].finish();
            } else {
                event.add(None).unwrap();
            }
        });
    }
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!(app.data[0], pattern(AMOUNTS[1]));
    assert_eq!(app.data[1], pattern(AMOUNTS[0]));
}
