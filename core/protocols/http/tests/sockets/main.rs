//! Tests of WebSockets. In memory, a client is connected to a server, or the test itself acts as the peer of a client
//! or of a server. On real sockets, the peer is another implementation.

mod autobahn;
mod handshake;
mod interop;
#[path = "../memory/mod.rs"]
#[allow(dead_code, reason = "the tests of clients and servers use the rest")]
mod memory;
mod messages;
mod wire;

use std::time::Duration;

use picoevent::{Cx, PoolId};
use picoevent_http::{
    CallError, Client, Limits, Message, Route, Server, Site, Socket, SocketCaller,
};

/// The state of one endpoint of a WebSocket.
#[derive(Default)]
struct Endpoint {
    /// Messages and events, in order. The parts of a message are joined.
    received: Vec<String>,
    /// The message that is being received.
    data: Vec<u8>,
    /// The number of parts of all messages so far.
    parts: usize,
    /// Whether each message is sent back.
    echoes: bool,
    /// Whether the data is left in the input ring.
    is_busy: bool,
    /// The subprotocol.
    protocol: Option<&'static str>,
}

impl Endpoint {
    fn receive<A: 'static>(&mut self, socket: &mut Socket<A>, message: Message) {
        let (is_text, is_last) = match message {
            Message::Text { is_last } => (true, is_last),
            Message::Binary { is_last } => (false, is_last),
            Message::Opened => {
                self.protocol = socket.protocol();
                return self.received.push("open".into());
            }
            Message::Closed(code) => return self.received.push(format!("closed {code}")),
        };
        if self.is_busy {
            return;
        }
        let data = socket.data().to_vec();
        let amount = if self.echoes { data.len().min(socket.room()) } else { data.len() };
        let is_all = is_last && amount == data.len();
        if amount == 0 && !is_all {
            return;
        }
        let sent = match (self.echoes, is_text) {
            (false, _) => Ok(()),
            (true, true) => socket.send_text_part(&data[..amount], is_all),
            (true, false) => socket.send_binary(&data[..amount], is_all),
        };
        if sent.is_err() {
            return;
        }
        assert_eq!(socket.take(amount), amount);
        self.data.extend(&data[..amount]);
        self.parts += 1;
        if is_all {
            let data = std::mem::take(&mut self.data);
            let text = std::str::from_utf8(&data).ok().filter(|_| is_text);
            self.received.push(match text {
                Some(text) if text.len() < 40 => format!("text {text}"),
                Some(text) => format!("text of {}", text.len()),
                None => format!("{} bytes", data.len()),
            });
        }
    }

    fn received(&mut self) -> Vec<String> {
        std::mem::take(&mut self.received)
    }
}

const LIMITS: Limits = Limits::new()
    .line(200)
    .message(20 << 20)
    .head(Duration::from_secs(10))
    .idle(Duration::from_secs(30));

/// The client's application.
#[derive(Default)]
struct App {
    http: Client<160>,
    endpoint: Endpoint,
    ended: Vec<Result<u16, CallError>>,
    /// The number of times that `ended` opens another WebSocket at once.
    retries: u32,
    pool: Option<PoolId>,
}

struct Live;

impl SocketCaller<App> for Live {
    const LIMITS: Limits = LIMITS;
    const PROTOCOLS: &'static [&'static str] = &["log", "chat"];
    const REDIRECTS: u8 = 1;
    type Client = Client<160>;

    fn client(app: &mut App) -> &mut Client<160> {
        &mut app.http
    }

    fn received(app: &mut App, socket: &mut Socket<App>, message: Message) {
        app.endpoint.receive(socket, message);
    }

    fn ended(app: &mut App, cx: &mut Cx<App>, outcome: Result<u16, CallError>) {
        app.ended.push(outcome);
        if app.retries > 0 {
            app.retries -= 1;
            wire::open(app, cx).unwrap();
        }
    }
}

/// The server's application.
#[derive(Default)]
struct ServerApp {
    http: Server<4, 64>,
    endpoint: Endpoint,
}

impl ServerApp {
    fn receive(&mut self, socket: &mut Socket<Self>, message: Message) {
        self.endpoint.receive(socket, message);
    }
}

struct Page;

impl Site<ServerApp> for Page {
    const ROUTES: &'static [Route<ServerApp>] =
        &[Route::websocket("/live", ServerApp::receive).protocols(&["chat", "other"])];
    const LIMITS: Limits = LIMITS;
    type Server = Server<4, 64>;

    fn server(app: &mut ServerApp) -> &mut Server<4, 64> {
        &mut app.http
    }
}
