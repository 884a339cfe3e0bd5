//! Requests with content.

use crate::*;

#[test]
fn content_of_a_request_is_written_when_there_is_room() {
    let mut wire = Wire::new();
    wire.app.uploads = 3_000;
    let put = ClientRequest::new(Method::Put, server(), "pump", "/up");
    wire.request(&put.content(Length::Known(3_000))).unwrap();
    let sent = wire.sent();
    let (head, content) = sent.split_once("\r\n\r\n").unwrap();
    assert_eq!(head, "PUT /up HTTP/1.1\r\nHost: pump\r\nContent-Length: 3000");
    assert_eq!(content, "012345678901234567890123456789".repeat(100));
    wire.answer(HELLO);
    wire.app.uploads = 65;
    wire.request(&put.content(Length::Unknown)).unwrap();
    let thirty = "1e\r\n012345678901234567890123456789\r\n";
    assert_eq!(
        wire.sent(),
        format!(
            "PUT /up HTTP/1.1\r\nHost: pump\r\nTransfer-Encoding: chunked\r\n\r\n\
             {thirty}{thirty}5\r\n01234\r\n0\r\n\r\n"
        )
    );
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 2], 1));
}

#[test]
fn an_early_answer_ends_the_connection() {
    let mut wire = Wire::new();
    let put =
        ClientRequest::new(Method::Put, server(), "pump", "/up").content(Length::Known(3_000));
    wire.app.uploads = 30;
    wire.request(&put).unwrap();
    wire.answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(wire.outcomes(), [Ok(403)]);
    // The content of the upload was not sent completely, so the next request uses a new connection.
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200)], 2));
}

#[test]
fn an_answer_is_read_while_the_server_does_not_read() {
    let mut wire = Wire::new();
    wire.is_blocked = true;
    wire.app.uploads = 3_000;
    // The head has 80 bytes, so four pieces of content fill the output ring.
    let target = format!("/{}", "x".repeat(28));
    let put = ClientRequest::new(Method::Put, server(), "pump", &target);
    wire.request(&put.content(Length::Known(3_000))).unwrap();
    let (first, second) = wire.base.output(wire.conn.unwrap());
    assert_eq!(first.len() + second.len(), 200);
    wire.answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(wire.outcomes(), [Ok(403)]);
}

#[test]
fn an_upload_continues_while_a_good_answer_arrives() {
    let mut wire = Wire::new();
    let put = ClientRequest::new(Method::Put, server(), "pump", "/up").content(Length::Known(60));
    wire.app.uploads = 30;
    wire.request(&put).unwrap();
    wire.sent();
    wire.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    wire.app.uploads = 30;
    wire.answer(b"l");
    assert_eq!(wire.sent(), "012345678901234567890123456789");
    wire.answer(b"lo");
    wire.get("/");
    wire.answer(HELLO);
    assert_eq!((wire.outcomes(), wire.connects.len()), (vec![Ok(200); 2], 1));
}
