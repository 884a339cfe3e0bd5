//! Tests of scripts with patterns, alternatives and goodbyes, of signals and mailboxes that interrupt handlers use at
//! random times, and of IPv6.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use picoevent::{
    ConnMut, Cx, EventMut, Listener, Mailbox, Pool, Protocol, SetupError, Signal, Trigger,
};
use picoevent_sim::world::{AnyTestCase, Report, Script, Simulator, TestCase};

use crate::lines::{client, lines};

thread_local! {
    static READINGS: &'static Mailbox<u8, 4> = Box::leak(Box::new(Mailbox::new(Signal::USR1)));
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

fn trigger() -> &'static Trigger {
    READINGS.with(|readings| readings.trigger())
}

fn measure(number: u64) {
    if READINGS.with(|readings| readings.send(number as u8)).is_ok() {
        RUNS.set(RUNS.get() + 1);
    }
}

/// An application that answers each request with the numbers of requests and of signals so far. When the application
/// ends, it sends a goodbye to its clients. With the bug `omits_goodbye`, it sends no goodbye.
struct Reporter {
    requests: u32,
    signals: u32,
    readings: u32,
    omits_goodbye: bool,
    listener: Option<Listener>,
    total: Arc<AtomicU32>,
}

impl Reporter {
    fn start(
        &mut self,
        cx: &mut Cx<'_, Self>,
        address: SocketAddr,
        pool: Pool,
    ) -> Result<(), SetupError> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        cx.on_signal(Signal::USR2, |app: &mut Self, _| app.signals += 1)?;
        cx.on_signal(Signal::USR1, |app: &mut Self, _| {
            while READINGS.with(|readings| readings.receive()).is_some() {
                app.readings += 1;
                app.total.fetch_add(1, Ordering::Relaxed);
            }
        })?;
        let pool = cx.add_pool(pool)?;
        self.listener = Some(cx.listen::<Reports>(address, pool)?);
        Ok(())
    }

    fn interrupted(&mut self, event: &mut EventMut<'_, '_, Self>) {
        if let Some(Ok(mut listener)) = self.listener.map(|listener| event.listener(listener)) {
            listener.for_each(|client| {
                if !self.omits_goodbye {
                    let _ = client.write(b"bye\n");
                }
                client.close();
            });
        }
        event.exit_after(std::time::Duration::from_millis(100));
    }
}

struct Reports;

impl Protocol<Reporter> for Reports {
    const IDLE: Option<std::time::Duration> = Some(std::time::Duration::from_secs(30));

    fn readable(app: &mut Reporter, conn: &mut ConnMut<'_, '_, Reporter>) {
        let mut buffer = [0; 8];
        while conn.read_line(&mut buffer).is_some() {
            app.requests += 1;
            let _ = match app.signals {
                0 => writeln!(conn, "{} none", app.requests),
                signals => writeln!(conn, "{} some: {signals}", app.requests),
            };
        }
    }
}

fn reporter(omits_goodbye: bool, total: &Arc<AtomicU32>) -> TestCase<Reporter> {
    let total = total.clone();
    let make = move || {
        while READINGS.with(|readings| readings.receive()).is_some() {}
        let total = total.clone();
        Reporter { requests: 0, signals: 0, readings: 0, omits_goodbye, listener: None, total }
    };
    TestCase::with_app("reporter", 7003, make, Reporter::start)
        .min_output_ring(24)
        .signal(Signal::USR2)
        .interrupt(trigger, measure)
        .client(|choices| {
            let pause = std::time::Duration::from_millis(choices.up_to(4_000));
            Script::new()
                .goodbye(b"bye\n")
                .send(b"a\n")
                .either([
                    Script::new().expect_pattern("<digits> none\n"),
                    Script::new().expect_pattern("<digits> some: <digits>\n"),
                ])
                .pause(pause)
                .send(b"b\n")
                .expect_pattern("<digits> <text>\n")
                .finish()
                .expect_end()
        })
        .invariant(|app, _| match app.readings <= RUNS.get() {
            true => Ok(()),
            false => Err("it has received more readings than were sent".to_owned()),
        })
}

#[test]
fn scripts_have_patterns_and_alternatives_and_handlers_run_at_any_time() {
    let total = Arc::default();
    let tally = reporter(false, &total).check(0..400);
    assert!(tally.served > 300, "{tally:?}");
    let received = total.load(Ordering::Relaxed);
    assert!(received > 100, "{received} readings were received");
}

#[test]
fn a_missing_goodbye_is_found() {
    let case = reporter(true, &Arc::default());
    let mut simulator = Simulator::new();
    let verdicts = (0..1_000).map(|seed| {
        simulator.take_seed(seed);
        case.run(&mut simulator).verdict
    });
    let verdict = verdicts.into_iter().find(|verdict| !verdict.is_pass()).expect("a seed fails");
    assert!(verdict.to_string().ends_with(": the stream ended without a goodbye"), "{verdict}");
}

#[test]
fn a_choice_log_sets_the_runs_of_a_handler() {
    let total = Arc::default();
    let choices = "interrupt runs 1 2\ninterrupt start-us 9 250\ninterrupt after-points 9 3\n";
    let outcome = reporter(false, &total).replay(choices).unwrap();
    assert!(outcome.verdict.is_pass(), "{}", outcome.verdict);
    assert_eq!(total.load(Ordering::Relaxed), 2);
}

#[test]
fn clients_connect_over_both_versions_of_ip() {
    let case = lines(false).over_ipv6();
    let tally = case.check(0..300);
    assert!(tally.served >= 300, "{tally:?}");
    let outcome = case.replay("client over-ipv6 0 1\n").unwrap();
    assert!(outcome.verdict.is_pass() && outcome.served == 1, "{outcome:?}");
}

#[test]
#[should_panic(expected = "the pattern \"<digits>\": it is not clear where its last part ends")]
fn a_malformed_pattern_is_refused() {
    let _ = Script::new().expect_pattern("<digits>");
}

#[test]
#[should_panic(expected = "alternative 1 does not begin with an expected text")]
fn an_alternative_must_begin_with_an_expected_text() {
    let _ = Script::new().either([Script::new().expect(b"a"), Script::new().send(b"b")]);
}

#[test]
#[should_panic(expected = "alternative 1 begins like alternative 0")]
fn alternatives_must_begin_differently() {
    let _ = Script::new().either([Script::new().expect(b"bus"), Script::new().expect(b"busy")]);
}

#[test]
#[should_panic(expected = "the interrupt that ends the application comes by itself")]
fn the_interrupt_that_ends_the_application_cannot_be_added() {
    let _ = lines(false).signal(Signal::INT).client(client);
}

/// The number of a byte counts from the beginning of a step. So the report also shows how much was received before.
#[test]
fn the_report_of_a_wrong_byte_shows_the_bytes_before_it() {
    let case = lines(false)
        .client(|_| Script::new().send(b"abc\nabcde\n").expect(b"3\n").expect(b"6\n").expect_end());
    let mut simulator = Simulator::new();
    let outcome = (0..50).map(|seed| {
        simulator.take_seed(seed);
        case.run(&mut simulator)
    });
    let outcome = outcome.into_iter().find(|outcome| !outcome.verdict.is_pass());
    let report = Report::new(&case, None, &outcome.expect("a client is wrong")).to_string();
    assert!(report.contains(": byte 0 was 0x35 instead of 0x36\n"), "{report}");
    let before = "has received 3 bytes, the last of them \"3\\n5\"; its port is ";
    assert!(report.contains(before), "{report}");
}
