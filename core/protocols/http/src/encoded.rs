//! Percent-encoded text (RFC 3986, 2.1), and the fields of queries and forms.

use crate::text::{next, split};

/// Percent-encoded text, such as a part of the path or the value of a field.
///
/// The application can compare and read the decoded text without a copy.
///
/// ```
/// use picoevent_http::{Encoded, fields};
///
/// let query = "name=Boiler%20house&level=12&on";
/// let of = |name| fields(query).find(|(key, _)| *key == name).map(|(_, value)| value);
/// assert!(of("name").is_some_and(|name| name == "Boiler house"));
/// assert_eq!(of("level").and_then(Encoded::number), Some(12));
/// assert!(of("on").is_some_and(|on| on == ""));
///
/// let mut buffer = [0; 16];
/// assert_eq!(of("name").and_then(|name| name.decode(&mut buffer)), Some("Boiler house"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'t> {
    text: &'t [u8],
    /// Whether `+` stands for a space, as in queries and forms.
    is_form: bool,
}

impl<'t> Encoded<'t> {
    /// Wraps a part of a path.
    pub(crate) const fn path(text: &'t [u8]) -> Self {
        Self { text, is_form: false }
    }

    const fn form(text: &'t [u8]) -> Self {
        Self { text, is_form: true }
    }

    /// Returns the text without decoding.
    pub const fn raw(self) -> &'t [u8] {
        self.text
    }

    /// Returns the decoded bytes. An invalid percent-encoding is returned unchanged.
    pub fn bytes(self) -> impl Iterator<Item = u8> + 't {
        let mut rest = self.text;
        core::iter::from_fn(move || {
            if let [b'%', high, low, after @ ..] = rest
                && let (Some(high), Some(low)) = (nibble(*high), nibble(*low))
            {
                rest = after;
                return Some(high << 4 | low);
            }
            let (first, after) = rest.split_first()?;
            rest = after;
            Some(if self.is_form && *first == b'+' { b' ' } else { *first })
        })
    }

    /// Decodes the text into `buffer`. Returns `None` if the decoded text does not fit, or is not UTF-8.
    pub fn decode(self, buffer: &mut [u8]) -> Option<&str> {
        let mut used = 0_usize;
        for byte in self.bytes() {
            *buffer.get_mut(used)? = byte;
            used = used.wrapping_add(1);
        }
        str::from_utf8(buffer.get(..used)?).ok()
    }

    /// Returns the text as an unsigned decimal number. Returns `None` if the text has other characters than digits, or
    /// if the number does not fit into 32 bits.
    pub fn number(self) -> Option<u32> {
        let mut value = None;
        for byte in self.bytes() {
            let digit = (byte as char).to_digit(10)?;
            value = Some(value.unwrap_or(0_u32).checked_mul(10)?.checked_add(digit)?);
        }
        value
    }
}

impl Encoded<'_> {
    /// Returns whether the decoded bytes equal `wanted`.
    #[inline(never)]
    pub(crate) fn is(self, wanted: &[u8]) -> bool {
        let mut wanted = wanted.iter();
        self.bytes().all(|byte| wanted.next() == Some(&byte)) && wanted.next().is_none()
    }
}

impl PartialEq<str> for Encoded<'_> {
    fn eq(&self, other: &str) -> bool {
        self.is(other.as_bytes())
    }
}

impl PartialEq<&str> for Encoded<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

fn nibble(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

/// Returns the names and values of the fields of a query, or of a form's body (`application/x-www-form-urlencoded`).
/// The value of a field without `=` is empty. Names are decoded before they are compared.
pub fn fields<'t>(
    text: &'t (impl AsRef<[u8]> + ?Sized),
) -> impl Iterator<Item = (Encoded<'t>, Encoded<'t>)> {
    let mut left = Some(text.as_ref());
    core::iter::from_fn(move || {
        while left.is_some() {
            let field = next(&mut left, b'&');
            if !field.is_empty() {
                let (name, value) = split(field, b'=');
                return Some((Encoded::form(name), Encoded::form(value)));
            }
        }
        None
    })
}

/// Returns the value of the first field with this name, or `None` if there is no such field.
#[inline(never)]
pub(crate) fn find<'t>(text: &'t [u8], name: &str) -> Option<Encoded<'t>> {
    fields(text).find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn decoded(text: &str) -> Vec<u8> {
        Encoded::form(text.as_bytes()).bytes().collect()
    }

    #[test]
    fn valid_percent_escapes_are_decoded_and_invalid_ones_stay() {
        assert_eq!(decoded("a%20b+c%2B%c3%A9"), "a b c+\u{e9}".as_bytes());
        assert_eq!(decoded("%"), b"%");
        assert_eq!(decoded("%4"), b"%4");
        assert_eq!(decoded("%zz%+1%41"), b"%zz% 1A");
        assert_eq!(Encoded::path(b"a+b").bytes().collect::<Vec<_>>(), b"a+b");
    }

    #[test]
    fn decoding_fails_without_room_or_valid_utf_8() {
        let text = Encoded::path(b"%41%42");
        assert_eq!(text.decode(&mut [0; 2]), Some("AB"));
        assert_eq!(text.decode(&mut [0; 1]), None);
        assert_eq!(Encoded::path(b"%ff").decode(&mut [0; 8]), None);
    }

    #[test]
    fn a_number_has_only_digits() {
        let number = |text: &'static str| Encoded::form(text.as_bytes()).number();
        assert_eq!((number("%31%32"), number("4294967295")), (Some(12), Some(u32::MAX)));
        for bad in ["", "-1", "+1", "1x", "4294967296"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn fields_are_found_and_empty_ones_skipped() {
        let all: Vec<_> = fields("&a=1&&b&=c&d==&").map(|(a, b)| (a.raw(), b.raw())).collect();
        let expected: [(&[u8], &[u8]); 4] = [(b"a", b"1"), (b"b", b""), (b"", b"c"), (b"d", b"=")];
        assert_eq!(all, expected);
        assert_eq!(fields("").count(), 0);
    }
}
