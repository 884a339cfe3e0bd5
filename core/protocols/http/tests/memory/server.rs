//! A server in memory with virtual time. The test controls when its clients send and read bytes.

use std::collections::VecDeque;
use std::net::SocketAddr;

use picoevent::memory::StaticSlot;
use picoevent::{Action, Conn, EventBase, Instant, Listener, Pool, Storage};
use picoevent_http::{Http, Site};

use super::{End, run_until_idle};

/// A client: the bytes that it still has to send, and the bytes that it has received.
pub struct Client {
    pub conn: Conn,
    pub received: Vec<u8>,
    pub end: Option<End>,
    /// The number of bytes that the client reads in each step.
    pub takes: usize,
    unsent: VecDeque<u8>,
    finishes: bool,
}

impl Client {
    /// Returns the text that the client has received since the last call.
    pub fn received(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.received)).into_owned()
    }
}

/// A server of the site `S`, and its clients.
pub struct TestBench<A: 'static, S> {
    pub base: EventBase<'static, A>,
    pub app: A,
    pub clients: Vec<Client>,
    listener: Listener,
    now: u64,
    site: std::marker::PhantomData<S>,
}

fn any_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 4242))
}

impl<A: 'static, S: Site<A>> TestBench<A, S> {
    /// Makes a server with these ring sizes and this number of static slots.
    pub fn new(app: A, input: usize, output: usize, statics: usize) -> Self {
        let storage = Box::leak(Box::new(Storage::<A, 1, 4, 300_000, 1, 1>::new()));
        let mut base = EventBase::new(storage);
        if statics > 0 {
            base.set_static_slots(vec![StaticSlot::new(); statics].leak()).unwrap();
        }
        let pool = base.add_pool(Pool::new(4).rings(input, output)).unwrap();
        let listener = base.listen::<Http<S>>(any_address(), pool).unwrap();
        let site = std::marker::PhantomData;
        Self { base, app, clients: Vec::new(), listener, now: 0, site }
    }

    /// Connects a client. Returns its index in `clients`.
    pub fn connect(&mut self) -> usize {
        let conn = self.base.accepted(self.listener, any_address()).unwrap();
        self.clients.push(Client {
            conn,
            received: Vec::new(),
            end: None,
            takes: usize::MAX,
            unsent: VecDeque::new(),
            finishes: false,
        });
        self.run();
        self.clients.len() - 1
    }

    /// Sends bytes from a client.
    pub fn send(&mut self, client: usize, bytes: &[u8]) {
        self.clients[client].unsent.extend(bytes);
        self.run();
    }

    /// Ends a client's stream.
    pub fn finish(&mut self, client: usize) {
        self.clients[client].finishes = true;
        self.run();
    }

    /// Resets a client's connection.
    pub fn reset(&mut self, client: usize) {
        let conn = self.clients[client].conn;
        self.base.failed(conn, picoevent::ConnError::Reset);
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
        self.base.advance(Instant::from_micros(self.now * 1000));
    }

    /// Runs until nothing changes.
    pub fn run(&mut self) {
        run_until_idle(|| self.step());
    }

    fn step(&mut self) -> bool {
        let mut has_moved = false;
        while let Some(action) = self.base.next_action() {
            let (conn, end) = match action {
                Action::End(conn) => (conn, End::Finished),
                Action::Reset(conn) => (conn, End::Reset),
                _ => continue,
            };
            let client = self.clients.iter_mut().find(|client| client.conn == conn);
            let client = client.expect("the client exists");
            client.end.get_or_insert(end);
            if end == End::Finished {
                self.base.delivered(conn);
                client.finishes = true;
            }
            has_moved = true;
        }
        for client in &mut self.clients {
            if let Some((first, second)) = self.base.input(client.conn) {
                let room = first.iter_mut().chain(second);
                let amount = room.zip(&client.unsent).map(|(to, from)| *to = *from).count();
                client.unsent.drain(..amount);
                self.base.received(client.conn, amount);
                has_moved |= amount > 0;
            }
            let (first, second) = self.base.output(client.conn);
            let before = client.received.len();
            client.received.extend(first.iter().chain(second).take(client.takes));
            let amount = client.received.len() - before;
            self.base.sent(client.conn, amount);
            has_moved |= amount > 0;
            if client.finishes && client.unsent.is_empty() {
                client.finishes = false;
                self.base.peer_finished(client.conn);
                has_moved = true;
            }
        }
        has_moved |= self.base.counts().active > 0;
        self.base.dispatch(&mut self.app);
        has_moved
    }
}
