//! Status codes (RFC 9110, 15).

use crate::text::next;

/// The status of an answer.
///
/// ```
/// use picoevent_http::Status;
/// assert_eq!(Status::NOT_FOUND.reason(), "Not Found");
/// assert_eq!(Status::new(299).map(Status::code), Some(299));
/// assert_eq!(Status::new(99), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(u16);

macro_rules! statuses {
    ($($name:ident = $code:literal, $reason:literal;)*) => {
        impl Status {
            $(#[doc = concat!("`", $code, " ", $reason, "`")] pub const $name: Self = Self($code);)*

            /// Returns the reason phrase. The phrase is empty for a code without a constant.
            pub const fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)*
                    _ => "",
                }
            }

            /// All codes with their reason phrases, one per line.
            const ALL: &str = concat!($($code, " ", $reason, "\n"),*);
        }
    };
}

// `phrase` searches from the beginning, so the most frequent code comes first.
statuses! {
    OK = 200, "OK";
    SWITCHING_PROTOCOLS = 101, "Switching Protocols";
    CREATED = 201, "Created";
    ACCEPTED = 202, "Accepted";
    NO_CONTENT = 204, "No Content";
    PARTIAL_CONTENT = 206, "Partial Content";
    FOUND = 302, "Found";
    SEE_OTHER = 303, "See Other";
    NOT_MODIFIED = 304, "Not Modified";
    TEMPORARY_REDIRECT = 307, "Temporary Redirect";
    BAD_REQUEST = 400, "Bad Request";
    UNAUTHORIZED = 401, "Unauthorized";
    FORBIDDEN = 403, "Forbidden";
    NOT_FOUND = 404, "Not Found";
    METHOD_NOT_ALLOWED = 405, "Method Not Allowed";
    REQUEST_TIMEOUT = 408, "Request Timeout";
    CONFLICT = 409, "Conflict";
    LENGTH_REQUIRED = 411, "Length Required";
    CONTENT_TOO_LARGE = 413, "Content Too Large";
    URI_TOO_LONG = 414, "URI Too Long";
    UNSUPPORTED_MEDIA_TYPE = 415, "Unsupported Media Type";
    RANGE_NOT_SATISFIABLE = 416, "Range Not Satisfiable";
    EXPECTATION_FAILED = 417, "Expectation Failed";
    UPGRADE_REQUIRED = 426, "Upgrade Required";
    FIELDS_TOO_LARGE = 431, "Request Header Fields Too Large";
    SERVER_ERROR = 500, "Internal Server Error";
    NOT_IMPLEMENTED = 501, "Not Implemented";
    UNAVAILABLE = 503, "Service Unavailable";
    VERSION_NOT_SUPPORTED = 505, "HTTP Version Not Supported";
}

impl Status {
    /// Makes a status from a code between 100 and 599. Returns `None` for other codes.
    pub const fn new(code: u16) -> Option<Self> {
        if matches!(code, 100..=599) { Some(Self(code)) } else { None }
    }

    /// Returns the code.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// Returns a space and the reason phrase for the digits of a code. A search in one text takes less flash than
    /// a table.
    pub(crate) fn phrase(digits: &[u8]) -> &'static [u8] {
        let mut left = Some(Self::ALL.as_bytes());
        while left.is_some() {
            if let Some(phrase) = next(&mut left, b'\n').strip_prefix(digits) {
                return phrase;
            }
        }
        b" "
    }

    /// Returns whether answers with this status never have content.
    pub(crate) const fn is_bare(self) -> bool {
        matches!(self.0, 100..=199 | 204 | 304)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Decimal;

    #[test]
    fn a_phrase_is_found_by_the_digits_of_its_code() {
        for status in (100..600).filter_map(Status::new) {
            let digits = Decimal::of(status.code().into());
            let phrase = [b" ", status.reason().as_bytes()].concat();
            assert_eq!(Status::phrase(digits.as_bytes()), phrase);
        }
        assert_eq!(Status::phrase(b"431"), b" Request Header Fields Too Large");
        assert_eq!(Status::phrase(b"599"), b" ");
    }
}
