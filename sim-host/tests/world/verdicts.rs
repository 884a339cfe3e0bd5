//! Each verdict, on an application that deserves it.

use std::net::SocketAddr;

use picoevent::{Conn, ConnEvent, Cx, Direction, Event, Full, Listener, Signal, What};
use picoevent_sim::world::{AnyTestCase, Kind, Outcome, Script, Simulator, TestCase};

/// What an application does with each connection.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Panics,
    KeepsSilent,
    HoldsOn,
    IgnoresTheInterrupt,
    Ends,
    MissesItsTimer,
}

struct Bad(Does);

impl Bad {
    fn start(cx: &mut Cx<'_, Self>, address: SocketAddr) -> Result<Listener, Full> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        cx.listen(address, Self::accepted)
    }

    fn accepted(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        match self.0 {
            Does::Panics => panic!("there is a limit"),
            Does::Ends => cx.break_off(),
            Does::MissesItsTimer => {
                let _ = cx.every(std::time::Duration::from_secs(5), |_, _, _, _| {});
            }
            _ => {}
        }
        let Ok(mut conn) = cx.conn(conn) else { return };
        conn.on_event(Self::happened).enable(Direction::Read);
        if self.0 != Does::KeepsSilent && conn.write(b"hi").is_ok() {
            conn.finish();
        }
    }

    fn happened(&mut self, cx: &mut Cx<'_, Self>, conn: Conn, _: ConnEvent) {
        if self.0 != Does::HoldsOn
            && let Ok(conn) = cx.conn(conn)
        {
            conn.close();
        }
    }

    fn interrupted(&mut self, cx: &mut Cx<'_, Self>, _: Event, _: What) {
        if self.0 != Does::IgnoresTheInterrupt {
            cx.exit();
        }
    }
}

fn outcome(does: Does) -> Outcome {
    let case = TestCase::new("bad", 7001, move || Bad(does), Bad::start)
        .client(|_| Script::new().expect(b"hi").expect_end());
    let mut simulator = Simulator::new();
    simulator.take_lines(&[]);
    case.run(&mut simulator)
}

fn verdict(does: Does) -> (Kind, String) {
    let verdict = outcome(does).verdict;
    (verdict.kind(), verdict.to_string())
}

#[test]
fn a_panic_is_a_crash_and_the_next_simulation_works() {
    let (kind, text) = verdict(Does::Panics);
    assert_eq!(kind, Kind::Crash);
    assert!(text.starts_with("crash: there is a limit at "), "{text}");
    assert!(outcome(Does::Ends).callbacks > 0, "the thread's executor is sound");
}

#[test]
fn a_client_that_is_never_served_is_stuck() {
    let (kind, text) = verdict(Does::KeepsSilent);
    assert_eq!(
        (kind, text.as_str()),
        (Kind::Stuck, "stuck: client 0 is connected and waits, 240 s after the last fault")
    );
}

#[test]
fn a_connection_that_is_never_given_back_is_a_leak() {
    let (kind, text) = verdict(Does::HoldsOn);
    assert_eq!(
        (kind, text.as_str()),
        (Kind::Leak, "leak: 1 connections are still held, expected 0")
    );
}

#[test]
fn a_timer_that_is_never_given_back_is_a_leak() {
    let (kind, text) = verdict(Does::MissesItsTimer);
    assert_eq!((kind, text.as_str()), (Kind::Leak, "leak: 2 events are still held, expected 1"));
}

#[test]
fn a_loop_that_ends_without_being_asked_breaks_an_invariant() {
    let (kind, text) = verdict(Does::Ends);
    assert_eq!(
        (kind, text.as_str()),
        (Kind::Invariant, "invariant: the loop ended (Break) without being asked")
    );
}

#[test]
fn a_loop_that_does_not_end_when_asked_is_stuck() {
    let (kind, text) = verdict(Does::IgnoresTheInterrupt);
    assert_eq!(
        (kind, text.as_str()),
        (Kind::Stuck, "stuck: the loop still runs 60 s after the interrupt")
    );
}

#[test]
fn each_kind_of_verdict_has_a_status_of_its_own() {
    let kinds = [Kind::Pass, Kind::Crash, Kind::Invariant, Kind::Stuck, Kind::Leak];
    assert_eq!(kinds.map(Kind::status), [0, 10, 11, 12, 13]);
}
