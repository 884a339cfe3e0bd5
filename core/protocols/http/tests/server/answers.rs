//! How requests are answered, and what happens to the connection afterwards.

use crate::memory::{End, TestBench};
use crate::{App, GET, HELLO_ANSWER, Page, answers, bench, status};
use picoevent_http::{Http, Reply, Status};

#[test]
fn a_route_answers_its_path_and_its_method() {
    assert_eq!(answers(GET), HELLO_ANSWER);
    assert_eq!(answers("GET http://a/hello HTTP/1.1\r\nHost: a\r\n\r\n"), HELLO_ANSWER);
    assert_eq!(answers("GET /hello?a=b HTTP/1.1\r\nHost: a\r\n\r\n"), HELLO_ANSWER);
    assert!(answers("GET /echo/a%20b HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("\r\n\r\na b"));
    assert_eq!(status(&answers("GET /none HTTP/1.1\r\nHost: a\r\n\r\n")), 404);
    assert_eq!(status(&answers("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")), 500);
}

#[test]
fn other_methods_are_refused_with_the_allowed_ones() {
    let answer = answers("POST /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(status(&answer), 405);
    assert!(answer.contains("\r\nAllow: GET, HEAD, DELETE, OPTIONS\r\n"), "{answer}");
    let answer = answers("OPTIONS /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer, "HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, DELETE, OPTIONS\r\n\r\n");
    assert_eq!(status(&answers("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")), 204);
}

#[test]
fn head_is_get_without_the_content() {
    let head = |path| answers(&format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n{GET}"));
    let expected = HELLO_ANSWER.strip_suffix("hello\n").unwrap();
    assert_eq!(head("/hello"), format!("{expected}{HELLO_ANSWER}"));
    for path in ["/numbers", "/page", "/chunks", "/site/", "/events"] {
        let answer = head(path);
        let (first, second) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!((status(first), second), (200, HELLO_ANSWER), "{path}");
    }
    assert!(head("/numbers").contains("Content-Length: 8000\r\n"));
    assert!(head("/chunks").contains("Transfer-Encoding: chunked\r\n"));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut bench = bench();
    let client = bench.connect();
    // A client that reads slowly delays its own requests.
    bench.clients[client].takes = 7;
    bench.send(client, GET.repeat(49).as_bytes());
    assert_eq!(bench.clients[client].received(), HELLO_ANSWER.repeat(49));
    assert_eq!((bench.app.calls, bench.clients[client].end), (49, None));
    // The next requests exceed the limit of 50 requests on a connection.
    bench.send(client, GET.repeat(3).as_bytes());
    let last = HELLO_ANSWER.replace("6\r\n", "6\r\nConnection: close\r\n");
    assert_eq!(bench.clients[client].received(), last);
    assert_eq!((bench.app.calls, bench.clients[client].end), (50, Some(End::Finished)));
}

#[test]
fn the_client_decides_whether_the_connection_stays_open() {
    for (version, field, stays_open, expected) in [
        ("1.1", "", true, None),
        ("1.1", "Connection: close\r\n", false, Some("close")),
        ("1.1", "Connection: foo, Close\r\n", false, Some("close")),
        ("1.1", "Connection: keep-alive\r\n", true, None),
        ("1.0", "", false, Some("close")),
        ("1.0", "Connection: Keep-Alive\r\n", true, Some("keep-alive")),
        ("1.0", "Connection: keep-alive, close\r\n", false, Some("close")),
    ] {
        let mut bench = bench();
        let client = bench.connect();
        let request = format!("GET /hello HTTP/{version}\r\nHost: a\r\n{field}\r\n");
        bench.send(client, request.as_bytes());
        let answer = bench.clients[client].received();
        let connection =
            answer.split_once("\r\nConnection: ").map(|(_, rest)| rest.lines().next().unwrap());
        assert_eq!((status(&answer), connection), (200, expected), "{version} {field}");
        assert_eq!(bench.clients[client].end.is_none(), stays_open, "{version} {field}");
    }
    assert_eq!(status(&answers("GET /hello HTTP/1.0\r\n\r\n")), 200, "it needs no host");
}

#[test]
fn a_client_that_has_finished_sending_is_answered() {
    for path in ["/hello", "/numbers", "/page", "/site/"] {
        let mut bench = bench();
        let client = bench.connect();
        bench.clients[client].takes = 0;
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        bench.send(client, request.as_bytes());
        bench.send(client, GET.as_bytes());
        bench.finish(client);
        bench.clients[client].takes = 50;
        bench.run();
        let received = bench.clients[client].received();
        assert!(
            received.ends_with(HELLO_ANSWER) && received.matches("200 OK").count() == 2,
            "{path}"
        );
        assert_eq!(bench.clients[client].end, Some(End::Finished));
    }
}

#[test]
fn a_browsers_head_can_be_longer_than_the_ring() {
    let mut fields = String::new();
    for number in 0..12 {
        fields += &format!("Sec-Fetch-{number}: {}\r\n", "x".repeat(110));
    }
    let request = format!("GET /hello HTTP/1.1\r\nHost: pump.local\r\n{fields}\r\n");
    assert!(request.len() > 1_500);
    assert_eq!(answers(&request), HELLO_ANSWER);
}

#[test]
fn fields_that_the_site_names_are_kept() {
    let agent = answers("GET /agent HTTP/1.1\r\nHost: a\r\nuser-AGENT: \tcurl/8 \r\n\r\n");
    assert!(agent.ends_with("\r\n\r\ncurl/8"), "{agent}");
    assert!(answers("GET /agent HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("\r\n\r\nnone"));
}

fn numbers() -> String {
    (0..1_000).map(|number| format!("{number:7}\n")).collect()
}

/// Decodes a chunked body.
fn unchunked(mut text: &str) -> String {
    let mut content = String::new();
    loop {
        let (size, rest) = text.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        content += &rest[..size];
        text = rest[size..].strip_prefix("\r\n").unwrap();
        if size == 0 {
            assert_eq!(text, "");
            return content;
        }
    }
}

#[test]
fn answers_can_be_longer_than_the_ring() {
    for takes in [1, 7, 100, usize::MAX] {
        for statics in [0, 1] {
            let get = |path: &str, version: &str| {
                let mut bench = TestBench::<App, Page>::new(App::default(), 256, 512, statics);
                let client = bench.connect();
                bench.clients[client].takes = takes;
                let request = format!("GET {path} HTTP/{version}\r\nHost: a\r\n\r\n");
                bench.send(client, request.as_bytes());
                let received = bench.clients[client].received();
                let (head, content) = received.split_once("\r\n\r\n").unwrap();
                (head.to_owned(), content.to_owned(), bench.clients[client].end)
            };
            let (head, content, end) = get("/numbers", "1.1");
            assert!(head.contains("Content-Length: 8000") && content == numbers() && end.is_none());
            let (head, content, end) = get("/chunks", "1.1");
            assert!(head.contains("Transfer-Encoding: chunked") && end.is_none());
            assert_eq!(unchunked(&content), numbers());
            let (head, content, end) = get("/chunks", "1.0");
            assert!(head.ends_with("Connection: close") && content == numbers());
            assert_eq!(end, Some(End::Finished), "the end of the content");
            let (head, content, _) = get("/page", "1.1");
            assert!(head.contains("Content-Length: 5000"));
            assert!(content.len() == 5_000 && content.bytes().all(|byte| byte == b'p'));
        }
    }
}

#[test]
fn static_bytes_are_not_copied() {
    let mut bench = bench();
    let client = bench.connect();
    bench.clients[client].takes = 0;
    bench.send(client, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
    let conn = bench.clients[client].conn;
    let head = bench.base.output(conn).0.len();
    bench.base.sent(conn, head);
    assert_eq!(bench.base.output(conn).0.as_ptr_range(), crate::PAGE.as_ptr_range());
}

#[test]
fn events_are_sent_as_they_happen() {
    let mut bench = bench();
    let client = bench.connect();
    bench.send(client, b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = bench.clients[client].received();
    assert!(head.contains("text/event-stream") && head.ends_with("\r\n\r\n"), "{head}");
    let (app, base) = (&mut bench.app, &mut bench.base);
    Http::<Page>::each(app, base, "/events", |app, request| {
        app.calls += 1;
        request.event("level", format_args!("{}", 12)).unwrap();
    });
    Http::<Page>::each(app, base, "/hello", |_, _| panic!("nobody is there"));
    bench.run();
    assert_eq!(bench.clients[client].received(), "17\r\nevent: level\ndata: 12\n\n\r\n");
    // A client that reads nothing loses events, and the application gets an error.
    bench.clients[client].takes = 0;
    let conn = bench.app.waiting_conn.unwrap();
    let full = Http::<Page>::with(&mut bench.app, &mut bench.base, conn, |_, request| {
        (0..100).map(|_| request.event("level", format_args!("12"))).find(Result::is_err)
    });
    assert_eq!(full.flatten(), Some(Err(picoevent_http::ReplyError::Full)));
    bench.clients[client].takes = usize::MAX;
    bench.run();
    let done =
        Http::<Page>::with(&mut bench.app, &mut bench.base, conn, |_, request| request.finish());
    assert_eq!(done, Some(Ok(())));
    bench.run();
    assert!(bench.clients[client].received().ends_with("\n\n\r\n0\r\n\r\n"));
    assert!(Http::<Page>::with(&mut bench.app, &mut bench.base, conn, |_, _| ()).is_none());
    bench.send(client, GET.as_bytes());
    assert_eq!(bench.clients[client].received(), HELLO_ANSWER, "the connection goes on");
}

#[test]
fn an_answer_can_come_later() {
    let mut bench = bench();
    let client = bench.connect();
    bench.send(client, format!("GET /later HTTP/1.1\r\nHost: a\r\n\r\n{GET}").as_bytes());
    assert_eq!((bench.clients[client].received().as_str(), bench.app.calls), ("", 0), "in order");
    let conn = bench.app.waiting_conn.unwrap();
    Http::<Page>::with(&mut bench.app, &mut bench.base, conn, |_, request| {
        request.reply(Reply::empty(Status::NO_CONTENT), b"").unwrap();
        let again = request.reply(Reply::text(Status::OK), b"");
        assert_eq!(again, Err(picoevent_http::ReplyError::NotNow));
    });
    bench.run();
    assert_eq!(
        bench.clients[client].received(),
        format!("HTTP/1.1 204 No Content\r\n\r\n{HELLO_ANSWER}")
    );
    bench.reset(client);
    let gone = Http::<Page>::with(&mut bench.app, &mut bench.base, conn, |_, _| ());
    assert!(gone.is_none() && bench.app.http.is_empty());
}

#[test]
fn every_split_of_requests_gives_the_same_answers() {
    let requests = "\
        GET /hello HTTP/1.1\r\nHost: a\r\n\r\n\
        PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
        \r\nPOST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\na=b&name=c+d\
        PUT /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
        3;a=b\r\nabc\r\n0a\r\n0123456789\r\n0\r\nX: y\r\n\r\n\
        HEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        .as_bytes();
    let received = |segments: &[&[u8]]| {
        let mut bench = bench();
        let client = bench.connect();
        segments.iter().for_each(|segment| bench.send(client, segment));
        assert_eq!(bench.clients[client].end, Some(End::Finished));
        (bench.clients[client].received(), bench.app.uploaded)
    };
    let expected = received(&[requests]);
    assert_eq!(expected.1, b"helloabc0123456789");
    assert_eq!(expected.0.matches("HTTP/1.1 20").count(), 5, "{}", expected.0);
    assert!(expected.0.contains("[c d]"));
    for at in 1..requests.len() {
        let (first, second) = requests.split_at(at);
        assert_eq!(received(&[first, second]), expected, "split at {at}");
    }
    let bytes: Vec<&[u8]> = requests.chunks(1).collect();
    assert_eq!(received(&bytes), expected);
}

#[test]
fn an_answer_with_status_204_has_no_framing() {
    let received = answers(&format!("GET /bare HTTP/1.1\r\nHost: a\r\n\r\n{GET}"));
    assert_eq!(received, format!("HTTP/1.1 204 No Content\r\n\r\n{HELLO_ANSWER}"));
}
