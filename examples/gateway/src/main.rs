//! The gateway on a PC: `gateway --console ADDR:PORT --status ADDR:PORT [--collector ADDR:PORT]`.

use std::net::SocketAddr;
use std::process::ExitCode;

use gateway::{CONSOLE_PORT, Gateway, Memory, STATUS_PORT, Setup, temperature};
use picoevent::EventBase;
use static_cell::ConstStaticCell;

const OPTIONS: [&str; 3] = ["--console", "--status", "--collector"];
const USAGE: &str = "\
usage: [--console ADDR:PORT] [--status ADDR:PORT] [--collector ADDR:PORT]   port 0 takes any that is free";

static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());

fn main() -> ExitCode {
    desk::run(|| {
        let Some([console, status, collector]) = desk::addresses(OPTIONS, USAGE)? else {
            return Ok(());
        };
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let console = console.unwrap_or(local(CONSOLE_PORT));
        let status = status.unwrap_or(local(STATUS_PORT));
        let mut app = Gateway::new(Setup { sensor: temperature, collector });
        let mut base = EventBase::new(MEMORY.take());
        let listeners = app.start(&mut base, console, status);
        let [consoles, requests] = listeners.map_err(|error| error.to_string())?;
        let listeners = [("console", console, consoles), ("status", status, requests)];
        desk::run_until_interrupted(&mut base, &mut app, &listeners)
    })
}
