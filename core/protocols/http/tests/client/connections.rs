//! Connections that are kept for the next request.

use crate::*;

#[test]
fn a_connection_is_used_again_if_the_server_keeps_it() {
    let mut wire = Wire::new();
    for _ in 0..3 {
        wire.get("/");
        wire.answer(HELLO);
    }
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 3], 1));
    wire.get("/");
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    wire.get("/");
    wire.answer(HELLO);
    let other = "192.0.2.9:81".parse().unwrap();
    wire.request(&ClientRequest::get(other, "other", "/")).unwrap();
    wire.answer(HELLO);
    assert_eq!(
        (wire.outcomes(), wire.connects),
        (vec![Ok(200); 3], vec![server(), server(), other])
    );
}

#[test]
fn a_kept_connection_that_the_server_ends_is_replaced() {
    for ends_late in [false, true] {
        let mut wire = Wire::new();
        wire.get("/");
        wire.answer(HELLO);
        if !ends_late {
            wire.finish();
        }
        wire.get("/again");
        if ends_late {
            wire.finish();
        }
        assert_eq!(wire.connects.len(), 2, "{ends_late}");
        assert!(wire.sent().ends_with("GET /again HTTP/1.1\r\nHost: pump\r\n\r\n"));
        wire.answer(HELLO);
        assert_eq!(wire.outcomes(), [Ok(200), Ok(200)]);
    }
    // A request that may have had an effect is not repeated.
    for method in [Method::Post, Method::Patch] {
        let mut wire = Wire::new();
        wire.get("/");
        wire.answer(HELLO);
        wire.request(&ClientRequest::new(method, server(), "pump", "/")).unwrap();
        wire.finish();
        assert_eq!(wire.outcomes(), [Ok(200), Err(CallError::Lost(None))], "{method:?}");
    }
    // The client closes the connection after 30 s without a request. Nothing is reported, because no request is in
    // progress.
    let mut wire = Wire::new();
    wire.get("/");
    wire.answer(HELLO);
    wire.wait_ms(30_000);
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 2], 2));
}

#[test]
fn a_kept_connection_that_ends_in_the_pass_of_the_request_is_replaced() {
    // None of the request was sent, so the request is repeated although it may have an effect.
    for (content, sent) in [
        (Length::Known(0), "Content-Length: 0\r\n\r\n"),
        (Length::Known(3), "Content-Length: 3\r\n\r\n012"),
        (Length::Unknown, "Transfer-Encoding: chunked\r\n\r\n3\r\n012\r\n0\r\n\r\n"),
    ] {
        for is_end_first in [false, true] {
            let mut wire = Wire::new();
            wire.get("/");
            wire.answer(HELLO);
            wire.sent();
            wire.app.uploads = if content == Length::Known(0) { 0 } else { 3 };
            let post = ClientRequest::new(Method::Post, server(), "pump", "/").content(content);
            let conn = wire.conn.unwrap();
            if is_end_first {
                wire.base.peer_finished(conn);
            }
            Calls::<Fetch>::request(&mut wire.app, &mut wire.base, wire.pool, &post).unwrap();
            if !is_end_first {
                wire.base.peer_finished(conn);
            }
            wire.run();
            wire.answer(HELLO);
            let expected = (vec![Ok(200); 2], 2);
            assert_eq!((wire.outcomes(), wire.connects.len()), expected, "{content:?}");
            assert_eq!(wire.sent(), format!("POST / HTTP/1.1\r\nHost: pump\r\n{sent}"));
        }
    }
}

#[test]
fn a_kept_connection_that_was_reset_is_replaced() {
    for is_reset_first in [false, true] {
        let mut wire = Wire::new();
        wire.get("/");
        wire.answer(HELLO);
        let post = ClientRequest::new(Method::Post, server(), "pump", "/");
        let conn = wire.conn.unwrap();
        if is_reset_first {
            wire.base.failed(conn, ConnError::Reset);
        }
        Calls::<Fetch>::request(&mut wire.app, &mut wire.base, wire.pool, &post).unwrap();
        if !is_reset_first {
            wire.base.failed(conn, ConnError::Reset);
        }
        wire.run();
        wire.answer(HELLO);
        let expected = (vec![Ok(200); 2], 2);
        assert_eq!((wire.outcomes(), wire.connects.len()), expected, "{is_reset_first}");
    }
}

#[test]
fn a_request_is_sent_although_the_idle_time_ends_in_the_same_pass() {
    let mut wire = Wire::new();
    wire.get("/");
    wire.answer(HELLO);
    wire.advance_ms(30_000);
    let post = ClientRequest::new(Method::Post, server(), "pump", "/");
    Calls::<Fetch>::request(&mut wire.app, &mut wire.base, wire.pool, &post).unwrap();
    wire.run();
    wire.answer(HELLO);
    assert_eq!(wire.outcomes(), [Ok(200), Ok(200)]);
}

#[test]
fn bytes_after_an_answer_are_not_the_next_answer() {
    let stray = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    // The bytes arrive with the answer, and after it.
    let mut wire = Wire::new();
    wire.get("/");
    wire.answer(&[HELLO, stray].concat());
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 2], 2));
    // The bytes arrive in the pass in which the next request is made.
    let mut wire = Wire::new();
    wire.get("/");
    wire.answer(HELLO);
    let post = ClientRequest::new(Method::Post, server(), "pump", "/");
    Calls::<Fetch>::request(&mut wire.app, &mut wire.base, wire.pool, &post).unwrap();
    wire.answer(stray);
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 2], 2));
}
