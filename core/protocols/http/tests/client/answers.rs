//! Answers: their framing and their content.

use crate::*;

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
