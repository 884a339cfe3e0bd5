//! Shared code of the examples' programs on a PC: the server's command line, output lines and exit.
//!
//! A server prints `listening on ADDR:PORT` when it listens, then the application's lines, and at the
//! end `done`. With `--record` all that it is fed goes to a file, for replay. An error is one line on
//! standard error, and status 1. A reader that does not read delays nothing: lines are dropped and
//! counted then.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use picoevent::{Cx, EventBase, Listener, SetupError, UdpSocket};
use picoevent_mio::Live;

mod command_line;
mod lines;
pub mod program;
mod queue;
mod recording;

pub use command_line::addresses;
use command_line::{Command, USAGE};
pub use lines::say;
use recording::Recording;

/// The function that starts an application: it listens on an address.
pub type Start<A> = fn(&mut Cx<'_, A>, SocketAddr) -> Result<Listener, SetupError>;

/// Runs an application as a server on `127.0.0.1:port`, or on the address in the command line.
pub fn serve<A>(base: &mut EventBase<'_, A>, app: &mut A, start: Start<A>, port: u16) -> ExitCode {
    run(|| try_serve(base, app, start, Live::local_addr, port))
}

/// The function that starts an application of datagrams: it binds an address.
pub type StartUdp<A> = fn(&mut Cx<'_, A>, SocketAddr) -> Result<UdpSocket, SetupError>;

/// Runs an application as [`serve`] does, with a UDP socket.
pub fn serve_udp<A>(
    base: &mut EventBase<'_, A>,
    app: &mut A,
    start: StartUdp<A>,
    port: u16,
) -> ExitCode {
    run(|| try_serve(base, app, start, Live::udp_local_addr, port))
}

/// Runs a program that writes its lines with [`say`] and with `log`. An error is one line on standard error.
pub fn run(program: impl FnOnce() -> Result<(), String>) -> ExitCode {
    let _lines = match lines::start() {
        Ok(started) => started,
        Err(error) => {
            eprintln!("error: no thread for lines: {error}");
            return ExitCode::FAILURE;
        }
    };
    match program() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            lines::complain(format_args!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn try_serve<A, L: Copy>(
    base: &mut EventBase<'_, A>,
    app: &mut A,
    start: fn(&mut Cx<'_, A>, SocketAddr) -> Result<L, SetupError>,
    local_addr: fn(&Live, L) -> io::Result<SocketAddr>,
    port: u16,
) -> Result<(), String> {
    let options = match command_line::parse(std::env::args_os())? {
        Command::Help => {
            say(format_args!("{USAGE}"));
            return Ok(());
        }
        Command::Serve(options) => options,
    };
    let address = options.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], port)));
    let _recording = options.record.map(|path| Recording::begin(&path, base)).transpose()?;
    picoevent_mio::seed(base).map_err(|error| format!("no random bytes: {error}"))?;
    let listener = start(base, address).map_err(|full| full.to_string())?;
    run_opened(base, app, &[("listening", address, listener)], local_addr)
}

/// Runs the loop of an application until it ends. First one line for each listener says what it is for, and
/// its real address; the address it was given is for the error.
///
/// # Errors
/// One line that says what went wrong.
pub fn run_until_interrupted<A>(
    base: &mut EventBase<'_, A>,
    app: &mut A,
    listeners: &[(&str, SocketAddr, Listener)],
) -> Result<(), String> {
    run_opened(base, app, listeners, Live::local_addr)
}

fn run_opened<A, L: Copy>(
    base: &mut EventBase<'_, A>,
    app: &mut A,
    opened: &[(&str, SocketAddr, L)],
    local_addr: fn(&Live, L) -> io::Result<SocketAddr>,
) -> Result<(), String> {
    let failed = |error: io::Error| format!("the event loop failed: {error}");
    let mut live = Live::new().map_err(|error| format!("no event loop: {error}"))?;
    live.settle(base).map_err(failed)?;
    for (name, wanted, object) in opened {
        let actual = local_addr(&live, *object);
        let actual = actual.map_err(|error| format!("cannot listen on {wanted}: {error}"))?;
        say(format_args!("{name} on {actual}"));
    }
    live.run(base, app).map_err(failed)?;
    say(format_args!("done"));
    Ok(())
}
