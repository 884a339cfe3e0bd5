//! A client with its event base. The peer of the client is a test, or a server with another event base.

use std::collections::VecDeque;
use std::net::SocketAddr;

use picoevent::{Action, Conn, ConnError, Cx, EventBase, Instant, Pool, Storage};
use picoevent_http::{CallError, ClientRequest, SocketCalls};

use crate::test_bench::{End, TestBench};
use crate::{App, Live, Page, ServerApp};

pub fn server() -> SocketAddr {
    "192.0.2.1:80".parse().unwrap()
}

/// Opens a WebSocket to the path `/live`.
pub fn open(app: &mut App, cx: &mut Cx<App>) -> Result<(), CallError> {
    open_with(app, cx, &ClientRequest::get(server(), "pump", "/live").fields("X-Name: test\r\n"))
}

/// Opens a WebSocket with the request `request`.
pub fn open_with(
    app: &mut App,
    cx: &mut Cx<App>,
    request: &ClientRequest,
) -> Result<(), CallError> {
    let pool = app.pool.unwrap();
    SocketCalls::<Live>::open(app, cx, pool, request)
}

/// A client with its base and its side of the connection.
pub struct Wire {
    pub base: EventBase<'static, App>,
    pub app: App,
    now: u64,
    conn: Option<Conn>,
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

impl Wire {
    pub fn unseeded() -> Self {
        let storage = Box::leak(Box::new(Storage::<App, 1, 1, 10_000, 0, 1>::new()));
        let mut base = EventBase::new(storage);
        let pool = base.add_pool(Pool::new(1).rings(256, 512)).unwrap();
        base.advance(Instant::from_micros(1_000));
        Self {
            base,
            app: App { pool: Some(pool), ..App::default() },
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

    pub fn new() -> Self {
        let mut wire = Self::unseeded();
        wire.base.seed(&[7; 32]);
        wire
    }

    /// Opens a WebSocket to the path `/live`.
    pub fn open(&mut self) -> Result<(), CallError> {
        let opened = open(&mut self.app, &mut self.base);
        self.run();
        opened
    }

    /// Opens a WebSocket with the request `request`.
    pub fn open_with(&mut self, request: &ClientRequest) -> Result<(), CallError> {
        let opened = open_with(&mut self.app, &mut self.base, request);
        self.run();
        opened
    }

    /// Makes a client with an open WebSocket, for a test that acts as the server.
    pub fn opened() -> Self {
        let mut wire = Self::new();
        wire.open().unwrap();
        let request = wire.request();
        wire.answer(agree(&request).as_bytes());
        assert_eq!(wire.app.endpoint.received(), ["open"]);
        wire
    }

    /// Removes the bytes in `sent`, and returns them as text.
    pub fn request(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.sent)).unwrap()
    }

    /// Sends bytes to the client.
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

    pub fn wait_ms(&mut self, millis: u64) {
        self.now += millis;
        self.base.advance(Instant::from_micros(self.now * 1_000));
        self.run();
    }

    pub fn ended(&mut self) -> Vec<Result<u16, CallError>> {
        std::mem::take(&mut self.app.ended)
    }

    /// Runs until nothing changes.
    pub fn run(&mut self) {
        let mut idle = 0;
        for _ in 0..2_000_000 {
            idle = if self.step() { 0 } else { idle + 1 };
            if idle == 3 {
                return;
            }
        }
        panic!("the client never rests");
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

/// Returns the answer of a server that accepts the handshake.
pub fn agree(request: &str) -> String {
    let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// A client and a server that are connected to each other.
pub struct Pair {
    pub client: Wire,
    pub server: TestBench<ServerApp, Page>,
    client_index: Option<usize>,
    connects: usize,
    ended: [bool; 2],
    /// The number of bytes that are transferred at once.
    pub segment_size: usize,
}

impl Pair {
    /// Makes a client, and a server with these ring sizes.
    pub fn new(input: usize, output: usize) -> Self {
        Self {
            client: Wire::new(),
            server: TestBench::new(ServerApp::default(), input, output, 0),
            client_index: None,
            connects: 0,
            ended: [false; 2],
            segment_size: usize::MAX,
        }
    }

    /// Makes a client and a server with an open WebSocket between them.
    pub fn opened() -> Self {
        let mut pair = Self::new(256, 512);
        pair.client.open().unwrap();
        pair.run();
        assert_eq!(pair.client.app.endpoint.received(), ["open"]);
        assert_eq!(pair.server.app.endpoint.received(), ["open"]);
        pair
    }

    /// Transfers bytes and the ends of streams between client and server until nothing is left to transfer.
    pub fn run(&mut self) {
        loop {
            self.client.run();
            if self.connects < self.client.connects.len() {
                self.connects = self.client.connects.len();
                (self.client_index, self.ended) = (Some(self.server.connect()), [false; 2]);
            }
            let Some(client) = self.client_index else { return };
            let up = std::mem::take(&mut self.client.sent);
            let size = self.segment_size.min(up.len()).max(1);
            up.chunks(size).for_each(|segment| self.server.send(client, segment));
            if self.client.end.is_some() && !self.ended[0] {
                self.ended[0] = true;
                match self.client.end {
                    Some(End::Reset) => self.server.reset(client),
                    _ => self.server.finish(client),
                }
            }
            let down = std::mem::take(&mut self.server.clients[client].received);
            let size = self.segment_size.min(down.len()).max(1);
            down.chunks(size).for_each(|segment| self.client.answer(segment));
            let ends = self.server.clients[client].end.filter(|_| !self.ended[1]);
            if let Some(end) = ends {
                self.ended[1] = true;
                if self.client.end.is_none() {
                    match end {
                        End::Reset => self.client.reset(),
                        End::Finished => self.client.finish(),
                    }
                }
            }
            if up.is_empty() && down.is_empty() && ends.is_none() {
                return;
            }
        }
    }
}
