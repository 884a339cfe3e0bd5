//! Tests of all verdicts. For each verdict there is an application that causes it.

use std::net::SocketAddr;

use picoevent::{ConnMut, Cx, EventMut, Listener, Pool, Protocol, SetupError, Signal};
use picoevent_sim::world::{AnyTestCase, Kind, Outcome, Script, Simulator, TestCase};

/// The behaviour of an application on each connection.
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
    fn start(
        cx: &mut Cx<'_, Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Self>(address, clients)
    }

    fn interrupted(&mut self, event: &mut EventMut<'_, '_, Self>) {
        if self.0 != Does::IgnoresTheInterrupt {
            event.exit();
        }
    }
}

impl Protocol<Self> for Bad {
    fn opened(app: &mut Self, conn: &mut ConnMut<'_, '_, Self>) {
        match app.0 {
            Does::Panics => panic!("there is a limit"),
            Does::Ends => conn.cx().loop_break(),
            Does::MissesItsTimer => {
                let _ = conn.cx().every(std::time::Duration::from_secs(5), |_, _| {});
            }
            _ => {}
        }
        if app.0 != Does::KeepsSilent && conn.write(b"hi").is_ok() {
            conn.finish();
        }
    }

    fn readable(_: &mut Self, _: &mut ConnMut<'_, '_, Self>) {}

    fn eof(app: &mut Self, conn: &mut ConnMut<'_, '_, Self>) {
        if app.0 != Does::HoldsOn {
            conn.close();
        }
    }
}

fn outcome(does: Does) -> Outcome {
    let case = TestCase::new("bad", 7001, move || Bad(does), Bad::start)
        .client(|_| Script::new().expect(b"hi").expect_end());
    let mut simulator = Simulator::new();
    simulator.take_choices(&[]);
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
fn a_connection_that_is_never_freed_is_a_leak() {
    let (kind, text) = verdict(Does::HoldsOn);
    assert_eq!(
        (kind, text.as_str()),
        (Kind::Leak, "leak: connections in use at the end: 1, expected 0")
    );
}

#[test]
fn a_timer_that_is_never_freed_is_a_leak() {
    let (kind, text) = verdict(Does::MissesItsTimer);
    assert_eq!(
        (kind, text.as_str()),
        (Kind::Leak, "leak: events in use at the end: 2, expected 1")
    );
}

#[test]
fn a_loop_that_ends_without_an_interrupt_violates_an_invariant() {
    let (kind, text) = verdict(Does::Ends);
    assert_eq!(
        (kind, text.as_str()),
        (Kind::Invariant, "invariant: the loop ended (Break) without an interrupt")
    );
}

#[test]
fn a_loop_that_ignores_the_interrupt_is_stuck() {
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
