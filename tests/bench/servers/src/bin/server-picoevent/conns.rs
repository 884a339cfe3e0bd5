//! The callbacks: greet and close, or echo.

use picoevent::{Conn, ConnEvent, Cx, Direction};
use picoevent_bench_servers::agreement::{Agreement, GREETING, fail};

/// The application.
pub struct Server {
    pub agreement: Agreement,
}

impl Server {
    /// Makes the application.
    pub const fn new(agreement: Agreement) -> Self {
        Self { agreement }
    }

    /// Handles a new connection.
    pub fn accepted(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        self.agreement.accepted();
        let Ok(mut conn) = cx.conn(conn) else { return };
        conn.on_event(Self::happened);
        if self.agreement.is_hello() {
            conn.on_write(Self::greeted);
            if let Err(error) = conn.write(GREETING) {
                fail(format!("the greeting is not written: {error}"));
            }
        } else {
            conn.on_read(Self::came).enable(Direction::Read);
        }
    }

    fn greeted(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        if let Ok(conn) = cx.conn(conn) {
            conn.close();
            self.agreement.closed();
        }
    }

    /// Echoes as much as there is room for. Only a connection that has run out of room asks to be
    /// told of room.
    fn came(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        let Ok(amount) = cx.transfer(conn, conn) else { return };
        self.agreement.moved(amount);
        if let Ok(mut conn) = cx.conn(conn)
            && conn.input_len() > 0
        {
            conn.on_write(Self::came);
        }
    }

    fn happened(&mut self, cx: &mut Cx<Self>, conn: Conn, event: ConnEvent) {
        if self.agreement.is_hello() {
            fail(format!("a client has not waited for its greeting: {event:?}"));
        }
        if let (ConnEvent::Eof | ConnEvent::Failed(_), Ok(conn)) = (event, cx.conn(conn)) {
            conn.free();
            self.agreement.closed();
        }
    }
}
