//! The server that adds up numbers, as a library: without hardware access and without the standard library.

#![no_std]

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{ConnMut, Cx, Listener, Pool, Protocol, SetupError, Signal};

/// The port of the server.
pub const PORT: u16 = 7000;

/// The application's state: one sum for all clients.
#[derive(Default)]
pub struct Sum {
    total: u32,
}

impl Sum {
    /// Listens on `address` and handles the interrupt signal. The connections of its clients belong to the
    /// pool `clients`.
    ///
    /// # Errors
    /// [`SetupError`] when the storage has no room for one event, one listener and the pool.
    pub fn start(
        cx: &mut Cx<Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Client>(address, clients)
    }
}

/// What a client's connection does.
pub struct Client;

impl Protocol<Sum> for Client {
    const ROOM: usize = 11;
    const BUSY: &'static [u8] = b"busy\n";
    const IDLE: Option<Duration> = Some(Duration::from_secs(60));
    const STALL: Option<Duration> = Some(Duration::from_secs(60));

    fn readable(sum: &mut Sum, conn: &mut ConnMut<Sum>) {
        let mut buffer = [0; 16];
        while let Some(line) = conn.read_line(&mut buffer) {
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
