//! The application on a host, with real sockets: `cargo run [ADDR:PORT]`.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use app::{App, CLIENTS, PORT, Storage};
use picoevent::EventBase;
use picoevent_mio::Live;

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), Box<dyn Error>> {
    let address = match std::env::args().nth(1) {
        Some(address) => address.parse()?,
        None => SocketAddr::from(([127, 0, 0, 1], PORT)),
    };
    let mut storage = Storage::new();
    let mut base = EventBase::new(&mut storage);
    let listener = App::start(&mut base, address, CLIENTS)?;
    let mut live = Live::new()?;
    live.settle(&mut base)?; // opens the listener, so its port is known even if the address has port 0
    let address =
        live.local_addr(listener).map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on {address}");
    live.run(&mut base, &mut App::default())?;
    println!("done");
    Ok(())
}
