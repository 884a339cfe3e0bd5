//! The client and the server on real sockets. The peer is tungstenite.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use picoevent::{Cx, EventBase, Pool, Storage};
use picoevent_http::{
    CallError, Client, ClientRequest, Http, Message, Route, Server, Site, Socket, SocketCaller,
    SocketCalls,
};
use picoevent_mio::Live;
use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tungstenite::{Message as Other, WebSocket};

use crate::{Endpoint, LIMITS};

const SIZES: [usize; 10] = [0, 1, 125, 126, 127, 4_000, 65_535, 65_536, 100_000, 1_000_000];

/// The application: the WebSocket that it opens, and the WebSockets that it serves.
struct App {
    client: Client<160>,
    server: Server<2, 64>,
    endpoint: Endpoint,
    ended: Option<Result<u16, CallError>>,
}

impl App {
    fn new() -> Self {
        let endpoint = Endpoint { echoes: true, ..Endpoint::default() };
        Self { client: Client::new(), server: Server::new(), endpoint, ended: None }
    }

    fn receive(&mut self, socket: &mut Socket<Self>, message: Message) {
        self.endpoint.receive(socket, message);
        if let Message::Closed(code) = message {
            self.ended = Some(Ok(code));
            socket.cx().exit();
        }
    }
}

struct Echo;

impl SocketCaller<App> for Echo {
    const LIMITS: picoevent_http::Limits = LIMITS;
    type Client = Client<160>;

    fn client(app: &mut App) -> &mut Client<160> {
        &mut app.client
    }

    fn received(app: &mut App, socket: &mut Socket<App>, message: Message) {
        app.receive(socket, message);
    }

    fn ended(app: &mut App, cx: &mut Cx<App>, outcome: Result<u16, CallError>) {
        app.ended = Some(outcome);
        cx.exit();
    }
}

impl Site<App> for Echo {
    const ROUTES: &'static [Route<App>] = &[Route::websocket("/live", App::receive)];
    const LIMITS: picoevent_http::Limits = LIMITS;
    type Server = Server<2, 64>;

    fn server(app: &mut App) -> &mut Server<2, 64> {
        &mut app.server
    }
}

/// Sends messages of all sizes, checks that each message comes back, and closes the WebSocket.
fn exchange_messages(mut socket: WebSocket<TcpStream>) {
    for size in SIZES {
        let text = Other::text("\u{e9}".repeat(size / 2) + &"x".repeat(size % 2));
        let bytes = Other::binary((0..size).map(|at| at as u8).collect::<Vec<_>>());
        for message in [text, Other::Ping(vec![1; size.min(125)].into()), bytes] {
            let wanted = match &message {
                Other::Ping(data) => Other::Pong(data.clone()),
                other => other.clone(),
            };
            socket.send(message).unwrap();
            assert!(socket.read().unwrap() == wanted, "{size}");
        }
    }
    let frame = CloseFrame { code: CloseCode::Away, reason: "done".into() };
    socket.close(Some(frame)).unwrap();
    let closed = loop {
        match socket.read() {
            Ok(Other::Close(frame)) => assert_eq!(frame.unwrap().code, CloseCode::Away),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(closed, tungstenite::Error::ConnectionClosed), "{closed}");
}

/// Runs a base until its WebSocket has ended, for at most 60 s.
fn run(start: impl FnOnce(&mut App, &mut EventBase<App>, &mut Live) -> thread::JoinHandle<()>) {
    let mut storage = Box::new(Storage::<App, 2, 2, 40_000, 1, 1>::new());
    let mut base = EventBase::new(&mut storage);
    picoevent_mio::seed(&mut base).unwrap();
    let (mut app, mut live) = (App::new(), Live::new().unwrap());
    let other = start(&mut app, &mut base, &mut live);
    base.exit_after(Duration::from_secs(60));
    live.run(&mut base, &mut app).unwrap();
    live.close(&mut base).unwrap();
    other.join().unwrap();
    assert_eq!(app.ended, Some(Ok(1001)));
    let messages =
        app.endpoint.received.iter().filter(|received| !received.contains("close")).count();
    assert_eq!(messages, 1 + 2 * SIZES.len(), "it was opened, and every message was received");
}

#[test]
fn tungstenite_as_the_server() {
    run(|app, base, _| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let pool = base.add_pool(Pool::new(1).rings(4_096, 4_096)).unwrap();
        let request = ClientRequest::get(address, "localhost", "/any");
        SocketCalls::<Echo>::open(app, base, pool, &request).unwrap();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            exchange_messages(tungstenite::accept(stream).unwrap());
        })
    });
}

#[test]
fn tungstenite_as_the_client() {
    run(|_, base, live| {
        let pool = base.add_pool(Pool::new(2).rings(4_096, 4_096)).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = base.listen::<Http<Echo>>(any, pool).unwrap();
        live.settle(base).unwrap();
        let address = live.local_addr(listener).unwrap();
        thread::spawn(move || {
            let stream = TcpStream::connect(address).unwrap();
            let (socket, _) = tungstenite::client(format!("ws://{address}/live"), stream).unwrap();
            exchange_messages(socket);
        })
    });
}
