//! A client in memory. The test acts as the server.

mod answers;
mod connections;
mod errors;
#[path = "../memory/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of servers use the rest")]
mod memory;
mod targets;
mod uploads;

use std::net::SocketAddr;

use memory::End;
use picoevent::{ConnError, ConnMut, Cx, PoolId};
use picoevent_http::{
    ByName, CallError, Caller, Calls, Client, ClientRequest, Length, Limits, Method, Response,
    Status,
};

#[derive(Default)]
struct App {
    http: Client<120>,
    content: Vec<u8>,
    kind: Option<Vec<u8>>,
    outcomes: Vec<Result<u16, CallError>>,
    uploads: usize,
    /// Whether `part` leaves the content in the input ring.
    is_busy: bool,
    /// If set, `done` makes another request at once.
    again: Option<PoolId>,
    /// The names that were looked up.
    names: Vec<String>,
}

impl App {
    /// Connects to one address for every name except `nobody`.
    fn connect(&mut self, conn: &mut ConnMut<Self>, name: &str, port: u16) -> bool {
        self.names.push(format!("{name} {port}"));
        name != "nobody" && conn.connect(([192, 0, 2, 7], port).into()).is_ok()
    }
}

struct Fetch;

impl Caller<App> for Fetch {
    const LIMITS: Limits = Limits::new().line(100).fields(8).body(5_000).rate(100);
    const HEADERS: &'static [&'static str] = &["Content-Type"];
    const REDIRECTS: u8 = 2;
    const BY_NAME: Option<ByName<App>> = Some(App::connect);
    type Client = Client<120>;

    fn client(app: &mut App) -> &mut Client<120> {
        &mut app.http
    }

    fn answered(app: &mut App, response: &mut Response<App>) {
        app.kind = response.header("content-type").map(<[u8]>::to_vec);
        assert!(response.status().is_some());
    }

    fn part(app: &mut App, response: &mut Response<App>) {
        if !app.is_busy {
            app.content.extend(response.data());
            response.take(usize::MAX);
        }
    }

    /// Writes `uploads` bytes of content, and ends the content if its length is unknown.
    fn upload(app: &mut App, response: &mut Response<App>) {
        while app.uploads > 0 {
            let amount = app.uploads.min(30);
            if response.write(&b"012345678901234567890123456789"[..amount]).is_err() {
                return;
            }
            app.uploads -= amount;
        }
        if response.unwritten() == u32::MAX {
            response.finish().unwrap();
        }
    }

    fn done(app: &mut App, cx: &mut Cx<App>, outcome: Result<Status, CallError>) {
        app.outcomes.push(outcome.map(Status::code));
        if let Some(pool) = app.again.take() {
            let get = ClientRequest::get(server(), "pump", "/");
            Calls::<Self>::request(app, cx, pool, &get).unwrap();
        }
    }
}

/// Makes requests without a limit for the rate.
struct Patient;

impl Caller<App> for Patient {
    const LIMITS: Limits = Limits::new().rate(0);
    type Client = Client<120>;

    fn client(app: &mut App) -> &mut Client<120> {
        Fetch::client(app)
    }

    fn part(app: &mut App, response: &mut Response<App>) {
        Fetch::part(app, response);
    }

    fn done(app: &mut App, cx: &mut Cx<App>, outcome: Result<Status, CallError>) {
        Fetch::done(app, cx, outcome);
    }
}

fn server() -> SocketAddr {
    "192.0.2.1:80".parse().unwrap()
}

type Wire = memory::Wire<App>;

impl Wire {
    fn new() -> Self {
        Self::with(App::default(), 120, 200)
    }

    fn request(&mut self, request: &ClientRequest) -> Result<(), CallError> {
        let started = Calls::<Fetch>::request(&mut self.app, &mut self.base, self.pool, request);
        self.run();
        started
    }

    fn get(&mut self, target: &str) {
        self.request(&ClientRequest::get(server(), "pump", target)).unwrap();
    }

    fn content(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.app.content)).unwrap()
    }

    fn outcomes(&mut self) -> Vec<Result<u16, CallError>> {
        std::mem::take(&mut self.app.outcomes)
    }
}

/// Returns the outcome and the content of one answer. If the client still waits after the answer, the server ends its
/// stream.
fn answered(answer: &[u8], segment_size: usize) -> (Vec<Result<u16, CallError>>, String) {
    let mut wire = Wire::new();
    wire.get("/");
    for segment in answer.chunks(segment_size) {
        wire.answer(segment);
    }
    if wire.app.http.is_busy() {
        wire.finish();
    }
    (wire.outcomes(), wire.content())
}

const HELLO: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
