//! proxy on a PC: `proxy [--listen ADDR:PORT] --to ADDR:PORT`.

use std::net::SocketAddr;
use std::process::ExitCode;

use picoevent::{EventBase, Pool, Storage};
use proxy::{PORT, Proxy, pools};
use static_cell::ConstStaticCell;

const USAGE: &str = "usage: [--listen ADDR:PORT] --to ADDR:PORT   port 0 takes any that is free";

const CLIENTS: u16 = 256;
/// The size of a ring in bytes. The size is not a power of two, so that the rings of busy connections do not all use
/// the same cache sets.
const RING: usize = 48 * 1024;
const POOLS: [Pool; 2] = pools(CLIENTS, RING);

type App = Proxy<{ CLIENTS as usize }>;
type Memory = Storage<App, 1, { Pool::all_conns(&POOLS) }, { Pool::all_bytes(&POOLS) }, 1, 2>;

static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());

fn main() -> ExitCode {
    desk::run(|| {
        let Some([listen, to]) = desk::addresses(["--listen", "--to"], USAGE)? else {
            return Ok(());
        };
        let to = to.ok_or_else(|| format!("--to is missing; {USAGE}"))?;
        let listen = listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], PORT)));
        let (mut base, mut app) = (EventBase::new(MEMORY.take()), Proxy::new(to));
        let listener = app.start(&mut base, listen, POOLS).map_err(|error| error.to_string())?;
        let ports = [("listening", listen, listener.into())];
        desk::run_until_interrupted(&mut base, &mut app, &ports, |_, _| {})
    })
}
