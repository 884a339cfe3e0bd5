//! The callbacks: greet and close, or echo.

use picoevent::{ConnEnd, ConnMut, Direction, Protocol};
use picoevent_bench_servers::harness::{GREETING, Harness, fail};

/// The application.
pub struct Server {
    pub harness: Harness,
}

/// Greets a client, and closes the connection when the greeting is sent. Like libevent's sample/hello-world.c, this
/// protocol does not read.
pub struct Greeter;

impl Protocol<Server> for Greeter {
    fn opened(server: &mut Server, conn: &mut ConnMut<Server>) {
        server.harness.accepted();
        conn.disable(Direction::Read);
        if let Err(error) = conn.write(GREETING) {
            fail(format!("cannot write the greeting: {error}"));
        }
    }

    fn readable(_: &mut Server, _: &mut ConnMut<Server>) {}

    fn writable(server: &mut Server, conn: &mut ConnMut<Server>) {
        conn.close();
        server.harness.closed();
    }

    fn ended(_: &mut Server, _: &mut ConnMut<Server>, end: ConnEnd) {
        if end != ConnEnd::Closed {
            fail(format!("a client closed before it received the greeting: {end}"));
        }
    }
}

/// Sends the received data back, as much as fits into the output ring.
pub struct Echo;

impl Protocol<Server> for Echo {
    fn opened(server: &mut Server, _: &mut ConnMut<Server>) {
        server.harness.accepted();
    }

    fn readable(server: &mut Server, conn: &mut ConnMut<Server>) {
        let Ok(amount) = conn.transfer(conn.id()) else { return };
        server.harness.echoed(amount);
    }

    fn eof(_: &mut Server, conn: &mut ConnMut<Server>) {
        conn.abort();
    }

    fn ended(server: &mut Server, _: &mut ConnMut<Server>, _: ConnEnd) {
        server.harness.closed();
    }
}
