//! A client in memory. The test acts as the server.

use std::net::SocketAddr;

use picoevent::{Action, Conn, ConnError, ConnMut, Cx, EventBase, Instant, Pool, PoolId, Storage};
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

struct Wire {
    base: EventBase<'static, App>,
    app: App,
    pool: PoolId,
    now: u64,
    /// The address of each attempt to connect.
    connects: Vec<SocketAddr>,
    conn: Option<Conn>,
    sent: Vec<u8>,
    /// If set, each attempt to connect fails with this error.
    fails: Option<ConnError>,
    was_reset: bool,
    /// Whether the server reads nothing.
    is_blocked: bool,
}

impl Wire {
    fn new() -> Self {
        let storage = Box::leak(Box::new(Storage::<App, 1, 1, 800, 0, 1>::new()));
        let mut base = EventBase::new(storage);
        let pool = base.add_pool(Pool::new(1).rings(120, 200)).unwrap();
        base.advance(Instant::from_micros(1_000));
        Self {
            base,
            app: App::default(),
            pool,
            now: 1,
            connects: Vec::new(),
            conn: None,
            sent: Vec::new(),
            fails: None,
            was_reset: false,
            is_blocked: false,
        }
    }

    fn request(&mut self, request: &ClientRequest) -> Result<(), CallError> {
        let started = Calls::<Fetch>::request(&mut self.app, &mut self.base, self.pool, request);
        self.run();
        started
    }

    fn get(&mut self, target: &str) {
        self.request(&ClientRequest::get(server(), "pump", target)).unwrap();
    }

    fn run(&mut self) {
        for _ in 0..300 {
            while let Some(action) = self.base.next_action() {
                match action {
                    Action::Connect(conn) => {
                        self.connects.push(self.base.peer_of(conn).unwrap());
                        self.conn = Some(conn);
                        match self.fails {
                            Some(error) => self.base.failed(conn, error),
                            None => self.base.connected(conn),
                        }
                    }
                    Action::End(conn) => {
                        self.base.delivered(conn);
                        self.base.peer_finished(conn);
                    }
                    Action::Reset(_) => self.was_reset = true,
                    _ => {}
                }
            }
            if let Some(conn) = self.conn.filter(|_| !self.is_blocked) {
                let (first, second) = self.base.output(conn);
                let amount = first.len() + second.len();
                self.sent.extend(first.iter().chain(second));
                self.base.sent(conn, amount);
            }
            self.base.dispatch(&mut self.app);
        }
    }

    /// Sends bytes from the server to the client, as soon as the input ring has room for them.
    fn answer(&mut self, mut bytes: &[u8]) {
        for _ in 0..10_000 {
            let conn = self.conn.unwrap();
            if let Some((first, second)) = self.base.input(conn) {
                let room = first.iter_mut().chain(second);
                let amount = room.zip(bytes).map(|(to, from)| *to = *from).count();
                self.base.received(conn, amount);
                bytes = &bytes[amount..];
            }
            if bytes.is_empty() {
                return self.run();
            }
            self.base.dispatch(&mut self.app);
        }
        self.run();
    }

    fn end(&mut self) {
        self.base.peer_finished(self.conn.unwrap());
        self.run();
    }

    fn wait_ms(&mut self, millis: u64) {
        self.now += millis;
        self.base.advance(Instant::from_micros(self.now * 1_000));
        self.run();
    }

    fn sent(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.sent)).unwrap()
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
        wire.end();
    }
    (wire.outcomes(), wire.content())
}

const HELLO: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn a_request_is_sent_and_its_answer_is_reported() {
    let mut wire = Wire::new();
    let fields = "Range: bytes=5-\r\n";
    wire.request(&ClientRequest::get(server(), "pump", "/a?b").fields(fields)).unwrap();
    assert_eq!(wire.sent(), "GET /a?b HTTP/1.1\r\nHost: pump\r\nRange: bytes=5-\r\n\r\n");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.content().as_str()), (vec![Ok(200)], "hello"));
    assert_eq!(wire.app.kind.as_deref(), Some(&b"text/plain"[..]));
    assert!(!wire.app.http.is_busy());
}

#[test]
fn the_end_of_an_answer_is_found_for_every_framing() {
    let long = "x".repeat(4_000);
    for (answer, code, content) in [
        (String::from_utf8(HELLO.to_vec()).unwrap(), 200, "hello"),
        ("HTTP/1.1 200 OK\r\n\r\nto the end".into(), 200, "to the end"),
        ("HTTP/1.0 200 OK\r\n\r\n".into(), 200, ""),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n".into(), 204, ""),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n".into(), 304, ""),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into(), 404, ""),
        ("HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 201\r\nContent-Length: 1\r\n\r\n!".into(), 201, "!"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\n1\r\nd\r\n0\r\nX: y\r\n\r\n".into(), 200, "abcd"),
        (format!("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{long}"), 200, &long),
        (format!("HTTP/1.1 200 OK\r\n\r\n{long}"), 200, &long),
    ] {
        for segment_size in [1, 7, 5_000] {
            let outcome = answered(answer.as_bytes(), segment_size);
            assert_eq!(outcome, (vec![Ok(code)], content.to_owned()), "{answer:.60}");
        }
    }
}

#[test]
fn the_answer_to_head_has_no_content_despite_its_length() {
    let mut wire = Wire::new();
    wire.request(&ClientRequest::new(Method::Head, server(), "pump", "/")).unwrap();
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n");
    assert_eq!(wire.outcomes(), [Ok(200)]);
}

#[test]
fn invalid_answers_are_errors() {
    for (answer, error) in [
        ("nonsense\r\n", CallError::Malformed),
        ("HTTP/1.1 200 OK\n\r\n", CallError::Malformed),
        ("HTTP/2 200\r\n\r\n", CallError::Malformed),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", CallError::Malformed),
        ("HTTP/1.1 200 OK\r\nX : y\r\n\r\n", CallError::Malformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", CallError::Malformed),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            CallError::Malformed,
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", CallError::Malformed),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", CallError::Malformed),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naa\r\n", CallError::Malformed),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", CallError::TooLong),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5001\r\n\r\n", CallError::TooLong),
        ("", CallError::Lost(None)),
        ("HTTP/1.1 200 OK\r\nX", CallError::Lost(None)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n", CallError::TooLong),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", CallError::Lost(None)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", CallError::Lost(None)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1", CallError::Lost(None)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r", CallError::Lost(None)),
    ] {
        for segment_size in [1, 5_000] {
            assert_eq!(answered(answer.as_bytes(), segment_size).0, [Err(error)], "{answer:?}");
        }
    }
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(150));
    assert_eq!(answered(long.as_bytes(), 5_000).0, [Err(CallError::TooLong)]);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(9));
    assert_eq!(answered(many.as_bytes(), 5_000).0, [Err(CallError::TooLong)]);
}

#[test]
fn a_connection_is_used_again_if_the_server_keeps_it() {
    let mut wire = Wire::new();
    for _ in 0..3 {
        wire.get("/");
        wire.answer(HELLO);
    }
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 3], 1));
    wire.get("/");
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    wire.get("/");
    wire.answer(HELLO);
    let other = "192.0.2.9:81".parse().unwrap();
    wire.request(&ClientRequest::get(other, "other", "/")).unwrap();
    wire.answer(HELLO);
    assert_eq!(
        (wire.outcomes(), wire.connects),
        (vec![Ok(200); 3], vec![server(), server(), other])
    );
}

#[test]
fn a_kept_connection_that_the_server_ends_is_replaced() {
    for ends_late in [false, true] {
        let mut wire = Wire::new();
        wire.get("/");
        wire.answer(HELLO);
        if !ends_late {
            wire.end();
        }
        wire.get("/again");
        if ends_late {
            wire.end();
        }
        assert_eq!(wire.connects.len(), 2, "{ends_late}");
        assert!(wire.sent().ends_with("GET /again HTTP/1.1\r\nHost: pump\r\n\r\n"));
        wire.answer(HELLO);
        assert_eq!(wire.outcomes(), [Ok(200), Ok(200)]);
    }
    // A request that may have had an effect is not repeated.
    for method in [Method::Post, Method::Patch] {
        let mut wire = Wire::new();
        wire.get("/");
        wire.answer(HELLO);
        wire.request(&ClientRequest::new(method, server(), "pump", "/")).unwrap();
        wire.end();
        assert_eq!(wire.outcomes(), [Ok(200), Err(CallError::Lost(None))], "{method:?}");
    }
    // The client closes the connection after 30 s without a request. Nothing is reported, because no request is in
    // progress.
    let mut wire = Wire::new();
    wire.get("/");
    wire.answer(HELLO);
    wire.wait_ms(30_000);
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 2], 2));
}

#[test]
fn bytes_after_an_answer_are_not_the_next_answer() {
    let stray = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    // The bytes arrive with the answer, and after it.
    let mut wire = Wire::new();
    wire.get("/");
    wire.answer(&[HELLO, stray].concat());
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 2], 2));
    // The bytes arrive in the pass in which the next request is made.
    let mut wire = Wire::new();
    wire.get("/");
    wire.answer(HELLO);
    let post = ClientRequest::new(Method::Post, server(), "pump", "/");
    Calls::<Fetch>::request(&mut wire.app, &mut wire.base, wire.pool, &post).unwrap();
    wire.answer(stray);
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 2], 2));
}

#[test]
fn a_kept_connection_that_was_reset_is_replaced() {
    for is_reset_first in [false, true] {
        let mut wire = Wire::new();
        wire.get("/");
        wire.answer(HELLO);
        let post = ClientRequest::new(Method::Post, server(), "pump", "/");
        let conn = wire.conn.unwrap();
        if is_reset_first {
            wire.base.failed(conn, ConnError::Reset);
        }
        Calls::<Fetch>::request(&mut wire.app, &mut wire.base, wire.pool, &post).unwrap();
        if !is_reset_first {
            wire.base.failed(conn, ConnError::Reset);
        }
        wire.run();
        wire.answer(HELLO);
        let expected = (vec![Ok(200); 2], 2);
        assert_eq!((wire.outcomes(), wire.connects.len()), expected, "{is_reset_first}");
    }
}

#[test]
fn content_without_a_length_has_a_limit() {
    let answer = |length| format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(length));
    let (outcomes, content) = answered(answer(5_000).as_bytes(), 100);
    assert_eq!((outcomes, content.len()), (vec![Ok(200)], 5_000));
    let (outcomes, content) = answered(answer(5_001).as_bytes(), 100);
    assert_eq!((outcomes, content.len()), (vec![Err(CallError::TooLong)], 5_000));
}

#[test]
fn redirects_are_followed_up_to_a_limit() {
    let redirect = |code: u16, to: &str| {
        format!("HTTP/1.1 {code} There\r\nLocation: {to}\r\nContent-Length: 3\r\n\r\nbye")
    };
    let mut wire = Wire::new();
    wire.get("/a");
    wire.sent();
    wire.answer(redirect(302, "/b?c").as_bytes());
    assert_eq!(wire.sent(), "GET /b?c HTTP/1.1\r\nHost: pump\r\n\r\n");
    wire.answer(redirect(301, "http://192.0.2.5:81/c").as_bytes());
    assert_eq!(wire.sent(), "GET /c HTTP/1.1\r\nHost: 192.0.2.5:81\r\n\r\n");
    assert_eq!(wire.connects[2], "192.0.2.5:81".parse().unwrap());
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.content().as_str()), (vec![Ok(200)], "hello"));
    // The server sends one redirect more than the limit.
    wire.get("/");
    for _ in 0..3 {
        wire.answer(redirect(307, "/").as_bytes());
    }
    assert_eq!(wire.outcomes(), [Err(CallError::Redirects)]);
    // A redirect to a URL that is not HTTP is not followed.
    wire.get("/");
    wire.answer(redirect(302, "https://pump/").as_bytes());
    assert_eq!((wire.outcomes(), wire.content().as_str()), (vec![Ok(302)], "bye"));
    assert!(wire.app.names.is_empty());
    // After status 303, the client repeats the request of a form with `GET` and without content.
    let mut wire = Wire::new();
    wire.app.uploads = 3;
    let form =
        ClientRequest::new(Method::Post, server(), "pump", "/form").content(Length::Known(3));
    wire.request(&form).unwrap();
    wire.sent();
    wire.answer(redirect(303, "/done").as_bytes());
    assert_eq!(wire.sent(), "GET /done HTTP/1.1\r\nHost: pump\r\n\r\n");
    wire.answer(HELLO);
    assert_eq!(wire.outcomes(), [Ok(200)]);
}

#[test]
fn requests_can_go_to_host_names() {
    let named = |host| ClientRequest::named(Method::Get, host, "/");
    let mut wire = Wire::new();
    for _ in 0..2 {
        wire.request(&named("pump:8080")).unwrap();
        wire.answer(HELLO);
    }
    // A connection is reused for the same name and port. Upper and lower case of the name are equal.
    wire.request(&named("PUMP:8080")).unwrap();
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 3], 1));
    assert_eq!(wire.app.names, ["pump 8080"]);
    assert!(wire.sent().ends_with("GET / HTTP/1.1\r\nHost: PUMP:8080\r\n\r\n"));
    for (host, name) in [("pump", "pump 80"), ("[fe80::1]:81", "fe80::1 81")] {
        wire.request(&named(host)).unwrap();
        wire.answer(HELLO);
        assert_eq!(wire.app.names.last().map(String::as_str), Some(name));
    }
    // An address is not looked up.
    wire.request(&named("192.0.2.9:81")).unwrap();
    wire.answer(HELLO);
    assert_eq!(wire.connects[3], "192.0.2.9:81".parse().unwrap());
    assert_eq!((wire.outcomes(), wire.app.names.len()), (vec![Ok(200); 3], 3));
    for bad in ["u@a", "a:x", "a:99999", "[::1", "a/b"] {
        assert_eq!(wire.request(&named(bad)), Err(CallError::BadRequest), "{bad}");
    }
}

#[test]
fn a_name_that_cannot_be_looked_up_is_an_error() {
    let nobody = ClientRequest::named(Method::Get, "nobody", "/");
    let mut wire = Wire::new();
    assert_eq!(wire.request(&nobody), Err(CallError::Unresolved));
    assert_eq!((wire.outcomes(), wire.app.http.is_busy()), (vec![], false));
    wire.get("/");
    wire.answer(HELLO);
    // The keep-alive connection to the other server is closed first.
    wire.request(&nobody).unwrap();
    assert_eq!(wire.outcomes(), [Ok(200), Err(CallError::Unresolved)]);
    wire.get("/");
    wire.answer(b"HTTP/1.1 302 There\r\nLocation: http://nobody/\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(wire.outcomes(), [Err(CallError::Unresolved)]);
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!(wire.outcomes(), [Ok(200)]);
}

#[test]
fn a_redirect_to_another_server_drops_secrets() {
    let fields = "Authorization: Basic x\r\nRange: bytes=5-\r\nCookie: a=b\r\n";
    let mut wire = Wire::new();
    wire.request(&ClientRequest::get(server(), "pump", "/").fields(fields)).unwrap();
    let redirect =
        |to| format!("HTTP/1.1 302 There\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    wire.sent();
    wire.answer(redirect("/same").as_bytes());
    assert_eq!(wire.sent(), format!("GET /same HTTP/1.1\r\nHost: pump\r\n{fields}\r\n"));
    wire.answer(redirect("http://other/").as_bytes());
    assert_eq!(wire.sent(), "GET / HTTP/1.1\r\nHost: other\r\nRange: bytes=5-\r\n\r\n");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.app.names.len()), (vec![Ok(200)], 1));
}

#[test]
fn content_of_a_request_is_written_when_there_is_room() {
    let mut wire = Wire::new();
    wire.app.uploads = 3_000;
    let put = ClientRequest::new(Method::Put, server(), "pump", "/up");
    wire.request(&put.content(Length::Known(3_000))).unwrap();
    let sent = wire.sent();
    let (head, content) = sent.split_once("\r\n\r\n").unwrap();
    assert_eq!(head, "PUT /up HTTP/1.1\r\nHost: pump\r\nContent-Length: 3000");
    assert_eq!(content, "012345678901234567890123456789".repeat(100));
    wire.answer(HELLO);
    wire.app.uploads = 65;
    wire.request(&put.content(Length::Unknown)).unwrap();
    let thirty = "1e\r\n012345678901234567890123456789\r\n";
    assert_eq!(
        wire.sent(),
        format!(
            "PUT /up HTTP/1.1\r\nHost: pump\r\nTransfer-Encoding: chunked\r\n\r\n\
             {thirty}{thirty}5\r\n01234\r\n0\r\n\r\n"
        )
    );
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 2], 1));
}

#[test]
fn an_early_answer_ends_the_connection() {
    let mut wire = Wire::new();
    let put =
        ClientRequest::new(Method::Put, server(), "pump", "/up").content(Length::Known(3_000));
    wire.app.uploads = 30;
    wire.request(&put).unwrap();
    wire.answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(wire.outcomes(), [Ok(403)]);
    // The content of the upload was not sent completely, so the next request uses a new connection.
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200)], 2));
}

#[test]
fn an_answer_is_read_while_the_server_does_not_read() {
    let mut wire = Wire::new();
    wire.is_blocked = true;
    wire.app.uploads = 3_000;
    // The head has 80 bytes, so four pieces of content fill the output ring.
    let target = format!("/{}", "x".repeat(28));
    let put = ClientRequest::new(Method::Put, server(), "pump", &target);
    wire.request(&put.content(Length::Known(3_000))).unwrap();
    let (first, second) = wire.base.output(wire.conn.unwrap());
    assert_eq!(first.len() + second.len(), 200);
    wire.answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(wire.outcomes(), [Ok(403)]);
}

#[test]
fn an_upload_continues_while_a_good_answer_arrives() {
    let mut wire = Wire::new();
    let put = ClientRequest::new(Method::Put, server(), "pump", "/up").content(Length::Known(60));
    wire.app.uploads = 30;
    wire.request(&put).unwrap();
    wire.sent();
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    wire.app.uploads = 30;
    wire.answer(b"l");
    assert_eq!(wire.sent(), "012345678901234567890123456789");
    wire.answer(b"lo");
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 2], 1));
}

#[test]
fn errors_are_reported() {
    let mut wire = Wire::new();
    wire.fails = Some(ConnError::Refused);
    wire.get("/");
    let refused = Err(CallError::Lost(Some(ConnError::Refused)));
    assert_eq!(wire.outcomes(), [refused]);
    // The next request is made at once. It connects once, too.
    wire.app.again = Some(wire.pool);
    wire.get("/");
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![refused; 2], 3));
    wire.fails = None;
    wire.get("/");
    let busy = wire.request(&ClientRequest::get(server(), "pump", "/"));
    assert_eq!(busy, Err(CallError::Busy));
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    wire.base.failed(wire.conn.unwrap(), ConnError::Reset);
    wire.run();
    assert_eq!(wire.outcomes(), [Err(CallError::Lost(Some(ConnError::Reset)))]);
    wire.get("/");
    assert!(Calls::<Fetch>::cancel(&mut wire.app, &mut wire.base));
    wire.run();
    assert_eq!(wire.outcomes(), [Err(CallError::Cancelled)]);
    assert!(!Calls::<Fetch>::cancel(&mut wire.app, &mut wire.base));
    for (host, target, fields) in [
        ("", "/", ""),
        ("a b", "/", ""),
        ("a\r\nX: y", "/", ""),
        ("a", "", ""),
        ("a", "b", ""),
        ("a", "/ b", ""),
        ("a", "/", "X: y"),
        ("a", "/", "X: \0\r\n"),
    ] {
        let refused = wire.request(&ClientRequest::get(server(), host, target).fields(fields));
        assert_eq!(refused, Err(CallError::BadRequest), "{host:?} {target:?} {fields:?}");
    }
    let long = format!("/{}", "x".repeat(120));
    assert_eq!(wire.request(&ClientRequest::get(server(), "a", &long)), Err(CallError::BadRequest));
}

#[test]
fn every_phase_has_a_time_limit() {
    let mut wire = Wire::new();
    wire.get("/");
    for _ in 0..9 {
        wire.wait_ms(1_000);
        wire.answer(b"H");
    }
    assert_eq!(wire.outcomes(), []);
    wire.wait_ms(1_000);
    assert_eq!(wire.outcomes(), [Err(CallError::TimedOut)]);
    assert!(wire.was_reset);
    wire.get("/");
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n");
    wire.answer(&[b'x'; 499]);
    wire.wait_ms(4_999);
    assert!(wire.outcomes().is_empty());
    wire.wait_ms(5_001);
    assert_eq!(wire.outcomes(), [Err(CallError::TimedOut)]);
}

#[test]
fn the_rate_of_an_upload_is_measured_from_its_content() {
    let mut wire = Wire::new();
    let put = ClientRequest::new(Method::Put, server(), "pump", "/up").content(Length::Known(60));
    wire.request(&put).unwrap();
    wire.wait_ms(5_000);
    // The content is written in the pass in which the rate is checked.
    wire.is_blocked = true;
    wire.app.uploads = 30;
    wire.now += 5_000;
    wire.base.advance(Instant::from_micros(wire.now * 1_000));
    assert!(Calls::<Fetch>::go_on(&mut wire.app, &mut wire.base));
    wire.run();
    wire.wait_ms(4_999);
    assert_eq!(wire.outcomes(), []);
    wire.wait_ms(1);
    assert_eq!(wire.outcomes(), [Err(CallError::TimedOut)]);
}

#[test]
fn without_a_lowest_rate_content_has_no_time_limit() {
    let mut wire = Wire::new();
    let get = ClientRequest::get(server(), "pump", "/");
    Calls::<Patient>::request(&mut wire.app, &mut wire.base, wire.pool, &get).unwrap();
    wire.run();
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    (0..10).for_each(|_| wire.wait_ms(10_000));
    wire.answer(b"llo");
    assert_eq!((wire.outcomes(), wire.content().as_str()), (vec![Ok(200)], "hello"));
}

#[test]
fn content_that_is_not_taken_stops_the_server() {
    let mut wire = Wire::new();
    wire.app.is_busy = true;
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.content().as_str()), (vec![], ""));
    wire.app.is_busy = false;
    assert!(Calls::<Fetch>::go_on(&mut wire.app, &mut wire.base));
    wire.run();
    assert_eq!((wire.outcomes(), wire.content().as_str()), (vec![Ok(200)], "hello"));
    assert!(!Calls::<Fetch>::go_on(&mut wire.app, &mut wire.base));
}
