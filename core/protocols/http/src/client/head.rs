//! The head of an answer (RFC 9112, 4 and 6), and the target of a redirect.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::client::CallError;
use crate::exchange::{Exchange, Input, flag};
use crate::head::{is_authority, take_field};
use crate::method::Method;
use crate::number::decimal;
use crate::status::Status;
use crate::text::{are_all, class, is_same, split, split_at_byte};

/// Reads a status line. Returns whether the version is HTTP/1.0, and the status code.
pub(crate) fn status_line(line: &[u8]) -> Result<(bool, u16), CallError> {
    let (version, rest) = split_at_byte(line, b' ').ok_or(CallError::Malformed)?;
    let (code, reason) = split(rest, b' ');
    let is_http_1_0 = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(CallError::Malformed),
    };
    let number = decimal(code).ok().filter(|_| code.len() == 3);
    let number = number.filter(|number| (100..600).contains(number));
    if !are_all(reason, class::VALUE) {
        return Err(CallError::Malformed);
    }
    Ok((is_http_1_0, number.ok_or(CallError::Malformed)? as u16))
}

/// Evaluates a header field if it is `Content-Length`, `Transfer-Encoding` or `Connection`. Ignores other fields.
pub(crate) fn take_answer_field(
    exchange: &mut Exchange,
    name: &[u8],
    value: &[u8],
) -> Result<(), CallError> {
    let is_framing = [&b"content-length"[..], b"transfer-encoding", b"connection"]
        .into_iter()
        .any(|known| is_same(name, known));
    if is_framing {
        take_field(exchange, name, value).map_err(of_status)?;
    }
    Ok(())
}

/// Converts a [`Status`] to a [`CallError`]. The status comes from code that is shared with the server.
pub(super) fn of_status(status: Status) -> CallError {
    match status {
        Status::CONTENT_TOO_LARGE | Status::FIELDS_TOO_LARGE => CallError::TooLong,
        _ => CallError::Malformed,
    }
}

/// Determines how the content of an answer ends.
pub(crate) fn begin_content(exchange: &mut Exchange, code: u16) -> Result<(), CallError> {
    if exchange.has(flag::CHUNKED | flag::LENGTH) || exchange.has(flag::CHUNKED | flag::HTTP_1_0) {
        return Err(CallError::Malformed);
    }
    if exchange.has(flag::CLOSE) || exchange.has(flag::HTTP_1_0) && !exchange.has(flag::KEEP) {
        exchange.set(flag::LAST);
    }
    let has_none = exchange.method == Method::Head || matches!(code, 204 | 304);
    exchange.input = match has_none {
        true => Input::Done,
        false if exchange.has(flag::CHUNKED) => Input::ChunkSize,
        false if exchange.has(flag::LENGTH) => Input::Body,
        false => {
            // The content ends when the server ends its stream.
            exchange.set(flag::LAST | flag::UNBOUNDED);
            Input::Body
        }
    };
    exchange.body = if exchange.has(flag::LENGTH) && !has_none { exchange.content } else { 0 };
    Ok(())
}

/// The target of a redirect: the host, if `Location` contains one, and the path with the query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Location<'l> {
    pub(crate) host: Option<&'l [u8]>,
    pub(crate) target: &'l [u8],
}

/// Reads the value of `Location`. Returns `None` if the redirect cannot be followed.
pub(crate) fn parse_location(location: &[u8]) -> Option<Location<'_>> {
    let without_fragment = split_at_byte(location, b'#').map_or(location, |(before, _)| before);
    if let [b'/', rest @ ..] = without_fragment
        && rest.first() != Some(&b'/')
    {
        return Some(Location { host: None, target: without_fragment });
    }
    let (scheme, rest) = without_fragment.split_at_checked(7)?;
    if !is_same(scheme, b"http://") {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let (host, target) = rest.split_at_checked(end)?;
    let target = if target.is_empty() { b"/" } else { target };
    is_authority(host).then_some(Location { host: Some(host), target })
}

/// Splits a host into its name (or its address without brackets) and its port. The default port is 80.
pub(crate) fn host_and_port(host: &[u8]) -> Option<(&[u8], u16)> {
    let (name, port) = match host {
        [b'[', rest @ ..] => split_at_byte(rest, b']')?,
        _ => {
            let end = host.iter().position(|byte| *byte == b':').unwrap_or(host.len());
            host.split_at_checked(end)?
        }
    };
    let port = match port {
        [] | [b':'] => 80,
        [b':', port @ ..] => u16::try_from(decimal(port).ok()?).ok()?,
        _ => return None,
    };
    Some((name, port))
}

/// Returns the address and the port in `host`, or `None` if `host` is not an IPv4 address with or without a port.
pub(crate) fn address_of(host: &[u8]) -> Option<SocketAddr> {
    let (name, port) = host_and_port(host)?;
    Some(SocketAddr::new(IpAddr::V4(ipv4(name)?), port))
}

/// Reads an IPv4 address. The parser of Rust's core library is not used, because it contains code that panics, and the
/// linker might add this code to the program.
fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut numbers = [0_u8; 4];
    let mut parts = text.split(|byte| *byte == b'.');
    for number in &mut numbers {
        let digits = parts.next().filter(|digits| digits.len() <= 3)?;
        *number = u8::try_from(decimal(digits).ok()?).ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_has_a_version_and_three_digits() {
        assert_eq!(status_line(b"HTTP/1.1 200 OK"), Ok((false, 200)));
        assert_eq!(status_line(b"HTTP/1.0 404 Not Found"), Ok((true, 404)));
        assert_eq!(status_line(b"HTTP/1.1 599 "), Ok((false, 599)));
        assert_eq!(status_line(b"HTTP/1.1 204"), Ok((false, 204)));
        for bad in [
            "",
            "HTTP/1.1",
            "HTTP/1.1  200 OK",
            "HTTP/2 200",
            "http/1.1 200",
            "HTTP/1.1 20",
            "HTTP/1.1 600",
            "HTTP/1.1 0200",
            "HTTP/1.1 2x0",
            "HTTP/1.1 099",
            "HTTP/1.1 200 \0",
        ] {
            assert_eq!(status_line(bad.as_bytes()), Err(CallError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn a_redirect_leads_to_a_path_or_to_a_host() {
        let of = |text: &'static str| parse_location(text.as_bytes());
        assert_eq!(of("/a?b#c"), Some(Location { host: None, target: b"/a?b" }));
        let at = |host, target| Some(Location { host: Some(host), target });
        assert_eq!(of("http://10.0.0.1"), at(&b"10.0.0.1"[..], &b"/"[..]));
        assert_eq!(of("HTTP://pump:81/a"), at(&b"pump:81"[..], &b"/a"[..]));
        assert_eq!(of("http://[::1]/"), at(&b"[::1]"[..], &b"/"[..]));
        for other in
            ["", "a", "//a/b", "https://10.0.0.1/", "http://a:x/", "http://:80/", "http://u@a/"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_host_has_a_name_and_a_port() {
        for (host, expected) in [
            ("pump", Some(("pump", 80))),
            ("pump:", Some(("pump", 80))),
            ("pump:8080", Some(("pump", 8080))),
            ("[fe80::1]", Some(("fe80::1", 80))),
            ("[fe80::1]:81", Some(("fe80::1", 81))),
            ("pump:65536", None),
            ("pump:x", None),
            ("[::1", None),
            ("[::1]x", None),
        ] {
            let expected = expected.map(|(name, port): (&str, _)| (name.as_bytes(), port));
            assert_eq!(host_and_port(host.as_bytes()), expected, "{host}");
        }
        assert_eq!(address_of(b"10.0.0.1:81"), "10.0.0.1:81".parse().ok());
        assert_eq!(address_of(b"10.0.0.1"), "10.0.0.1:80".parse().ok());
        for other in ["10.0.0.1.1", "10.0.0", "10.0.0.256", "10.0.0.0001", "10.0.0.x", "[10.0.0.1"]
        {
            assert_eq!(address_of(other.as_bytes()), None, "{other}");
        }
    }
}
