//! The callbacks: greet and close, or echo.

use picoevent::{ConnEnd, ConnMut, Direction, Protocol};
use picoevent_bench_servers::agreement::{Agreement, GREETING, fail};

/// The application.
pub struct Server {
    pub agreement: Agreement,
}

/// Greets a client, and closes the connection when the greeting is sent. Like libevent's sample, it does not
/// read.
pub struct Greeter;

impl Protocol<Server> for Greeter {
    fn opened(server: &mut Server, conn: &mut ConnMut<Server>) {
        server.agreement.accepted();
        conn.disable(Direction::Read);
        if let Err(error) = conn.write(GREETING) {
            fail(format!("the greeting is not written: {error}"));
        }
    }

    fn readable(_: &mut Server, _: &mut ConnMut<Server>) {}

    fn writable(server: &mut Server, conn: &mut ConnMut<Server>) {
        conn.close();
        server.agreement.closed();
    }

    fn ended(_: &mut Server, _: &mut ConnMut<Server>, end: ConnEnd) {
        if end != ConnEnd::Closed {
            fail(format!("a client has not waited for its greeting: {end}"));
        }
    }
}

/// Sends back as much of the received data as there is room for in the output ring.
pub struct Mirror;

impl Protocol<Server> for Mirror {
    fn opened(server: &mut Server, _: &mut ConnMut<Server>) {
        server.agreement.accepted();
    }

    fn readable(server: &mut Server, conn: &mut ConnMut<Server>) {
        let Ok(amount) = conn.transfer(conn.id()) else { return };
        server.agreement.moved(amount);
    }

    fn eof(_: &mut Server, conn: &mut ConnMut<Server>) {
        conn.abort();
    }

    fn ended(server: &mut Server, _: &mut ConnMut<Server>, _: ConnEnd) {
        server.agreement.closed();
    }
}
