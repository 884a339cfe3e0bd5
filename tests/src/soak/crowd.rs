//! Runs many misbehaving clients. A seed determines their behaviour.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use fastrand::Rng;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::program::Program;
use crate::gateway::client::{Client, PAUSE};
use crate::misbehaving::{KINDS, Session};

/// The number of threads. In each thread, clients run one after another.
const THREADS: u64 = 16;

/// A service that misbehaving clients use.
pub struct Service {
    /// The address.
    pub address: SocketAddr,
    /// The request that a well-behaved client sends.
    pub request: String,
}

/// Runs misbehaving clients for the time `duration`. In each thread, the seed determines the sequence of services,
/// kinds and random choices. The operating system decides which clients run at the same time.
///
/// # Errors
/// If the limit of descriptors cannot be raised, or no client was able to connect.
pub fn send(services: &[Service], duration: Duration, seed: u64) -> Result<()> {
    raise_descriptors()?;
    let counts = [(); KINDS.len()].map(|()| AtomicU64::new(0));
    let refused = AtomicU64::new(0);
    let until = Instant::now() + duration;
    let run_clients = |thread: u64| {
        let mut random = Rng::with_seed(seed.wrapping_add(thread));
        while Instant::now() < until {
            let service = &services[random.usize(..services.len())];
            let kind = random.usize(..KINDS.len());
            let Ok(client) = Client::connect(service.address) else {
                refused.fetch_add(1, Ordering::Relaxed);
                sleep(PAUSE);
                continue;
            };
            let Service { address, request } = service;
            let run_clients = Session { client, address: *address, request, random: &mut random };
            // The server may end the connection at any time.
            let _ = (KINDS[kind].act)(run_clients);
            counts[kind].fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let run_clients = &run_clients;
        let threads: Vec<_> =
            (0..THREADS).map(|number| scope.spawn(move || run_clients(number))).collect();
        // Wait for all threads.
        let ends: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        ends.into_iter().collect::<Result<(), _>>().map_err(|_| anyhow!("a client panicked"))
    })?;
    for (kind, count) in KINDS.iter().zip(&counts) {
        println!("{:>8}  {}", count.load(Ordering::Relaxed), kind.name);
    }
    println!("{:>8}  could not connect", refused.into_inner());
    ensure!(counts.iter().any(|count| count.load(Ordering::Relaxed) > 0), "no client came through");
    Ok(())
}

/// Runs misbehaving clients against a program with one service. Then checks that the program works as before: `normal`
/// must succeed, no descriptor of a client may stay open, and the program must end cleanly. `normal` must check that
/// the program serves its maximum number of clients.
///
/// # Errors
/// If one of these conditions is not met, or no client was able to connect.
pub fn check_service(
    program: Program,
    request: &str,
    duration: Duration,
    seed: u64,
    normal: impl Fn(SocketAddr) -> Result<()>,
) -> Result<()> {
    // In this first run, the program allocates memory and opens descriptors that it keeps until its end.
    normal(program.address).context("before the misbehaving clients")?;
    let quiet = quiet_descriptors(&program)?;
    let memory = program.memory()?;
    let services = [Service { address: program.address, request: request.to_owned() }];
    send(&services, duration, seed)?;
    normal(program.address).context("after the misbehaving clients")?;
    program.wait_for_descriptors(quiet).context("after the misbehaving clients")?;
    println!("memory: {memory} KiB before, {} KiB after; {quiet} descriptors", program.memory()?);
    program.end()
}

/// Returns the number of descriptors that stay open without clients: the minimum of several measurements.
fn quiet_descriptors(program: &Program) -> Result<usize> {
    let mut minimum = usize::MAX;
    for _ in 0..20 {
        minimum = minimum.min(program.descriptors()?);
        sleep(Duration::from_millis(50));
    }
    Ok(minimum)
}

/// Raises this process's limit on descriptors to the hard limit.
fn raise_descriptors() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .context("cannot raise the limit of descriptors")
}
