//! A client with its event base. The peer of the client is a test, or a server with another event base.

use std::collections::VecDeque;
use std::net::SocketAddr;

use picoevent::{Action, Conn, ConnError, EventBase, Instant, Pool, PoolId, Storage};

use super::{End, run_until_idle};

/// A client with its base and its side of the connection.
pub struct Wire<A: 'static> {
    pub base: EventBase<'static, A>,
    pub app: A,
    pub pool: PoolId,
    now: u64,
    pub conn: Option<Conn>,
    /// The address of each attempt to connect.
    pub connects: Vec<SocketAddr>,
    /// The bytes that the client has sent and that the test has not removed.
    pub sent: Vec<u8>,
    incoming: VecDeque<u8>,
    /// If set, each attempt to connect fails with this error.
    pub fails: Option<ConnError>,
    /// The end of the connection, as the peer sees it.
    pub end: Option<End>,
    /// Whether the peer reads nothing.
    pub is_blocked: bool,
}

impl<A: 'static> Wire<A> {
    /// Makes a client with these ring sizes. The base has no seed.
    pub fn with(app: A, input: usize, output: usize) -> Self {
        let storage = Box::leak(Box::new(Storage::<A, 1, 1, 10_000, 0, 1>::new()));
        let mut base = EventBase::new(storage);
        let pool = base.add_pool(Pool::new(1).rings(input, output)).unwrap();
        base.advance(Instant::from_micros(1_000));
        Self {
            base,
            app,
            pool,
            now: 1,
            conn: None,
            connects: Vec::new(),
            sent: Vec::new(),
            incoming: VecDeque::new(),
            fails: None,
            end: None,
            is_blocked: false,
        }
    }

    /// Removes the bytes in `sent`, and returns them as text.
    pub fn sent(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.sent)).unwrap()
    }

    /// Sends bytes to the client, as soon as the input ring has room for them.
    pub fn answer(&mut self, bytes: &[u8]) {
        self.incoming.extend(bytes);
        self.run();
    }

    /// Ends the stream to the client.
    pub fn finish(&mut self) {
        self.base.peer_finished(self.conn.unwrap());
        self.run();
    }

    /// Resets the client's connection.
    pub fn reset(&mut self) {
        self.base.failed(self.conn.unwrap(), ConnError::Reset);
        self.run();
    }

    /// Advances the virtual time.
    pub fn wait_ms(&mut self, millis: u64) {
        self.advance_ms(millis);
        self.run();
    }

    /// Advances the virtual time, and runs nothing.
    pub fn advance_ms(&mut self, millis: u64) {
        self.now += millis;
        self.base.advance(Instant::from_micros(self.now * 1_000));
    }

    /// Runs until nothing changes.
    pub fn run(&mut self) {
        run_until_idle(|| self.step());
    }

    fn step(&mut self) -> bool {
        let mut has_moved = false;
        while let Some(action) = self.base.next_action() {
            has_moved = true;
            match action {
                Action::Connect(conn) => {
                    self.connects.push(self.base.peer_of(conn).unwrap());
                    (self.conn, self.end) = (Some(conn), None);
                    self.incoming.clear();
                    match self.fails {
                        Some(error) => self.base.failed(conn, error),
                        None => self.base.connected(conn),
                    }
                }
                Action::End(conn) => {
                    self.end.get_or_insert(End::Finished);
                    self.base.delivered(conn);
                    self.base.peer_finished(conn);
                }
                Action::Reset(_) => self.end = Some(End::Reset),
                _ => {}
            }
        }
        if let Some(conn) = self.conn {
            if let Some((first, second)) = self.base.input(conn) {
                let room = first.iter_mut().chain(second);
                let amount = room.zip(&self.incoming).map(|(to, from)| *to = *from).count();
                self.incoming.drain(..amount);
                self.base.received(conn, amount);
                has_moved |= amount > 0;
            }
            let (first, second) = self.base.output(conn);
            let amount = if self.is_blocked { 0 } else { first.len() + second.len() };
            self.sent.extend(first.iter().chain(second).take(amount));
            self.base.sent(conn, amount);
            has_moved |= amount > 0;
        }
        has_moved |= self.base.counts().active > 0;
        self.base.dispatch(&mut self.app);
        has_moved
    }
}
