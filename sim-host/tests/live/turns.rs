//! Turns that do not wait, for those who have a loop of their own.

use std::io::Write;
use std::os::unix::net::UnixStream;

use picoevent::{Cx, End, Event, EventBase, Mode, Storage, What};
use picoevent_sim::live::Live;

#[derive(Default)]
struct App {
    calls: u32,
}

impl App {
    fn count(&mut self, _: &mut Cx<Self>, _: Event, _: What) {
        self.calls += 1;
    }
}

#[test]
fn a_turn_calls_what_is_due_and_does_not_wait() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut storage = Storage::<App, 4, 0>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    let source = live.add_source(&mut base, &ours).unwrap();
    let edge = What::READ | What::EDGE;
    let event = base.new_event(source, edge, Mode::Persist, App::count).unwrap();
    base.event(event).unwrap().add(None).unwrap();
    // Nothing has come: a turn that waited would never return.
    assert_eq!(live.turn_once(&mut base, &mut app).unwrap(), None);
    assert_eq!(app.calls, 0);
    theirs.write_all(b"a").unwrap();
    assert_eq!(live.turn_once(&mut base, &mut app).unwrap(), None);
    assert_eq!(app.calls, 1);
    assert_eq!(live.turn_once(&mut base, &mut app).unwrap(), None);
    assert_eq!(app.calls, 1, "an edge is told once");
}

#[test]
fn time_goes_on_between_turns() {
    let mut storage = Storage::<App, 4, 0>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    base.every(std::time::Duration::from_micros(1), App::count).unwrap();
    // As many turns as it takes: how long one takes is the machine's.
    while app.calls < 3 {
        assert_eq!(live.turn_once(&mut base, &mut app).unwrap(), None);
    }
}

#[test]
fn turns_end_as_a_loop_does() {
    let mut storage = Storage::<App, 4, 0>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    assert_eq!(live.turn_once(&mut base, &mut app).unwrap(), Some(End::Empty));
    base.every(std::time::Duration::from_secs(60), App::count).unwrap();
    assert_eq!(live.turn_once(&mut base, &mut app).unwrap(), None);
    base.break_off();
    assert_eq!(live.turn_once(&mut base, &mut app).unwrap(), Some(End::Break));
}
