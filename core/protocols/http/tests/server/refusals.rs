//! Requests that are refused: the client gets an error status, the connection ends, and the rest of the input is
//! not read.

use crate::memory::End;
use crate::{GET, bench, status};

/// Sends a request, and then a second request, to two servers. One server receives all bytes at once, the other server
/// receives the bytes byte by byte. Checks that each server sends only one answer, and that both answers are equal.
/// Returns the status of this answer.
fn refused(request: &[u8]) -> u16 {
    let smuggled = [request, GET.as_bytes()].concat();
    let (mut whole, mut bytes) = (bench(), bench());
    let client = whole.connect();
    whole.send(client, &smuggled);
    bytes.connect();
    smuggled.iter().for_each(|byte| bytes.send(client, &[*byte]));
    let received = whole.clients[client].received();
    assert_eq!(received, bytes.clients[client].received(), "it is the same byte by byte");
    for bench in [whole, bytes] {
        assert_eq!(bench.clients[client].end, Some(End::Finished), "{received}");
        assert_eq!(bench.app.calls, 0, "nothing was smuggled");
        assert!(bench.app.http.is_empty(), "its slot is free");
    }
    assert!(received.ends_with("Content-Length: 0\r\nConnection: close\r\n\r\n"), "{received}");
    assert_eq!(received.matches("HTTP/1.1").count(), 1, "{received}");
    status(&received)
}

/// Returns a request with these header fields.
fn with(fields: &str) -> Vec<u8> {
    format!("PUT /upload HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
}

#[test]
fn invalid_request_lines_are_refused() {
    for line in [
        "GET /hello",
        "GET  /hello HTTP/1.1",
        "GET /hello HTTP/1.1 ",
        "GET /hello http/1.1",
        " GET /hello HTTP/1.1",
        "GET hello HTTP/1.1",
        "GET /hello#a HTTP/1.1",
        "GET /hello\tHTTP/1.1",
        "GET /h\u{e9}llo HTTP/1.1",
        "GET /hel\0lo HTTP/1.1",
    ] {
        assert_eq!(refused(format!("{line}\r\nHost: a\r\n\r\n").as_bytes()), 400, "{line:?}");
    }
    assert_eq!(refused(b"\r\n\r\n"), 400, "one empty line is skipped, and not two");
    assert_eq!(refused(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"), 400, "a TLS client");
    assert_eq!(refused(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
    assert_eq!(refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    assert_eq!(refused(b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
}

#[test]
fn invalid_line_ends_are_refused() {
    for request in [
        "GET /hello HTTP/1.1\nHost: a\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\n\n",
        "GET /hello HTTP/1.1\r\r\nHost: a\r\n\r\n",
        "GET /hello\r HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\n\r\r\n",
    ] {
        assert_eq!(refused(request.as_bytes()), 400, "{request:?}");
    }
}

#[test]
fn invalid_fields_are_refused() {
    for fields in [
        "X\r\n",
        ": b\r\n",
        "X : b\r\n",
        " X: b\r\n",
        "X: b\r\n c\r\n",
        "X: b\r\n\tc\r\n",
        "X\u{e9}: b\r\n",
        "X: b\0c\r\n",
        "X: \u{1}\r\n",
        "X(: b\r\n",
    ] {
        assert_eq!(refused(&with(fields)), 400, "{fields:?}");
    }
}

#[test]
fn missing_invalid_and_repeated_hosts_are_refused() {
    assert_eq!(refused(b"GET /hello HTTP/1.1\r\n\r\n"), 400);
    assert_eq!(refused(b"GET /hello HTTP/1.1\r\nHost:\r\n\r\n"), 400);
    assert_eq!(refused(b"GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
    assert_eq!(refused(b"GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n"), 400);
    assert_eq!(refused(&with("Host: a\r\n")), 400);
    assert_eq!(refused(b"GET /hello HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
}

#[test]
fn ambiguous_body_lengths_are_refused() {
    for fields in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5;\r\n",
        "Content-Length:\r\n",
        "Content-Length : 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding:\u{b}chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding : chunked\r\n",
    ] {
        assert_eq!(refused(&with(fields)), 400, "{fields:?}");
    }
    assert_eq!(refused(&with("Transfer-Encoding: gzip, chunked\r\n")), 501);
    assert_eq!(
        refused(b"PUT /upload HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        400
    );
}

#[test]
fn invalid_chunks_are_refused() {
    for chunks in [
        "g\r\n",
        "\r\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "+5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "5\nhello\r\n",
        "5\r\nhello\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhello\r\r\n0\r\n\r\n",
        "5;\r\nhello\r\n",
        "5;a=b\nc\r\nhello\r\n",
        "5;a\0\r\nhello\r\n",
        "0\r\nX : b\r\n\r\n",
        "0\r\n X: b\r\n\r\n",
        "0\r\nX: b\n\r\n",
    ] {
        let request = [&with("Transfer-Encoding: chunked\r\n"), chunks.as_bytes()].concat();
        assert_eq!(refused(&request), 400, "{chunks:?}");
    }
    for huge in ["ffffffff\r\n", "100000000\r\n", "2711\r\n"] {
        let request = [&with("Transfer-Encoding: chunked\r\n"), huge.as_bytes()].concat();
        assert_eq!(refused(&request), 413, "{huge:?}");
    }
}

#[test]
fn requests_beyond_a_limit_are_refused() {
    let long = "x".repeat(300);
    assert_eq!(refused(format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()), 414);
    let long = &long[..64];
    assert_eq!(refused(format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()), 414);
    assert_eq!(refused(&with(&format!("X: {}\r\n", "x".repeat(300)))), 431);
    assert_eq!(refused(&with(&format!("X: {}\r\n", "x".repeat(198)))), 431, "beyond the limit");
    assert_eq!(refused(&with(&format!("User-Agent: {}\r\n", "x".repeat(60)))), 431, "it is kept");
    assert_eq!(refused(&with(&"X: y\r\n".repeat(20))), 431, "with the host, it is one too many");
    assert_eq!(refused(&with("Content-Length: 10001\r\n")), 413);
    assert_eq!(refused(&with("Content-Length: 4294967296\r\n")), 413);
    assert_eq!(refused(&with("Content-Length: 99999999999999999999\r\n")), 413);
    let trailer = format!("Transfer-Encoding: chunked\r\n\r\n0\r\n{}", "X: y\r\n".repeat(21));
    assert_eq!(refused(&with(&trailer)), 431);
}

#[test]
fn unsupported_expectations_and_forms_are_refused() {
    assert_eq!(refused(&with("Expect: 200-ok\r\n")), 417);
    let form = "POST /form HTTP/1.1\r\nHost: a\r\n";
    let chunked = format!("{form}Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!(
        refused(chunked.as_bytes()),
        411,
        "a form is awaited, so its length has to be known"
    );
    assert_eq!(refused(format!("{form}Content-Length: 257\r\n\r\n").as_bytes()), 413);
}

#[test]
fn incomplete_requests_are_refused_when_the_client_ends() {
    for request in [
        "GET /hel",
        "GET /hello HTTP/1.1\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\n",
        "PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell",
        "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell",
        "PUT /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r",
        "PUT /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    ] {
        let mut bench = bench();
        let client = bench.connect();
        bench.send(client, request.as_bytes());
        assert_eq!(bench.clients[client].received(), "", "{request:?}");
        bench.finish(client);
        assert_eq!(status(&bench.clients[client].received()), 400, "{request:?}");
        assert_eq!(bench.clients[client].end, Some(End::Finished));
    }
}

#[test]
fn a_client_without_a_slot_gets_503() {
    let mut bench = bench();
    (0..3).for_each(|_| assert!(bench.connect() < 3));
    let client = bench.connect();
    assert_eq!(status(&bench.clients[client].received()), 503);
    assert_eq!((bench.clients[client].end, bench.app.http.len()), (Some(End::Finished), 3));
    bench.finish(0);
    assert_eq!(bench.app.http.len(), 2);
}
