//! The system's signals. Each test has one to itself, since a signal is the whole process's.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;

use picoevent::{Cx, End, Event, Signal, Trigger, What};
use signal_hook::low_level::raise;

use crate::support::run;

#[derive(Default)]
struct App {
    raises: usize,
}

impl App {
    fn raised(&mut self, _: &mut Cx<Self>, _: Event, what: What) {
        assert_eq!(what, What::SIGNAL);
        self.raises += 1;
    }
}

#[test]
fn every_raise_counts() {
    let mut app = App::default();
    run::<1, _>(&mut app, |live, base, _| {
        base.on_signal(Signal::HUP, App::raised).unwrap();
        live.settle(base);
        for _ in 0..3 {
            raise(i32::from(Signal::HUP.number())).unwrap();
        }
        base.on_signal(Signal::HUP, |app: &mut App, cx, _, _| {
            if app.raises == 3 {
                cx.exit();
            }
        })
        .unwrap();
    });
    assert_eq!(app.raises, 3);
}

#[test]
fn two_loops_hear_of_the_same_signal() {
    static CAUGHT: Trigger = Trigger::new(Signal::USR1);
    let exit = |app: &mut App, cx: &mut Cx<App>, event, what| {
        app.raised(cx, event, what);
        cx.exit();
    };
    let other = thread::spawn(move || {
        let mut app = App::default();
        run::<1, _>(&mut app, |live, base, _| {
            base.on_signal(Signal::USR2, exit).unwrap();
            live.settle(base);
            CAUGHT.raise();
        });
        app.raises
    });
    let mut app = App::default();
    run::<1, _>(&mut app, |live, base, _| {
        base.on_signal(Signal::USR2, exit).unwrap();
        live.add_trigger(&CAUGHT);
        let raise = |_: &mut App, _: &mut Cx<App>, _, _| {
            raise(i32::from(Signal::USR2.number())).unwrap();
        };
        base.on_signal(Signal::USR1, raise).unwrap();
    });
    assert_eq!((app.raises, other.join().unwrap()), (1, 1));
}

#[test]
fn a_signal_no_program_can_catch_is_left_alone() {
    let kill = Signal::new(9).unwrap();
    let mut app = App::default();
    let end = run::<1, _>(&mut app, |live, base, _| {
        base.on_signal(kill, App::raised).unwrap();
        live.settle(base);
        base.exit();
    });
    assert_eq!((end, app.raises), (End::Exit, 0));
}

/// The default of SIGTERM ends the process, so a process of its own has to be ended.
#[test]
fn a_released_signal_does_what_it_does_by_default() {
    let this = std::env::current_exe().unwrap();
    let test = "signals::the_process_that_is_ended";
    let ended = Command::new(this).args(["--exact", "--ignored", test]).output().unwrap();
    let status = ended.status;
    assert_eq!(status.signal(), Some(i32::from(Signal::TERM.number())), "{ended:?}");
}

#[test]
#[ignore = "another test runs it, as a process of its own"]
fn the_process_that_is_ended() {
    let term = || raise(i32::from(Signal::TERM.number())).unwrap();
    let mut app = App::default();
    run::<1, _>(&mut app, |live, base, _| {
        let first = |app: &mut App, cx: &mut Cx<App>, event: Event, what| {
            app.raised(cx, event, what);
            cx.event(event).unwrap().free();
            cx.exit();
        };
        base.on_signal(Signal::TERM, first).unwrap();
        live.settle(base);
        term();
    });
    assert_eq!(app.raises, 1);
    run::<1, _>(&mut app, |live, base, _| {
        let event = base.on_signal(Signal::TERM, App::raised).unwrap();
        live.settle(base);
        base.event(event).unwrap().free();
        live.settle(base);
        term();
        panic!("still here");
    });
}
