//! Servers found by name, on a loop in virtual time.

use fastrand as _;
use picoevent_mio as _;
use time as _;

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use picoevent::{Cx, EventBase, Storage};
use picoevent_dns::{HasResolver, Resolver, ResolverMut};
use picoevent_peers::dns::Question;
use picoevent_peers::ntp;
use picoevent_scripted::{Datagram, Network, Reply};
use picoevent_sntp::{self as sntp, Client, HasClock, SyncError, Synced};

#[derive(Default)]
struct App {
    clock: Client,
    names: Resolver<App, 1, 2>,
    /// The error of each attempt, or `None` if the attempt was successful, and its time in seconds.
    results: Vec<(Option<SyncError>, u64)>,
}

impl HasClock for App {
    fn clock(&mut self) -> &mut Client {
        &mut self.clock
    }

    fn synced(&mut self, cx: &mut Cx<Self>, result: Result<Synced, SyncError>) {
        self.results.push((result.err(), cx.now().as_micros() / 1_000_000));
    }
}

impl HasResolver for App {
    fn resolver(&mut self) -> ResolverMut<'_, Self> {
        self.names.as_mut()
    }
}

type Base<'s> = EventBase<'s, App>;

const NAME: &str = "time.example";
const INTERVAL: Duration = Duration::from_secs(60);

/// The time of day of the servers.
const NOW: u64 = 1_767_225_600_000_000;

/// Runs a test with an application that has a name server.
fn with_base(run: impl FnOnce(&mut Base<'_>, &mut App)) {
    let mut storage = Box::new(Storage::<App, 2, 0, 8_192, 0, 0, 0, 4>::new());
    let mut base = EventBase::new(&mut storage);
    base.seed(&[7; 32]);
    let mut app = App::default();
    app.names.set_servers(&["192.0.2.53:53".parse().unwrap()]);
    run(&mut base, &mut app);
}

/// A network with a name server, whose answers arrive after `delay` and contain the current value of `address`, and
/// with the time server `time`.
fn network(
    delay: Duration,
    address: Rc<Cell<u8>>,
    time: impl Fn(&Datagram) -> Vec<u8> + 'static,
) -> Network {
    Network::new(move |datagram| {
        let (after, bytes) = match Question::read(&datagram.bytes) {
            Some(question) if datagram.server.port() == 53 => {
                (delay, question.addresses(0, &[Ipv4Addr::new(192, 0, 2, address.get())]))
            }
            _ => (Duration::from_millis(1), time(datagram)),
        };
        vec![Reply { after, from: datagram.server, bytes }]
    })
}

/// Returns the answer of a server that sends the time.
fn time(request: &Datagram) -> Vec<u8> {
    ntp::answer(&request.bytes, NOW, NOW)
}

/// Returns the answer of a server that sends a kiss code.
fn kiss_code(request: &Datagram, code: &[u8; 4]) -> Vec<u8> {
    let mut bytes = time(request);
    bytes[1] = 0;
    bytes[12..16].copy_from_slice(code);
    bytes
}

fn run_for(network: &mut Network, base: &mut Base<'_>, app: &mut App, length: Duration) {
    let until = network.now().after(length);
    network.run(base, app, until);
}

/// Returns the number of requests to time servers.
fn requests(network: &Network) -> usize {
    network.received.iter().filter(|datagram| datagram.server.port() == 123).count()
}

#[test]
fn a_server_that_refuses_is_left_out_of_the_addresses_found_later() {
    with_base(|base, app| {
        let address = Rc::new(Cell::new(1));
        let mut network =
            network(Duration::from_millis(1), address.clone(), |request| {
                match request.server.ip().to_string().as_str() {
                    "192.0.2.9" => time(request),
                    _ => kiss_code(request, b"DENY"),
                }
            });
        sntp::start_by_name(app, base, NAME, INTERVAL).unwrap();
        run_for(&mut network, base, app, Duration::from_secs(200));
        assert_eq!(requests(&network), 1, "the server is not asked again");
        let refused = Some(SyncError::Refused);
        assert_eq!(
            app.results,
            [0, 15, 45, 105, 165].map(|second| (refused, second)),
            "the delays are 15, 30, 60 and 60 s"
        );
        // The servers of the name change. The client asks the new servers.
        address.set(2);
        run_for(&mut network, base, app, Duration::from_secs(60));
        assert_eq!((requests(&network), app.results.len()), (2, 6));
        address.set(9);
        run_for(&mut network, base, app, Duration::from_secs(60));
        assert_eq!((requests(&network), app.results[6].0), (3, None));
        address.set(1);
        run_for(&mut network, base, app, Duration::from_secs(120));
        assert_eq!(requests(&network), 3, "the first server is still left out");
        // The application sets the servers, so the refusals are forgotten.
        app.clock.set_servers(&[]);
        sntp::start_by_name(app, base, NAME, INTERVAL).unwrap();
        run_for(&mut network, base, app, Duration::from_secs(1));
        assert_eq!(requests(&network), 4);
    });
}

#[test]
fn a_server_found_by_name_that_limits_the_rate_gets_fewer_requests() {
    with_base(|base, app| {
        let address = Rc::new(Cell::new(1));
        let mut network =
            network(Duration::from_millis(1), address.clone(), |request| {
                match request.server.ip().to_string().as_str() {
                    "192.0.2.1" => kiss_code(request, b"RATE"),
                    _ => time(request),
                }
            });
        sntp::start_by_name(app, base, NAME, INTERVAL).unwrap();
        run_for(&mut network, base, app, Duration::from_secs(400));
        let too_often = Some(SyncError::TooOften);
        assert_eq!(app.results, [(too_often, 0), (too_often, 120), (too_often, 360)]);
        // The next look-up, 480 s later, finds another server. The first server gets no request before its time.
        address.set(2);
        run_for(&mut network, base, app, Duration::from_secs(450));
        assert_eq!(app.results[3..], [(None, 840)]);
    });
}

#[test]
fn a_name_that_is_not_found_is_looked_up_less_and_less_often() {
    with_base(|base, app| {
        let mut network = Network::new(|datagram| {
            let bytes = Question::read(&datagram.bytes).unwrap().no_such_name(0);
            picoevent_scripted::reply(datagram, bytes)
        });
        sntp::start_by_name(app, base, NAME, INTERVAL).unwrap();
        run_for(&mut network, base, app, Duration::from_secs(160));
        let seconds = [0, 15, 45, 105];
        assert_eq!(app.results, seconds.map(|second| (Some(SyncError::NotFound), second)));
    });
}

#[test]
fn a_restart_during_a_look_up_sends_one_request() {
    with_base(|base, app| {
        let mut network = network(Duration::from_millis(300), Rc::new(Cell::new(1)), time);
        for _ in 0..3 {
            sntp::start_by_name(app, base, NAME, INTERVAL).unwrap();
            run_for(&mut network, base, app, Duration::from_millis(50));
            sntp::stop(app, base);
            sntp::start_by_name(app, base, NAME, INTERVAL).unwrap();
            run_for(&mut network, base, app, Duration::from_millis(10));
        }
        run_for(&mut network, base, app, Duration::from_secs(10));
        assert_eq!((requests(&network), app.results.len()), (1, 1));
        let sockets = base.udp_sockets().count();
        sntp::stop(app, base);
        assert_eq!(base.udp_sockets().count(), sockets, "the client has left no socket open");
    });
}

#[test]
fn a_look_up_that_ends_after_a_start_with_addresses_does_not_replace_the_servers() {
    with_base(|base, app| {
        let mut network = network(Duration::from_millis(300), Rc::new(Cell::new(1)), time);
        sntp::start_by_name(app, base, NAME, INTERVAL).unwrap();
        run_for(&mut network, base, app, Duration::from_millis(50));
        app.clock.set_servers(&["192.0.2.123:999".parse().unwrap()]);
        sntp::start(app, base, INTERVAL).unwrap();
        run_for(&mut network, base, app, Duration::from_secs(70));
        assert_eq!(requests(&network), 0);
        assert_eq!(app.results.iter().map(|(error, _)| *error).collect::<Vec<_>>(), [None, None]);
    });
}
