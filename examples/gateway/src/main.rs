//! The gateway on a PC: `gateway [--console ADDR:PORT] [--status ADDR:PORT] [--discovery ADDR:PORT]
//! [--collector ADDR:PORT]`.

use std::net::SocketAddr;
use std::process::ExitCode;

use gateway::{CONSOLE_PORT, DISCOVERY_PORT, Gateway, Memory, STATUS_PORT, Setup, temperature};
use picoevent::EventBase;
use static_cell::ConstStaticCell;

const OPTIONS: [&str; 4] = ["--console", "--status", "--discovery", "--collector"];
const USAGE: &str = "\
usage: [--console ADDR:PORT] [--status ADDR:PORT] [--discovery ADDR:PORT] [--collector ADDR:PORT]   port 0 \
takes any that is free";

static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());

fn main() -> ExitCode {
    desk::run(|| {
        let Some([console, status, discovery, collector]) = desk::addresses(OPTIONS, USAGE)? else {
            return Ok(());
        };
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let console = console.unwrap_or(local(CONSOLE_PORT));
        let status = status.unwrap_or(local(STATUS_PORT));
        let discovery = discovery.unwrap_or(local(DISCOVERY_PORT));
        let setup = Setup { name: "gateway", sensor: temperature, collector };
        let mut app = Gateway::new(setup);
        let mut base = EventBase::new(MEMORY.take());
        let listening = app.start(&mut base, console, status, discovery);
        let listening = listening.map_err(|error| error.to_string())?;
        let ports = [
            ("console", console, listening.console.into()),
            ("status", status, listening.status.into()),
            ("discovery", discovery, listening.discovery.into()),
        ];
        desk::run_until_interrupted(&mut base, &mut app, &ports, |app, [console, status, _]| {
            app.set_ports(console.port(), status.port());
        })
    })
}
