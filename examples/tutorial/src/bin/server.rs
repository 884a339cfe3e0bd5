//! A server that adds up numbers: `server [ADDR:PORT]`.

use std::error::Error;
use std::net::SocketAddr;

use picoevent::{ConnMut, EventBase, Pool, Protocol, Signal, Storage};
use picoevent_mio::Live;

/// The application's state: one sum for all clients.
struct Sum {
    total: u32,
}

/// What a client's connection does.
struct Client;

impl Protocol<Sum> for Client {
    /// The longest answer: ten digits and the end of the line.
    const ROOM: usize = 11;
    /// Sent to a client that connects while four clients are connected.
    const BUSY: &'static [u8] = b"busy\n";

    fn readable(sum: &mut Sum, conn: &mut ConnMut<Sum>) {
        let mut buffer = [0; 16];
        while let Some(line) = conn.read_line(&mut buffer) {
            // Input that is not a number, or is too long, gets the same answer.
            match line.ok().and_then(|line| line.parse::<u32>().ok()) {
                Some(number) => {
                    sum.total = sum.total.wrapping_add(number);
                    let _ = writeln!(conn, "{}", sum.total);
                }
                None => {
                    let _ = writeln!(conn, "a number?");
                }
            }
        }
    }
}

/// Room for four clients, and a spare connection that tells a fifth client that the server is full. Each connection
/// has a ring of 32 bytes for input, and a ring of 32 bytes for output.
const CLIENTS: Pool = Pool::new(4).rings(32, 32).spare(1);

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:7000".to_owned());
    let address: SocketAddr = address.parse()?;

    let mut storage = Storage::<Sum, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>::new();
    let mut base = EventBase::new(&mut storage);
    let clients = base.add_pool(CLIENTS)?;
    let listener = base.listen::<Client>(address, clients)?;
    base.on_signal(Signal::INT, |_, event| event.exit())?;

    let mut live = Live::new()?;
    live.settle(&mut base)?; // opens the listener, so its port is known even if the address has port 0
    println!("listening on {}", live.local_addr(listener)?);
    live.run(&mut base, &mut Sum { total: 0 })?;
    println!("done");
    Ok(())
}
