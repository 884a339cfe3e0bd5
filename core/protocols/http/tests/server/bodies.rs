//! Bodies: streamed, with back-pressure, read as a whole, and cut off.

use crate::bench::End;
use crate::{GET, HELLO_ANSWER, Page, answers, desk, status};
use picoevent_http::Http;

fn upload(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("PUT /upload HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    [head.as_bytes(), body].concat()
}

fn body() -> Vec<u8> {
    (0..10_000_u32).map(|at| (at / 7) as u8).collect()
}

#[test]
fn a_body_passes_a_ring_that_is_smaller() {
    let body = body();
    let mut chunks = Vec::new();
    for chunk in body.chunks(777) {
        chunks.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunks.extend(chunk);
        chunks.extend(b"\r\n");
    }
    chunks.extend(b"0\r\n\r\n");
    for request in [
        upload("Content-Length: 10000\r\n", &body),
        upload("Transfer-Encoding: chunked\r\n", &chunks),
    ] {
        for takes in [None, Some(1), Some(100)] {
            let mut desk = desk();
            desk.app.takes = takes;
            let client = desk.connect();
            desk.send(client, &request);
            desk.send(client, GET.as_bytes());
            let heard = desk.clients[client].heard();
            assert!(heard.starts_with("HTTP/1.1 201 Created\r\n"), "{heard}");
            assert!(heard.ends_with(&format!("10000\n{HELLO_ANSWER}")));
            assert_eq!((desk.app.uploaded, desk.app.lost), (body.clone(), 0));
        }
    }
}

#[test]
fn what_is_not_taken_holds_the_peer_back() {
    let mut desk = desk();
    desk.app.takes = Some(0);
    let client = desk.connect();
    desk.send(client, &upload("Content-Length: 1000\r\n", &body()[..1_000]));
    assert_eq!((desk.app.uploaded.len(), desk.clients[client].heard().as_str()), (0, ""));
    // The peer does not count as slow, because it is the server that does not read.
    (0..10).for_each(|_| desk.pass(5_000));
    assert_eq!(desk.clients[client].end, None);
    desk.app.takes = None;
    let conn = desk.clients[client].conn;
    assert!(Http::<Page>::with(&mut desk.app, &mut desk.base, conn, |_, _| ()).is_some());
    desk.run();
    assert!(desk.clients[client].heard().ends_with("\r\n\r\n1000\n"));
}

#[test]
fn a_client_that_expects_it_is_told_to_go_on() {
    let mut desk = desk();
    let client = desk.connect();
    desk.send(client, &upload("Content-Length: 5\r\nExpect: 100-continue\r\n", b""));
    assert_eq!(desk.clients[client].heard(), "HTTP/1.1 100 Continue\r\n\r\n");
    desk.send(client, b"hello");
    assert_eq!(status(&desk.clients[client].heard()), 201);
    // HTTP/1.0 does not have `Expect`, and a request without a body does not need the answer 100.
    for request in [
        "PUT /upload HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx",
        "PUT /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    ] {
        assert_eq!(status(&answers(request)), 201);
    }
}

#[test]
fn an_early_answer_ends_the_connection_and_the_body_is_not_read() {
    for (path, method, expected) in
        [("/secret", "PUT", 403), ("/none", "PUT", 404), ("/hello", "POST", 405)]
    {
        let mut desk = desk();
        let client = desk.connect();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n");
        desk.send(client, format!("{head}Content-Length: 9\r\n\r\nGET /hell").as_bytes());
        let heard = desk.clients[client].heard();
        assert_eq!(status(&heard), expected);
        assert!(heard.contains("Connection: close\r\n"), "{heard}");
        assert_eq!(desk.clients[client].end, Some(End::Finished));
        assert_eq!((desk.app.uploaded.len(), desk.app.lost), (0, 0));
        // Without a body the connection stays open.
        let heard = answers(&format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n{GET}"));
        assert!(status(&heard) == expected && heard.ends_with(HELLO_ANSWER), "{heard}");
    }
}

#[test]
fn a_form_is_awaited_and_given_whole() {
    let body = "level=1&name=Boiler%20house+2";
    let head = format!("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    let heard = answers(&format!("{head}{body}{GET}"));
    assert!(heard.contains("[Boiler house 2]") && heard.ends_with(HELLO_ANSWER), "{heard}");
    // The body is exactly as long as the ring.
    let body = format!("name={}", "x".repeat(251));
    let heard = answers(&format!(
        "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 256\r\n\r\n{body}{GET}"
    ));
    assert!(heard.contains(&format!("[{}]", "x".repeat(251))) && heard.ends_with(HELLO_ANSWER));
}

#[test]
fn the_application_hears_of_a_body_that_is_lost_once() {
    for (ends, body) in [(false, "some"), (true, "some"), (false, ""), (true, "")] {
        let mut desk = desk();
        let client = desk.connect();
        desk.send(client, &upload("Content-Length: 1000\r\n", body.as_bytes()));
        if ends {
            desk.finish(client)
        } else {
            desk.reset(client)
        }
        assert_eq!((desk.app.uploaded.as_slice(), desk.app.lost), (body.as_bytes(), 1));
        assert!(desk.app.http.is_empty());
    }
    let mut desk = desk();
    let client = desk.connect();
    desk.send(client, &upload("Content-Length: 4\r\n", b"some"));
    desk.reset(client);
    assert_eq!(desk.app.lost, 0, "it was complete");
}
