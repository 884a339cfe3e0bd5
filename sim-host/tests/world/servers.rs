//! Tests of servers that the device connects to: the behaviour of the servers, the bugs of a device that the servers
//! find, and refused test cases.

use std::time::Duration;

use picoevent::{Backoff, Conn, ConnEnd, ConnMut, Cx, Pool, Protocol, SetupError, Signal, Storage};
use picoevent_sim::world::{
    AnyTestCase, Choices, Kind, Outcome, Script, Server, ServerFaultKind, Service, Session,
    Simulator, Size, Sockets, TestCase, server_address, server_address_v6,
};

const PORT: u16 = 7100;

/// The bug of the application `Client`.
#[derive(Clone, Copy, PartialEq)]
enum Bug {
    None,
    /// The application never connects.
    NeverConnects,
    /// The application connects only once.
    GivesUp,
    /// The application sends a wrong request.
    SendsWrongRequest,
    /// The application counts an answer twice.
    CountsTwice,
    /// The application reconnects immediately, without a delay.
    NoBackOff,
}

/// An application that sends a request to a server once a second, and counts the answers.
struct Client {
    bug: Bug,
    answers: u32,
    backoff: Backoff,
    conn: Option<Conn>,
}

impl Client {
    fn new(bug: Bug) -> Self {
        let backoff = Backoff::new(Duration::from_millis(400), Duration::from_secs(10));
        Self { bug, answers: 0, backoff, conn: None }
    }

    fn start(&mut self, cx: &mut Cx<'_, Self>, v6: bool, pool: Pool) -> Result<(), SetupError> {
        let pool = cx.add_pool(pool)?;
        if self.bug != Bug::NeverConnects {
            let server = if v6 { server_address_v6(PORT) } else { server_address(PORT) };
            self.conn = Some(cx.connect::<ToServer>(server, pool)?);
        }
        Ok(())
    }
}

struct ToServer;

impl Protocol<Client> for ToServer {
    const IDLE: Option<Duration> = Some(Duration::from_secs(5));
    const STALL: Option<Duration> = Some(Duration::from_secs(5));

    fn opened(app: &mut Client, conn: &mut ConnMut<'_, '_, Client>) {
        app.backoff.reset();
        conn.alarm_every(Duration::from_secs(1));
        Self::alarm(app, conn);
    }

    fn alarm(app: &mut Client, conn: &mut ConnMut<'_, '_, Client>) {
        let _ = conn.write(if app.bug == Bug::SendsWrongRequest { b"cuont\n" } else { b"count\n" });
    }

    fn readable(app: &mut Client, conn: &mut ConnMut<'_, '_, Client>) {
        let mut buffer = [0; 32];
        while conn.read_line(&mut buffer).is_some() {
            app.answers += if app.bug == Bug::CountsTwice { 2 } else { 1 };
        }
    }

    fn eof(_: &mut Client, conn: &mut ConnMut<'_, '_, Client>) {
        conn.abort();
    }

    fn ended(app: &mut Client, conn: &mut ConnMut<'_, '_, Client>, _: ConnEnd) {
        let delay = app.backoff.next_delay(conn.cx());
        let delay = if app.bug == Bug::NoBackOff { Duration::from_millis(1) } else { delay };
        if app.bug != Bug::GivesUp {
            let peer = conn.peer_addr().unwrap_or(server_address(PORT));
            let _ = conn.connect_after(delay, peer);
        }
    }
}

const SIZE: Size<Client> = Size::of(
    Pool::new(1).rings(64, 64),
    Storage::<Client, 4, 1, 128, 1>::new,
    Sockets::<2, 128, 128>::new,
);

/// The program of a server that answers each line `count` with a number.
#[derive(Default)]
struct Counter {
    count: u32,
    open: Vec<u32>,
    last_connect: Option<Duration>,
}

impl Service for Counter {
    fn connecting(&mut self, at: Duration) -> Result<(), String> {
        match self.last_connect.replace(at) {
            Some(before) if at < before + Duration::from_millis(300) => {
                Err("it does not wait between two connects".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, session: &mut Session) -> Result<(), String> {
        self.open.push(session.number());
        Ok(())
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        while let Some(line) = session.read_line() {
            if line != "count" {
                return Err(format!("{line:?} is no request"));
            }
            self.count += 1;
            session.write(format!("{}\n", self.count).as_bytes());
        }
        Ok(())
    }

    fn ended(&mut self, session: &mut Session) {
        self.open.retain(|number| *number != session.number());
    }
}

fn case(bug: Bug, v6: bool) -> TestCase<Client> {
    let start = move |app: &mut Client, cx: &mut Cx<'_, Client>, _, pool| {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        app.start(cx, v6, pool)
    };
    let case = TestCase::with_app("client", 7000, move || Client::new(bug), start).sizes(&[SIZE]);
    if v6 { case.over_ipv6() } else { case }
}

fn counted(bug: Bug, v6: bool) -> TestCase<Client> {
    let server = Server::new(PORT, |_| Counter::default())
        .always(|app: &Client, counter: &Counter| match app.answers <= counter.count {
            true => Ok(()),
            false => {
                Err(format!("{} answers are counted, but {} were sent", app.answers, counter.count))
            }
        })
        .in_the_end(Duration::from_secs(30), |app, counter| match counter.open.is_empty() {
            false if app.answers > 0 => Ok(()),
            _ => Err("it has no connection".to_owned()),
        });
    case(bug, v6).server(server)
}

/// Returns the outcome of the first seed that fails.
fn failure(case: &TestCase<Client>) -> Outcome {
    let mut simulator = Simulator::new();
    let outcomes = (0..300).map(|seed| {
        simulator.take_seed(seed);
        case.run(&mut simulator)
    });
    outcomes.into_iter().find(|outcome| !outcome.verdict.is_pass()).expect("a seed fails")
}

#[test]
fn a_device_reconnects_through_all_server_faults() {
    let tally = counted(Bug::None, false).check(0..400);
    assert!(tally.accepted > 400, "{tally:?}");
    for kind in ServerFaultKind::ALL.iter().skip(1) {
        assert!(
            tally.server_fault_counts[*kind as usize] > 0,
            "{}: {:?}",
            kind.word(),
            tally.server_fault_counts
        );
    }
}

#[test]
fn a_device_connects_to_a_server_over_ipv6() {
    let tally = counted(Bug::None, true).check(0..200);
    assert!(tally.accepted > 200, "{tally:?}");
}

#[test]
fn bugs_of_a_device_are_found_by_its_server() {
    for (bug, kind, text) in [
        (
            Bug::NeverConnects,
            Kind::Stuck,
            "stuck: server 7100: it has no connection, 30 s after the last fault",
        ),
        (
            Bug::GivesUp,
            Kind::Stuck,
            "stuck: server 7100: it has no connection, 30 s after the last fault",
        ),
        (
            Bug::SendsWrongRequest,
            Kind::Invariant,
            "invariant: server 7100: \"cuont\" is no request",
        ),
        (
            Bug::NoBackOff,
            Kind::Invariant,
            "invariant: server 7100: it does not wait between two connects",
        ),
        (
            Bug::CountsTwice,
            Kind::Invariant,
            "invariant: server 7100: 2 answers are counted, but 1 were sent",
        ),
    ] {
        let verdict = failure(&counted(bug, false)).verdict;
        assert_eq!((verdict.kind(), verdict.to_string().as_str()), (kind, text));
    }
}

fn script(_: &mut Choices<'_>) -> Script {
    Script::new().expect(b"count\n").send(b"1\n").expect(b"count\n").send(b"2\n")
}

#[test]
fn a_server_may_follow_a_script() {
    let tally = case(Bug::None, false).server(Server::scripted(PORT, script)).check(0..200);
    assert!(tally.accepted >= 200, "{tally:?}");
    let verdict =
        failure(&case(Bug::SendsWrongRequest, false).server(Server::scripted(PORT, script)))
            .verdict;
    assert_eq!(verdict.to_string(), "invariant: server 7100: byte 1 was 0x75 instead of 0x6f");
    let verdict =
        failure(&case(Bug::NeverConnects, false).server(Server::scripted(PORT, script))).verdict;
    let text = "no connection has followed its script to the end, 240 s after the last fault";
    assert_eq!(verdict.to_string(), format!("stuck: server 7100: {text}"));
}

#[test]
fn a_scenario_sets_the_faults_of_servers() {
    let scenario = "
        [[server-fault]]
        kind = 'restarts'
        from = '3 s'
        lasts = '2 s'
        [[server-fault]]
        kind = 'resets'
        bytes = 9
        from = '6 s'
        lasts = '4 s'
    ";
    let tally = counted(Bug::None, false).check_scenario(scenario, 0..20);
    assert_eq!(tally.server_fault_counts.iter().sum::<u64>(), 40);
    assert!(tally.accepted >= 60, "each server fault ends a connection: {tally:?}");
}

/// A server program that checks when its connections are reset, and when the faults are over.
#[derive(Default)]
struct Cut {
    received: usize,
}

impl Service for Cut {
    fn opened(&mut self, _: &mut Session) -> Result<(), String> {
        self.received = 0;
        Ok(())
    }

    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        self.received += session.input().len();
        session.consume(usize::MAX);
        session.write(b"1\n");
        let are_over = session.now() >= Duration::from_secs(7);
        if session.is_quiet() != are_over {
            return Err(format!("the faults are over at {:?}: {are_over}", session.now()));
        }
        match self.received {
            10.. if !are_over => Err(format!("{} bytes were received", self.received)),
            _ => Ok(()),
        }
    }
}

/// The interrupt may come while the server fault is active. Then the application is ending, but the faults are not
/// over.
#[test]
fn a_server_that_resets_after_nine_bytes_receives_nine_bytes() {
    for interrupt in [0, 40] {
        let scenario = format!(
            "
            interrupt-at-point = {interrupt}
            [[server-fault]]
            kind = 'resets'
            bytes = 9
            from = '1 us'
            lasts = '7 s'
        "
        );
        let start = move |app: &mut Client, cx: &mut Cx<'_, Client>, _, pool| {
            app.start(cx, false, pool)?;
            cx.on_signal(Signal::INT, |_, event| event.exit_after(Duration::from_secs(4)))?;
            Ok(())
        };
        let case = TestCase::with_app("client", 7000, move || Client::new(Bug::None), start);
        let case = case.sizes(&[SIZE]).server(Server::new(PORT, |_| Cut::default()));
        let tally = case.check_scenario(&scenario, 0..50);
        assert!(interrupt > 0 || tally.accepted >= 150, "{tally:?}");
    }
}

/// A server program that answers everything that arrives.
struct Answering;

impl Service for Answering {
    fn received(&mut self, session: &mut Session) -> Result<(), String> {
        session.consume(usize::MAX);
        session.write(b"1\n");
        Ok(())
    }
}

/// The application writes even if its connection is not open. While the connection is not open, new output does not
/// restart the write timeout.
#[test]
fn output_before_a_reconnect_does_not_count_as_progress() {
    let write = |app: &mut Client, event: &mut picoevent::EventMut<Client>| {
        if let Some(Ok(mut conn)) = app.conn.map(|conn| event.conn(conn)) {
            let _ = conn.write(b"x\n");
        }
    };
    let start = move |app: &mut Client, cx: &mut Cx<'_, Client>, _, pool| {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        app.start(cx, false, pool)?;
        cx.every(Duration::from_millis(700), write).map(drop)?;
        Ok(())
    };
    let case = TestCase::with_app("client", 7000, move || Client::new(Bug::None), start);
    let case = case.sizes(&[SIZE]).server(Server::new(PORT, |_| Answering));
    let scenario = "
        [[server-fault]]
        kind = 'silent'
        from = '3 s'
        lasts = '30 s'
    ";
    case.check_scenario(scenario, 0..50);
}

#[test]
fn a_choice_log_names_server_faults_by_their_words() {
    let outcome = counted(Bug::GivesUp, false).replay(
        "server server-faults 0 1\nserver kind 0 resets\nserver start-us 0 100000\nserver life-us 0 5000000\n",
    );
    let outcome = outcome.unwrap();
    assert_eq!(outcome.verdict.kind(), Kind::Stuck);
    let lines: Vec<_> = outcome.choices.iter().map(|line| line.to_string()).collect();
    assert!(lines.iter().any(|line| line.starts_with("server kind 0 resets ")), "{lines:?}");
}

#[test]
#[should_panic(expected = "there are two servers at port 7100")]
fn a_port_has_one_server() {
    let _ = counted(Bug::None, false).server(Server::new(PORT, |_| Counter::default()));
}

#[test]
#[should_panic(expected = "the script of server 7100 is empty")]
fn a_server_has_a_script() {
    let _ = case(Bug::None, false).server(Server::scripted(PORT, |_| Script::new()));
}

#[test]
#[should_panic(expected = "a server needs a port other than 0")]
fn a_server_has_a_port() {
    let _ = Server::<Client, _>::new(0, |_| Counter::default());
}
