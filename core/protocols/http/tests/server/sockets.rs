//! WebSockets of a server: the handshake, frames, fragments, text, pings and closes.

use crate::memory::{End, frames};
use crate::{AppBench, GET, Page, answers, bench, status};
use picoevent_http::Http;

const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// Returns a client's frame.
fn frame(first: u8, data: &[u8]) -> Vec<u8> {
    frames::frame(first, data).bytes(Some([0x37, 0xfa, 0x21, 0x3d]))
}

/// Decodes a server's frames.
fn frames(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let (frames, _) = frames::decode_frames(bytes, false);
    frames.into_iter().map(|frame| (frame.0, frame.1)).collect()
}

/// Returns a server with an open WebSocket.
fn open() -> (AppBench, usize) {
    let mut bench = bench();
    let client = bench.connect();
    bench.send(client, format!("{HANDSHAKE}\r\n").as_bytes());
    assert_eq!(status(&bench.clients[client].received()), 101);
    assert_eq!(std::mem::take(&mut bench.app.messages), ["Opened"]);
    (bench, client)
}

/// Sends frames to two servers: to one server all bytes at once, to the other server byte by byte. Checks that the
/// results are equal. Returns the frames of the server, and the close code if the WebSocket ended.
fn response_to(sent: &[u8]) -> (Vec<(u8, Vec<u8>)>, Option<u16>) {
    let received = |segments: &mut dyn Iterator<Item = &[u8]>| {
        let (mut bench, client) = open();
        segments.for_each(|segment| bench.send(client, segment));
        let received = frames(&std::mem::take(&mut bench.clients[client].received));
        let last =
            bench.app.messages.last().and_then(|last| last.strip_prefix("Closed(")).map(|code| {
                assert_eq!(bench.clients[client].end, Some(End::Finished));
                assert!(bench.app.http.is_empty());
                code.trim_end_matches(')').parse().unwrap()
            });
        (received, last)
    };
    let whole = received(&mut std::iter::once(sent));
    assert_eq!(received(&mut sent.chunks(1)), whole, "byte by byte");
    whole
}

fn closed(code: u16) -> (u8, Vec<u8>) {
    (0x88, code.to_be_bytes().to_vec())
}

#[test]
fn the_handshake_follows_rfc_6455() {
    let answer = answers(&format!("{HANDSHAKE}Sec-WebSocket-Protocol: foo, log\r\n\r\n"));
    assert_eq!(
        answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: log\r\n\r\n"
    );
    let without = |line: &str| {
        let request: String =
            HANDSHAKE.split_inclusive("\r\n").filter(|held| !held.contains(line)).collect();
        answers(&format!("{request}\r\n{GET}"))
    };
    for line in ["Upgrade: ", "Connection", "Version"] {
        let answer = without(line);
        assert_eq!(status(&answer), 426, "{line}");
        assert!(answer.contains("Sec-WebSocket-Version: 13\r\n"));
    }
    assert_eq!(status(&without("Key")), 400);
    for key in ["x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZXh4eHh4"] {
        let request = HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", key);
        assert_eq!(status(&answers(&format!("{request}\r\n"))), 400, "{key}");
    }
    let old = HANDSHAKE.replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(status(&answers(&format!("{old}\r\n"))), 426);
    let with_body = format!("{HANDSHAKE}Content-Length: 5\r\n\r\nhello");
    assert_eq!(status(&answers(&with_body)), 400);
}

#[test]
fn messages_are_echoed() {
    let text = |text: &str| frame(0x81, text.as_bytes());
    for length in [0, 1, 125, 126, 127, 128] {
        let data = "x".repeat(length);
        assert_eq!(response_to(&text(&data)), (vec![(0x81, data.clone().into_bytes())], None));
        let sent = frame(0x82, data.as_bytes());
        assert_eq!(response_to(&sent), (vec![(0x82, data.into_bytes())], None));
    }
    let two = [text("one"), text("t\u{fc}\u{1f600}")].concat();
    let back = vec![(0x81, b"one".to_vec()), (0x81, "t\u{fc}\u{1f600}".into())];
    assert_eq!(response_to(&two), (back, None));
}

#[test]
fn a_long_message_arrives_in_parts() {
    let data: Vec<u8> = (0..9_000_u32).map(|at| (at * 7) as u8).collect();
    for takes in [1, 13, usize::MAX] {
        let (mut bench, client) = open();
        bench.clients[client].takes = takes;
        bench.send(client, &frame(0x82, &data));
        let received = frames(&bench.clients[client].received);
        assert!(received.len() > 1 && received[0].0 == 2);
        assert!(received[1..].iter().all(|(first, _)| first & 0x7f == 0));
        assert_eq!(received.last().map(|(first, _)| first & 0x80), Some(0x80));
        assert_eq!(received.into_iter().flat_map(|(_, data)| data).collect::<Vec<_>>(), data);
        assert_eq!(bench.clients[client].end, None);
    }
    // The ring has an odd size, so parts begin at any position of the mask.
    let mut odd =
        crate::memory::TestBench::<crate::App, Page>::new(crate::App::default(), 251, 512, 0);
    let client = odd.connect();
    odd.send(client, format!("{HANDSHAKE}\r\n").as_bytes());
    odd.clients[client].received();
    odd.send(client, &frame(0x82, &data));
    let received = frames(&odd.clients[client].received);
    assert_eq!(received.into_iter().flat_map(|(_, data)| data).collect::<Vec<_>>(), data);
    let (mut bench, client) = open();
    bench.send(client, &frame(0x82, &data[..200]));
    assert_eq!(bench.app.messages, ["Binary { is_last: true } 200"], "one that fits comes whole");
    bench.send(client, &frame(0x82, &[0; 10_001]));
    assert_eq!(bench.app.messages.last().map(String::as_str), Some("Closed(1009)"));
}

#[test]
fn pings_are_answered_also_within_a_message() {
    for data in [&b""[..], b"hello", &[0xff; 125]] {
        assert_eq!(response_to(&frame(0x89, data)), (vec![(0x8a, data.to_vec())], None));
    }
    assert_eq!(response_to(&frame(0x8a, b"unasked")), (vec![], None));
    let sent = [frame(0x01, b"a"), frame(0x89, b"p"), frame(0x80, b"b")].concat();
    let received = vec![(0x01, b"a".to_vec()), (0x8a, b"p".to_vec()), (0x80, b"b".to_vec())];
    assert_eq!(response_to(&sent), (received, None));
    for bad in [frame(0x89, &[0; 126]), frame(0x09, b"")] {
        assert_eq!(response_to(&bad), (vec![closed(1002)], Some(1002)));
    }
}

#[test]
fn reserved_bits_and_opcodes_close_the_websocket() {
    for first in
        [0xc1, 0xa1, 0x91, 0xf1, 0x83, 0x84, 0x85, 0x86, 0x87, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f]
    {
        assert_eq!(response_to(&frame(first, b"x")), (vec![closed(1002)], Some(1002)), "{first:x}");
    }
    assert_eq!(response_to(b"\x81\x05hello"), (vec![closed(1002)], Some(1002)), "not masked");
    let (received, code) = response_to(&[frame(0x81, b"ok"), frame(0x83, b"x")].concat());
    assert_eq!((received, code), (vec![(0x81, b"ok".to_vec()), closed(1002)], Some(1002)));
}

#[test]
fn fragments_out_of_order_close_the_websocket() {
    for bad in [
        frame(0x80, b"x"),
        frame(0x00, b"x"),
        [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
        [frame(0x81, b"a"), frame(0x80, b"b")].concat(),
        [frame(0x02, b"a"), frame(0x01, b"b")].concat(),
    ] {
        assert_eq!(response_to(&bad).1, Some(1002));
    }
    let sent = [frame(0x02, b""), frame(0x00, b"x"), frame(0x80, b"")].concat();
    let received: Vec<u8> = response_to(&sent).0.into_iter().flat_map(|(_, data)| data).collect();
    assert_eq!(received, b"x");
}

#[test]
fn text_is_utf_8_across_fragments() {
    let smile = "\u{1f600}".as_bytes();
    for at in 1..smile.len() {
        let sent = [frame(0x01, &smile[..at]), frame(0x80, &smile[at..])].concat();
        let (received, code) = response_to(&sent);
        let text: Vec<u8> = received.into_iter().flat_map(|(_, data)| data).collect();
        assert_eq!((text.as_slice(), code), (smile, None), "{at}");
        let cut = response_to(&frame(0x81, &smile[..at]));
        assert_eq!(cut, (vec![closed(1007)], Some(1007)), "{at}");
    }
    for bad in [&b"\xff"[..], b"ok\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
        assert_eq!(response_to(&frame(0x81, bad)).1, Some(1007), "{bad:?}");
        assert_eq!(response_to(&frame(0x01, bad)).1, Some(1007), "before the last fragment");
        assert_eq!(response_to(&frame(0x82, bad)).1, None, "bytes are not text");
    }
}

#[test]
fn a_close_is_answered_with_its_code() {
    let close = |code: u16, reason: &[u8]| frame(0x88, &[&code.to_be_bytes(), reason].concat());
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        assert_eq!(response_to(&close(code, b"bye")), (vec![closed(code)], Some(code)));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        assert_eq!(response_to(&close(code, b"")), (vec![closed(1002)], Some(1002)), "{code}");
    }
    assert_eq!(response_to(&frame(0x88, b"")), (vec![(0x88, vec![])], Some(1005)));
    assert_eq!(response_to(&frame(0x88, b"x")), (vec![closed(1002)], Some(1002)));
    assert_eq!(response_to(&close(1000, b"\xff")), (vec![closed(1007)], Some(1007)));
    assert_eq!(response_to(&close(1000, &[b'x'; 123])), (vec![closed(1000)], Some(1000)));
    let after = [close(1000, b""), frame(0x81, b"late")].concat();
    assert_eq!(response_to(&after), (vec![closed(1000)], Some(1000)));
}

#[test]
fn the_application_can_send_and_close_at_any_time() {
    let (mut bench, client) = open();
    let conn = bench.app.waiting_conn.unwrap();
    Http::<Page>::each_socket(&mut bench.app, &mut bench.base, "/ws", |_, socket| {
        assert_eq!(socket.id(), conn);
        socket.send_fmt(format_args!("{}", 12)).unwrap();
        socket.send_text("a").unwrap();
        socket.send_binary(b"b", false).unwrap();
        let other = socket.send_text("c");
        assert_eq!(other, Err(picoevent_http::ReplyError::NotNow), "within a message");
        socket.send_binary(b"", true).unwrap();
        let long = socket.send_binary(&[0; 600], true);
        assert_eq!(long, Err(picoevent_http::ReplyError::TooLong));
        socket.close(1001);
        assert_eq!(socket.send_text("d"), Err(picoevent_http::ReplyError::Ended));
    });
    bench.run();
    let received = frames(&bench.clients[client].received);
    let sent = [
        (0x81, b"12".to_vec()),
        (0x81, b"a".to_vec()),
        (0x02, b"b".to_vec()),
        (0x80, vec![]),
        closed(1001),
    ];
    assert_eq!(received, sent);
    assert_eq!(bench.app.messages, ["Closed(1001)"]);
    assert!(Http::<Page>::socket(&mut bench.app, &mut bench.base, conn, |_, _| ()).is_none());
}

#[test]
fn a_message_that_is_not_taken_is_reported_again() {
    let (mut bench, client) = open();
    bench.app.is_busy = true;
    bench.send(client, &[frame(0x81, b"one"), frame(0x81, b"two")].concat());
    assert_eq!(bench.app.messages, ["Text { is_last: true } one"]);
    bench.app.is_busy = false;
    let conn = bench.app.waiting_conn.unwrap();
    Http::<Page>::socket(&mut bench.app, &mut bench.base, conn, |_, _| ());
    bench.run();
    assert_eq!(
        frames(&bench.clients[client].received),
        [(0x81, b"one".to_vec()), (0x81, b"two".to_vec())]
    );
}

#[test]
fn a_silent_client_is_pinged_and_then_reset() {
    let (mut bench, client) = open();
    bench.wait_ms(30_000);
    assert_eq!(frames(&std::mem::take(&mut bench.clients[client].received)), [(0x89, vec![])]);
    bench.send(client, &frame(0x8a, b""));
    bench.wait_ms(30_000);
    bench.wait_ms(30_000);
    assert_eq!(frames(&std::mem::take(&mut bench.clients[client].received)), [(0x89, vec![])]);
    assert_eq!(bench.clients[client].end, None);
    bench.wait_ms(30_000);
    assert_eq!(bench.clients[client].end, Some(End::Reset));
    assert_eq!(bench.app.messages, ["Closed(1006)"]);
}

#[test]
fn a_lost_connection_is_reported_once() {
    for ends in [false, true] {
        let (mut bench, client) = open();
        if ends {
            bench.finish(client)
        } else {
            bench.reset(client)
        }
        assert_eq!(bench.app.messages, ["Closed(1006)"]);
        assert!(bench.app.http.is_empty());
    }
}

#[test]
fn a_ping_and_a_close_before_the_end_of_the_stream_are_answered() {
    let (mut bench, client) = open();
    let conn = bench.clients[client].conn;
    bench.app.is_busy = true;
    let frames_sent = [frame(0x82, &[7; 200]), frame(0x89, b"ping"), frame(0x88, &[3, 232])];
    bench.send(client, &frames_sent.concat());
    bench.finish(client);
    assert_eq!(bench.clients[client].end, None);
    // The echo leaves no room for a pong until the client receives the echo.
    bench.app.is_busy = false;
    Http::<Page>::socket(&mut bench.app, &mut bench.base, conn, |_, _| ()).unwrap();
    bench.run();
    let expected = [(0x82, vec![7; 200]), (0x8a, b"ping".to_vec()), closed(1000)];
    assert_eq!(frames(&bench.clients[client].received), expected);
    assert_eq!(bench.app.messages.last().map(String::as_str), Some("Closed(1000)"));
}
