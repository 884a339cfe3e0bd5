//! Many misbehaving clients. A seed determines what they do.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use fastrand::Rng;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::program::Program;
use crate::gateway::client::{Client, PAUSE};
use crate::rude::{KINDS, Visit};

/// The number of threads. In each thread, clients run one after another.
const THREADS: u64 = 16;

/// A service that misbehaving clients use.
pub struct Service {
    /// The address.
    pub address: SocketAddr,
    /// The request that a well-behaved client sends.
    pub request: String,
}

/// Runs misbehaving clients for the time `lasts`. In each thread, the seed determines the sequence of services, kinds
/// and random choices. The operating system decides which clients run at the same time.
///
/// # Errors
/// If this process has too few descriptors, or no client was able to connect.
pub fn send(services: &[Service], lasts: Duration, seed: u64) -> Result<()> {
    raise_descriptors()?;
    let counts = [(); KINDS.len()].map(|()| AtomicU64::new(0));
    let refused = AtomicU64::new(0);
    let until = Instant::now() + lasts;
    let visit = |thread: u64| {
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
            let visit = Visit { client, address: *address, request, random: &mut random };
            // The server may end the connection at any time.
            let _ = (KINDS[kind].act)(visit);
            counts[kind].fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let visit = &visit;
        let threads: Vec<_> =
            (0..THREADS).map(|number| scope.spawn(move || visit(number))).collect();
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

/// Runs misbehaving clients against a program with one service, then checks that the program works as before.
/// `normal` must check that the program serves its maximum number of clients. In addition, no descriptor of a client
/// may stay open, and the program must end cleanly.
///
/// # Errors
/// If one of these conditions is not met, or no client was able to connect.
pub fn survives(
    program: Program,
    request: &str,
    lasts: Duration,
    seed: u64,
    normal: impl Fn(SocketAddr) -> Result<()>,
) -> Result<()> {
    // This first run lets the program allocate memory and open descriptors that it then keeps.
    normal(program.address).context("before the rude clients")?;
    let quiet = quiet_descriptors(&program)?;
    let memory = program.memory()?;
    let services = [Service { address: program.address, request: request.to_owned() }];
    send(&services, lasts, seed)?;
    normal(program.address).context("after the rude clients")?;
    program.wait_for_descriptors(quiet).context("after the rude clients")?;
    println!("memory: {memory} KiB before, {} KiB after; {quiet} descriptors", program.memory()?);
    program.end()
}

/// Returns the number of descriptors that stay open without clients: the minimum of several measurements.
fn quiet_descriptors(program: &Program) -> Result<usize> {
    let mut fewest = usize::MAX;
    for _ in 0..20 {
        fewest = fewest.min(program.descriptors()?);
        sleep(Duration::from_millis(50));
    }
    Ok(fewest)
}

/// Raises this process's limit on descriptors to the hard limit.
fn raise_descriptors() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .context("cannot raise the limit of descriptors")
}
