//! A client of WebSockets in memory. Its peer is a test or a server.

use std::net::SocketAddr;

use picoevent::Cx;
use picoevent_http::{CallError, ClientRequest, SocketCalls};

use crate::memory::{End, TestBench};
use crate::{App, Live, Page, ServerApp};

pub type Wire = crate::memory::Wire<App>;

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

impl Wire {
    pub fn unseeded() -> Self {
        let mut wire = Self::with(App::default(), 256, 512);
        wire.app.pool = Some(wire.pool);
        wire
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
        let request = wire.sent();
        wire.answer(agree(&request).as_bytes());
        assert_eq!(wire.app.endpoint.received(), ["open"]);
        wire
    }

    pub fn ended(&mut self) -> Vec<Result<u16, CallError>> {
        std::mem::take(&mut self.app.ended)
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
