//! Passwords, cookies, and forms with files.

use crate::{answers, bench, status};

fn private(fields: &str) -> String {
    answers(&format!("GET /private HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
}

#[test]
fn a_request_without_the_right_password_is_refused() {
    let answer = private("");
    assert_eq!(status(&answer), 401);
    assert!(answer.contains("WWW-Authenticate: Basic realm=\"pump\", charset=\"UTF-8\"\r\n"));
    assert_eq!(status(&private("Authorization: Basic YWRtaW46c2VjcmV0\r\n")), 200);
    assert_eq!(status(&private("Authorization: basic YWRtaW46c2VjcmV0\r\n")), 200);
    for wrong in [
        "Basic YWRtaW46c2VjcmU=",
        "Basic YWRtaW46c2VjcmV0cw==",
        "Basic YWRtaW4=",
        "Basic ",
        "Basic",
        "Bearer YWRtaW46c2VjcmV0",
        "Basic YWRtaW46c2VjcmV0=",
    ] {
        assert_eq!(status(&private(&format!("Authorization: {wrong}\r\n"))), 401, "{wrong}");
    }
}

#[test]
fn cookies_are_set_and_read() {
    let login = "Authorization: Basic YWRtaW46c2VjcmV0\r\n";
    let answer = private(login);
    assert!(answer.contains("\r\nSet-Cookie: seen=it; Path=/; HttpOnly; SameSite=Strict\r\n"));
    assert!(answer.ends_with("\r\n\r\nnothing"));
    for cookies in ["seen=it", "a=b; seen=it", "seen=it; seen=not", "Seen=x;seen=it"] {
        let answer = private(&format!("{login}Cookie: {cookies}\r\n"));
        assert!(answer.ends_with("\r\n\r\nit"), "{cookies}: {answer}");
    }
}

#[test]
fn a_form_with_a_file_is_streamed() {
    let file = "line\r\n--x\r\n".repeat(200);
    let body = format!(
        "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--xx\r\n\
         Content-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n{file}\r\n--xx--\r\n"
    );
    let head = |length: usize| {
        format!(
            "POST /parts HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\
             Content-Type: multipart/form-data; boundary=xx\r\n\r\n"
        )
    };
    for segment_size in [1, 50, 5_000] {
        let mut bench = bench();
        let client = bench.connect();
        let request = head(body.len()) + &body;
        request.as_bytes().chunks(segment_size).for_each(|segment| bench.send(client, segment));
        assert_eq!(status(&bench.clients[client].received()), 200);
        let received = String::from_utf8(bench.app.uploaded).unwrap();
        assert_eq!(received, format!("<a>b</><f>{file}</>"));
    }
    assert_eq!(status(&answers(&(head(9) + "--xy\r\n..."))), 400);
    let other = "POST /parts HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(status(&answers(other)), 415);
}

/// In an earlier version, the server waited forever for the end of a form that ends inside a boundary, and the slot of
/// the connection stayed in use.
#[test]
fn a_form_that_ends_too_early_is_refused() {
    let part = "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
    let fields =
        "POST /parts HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=xx\r\n";
    for end in
        ["--x", "--xx\r", "--xx\r\nContent-Disp", &format!("{part}b\r"), &format!("{part}b\r\n--x")]
    {
        let length = end.len();
        let known = format!("{fields}Content-Length: {length}\r\n\r\n{end}");
        let chunked =
            format!("{fields}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{end}\r\n0\r\n\r\n");
        for request in [known, chunked] {
            assert_eq!(status(&answers(&request)), 400, "{request}");
        }
    }
    // Chunks may end between two lines, and between the data and a boundary.
    let chunks = [part, "b", "\r\n--xx--\r\n"];
    let chunks: String =
        chunks.iter().map(|data| format!("{:x}\r\n{data}\r\n", data.len())).collect();
    let request = format!("{fields}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
    assert_eq!(status(&answers(&request)), 200);
}
