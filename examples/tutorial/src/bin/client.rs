//! A client that adds 1 each second, and reconnects: `client [ADDR:PORT]`.

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
    /// The server should answer each second. If it sends nothing for this long, treat it as gone.
    const IDLE: Option<Duration> = Some(Duration::from_secs(5));
    /// The longest time for a connect, and the longest time in which the server accepts no bytes.
    const STALL: Option<Duration> = Some(Duration::from_secs(5));

    fn opened(_: &mut App, conn: &mut ConnMut<App>) {
        println!("connected");
        conn.alarm_every(Duration::from_secs(1));
    }

    fn alarm(_: &mut App, conn: &mut ConnMut<App>) {
        // If there is no room, the server does not read. STALL handles this case.
        let _ = conn.write(b"1\n");
    }

    fn readable(app: &mut App, conn: &mut ConnMut<App>) {
        let mut buffer = [0; 16];
        while let Some(line) = conn.read_line(&mut buffer) {
            match line.ok().and_then(|line| line.parse::<u32>().ok()) {
                Some(sum) => {
                    println!("the sum is {sum}");
                    app.backoff.reset(); // the server works
                }
                None => println!("this is not a sum"), // for example, the server is full
            }
        }
    }

    /// The last callback of each attempt, for any reason.
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
    let uplink = base.add_pool(UPLINK)?;
    base.connect::<Uplink>(server, uplink)?;
    base.on_signal(Signal::INT, |_, event| event.exit())?;
    Live::new()?.run(&mut base, &mut app)?;
    Ok(())
}
