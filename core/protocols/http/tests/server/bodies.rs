//! Bodies of requests: streamed, with back-pressure, read as a whole, and incomplete.

use crate::memory::End;
use crate::{GET, HELLO_ANSWER, Page, answers, bench, status};
use picoevent_http::{Http, Reply, Status};

fn upload(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("PUT /upload HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    [head.as_bytes(), body].concat()
}

fn body() -> Vec<u8> {
    (0..10_000_u32).map(|at| (at / 7) as u8).collect()
}

#[test]
fn a_body_can_be_longer_than_the_ring() {
    let body = body();
    let mut chunks = Vec::new();
    for chunk in body.chunks(777) {
        chunks.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunks.extend(chunk);
        chunks.extend(b"\r\n");
    }
    chunks.extend(b"0\r\n\r\n");
    for request in [
        upload("Content-Length: 10000\r\n", &body),
        upload("Transfer-Encoding: chunked\r\n", &chunks),
    ] {
        for takes in [None, Some(1), Some(100)] {
            let mut bench = bench();
            bench.app.takes = takes;
            let client = bench.connect();
            bench.send(client, &request);
            bench.send(client, GET.as_bytes());
            let received = bench.clients[client].received();
            assert!(received.starts_with("HTTP/1.1 201 Created\r\n"), "{received}");
            assert!(received.ends_with(&format!("10000\n{HELLO_ANSWER}")));
            assert_eq!((bench.app.uploaded, bench.app.lost), (body.clone(), 0));
        }
    }
}

#[test]
fn a_body_that_is_not_taken_stops_the_client() {
    let mut bench = bench();
    bench.app.takes = Some(0);
    let client = bench.connect();
    bench.send(client, &upload("Content-Length: 1000\r\n", &body()[..1_000]));
    assert_eq!((bench.app.uploaded.len(), bench.clients[client].received().as_str()), (0, ""));
    // The server does not reset the client as too slow, because the application does not take the body.
    (0..10).for_each(|_| bench.wait_ms(5_000));
    assert_eq!(bench.clients[client].end, None);
    bench.app.takes = None;
    let conn = bench.clients[client].conn;
    assert!(Http::<Page>::with(&mut bench.app, &mut bench.base, conn, |_, _| ()).is_some());
    bench.run();
    assert!(bench.clients[client].received().ends_with("\r\n\r\n1000\n"));
}

#[test]
fn a_client_that_expects_100_continue_gets_it() {
    let mut bench = bench();
    let client = bench.connect();
    bench.send(client, &upload("Content-Length: 5\r\nExpect: 100-continue\r\n", b""));
    assert_eq!(bench.clients[client].received(), "HTTP/1.1 100 Continue\r\n\r\n");
    bench.send(client, b"hello");
    assert_eq!(status(&bench.clients[client].received()), 201);
    // Neither request gets status 100: HTTP/1.0 does not have `Expect`, and the second request has no body.
    for request in [
        "PUT /upload HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx",
        "PUT /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    ] {
        assert_eq!(status(&answers(request)), 201);
    }
}

#[test]
fn an_early_answer_ends_the_connection_and_the_body_is_not_read() {
    for (path, method, expected) in
        [("/secret", "PUT", 403), ("/none", "PUT", 404), ("/hello", "POST", 405)]
    {
        let mut bench = bench();
        let client = bench.connect();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n");
        bench.send(client, format!("{head}Content-Length: 9\r\n\r\nGET /hell").as_bytes());
        let received = bench.clients[client].received();
        assert_eq!(status(&received), expected);
        assert!(received.contains("Connection: close\r\n"), "{received}");
        assert_eq!(bench.clients[client].end, Some(End::Finished));
        assert_eq!((bench.app.uploaded.len(), bench.app.lost), (0, 0));
        // If the request has no body, the connection stays open.
        let received = answers(&format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n{GET}"));
        assert!(status(&received) == expected && received.ends_with(HELLO_ANSWER), "{received}");
    }
}

#[test]
fn an_answer_while_the_body_arrives_ends_the_connection() {
    for (line, fields) in [
        ("PUT /upload", "Content-Length: 90\r\n\r\nhello"),
        ("PUT /upload", "Transfer-Encoding: chunked\r\n\r\n"),
        ("POST /form", "Content-Length: 90\r\n\r\nhello"),
    ] {
        let mut bench = bench();
        let client = bench.connect();
        let conn = bench.clients[client].conn;
        bench.send(client, format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}").as_bytes());
        Http::<Page>::with(&mut bench.app, &mut bench.base, conn, |_, request| {
            request.reply(Reply::empty(Status::FORBIDDEN), b"").unwrap();
        });
        bench.run();
        let received = bench.clients[client].received();
        assert_eq!(status(&received), 403);
        assert!(received.contains("Connection: close\r\n"), "{received}");
        assert_eq!((bench.clients[client].end, bench.app.lost), (Some(End::Finished), 0));
    }
}

#[test]
fn the_handler_is_called_with_the_whole_form() {
    let body = "level=1&name=Boiler%20house+2";
    let head = format!("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    let received = answers(&format!("{head}{body}{GET}"));
    assert!(
        received.contains("[Boiler house 2]") && received.ends_with(HELLO_ANSWER),
        "{received}"
    );
    // The body is exactly as long as the ring.
    let body = format!("name={}", "x".repeat(251));
    let received = answers(&format!(
        "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 256\r\n\r\n{body}{GET}"
    ));
    assert!(
        received.contains(&format!("[{}]", "x".repeat(251))) && received.ends_with(HELLO_ANSWER)
    );
}

#[test]
fn a_lost_body_is_reported_once() {
    for (ends, body) in [(false, "some"), (true, "some"), (false, ""), (true, "")] {
        let mut bench = bench();
        let client = bench.connect();
        bench.send(client, &upload("Content-Length: 1000\r\n", body.as_bytes()));
        if ends {
            bench.finish(client)
        } else {
            bench.reset(client)
        }
        assert_eq!((bench.app.uploaded.as_slice(), bench.app.lost), (body.as_bytes(), 1));
        assert!(bench.app.http.is_empty());
    }
    let mut bench = bench();
    let client = bench.connect();
    bench.send(client, &upload("Content-Length: 4\r\n", b"some"));
    bench.reset(client);
    assert_eq!(bench.app.lost, 0, "it was complete");
}
