//! The server that adds up numbers, on a host: `tutorial [ADDR:PORT]`.

use std::error::Error;
use std::net::SocketAddr;

use picoevent::{EventBase, Pool, Storage};
use picoevent_mio::Live;
use tutorial::{PORT, Sum};

/// A host has room for more clients than a board.
const CLIENTS: Pool = Pool::new(64).rings(32, 32).spare(1);

fn main() -> Result<(), Box<dyn Error>> {
    let address = match std::env::args().nth(1) {
        Some(address) => address.parse()?,
        None => SocketAddr::from(([127, 0, 0, 1], PORT)),
    };
    let mut storage = Storage::<Sum, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>::new();
    let mut base = EventBase::new(&mut storage);
    let listener = Sum::start(&mut base, address, CLIENTS)?;
    let mut live = Live::new()?;
    live.settle(&mut base)?;
    println!("listening on {}", live.local_addr(listener)?);
    live.run(&mut base, &mut Sum::default())?;
    println!("done");
    Ok(())
}
