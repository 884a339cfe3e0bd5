//! A client that adds 1 each second, and connects again: `client [ADDR:PORT]`.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{Backoff, ConnEnd, ConnMut, EventBase, Pool, Protocol, Signal, Storage};
use picoevent_mio::Live;

struct App {
    server: SocketAddr,
    backoff: Backoff,
}

struct Uplink;

impl Protocol<App> for Uplink {
    /// A server that says nothing for so long is gone: it should answer each second.
    const IDLE: Option<Duration> = Some(Duration::from_secs(5));
    /// How long a connect may take, and the server may take no bytes.
    const STALL: Option<Duration> = Some(Duration::from_secs(5));

    fn opened(app: &mut App, conn: &mut ConnMut<App>) {
        println!("connected");
        app.backoff.reset();
        conn.alarm_every(Duration::from_secs(1));
    }

    fn alarm(_: &mut App, conn: &mut ConnMut<App>) {
        // If there is no room, the server does not read. STALL sees to that.
        let _ = conn.write(b"1\n");
    }

    fn readable(_: &mut App, conn: &mut ConnMut<App>) {
        let mut buffer = [0; 16];
        while let Some(line) = conn.read_line(&mut buffer) {
            match line {
                Ok(line) => println!("the sum is {line}"),
                Err(error) => println!("the server sent nonsense: {error}"),
            }
        }
    }

    /// The last call for each attempt, whatever has ended it.
    fn ended(app: &mut App, conn: &mut ConnMut<App>, end: ConnEnd) {
        let delay = app.backoff.next_delay(conn.cx());
        println!("not connected ({end}), again in {} ms", delay.as_millis());
        let _ = conn.connect_after(delay, app.server);
    }
}

const UPLINK: Pool = Pool::new(1).rings(32, 32);

fn main() -> Result<(), Box<dyn Error>> {
    let server = std::env::args().nth(1).unwrap_or("127.0.0.1:7000".to_owned()).parse()?;
    let backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(10));
    let mut app = App { server, backoff };

    let mut storage = Storage::<App, 1, { UPLINK.conns() }, { UPLINK.bytes() }>::new();
    let mut base = EventBase::new(&mut storage);
    picoevent_mio::seed(&mut base)?; // the delays are changed at random
    let uplink = base.add_pool(UPLINK)?;
    base.connect::<Uplink>(server, uplink)?;
    base.on_signal(Signal::INT, |_, event| event.exit())?;
    Live::new()?.run(&mut base, &mut app)?;
    Ok(())
}
