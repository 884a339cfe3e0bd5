//! The head of an answer (RFC 9112, 4 and 6), and where a redirect leads.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::client::CallError;
use crate::exchange::{Exchange, Input, flag};
use crate::head::take_field;
use crate::method::Method;
use crate::number::decimal;
use crate::text::{is_same, is_value, split_at_byte};

/// A status line: whether it is HTTP/1.0, and the code.
pub(crate) fn status_line(line: &[u8]) -> Result<(bool, u16), CallError> {
    let (version, rest) = split_at_byte(line, b' ').ok_or(CallError::Malformed)?;
    let (code, reason) = split_at_byte(rest, b' ').unwrap_or((rest, &[]));
    let is_old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(CallError::Malformed),
    };
    let number = decimal(code).ok().filter(|_| code.len() == 3);
    let number = number.filter(|number| (100..600).contains(number));
    if !reason.iter().all(|byte| is_value(*byte)) {
        return Err(CallError::Malformed);
    }
    Ok((is_old, number.ok_or(CallError::Malformed)? as u16))
}

/// Takes what a field says of the framing of the answer, and of the connection.
pub(crate) fn take_answer_field(
    x: &mut Exchange,
    name: &[u8],
    value: &[u8],
) -> Result<(), CallError> {
    let is_framing = [&b"content-length"[..], b"transfer-encoding", b"connection"]
        .into_iter()
        .any(|known| is_same(name, known));
    if is_framing {
        take_field(x, name, value).map_err(|_| CallError::Malformed)?;
    }
    Ok(())
}

/// Finds out how the content of an answer ends.
pub(crate) fn begin_content(x: &mut Exchange, code: u16) -> Result<(), CallError> {
    if x.has(flag::CHUNKED | flag::LENGTH) || x.has(flag::CHUNKED | flag::OLD) {
        return Err(CallError::Malformed);
    }
    if x.has(flag::CLOSE) || x.has(flag::OLD) && !x.has(flag::KEEP) {
        x.set(flag::LAST);
    }
    let has_none = x.method == Method::Head || matches!(code, 204 | 304);
    x.input = match has_none {
        true => Input::Done,
        false if x.has(flag::CHUNKED) => Input::ChunkSize,
        false if x.has(flag::LENGTH) => Input::Body,
        false => {
            // Up to the end of the connection.
            x.set(flag::LAST | flag::UNBOUNDED);
            x.content = u32::MAX;
            Input::Body
        }
    };
    x.body = if x.has(flag::LENGTH) && !has_none { x.content } else { 0 };
    Ok(())
}

/// Where a redirect leads: the address and the host, if they are others, and the target.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place<'l> {
    pub(crate) server: Option<(SocketAddr, &'l [u8])>,
    pub(crate) target: &'l [u8],
}

/// Reads the value of `Location`. `None` if it names a server without its IPv4
/// address.
pub(crate) fn place(location: &[u8]) -> Option<Place<'_>> {
    let without_fragment = split_at_byte(location, b'#').map_or(location, |(before, _)| before);
    if let [b'/', rest @ ..] = without_fragment
        && rest.first() != Some(&b'/')
    {
        return Some(Place { server: None, target: without_fragment });
    }
    let (scheme, rest) = without_fragment.split_at_checked(7)?;
    if !is_same(scheme, b"http://") {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let (host, target) = rest.split_at_checked(end)?;
    let target = if target.is_empty() { b"/" } else { target };
    let (address, port) = match split_at_byte(host, b':') {
        Some((address, port)) => (address, Some(port)),
        None => (host, None),
    };
    let address = IpAddr::V4(ipv4(address)?);
    let port = port.map_or(Some(80), |port| u16::try_from(decimal(port).ok()?).ok())?;
    Some(Place { server: Some((SocketAddr::new(address, port), host)), target })
}

/// Reads an IPv4 address. The core library's own reader can panic, as far as a linker can see.
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
    fn a_redirect_leads_to_a_path_or_to_an_address() {
        let of = |text: &'static str| place(text.as_bytes());
        let path = |target| Some(Place { server: None, target });
        assert_eq!(of("/a?b#c"), path(&b"/a?b"[..]));
        let at = |address: &str, host, target| {
            Some(Place { server: Some((address.parse().unwrap(), host)), target })
        };
        assert_eq!(of("http://10.0.0.1"), at("10.0.0.1:80", &b"10.0.0.1"[..], &b"/"[..]));
        assert_eq!(of("HTTP://10.0.0.1:81/a"), at("10.0.0.1:81", &b"10.0.0.1:81"[..], &b"/a"[..]));
        for other in [
            "",
            "a",
            "//a/b",
            "http://pump/",
            "https://10.0.0.1/",
            "http://10.0.0.1:x/",
            "http://:80/",
            "http://[::1]/",
            "http://10.0.0.1.1/",
            "http://10.0.0/",
            "http://10.0.0.256/",
            "http://10.0.0.0001/",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
