//! The head of a request: its line and fields (RFC 9112, 3 and 5), and the framing of its body (RFC 9112, 6).
//!
//! Requests that another server could read differently are refused, to prevent request smuggling.

use crate::exchange::{Exchange, flag};
use crate::method::Method;
use crate::number::{NumberError, decimal};
use crate::status::Status;
use crate::text::{are_all, class, index_of, is_same, is_word, next, parts, take_class, trim};

const BAD: Status = Status::BAD_REQUEST;

/// A request line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RequestLine<'l> {
    pub(crate) method: Method,
    /// The path and the query, or `*` for the whole server.
    pub(crate) target: &'l [u8],
    /// Whether the version is HTTP/1.0.
    pub(crate) is_http_1_0: bool,
}

/// Removes the carriage return at the end of a line whose newline was already removed. A carriage return inside the
/// line is not checked here. No character class of [`class`] contains the carriage return, so the function that reads
/// the line refuses any other carriage return.
pub(crate) fn without_return(line: &[u8]) -> Result<&[u8], Status> {
    line.strip_suffix(b"\r").ok_or(BAD)
}

/// Reads a request line.
pub(crate) fn request_line(line: &[u8]) -> Result<RequestLine<'_>, Status> {
    let mut left = Some(line);
    let (method, target) = (next(&mut left, b' '), next(&mut left, b' '));
    let Some([major, b'.', minor]) = left.and_then(|version| version.strip_prefix(b"HTTP/")) else {
        return Err(BAD);
    };
    let is_number = major.is_ascii_digit() && minor.is_ascii_digit();
    if !is_word(method) || target.is_empty() || !are_all(target, class::TARGET) || !is_number {
        return Err(BAD);
    }
    if *major != b'1' || *minor > b'1' {
        return Err(Status::VERSION_NOT_SUPPORTED);
    }
    let is_http_1_0 = *minor == b'0';
    let method = Method::of(method).ok_or(Status::NOT_IMPLEMENTED)?;
    let target = match target {
        [b'/', ..] => target,
        b"*" if method == Method::Options => target,
        _ => path_of(target).ok_or(BAD)?,
    };
    Ok(RequestLine { method, target, is_http_1_0 })
}

/// Returns the path and the query of an absolute target such as `http://pump/status`.
fn path_of(target: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = target.split_at_checked(7)?;
    if !is_same(scheme, b"http://") {
        return None;
    }
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    if !is_authority(authority) {
        return None;
    }
    match path {
        [] => Some(b"/"),
        [b'/', ..] => Some(path),
        _ => None,
    }
}

/// Returns whether `text` is a host, with or without a port.
pub(crate) fn is_authority(text: &[u8]) -> bool {
    let (mut rest, class) = match text {
        [b'[', rest @ ..] => (rest, class::ADDRESS),
        _ => (text, class::NAME),
    };
    let host = take_class(&mut rest, class);
    if class == class::ADDRESS {
        let Some((b']', port)) = rest.split_first() else { return false };
        rest = port;
    }
    let has_port = match rest {
        [] | [b':'] => true,
        [b':', port @ ..] => decimal(port).is_ok_and(|port| port <= 65_535),
        _ => false,
    };
    !host.is_empty() && has_port
}

/// Splits a header or trailer field into its name and value.
pub(crate) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Status> {
    let mut rest = line;
    // `TOKEN` contains no space. So a folded line (obs-fold), which begins with a space, is refused. A space between
    // the name and the colon is refused too.
    let name = take_class(&mut rest, class::TOKEN);
    match rest {
        [b':', value @ ..] if !name.is_empty() && are_all(value, class::VALUE) => {
            Ok((name, trim(value)))
        }
        _ => Err(BAD),
    }
}

/// Evaluates a header field if it is `Host`, `Content-Length`, `Transfer-Encoding`, `Connection` or `Expect`. Ignores
/// other fields.
pub(crate) fn take_field(exchange: &mut Exchange, name: &[u8], value: &[u8]) -> Result<(), Status> {
    let number =
        index_of(name, &["host", "content-length", "transfer-encoding", "connection", "expect"]);
    // `Host`, `Content-Length` and `Transfer-Encoding` may each occur only once.
    if let Some(seen) = [flag::HOST, flag::LENGTH, flag::CHUNKED].get(number) {
        if exchange.has(*seen) {
            return Err(BAD);
        }
        exchange.set(*seen);
    }
    match number {
        0 if !is_authority(value) => return Err(BAD),
        1 => {
            exchange.content = match decimal(value) {
                Ok(length) => length,
                // The number exceeds 32 bits, so it exceeds the limit for bodies.
                Err(NumberError::TooLarge) => return Err(Status::CONTENT_TOO_LARGE),
                Err(NumberError::NoDigits) => return Err(BAD),
            };
        }
        2 => codings(value)?,
        3 => {
            for word in parts(value, b',') {
                let flags = [flag::CLOSE, flag::KEEP, flag::UPGRADE];
                let number = index_of(word, &["close", "keep-alive", "upgrade"]);
                exchange.set(flags.get(number).copied().unwrap_or(0));
            }
        }
        4 if !exchange.has(flag::HTTP_1_0) => {
            if !is_same(value, b"100-continue") {
                return Err(Status::EXPECTATION_FAILED);
            }
            exchange.set(flag::EXPECTS);
        }
        _ => {}
    }
    Ok(())
}

/// Checks that `chunked` is the only transfer coding.
fn codings(value: &[u8]) -> Result<(), Status> {
    if is_same(value, b"chunked") {
        return Ok(());
    }
    let (mut is_proper, mut is_chunked) = (true, false);
    for coding in parts(value, b',') {
        // No coding may follow `chunked`.
        is_proper &= is_word(coding) && !is_chunked;
        is_chunked |= is_same(coding, b"chunked");
    }
    // A list of other codings that ends with `chunked` is valid but not supported, so the status is 501. For all other
    // lists the status is 400.
    is_proper &= is_chunked;
    Err(if is_proper { Status::NOT_IMPLEMENTED } else { BAD })
}

/// Checks the fields of a complete head together.
pub(crate) fn check(exchange: &Exchange) -> Result<(), Status> {
    let is_framed_twice = exchange.has(flag::CHUNKED | flag::LENGTH);
    let is_too_old = exchange.has(flag::CHUNKED | flag::HTTP_1_0);
    if is_framed_twice || is_too_old || !exchange.has_any(flag::HOST | flag::HTTP_1_0) {
        return Err(BAD);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::format;

    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> Result<RequestLine<'_>, Status> {
        request_line(text.as_bytes())
    }

    /// Reads the fields of a head.
    fn fields(lines: &[&str]) -> Result<Exchange, Status> {
        let mut exchange = Exchange::new();
        for line in lines {
            let (name, value) = field(line.as_bytes())?;
            take_field(&mut exchange, name, value)?;
        }
        check(&exchange)?;
        Ok(exchange)
    }

    const REFUSED: Result<RequestLine<'static>, Status> = Err(BAD);

    #[test]
    fn a_request_line_has_three_words_with_one_space_between() {
        let get =
            |target, is_http_1_0| Ok(RequestLine { method: Method::Get, target, is_http_1_0 });
        assert_eq!(line("GET /a?b=c HTTP/1.1"), get(&b"/a?b=c"[..], false));
        assert_eq!(line("GET / HTTP/1.0"), get(&b"/"[..], true));
        for bad in [
            "",
            "GET",
            "GET /",
            "GET / ",
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "GET\t/ HTTP/1.1",
            "GET / http/1.1",
            "GET / HTTP/1.1x",
            "GET / HTTP/11",
            "GET / HTTP/a.1",
            "GET / HTTPS/1.1",
            "G(T / HTTP/1.1",
            "GET /\u{7f} HTTP/1.1",
            "GET /\u{e9} HTTP/1.1",
            "GET /a#b HTTP/1.1",
            "GET a HTTP/1.1",
            "GET * HTTP/1.1",
            "GET pump:80 HTTP/1.1",
        ] {
            assert_eq!(line(bad), REFUSED, "{bad:?}");
        }
    }

    #[test]
    fn unknown_versions_and_methods_have_their_own_status() {
        for version in ["GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9"] {
            assert_eq!(line(version), Err(Status::VERSION_NOT_SUPPORTED));
        }
        for method in ["BREW / HTTP/1.1", "get / HTTP/1.1", "CONNECT a:80 HTTP/1.1"] {
            assert_eq!(line(method), Err(Status::NOT_IMPLEMENTED));
        }
    }

    #[test]
    fn an_absolute_target_is_reduced_to_its_path() {
        fn target(text: &str) -> Result<&[u8], Status> {
            line(text).map(|line| line.target)
        }
        assert_eq!(target("GET http://pump/a?b HTTP/1.1"), Ok(&b"/a?b"[..]));
        assert_eq!(target("GET HTTP://[::1]:80 HTTP/1.1"), Ok(&b"/"[..]));
        assert_eq!(target("OPTIONS * HTTP/1.1"), Ok(&b"*"[..]));
        for bad in ["http:///a", "http://a@b/", "http://a?b", "https://a/", "http://a:x/"] {
            assert_eq!(target(&format!("GET {bad} HTTP/1.1")), Err(BAD), "{bad}");
        }
    }

    #[test]
    fn a_carriage_return_is_valid_only_at_the_end_of_a_line() {
        assert_eq!(without_return(b"a\r"), Ok(&b"a"[..]));
        for bad in [&b""[..], b"a", b"\ra"] {
            assert_eq!(without_return(bad), Err(BAD), "{bad:?}");
        }
        for bad in ["GET / HTTP/1.1\r", "GET /\r HTTP/1.1", "G\rET / HTTP/1.1", "\rGET / HTTP/1.1"]
        {
            assert_eq!(line(bad), REFUSED, "{bad:?}");
        }
        for bad in ["A: b\r", "A: \rb", "\rA: b", "A\r: b", "A:\r"] {
            assert_eq!(field(bad.as_bytes()), Err(BAD), "{bad:?}");
        }
    }

    #[test]
    fn a_field_has_a_name_a_colon_and_a_value() {
        let of = |text: &'static str| field(text.as_bytes());
        assert_eq!(of("A: b"), Ok((&b"A"[..], &b"b"[..])));
        assert_eq!(of("A:\t b\u{e9}: c \t"), Ok((&b"A"[..], "b\u{e9}: c".as_bytes())));
        assert_eq!(of("A:"), Ok((&b"A"[..], &b""[..])));
        for bad in ["", "A", ": b", "A : b", " A: b", "\tA: b", "A\u{e9}: b", "A: \0", "A: \u{7f}"]
        {
            assert_eq!(of(bad), Err(BAD), "{bad:?}");
        }
    }

    #[test]
    fn there_is_exactly_one_valid_host() {
        for host in ["pump", "pump:80", "10.0.0.1:8080", "[::1]", "[fe80::1]:80", "pump:"] {
            assert!(fields(&[&format!("Host: {host}")]).is_ok(), "{host}");
        }
        for host in
            ["", "a b", "a,b", "a/b", "u@a", "a:b", "a:99999", ":80", "[::1", "[g]", "a:8:0", "[]"]
        {
            assert_eq!(fields(&[&format!("Host: {host}")]).err(), Some(BAD), "{host}");
        }
        assert_eq!(fields(&[]).err(), Some(BAD));
        assert_eq!(fields(&["Host: a", "host: a"]).err(), Some(BAD));
    }

    #[test]
    fn the_length_of_a_message_is_given_once() {
        let with = |more: &[&str]| fields(&[&["Host: a"], more].concat());
        assert_eq!(with(&["Content-Length: 0042"]).map(|exchange| exchange.content).ok(), Some(42));
        assert!(
            with(&["Transfer-Encoding: Chunked"]).is_ok_and(|exchange| exchange.has(flag::CHUNKED))
        );
        for bad in [
            &["Content-Length: 1", "Content-Length: 1"][..],
            &["Content-Length: 1, 1"],
            &["Content-Length: +1"],
            &["Content-Length: -1"],
            &["Content-Length: 0x1"],
            &["Content-Length: 1 1"],
            &["Content-Length:"],
            &["Content-Length: \u{b2}"],
            &["Content-Length: 1", "Transfer-Encoding: chunked"],
            &["Transfer-Encoding: chunked", "Content-Length: 1"],
            &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
            &["Transfer-Encoding: chunked, chunked"],
            &["Transfer-Encoding: chunked, identity"],
            &["Transfer-Encoding: identity"],
            &["Transfer-Encoding: xchunked"],
            &["Transfer-Encoding: chunked;q=1"],
            &["Transfer-Encoding: \"chunked\""],
            &["Transfer-Encoding:"],
            &["Transfer-Encoding: chunked,"],
        ] {
            assert_eq!(with(bad).err(), Some(BAD), "{bad:?}");
        }
        let other = with(&["Transfer-Encoding: gzip, chunked"]);
        assert_eq!(other.err(), Some(Status::NOT_IMPLEMENTED));
        let large = with(&["Content-Length: 99999999999999999999"]);
        assert_eq!(large.err(), Some(Status::CONTENT_TOO_LARGE));
        let mut old = Exchange::new();
        old.set(flag::HTTP_1_0 | flag::CHUNKED);
        assert_eq!(check(&old), Err(BAD));
    }

    #[test]
    fn only_100_continue_can_be_expected() {
        let expects = |value| fields(&["Host: a", &format!("Expect: {value}")]);
        assert!(expects("100-Continue").is_ok_and(|exchange| exchange.has(flag::EXPECTS)));
        assert_eq!(expects("200-ok").err(), Some(Status::EXPECTATION_FAILED));
    }

    proptest! {
        /// Checks that httparse accepts every head that this parser accepts, and that both read the same values.
        #[test]
        fn httparse_accepts_what_is_accepted_here(
            first in "(GET|PUT|HEAD|[A-Z ]{0,4})[ /]{1,2}[ -~]{0,20} HTTP/1.[01]",
            name in "[!-~]{1,12}[: ]?",
            value in "[ -~\\t]{0,20}",
        ) {
            let text = format!("{first}\r\n{name}:{value}\r\n\r\n");
            let mut theirs = [httparse::EMPTY_HEADER; 2];
            let mut request = httparse::Request::new(&mut theirs);
            let accepted = request.parse(text.as_bytes()).is_ok_and(|parsed| parsed.is_complete());
            let second = format!("{name}:{value}");
            if let (Ok(line), Ok((name, value))) = (line(&first), field(second.as_bytes())) {
                prop_assert!(accepted, "{text:?}");
                prop_assert_eq!(request.method, Some(line.method.name()));
                prop_assert_eq!(request.version, Some(if line.is_http_1_0 { 0 } else { 1 }));
                prop_assert!(request.path.unwrap().as_bytes().ends_with(line.target) || line.target == b"/");
                prop_assert_eq!(request.headers[0].name.as_bytes(), name);
                prop_assert_eq!(request.headers[0].value, value);
            }
        }
    }
}
