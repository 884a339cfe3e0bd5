//! Readiness of sockets, with one-shot and persistent events.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use picoevent::{End, EventFlags, Mode, OnceError, Run};

use crate::support::{App, pair, play};

const TEXT: &[u8] = b"this is a test";

#[test]
fn event_base_new() {
    play(|mut scene| {
        let (ours, mut theirs) = pair();
        let source = scene.watch(&ours);
        scene.app.streams = vec![ours];
        scene.wait(source, EventFlags::READ, Mode::Persist, 1, |app, event| {
            app.record(event);
            let mut bytes = [0; 256];
            match app.streams[0].read(&mut bytes).unwrap() {
                0 => event.exit(),
                amount => app.data.push(bytes[..amount].to_vec()),
            }
        });
        theirs.write_all(TEXT).unwrap();
        theirs.shutdown(Shutdown::Write).unwrap();
        assert_eq!(scene.run(Run::DEFAULT), End::Exit);
        assert_eq!(scene.app.data, [TEXT]);
        assert_eq!(scene.app.whats(), [EventFlags::READ, EventFlags::READ]);
    });
}

#[test]
fn simpleread() {
    play(|mut scene| {
        let (ours, mut theirs) = pair();
        theirs.write_all(TEXT).unwrap();
        theirs.shutdown(Shutdown::Write).unwrap();
        let source = scene.watch(&ours);
        scene.app.streams = vec![ours];
        scene.wait(source, EventFlags::READ, Mode::OneShot, 1, |app, event| {
            app.record(event);
            if app.streams[0].read(&mut [0; 256]).unwrap() > 0 {
                event.add(None).unwrap();
            }
        });
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        assert_eq!(scene.app.whats(), [EventFlags::READ, EventFlags::READ]);
    });
}

#[test]
fn simplewrite() {
    play(|mut scene| {
        let (ours, mut theirs) = pair();
        let source = scene.watch(&ours);
        scene.app.streams = vec![ours];
        scene.wait(source, EventFlags::WRITE, Mode::OneShot, 1, |app, event| {
            app.record(event);
            app.streams[0].write_all(TEXT).unwrap();
        });
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        assert_eq!(scene.app.whats(), [EventFlags::WRITE]);
        let mut bytes = [0; 256];
        assert_eq!(theirs.read(&mut bytes).unwrap(), TEXT.len());
        assert_eq!(&bytes[..TEXT.len()], TEXT);
    });
}

#[test]
fn simpleread_multiple() {
    play(|mut scene| {
        let (ours, mut theirs) = pair();
        theirs.write_all(TEXT).unwrap();
        theirs.shutdown(Shutdown::Write).unwrap();
        let source = scene.watch(&ours);
        for user in [1, 2] {
            scene.wait(source, EventFlags::READ, Mode::OneShot, user, App::record);
        }
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        assert_eq!(scene.app.calls, [(1, EventFlags::READ), (2, EventFlags::READ)]);
    });
}

#[test]
fn multiple_events_for_same_fd() {
    play(|mut scene| {
        let (ours, mut theirs) = pair();
        let source = scene.watch(&ours);
        scene.wait(source, EventFlags::READ, Mode::OneShot, 1, App::record);
        let writes = scene.wait(source, EventFlags::WRITE, Mode::OneShot, 2, App::record);
        assert_eq!(scene.run(Run::ONCE), End::Done);
        assert_eq!(scene.app.calls, [(2, EventFlags::WRITE)]);
        scene.base.event(writes).unwrap().del();
        theirs.write_all(TEXT).unwrap();
        assert_eq!(scene.run(Run::ONCE), End::Done);
        assert_eq!(scene.app.calls, [(2, EventFlags::WRITE), (1, EventFlags::READ)]);
    });
}

/// The one-shot event is called once and no longer waits, so the first run ends although there is still data to read.
/// After the event is added again, the second run calls the event for this data.
#[test]
fn want_only_once() {
    play(|mut scene| {
        let (ours, mut theirs) = pair();
        theirs.write_all(TEXT).unwrap();
        let source = scene.watch(&ours);
        scene.app.streams = vec![ours, theirs];
        let event = scene.wait(source, EventFlags::READ, Mode::OneShot, 1, |app, event| {
            app.record(event);
            assert_eq!(app.streams[0].read(&mut [0; 256]).unwrap(), TEXT.len());
            app.streams[1].write_all(TEXT).unwrap();
        });
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        assert_eq!(scene.app.calls.len(), 1);
        scene.base.event(event).unwrap().add(None).unwrap();
        scene.run(Run::NONBLOCK);
        assert_eq!(scene.app.calls.len(), 2);
    });
}

#[test]
fn event_once() {
    play(|mut scene| {
        let (ours, mut theirs) = pair();
        let source = scene.watch(&ours);
        let made = [
            scene.base.once(source, EventFlags::READ, None, App::record),
            scene.base.after(Duration::ZERO, App::record).map_err(OnceError::Full),
            scene.base.after(Duration::from_millis(1), App::record).map_err(OnceError::Full),
        ];
        for (user, event) in made.into_iter().enumerate() {
            scene.base.event(event.unwrap()).unwrap().set_user(user as u32);
        }
        theirs.write_all(TEXT).unwrap();
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        let mut calls = scene.app.calls;
        assert_eq!(calls[0], (1, EventFlags::TIMEOUT), "what is due at once is first");
        calls.sort_by_key(|call| call.0);
        assert_eq!(
            calls,
            [(0, EventFlags::READ), (1, EventFlags::TIMEOUT), (2, EventFlags::TIMEOUT)]
        );
        assert_eq!(scene.base.counts().events, 0);
    });
}

/// One event waits for input, and the other event waits for room in a full send buffer. Both events fire when the peers
/// close their sockets, and not before.
#[test]
fn simpleclose_rw() {
    play(|mut scene| {
        let (reader, far_of_reader) = pair();
        let (mut writer, far_of_writer) = pair();
        let full = loop {
            if let Err(error) = writer.write(&[9; 1024]).map(|amount| assert!(amount > 0)) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        let (reads, writes) = (scene.watch(&reader), scene.watch(&writer));
        scene.wait(reads, EventFlags::READ, Mode::OneShot, 1, App::record);
        scene.wait(writes, EventFlags::WRITE, Mode::OneShot, 2, App::record);
        scene.app.streams = vec![far_of_reader, far_of_writer];
        assert_eq!(scene.run(Run::NONBLOCK), End::Done);
        assert_eq!(scene.app.calls, []);
        scene.base.after(Duration::ZERO, |app, _| app.streams.clear()).unwrap();
        assert_eq!(scene.run(Run::DEFAULT), End::Empty);
        scene.app.calls.sort_by_key(|call| call.0);
        assert_eq!(scene.app.calls, [(1, EventFlags::READ), (2, EventFlags::WRITE)]);
    });
}

const MANY: u32 = 70;

#[test]
fn many_events() {
    play(|mut scene| {
        for user in 0..MANY {
            let (ours, theirs) = pair();
            let source = scene.watch(&ours);
            scene.app.streams.extend([ours, theirs]);
            scene.wait(source, EventFlags::WRITE, Mode::OneShot, user, App::record);
        }
        assert_eq!(scene.run(Run::NONBLOCK), End::Empty);
        let mut users = scene.app.users();
        users.sort();
        assert_eq!(users, (0..MANY).collect::<Vec<_>>());
    });
}

#[test]
fn many_events_slow_add() {
    play(|mut scene| {
        for user in 0..MANY {
            let (ours, theirs) = pair();
            let source = scene.watch(&ours);
            scene.app.streams.extend([ours, theirs]);
            scene.wait(source, EventFlags::WRITE, Mode::Persist, user, App::record);
            assert_eq!(scene.run(Run::NONBLOCK | Run::ONCE), End::Done);
        }
        scene.run(Run::NONBLOCK | Run::ONCE);
        let users = scene.app.users();
        for user in 0..MANY {
            let calls = users.iter().filter(|other| **other == user).count();
            assert_eq!(calls, (MANY - user + 1) as usize, "event {user}");
        }
    });
}
