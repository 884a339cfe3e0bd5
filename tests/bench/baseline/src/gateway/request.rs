//! The header of an HTTP request.

/// The status line of an answer. The server ends the connection after this answer.
pub const BAD_REQUEST: &str = "400 Bad Request";
/// See [`BAD_REQUEST`].
pub const TIMEOUT: &str = "408 Request Timeout";
/// See [`BAD_REQUEST`].
pub const BODY: &str = "413 Content Too Large";
/// See [`BAD_REQUEST`].
pub const TOO_LARGE: &str = "431 Request Header Fields Too Large";

/// A parsed request.
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// Whether the connection stays open.
    pub keep: bool,
}

impl<'a> Request<'a> {
    /// Parses a header.
    ///
    /// # Errors
    /// If the request is malformed or has a body. The error is the status line of the answer.
    pub fn parse(header: &'a [u8]) -> Result<Self, &'static str> {
        let header = core::str::from_utf8(header).map_err(|_| BAD_REQUEST)?;
        let mut lines = header.trim_end().split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(path), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(BAD_REQUEST);
        };
        let mut keep = match version {
            "HTTP/1.1" => true,
            "HTTP/1.0" => false,
            _ => return Err(BAD_REQUEST),
        };
        for line in lines {
            let (name, value) = line.split_once(':').ok_or(BAD_REQUEST)?;
            if name.eq_ignore_ascii_case("connection") {
                for option in value.split(',').map(str::trim) {
                    keep |= option.eq_ignore_ascii_case("keep-alive");
                    keep &= !option.eq_ignore_ascii_case("close");
                }
            } else if name.eq_ignore_ascii_case("content-length") && value.trim() != "0"
                || name.eq_ignore_ascii_case("transfer-encoding")
            {
                return Err(BODY);
            }
        }
        if method.is_empty() || !path.starts_with('/') {
            return Err(BAD_REQUEST);
        }
        Ok(Self { method, path, keep })
    }
}
