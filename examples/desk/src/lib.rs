//! Shared code of the examples' programs on a PC: the server's command line, output lines and exit.
//!
//! A server prints `listening on ADDR:PORT` when it listens, then the application's lines, and `done` when it ends.
//! With `--record` the server writes all its input to a file, for replay. On an error the server prints one line to
//! standard error and exits with status 1. If nobody reads the server's output, the server drops and counts lines, and
//! is not delayed.
//!
//! This crate needs Unix, because it uses picoevent-mio, the back end for a host's sockets. On other systems the crate
//! is empty.

#![cfg(unix)]

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

use command_line::{Command, USAGE};
pub use command_line::{address, addresses, texts};
pub use lines::{print_line, set_clock};
use recording::Recording;

/// The type of a function that starts an application. The function makes the application listen on an address.
pub type Start<A> = fn(&mut Cx<'_, A>, SocketAddr) -> Result<Listener, SetupError>;

/// Runs an application as a server on `127.0.0.1:port`, or on the address in the command line.
pub fn serve<A>(base: &mut EventBase<'_, A>, app: &mut A, start: Start<A>, port: u16) -> ExitCode {
    run(|| try_serve(base, app, start, port))
}

/// The type of a function that starts a UDP application. The function binds the application's UDP socket to an address.
pub type StartUdp<A> = fn(&mut Cx<'_, A>, SocketAddr) -> Result<UdpSocket, SetupError>;

/// Runs a UDP application in the same way as [`serve`].
pub fn serve_udp<A>(
    base: &mut EventBase<'_, A>,
    app: &mut A,
    start: StartUdp<A>,
    port: u16,
) -> ExitCode {
    run(|| try_serve(base, app, start, port))
}

/// Runs a program that writes its lines with [`print_line`] and with `log`. Prints an error as one line on standard
/// error.
pub fn run(program: impl FnOnce() -> Result<(), String>) -> ExitCode {
    let _lines = match lines::start() {
        Ok(guard) => guard,
        Err(error) => {
            eprintln!("error: cannot start a thread for the output: {error}");
            return ExitCode::FAILURE;
        }
    };
    match program() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            lines::print_error_line(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn try_serve<A, L: Into<Port>>(
    base: &mut EventBase<'_, A>,
    app: &mut A,
    start: fn(&mut Cx<'_, A>, SocketAddr) -> Result<L, SetupError>,
    port: u16,
) -> Result<(), String> {
    let options = match command_line::parse(std::env::args_os())? {
        Command::Help => {
            print_line(format_args!("{USAGE}"));
            return Ok(());
        }
        Command::Serve(options) => options,
    };
    let address = options.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], port)));
    let _recording = options.record.map(|path| Recording::begin(&path, base)).transpose()?;
    picoevent_mio::seed(base).map_err(|error| format!("cannot get random bytes: {error}"))?;
    let port = start(base, address).map_err(|full| full.to_string())?.into();
    run_until_interrupted(base, app, &[("listening", address, port)], |_, _| {})
}

/// An open port of a program.
#[derive(Clone, Copy, Debug)]
pub enum Port {
    /// A TCP listener.
    Listener(Listener),
    /// A UDP socket.
    Udp(UdpSocket),
}

impl From<Listener> for Port {
    fn from(listener: Listener) -> Self {
        Self::Listener(listener)
    }
}

impl From<UdpSocket> for Port {
    fn from(socket: UdpSocket) -> Self {
        Self::Udp(socket)
    }
}

/// Runs the loop of an application until the loop ends. Before the loop runs, prints the name and the actual address of
/// each port, and passes the actual addresses to `opened`. If a port cannot be opened, the error contains the requested
/// address.
///
/// # Errors
/// One line that describes the problem.
pub fn run_until_interrupted<A, const N: usize>(
    base: &mut EventBase<'_, A>,
    app: &mut A,
    ports: &[(&str, SocketAddr, Port); N],
    opened: impl FnOnce(&mut A, [SocketAddr; N]),
) -> Result<(), String> {
    let failed = |error: io::Error| format!("the event loop failed: {error}");
    let mut live = Live::new().map_err(|error| format!("cannot make an event loop: {error}"))?;
    live.settle(base).map_err(failed)?;
    let mut addresses = ports.map(|(_, wanted, _)| wanted);
    for ((name, wanted, port), address) in ports.iter().zip(&mut addresses) {
        let actual = match port {
            Port::Listener(listener) => live.local_addr(*listener),
            Port::Udp(socket) => live.udp_local_addr(*socket),
        };
        *address = actual.map_err(|error| format!("cannot listen on {wanted}: {error}"))?;
        print_line(format_args!("{name} on {address}"));
    }
    opened(app, addresses);
    live.run(base, app).map_err(failed)?;
    print_line(format_args!("done"));
    Ok(())
}
