//! The client on a loop in virtual time, with servers whose time is known.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{Cx, EventBase, Instant, Storage};
use picoevent_mio as _;
use picoevent_peers::ntp;
use picoevent_scripted::{Heard, Reply, World};
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
const SECOND: &str = "192.0.2.124:123";
const HOUR: Duration = Duration::from_secs(3_600);

/// The time of day at the loop's time zero, in microseconds since 1970.
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

/// Makes the answer of a correct server that received the request and sent the answer at these times of day.
fn answer(heard: &Heard, received: u64, sent: u64) -> Vec<u8> {
    ntp::answer(&heard.bytes, received, sent)
}

/// A server that answers `held` milliseconds after it has received a request. The network delays are `to` and
/// `back` milliseconds.
fn server(to: u64, held: u64, back: u64) -> World {
    World::new(move |heard| vec![delayed(heard, to, held, back, START)])
}

fn delayed(heard: &Heard, to: u64, held: u64, back: u64, start: u64) -> Reply {
    let received = start + heard.at.as_micros() + to * 1_000;
    let bytes = answer(heard, received, received + held * 1_000);
    Reply { after: Duration::from_millis(to + held + back), from: heard.server, bytes }
}

/// A server that sends a kiss code.
fn kiss(code: &'static [u8; 4]) -> impl Fn(&Heard) -> Vec<Reply> {
    move |heard| {
        let mut bytes = answer(heard, START, START);
        bytes[1] = 0;
        bytes[12..16].copy_from_slice(code);
        vec![Reply { after: Duration::from_millis(1), from: heard.server, bytes }]
    }
}

fn run_for(world: &mut World, base: &mut Base<'_>, app: &mut App, seconds: u64) {
    let until = base.now().after(Duration::from_secs(seconds));
    world.run(base, app, until);
}

#[test]
fn the_clock_is_set_within_half_the_round_trip() {
    for (to, held, back) in [(10, 0, 10), (40, 5, 0), (0, 100, 60), (0, 0, 0)] {
        with_base(|base, app| {
            let mut world = server(to, held, back);
            sntp::start(app, base, HOUR).unwrap();
            run_for(&mut world, base, app, 1);
            let (Ok(synced), at) = app.results[0] else { panic!("{:?}", app.results) };
            assert_eq!((synced.step, synced.round_trip.as_millis()), (None, u128::from(to + back)));
            let wall = app.clock.wall(at).unwrap();
            let off = wall.unix_micros().abs_diff(START + at.as_micros());
            assert!(off <= (to + back) * 500 + 1, "{off} µs");
            assert!(u128::from(off) <= wall.error().as_micros(), "{off} µs, {:?}", wall.error());
            assert!(wall.error() <= Duration::from_micros((to + back) * 500 + 102));
        });
    }
}

#[test]
fn the_clock_goes_on_and_says_that_it_becomes_worse() {
    with_base(|base, app| {
        let mut world = server(10, 0, 10);
        assert_eq!(app.clock.wall(Instant::ZERO), None);
        sntp::start(app, base, HOUR).unwrap();
        run_for(&mut world, base, app, 1);
        let (_, at) = app.results[0];
        let [now, later] =
            [at, at.after(Duration::from_secs(1_000))].map(|at| app.clock.wall(at).unwrap());
        assert_eq!(later.unix_micros() - now.unix_micros(), 1_000_000_000);
        assert_eq!((later.error() - now.error()).as_micros(), 100_000);
    });
}

#[test]
fn servers_are_asked_every_interval_from_another_port_and_with_another_number() {
    with_base(|base, app| {
        let mut world = server(10, 0, 10);
        sntp::start(app, base, Duration::from_secs(100)).unwrap();
        run_for(&mut world, base, app, 950);
        assert_eq!((world.heard.len(), app.seconds()[9]), (10, 900));
        let mut ports: Vec<_> = world.heard.iter().map(|heard| heard.from_port).collect();
        ports.dedup();
        assert_eq!(ports.len(), 10);
        let mut numbers: Vec<_> = world.heard.iter().map(|heard| &heard.bytes[40..]).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), 10);
        assert!(
            world.heard.iter().all(|heard| heard.bytes[0] == 0x23 && heard.bytes[1..40] == [0; 39])
        );
        assert_eq!(base.udp_sockets().count(), 0, "it has a socket only while it asks");
    });
}

#[test]
fn an_interval_is_at_least_fifteen_seconds() {
    with_base(|base, app| {
        let mut world = server(10, 0, 10);
        sntp::start(app, base, Duration::ZERO).unwrap();
        run_for(&mut world, base, app, 149);
        assert_eq!(world.heard.len(), 10);
    });
}

#[test]
fn a_better_answer_counts_and_a_worse_one_only_if_the_clock_must_be_wrong() {
    with_base(|base, app| {
        let mut number = 0;
        let mut world = World::new(move |heard| {
            number += 1;
            vec![match number {
                1 => delayed(heard, 100, 0, 0, START), // 50 ms off
                2 => delayed(heard, 5, 0, 5, START),   // better
                3 => delayed(heard, 200, 0, 0, START), // worse
                _ => delayed(heard, 200, 0, 0, START + 9_000_000),
            }]
        });
        sntp::start(app, base, Duration::from_secs(15)).unwrap();
        run_for(&mut world, base, app, 59);
        let steps: Vec<_> = app.results.iter().map(|(result, _)| result.unwrap().step).collect();
        assert_eq!(steps[0], None);
        assert!(steps[1].unwrap().abs_diff(-50_000) < 10, "{steps:?}");
        assert_eq!(steps[2], Some(0));
        assert!(steps[3].unwrap().abs_diff(9_100_000) < 10_000, "{steps:?}");
    });
}

#[test]
fn a_silent_server_is_asked_at_growing_intervals() {
    with_base(|base, app| {
        let mut world = World::new(|_| Vec::new());
        sntp::start(app, base, Duration::from_secs(60)).unwrap();
        run_for(&mut world, base, app, 200);
        assert_eq!(
            app.seconds(),
            [2, 19, 51, 113, 175],
            "two seconds of waiting, and 15, 30, 60, 60"
        );
        assert!(app.errors().iter().all(|error| *error == Some(SyncError::NoAnswer)));
    });
}

#[test]
fn the_next_server_is_asked_soon_when_one_is_silent() {
    with_base(|base, app| {
        app.clock.set_servers(&[addr(SERVER), addr(SECOND)]);
        let mut world = World::new(|heard| match heard.server == addr(SERVER) {
            true => Vec::new(),
            false => vec![delayed(heard, 1, 0, 1, START)],
        });
        sntp::start(app, base, Duration::from_secs(60)).unwrap();
        run_for(&mut world, base, app, 120);
        assert_eq!(app.errors(), [Some(SyncError::NoAnswer), None, None], "and it stays with that");
        assert_eq!(app.seconds()[..2], [2, 4]);
    });
}

#[test]
fn what_is_no_answer_to_the_question_is_ignored() {
    type Lie = fn(&Heard) -> (SocketAddr, Vec<u8>);
    let wrong = |heard: &Heard| answer(heard, START + 77_000_000, START + 77_000_000);
    let lies: [(&str, Lie); 5] = [
        ("from a stranger", |heard| (addr(SECOND), answer(heard, START * 2, START * 2))),
        ("from another port", |heard| {
            (addr("192.0.2.123:124"), answer(heard, START * 2, START * 2))
        }),
        ("another number", |heard| {
            let mut bytes = answer(heard, START * 2, START * 2);
            bytes[31] ^= 1;
            (heard.server, bytes)
        }),
        ("the question", |heard| (heard.server, heard.bytes.clone())),
        ("cut off", |heard| (heard.server, answer(heard, START * 2, START * 2)[..47].to_vec())),
    ];
    for (what, lie) in lies {
        with_base(|base, app| {
            let mut world = World::new(move |heard| {
                let (from, bytes) = lie(heard);
                let lie = Reply { after: Duration::from_millis(1), from, bytes };
                // After the answer, another answer to the same request.
                let mut double = delayed(heard, 1, 0, 3, START);
                double.bytes = wrong(heard);
                vec![lie, delayed(heard, 1, 0, 1, START), double]
            });
            sntp::start(app, base, HOUR).unwrap();
            run_for(&mut world, base, app, 10);
            let wall = app.clock.wall(base.now()).unwrap();
            assert!(wall.unix_micros().abs_diff(START + base.now().as_micros()) < 2_000, "{what}");
            assert_eq!(app.errors(), [None], "{what}");
        });
    }
}

#[test]
fn a_kiss_of_death_is_obeyed() {
    with_base(|base, app| {
        let mut world = World::new(kiss(b"RATE"));
        sntp::start(app, base, Duration::from_secs(16)).unwrap();
        run_for(&mut world, base, app, 200);
        assert_eq!(app.seconds(), [0, 15, 45, 105], "16, 32, 64 and 128, less in the first rounds");
        assert!(app.errors().iter().all(|error| *error == Some(SyncError::TooOften)));
    });
    with_base(|base, app| {
        app.clock.set_servers(&[addr(SERVER), addr(SECOND)]);
        let mut world = World::new(kiss(b"DENY"));
        sntp::start(app, base, Duration::from_secs(16)).unwrap();
        run_for(&mut world, base, app, 10_000);
        let refused = Some(SyncError::Refused);
        assert_eq!(app.errors(), [refused, refused, Some(SyncError::NoServer)]);
        assert_eq!(world.heard.len(), 2, "each is asked once");
    });
}

#[test]
fn a_server_without_the_time_does_not_set_the_clock() {
    with_base(|base, app| {
        let mut world = World::new(|heard| {
            let mut reply = delayed(heard, 1, 0, 1, START);
            reply.bytes[0] |= 3 << 6;
            vec![reply]
        });
        sntp::start(app, base, HOUR).unwrap();
        run_for(&mut world, base, app, 1);
        assert_eq!(app.errors(), [Some(SyncError::Unsynchronized)]);
        assert_eq!(app.clock.wall(base.now()), None);
    });
}

#[test]
fn a_stopped_client_asks_no_more_and_keeps_its_time() {
    with_base(|base, app| {
        let mut world = server(1, 0, 1);
        app.react = Some(sntp::stop);
        sntp::start(app, base, Duration::from_secs(15)).unwrap();
        run_for(&mut world, base, app, 100);
        assert_eq!(
            (world.heard.len(), base.events().count(), base.udp_sockets().count()),
            (1, 0, 0)
        );
        assert!(app.clock.wall(base.now()).is_some());
        // The client can be started again, also while it waits for an answer.
        app.react = None;
        sntp::start(app, base, Duration::from_secs(15)).unwrap();
        sntp::start(app, base, Duration::from_secs(15)).unwrap();
        sntp::stop(app, base);
        sntp::start(app, base, Duration::from_secs(15)).unwrap();
        run_for(&mut world, base, app, 10);
        assert_eq!((app.results.len(), base.events().count()), (2, 1));
    });
}

#[test]
fn what_it_cannot_start_or_ask_with_is_told() {
    let mut storage = Box::new(Storage::<App, 1, 0, 512, 0, 0, 0, 1>::new());
    let mut base = EventBase::new(&mut storage);
    let mut app = App::default();
    assert_eq!(sntp::start(&mut app, &mut base, HOUR), Err(StartError::Unseeded));
    base.seed(&[7; 32]);
    let timer = base.after(HOUR, |_, _| ()).unwrap();
    let full = sntp::start(&mut app, &mut base, HOUR).unwrap_err();
    assert_eq!(full, StartError::Full(picoevent::FullError::Events));
    base.event(timer).unwrap().free();
    let mut world = server(1, 0, 1);
    sntp::start(&mut app, &mut base, HOUR).unwrap();
    run_for(&mut world, &mut base, &mut app, 1);
    app.clock.set_servers(&[addr(SERVER)]);
    base.bind(addr("0.0.0.0:1"), sntp::RINGS, |_, _, _| ()).unwrap();
    sntp::start(&mut app, &mut base, HOUR).unwrap();
    run_for(&mut world, &mut base, &mut app, 1);
    assert_eq!(app.errors(), [Some(SyncError::NoServer), Some(SyncError::NoSocket)]);
}
