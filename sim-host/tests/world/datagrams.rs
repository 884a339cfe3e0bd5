//! Tests of UDP clients: the behaviour of the clients, the bugs of a device that the clients find, and the observers'
//! output about the clients.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use picoevent::{
    Cx, Pool, SendError, SetupError, Signal, Storage, UdpEvent, UdpMut, UdpRings, UdpSocket,
};
use picoevent_sim::observers::{Capture, Trace};
use picoevent_sim::world::{
    AnyTestCase, Choice, Choices, Kind, LogObserver, Observer, Outcome, Simulator, Size, Sockets,
    TestCase, UdpBehaviour, UdpSockets, Verdict, shrink,
};

const PORT: u16 = 7200;

/// The bug of the application `Counter`.
#[derive(Clone, Copy, PartialEq)]
enum Bug {
    None,
    /// The application never answers.
    NeverAnswers,
    /// The application answers twice.
    AnswersTwice,
    /// The application sends the answer to the previous client.
    AnswersPreviousClient,
    /// The application treats a truncated request as a complete request.
    AcceptsTruncated,
    /// The application discards a request if there is no room for the answer.
    DropsWhenFull,
    /// The application sends only the beginning of a long answer.
    CutsAnswers,
}

/// Answers `count TEXT` with the number of bytes of the text, and the text.
struct Counter {
    bug: Bug,
    before: Option<SocketAddr>,
}

const RINGS: UdpRings = UdpRings::new(UdpRings::holding(1, 32), UdpRings::holding(1, 64));
type Memory = Storage<Counter, 1, 0, { RINGS.bytes() }, 0, 0, 0, 1>;
const NONE: fn() -> Sockets<0, 0, 0> = Sockets::new;
const SIZES: [Size<Counter>; 2] = [
    Size::with_udp(Pool::rest(), Memory::new, NONE, UdpSockets::<1, 256, 64>::new),
    Size::with_udp(Pool::rest(), Memory::new, NONE, UdpSockets::<1, 64, 64, 1>::new),
];

fn answer(request: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(request).ok()?.strip_prefix("count ")?;
    Some(format!("{}: {text}", text.len()))
}

impl Counter {
    fn start(cx: &mut Cx<'_, Self>, address: SocketAddr, _: Pool) -> Result<UdpSocket, SetupError> {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        cx.bind(address, RINGS, Self::requested)
    }

    fn requested(&mut self, udp: &mut UdpMut<'_, '_, Self>, _: UdpEvent) {
        while let Some(request) = udp.peek() {
            let from = request.from;
            let is_truncated = request.truncated && self.bug != Bug::AcceptsTruncated;
            let Some(text) =
                answer(request.data).filter(|_| !is_truncated && self.bug != Bug::NeverAnswers)
            else {
                udp.consume();
                continue;
            };
            let mut answer = text.as_bytes();
            if self.bug == Bug::CutsAnswers {
                answer = &answer[..answer.len().min(12)];
            }
            let before =
                self.before.replace(from).filter(|_| self.bug == Bug::AnswersPreviousClient);
            let sent = udp.send_to(answer, before.unwrap_or(from));
            if sent == Err(SendError::Full) && self.bug != Bug::DropsWhenFull {
                return;
            }
            if self.bug == Bug::AnswersTwice {
                let _ = udp.send_to(answer, from);
            }
            udp.consume();
        }
    }
}

/// Makes the requests of a client. Some of these requests must not be answered.
fn requests(choices: &mut Choices<'_>) -> Vec<Vec<u8>> {
    let text = "x".repeat(choices.up_to(26) as usize);
    let mut requests = vec![format!("count {text}"); 1 + choices.up_to(2) as usize];
    if choices.up_to(1) == 1 {
        requests.insert(0, "cuont".to_owned());
    }
    // This request is longer than the ring.
    if choices.up_to(1) == 1 {
        requests.push(format!("count {:>200}", "x"));
    }
    requests.into_iter().map(String::into_bytes).collect()
}

fn counter(bug: Bug) -> TestCase<Counter> {
    let make = move || Counter { bug, before: None };
    let fits = |request: &[u8]| request.len() <= 64;
    TestCase::new("counter", PORT, make, Counter::start)
        .sizes(&SIZES)
        .udp_clients(PORT, requests, move |request| answer(request).filter(|_| fits(request)))
        .over_ipv6()
}

/// Shrinks the choice log of the first seed that fails. Returns the verdict of the shrunk log, and
/// its number of lines.
#[track_caller]
fn failure(bug: Bug) -> (Verdict, usize) {
    let case = counter(bug);
    let mut simulator = Simulator::new();
    let failed: Option<Outcome> = (0..1_000).find_map(|seed| {
        simulator.take_seed(seed);
        Some(case.run(&mut simulator)).filter(|outcome| !outcome.verdict.is_pass())
    });
    let failed = failed.expect("a seed fails");
    let shrunk = shrink(&case, &failed.choices, Duration::from_secs(10)).expect("it fails again");
    (shrunk.outcome.verdict, shrunk.choices.len())
}

#[test]
fn a_service_that_answers_each_request_once_passes() {
    let tally = counter(Bug::None).check(0..300);
    assert!(tally.served > 300, "{tally:?}");
}

#[test]
fn bugs_of_a_device_are_found_and_shrunk() {
    let finds = |bug, kind, text: &str| {
        let (verdict, lines) = failure(bug);
        assert!(verdict.kind() == kind && verdict.to_string().contains(text), "{verdict}");
        assert!(lines <= 20, "{verdict}: {lines} lines");
    };
    finds(
        Bug::NeverAnswers,
        Kind::Stuck,
        "UDP client 0 is not answered, 240 s after the last fault",
    );
    finds(Bug::AnswersTwice, Kind::Invariant, "which has no request open");
    finds(Bug::AnswersPreviousClient, Kind::Invariant, "which has no request open");
    finds(Bug::CutsAnswers, Kind::Invariant, " was answered with \"");
    finds(Bug::AcceptsTruncated, Kind::Invariant, "42: ");
}

/// During a flood, the output ring may have no room for an answer. In this case, a missing answer is no error of the
/// device. Without a flood, a missing answer is an error.
#[test]
fn requests_are_lost_only_if_something_loses_them() {
    let tally = counter(Bug::DropsWhenFull).check(0..300);
    assert!(tally.served > 300, "{tally:?}");
}

/// Makes a choice log with a client of this behaviour. The client's first datagram is affected.
fn choice_log_of(behaviour: UdpBehaviour, how: u64) -> String {
    let kind = behaviour.word();
    format!(
        "udp-client kind 0 {kind}\nudp-client severity 0 500\ndatagram affected 0 {how}\n\
         script number 128000 5\n"
    )
}

/// Replays this choice log. Returns the lines of a log observer.
fn lines_of(behaviour: UdpBehaviour, how: u64) -> Vec<String> {
    let (_, lines) = Choice::read_all(&choice_log_of(behaviour, how)).unwrap();
    let mut simulator = Simulator::new();
    let (observer, log): (_, Rc<RefCell<VecDeque<String>>>) = LogObserver::new(1_000);
    simulator.take_choices(&lines);
    simulator.observe(Box::new(observer));
    let outcome = counter(Bug::None).run(&mut simulator);
    assert!(outcome.verdict.is_pass() && outcome.served == 1, "{behaviour:?}: {outcome:?}");
    log.borrow().iter().cloned().collect()
}

#[test]
fn each_behaviour_changes_datagrams_as_documented() {
    let count = |behaviour, how, what: &str| {
        let lines = lines_of(behaviour, how);
        lines.iter().filter(|line| line.contains(what)).count()
    };
    let (request, answer) = (">7200 udp len 11", "to-peer 7200>");
    assert_eq!(count(UdpBehaviour::Loss, 1, request), 1);
    assert_eq!(count(UdpBehaviour::Loss, 1, "sends a request again"), 1);
    assert_eq!(count(UdpBehaviour::Duplication, 1, request), 2);
    assert_eq!(count(UdpBehaviour::Duplication, 1, answer), 2);
    assert_eq!(count(UdpBehaviour::Reordering, 3_000_100, request), 2);
    assert_eq!(count(UdpBehaviour::Reordering, 3_000_100, answer), 2);
    assert_eq!(count(UdpBehaviour::Cut, 4, ">7200 udp len 3"), 1);
    assert_eq!(count(UdpBehaviour::Cut, 4, answer), 1);
    assert_eq!(count(UdpBehaviour::BadChecksum, 1, request), 2);
    assert_eq!(count(UdpBehaviour::BadChecksum, 1, answer), 1);
    assert_eq!(count(UdpBehaviour::Flood, 5, request), 6);
}

fn run_observed(observer: impl Observer + 'static) {
    let (_, lines) = Choice::read_all(&choice_log_of(UdpBehaviour::Loss, 1)).unwrap();
    let mut simulator = Simulator::new();
    simulator.take_choices(&lines);
    simulator.observe(Box::new(observer));
    counter(Bug::None).run(&mut simulator);
}

#[test]
fn captures_and_timelines_have_datagrams_and_clients() {
    let capture = Rc::new(RefCell::new(Capture::new("counter")));
    run_observed(capture.clone());
    let file = String::from_utf8_lossy(&capture.borrow().file()).into_owned();
    assert!(file.contains("UDP client 0 sends a request again, from port "), "{file}");
    assert!(file.contains("5: xxxxx"), "{file}");
    let trace = Rc::new(RefCell::new(Trace::new()));
    run_observed(trace.clone());
    let file = trace.borrow_mut().file();
    for part in
        ["udp 0", "udp len 11", "UDP client 0", "sends a request again", "Counter::requested"]
    {
        assert!(file.contains(part), "{part} is not in {file}");
    }
}
