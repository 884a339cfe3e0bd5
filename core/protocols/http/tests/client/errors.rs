//! Errors, and the limits for answers and their time.

use crate::*;

#[test]
fn errors_are_reported() {
    let mut wire = Wire::new();
    wire.fails = Some(ConnError::Refused);
    wire.get("/");
    let refused = Err(CallError::Lost(Some(ConnError::Refused)));
    assert_eq!(wire.outcomes(), [refused]);
    // The next request is made at once. It connects once, too.
    wire.app.again = Some(wire.pool);
    wire.get("/");
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![refused; 2], 3));
    wire.fails = None;
    wire.get("/");
    let busy = wire.request(&ClientRequest::get(server(), "pump", "/"));
    assert_eq!(busy, Err(CallError::Busy));
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    wire.base.failed(wire.conn.unwrap(), ConnError::Reset);
    wire.run();
    assert_eq!(wire.outcomes(), [Err(CallError::Lost(Some(ConnError::Reset)))]);
    wire.get("/");
    assert!(Calls::<Fetch>::cancel(&mut wire.app, &mut wire.base));
    wire.run();
    assert_eq!(wire.outcomes(), [Err(CallError::Cancelled)]);
    assert!(!Calls::<Fetch>::cancel(&mut wire.app, &mut wire.base));
    for (host, target, fields) in [
        ("", "/", ""),
        ("a b", "/", ""),
        ("a\r\nX: y", "/", ""),
        ("a", "", ""),
        ("a", "b", ""),
        ("a", "/ b", ""),
        ("a", "/", "X: y"),
        ("a", "/", "X: \0\r\n"),
    ] {
        let refused = wire.request(&ClientRequest::get(server(), host, target).fields(fields));
        assert_eq!(refused, Err(CallError::BadRequest), "{host:?} {target:?} {fields:?}");
    }
    let long = format!("/{}", "x".repeat(120));
    assert_eq!(wire.request(&ClientRequest::get(server(), "a", &long)), Err(CallError::BadRequest));
}

#[test]
fn a_request_that_waits_for_the_end_of_another_connection_can_be_cancelled() {
    let other = SocketAddr::from(([192, 0, 2, 9], 80));
    let mut wire = Wire::new();
    wire.get("/");
    wire.answer(HELLO);
    // The kept connection leads to another server, so it is closed first.
    let request = ClientRequest::get(other, "other", "/");
    Calls::<Fetch>::request(&mut wire.app, &mut wire.base, wire.pool, &request).unwrap();
    assert!(Calls::<Fetch>::cancel(&mut wire.app, &mut wire.base));
    wire.run();
    assert_eq!(wire.outcomes(), [Ok(200), Err(CallError::Cancelled)]);
    assert_eq!((wire.connects.len(), wire.app.http.is_busy()), (1, false));
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200)], 2));
}

#[test]
fn content_without_a_length_has_a_limit() {
    let answer = |length| format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(length));
    let (outcomes, content) = answered(answer(5_000).as_bytes(), 100);
    assert_eq!((outcomes, content.len()), (vec![Ok(200)], 5_000));
    let (outcomes, content) = answered(answer(5_001).as_bytes(), 100);
    assert_eq!((outcomes, content.len()), (vec![Err(CallError::TooLong)], 5_000));
}

#[test]
fn every_phase_has_a_time_limit() {
    let mut wire = Wire::new();
    wire.get("/");
    for _ in 0..9 {
        wire.wait_ms(1_000);
        wire.answer(b"H");
    }
    assert_eq!(wire.outcomes(), []);
    wire.wait_ms(1_000);
    assert_eq!(wire.outcomes(), [Err(CallError::TimedOut)]);
    assert_eq!(wire.end, Some(End::Reset));
    wire.get("/");
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n");
    wire.answer(&[b'x'; 499]);
    wire.wait_ms(4_999);
    assert!(wire.outcomes().is_empty());
    wire.wait_ms(5_001);
    assert_eq!(wire.outcomes(), [Err(CallError::TimedOut)]);
}

#[test]
fn the_rate_of_an_upload_is_measured_from_its_content() {
    let mut wire = Wire::new();
    let put = ClientRequest::new(Method::Put, server(), "pump", "/up").content(Length::Known(60));
    wire.request(&put).unwrap();
    wire.wait_ms(5_000);
    // The content is written in the pass in which the rate is checked.
    wire.is_blocked = true;
    wire.app.uploads = 30;
    wire.advance_ms(5_000);
    assert!(Calls::<Fetch>::go_on(&mut wire.app, &mut wire.base));
    wire.run();
    wire.wait_ms(4_999);
    assert_eq!(wire.outcomes(), []);
    wire.wait_ms(1);
    assert_eq!(wire.outcomes(), [Err(CallError::TimedOut)]);
}

#[test]
fn without_a_lowest_rate_content_has_no_time_limit() {
    let mut wire = Wire::new();
    let get = ClientRequest::get(server(), "pump", "/");
    Calls::<Patient>::request(&mut wire.app, &mut wire.base, wire.pool, &get).unwrap();
    wire.run();
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    (0..10).for_each(|_| wire.wait_ms(10_000));
    wire.answer(b"llo");
    assert_eq!((wire.outcomes(), wire.content().as_str()), (vec![Ok(200)], "hello"));
}
