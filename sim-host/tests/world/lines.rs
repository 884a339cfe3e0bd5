//! A test application: a server that answers each line with its length.

use std::net::SocketAddr;

use picoevent::{Conn, ConnEvent, Cx, Direction, Event, Full, Listener, Signal, Storage, What};
use picoevent_sim::world::{Choices, Script, Size, Sockets, TestCase};

#[derive(Default)]
pub struct Lines {
    /// Open connections.
    pub open: usize,
    /// Plants a bug: a line is expected to arrive in one piece.
    pub hasty: bool,
}

impl Lines {
    pub fn start(cx: &mut Cx<'_, Self>, address: SocketAddr) -> Result<Listener, Full> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        cx.listen(address, Self::accepted)
    }

    fn interrupted(&mut self, cx: &mut Cx<'_, Self>, _: Event, _: What) {
        cx.exit();
    }

    fn accepted(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        let Ok(mut conn) = cx.conn(conn) else { return };
        self.open += 1;
        let idle = Some(std::time::Duration::from_secs(30));
        conn.on_read(Self::heard).on_event(Self::happened).set_timeouts(idle, idle);
        conn.enable(Direction::Read);
    }

    fn heard(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
        let Ok(mut conn) = cx.conn(conn) else { return };
        let hasty = |length: usize| (self.hasty && length > 0).then_some(length);
        while let Some(end) = conn.find(b"\n").or_else(|| hasty(conn.input_len())) {
            if conn.write(format!("{end}\n").as_bytes()).is_err() || conn.consume(end + 1) == 0 {
                return;
            }
        }
    }

    fn happened(&mut self, cx: &mut Cx<'_, Self>, conn: Conn, event: ConnEvent) {
        let Ok(conn) = cx.conn(conn) else { return };
        self.open -= 1;
        match event {
            ConnEvent::Eof => conn.close(),
            _ => conn.free(),
        }
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

/// Rings that a line fits into.
pub const SIZES: [Size<Lines>; 3] = [
    Size::of(Storage::<Lines, 4, 4, 64, 64>::new, Sockets::<6, 256, 256>::new),
    Size::of(Storage::<Lines, 4, 2, 64, 16>::new, Sockets::<3, 64, 32>::new),
    Size::of(Storage::<Lines, 1, 1, 32, 8>::new, Sockets::<2, 16, 16>::new),
];

pub fn lines(hasty: bool) -> TestCase<Lines> {
    let make = move || Lines { hasty, ..Lines::default() };
    TestCase::new("lines", 7000, make, Lines::start).sizes(&SIZES).client(client)
}
