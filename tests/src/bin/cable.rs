//! The process on the other side of a board's cable for `cargo xtask qemu --faults`: a network peer, a cable with
//! faults, and a host port that is forwarded to the board.
//!
//! Prints the host port when everything is ready, and ends when its standard input ends.

use std::cell::RefCell;
use std::io::{Read, Write, stdin, stdout};
use std::net::{SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result};
use clap::Parser;
use picoevent_sim::observers::Capture;
use picoevent_sim::world::{Cable, Scenario, seed};
use picoevent_tests::board::{ADDRESS, LASTING, PORT};
use picoevent_tests::dhcp::Policy;
use picoevent_tests::peer::Peer;
use picoevent_tests::wire::Wire;

/// The time limit of one step of the peer. It is also the longest delay of a byte from the host.
const STEP: Duration = Duration::from_millis(2);

static OVER: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the peer at the other end of a board's wire, adds faults to the wire, and forwards a port to the board
#[derive(Parser)]
struct Options {
    /// The socket of this end of the wire
    near: PathBuf,
    /// The socket of the board's end of the wire
    far: PathBuf,
    /// The port of this machine that is forwarded to the board, or 0 for any free port
    port: u16,
    /// The scenario with the faults of the wire
    #[arg(long)]
    faults: Option<PathBuf>,
    /// The file for a capture of the frames
    #[arg(long)]
    pcap: Option<PathBuf>,
    /// The seed of the faults
    #[arg(long, default_value = "0", value_parser = seed::parse)]
    seed: u64,
}

fn run() -> Result<()> {
    let Options { near, far, port, faults, pcap, seed } = Options::parse();
    let mut cable = Cable::new(&scenario(faults.as_deref())?, seed);
    let capture = pcap.map(|path| (path, Rc::new(RefCell::new(Capture::new("under QEMU")))));
    if let Some((path, capture)) = &capture {
        // Write to the file before the run, so that an error is reported at once.
        fs::write(path, b"").with_context(|| format!("cannot write {}", path.display()))?;
        cable.observe(Box::new(capture.clone()));
    }
    let mut wire = Wire::bind(&near, &far)?;
    wire.add_cable(cable);
    let mut peer = Peer::new(wire);
    peer.serve_dhcp(Policy::Grant(LASTING));
    let listener = TcpListener::bind(("127.0.0.1", port))
        .with_context(|| format!("port {port} of 127.0.0.1 is not free: choose one with --port"))?;
    let port = listener.local_addr()?.port();
    peer.forward(listener, SocketAddrV4::new(ADDRESS, PORT))?;
    writeln!(stdout(), "{port}")?;
    thread::spawn(|| {
        // The program ends when its standard input ends or cannot be read.
        let _ = stdin().read_to_end(&mut Vec::new());
        OVER.store(true, Ordering::SeqCst);
    });
    while !OVER.load(Ordering::SeqCst) {
        peer.step(STEP);
    }
    if let Some((path, capture)) = &capture {
        let file = capture.borrow().file();
        fs::write(path, file).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn scenario(path: Option<&Path>) -> Result<Scenario> {
    let Some(path) = path else { return Ok("".parse()?) };
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    text.parse().with_context(|| format!("{name} is not a scenario"))
}
