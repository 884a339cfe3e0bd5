//! A signal that cannot be caught because no descriptor is left.

use picoevent::{End, EventBase, Run, Signal, Storage};
use picoevent_mio::Live;
use signal_hook::low_level::raise;

use crate::{leave_descriptors, run_alone};

#[test]
fn a_signal_that_is_not_caught_is_an_error_of_the_run() {
    run_alone("signals::a_signal_without_descriptors");
}

#[test]
#[ignore = "another test runs it, as a process of its own"]
fn a_signal_without_descriptors() {
    let mut storage = Storage::<usize, 2, 0, 0>::new();
    let (mut base, mut raises) = (EventBase::new(&mut storage), 0);
    let mut live = Live::new().unwrap();
    let taken = leave_descriptors(0);
    let event = base.on_signal(Signal::TERM, |raises, _| *raises += 1).unwrap();
    let error = live.run_with(&mut base, &mut raises, Run::NONBLOCK).unwrap_err();
    assert!(error.to_string().starts_with("signal 15 cannot be caught: "), "{error}");
    // The error is returned once, and the loop continues without the signal.
    assert_eq!(live.run_with(&mut base, &mut raises, Run::NONBLOCK).unwrap(), End::Done);
    // When the event is deleted and added again, the back end tries again to catch the signal.
    base.event(event).unwrap().del();
    live.settle(&mut base).unwrap();
    base.event(event).unwrap().add(None).unwrap();
    assert!(live.settle(&mut base).is_err());
    assert!(live.iterate_once(&mut base, &mut raises).is_ok());
    drop(taken);
    base.event(event).unwrap().del();
    live.settle(&mut base).unwrap();
    base.event(event).unwrap().add(None).unwrap();
    live.settle(&mut base).unwrap();
    raise(i32::from(Signal::TERM.number())).unwrap();
    assert_eq!(live.run_with(&mut base, &mut raises, Run::NONBLOCK).unwrap(), End::Done);
    assert_eq!(raises, 1);
}
