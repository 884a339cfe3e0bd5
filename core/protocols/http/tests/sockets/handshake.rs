//! The handshake of a client: its request, and the answers that it refuses.

use picoevent::ConnError;
use picoevent_http::{CallError, ClientRequest, Length, Method, SocketCalls, Status};

use crate::Live;
use crate::memory::End;
use crate::wire::{Pair, Wire, agree, server};

#[test]
fn the_request_follows_rfc_6455() {
    let mut wire = Wire::new();
    wire.open().unwrap();
    let request = wire.sent();
    let (before, rest) = request.split_once("Sec-WebSocket-Key: ").unwrap();
    assert_eq!(
        before,
        "GET /live HTTP/1.1\r\nHost: pump\r\nX-Name: test\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    );
    let (key, rest) = rest.split_at(24);
    assert!(key.ends_with("=="));
    assert_eq!(rest, "\r\nSec-WebSocket-Protocol: log, chat\r\n\r\n");
    // Each request has a different key.
    wire.answer(agree(&request).as_bytes());
    wire.reset();
    wire.open().unwrap();
    assert!(!wire.sent().contains(key));
}

#[test]
fn the_websocket_opens_after_a_valid_answer() {
    for segment_size in [1, 7, 500] {
        let mut wire = Wire::new();
        wire.open().unwrap();
        let answer = agree(&wire.sent());
        // An interim answer comes first, and a frame arrives together with the answer.
        let early = "HTTP/1.1 103 Early Hints\r\nConnection: close\r\nLink: </a>\r\n\r\n";
        let all = [early.as_bytes(), answer.as_bytes(), b"\x81\x02hi"].concat();
        all.chunks(segment_size).for_each(|segment| wire.answer(segment));
        assert_eq!(wire.app.endpoint.received(), ["open", "text hi"]);
        assert_eq!(wire.app.endpoint.protocol, None);
        assert!(wire.ended().is_empty() && wire.app.http.is_busy());
    }
    let mut wire = Wire::new();
    wire.open().unwrap();
    let answer = agree(&wire.sent());
    let answer = answer.replace("Upgrade: websocket", "upgrade: WebSocket");
    let answer =
        answer.replace("Sec-WebSocket-A", "Sec-WebSocket-Protocol: chat\r\nsec-websocket-a");
    wire.answer(answer.as_bytes());
    assert_eq!(wire.app.endpoint.protocol, Some("chat"));
}

/// A function that changes an answer.
type Change = dyn Fn(&str) -> String;

#[test]
fn an_invalid_answer_is_an_error() {
    fn change(from: &'static str, to: &'static str) -> impl Fn(&str) -> String {
        move |answer: &str| {
            let changed = answer.replace(from, to);
            assert_ne!(changed, answer);
            changed
        }
    }
    let add = |line: &'static str| change("\r\n\r\n", line);
    let malformed: [Box<Change>; 16] = [
        Box::new(change("Upgrade: websocket\r\n", "")),
        Box::new(change("Upgrade: websocket", "Upgrade: h2c")),
        Box::new(change("Connection: Upgrade\r\n", "")),
        Box::new(change("Connection: Upgrade", "Connection: close")),
        Box::new(change("HTTP/1.1", "HTTP/1.0")),
        Box::new(change("Accept: ", "Accept: x")),
        Box::new(change("Sec-WebSocket-Accept", "Sec-WebSocket-Accepted")),
        Box::new(|answer| {
            let (before, after) = answer.split_once("Accept: ").unwrap();
            let (key, after) = after.split_at(28);
            format!("{before}Accept: {}{after}", key.to_ascii_uppercase())
        }),
        Box::new(|answer| {
            let line = answer.split("\r\n").find(|line| line.contains("Accept")).unwrap();
            answer.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"))
        }),
        Box::new(add("\r\nSec-WebSocket-Protocol: other\r\n\r\n")),
        Box::new(add("\r\nSec-WebSocket-Protocol: log, chat\r\n\r\n")),
        Box::new(add("\r\nSec-WebSocket-Protocol: log\r\nSec-WebSocket-Protocol: log\r\n\r\n")),
        Box::new(add("\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")),
        Box::new(add("\r\nTransfer-Encoding: chunked\r\n\r\n")),
        Box::new(add("\r\nContent-Length: 3\r\n\r\n")),
        Box::new(add("\r\nbroken\r\n\r\n")),
    ];
    for (number, change) in malformed.iter().enumerate() {
        for segment_size in [1, 1_000] {
            let mut wire = Wire::new();
            wire.open().unwrap();
            let answer = change(&agree(&wire.sent()));
            answer.as_bytes().chunks(segment_size).for_each(|segment| wire.answer(segment));
            assert_eq!(wire.ended(), [Err(CallError::Malformed)], "{number}: {answer}");
            assert_eq!(wire.end, Some(End::Reset));
            assert!(wire.app.endpoint.received().is_empty() && !wire.app.http.is_busy());
        }
    }
}

#[test]
fn a_refusal_is_reported_with_its_status() {
    for (code, more) in [
        (200, "Content-Length: 2\r\n\r\nok"),
        (401, "WWW-Authenticate: Basic realm=\"a\"\r\n\r\n"),
        (404, "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (426, "Sec-WebSocket-Extensions: any\r\nSec-WebSocket-Accept: any\r\n\r\n"),
        (503, "\r\n"),
        (304, "\r\n"),
    ] {
        let mut wire = Wire::new();
        wire.open().unwrap();
        wire.sent();
        wire.answer(format!("HTTP/1.1 {code} Any\r\n{more}").as_bytes());
        let status = Status::new(code).unwrap();
        assert_eq!(wire.ended(), [Err(CallError::Refused(status))]);
        // The next WebSocket can be opened, on a separate connection.
        wire.open().unwrap();
        let answer = agree(&wire.sent());
        wire.answer(answer.as_bytes());
        assert_eq!(wire.app.endpoint.received(), ["open"]);
        assert_eq!(wire.connects.len(), 2);
    }
    // The server of this crate also refuses a handshake, here with status 404.
    let mut pair = Pair::new(256, 512);
    pair.client.open_with(&ClientRequest::get(server(), "pump", "/nowhere")).unwrap();
    pair.run();
    assert_eq!(pair.client.ended(), [Err(CallError::Refused(Status::NOT_FOUND))]);
}

#[test]
fn redirects_are_followed_up_to_a_limit() {
    let redirect = b"HTTP/1.1 307 There\r\nLocation: http://192.0.2.9:81/other\r\n\r\n";
    let mut wire = Wire::new();
    wire.open().unwrap();
    let first = wire.sent();
    wire.answer(redirect);
    assert_eq!(wire.connects, [server(), "192.0.2.9:81".parse().unwrap()]);
    let second = wire.sent();
    assert!(second.starts_with("GET /other HTTP/1.1\r\nHost: 192.0.2.9:81\r\n"), "{second}");
    let key = |request: &str| request.split("Key: ").nth(1).unwrap()[..24].to_owned();
    assert_ne!(key(&first), key(&second));
    wire.answer(agree(&second).as_bytes());
    assert_eq!(wire.app.endpoint.received(), ["open"]);
    let mut wire = Wire::new();
    wire.open().unwrap();
    wire.answer(redirect);
    wire.answer(redirect);
    assert_eq!(wire.ended(), [Err(CallError::Redirects)]);
}

#[test]
fn errors_before_the_websocket_is_open_are_reported() {
    let mut wire = Wire::unseeded();
    assert_eq!(wire.open(), Err(CallError::Unseeded));
    assert!(!wire.app.http.is_busy() && wire.connects.is_empty());

    let mut wire = Wire::new();
    wire.fails = Some(ConnError::Refused);
    // The callback `ended` opens the next WebSocket at once, but only twice.
    wire.app.retries = 2;
    wire.open().unwrap();
    assert_eq!(wire.ended(), [Err(CallError::Lost(Some(ConnError::Refused))); 3]);
    assert_eq!(wire.connects.len(), 3);

    let mut wire = Wire::new();
    wire.open().unwrap();
    assert_eq!(wire.open(), Err(CallError::Busy));
    wire.answer(b"HTTP/1.1 101 Swi");
    wire.finish();
    assert_eq!(wire.ended(), [Err(CallError::Lost(None))]);
    wire.open().unwrap();
    wire.wait_ms(9_999);
    assert!(wire.ended().is_empty());
    wire.wait_ms(1);
    assert_eq!(wire.ended(), [Err(CallError::TimedOut)]);
    wire.open().unwrap();
    assert!(SocketCalls::<Live>::cancel(&mut wire.app, &mut wire.base));
    wire.run();
    assert_eq!(wire.ended(), [Err(CallError::Cancelled)]);
    assert!(!SocketCalls::<Live>::cancel(&mut wire.app, &mut wire.base));
    assert!(SocketCalls::<Live>::with(&mut wire.app, &mut wire.base, |_, _| ()).is_none());

    let long = format!("/{}", "x".repeat(140));
    for request in [
        ClientRequest::new(Method::Post, server(), "pump", "/live"),
        ClientRequest::get(server(), "pump", "/live").content(Length::Known(1)),
        ClientRequest::get(server(), "pump", "/live").content(Length::Unknown),
        ClientRequest::get(server(), "", "/live"),
        ClientRequest::get(server(), "pump", "live"),
    ] {
        assert_eq!(wire.open_with(&request), Err(CallError::BadRequest), "{request:?}");
    }
    // The target fits into the text buffer of the client, but the key does not.
    wire.open_with(&ClientRequest::get(server(), "pump", &long)).unwrap();
    assert_eq!(wire.ended(), [Err(CallError::BadRequest)]);
}
