//! The gateway on a PC: `gateway --console ADDR:PORT --status ADDR:PORT [--collector ADDR:PORT]`.

use std::net::SocketAddr;
use std::process::ExitCode;

use gateway::{CONSOLE_PORT, Gateway, Memory, STATUS_PORT, Setup, temperature};
use lexopt::ValueExt;
use picoevent::EventBase;
use picoevent_mio::Live;
use static_cell::ConstStaticCell;

const USAGE: &str = "\
usage: [--console ADDR:PORT] [--status ADDR:PORT] [--collector ADDR:PORT]   port 0 takes any that is free";

static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());

struct Options {
    console: SocketAddr,
    status: SocketAddr,
    collector: Option<SocketAddr>,
}

fn main() -> ExitCode {
    desk::run(|| match options()? {
        Some(options) => serve(&options),
        None => {
            desk::say(format_args!("{USAGE}"));
            Ok(())
        }
    })
}

/// Runs the gateway until it is interrupted.
///
/// # Errors
/// One line that says what went wrong.
fn serve(options: &Options) -> Result<(), String> {
    let seed = std::process::id();
    let mut app = Gateway::new(Setup { sensor: temperature, collector: options.collector, seed });
    let mut base = EventBase::new(MEMORY.take());
    let addresses = [options.console, options.status];
    let listeners = app.start(&mut base, options.console, options.status);
    let listeners = listeners.map_err(|error| error.to_string())?;
    let failed = |error: std::io::Error| format!("the event loop failed: {error}");
    let mut live = Live::new().map_err(failed)?;
    live.settle(&mut base).map_err(failed)?;
    for ((name, wanted), listener) in ["console", "status"].iter().zip(addresses).zip(listeners) {
        let address = live.local_addr(listener);
        let address = address.map_err(|error| format!("cannot listen on {wanted}: {error}"))?;
        desk::say(format_args!("{name} on {address}"));
    }
    live.run(&mut base, &mut app).map_err(failed)?;
    desk::say(format_args!("done"));
    Ok(())
}

/// Reads the command line; `None` if it asks for help.
fn options() -> Result<Option<Options>, String> {
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (console, status) = (local(CONSOLE_PORT), local(STATUS_PORT));
    let mut options = Options { console, status, collector: None };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next().map_err(|error| error.to_string())? {
        use lexopt::Arg::{Long, Short};
        let (name, option) = match argument {
            Short('h') | Long("help") => return Ok(None),
            Long("console") => ("--console", &mut options.console),
            Long("status") => ("--status", &mut options.status),
            Long("collector") => ("--collector", options.collector.insert(local(0))),
            other => return Err(format!("{}; {USAGE}", other.unexpected())),
        };
        let value = arguments.value().map_err(|error| format!("{error}; {USAGE}"))?;
        let value = value.string().map_err(|error| format!("{name}: {error}"))?;
        *option = value.parse().map_err(|_| {
            format!("{name}: {value:?} is not ADDR:PORT, such as 127.0.0.1:2323 or [::1]:2323")
        })?;
    }
    Ok(Some(options))
}
