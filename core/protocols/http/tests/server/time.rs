//! Timeouts of requests and answers.

use crate::bench::End;
use crate::{GET, HELLO_ANSWER, desk, status};

#[test]
fn a_connection_without_requests_ends() {
    let mut desk = desk();
    let client = desk.connect();
    desk.pass(29_000);
    desk.send(client, GET.as_bytes());
    assert_eq!(desk.clients[client].heard(), HELLO_ANSWER);
    desk.pass(29_999);
    assert_eq!(desk.clients[client].end, None);
    desk.pass(1);
    assert_eq!(desk.clients[client].end, Some(End::Finished));
    assert_eq!(desk.clients[client].heard(), "", "there is nothing to say");
}

#[test]
fn a_head_has_ten_seconds_however_often_a_byte_comes() {
    for begin in ["G", "GET / HTTP/1.1\r\n", "\r\n"] {
        let mut desk = desk();
        let client = desk.connect();
        desk.pass(20_000);
        desk.send(client, begin.as_bytes());
        for _ in 0..9 {
            desk.pass(1_000);
            desk.send(client, b"X");
        }
        assert_eq!(desk.clients[client].end, None);
        desk.pass(1_000);
        assert_eq!(status(&desk.clients[client].heard()), 408, "{begin:?}");
        assert_eq!(desk.clients[client].end, Some(End::Finished));
    }
}

#[test]
fn a_body_has_a_least_rate() {
    for head in ["PUT /upload HTTP/1.1\r\nHost: a\r\n", "POST /form HTTP/1.1\r\nHost: a\r\n"] {
        let mut desk = desk();
        let client = desk.connect();
        desk.send(client, format!("{head}Content-Length: 250\r\n\r\n").as_bytes());
        desk.pass(4_999);
        assert_eq!(desk.clients[client].end, None);
        desk.send(client, b"some bytes");
        desk.pass(1);
        assert_eq!(status(&desk.clients[client].heard()), 408);
    }
    let mut desk = desk();
    let client = desk.connect();
    desk.send(client, b"PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
    for _ in 0..10 {
        desk.send(client, &[0; 500]);
        desk.pass(5_000);
    }
    assert_eq!(status(&desk.clients[client].heard()), 201, "it was fast enough");
}

#[test]
fn an_answer_has_to_be_taken() {
    for (takes, survives) in [(2, false), (600, true)] {
        let mut desk = desk();
        let client = desk.connect();
        desk.clients[client].takes = 0;
        desk.send(client, b"GET /numbers HTTP/1.1\r\nHost: a\r\n\r\n");
        for _ in 0..14 {
            // The client takes at most `takes` bytes each second, like a slow reader.
            desk.clients[client].takes = takes;
            let conn = desk.clients[client].conn;
            let (first, second) = desk.base.output(conn);
            let taken = (first.len() + second.len()).min(takes);
            desk.clients[client].takes = 0;
            desk.base.sent(conn, taken);
            desk.pass(1_000);
        }
        assert_eq!(desk.clients[client].end.is_none(), survives, "{takes}");
        assert_eq!(desk.app.http.is_empty(), !survives);
    }
}

#[test]
fn an_answer_that_waits_for_the_application_has_time() {
    let mut desk = desk();
    let client = desk.connect();
    desk.send(client, b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    (0..100).for_each(|_| desk.pass(10_000));
    assert_eq!(desk.clients[client].end, None);
}
