//! The targets of the fuzzers: a server in memory that receives bytes, and the properties that must hold for any bytes.
//!
//! `tests/fuzz` of the repository includes this file, for libFuzzer.

use std::collections::VecDeque;
use std::net::SocketAddr;

use picoevent::{Action, EventBase, Instant, Pool, Storage};
use picoevent_http::{
    Http, Limits, Message, Multipart, Part, Piece, Reply, Request, Route, Server, Site, Socket,
    Status,
};

/// The application. It stores everything that the server has parsed.
#[derive(Default)]
struct App {
    http: Server<1, 100>,
    requests: Vec<String>,
    body: Vec<u8>,
    form: Option<Multipart>,
    /// The message that is being received.
    message: Vec<u8>,
    messages: Vec<Vec<u8>>,
    closed: Option<u16>,
}

struct Page;

impl Site<App> for Page {
    const ROUTES: &'static [Route<App>] = &[
        Route::get("/", App::record),
        Route::get("/a/{name}/{*rest}", App::record),
        Route::post("/fits", App::record),
        Route::put("/body", App::record).body(App::part),
        Route::post("/form", App::finish_form).before(App::begin_form).body(App::form_part),
        Route::websocket("/ws", App::received),
    ];
    const LIMITS: Limits = Limits::new().line(200).fields(20).body(5_000).message(5_000);
    const HEADERS: &'static [&'static str] = &["Content-Type", "X-Kept"];
    type Server = Server<1, 100>;

    fn server(app: &mut App) -> &mut Server<1, 100> {
        &mut app.http
    }
}

impl App {
    /// Stores the request with everything that can be read from it.
    fn record(&mut self, request: &mut Request<Self>) {
        let form = request.form("a").map(|value| value.bytes().count());
        let seen = format!(
            "{:?} {:?} {:?} {:?} {:?} {form:?}",
            request.method(),
            request.target(),
            request.param("name").map(|name| name.bytes().count()),
            request.query("a").and_then(|value| value.number()),
            request.header("x-kept"),
        );
        self.requests.push(seen);
        request.reply(Reply::text(Status::OK), b"noted").unwrap();
    }

    fn part(&mut self, request: &mut Request<Self>, part: Part) {
        if part == Part::More {
            self.body.extend(request.data());
            request.take(usize::MAX);
        }
    }

    fn begin_form(&mut self, request: &mut Request<Self>) {
        self.form = request.header("content-type").and_then(Multipart::new);
        if self.form.is_none() {
            request.reply(Reply::empty(Status::UNSUPPORTED_MEDIA_TYPE), b"").unwrap();
        }
    }

    fn form_part(&mut self, request: &mut Request<Self>, part: Part) {
        let Some(form) = self.form.as_mut().filter(|_| part == Part::More) else { return };
        while let Some(piece) = request.next_piece(form) {
            match piece {
                Ok(Piece::Begins { name, file }) => {
                    self.body.extend(b"<");
                    self.body.extend(name);
                    self.body.extend(file.into_iter().flatten());
                }
                Ok(Piece::Data(data)) => self.body.extend(data),
                Ok(Piece::Ends) => self.body.extend(b">"),
                Err(_) => {
                    self.body.clear();
                    request.reply(Reply::empty(Status::BAD_REQUEST), b"").unwrap();
                    return;
                }
            }
        }
    }

    fn finish_form(&mut self, request: &mut Request<Self>) {
        let is_complete = self.form.is_some_and(|form| form.is_complete());
        let status = if is_complete { Status::OK } else { Status::BAD_REQUEST };
        request.reply(Reply::empty(status), b"").unwrap();
    }

    /// Echoes messages.
    fn received(&mut self, socket: &mut Socket<Self>, message: Message) {
        let (is_text, is_last) = match message {
            Message::Text { is_last } => (true, is_last),
            Message::Binary { is_last } => (false, is_last),
            Message::Opened => return,
            Message::Closed(code) => return self.closed = Some(code),
        };
        let data = socket.data().to_vec();
        let amount = data.len().min(socket.room());
        let is_all = is_last && amount == data.len();
        if amount == 0 && !is_all {
            return;
        }
        let sent = match is_text {
            true => socket.send_text_part(&data[..amount], is_all),
            false => socket.send_binary(&data[..amount], is_all),
        };
        sent.expect("there is room");
        socket.take(amount);
        self.message.extend(&data[..amount]);
        if is_all {
            let message = std::mem::take(&mut self.message);
            assert!(!is_text || std::str::from_utf8(&message).is_ok(), "a text is text");
            self.messages.push(message);
        }
    }
}

/// Serves one client. The client sends bytes in segments and then ends its stream. Returns the bytes that the client
/// has received, and the application.
fn serve(bytes: &[u8], segment_size: usize) -> (Vec<u8>, App) {
    let mut storage = Storage::<App, 1, 1, 800, 1, 1>::new();
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(Pool::new(1).rings(256, 512)).unwrap();
    let any_address = SocketAddr::from(([192, 0, 2, 7], 80));
    let listener = base.listen::<Http<Page>>(any_address, pool).unwrap();
    let conn = base.accepted(listener, any_address).unwrap();
    let (mut app, mut received, mut now) = (App::default(), Vec::new(), 0);
    let mut segments = bytes.chunks(segment_size.max(1));
    let mut unsent = VecDeque::new();
    let (mut has_finished, mut has_ended, mut idle) = (false, false, 0);
    for _ in 0..1_000_000 {
        let mut has_moved = false;
        while let Some(action) = base.next_action() {
            has_moved = true;
            match action {
                Action::End(conn) => {
                    has_ended = true;
                    base.delivered(conn);
                    base.peer_finished(conn);
                }
                Action::Reset(_) => has_ended = true,
                _ => {}
            }
        }
        if let Some((first, second)) = base.input(conn) {
            let targets = first.iter_mut().chain(second);
            let amount = targets.zip(&unsent).map(|(target, byte)| *target = *byte).count();
            unsent.drain(..amount);
            base.received(conn, amount);
            has_moved |= amount > 0;
        }
        let (first, second) = base.output(conn);
        let amount = first.len() + second.len();
        received.extend(first.iter().chain(second));
        base.sent(conn, amount);
        has_moved |= amount > 0 || base.counts().active > 0;
        base.dispatch(&mut app);
        idle = if has_moved { 0 } else { idle + 1 };
        if idle < 3 {
            continue;
        }
        idle = 0;
        // Nothing has changed in three iterations, so all input so far was processed.
        if has_ended && app.http.is_empty() {
            return (received, app);
        }
        match segments.next() {
            Some(segment) => unsent.extend(segment),
            None if !std::mem::replace(&mut has_finished, true) => base.peer_finished(conn),
            None => {
                now += 5_000_000;
                base.advance(Instant::from_micros(now));
            }
        }
    }
    panic!("the connection never ends");
}

/// Serves two clients and checks that the results are equal. Both clients send `before`, and then `input` without its
/// first byte. The first client sends all bytes at once. The second client sends the bytes in segments; the first byte
/// of `input` is the size of a segment. Returns the bytes that the first client has received, and its application.
fn compare(before: &[u8], input: &[u8]) -> Option<(Vec<u8>, App)> {
    let (segment_size, bytes) = input.split_first()?;
    let all = [before, bytes].concat();
    let (whole, app) = serve(&all, usize::MAX);
    let (divided, other) = serve(&all, usize::from(*segment_size));
    assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&divided));
    assert_eq!((&app.requests, &app.body), (&other.requests, &other.body));
    assert_eq!((&app.messages, app.closed), (&other.messages, other.closed));
    Some((whole, app))
}

/// Uses the bytes as heads of requests.
pub fn head(input: &[u8]) {
    let Some((received, app)) = compare(b"", input) else { return };
    assert!(received.is_empty() || received.starts_with(b"HTTP/1.1 "));
    let answers = received.windows(12).filter(|bytes| *bytes == b"HTTP/1.1 200").count();
    assert!(answers >= app.requests.len(), "each request that was handled is answered");
}

/// Uses the bytes as a chunked body, and compares the result with another parser.
pub fn chunks(input: &[u8]) {
    let before = b"PUT /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let Some((received, app)) = compare(before, input) else { return };
    let is_accepted = received.starts_with(b"HTTP/1.1 200 ");
    match body_of(&input[1..]) {
        // The server may refuse a valid body because of its limits. If the server accepts the body, both parsers must
        // return the same content.
        Some(body) if is_accepted => assert!(app.body.starts_with(&body)),
        Some(_) => assert!(received.starts_with(b"HTTP/1.1 4"), "it is refused because of a limit"),
        None => assert!(!is_accepted, "what is no body is not accepted"),
    }
}

/// Returns the content of a chunked body, or `None` if the body is not valid or not complete.
fn body_of(mut bytes: &[u8]) -> Option<Vec<u8>> {
    fn line<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let line = &bytes[..end];
        *bytes = &bytes[end + 2..];
        (!line.contains(&b'\r') && !line.contains(&b'\n')).then_some(line)
    }
    let mut body = Vec::new();
    loop {
        let size = line(&mut bytes)?;
        let size = std::str::from_utf8(size.split(|byte| *byte == b';').next()?).ok()?;
        if !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            while !line(&mut bytes)?.is_empty() {}
            return Some(body);
        }
        body.extend(bytes.get(..size)?);
        bytes = bytes.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

/// Uses the bytes as a form with files.
pub fn multipart(input: &[u8]) {
    let Some((_, bytes)) = input.split_first() else { return };
    let length = bytes.len();
    let before = format!(
        "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\
         Content-Type: multipart/form-data; boundary=xx\r\n\r\n"
    );
    let Some((received, app)) = compare(before.as_bytes(), input) else { return };
    let is_accepted = received.starts_with(b"HTTP/1.1 200 ");
    // A valid form begins with the boundary, and contains the last boundary.
    let is_multipart =
        bytes.starts_with(b"--xx") && bytes.windows(6).any(|bytes| bytes == b"--xx--");
    assert!(!is_accepted || is_multipart);
    assert!(!is_accepted || app.body.ends_with(b">") || app.body.is_empty(), "each part ends");
}

/// Uses the bytes as WebSocket frames of a client.
pub fn frames(input: &[u8]) {
    let before = b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let Some((received, app)) = compare(before, input) else { return };
    assert!(received.starts_with(b"HTTP/1.1 101 "));
    assert!(app.closed.is_some(), "its end is reported");
}
