//! The system's signals. Each test uses a different signal, because a signal reaches the whole process.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use picoevent::{End, EventBase, EventFlags, EventMut, Run, Signal, Storage, Trigger};
use picoevent_mio::Live;
use signal_hook::low_level::raise;

use crate::process::run_within;
use crate::support::run;

#[derive(Default)]
struct App {
    raises: usize,
}

impl App {
    fn raised(&mut self, event: &mut EventMut<Self>) {
        assert_eq!(event.what(), EventFlags::SIGNAL);
        self.raises += 1;
    }
}

#[test]
fn every_raise_counts() {
    let mut app = App::default();
    run::<1, _>(&mut app, |live, base, _| {
        base.on_signal(Signal::HUP, App::raised).unwrap();
        live.settle(base).unwrap();
        for _ in 0..3 {
            raise(i32::from(Signal::HUP.number())).unwrap();
        }
        base.on_signal(Signal::HUP, |app, event| {
            if app.raises == 3 {
                event.exit();
            }
        })
        .unwrap();
    });
    assert_eq!(app.raises, 3);
}

#[test]
fn two_loops_receive_the_same_signal() {
    static CAUGHT: Trigger = Trigger::new(Signal::USR1);
    let exit = |app: &mut App, event: &mut EventMut<App>| {
        app.raised(event);
        event.exit();
    };
    let other = thread::spawn(move || {
        let mut app = App::default();
        run::<1, _>(&mut app, |live, base, _| {
            base.on_signal(Signal::USR2, exit).unwrap();
            live.settle(base).unwrap();
            CAUGHT.raise();
        });
        app.raises
    });
    let mut app = App::default();
    run::<1, _>(&mut app, |live, base, _| {
        base.on_signal(Signal::USR2, exit).unwrap();
        live.add_trigger(&CAUGHT);
        base.on_signal(Signal::USR1, |_, _| raise(i32::from(Signal::USR2.number())).unwrap())
            .unwrap();
    });
    assert_eq!((app.raises, other.join().unwrap()), (1, 1));
}

/// While the loop does not run, raises are counted up to 65,535, the largest count. Further raises are not counted.
#[test]
fn raises_are_counted_up_to_65_535() {
    let signal = Signal::new(27).unwrap();
    let mut storage = Storage::<App, 1, 0, 0>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    base.on_signal(signal, App::raised).unwrap();
    live.settle(&mut base).unwrap();
    for (raises, counted) in [(1_000, 1_000), (65_535, 65_535), (70_000, 65_535)] {
        for _ in 0..raises {
            raise(i32::from(signal.number())).unwrap();
        }
        app.raises = 0;
        assert_eq!(live.run_with(&mut base, &mut app, Run::NONBLOCK).unwrap(), End::Done);
        assert_eq!(app.raises, counted, "of {raises}");
    }
}

#[test]
fn a_signal_no_program_can_catch_is_an_error() {
    let mut storage = Storage::<App, 2, 0, 0>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    base.on_signal(Signal::new(9).unwrap(), App::raised).unwrap();
    let error = live.run_with(&mut base, &mut app, Run::NONBLOCK).unwrap_err();
    assert_eq!(error.to_string(), "signal 9 cannot be caught: no program can catch it");
    assert_eq!(live.run_with(&mut base, &mut app, Run::NONBLOCK).unwrap(), End::Done);
}

/// Runs an ignored test of this program with `command`. The default effect of a signal may end the process, so the test
/// runs in a separate process.
fn run_alone(command: &mut Command, test: &str) -> (ExitStatus, String) {
    command.arg(std::env::current_exe().unwrap()).args(["--exact", "--ignored", test]);
    let ended = run_within(Duration::from_secs(60), command);
    ended.unwrap_or_else(|| panic!("{test} has not ended: it was killed"))
}

fn passed((status, output): &(ExitStatus, String)) -> bool {
    status.success() && output.contains("1 passed")
}

#[test]
fn a_released_signal_has_its_default_effect() {
    let ended = run_alone(&mut Command::new("env"), "signals::the_process_that_is_ended");
    assert_eq!(ended.0.signal(), Some(i32::from(Signal::TERM.number())), "{ended:?}");
}

#[test]
fn a_released_signal_that_was_ignored_is_ignored_again() {
    // The shell ignores SIGHUP before it starts the test, as nohup does.
    let mut nohup = Command::new("sh");
    nohup.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
    let ended = run_alone(&mut nohup, "signals::the_process_that_ignores");
    assert!(passed(&ended), "{ended:?}");
}

#[test]
#[ignore = "another test runs it, as a process of its own"]
fn the_process_that_ignores() {
    // Rust's runtime ignores SIGPIPE in every program.
    for signal in [Signal::HUP, Signal::new(13).unwrap()] {
        assert_eq!(catch_and_release(signal), 1);
        raise(i32::from(signal.number())).unwrap();
        // The second time, the handler is already installed.
        assert_eq!(catch_and_release(signal), 1);
        raise(i32::from(signal.number())).unwrap();
    }
}

#[test]
fn a_released_signal_that_had_a_handler_has_it_again() {
    let ended = run_alone(&mut Command::new("env"), "signals::the_process_with_a_handler");
    assert!(passed(&ended), "{ended:?}");
}

#[test]
#[ignore = "another test runs it, as a process of its own"]
fn the_process_with_a_handler() {
    let handled = Arc::new(AtomicBool::new(false));
    let term = i32::from(Signal::TERM.number());
    signal_hook::flag::register(term, handled.clone()).unwrap();
    assert_eq!(catch_and_release(Signal::TERM), 1);
    handled.store(false, Ordering::SeqCst);
    raise(term).unwrap();
    assert!(handled.load(Ordering::SeqCst));
}

/// Catches a signal, raises it, and deletes its event. Returns how often the event was called.
fn catch_and_release(signal: Signal) -> usize {
    let mut storage = Storage::<App, 1, 0, 0>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    let event = base.on_signal(signal, App::raised).unwrap();
    live.settle(&mut base).unwrap();
    raise(i32::from(signal.number())).unwrap();
    live.run_with(&mut base, &mut app, Run::NONBLOCK).unwrap();
    base.event(event).unwrap().free();
    live.settle(&mut base).unwrap();
    app.raises
}

#[test]
#[ignore = "another test runs it, as a process of its own"]
fn the_process_that_is_ended() {
    let term = || raise(i32::from(Signal::TERM.number())).unwrap();
    let mut app = App::default();
    run::<1, _>(&mut app, |live, base, _| {
        let first = |app: &mut App, event: &mut EventMut<App>| {
            app.raised(event);
            event.free();
            event.exit();
        };
        base.on_signal(Signal::TERM, first).unwrap();
        live.settle(base).unwrap();
        term();
    });
    assert_eq!(app.raises, 1);
    run::<1, _>(&mut app, |live, base, _| {
        let event = base.on_signal(Signal::TERM, App::raised).unwrap();
        live.settle(base).unwrap();
        base.event(event).unwrap().free();
        live.settle(base).unwrap();
        term();
        panic!("still here");
    });
}
