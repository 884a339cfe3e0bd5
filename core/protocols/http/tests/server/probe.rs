//! The requirements for servers in Http11Probe's list, with the identifiers of the list.
//!
//! A row has a request and the expected result. The request is sent to one server as a whole, and to a second server
//! byte by byte. Each time, a second request follows. The second request is answered only if the connection may stay
//! open after the first request.

use picoevent::Instant;
use picoevent_http::{Clock, Limits, Part, Reply, Request, Route, Server, Site, Status};

use crate::memory::{End, TestBench};

/// The expected result.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    /// This error status and the end of the connection. The second request is not read.
    Refused(u16),
    /// This status and this content. The second request is answered.
    Answered(u16, &'static str),
    /// This status and this content, and the end of the connection.
    Last(u16, &'static str),
    /// No answer until the time limit; then 408 and the end of the connection.
    Waits,
}

use Wanted::{Answered, Last, Refused, Waits};

#[derive(Default)]
struct App {
    http: Server<2, 64>,
    /// The date and time when the loop began, in seconds since 1970-01-01.
    unix: Option<u64>,
    body: Vec<u8>,
    requests: u32,
}

struct Page;

impl Site<App> for Page {
    const ROUTES: &'static [Route<App>] = &[
        Route::get("/", App::index),
        Route::post("/", App::echo).body(App::part).before(|app, _| app.body.clear()),
        Route::post("/echo", App::echo).body(App::part).before(|app, _| app.body.clear()),
        Route::websocket("/ws", |_, _, _| {}),
        Route::get("/next", App::index),
    ];
    const LIMITS: Limits = Limits::new().line(200).body(10_000);
    const CLOCK: Option<Clock<App>> =
        Some(|app, now| Some(app.unix? + now.since(Instant::ZERO).as_secs()));
    type Server = Server<2, 64>;

    fn server(app: &mut App) -> &mut Server<2, 64> {
        &mut app.http
    }
}

impl App {
    fn index(&mut self, request: &mut Request<Self>) {
        self.requests += 1;
        let content = if request.path() == "/" { "OK" } else { "next" };
        request.reply(Reply::text(Status::OK), content.as_bytes()).unwrap();
    }

    fn part(&mut self, request: &mut Request<Self>, part: Part) {
        if part == Part::More {
            self.body.extend(request.data());
            request.take(usize::MAX);
        }
    }

    fn echo(&mut self, request: &mut Request<Self>) {
        self.requests += 1;
        request.reply(Reply::text(Status::OK), &self.body).unwrap();
    }
}

type Row = (&'static str, Vec<u8>, Wanted);

fn raw(id: &'static str, bytes: impl AsRef<[u8]>, wanted: Wanted) -> Row {
    (id, bytes.as_ref().to_vec(), wanted)
}

fn get(id: &'static str, fields: &str, wanted: Wanted) -> Row {
    raw(id, format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"), wanted)
}

fn post(id: &'static str, fields: &str, body: &str, wanted: Wanted) -> Row {
    raw(id, format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}"), wanted)
}

/// A row with a chunked body.
fn chunked(id: &'static str, chunks: &str, wanted: Wanted) -> Row {
    post(id, "Transfer-Encoding: chunked\r\n", chunks, wanted)
}

/// A row with a request that has the field line `coding` and the field `Content-Length`.
fn with_length(id: &'static str, coding: &str, wanted: Wanted) -> Row {
    post(id, &format!("{coding}\r\nContent-Length: 5\r\n"), "hello", wanted)
}

/// A row with a WebSocket handshake.
fn upgrade(id: &'static str, line: &str, fields: &str, wanted: Wanted) -> Row {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    raw(id, format!("{line}\r\nHost: a\r\nUpgrade: websocket\r\n{key}\r\n{fields}\r\n"), wanted)
}

const HIDDEN: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A row with a request that hides another request in its body. `{}` in the fields stands for the length of the body.
fn smuggled(id: &'static str, fields: &str, before: &str, hidden: &str) -> Row {
    let body = format!("{before}{hidden}");
    post(id, &fields.replace("{}", &body.len().to_string()), &body, Refused(400))
}

fn compliance() -> Vec<Row> {
    const LINE: &str = "GET /ws HTTP/1.1";
    const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
    const UPGRADE: &str = "Connection: Upgrade\r\n";
    let with_upgrade = format!("{UPGRADE}{VERSION}");
    vec![
        get("RFC9112-5.1-OBS-FOLD", "X-Test: value\r\n continued\r\n", Refused(400)),
        get("RFC9110-5.6.2-SP-BEFORE-COLON", "X-Test : value\r\n", Refused(400)),
        raw("RFC9112-7.1-MISSING-HOST", "GET / HTTP/1.1\r\n\r\n", Refused(400)),
        get("RFC9112-5-EMPTY-HEADER-NAME", ": value\r\n", Refused(400)),
        raw("RFC9112-3-CR-ONLY-LINE-ENDING", "GET / HTTP/1.1\rHost: a\r\n\r\n", Refused(400)),
        raw("RFC9112-3-MISSING-TARGET", "GET HTTP/1.1\r\nHost: a\r\n\r\n", Refused(400)),
        get("RFC9112-5-INVALID-HEADER-NAME", "Bad[Name: value\r\n", Refused(400)),
        get("RFC9112-5-HEADER-NO-COLON", "NoColon\r\n", Refused(400)),
        get("RFC9110-5.4-DUPLICATE-HOST", "Host: other\r\n", Refused(400)),
        post("RFC9112-6.1-CL-NON-NUMERIC", "Content-Length: abc\r\n", "", Refused(400)),
        post("RFC9112-6.1-CL-PLUS-SIGN", "Content-Length: +5\r\n", "hello", Refused(400)),
        raw(
            "COMP-WHITESPACE-BEFORE-HEADERS",
            "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n",
            Refused(400),
        ),
        get("COMP-DUPLICATE-HOST-SAME", "Host: a\r\n", Refused(400)),
        raw("COMP-HOST-WITH-USERINFO", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Refused(400)),
        raw("COMP-HOST-WITH-PATH", "GET / HTTP/1.1\r\nHost: a/path\r\n\r\n", Refused(400)),
        raw("COMP-ASTERISK-WITH-GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", Refused(400)),
        raw("COMP-OPTIONS-STAR", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Answered(204, "")),
        // Status 501 would be correct if `chunked` followed the coding. Here `chunked` is missing, so the end of the
        // body is unknown, and the status is 400.
        post("COMP-UNKNOWN-TE-501", "Transfer-Encoding: gzip\r\n", "", Refused(400)),
        post("COMP-POST-CL-BODY", "Content-Length: 5\r\n", "hello", Answered(200, "hello")),
        post("COMP-POST-CL-ZERO", "Content-Length: 0\r\n", "", Answered(200, "")),
        post("COMP-POST-NO-CL-NO-TE", "", "", Answered(200, "")),
        post("COMP-POST-CL-UNDERSEND", "Content-Length: 200\r\n", "hello", Waits),
        chunked("COMP-CHUNKED-BODY", "5\r\nhello\r\n0\r\n\r\n", Answered(200, "hello")),
        chunked(
            "COMP-CHUNKED-MULTI",
            "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
            Answered(200, "hello world"),
        ),
        chunked("COMP-CHUNKED-EMPTY", "0\r\n\r\n", Answered(200, "")),
        chunked("COMP-CHUNKED-NO-FINAL", "5\r\nhello\r\n", Waits),
        upgrade("COMP-UPGRADE-POST", "POST /ws HTTP/1.1", &with_upgrade, Answered(405, "")),
        upgrade("COMP-UPGRADE-MISSING-CONN", LINE, VERSION, Answered(426, "")),
        get(
            "COMP-UPGRADE-UNKNOWN",
            "Connection: Upgrade\r\nUpgrade: made-up/1.0\r\n",
            Answered(200, "OK"),
        ),
        chunked("COMP-CHUNKED-EXTENSION", "5;a=b\r\nhello\r\n0\r\n\r\n", Answered(200, "hello")),
        upgrade(
            "COMP-UPGRADE-INVALID-VER",
            LINE,
            &format!("{UPGRADE}Sec-WebSocket-Version: 99\r\n"),
            Answered(426, ""),
        ),
        raw("COMP-HOST-EMPTY-VALUE", "GET / HTTP/1.1\r\nHost: \r\n\r\n", Refused(400)),
        raw("COMP-VERSION-MISSING-MINOR", "GET / HTTP/1\r\nHost: a\r\n\r\n", Refused(400)),
        raw("COMP-VERSION-LEADING-ZEROS", "GET / HTTP/01.01\r\nHost: a\r\n\r\n", Refused(400)),
        raw("COMP-VERSION-WHITESPACE", "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", Refused(400)),
        // All answers have the field `Date`. `check` verifies this.
        get("COMP-DATE-HEADER", "", Answered(200, "OK")),
        get("COMP-CONNECTION-CLOSE", "Connection: close\r\n", Last(200, "OK")),
        chunked(
            "COMP-CHUNKED-TRAILER-VALID",
            "5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n",
            Answered(200, "hello"),
        ),
        chunked(
            "COMP-CHUNKED-HEX-UPPERCASE",
            "A\r\nhelloworld\r\n0\r\n\r\n",
            Answered(200, "helloworld"),
        ),
        post(
            "COMP-RANGE-POST",
            "Content-Length: 5\r\nRange: bytes=0-10\r\n",
            "hello",
            Answered(200, "hello"),
        ),
        upgrade("COMP-UPGRADE-HTTP10", "GET /ws HTTP/1.0", &with_upgrade, Last(426, "")),
        raw("COMP-HEAD-NO-BODY", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", Answered(200, "")),
        raw("COMP-405-ALLOW", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", Answered(405, "")),
        raw(
            "COMP-NO-1XX-HTTP10",
            "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
            Last(200, "hello"),
        ),
        raw("COMP-NO-CL-IN-204", "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", Answered(204, "")),
        raw("COMP-VERSION-CASE", "GET / http/1.1\r\nHost: a\r\n\r\n", Refused(400)),
        raw("COMP-SPACE-IN-TARGET", "GET /pa th HTTP/1.1\r\nHost: a\r\n\r\n", Refused(400)),
        raw("MAL-NUL-IN-URL", "GET /\0test HTTP/1.1\r\nHost: a\r\n\r\n", Refused(400)),
        get("MAL-CONTROL-CHARS-HEADER", "X-Test: a\x07\x08\x0bb\r\n", Refused(400)),
        get("MAL-NON-ASCII-HEADER-NAME", "X-T\u{eb}st: value\r\n", Refused(400)),
        raw("MAL-NON-ASCII-URL", "GET /caf\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", Refused(400)),
        // The list requires 400. But the length is a valid number that is too large, so the server answers 413.
        post("MAL-CL-OVERFLOW", "Content-Length: 99999999999999999999\r\n", "", Refused(413)),
        get("MAL-NUL-IN-HEADER-VALUE", "X-Test: val\0ue\r\n", Refused(400)),
        chunked("MAL-CHUNK-SIZE-OVERFLOW", "FFFFFFFFFFFFFFFF0\r\nhello\r\n0\r\n\r\n", Refused(413)),
        post("MAL-CL-EMPTY", "Content-Length: \r\n", "", Refused(400)),
        raw("MAL-URL-OVERLONG-UTF8", b"GET /\xc0\xaf HTTP/1.1\r\nHost: a\r\n\r\n", Refused(400)),
        post("MAL-POST-CL-HUGE-NO-BODY", "Content-Length: 999999999\r\n", "", Refused(413)),
        raw(
            "NORM-SP-BEFORE-COLON-CL",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nContent-Length : 5\r\n\r\nhello world",
            Refused(400),
        ),
        raw(
            "NORM-TAB-IN-NAME",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nContent\tLength: 99\r\n\r\nhello world",
            Refused(400),
        ),
    ]
}

fn smuggling() -> Vec<Row> {
    const CHUNKED: &str = "Transfer-Encoding: chunked";
    let length = |id, length: &str, body| {
        post(id, &format!("Content-Length: {length}\r\n"), body, Refused(400))
    };
    let trailer = |id, field: &str| {
        // Trailer fields are checked like header fields and then discarded, so they have no effect.
        chunked(id, &format!("5\r\nhello\r\n0\r\n{field}\r\n\r\n"), Answered(200, "hello"))
    };
    vec![
        post(
            "SMUG-DUPLICATE-CL",
            "Content-Length: 5\r\nContent-Length: 10\r\n",
            "helloworld",
            Refused(400),
        ),
        with_length("SMUG-TE-XCHUNKED", "Transfer-Encoding: xchunked", Refused(400)),
        with_length("SMUG-TE-TRAILING-SPACE", "Transfer-Encoding: chunked ", Refused(400)),
        with_length("SMUG-TE-SP-BEFORE-COLON", "Transfer-Encoding : chunked", Refused(400)),
        length("SMUG-CL-NEGATIVE", "-1", ""),
        length("SMUG-CL-COMMA-DIFFERENT", "5, 10", "hello"),
        post(
            "SMUG-TE-NOT-FINAL-CHUNKED",
            "Transfer-Encoding: chunked, gzip\r\n",
            "0\r\n\r\n",
            Refused(400),
        ),
        raw(
            "SMUG-TE-HTTP10",
            format!("POST / HTTP/1.0\r\nHost: a\r\n{CHUNKED}\r\nContent-Length: 5\r\n\r\nhello"),
            Refused(400),
        ),
        chunked("SMUG-CHUNK-BARE-SEMICOLON", "5;\r\nhello\r\n0\r\n\r\n", Refused(400)),
        chunked("SMUG-CHUNK-EXT-INVALID-TOKEN", "5;bad[=x\r\nhello\r\n0\r\n\r\n", Refused(400)),
        post(
            "SMUG-BARE-CR-HEADER-VALUE",
            "Content-Length: 5\r\nX-Test: val\rue\r\n",
            "hello",
            Refused(400),
        ),
        length("SMUG-CL-OCTAL", "0o5", "hello"),
        chunked("SMUG-CHUNK-UNDERSCORE", "1_0\r\n0123456789abcdef\r\n0\r\n\r\n", Refused(400)),
        with_length("SMUG-TE-EMPTY-VALUE", "Transfer-Encoding: ", Refused(400)),
        with_length(
            "SMUG-TE-DUPLICATE-HEADERS",
            &format!("{CHUNKED}\r\nTransfer-Encoding: identity"),
            Refused(400),
        ),
        chunked("SMUG-CHUNK-HEX-PREFIX", "0x5\r\nhello\r\n0\r\n\r\n", Refused(400)),
        chunked("SMUG-CHUNK-SIZE-PLUS", "+5\r\nhello\r\n0\r\n\r\n", Refused(400)),
        chunked("SMUG-CHUNK-SIZE-TRAILING-OWS", "5 \r\nhello\r\n0\r\n\r\n", Refused(400)),
        length("SMUG-CL-HEX-PREFIX", "0x5", "hello"),
        length("SMUG-CL-INTERNAL-SPACE", "1 0", "hello12345"),
        chunked("SMUG-CHUNK-LEADING-SP", " 5\r\nhello\r\n0\r\n\r\n", Refused(400)),
        chunked("SMUG-CHUNK-MISSING-TRAILING-CRLF", "5\r\nhello0\r\n\r\n", Refused(400)),
        chunked("SMUG-CHUNK-SPILL", "5\r\nhello!!\r\n0\r\n\r\n", Refused(400)),
        chunked("SMUG-CHUNK-EXT-CTRL", "5;\0ext\r\nhello\r\n0\r\n\r\n", Refused(400)),
        chunked("SMUG-CHUNK-EXT-CR", "5;a\rX\r\nhello\r\n0\r\n\r\n", Refused(400)),
        with_length("SMUG-TE-VTAB", "Transfer-Encoding: \x0bchunked", Refused(400)),
        with_length("SMUG-TE-FORMFEED", "Transfer-Encoding: \x0cchunked", Refused(400)),
        with_length("SMUG-TE-NULL", "Transfer-Encoding: chunked\0", Refused(400)),
        with_length("SMUG-TE-IDENTITY", "Transfer-Encoding: identity", Refused(400)),
        chunked("SMUG-CHUNK-NEGATIVE", "-1\r\nhello\r\n0\r\n\r\n", Refused(400)),
        // `Transfer_Encoding` is not `Transfer-Encoding`, so this field has no effect.
        with_length("SMUG-TRANSFER_ENCODING", "Transfer_Encoding: chunked", Answered(200, "hello")),
        length("SMUG-CL-COMMA-SAME", "5, 5", "hello"),
        length("SMUG-CL-COMMA-TRIPLE", "5, 5, 5", "hello"),
        with_length("SMUG-CHUNKED-WITH-PARAMS", "Transfer-Encoding: chunked;ext=val", Refused(400)),
        post(
            "SMUG-EXPECT-100-CL",
            "Content-Length: 5\r\nExpect: 100-continue\r\n",
            "hello",
            Answered(200, "hello"),
        ),
        trailer("SMUG-TRAILER-CL", "Content-Length: 50"),
        trailer("SMUG-TRAILER-TE", CHUNKED),
        trailer("SMUG-TRAILER-HOST", "Host: evil"),
        trailer("SMUG-TRAILER-AUTH", "Authorization: Bearer evil"),
        trailer("SMUG-TRAILER-CONTENT-TYPE", "Content-Type: text/evil"),
        raw(
            "SMUG-HEAD-CL-BODY",
            "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            Answered(200, ""),
        ),
        // The body is not read, so the connection ends.
        raw(
            "SMUG-OPTIONS-CL-BODY",
            "OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            Last(204, ""),
        ),
        length("SMUG-CL-UNDERSCORE", "1_0", "helloworld"),
        length("SMUG-CL-NEGATIVE-ZERO", "-0", ""),
        with_length("SMUG-TE-OBS-FOLD", "Transfer-Encoding:\r\n chunked", Refused(400)),
        with_length("SMUG-TE-TAB-BEFORE-VALUE", "Transfer-Encoding:\tchunked", Refused(400)),
        // The authority of the target replaces the host (RFC 9112, 3.2.2). The server has only one site, so the host
        // has no effect.
        raw(
            "SMUG-ABSOLUTE-URI-HOST-MISMATCH",
            "GET http://other/ HTTP/1.1\r\nHost: a\r\n\r\n",
            Answered(200, "OK"),
        ),
        raw("SMUG-MULTIPLE-HOST-COMMA", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Refused(400)),
        chunked("SMUG-CHUNK-BARE-CR-TERM", "5\rhello\r\n0\r\n\r\n", Refused(400)),
        with_length("SMUG-CLTE-CONN-CLOSE", CHUNKED, Refused(400)),
        post(
            "SMUG-TECL-CONN-CLOSE",
            &format!("{CHUNKED}\r\nContent-Length: 5\r\n"),
            "0\r\n\r\n",
            Refused(400),
        ),
        post(
            "SMUG-CLTE-DESYNC",
            &format!("Content-Length: 6\r\n{CHUNKED}\r\n"),
            "0\r\n\r\nX",
            Refused(400),
        ),
        smuggled(
            "SMUG-CLTE-SMUGGLED-GET",
            &format!("Content-Length: {{}}\r\n{CHUNKED}\r\n"),
            "0\r\n\r\n",
            HIDDEN,
        ),
        smuggled(
            "SMUG-CLTE-SMUGGLED-GET-CL-PLUS",
            &format!("Content-Length: +{{}}\r\n{CHUNKED}\r\n"),
            "0\r\n\r\n",
            HIDDEN,
        ),
        smuggled(
            "SMUG-CLTE-SMUGGLED-GET-CL-NON-NUMERIC",
            &format!("Content-Length: {{}}x\r\n{CHUNKED}\r\n"),
            "0\r\n\r\n",
            HIDDEN,
        ),
        smuggled(
            "SMUG-CLTE-SMUGGLED-GET-TE-OBS-FOLD",
            "Transfer-Encoding:\r\n chunked\r\nContent-Length: {}\r\n",
            "0\r\n\r\n",
            HIDDEN,
        ),
        smuggled(
            "SMUG-CLTE-SMUGGLED-HEAD",
            &format!("Content-Length: {{}}\r\n{CHUNKED}\r\n"),
            "0\r\n\r\n",
            "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        smuggled(
            "SMUG-CLTE-SMUGGLED-GET-TE-TRAILING-SPACE",
            &format!("Content-Length: {{}}\r\n{CHUNKED} \r\n"),
            "0\r\n\r\n",
            HIDDEN,
        ),
        smuggled(
            "SMUG-CLTE-SMUGGLED-GET-TE-LEADING-COMMA",
            "Content-Length: {}\r\nTransfer-Encoding: , chunked\r\n",
            "0\r\n\r\n",
            HIDDEN,
        ),
        smuggled(
            "SMUG-CLTE-SMUGGLED-GET-TE-CASE-MISMATCH",
            "Content-Length: {}\r\nTransfer-Encoding: Chunked\r\n",
            "0\r\n\r\n",
            HIDDEN,
        ),
        smuggled(
            "SMUG-TE-DUPLICATE-HEADERS-SMUGGLED-GET",
            &format!("{CHUNKED}\r\nTransfer-Encoding: identity\r\nContent-Length: {{}}\r\n"),
            "0\r\n\r\n",
            HIDDEN,
        ),
        smuggled(
            "SMUG-TECL-SMUGGLED-GET",
            &format!("{CHUNKED}\r\nContent-Length: 4\r\n"),
            "2d\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n\r\n0\r\n\r\n",
        ),
        smuggled(
            "SMUG-DUPLICATE-CL-SMUGGLED-GET",
            "Content-Length: 4\r\nContent-Length: {}\r\n",
            "PING",
            HIDDEN,
        ),
        post(
            "SMUG-TECL-DESYNC",
            &format!("{CHUNKED}\r\nContent-Length: 30\r\n"),
            "0\r\n\r\nX",
            Refused(400),
        ),
        raw(
            "SMUG-OPTIONS-TE-OBS-FOLD",
            "OPTIONS / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\nhello",
            Refused(400),
        ),
        chunked("SMUG-CHUNK-INVALID-SIZE-DESYNC", "+0\r\n\r\nX", Refused(400)),
    ]
}

const NEXT: &str = "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Returns the answers to a client, the end of its connection, and the number of requests that were handled.
fn response_to(sent: &[u8], segment_size: usize, time: u64) -> (String, Option<End>, u32) {
    let mut bench = TestBench::<App, Page>::new(App::default(), 256, 512, 0);
    bench.app.unix = Some(784_111_777);
    let client = bench.connect();
    sent.chunks(segment_size).for_each(|segment| bench.send(client, segment));
    if time > 0 {
        assert_eq!(bench.clients[client].received(), "");
        bench.wait_ms(time);
    }
    (bench.clients[client].received(), bench.clients[client].end, bench.app.requests)
}

/// Splits the answers into the status, the head and the content of the first answer, and all further answers.
fn split(received: &str, has_content: bool) -> Option<(u16, &str, &str, &str)> {
    let (head, rest) = received.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
    let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let length = length.filter(|_| has_content).map_or(Some(0), |length| length.parse().ok())?;
    let (content, rest) = rest.split_at_checked(length)?;
    Some((status, head, content, rest))
}

/// Checks one row. Returns an error with the difference.
fn check((_, sent, wanted): &Row, segment_size: usize) -> Result<(), String> {
    let is_kept = !matches!(wanted, Waits);
    let time = if is_kept { 0 } else { 30_000 };
    let next = if is_kept { NEXT } else { "" };
    let all = [sent, next.as_bytes()].concat();
    let (received, end, requests) = response_to(&all, segment_size, time);
    let wrong = |what: &str| Err(format!("{what}: {wanted:?}, {received:?}, {end:?}, {requests}"));
    if end != Some(End::Finished) {
        return wrong("the connection does not end in order");
    }
    let is_head = sent.starts_with(b"HEAD");
    // A client that sent `Expect` gets 100 first.
    let answer = received.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&received);
    let Some((status, head, content, rest)) = split(answer, !is_head) else {
        return wrong("there is no answer");
    };
    if (head.contains("405")) != (status == 405 && head.contains("\r\nAllow: ")) {
        return wrong("405 needs the field Allow");
    }
    if status == 204 && head.contains("Content-Length") {
        return wrong("204 has no length");
    }
    if !head.contains("\r\nDate: Sun, 06 Nov 1994 08:") {
        return wrong("COMP-DATE-HEADER");
    }
    match wanted {
        Refused(code) | Last(code, _) if *code != status || !rest.is_empty() => wrong("refusal"),
        Refused(_) if requests > 0 => wrong("a handler was called"),
        Waits if status != 408 || !rest.is_empty() => wrong("no timeout"),
        Last(_, wanted) | Answered(_, wanted) if content != *wanted => wrong("content"),
        Last(..) | Refused(_) | Waits if !head.contains("Connection: close") => wrong("no close"),
        Answered(code, _) if *code != status || !rest.starts_with("HTTP/1.1 200 OK\r\n") => {
            wrong("the next request is not answered")
        }
        _ => Ok(()),
    }
}

#[test]
fn every_requirement_of_the_list_is_met() {
    let rows: Vec<_> = compliance().into_iter().chain(smuggling()).collect();
    let mut failed = Vec::new();
    for row in &rows {
        for segment_size in [usize::MAX, 1] {
            if let Err(wrong) = check(row, segment_size) {
                failed.push(format!("{} in segments of {segment_size}: {wrong}", row.0));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let mut names: Vec<_> = rows.iter().map(|(name, ..)| name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 125);
}

#[test]
fn a_date_is_sent_once_the_time_is_known() {
    let mut bench = TestBench::<App, Page>::new(App::default(), 256, 512, 0);
    let client = bench.connect();
    bench.send(client, HIDDEN.as_bytes());
    assert!(!bench.clients[client].received().contains("Date"));
    bench.app.unix = Some(784_111_770);
    bench.wait_ms(7_000);
    bench.send(client, HIDDEN.as_bytes());
    let received = bench.clients[client].received();
    assert!(received.contains("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "{received}");
}
