//! A server in memory: the requests that it refuses, and its answers to other requests.

mod answers;
mod bodies;
mod files;
mod fuzz;
mod helpers;
#[path = "../memory/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of clients use the rest")]
mod memory;
mod probe;
mod refusals;
mod replaced;
mod sockets;
mod time;

use std::time::Duration;

use memory::TestBench;
use picoevent::Conn;
use picoevent_http::{
    File, Length, Limits, Message, Multipart, Part, Piece, Reply, Request, Route, Server,
    SetCookie, Site, Socket, Status,
};

/// The application of most tests.
#[derive(Default)]
struct App {
    http: Server<3, 64>,
    calls: u32,
    uploaded: Vec<u8>,
    lost: u32,
    /// The maximum number of bytes of an upload that one call takes. `None` means no limit.
    takes: Option<usize>,
    waiting_conn: Option<Conn>,
    messages: Vec<String>,
    form: Option<Multipart>,
    /// Whether the WebSocket handler leaves the data in the input ring.
    is_busy: bool,
}

static PAGE: [u8; 5_000] = [b'p'; 5_000];
const HELLO: &[u8] = b"hello, this is a file";
static SITE: [File; 3] = [
    File::new("", "text/html", HELLO, 0xbeef),
    File::new("both.js", "text/javascript", HELLO, 7).gzip(b"zipped").cache("max-age=60"),
    File::new("zip", "text/plain", b"", 8).gzip(b"only zipped"),
];

struct Page;

impl Site<App> for Page {
    const ROUTES: &'static [Route<App>] = &[
        Route::get("/hello", App::hello),
        Route::get("/echo/{word}", App::word),
        Route::post("/form", App::form),
        Route::put("/upload", App::uploaded).body(App::upload_part),
        Route::put("/secret", App::uploaded).body(App::upload_part).before(App::forbid),
        Route::get("/page", App::page),
        Route::get("/numbers", App::numbers).pull(App::more_numbers),
        Route::get("/chunks", App::chunks).pull(App::more_numbers),
        Route::get("/bare", App::bare),
        Route::get("/events", App::events),
        Route::get("/later", App::later),
        Route::get("/nothing", |app, _| app.calls += 1),
        Route::delete("/hello", App::hello),
        Route::get("/agent", App::agent),
        Route::get("/private", App::private).before(App::guard),
        Route::post("/parts", App::parts).before(App::begin_parts).body(App::next_parts),
        Route::websocket("/ws", App::received).protocols(&["chat", "log"]),
        Route::files("/site/{*name}", &SITE),
    ];
    const LIMITS: Limits = Limits::new()
        .line(200)
        .fields(20)
        .requests(50)
        .body(10_000)
        .message(10_000)
        .head(Duration::from_secs(10))
        .idle(Duration::from_secs(30))
        .rate(100);
    const HEADERS: &'static [&'static str] =
        &["User-Agent", "Authorization", "Cookie", "Content-Type"];
    type Server = Server<3, 64>;

    fn server(app: &mut App) -> &mut Server<3, 64> {
        &mut app.http
    }
}

impl App {
    fn hello(&mut self, request: &mut Request<Self>) {
        self.calls += 1;
        request.reply(Reply::text(Status::OK), b"hello\n").unwrap();
    }

    fn word(&mut self, request: &mut Request<Self>) {
        let word = request.param("word").unwrap().bytes().collect::<Vec<_>>();
        request.reply(Reply::new(Status::OK, ""), &word).unwrap();
    }

    fn form(&mut self, request: &mut Request<Self>) {
        let name = request.form("name").map(|name| name.bytes().collect::<Vec<_>>());
        let name = String::from_utf8_lossy(&name.unwrap_or_default()).into_owned();
        request.reply_fmt(Reply::text(Status::OK), format_args!("[{name}]")).unwrap();
    }

    fn upload_part(&mut self, request: &mut Request<Self>, part: Part) {
        if part == Part::Lost {
            self.lost += 1;
            return;
        }
        let takes = self.takes.unwrap_or(usize::MAX);
        let data = request.data();
        let data = &data[..takes.min(data.len())];
        self.uploaded.extend(data);
        let amount = data.len();
        assert_eq!(request.take(amount), amount);
    }

    fn uploaded(&mut self, request: &mut Request<Self>) {
        let length = self.uploaded.len();
        request.reply_fmt(Reply::text(Status::CREATED), format_args!("{length}\n")).unwrap();
    }

    fn forbid(&mut self, request: &mut Request<Self>) {
        request.reply(Reply::empty(Status::FORBIDDEN), b"").unwrap();
    }

    fn page(&mut self, request: &mut Request<Self>) {
        request.reply_static(Reply::html(Status::OK), &PAGE).unwrap();
    }

    fn numbers(&mut self, request: &mut Request<Self>) {
        request.begin(Reply::text(Status::OK), Length::Known(8 * 1_000)).unwrap();
    }

    fn chunks(&mut self, request: &mut Request<Self>) {
        request.begin(Reply::text(Status::OK), Length::Unknown).unwrap();
    }

    fn bare(&mut self, request: &mut Request<Self>) {
        request.begin(Reply::empty(Status::NO_CONTENT), Length::Unknown).unwrap();
    }

    /// Writes a thousand numbers of eight bytes each.
    fn more_numbers(&mut self, request: &mut Request<Self>) {
        while request.written() < 8_000 {
            if writeln!(request, "{:7}", request.written() / 8).is_err() {
                return;
            }
        }
        let _ = request.finish();
    }

    fn events(&mut self, request: &mut Request<Self>) {
        self.waiting_conn = Some(request.id());
        request.begin_events().unwrap();
    }

    fn later(&mut self, request: &mut Request<Self>) {
        self.waiting_conn = Some(request.id());
        request.later();
    }

    fn agent(&mut self, request: &mut Request<Self>) {
        let agent = request.header("user-agent").unwrap_or(b"none").to_vec();
        request.reply(Reply::text(Status::OK), &agent).unwrap();
    }

    fn guard(&mut self, request: &mut Request<Self>) {
        if !request.is_user("admin", "secret") {
            request.ask_for_password("pump").unwrap();
        }
    }

    fn private(&mut self, request: &mut Request<Self>) {
        let seen = request.cookie("seen").unwrap_or(b"nothing").to_vec();
        let cookie = SetCookie::new("seen", "it").unwrap();
        request.reply(Reply::text(Status::OK).fields(cookie.field()), &seen).unwrap();
    }

    fn begin_parts(&mut self, request: &mut Request<Self>) {
        self.form = request.header("content-type").and_then(Multipart::new);
        if self.form.is_none() {
            request.reply(Reply::empty(Status::UNSUPPORTED_MEDIA_TYPE), b"").unwrap();
        }
    }

    fn next_parts(&mut self, request: &mut Request<Self>, part: Part) {
        let Some(form) = self.form.as_mut().filter(|_| part == Part::More) else { return };
        while let Some(piece) = request.next_piece(form) {
            match piece {
                Ok(Piece::Begins { name, .. }) => self.uploaded.extend([b"<", name, b">"].concat()),
                Ok(Piece::Data(data)) => self.uploaded.extend(data),
                Ok(Piece::Ends) => self.uploaded.extend(b"</>"),
                Err(_) => {
                    request.reply(Reply::empty(Status::BAD_REQUEST), b"").unwrap();
                    return;
                }
            }
        }
    }

    fn parts(&mut self, request: &mut Request<Self>) {
        assert!(self.form.is_some_and(|form| form.is_complete()));
        request.reply(Reply::empty(Status::OK), b"").unwrap();
    }

    /// Echoes messages.
    fn received(&mut self, socket: &mut Socket<Self>, message: Message) {
        let data = socket.data().to_vec();
        self.messages.push(match message {
            Message::Text { .. } => format!("{message:?} {}", String::from_utf8_lossy(&data)),
            Message::Binary { .. } => format!("{message:?} {}", data.len()),
            _ => format!("{message:?}"),
        });
        let (is_text, is_last) = match message {
            Message::Text { is_last } => (true, is_last),
            Message::Binary { is_last } => (false, is_last),
            Message::Opened => {
                self.waiting_conn = Some(socket.id());
                return;
            }
            Message::Closed(_) => return,
        };
        if self.is_busy {
            return;
        }
        let amount = data.len().min(socket.room());
        let is_last = is_last && amount == data.len();
        if amount == 0 && !is_last {
            return;
        }
        let sent = match is_text {
            true => socket.send_text_part(&data[..amount], is_last),
            false => socket.send_binary(&data[..amount], is_last),
        };
        if sent.is_ok() {
            socket.take(amount);
        }
    }
}

type AppBench = TestBench<App, Page>;

fn bench() -> AppBench {
    TestBench::new(App::default(), 256, 512, 2)
}

/// Returns the answers to a client that sends only `request`.
fn answers(request: &str) -> String {
    let mut bench = bench();
    let client = bench.connect();
    bench.send(client, request.as_bytes());
    bench.clients[client].received()
}

/// Returns the status of the first answer.
fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
const HELLO_ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n\r\nhello\n";
