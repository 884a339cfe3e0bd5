//! The client on a loop in virtual time, with servers whose time is known.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{Cx, EventBase, Instant, Storage};
use picoevent_mio as _;
use picoevent_peers::ntp;
use picoevent_scripted::{Datagram, Network, Reply};
use picoevent_sntp::{self as sntp, Client, HasClock, StartError, SyncError, Synced};

#[derive(Default)]
struct App {
    clock: Client,
    results: Vec<(Result<Synced, SyncError>, Instant)>,
    react: Option<fn(&mut App, &mut Cx<App>)>,
}

impl HasClock for App {
    fn clock(&mut self) -> &mut Client {
        &mut self.clock
    }

    fn synced(&mut self, cx: &mut Cx<Self>, result: Result<Synced, SyncError>) {
        self.results.push((result, cx.now()));
        if let Some(react) = self.react {
            react(self, cx);
        }
    }
}

impl App {
    fn errors(&self) -> Vec<Option<SyncError>> {
        self.results.iter().map(|(result, _)| result.err()).collect()
    }

    /// Returns the times of all results, in seconds.
    fn seconds(&self) -> Vec<u64> {
        self.results.iter().map(|(_, at)| at.as_micros() / 1_000_000).collect()
    }
}

type Base<'s> = EventBase<'s, App>;

const SERVER: &str = "192.0.2.123:123";
const SECOND_SERVER: &str = "192.0.2.124:123";
const HOUR: Duration = Duration::from_secs(3_600);

/// The time of day at the beginning of a test, when the loop's time is 0; in microseconds since 1970.
const START: u64 = 1_767_225_600_000_000;

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn with_base(run: impl FnOnce(&mut Base<'_>, &mut App)) {
    let mut storage = Box::new(Storage::<App, 1, 0, 512, 0, 0, 0, 2>::new());
    let mut base = EventBase::new(&mut storage);
    base.seed(&[7; 32]);
    let mut app = App::default();
    app.clock.set_servers(&[addr(SERVER)]);
    run(&mut base, &mut app);
}

/// Makes the answer of a server that has received the request at the time of day `received` and sends the answer at the
/// time of day `sent`, in microseconds since 1970.
fn answer(request: &Datagram, received: u64, sent: u64) -> Vec<u8> {
    ntp::answer(&request.bytes, received, sent)
}

/// A server that answers `processing` milliseconds after it has received a request. The network delays are `to` and
/// `back` milliseconds.
fn server(to: u64, processing: u64, back: u64) -> Network {
    Network::new(move |request| vec![delayed(request, to, processing, back, START)])
}

fn delayed(request: &Datagram, to: u64, processing: u64, back: u64, start: u64) -> Reply {
    let received = start + request.at.as_micros() + to * 1_000;
    let bytes = answer(request, received, received + processing * 1_000);
    Reply { after: Duration::from_millis(to + processing + back), from: request.server, bytes }
}

/// A server that sends a kiss code.
fn kiss_code(code: &'static [u8; 4]) -> impl Fn(&Datagram) -> Vec<Reply> {
    move |request| {
        let mut bytes = answer(request, START, START);
        bytes[1] = 0;
        bytes[12..16].copy_from_slice(code);
        vec![Reply { after: Duration::from_millis(1), from: request.server, bytes }]
    }
}

fn run_for(network: &mut Network, base: &mut Base<'_>, app: &mut App, seconds: u64) {
    let until = network.now().after(Duration::from_secs(seconds));
    network.run(base, app, until);
}

#[test]
fn the_clock_is_set_within_half_the_round_trip() {
    for (to, processing, back) in [(10, 0, 10), (40, 5, 0), (0, 100, 60), (0, 0, 0)] {
        with_base(|base, app| {
            let mut network = server(to, processing, back);
            sntp::start(app, base, HOUR).unwrap();
            run_for(&mut network, base, app, 1);
            let (Ok(synced), at) = app.results[0] else { panic!("{:?}", app.results) };
            assert_eq!((synced.step, synced.round_trip.as_millis()), (None, u128::from(to + back)));
            let wall = app.clock.wall(at).unwrap();
            let offset = wall.unix_micros().abs_diff(START + at.as_micros());
            assert!(offset <= (to + back) * 500 + 1, "{offset} µs");
            assert!(
                u128::from(offset) <= wall.error().as_micros(),
                "{offset} µs, {:?}",
                wall.error()
            );
            assert!(wall.error() <= Duration::from_micros((to + back) * 500 + 102));
        });
    }
}

#[test]
fn the_clock_runs_and_its_maximum_error_grows() {
    with_base(|base, app| {
        let mut network = server(10, 0, 10);
        assert_eq!(app.clock.wall(Instant::ZERO), None);
        sntp::start(app, base, HOUR).unwrap();
        run_for(&mut network, base, app, 1);
        let (_, at) = app.results[0];
        let [now, later] =
            [at, at.after(Duration::from_secs(1_000))].map(|at| app.clock.wall(at).unwrap());
        assert_eq!(later.unix_micros() - now.unix_micros(), 1_000_000_000);
        assert_eq!((later.error() - now.error()).as_micros(), 100_000);
    });
}

#[test]
fn a_request_with_another_port_and_nonce_is_sent_in_each_interval() {
    with_base(|base, app| {
        let mut network = server(10, 0, 10);
        sntp::start(app, base, Duration::from_secs(100)).unwrap();
        run_for(&mut network, base, app, 950);
        assert_eq!((network.received.len(), app.seconds()[9]), (10, 900));
        let mut ports: Vec<_> = network.received.iter().map(|request| request.from_port).collect();
        ports.dedup();
        assert_eq!(ports.len(), 10);
        let mut nonces: Vec<_> =
            network.received.iter().map(|request| &request.bytes[40..]).collect();
        nonces.dedup();
        assert_eq!(nonces.len(), 10);
        assert!(
            network
                .received
                .iter()
                .all(|request| request.bytes[0] == 0x23 && request.bytes[1..40] == [0; 39])
        );
        assert_eq!(
            base.udp_sockets().count(),
            0,
            "the client has a socket only while it waits for an answer"
        );
    });
}

#[test]
fn an_interval_is_at_least_fifteen_seconds() {
    with_base(|base, app| {
        let mut network = server(10, 0, 10);
        sntp::start(app, base, Duration::ZERO).unwrap();
        run_for(&mut network, base, app, 149);
        assert_eq!(network.received.len(), 10);
    });
}

#[test]
fn a_less_accurate_answer_is_used_only_if_the_clock_must_be_wrong() {
    with_base(|base, app| {
        let mut count = 0;
        let mut network = Network::new(move |request| {
            count += 1;
            vec![match count {
                1 => delayed(request, 100, 0, 0, START), // an error of 50 ms
                2 => delayed(request, 5, 0, 5, START),   // more accurate
                3 => delayed(request, 200, 0, 0, START), // less accurate
                _ => delayed(request, 200, 0, 0, START + 9_000_000),
            }]
        });
        sntp::start(app, base, Duration::from_secs(15)).unwrap();
        run_for(&mut network, base, app, 59);
        let steps: Vec<_> = app.results.iter().map(|(result, _)| result.unwrap().step).collect();
        assert_eq!(steps[0], None);
        assert!(steps[1].unwrap().abs_diff(-50_000) < 10, "{steps:?}");
        assert_eq!(steps[2], Some(0));
        assert!(steps[3].unwrap().abs_diff(9_100_000) < 10_000, "{steps:?}");
    });
}

#[test]
fn requests_to_a_silent_server_have_growing_intervals() {
    with_base(|base, app| {
        let mut network = Network::new(|_| Vec::new());
        sntp::start(app, base, Duration::from_secs(60)).unwrap();
        run_for(&mut network, base, app, 200);
        assert_eq!(
            app.seconds(),
            [2, 19, 51, 113, 175],
            "each attempt takes 2 s; the delays are 15, 30, 60 and 60 s"
        );
        assert!(app.errors().iter().all(|error| *error == Some(SyncError::NoAnswer)));
    });
}

#[test]
fn the_next_server_gets_a_request_soon_if_one_is_silent() {
    with_base(|base, app| {
        app.clock.set_servers(&[addr(SERVER), addr(SECOND_SERVER)]);
        let mut network = Network::new(|request| match request.server == addr(SERVER) {
            true => Vec::new(),
            false => vec![delayed(request, 1, 0, 1, START)],
        });
        sntp::start(app, base, Duration::from_secs(60)).unwrap();
        run_for(&mut network, base, app, 120);
        assert_eq!(
            app.errors(),
            [Some(SyncError::NoAnswer), None, None],
            "the client keeps the server that answers"
        );
        assert_eq!(app.seconds()[..2], [2, 4]);
    });
}

#[test]
fn a_datagram_that_does_not_answer_the_request_is_ignored() {
    type Forgery = fn(&Datagram) -> (SocketAddr, Vec<u8>);
    let wrong = |request: &Datagram| answer(request, START + 77_000_000, START + 77_000_000);
    let forgeries: [(&str, Forgery); 5] = [
        ("from another host", |request| {
            (addr(SECOND_SERVER), answer(request, START * 2, START * 2))
        }),
        ("from another port", |request| {
            (addr("192.0.2.123:124"), answer(request, START * 2, START * 2))
        }),
        ("another nonce", |request| {
            let mut bytes = answer(request, START * 2, START * 2);
            bytes[31] ^= 1;
            (request.server, bytes)
        }),
        ("the request itself", |request| (request.server, request.bytes.clone())),
        ("truncated", |request| {
            (request.server, answer(request, START * 2, START * 2)[..47].to_vec())
        }),
    ];
    for (what, forgery) in forgeries {
        with_base(|base, app| {
            let mut network = Network::new(move |request| {
                let (from, bytes) = forgery(request);
                let forged = Reply { after: Duration::from_millis(1), from, bytes };
                // After the correct answer, the server sends a wrong answer to the same request.
                let mut duplicate = delayed(request, 1, 0, 3, START);
                duplicate.bytes = wrong(request);
                vec![forged, delayed(request, 1, 0, 1, START), duplicate]
            });
            sntp::start(app, base, HOUR).unwrap();
            run_for(&mut network, base, app, 10);
            let wall = app.clock.wall(base.now()).unwrap();
            assert!(wall.unix_micros().abs_diff(START + base.now().as_micros()) < 2_000, "{what}");
            assert_eq!(app.errors(), [None], "{what}");
        });
    }
}

#[test]
fn kiss_codes_are_obeyed() {
    with_base(|base, app| {
        let mut network = Network::new(kiss_code(b"RATE"));
        sntp::start(app, base, Duration::from_secs(16)).unwrap();
        run_for(&mut network, base, app, 200);
        assert_eq!(app.seconds(), [0, 32, 96], "the interval of 16 s is doubled each time");
        assert!(app.errors().iter().all(|error| *error == Some(SyncError::TooOften)));
    });
    with_base(|base, app| {
        app.clock.set_servers(&[addr(SERVER), addr(SECOND_SERVER)]);
        let mut network = Network::new(kiss_code(b"DENY"));
        sntp::start(app, base, Duration::from_secs(16)).unwrap();
        run_for(&mut network, base, app, 10_000);
        let refused = Some(SyncError::Refused);
        assert_eq!(app.errors(), [refused, refused, Some(SyncError::NoServer)]);
        assert_eq!(network.received.len(), 2, "each server gets one request");
    });
}

#[test]
fn a_server_that_limits_the_rate_keeps_its_longer_interval() {
    with_base(|base, app| {
        let mut count = 0;
        let mut network = Network::new(move |request| {
            count += 1;
            match count {
                1 => kiss_code(b"RATE")(request),
                _ => vec![delayed(request, 1, 0, 1, START)],
            }
        });
        sntp::start(app, base, Duration::from_secs(100)).unwrap();
        run_for(&mut network, base, app, 650);
        assert_eq!(app.seconds(), [0, 200, 400, 600]);
        // A new start does not shorten the interval.
        sntp::start(app, base, Duration::from_secs(100)).unwrap();
        run_for(&mut network, base, app, 100);
        assert_eq!(network.received.len(), 4);
        run_for(&mut network, base, app, 60);
        assert_eq!(app.seconds()[4..], [800]);
    });
}

#[test]
fn the_interval_of_a_server_that_limits_the_rate_is_at_most_36_hours() {
    with_base(|base, app| {
        let mut network = Network::new(kiss_code(b"RATE"));
        sntp::start(app, base, Duration::from_secs(1 << 16)).unwrap();
        run_for(&mut network, base, app, 300_000);
        assert_eq!(app.seconds(), [0, 1 << 17, 1 << 18]);
        // A longer interval of the application stays.
        app.results.clear();
        app.clock.set_servers(&[addr(SERVER)]);
        sntp::start(app, base, Duration::from_secs(200_000)).unwrap();
        run_for(&mut network, base, app, 500_000);
        assert_eq!(app.seconds(), [300_000, 500_000, 700_000]);
    });
}

#[test]
fn a_server_that_limits_the_rate_does_not_slow_the_others() {
    with_base(|base, app| {
        app.clock.set_servers(&[addr(SERVER), addr(SECOND_SERVER)]);
        let mut network = Network::new(|request| match request.server == addr(SERVER) {
            true => kiss_code(b"RATE")(request),
            false => vec![delayed(request, 1, 0, 1, START)],
        });
        sntp::start(app, base, Duration::from_secs(60)).unwrap();
        run_for(&mut network, base, app, 130);
        assert_eq!(app.errors(), [Some(SyncError::TooOften), None, None, None]);
        assert_eq!(app.seconds(), [0, 2, 62, 122]);
    });
}

#[test]
fn a_server_without_the_time_does_not_set_the_clock() {
    with_base(|base, app| {
        let mut network = Network::new(|request| {
            let mut reply = delayed(request, 1, 0, 1, START);
            reply.bytes[0] |= 3 << 6;
            vec![reply]
        });
        sntp::start(app, base, HOUR).unwrap();
        run_for(&mut network, base, app, 1);
        assert_eq!(app.errors(), [Some(SyncError::Unsynchronized)]);
        assert_eq!(app.clock.wall(base.now()), None);
    });
}

#[test]
fn a_stopped_client_sends_no_requests_and_keeps_its_time() {
    with_base(|base, app| {
        let mut network = server(1, 0, 1);
        app.react = Some(sntp::stop);
        sntp::start(app, base, Duration::from_secs(15)).unwrap();
        run_for(&mut network, base, app, 100);
        assert_eq!(
            (network.received.len(), base.events().count(), base.udp_sockets().count()),
            (1, 0, 0)
        );
        assert!(app.clock.wall(base.now()).is_some());
        // The client can be started again, even while it waits for an answer.
        app.react = None;
        sntp::start(app, base, Duration::from_secs(15)).unwrap();
        sntp::start(app, base, Duration::from_secs(15)).unwrap();
        sntp::stop(app, base);
        sntp::start(app, base, Duration::from_secs(15)).unwrap();
        run_for(&mut network, base, app, 10);
        assert_eq!((app.results.len(), base.events().count()), (2, 1));
    });
}

#[test]
fn a_missing_seed_event_server_or_socket_is_reported() {
    let mut storage = Box::new(Storage::<App, 1, 0, 512, 0, 0, 0, 1>::new());
    let mut base = EventBase::new(&mut storage);
    let mut app = App::default();
    assert_eq!(sntp::start(&mut app, &mut base, HOUR), Err(StartError::Unseeded));
    base.seed(&[7; 32]);
    let timer = base.after(HOUR, |_, _| ()).unwrap();
    let full = sntp::start(&mut app, &mut base, HOUR).unwrap_err();
    assert_eq!(full, StartError::Full(picoevent::FullError::Events));
    base.event(timer).unwrap().free();
    let mut network = server(1, 0, 1);
    sntp::start(&mut app, &mut base, HOUR).unwrap();
    run_for(&mut network, &mut base, &mut app, 1);
    app.clock.set_servers(&[addr(SERVER)]);
    base.bind(addr("0.0.0.0:1"), sntp::RINGS, |_, _, _| ()).unwrap();
    sntp::start(&mut app, &mut base, HOUR).unwrap();
    run_for(&mut network, &mut base, &mut app, 1);
    assert_eq!(app.errors(), [Some(SyncError::NoServer), Some(SyncError::NoSocket)]);
}
