//! A test application: a server that answers each line with its length.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{ConnEnd, ConnMut, Cx, Listener, Pool, Protocol, SetupError, Signal, Storage};
use picoevent_sim::world::{Choices, Script, Size, Sockets, TestCase};

#[derive(Default)]
pub struct Lines {
    /// The number of open connections.
    pub open: usize,
    /// Adds a bug: the application expects that a whole line arrives at once.
    pub hasty: bool,
}

impl Lines {
    pub fn start(
        cx: &mut Cx<'_, Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Counter>(address, clients)
    }
}

struct Counter;

impl Protocol<Lines> for Counter {
    const IDLE: Option<Duration> = Some(Duration::from_secs(30));
    const STALL: Option<Duration> = Some(Duration::from_secs(30));

    fn opened(app: &mut Lines, _: &mut ConnMut<'_, '_, Lines>) {
        app.open += 1;
    }

    fn readable(app: &mut Lines, conn: &mut ConnMut<'_, '_, Lines>) {
        let hasty = |length: usize| (app.hasty && length > 0).then_some(length);
        while let Some(end) = conn.find(b"\n").or_else(|| hasty(conn.input_len())) {
            if writeln!(conn, "{end}").is_err() || conn.consume(end + 1) == 0 {
                return;
            }
        }
    }

    fn ended(app: &mut Lines, _: &mut ConnMut<'_, '_, Lines>, _: ConnEnd) {
        app.open -= 1;
    }
}

pub fn client(choices: &mut Choices<'_>) -> Script {
    let length = choices.up_to(20) as usize;
    let line = format!("{:1$}\n", "", length);
    Script::new()
        .send(line.as_bytes())
        .expect(format!("{length}\n").as_bytes())
        .finish()
        .expect_end()
}

/// Sizes whose rings have room for a line.
pub const SIZES: [Size<Lines>; 3] = [
    Size::of(
        Pool::rest().rings(64, 64),
        Storage::<Lines, 4, 4, 512>::new,
        Sockets::<6, 256, 256>::new,
    ),
    Size::of(
        Pool::rest().rings(64, 16),
        Storage::<Lines, 4, 2, 160>::new,
        Sockets::<3, 64, 32>::new,
    ),
    Size::of(Pool::rest().rings(32, 8), Storage::<Lines, 1, 1, 40>::new, Sockets::<2, 16, 16>::new),
];

pub fn lines(hasty: bool) -> TestCase<Lines> {
    let make = move || Lines { hasty, ..Lines::default() };
    TestCase::new("lines", 7000, make, Lines::start).sizes(&SIZES).client(client)
}
