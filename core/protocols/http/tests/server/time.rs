//! Timeouts of requests and answers.

use crate::test_bench::End;
use crate::{GET, HELLO_ANSWER, bench, status};

#[test]
fn an_idle_connection_is_closed() {
    let mut bench = bench();
    let client = bench.connect();
    bench.wait_ms(29_000);
    bench.send(client, GET.as_bytes());
    assert_eq!(bench.clients[client].received(), HELLO_ANSWER);
    bench.wait_ms(29_999);
    assert_eq!(bench.clients[client].end, None);
    bench.wait_ms(1);
    assert_eq!(bench.clients[client].end, Some(End::Finished));
    assert_eq!(bench.clients[client].received(), "", "nothing is sent");
}

#[test]
fn a_head_has_ten_seconds_even_if_bytes_keep_arriving() {
    for begin in ["G", "GET / HTTP/1.1\r\n", "\r\n"] {
        let mut bench = bench();
        let client = bench.connect();
        bench.wait_ms(20_000);
        bench.send(client, begin.as_bytes());
        for _ in 0..9 {
            bench.wait_ms(1_000);
            bench.send(client, b"X");
        }
        assert_eq!(bench.clients[client].end, None);
        bench.wait_ms(1_000);
        assert_eq!(status(&bench.clients[client].received()), 408, "{begin:?}");
        assert_eq!(bench.clients[client].end, Some(End::Finished));
    }
}

#[test]
fn a_body_has_a_minimum_rate() {
    for head in ["PUT /upload HTTP/1.1\r\nHost: a\r\n", "POST /form HTTP/1.1\r\nHost: a\r\n"] {
        let mut bench = bench();
        let client = bench.connect();
        bench.send(client, format!("{head}Content-Length: 250\r\n\r\n").as_bytes());
        bench.wait_ms(4_999);
        assert_eq!(bench.clients[client].end, None);
        bench.send(client, b"some bytes");
        bench.wait_ms(1);
        assert_eq!(status(&bench.clients[client].received()), 408);
    }
    let mut bench = bench();
    let client = bench.connect();
    bench.send(client, b"PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
    for _ in 0..10 {
        bench.send(client, &[0; 500]);
        bench.wait_ms(5_000);
    }
    assert_eq!(status(&bench.clients[client].received()), 201, "it was fast enough");
}

#[test]
fn a_client_that_reads_too_slowly_is_reset() {
    for (takes, survives) in [(2, false), (600, true)] {
        let mut bench = bench();
        let client = bench.connect();
        bench.clients[client].takes = 0;
        bench.send(client, b"GET /numbers HTTP/1.1\r\nHost: a\r\n\r\n");
        for _ in 0..14 {
            // The client takes at most `takes` bytes each second, like a slow reader.
            bench.clients[client].takes = takes;
            let conn = bench.clients[client].conn;
            let (first, second) = bench.base.output(conn);
            let taken = (first.len() + second.len()).min(takes);
            bench.clients[client].takes = 0;
            bench.base.sent(conn, taken);
            bench.wait_ms(1_000);
        }
        assert_eq!(bench.clients[client].end.is_none(), survives, "{takes}");
        assert_eq!(bench.app.http.is_empty(), !survives);
    }
}

#[test]
fn an_answer_can_wait_for_the_application_without_a_limit() {
    let mut bench = bench();
    let client = bench.connect();
    bench.send(client, b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    (0..100).for_each(|_| bench.wait_ms(10_000));
    assert_eq!(bench.clients[client].end, None);
}
