//! Transfers of many bytes: with one-shot events that are added again, with persistent events, and in both directions
//! at the same time.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;

use picoevent::{End, EventFlags, EventMut, Mode, Run};

use crate::support::{App, pair, play};

/// The number of bytes of a long transfer. The buffers of a socket have room for fewer bytes.
const BYTES: usize = 1 << 20;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

/// Writes some of the remaining data to a stream. The event's user value is the stream's index. Ends the stream when no
/// data is left.
fn write(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    assert_eq!(event.what(), EventFlags::WRITE);
    let here = event.user() as usize;
    let length = app.data[here].len().min(10_000);
    match app.streams[here].write(&app.data[here][..length]) {
        Ok(amount) => drop(app.data[here].drain(..amount)),
        Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
    }
    if app.data[here].is_empty() {
        app.streams[here].shutdown(Shutdown::Write).unwrap();
        event.del();
    } else {
        event.add(None).unwrap();
    }
}

/// Reads some bytes of a stream, and stores them in `app.data` at the stream's index plus two.
fn read(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    assert_eq!(event.what(), EventFlags::READ);
    let here = event.user() as usize;
    let mut bytes = [0; 7_000];
    let amount = app.streams[here].read(&mut bytes).unwrap();
    app.data[2 + here].extend(&bytes[..amount]);
    match amount {
        0 => event.del(),
        _ => event.add(None).unwrap(),
    }
}

/// Sends `amounts[0]` bytes from the first socket to the second, and `amounts[1]` bytes in the other direction.
fn transfer(mode: Mode, amounts: [usize; 2]) {
    play(|mut scene| {
        let (ours, theirs) = pair();
        let sources = [scene.watch(&ours), scene.watch(&theirs)];
        scene.app.streams = vec![ours, theirs];
        scene.app.data = vec![pattern(amounts[0]), pattern(amounts[1]), vec![], vec![]];
        for (user, source) in sources.into_iter().enumerate() {
            scene.wait(source, EventFlags::READ, mode, user as u32, read);
            scene.wait(source, EventFlags::WRITE, mode, user as u32, write);
        }
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        assert!(scene.app.data[2] == pattern(amounts[1]), "what ours has received");
        assert!(scene.app.data[3] == pattern(amounts[0]), "what theirs has received");
    });
}

#[test]
fn multiple() {
    transfer(Mode::OneShot, [BYTES, 0]);
}

#[test]
fn persistent() {
    transfer(Mode::Persist, [BYTES, 0]);
}

#[test]
fn combined() {
    transfer(Mode::OneShot, [4096, 8192]);
    transfer(Mode::Persist, [BYTES, 2 * BYTES]);
}
