//! The example `proxy` between misbehaving clients and a server that also misbehaves. Before and after these clients,
//! the server behaves well, and the program is checked.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use rustix::net::sockopt::set_socket_linger;

use super::Soak;
use super::crowd;
use super::program::Program;
use crate::gateway::client::Client;
use crate::pattern::pattern;

/// The maximum number of clients that the program serves when it runs on a host.
const SLOTS: usize = 256;

/// The number of bytes that each well-behaved client sends and receives back.
const BYTES: usize = 10_000;

/// Runs the case.
pub fn run(soak: &Soak) -> Result<()> {
    let server = Server::start(soak.seed())?;
    let to = server.address.to_string();
    let program = Program::start(&soak.program("proxy"), &["--to", &to])?;
    let normal = |address| {
        server.misbehaving.store(false, Ordering::Relaxed);
        let is = normal(address);
        server.misbehaving.store(true, Ordering::Relaxed);
        is
    };
    let request = "what comes back is what was sent\n";
    crowd::check_service(program, request, soak.crowd_duration(), soak.seed(), normal)
}

fn normal(address: SocketAddr) -> Result<()> {
    let mut clients = Vec::new();
    for index in 0..SLOTS {
        let context = || format!("after {index} of {SLOTS} slots");
        let mut client = Client::connect(address).with_context(context)?;
        let bytes = pattern(index as u64, BYTES);
        client.send(&bytes).with_context(context)?;
        client.expect(&bytes).with_context(context)?;
        clients.push(client);
    }
    for client in &mut clients {
        client.end()?;
        client.expect_end()?;
    }
    Ok(())
}

/// An echo server. While `misbehaving` is set, the server misbehaves toward some of its clients. The server's thread
/// ends with this process.
struct Server {
    address: SocketAddr,
    misbehaving: Arc<AtomicBool>,
}

impl Server {
    fn start(seed: u64) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let misbehaving = Arc::new(AtomicBool::new(false));
        let is_misbehaving = Arc::clone(&misbehaving);
        let mut random = Rng::with_seed(!seed);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (misbehaving, random) = (is_misbehaving.load(Ordering::Relaxed), random.fork());
                // A client may leave at any time.
                thread::spawn(move || serve(stream, misbehaving, random));
            }
        });
        Ok(Self { address, misbehaving })
    }
}

fn serve(mut stream: TcpStream, misbehaving: bool, mut random: Rng) -> std::io::Result<()> {
    let choice = if misbehaving { random.u8(..20) } else { u8::MAX };
    let mut pause = || sleep(Duration::from_millis(random.u64(..500)));
    match choice {
        0 => set_socket_linger(&stream, Some(Duration::ZERO)).map_err(Into::into),
        1 => {
            pause();
            set_socket_linger(&stream, Some(Duration::ZERO)).map_err(Into::into)
        }
        // The server reads nothing.
        2 => {
            pause();
            Ok(())
        }
        3 => stream.write_all(&pattern(7, 100_000)),
        4 => {
            stream.shutdown(Shutdown::Write)?;
            pause();
            stream.read(&mut [0; 100]).map(drop)
        }
        _ => {
            let mut buffer = [0; 16_384];
            loop {
                match stream.read(&mut buffer)? {
                    0 => return Ok(()),
                    amount => stream.write_all(&buffer[..amount])?,
                }
            }
        }
    }
}
