//! Sources: descriptors of the application.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use picoevent::{AddError, EventFlags, EventMut, FullError, Mode, OnEvent, Source, StaleError};
use picoevent_mio::SourceError;

use crate::support::run;

#[derive(Default)]
struct App {
    ours: Option<UnixStream>,
    theirs: Option<UnixStream>,
    source: Option<Source>,
    seen: Vec<EventFlags>,
    bytes: Vec<u8>,
    writes: usize,
}

impl App {
    fn pair() -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        Self { ours: Some(ours), theirs: Some(theirs), ..Self::default() }
    }

    /// Reads a single byte, even if there are more.
    fn read_one(&mut self, event: &mut EventMut<Self>) {
        self.seen.push(event.what());
        let mut byte = [0];
        match self.ours.as_mut().unwrap().read(&mut byte).unwrap() {
            0 => event.exit(),
            _ => self.bytes.push(byte[0]),
        }
    }
}

#[test]
fn unread_input_is_reported_again() {
    let mut app = App::pair();
    run::<1, _>(&mut app, |live, base, app| {
        app.theirs.take().unwrap().write_all(b"abc").unwrap();
        let source = live.add_source(base, app.ours.as_ref().unwrap()).unwrap();
        let event = base.new_event(source, EventFlags::READ, Mode::Persist, App::read_one).unwrap();
        base.event(event).unwrap().add(None).unwrap();
    });
    assert_eq!(app.bytes, b"abc");
    assert_eq!(app.seen, [EventFlags::READ; 4]);
}

#[test]
fn a_writable_source_is_reported_once_per_pass_while_an_event_waits() {
    let mut app = App::pair();
    run::<1, _>(&mut app, |live, base, app| {
        let source = live.add_source(base, app.ours.as_ref().unwrap()).unwrap();
        let count = |app: &mut App, event: &mut EventMut<App>| {
            app.writes += 1;
            assert_eq!(event.what(), EventFlags::WRITE);
            if app.writes == 3 {
                event.del();
                event.exit_after(std::time::Duration::from_millis(20));
            }
        };
        let event = base.new_event(source, EventFlags::WRITE, Mode::Persist, count).unwrap();
        base.event(event).unwrap().add(None).unwrap();
    });
    assert_eq!(app.writes, 3);
}

#[test]
fn each_event_is_called_only_for_what_it_waits_for() {
    let mut app = App::pair();
    run::<1, _>(&mut app, |live, base, app| {
        let source = live.add_source(base, app.ours.as_ref().unwrap()).unwrap();
        let closed = |app: &mut App, event: &mut EventMut<App>| {
            app.seen.push(event.what());
            event.exit();
        };
        let written = |app: &mut App, event: &mut EventMut<App>| {
            app.seen.push(event.what());
            app.theirs = None;
        };
        for (what, mode, call) in [
            (EventFlags::CLOSED, Mode::OneShot, closed as OnEvent<App>),
            (EventFlags::WRITE, Mode::OneShot, written),
        ] {
            let event = base.new_event(source, what, mode, call).unwrap();
            base.event(event).unwrap().add(None).unwrap();
        }
    });
    assert_eq!(app.seen, [EventFlags::WRITE, EventFlags::CLOSED]);
}

#[test]
fn a_forgotten_source_is_stale_and_its_descriptor_is_closed() {
    let mut app = App::pair();
    let mut theirs = app.theirs.take().unwrap();
    run::<1, _>(&mut app, |live, base, app| {
        let ours = app.ours.take().unwrap();
        let source = live.add_source(base, &ours).unwrap();
        let event = base.new_event(source, EventFlags::READ, Mode::Persist, App::read_one).unwrap();
        base.event(event).unwrap().add(None).unwrap();
        live.settle(base).unwrap();
        drop(ours);
        base.forget_source(source).unwrap();
        live.settle(base).unwrap();
        assert_eq!(base.forget_source(source), Err(StaleError));
        assert_eq!(base.event(event).unwrap().add(None), Err(AddError::SourceClosed));
        app.source = Some(source);
        base.exit();
    });
    assert_eq!(theirs.read(&mut [0]).unwrap(), 0, "the last duplicate is closed");
    assert!(app.seen.is_empty());
}

#[test]
fn a_descriptor_that_cannot_be_watched_is_refused() {
    let mut app = App::default();
    run::<1, _>(&mut app, |live, base, _| {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        let error = live.add_source(base, &file).unwrap_err();
        assert!(matches!(error, SourceError::System(_)), "{error}");
        assert!(error.to_string().starts_with("the descriptor cannot be watched: "));
        base.exit();
    });
}

#[test]
fn one_source_too_many_is_refused_and_the_others_work() {
    let mut app = App::pair();
    run::<1, _>(&mut app, |live, base, app| {
        let ours = app.ours.as_ref().unwrap();
        let mut last = None;
        let full = loop {
            match live.add_source(base, ours) {
                Ok(source) => last = Some(source),
                Err(full) => break full,
            }
        };
        assert!(matches!(full, SourceError::Full(FullError::Sources)), "{full}");
        let event = base.new_event(last.unwrap(), EventFlags::READ, Mode::Persist, App::read_one);
        base.event(event.unwrap()).unwrap().add(None).unwrap();
        app.theirs.take().unwrap().write_all(b"x").unwrap();
    });
    assert_eq!(app.bytes, b"x");
}
