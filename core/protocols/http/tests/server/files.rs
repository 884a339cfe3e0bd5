//! Files: versions, ranges, compressed content.

use crate::answers;

/// Requests a file with the header fields `fields`. Returns the head and the content of the answer.
fn get(name: &str, fields: &str) -> (String, String) {
    let answer = answers(&format!("GET /site/{name} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    let (head, content) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), content.to_owned())
}

#[test]
fn a_file_has_its_type_and_its_tag() {
    let (head, content) = get("", "");
    assert_eq!(content, "hello, this is a file");
    assert_eq!(
        head,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 21\r\n\
         ETag: \"0000beef\"\r\nCache-Control: no-cache"
    );
    assert!(get("nothing", "").0.starts_with("HTTP/1.1 404 "));
    assert!(get("both.js/", "").0.starts_with("HTTP/1.1 404 "));
}

#[test]
fn compressed_content_is_sent_to_clients_that_accept_it() {
    let (head, content) = get("both.js", "Accept-Encoding: br, gzip\r\n");
    assert_eq!(content, "zipped");
    for field in
        ["ETag: \"00000007-gz\"", "Content-Encoding: gzip", "Vary: Accept-Encoding", "max-age=60"]
    {
        assert!(head.contains(field), "{field}: {head}");
    }
    for fields in ["", "Accept-Encoding: gzip;q=0\r\n"] {
        let (head, content) = get("both.js", fields);
        assert_eq!(content, "hello, this is a file");
        assert!(!head.contains("Content-Encoding") && head.contains("Vary: Accept-Encoding"));
    }
    let (head, content) = get("zip", "");
    assert!(content == "only zipped" && head.contains("Content-Encoding: gzip"));
}

#[test]
fn a_client_that_has_the_current_version_gets_304() {
    for tags in ["\"0000beef\"", "W/\"0000beef\"", "\"a\", \"0000beef\"", "*"] {
        let (head, content) = get("", &format!("If-None-Match: {tags}\r\n"));
        assert!(head.starts_with("HTTP/1.1 304 Not Modified\r\nETag: \"0000beef\""), "{tags}");
        assert!(content.is_empty() && !head.contains("Content-"), "{head}");
    }
    for tags in ["\"a\"", "0000beef", "\"0000beef-gz\""] {
        assert!(get("", &format!("If-None-Match: {tags}\r\n")).0.starts_with("HTTP/1.1 200 "));
    }
    // The plain and the compressed form have different entity tags.
    let gzip = "If-None-Match: \"00000007-gz\"\r\n";
    assert!(get("both.js", gzip).0.starts_with("HTTP/1.1 200 "));
    let both = format!("{gzip}Accept-Encoding: gzip\r\n");
    assert!(get("both.js", &both).0.starts_with("HTTP/1.1 304 "));
}

#[test]
fn a_range_is_a_part_of_the_content() {
    for (range, expected, part) in [
        ("0-4", "0-4", "hello"),
        ("7-", "7-20", "this is a file"),
        ("-4", "17-20", "file"),
        ("-99", "0-20", "hello, this is a file"),
        ("17-99", "17-20", "file"),
        ("20-20", "20-20", "e"),
        ("0-4294967295", "0-20", "hello, this is a file"),
    ] {
        let (head, content) = get("", &format!("Range: bytes={range}\r\n"));
        assert!(head.starts_with("HTTP/1.1 206 Partial Content\r\n"), "{range}: {head}");
        assert!(head.contains(&format!("Content-Range: bytes {expected}/21")), "{range}: {head}");
        assert_eq!(content, part, "{range}");
    }
    for range in ["21-", "99-100", "-0", "4294967295-", "4294967295-4294967295"] {
        let (head, _) = get("", &format!("Range: bytes={range}\r\n"));
        assert!(head.starts_with("HTTP/1.1 416 ") && head.contains("Content-Range: bytes */21"));
    }
    // A range is defined for `GET` only (RFC 9110, 14.2).
    let head = answers("HEAD /site/ HTTP/1.1\r\nHost: a\r\nRange: bytes=0-4\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("Content-Length: 21\r\n"), "{head}");
    for ignored in ["bytes=0-1,3-4", "bytes=4-0", "lines=0-1", "bytes=x"] {
        assert!(get("", &format!("Range: {ignored}\r\n")).0.starts_with("HTTP/1.1 200 "));
    }
}

#[test]
fn a_range_of_another_version_gets_the_whole_file() {
    let part = |tag| get("", &format!("If-Range: {tag}\r\nRange: bytes=0-4\r\n")).1;
    assert_eq!(part("\"0000beef\""), "hello");
    for other in ["\"a\"", "W/\"0000beef\"", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        assert_eq!(part(other), "hello, this is a file", "{other}");
    }
}
