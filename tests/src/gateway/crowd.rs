//! Checks with misbehaving clients, and with clients that connect and disconnect fast. After these clients, service
//! must be normal.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use fastrand::Rng;

use super::Gateway;
use super::client::{Client, LIMIT, PAUSE};
use super::collector::{Collector, EndBy, Record};
use super::console::{self, SLOTS};
use super::http::{self, GET, Response};
use super::uplink::{confirmed_so_far, restart_collector};
use crate::misbehaving::{KINDS, SHORT_LIVED, Session};

/// The number of misbehaving clients.
const MISBEHAVING_CLIENTS: usize = 50;

/// The number of clients that connect and disconnect.
const CROWD: usize = 30;

/// The time for which the collector is down while the clients of `CROWD` connect and disconnect.
const DOWNTIME: Duration = Duration::from_secs(2);

/// The number of samples that must arrive after the collector's restart. `SAMPLES_LIMIT` is their time limit. The
/// gateway takes the samples in three seconds. On a busy host, the samples may arrive later.
const SAMPLES: usize = 30;
const SAMPLES_LIMIT: Duration = Duration::from_secs(30);

/// Runs fifty misbehaving clients on both ports at once. After that, each client runs a second time. In the second run,
/// the gateway first serves a good request of the client, and then the client misbehaves.
///
/// # Errors
/// If the gateway never serves one of these clients, or service is not normal afterwards.
pub fn misbehaving_clients(gateway: &Gateway<'_>) -> Result<()> {
    let request = requests();
    let act = |number: usize, address, client: Client| {
        let random = &mut Rng::with_seed(number as u64);
        let visit = Session { client, address, request: &request, random };
        // The gateway may refuse or reset the client, so errors are ignored.
        let _ = (KINDS[number % SHORT_LIVED].act)(visit);
    };
    let without_slot = |number: usize| {
        for address in [gateway.console, gateway.status] {
            if let Ok(client) = Client::connect(address) {
                act(number, address, client);
            }
        }
        Ok(())
    };
    at_once(0..MISBEHAVING_CLIENTS, &without_slot)?;
    let served = |number: usize| -> Result<()> {
        act(number, gateway.console, console::open(gateway.console)?);
        act(number, gateway.status, http::open(gateway.status)?.0);
        Ok(())
    };
    for first in (0..MISBEHAVING_CLIENTS).step_by(SLOTS) {
        at_once(first..first + SLOTS, &served)?;
    }
    is_normal(gateway)
}

/// Returns the requests that clients of the console and of the status server send.
pub fn requests() -> String {
    format!("get samples\nget nothing\nwatch\nget temp\n{GET}")
}

/// Runs `work` for each number, each time in a separate thread.
fn at_once(numbers: Range<usize>, work: &(impl Fn(usize) -> Result<()> + Sync)) -> Result<()> {
    thread::scope(|scope| {
        let threads: Vec<_> = numbers.map(|number| scope.spawn(move || work(number))).collect();
        threads.into_iter().try_for_each(join_client)
    })
}

/// Checks that both ports serve the maximum number of clients at once.
///
/// # Errors
/// If one of these clients is not served.
pub fn is_normal(gateway: &Gateway<'_>) -> Result<()> {
    let mut consoles = Vec::new();
    let mut statuses = Vec::new();
    for index in 0..SLOTS {
        let context = || format!("after {index} of {SLOTS} slots");
        consoles.push(console::open(gateway.console).with_context(context)?);
        statuses.push(http::open(gateway.status).with_context(context)?.0);
    }
    for client in &mut consoles {
        client.send("get nothing\nquit\n")?;
        client.expect("error: no such key\r\nbye\r\n")?;
        client.expect_end()?;
    }
    for client in &mut statuses {
        client.send(GET)?;
        Response::receive(client)?.status()?;
    }
    Ok(())
}

/// Makes thirty clients connect and disconnect as fast as they can, while the collector is ended and restarted. The
/// uplink must reconnect in time, and must keep working while the clients connect.
///
/// # Errors
/// If the uplink does not reconnect in time, if a client gets a wrong answer, or if service is not normal afterwards.
pub fn connect_and_disconnect(gateway: &Gateway<'_>, collector: &mut Collector) -> Result<()> {
    let (is_over, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    let visit = |number: usize| -> Result<()> {
        while !is_over.load(Ordering::Relaxed) {
            let is_served = match number % 2 {
                0 => console::try_open(gateway.console)?.is_some(),
                _ => http::try_open(gateway.status)?.is_some(),
            };
            match is_served {
                true => drop(served.fetch_add(1, Ordering::Relaxed)),
                false => thread::sleep(PAUSE),
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let visiting: Vec<_> =
            (0..CROWD).map(|number| scope.spawn(move || visit(number))).collect();
        let uplink = restart_collector(collector, EndBy::Close, DOWNTIME).and_then(|before| {
            let wanted = before.samples.len() + SAMPLES;
            let has_enough = |record: &Record| record.samples.len() >= wanted;
            collector.wait_for("samples during the crowd", SAMPLES_LIMIT, has_enough)
        });
        let deadline = Instant::now() + LIMIT;
        while served.load(Ordering::Relaxed) < CROWD && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
        is_over.store(true, Ordering::Relaxed);
        let results = visiting.into_iter().try_for_each(join_client);
        uplink.map(drop).and(results)
    })?;
    let served = served.into_inner();
    ensure!(served >= CROWD, "{served} clients were served in the crowd");
    is_normal(gateway)?;
    confirmed_so_far(gateway, collector).map(drop)
}

/// Returns the result of a client's thread.
fn join_client(thread: ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|_| Err(anyhow!("a client panicked")))
}
