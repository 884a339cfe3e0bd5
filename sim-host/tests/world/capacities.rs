//! Tests of a device's capacities: listeners, sockets, rings, and the messages about capacities that are too small.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use picoevent::{ConnMut, Cx, Listener, Pool, Protocol, SetupError, Signal, Storage};
use picoevent_sim::world::{
    AnyTestCase, Config, Kind, Outcome, Script, Simulator, Size, Sockets, TestCase,
};

use crate::lines::{Lines, client};

const GREETING: &[u8] = b"Good day\n";
const PORT: u16 = 7002;

/// A server that greets its clients, at one or two ports.
#[derive(Default)]
struct Greeter {
    /// The number of connections accepted at the second port.
    at_second: Arc<AtomicUsize>,
}

impl Greeter {
    fn start(
        cx: &mut Cx<'_, Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Greets<false>>(address, clients)
    }

    fn start_twice(
        cx: &mut Cx<'_, Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Greets<false>>(address, clients)?;
        let next = SocketAddr::new(address.ip(), address.port() + 1);
        cx.listen::<Greets<true>>(next, clients)
    }
}

struct Greets<const SECOND: bool>;

impl<const SECOND: bool> Protocol<Greeter> for Greets<SECOND> {
    fn opened(app: &mut Greeter, conn: &mut ConnMut<'_, '_, Greeter>) {
        app.at_second.fetch_add(usize::from(SECOND), Ordering::Relaxed);
        let _ = conn.write(GREETING);
        conn.close();
    }

    fn readable(_: &mut Greeter, _: &mut ConnMut<'_, '_, Greeter>) {}
}

fn greeting() -> Script {
    Script::new().expect(GREETING).expect_end()
}

fn two_listeners() -> TestCase<Greeter> {
    TestCase::new("two-listeners", PORT, Greeter::default, Greeter::start_twice)
        .sizes(&Size::standard::<8, 2>())
        .min_sockets(2)
        .min_output_ring(GREETING.len())
        .client(|_| greeting())
}

fn outcome<A: 'static>(case: &TestCase<A>, choice_log: &str) -> Outcome {
    case.replay(choice_log).unwrap()
}

#[test]
fn an_application_with_two_listeners_leaks_no_sockets() {
    let tally = two_listeners().check(0..1_000);
    assert!(tally.served > 1_000, "{tally:?}");
}

#[test]
fn clients_connect_to_the_port_they_are_meant_for() {
    let case = two_listeners().client_at(PORT + 1, |_| greeting());
    let tally = case.check(0..500);
    assert!(tally.served > 500, "{tally:?}");
}

#[test]
fn the_socket_leak_check_fills_every_listener() {
    // There are six sockets, so each of the two listeners has three.
    let count = Arc::new(AtomicUsize::new(0));
    let shared = count.clone();
    let make = move || Greeter { at_second: shared.clone() };
    let case = TestCase::new("two-listeners", PORT, make, Greeter::start_twice)
        .sizes(&Size::standard::<8, 2>())
        .client(|_| greeting());
    let outcome = outcome(&case, "setup socket-leak-check 0 6\n");
    assert!(outcome.verdict.is_pass(), "{}", outcome.verdict);
    assert_eq!(count.load(Ordering::Relaxed), 3);
    assert_eq!(outcome.served, 1 + 3 + 3);
}

/// The adapter reserves a socket for the connection of the third pool, which the application does not use now. So the
/// listener of the first pool cannot get more sockets than its pool has connections.
#[test]
fn a_socket_that_is_reserved_for_another_pool_is_not_missing() {
    const ONE: Pool = Pool::new(1).rings(16, 16);
    const SIX: Pool = Pool::new(6).rings(16, 16);
    type Memory = Storage<Greeter, 4, 8, 256, 2, 3>;
    let start = |cx: &mut Cx<'_, Greeter>, address: SocketAddr, clients: Pool| {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        let [one, six, _] = cx.add_pools([clients, SIX, ONE])?;
        cx.listen::<Greets<false>>(address, one)?;
        cx.listen::<Greets<true>>(SocketAddr::new(address.ip(), address.port() + 1), six)
    };
    for size in [
        Size::of(ONE, Memory::new, Sockets::<8, 64, 64>::new),
        Size::of(ONE, Memory::new, Sockets::<10, 64, 64>::new),
    ] {
        let case = TestCase::new("three-pools", PORT, Greeter::default, start)
            .sizes(&[size])
            .client(|_| greeting())
            .client_at(PORT + 1, |_| greeting());
        case.check(0..300);
        // Four clients connect to the first port at the same time.
        case.check_choices("setup more-clients 0 3\n");
    }
}

#[test]
fn a_backlog_bounds_how_many_clients_may_expect_a_socket() {
    let case = TestCase::new("greeter", PORT, Greeter::default, Greeter::start)
        .config(Config { backlog: 1, ..Config::default() })
        .min_output_ring(GREETING.len())
        .client(|_| greeting());
    case.check(0..500);
}

#[test]
fn an_application_with_more_listeners_than_the_storage_has_room_for_does_not_start() {
    let case = TestCase::new("two-listeners", PORT, Greeter::default, Greeter::start_twice);
    let verdict = outcome(&case, "").verdict;
    assert_eq!(
        verdict.to_string(),
        "invariant: the application cannot start: the listener table is full: raise \
         LISTENERS of the storage; the device has room for 8 events, 4 connections in 1 pools \
         with 4096 bytes of rings, 1 listeners, 0 sources"
    );
}

#[test]
fn an_output_ring_that_is_too_small_is_named() {
    let case = TestCase::new("greeter", PORT, Greeter::default, Greeter::start)
        .sizes(&[Size::of(
            Pool::rest().rings(64, 8),
            Storage::<_, 4, 2, 144>::new,
            Sockets::<3, 64, 64>::new,
        )])
        .client(|_| greeting());
    let verdict = outcome(&case, "").verdict;
    let reason = "the application wrote 9 bytes at once, and the output ring has 8: a test can \
                  leave such devices out with min_output_ring(9)";
    assert!(verdict.to_string().ends_with(reason), "{verdict}");
}

#[test]
fn an_input_ring_that_is_too_small_is_named() {
    let case = TestCase::new("lines", PORT, Lines::default, Lines::start)
        .sizes(&[Size::of(
            Pool::rest().rings(8, 64),
            Storage::<_, 4, 2, 144>::new,
            Sockets::<3, 64, 64>::new,
        )])
        .client(|_| Script::new().send(b"a long line\n").expect(b"11\n"));
    let verdict = outcome(&case, "").verdict;
    assert_eq!(verdict.kind(), Kind::Stuck);
    let reason = "the application took nothing from a full input ring of 8 bytes: if it needs \
                  more at once, a test can leave such devices out with min_input_ring";
    assert!(verdict.to_string().ends_with(reason), "{verdict}");
}

#[test]
fn a_device_with_fewer_sockets_than_listeners_is_named() {
    let case = TestCase::new("two-listeners", PORT, Greeter::default, Greeter::start_twice)
        .sizes(&[Size::of(
            Pool::rest().rings(64, 64),
            Storage::<_, 4, 1, 128, 2>::new,
            Sockets::<1, 64, 64>::new,
        )])
        .client_at(PORT + 1, |_| greeting());
    let verdict = outcome(&case, "").verdict;
    let reason = "the device has 1 sockets for 2 listeners: a test can leave such devices out \
                  with min_sockets(2)";
    assert!(verdict.to_string().ends_with(reason), "{verdict}");
}

#[test]
fn an_application_with_stated_rings_runs_in_the_sizes_that_have_them() {
    TestCase::new("lines", PORT, Lines::default, Lines::start)
        .min_input_ring(21)
        .min_output_ring(3)
        .client(client)
        .check(0..300);
}

#[test]
#[should_panic(expected = "no size has 0 sockets, an input ring of 4096 bytes")]
fn rings_that_no_size_has_are_refused() {
    let case = TestCase::new("lines", PORT, Lines::default, Lines::start).min_input_ring(4096);
    case.run(&mut Simulator::new());
}
