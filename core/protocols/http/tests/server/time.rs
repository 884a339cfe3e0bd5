//! Timeouts of requests and answers.

use crate::memory::End;
use crate::{GET, HELLO_ANSWER, Page, bench, status};
use picoevent_http::{Http, Reply, Request, Status};

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

#[test]
fn the_rate_of_an_event_is_measured_from_the_event() {
    let mut bench = bench();
    let client = bench.connect();
    let conn = bench.clients[client].conn;
    bench.send(client, b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    let event = |_: &mut _, request: &mut Request<_>| {
        request.event("level", format_args!("1")).unwrap();
    };
    bench.wait_ms(5_000);
    Http::<Page>::with(&mut bench.app, &mut bench.base, conn, event).unwrap();
    bench.wait_ms(1_000);
    bench.clients[client].received();
    // The next event is written in the pass in which the rate is checked.
    bench.clients[client].takes = 0;
    bench.advance_ms(4_000);
    Http::<Page>::with(&mut bench.app, &mut bench.base, conn, event).unwrap();
    bench.run();
    bench.wait_ms(4_999);
    assert_eq!(bench.clients[client].end, None);
    bench.clients[client].takes = usize::MAX;
    bench.run();
    assert!(bench.clients[client].received().contains("data: 1\n"));
    bench.wait_ms(5_000);
    assert_eq!(bench.clients[client].end, None);
    // A client that does not receive an event in time is reset.
    bench.clients[client].takes = 0;
    for _ in 0..5 {
        Http::<Page>::with(&mut bench.app, &mut bench.base, conn, event).unwrap();
        bench.wait_ms(1_000);
    }
    assert_eq!(bench.clients[client].end, Some(End::Reset));
}

#[test]
fn a_connection_ends_with_the_answer_after_the_end_of_the_clients_stream() {
    let mut bench = bench();
    let client = bench.connect();
    let conn = bench.clients[client].conn;
    bench.send(client, b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    bench.finish(client);
    Http::<Page>::with(&mut bench.app, &mut bench.base, conn, |_, request| {
        request.reply(Reply::text(Status::OK), &[b'x'; 300]).unwrap();
    });
    bench.run();
    assert_eq!(status(&bench.clients[client].received()), 200);
    assert_eq!(bench.clients[client].end, Some(End::Finished));
}
