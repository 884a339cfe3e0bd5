//! Tests of the gateway on boards. The gateway's clients and its collector are on the host.
//!
//! ```text
//!   check ── 127.0.0.1 ── Forward × 2, Datagrams ──┐
//!                                                  ├── peer ═══ wire ═══ QEMU ── firmware
//!   collector ── 127.0.0.1 ── Reverse ─────────────┘
//! ```
//!
//! The system chooses free host ports. The timeouts are checked in a separate test, with the feature `slow`.
//!
//! `cargo xtask test` builds the firmware. Then the following command runs the tests of the gateway, including the slow
//! test:
//!
//! ```text
//! PICOEVENT_FIRMWARE=$PWD/examples/boards/target/firmware cargo test --package picoevent-tests \
//!     --features slow --test qemu gateway -- --ignored --nocapture
//! ```

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use picoevent_peers::dns::Question;
use picoevent_peers::ntp;
use picoevent_tests::board::{ADDRESS, Board};
use picoevent_tests::broker::Broker;
use picoevent_tests::gateway::Gateway;
use picoevent_tests::gateway::collector::Collector;
use picoevent_tests::peer::ADDRESS as PEER;
use xtask::firmware::GATEWAY_AS_TASKS;
use xtask::qemu::Machine;

/// The ports of the gateway, and the port of the collector at the peer.
const CONSOLE: u16 = 2323;
const STATUS: u16 = 8080;
const DISCOVERY: u16 = 2324;
const COLLECTOR: u16 = 2325;
/// The port of the gateway's broker at the peer.
const BROKER: u16 = 1883;
/// The time limit of each wait. The limit only ends a test that hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Boots a gateway, runs `check` on the gateway, and ends the gateway.
fn with_gateway(
    machine: Machine,
    program: &str,
    check: impl FnOnce(&Gateway<'_>, &mut Collector) -> Result<()> + Send,
) -> Result<()> {
    with_gateway_and(machine, program, None, check)
}

/// Runs `check` like [`with_gateway`], with a broker at the peer.
fn with_gateway_and(
    machine: Machine,
    program: &str,
    broker: Option<&Broker>,
    check: impl FnOnce(&Gateway<'_>, &mut Collector) -> Result<()> + Send,
) -> Result<()> {
    let mut collector = Collector::start()?;
    let mut board = Board::boot(machine, program)?;
    board.peer.reverse(COLLECTOR, collector.address());
    if let Some(broker) = broker {
        board.peer.reverse(BROKER, broker.address());
    }
    let (console, status) = (board.forward(CONSOLE)?, board.forward(STATUS)?);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let discovery = socket.local_addr()?;
    board.peer.forward_datagrams(socket, SocketAddrV4::new(ADDRESS, DISCOVERY))?;
    let outcome = board.attend(|guest| {
        let uart = Mutex::new(guest.uart()?);
        let press = || uart.lock().map_or(Ok(()), |mut uart| uart.press_button());
        let ports = [CONSOLE, STATUS];
        let gateway = Gateway { console, status, discovery, ports, press: &press };
        check(&gateway, &mut collector)?;
        gateway.check_end(|| guest.interrupt())
    });
    outcome.map_err(|error| error.context(board.report()))?;
    let status = board.wait_exit()?;
    ensure!(status == 0, "it ended with status {status}{}", board.report());
    Ok(())
}

fn on_the_loop(machine: Machine) -> Result<()> {
    with_gateway(machine, "gateway", |gateway, collector| gateway.check(collector))
}

fn as_tasks(machine: Machine) -> Result<()> {
    with_gateway(machine, GATEWAY_AS_TASKS, |gateway, collector| gateway.check(collector))
}

/// The gateway receives the address of its name server by DHCP. It requests the time server's address from the name
/// server, and sets its clock from the time server.
#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn mps2_an385_uses_the_name_server_of_its_lease() -> Result<()> {
    const NOW: u64 = 1_796_083_200_000_000;
    let mut board = Board::boot(Machine::Mps2An385, "gateway-online")?;
    let options = Arc::new(Mutex::new(Vec::new()));
    let names = options.clone();
    board.peer.answer(
        53,
        Box::new(move |bytes| {
            let question = Question::read(bytes)?;
            let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
            names.push(question.name.to_ascii_lowercase());
            Some(question.addresses(60, &[PEER]))
        }),
    );
    board.peer.answer(123, Box::new(|bytes| Some(ntp::answer(bytes, NOW, NOW))));
    board.wait_for("the clock is set")?;
    let options = options.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(options.first().is_some_and(|name| name == "pool.ntp.org"), "it asked for {options:?}");
    Ok(())
}

/// Runs the whole check of the gateway, on a gateway that also uses DNS, SNTP and an MQTT broker. Then checks what
/// the broker has received.
fn online(machine: Machine) -> Result<()> {
    let broker = Broker::start()?;
    with_gateway_and(machine, "gateway-online", Some(&broker), |gateway, collector| {
        gateway.check(collector)?;
        broker.wait_for("samples", LIMIT, |model| {
            let samples = model.deliveries().iter().filter(|held| held.topic == "gateway/sample");
            model.retained("gateway/state") == Some(b"online") && samples.count() > 5
        })?;
        broker.publish("gateway/set/k1", b"red");
        broker.wait_for("acknowledgement", LIMIT, |model| model.unacknowledged() == 0)
    })?;
    broker.wait_for("goodbye", LIMIT, |model| {
        model.wills == 0 && model.retained("gateway/state") == Some(b"gone")
    })
}

on_each_machine!(on_the_loop);
on_each_cortex_m3!(online, as_tasks);

/// This test takes two minutes, and waits most of the time.
#[cfg(feature = "slow")]
#[test]
#[ignore = "needs firmware: cargo xtask test builds it"]
fn mps2_an385_keeps_the_timeouts_as_tasks() -> Result<()> {
    with_gateway(Machine::Mps2An385, GATEWAY_AS_TASKS, |gateway, collector| {
        gateway.check_timeouts(collector)
    })
}
