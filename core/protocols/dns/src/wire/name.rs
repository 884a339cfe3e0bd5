//! Names in a message.

use core::fmt;

/// The maximum length of a name in a message, including the length bytes and the zero byte at the end (RFC 1035,
/// section 2.3.4).
pub const MAX_NAME: usize = 255;

/// The maximum length of a label in bytes.
const MAX_LABEL: usize = 63;

/// The two bits of a length byte that indicate a pointer to the remaining labels of the name.
const POINTER: u8 = 0xC0;

/// A checked name in a message.
#[derive(Clone, Copy)]
pub struct Name<'m> {
    message: &'m [u8],
    at: usize,
}

impl<'m> Name<'m> {
    /// Checks the name at an offset. Returns the name and the offset after it.
    ///
    /// The first pointer must point to an offset before the start of the name, and each further pointer to an offset
    /// before the target of the previous pointer. So these offsets decrease, and no name is endless.
    pub(super) fn check(message: &'m [u8], at: usize) -> Option<(Self, usize)> {
        let mut labels = Labels { message, at, limit: at, end: None };
        let mut length = 1_usize;
        loop {
            match labels.step()? {
                Some(label) => {
                    length = length.saturating_add(label.len()).saturating_add(1);
                    if length > MAX_NAME {
                        return None;
                    }
                }
                None => return Some((Self { message, at }, labels.end?)),
            }
        }
    }

    pub(super) const fn message(self) -> &'m [u8] {
        self.message
    }

    /// Returns the name at another offset of the message. The caller has already checked the name at this offset.
    pub(super) const fn at_offset(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// Returns the labels, from the left.
    pub fn labels(self) -> Labels<'m> {
        Labels { message: self.message, at: self.at, limit: self.at, end: None }
    }

    /// Returns the first label and the name after it, or `None` if the name has no label.
    pub(crate) fn split_first(self) -> Option<(&'m [u8], Self)> {
        let mut labels = self.labels();
        let label = labels.next()?;
        Some((label, self.at_offset(labels.at)))
    }

    /// Returns whether the name is this text. Letters are not case-sensitive.
    pub fn is(self, text: &str) -> bool {
        self.is_of(&[text.as_bytes()])
    }

    /// Returns whether the name consists of these texts, separated by dots. Letters are not
    /// case-sensitive.
    pub fn is_of(self, texts: &[&[u8]]) -> bool {
        self.compare(texts, false)
    }

    /// Returns whether the name is this text. Letters are case-sensitive.
    pub fn is_exactly(self, text: &[u8]) -> bool {
        self.compare(&[text], true)
    }

    #[inline(never)]
    fn compare(self, texts: &[&[u8]], is_exact: bool) -> bool {
        let mut labels = self.labels();
        for text in texts {
            let mut rest = without_dot(text);
            while !rest.is_empty() {
                let Some(label) = labels.next() else { return false };
                let mut text = rest.iter();
                let is_same = label.iter().all(|byte| {
                    // A dot within a label is not a separator.
                    text.next().is_some_and(|expected| {
                        *expected != b'.'
                            && (expected == byte
                                || !is_exact && expected.eq_ignore_ascii_case(byte))
                    })
                });
                if !is_same || text.next().is_some_and(|next| *next != b'.') {
                    return false;
                }
                rest = text.as_slice();
            }
        }
        labels.next().is_none()
    }
}

/// The comparison ignores the case of letters.
impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        let mut others = other.labels();
        let all = self
            .labels()
            .all(|label| others.next().is_some_and(|other| label.eq_ignore_ascii_case(other)));
        all && others.next().is_none()
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in self.labels() {
            write!(f, "{}.", label.escape_ascii())?;
        }
        Ok(())
    }
}

/// The labels of a [`Name`].
#[derive(Clone)]
pub struct Labels<'m> {
    message: &'m [u8],
    at: usize,
    /// The target of the last pointer, or the start of the name if no pointer was read yet. The next pointer must point
    /// before this offset.
    limit: usize,
    /// The offset after the name in the message, or `None` if this offset is not known yet. A name ends after its first
    /// pointer, or after its zero byte if it has no pointer.
    end: Option<usize>,
}

impl<'m> Labels<'m> {
    /// Takes the next label. Returns `Some(None)` at the end of the name, and `None` if the name is
    /// malformed.
    fn step(&mut self) -> Option<Option<&'m [u8]>> {
        loop {
            let length = *self.message.get(self.at)?;
            let start = self.at.checked_add(1)?;
            match length & POINTER {
                0 if length == 0 => {
                    self.end.get_or_insert(start);
                    return Some(None);
                }
                0 => {
                    let end = start.checked_add(length.into())?;
                    self.at = end;
                    return self.message.get(start..end).map(Some);
                }
                POINTER => {
                    let low = *self.message.get(start)?;
                    let target = usize::from(u16::from_be_bytes([length & !POINTER, low]));
                    if target >= self.limit {
                        return None;
                    }
                    self.end.get_or_insert(start.checked_add(1)?);
                    (self.at, self.limit) = (target, target);
                }
                _ => return None,
            }
        }
    }
}

impl<'m> Iterator for Labels<'m> {
    type Item = &'m [u8];

    fn next(&mut self) -> Option<&'m [u8]> {
        self.step().flatten()
    }
}

/// Returns a name as text without a final dot.
pub(crate) fn without_dot(text: &[u8]) -> &[u8] {
    text.strip_suffix(b".").unwrap_or(text)
}

/// Returns whether `text` is a valid name for a question: labels of 1 to 63 letters, digits,
/// hyphens and underscores, separated by dots, at most 253 bytes, optionally with a dot at the end.
pub fn is_host_name(text: &str) -> bool {
    let bytes = without_dot(text.as_bytes());
    let mut length = 0_usize;
    for byte in bytes {
        let is_letter = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        length = match byte {
            b'.' if length != 0 => 0,
            _ if is_letter && length < MAX_LABEL => length.wrapping_add(1),
            _ => return false,
        };
    }
    // A message stores two more bytes: the length byte of the first label, and the zero byte at the end of the name.
    length != 0 && bytes.len().saturating_add(2) <= MAX_NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At offset 0 is "b.example", at 11 is "a" with a pointer to 0, at 15 is a pointer to 11.
    const NAMES: &[u8] = b"\x01b\x07example\x00\x01a\xC0\x00\xC0\x0B";

    fn check(message: &[u8], at: usize) -> Option<(Name<'_>, usize)> {
        Name::check(message, at)
    }

    #[test]
    fn the_pointers_in_a_name_are_followed() {
        for (at, text, end) in
            [(0, "b.example", 11), (11, "A.b.example.", 15), (15, "a.B.Example", 17)]
        {
            let (name, after) = check(NAMES, at).unwrap();
            assert!(name.is(text), "{name:?}");
            assert_eq!(after, end);
            assert!(!name.is("b.example.org") && !name.is("example"), "{name:?}");
        }
        let (upper, _) = check(b"\x01B\x07eXample\x00", 0).unwrap();
        let (lower, _) = check(NAMES, 0).unwrap();
        assert_eq!(upper, lower);
        assert!(upper.is("b.example") && !upper.is_exactly(b"b.example"));
        assert!(upper.is_exactly(b"B.eXample"));
    }

    #[test]
    fn a_dot_in_a_label_is_not_a_separator() {
        let (name, _) = check(b"\x09b.example\x00", 0).unwrap();
        assert!(!name.is("b.example") && !name.is_exactly(b"b.example"));
        let (name, _) = check(NAMES, 0).unwrap();
        assert!(name.is_of(&[b"b", b"example."]) && !name.is_of(&[b"b.ex", b"ample"]));
        assert!(!name.is_of(&[b"b"]) && !name.is_of(&[b"b", b"example", b"org"]));
    }

    #[test]
    fn the_root_is_a_name_without_labels() {
        let (root, end) = check(b"\x00", 0).unwrap();
        assert_eq!((root.labels().count(), end), (0, 1));
        assert!(root.is(".") && root.is("") && !root.is("a"));
    }

    #[test]
    fn pointers_that_do_not_point_backwards_are_refused() {
        for message in [
            b"\xC0\x00".as_slice(), // a pointer to itself
            b"\xC0\x02\x00",        // a pointer forward
            b"\x01a\xC0\x00",       // a label, and a pointer to this label: a loop
            b"\x01a\xC0\x02",       // a label, and a pointer to itself
            b"\x01a\xC0",           // a pointer without its second byte
            b"\x05ab",              // a label beyond the end
            b"\x01a",               // a name without an end
            b"\x40a\x00",           // a reserved length
            b"\x80a\x00",           // another reserved length
            b"",
        ] {
            assert!(check(message, 0).is_none(), "{message:?}");
        }
        // Two names that point at each other: at 2 "x" and a pointer to 0, at 0 a pointer to 2.
        assert!(check(b"\xC0\x02\x01x\xC0\x00", 2).is_none());
    }

    #[test]
    fn a_name_has_at_most_255_bytes() {
        let long_name = |labels: usize, rest: usize| {
            let mut bytes = Vec::new();
            for _ in 0..labels {
                bytes.push(63);
                bytes.extend([b'a'; 63]);
            }
            bytes.push(rest as u8);
            bytes.extend(vec![b'b'; rest]);
            bytes.push(0);
            bytes
        };
        assert_eq!(long_name(3, 61).len(), MAX_NAME);
        assert!(check(&long_name(3, 61), 0).is_some());
        assert!(check(&long_name(3, 62), 0).is_none());
        // The maximum length also counts the labels to which a pointer points.
        let mut chained = long_name(3, 59);
        let at = chained.len();
        chained.extend(b"\x01c\xC0\x00");
        assert!(check(&chained, at).is_some());
        let mut chained = long_name(3, 60);
        let at = chained.len();
        chained.extend(b"\x01c\xC0\x00");
        assert!(check(&chained, at).is_none());
    }

    #[test]
    fn a_host_name_has_labels_of_letters_digits_and_hyphens() {
        let long = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        for good in ["a", "example.org", "example.org.", "_http._tcp.local", "1.de", &long] {
            assert!(is_host_name(good), "{good}");
        }
        let longer = format!("{long}b");
        let label = "a".repeat(64);
        for bad in ["", ".", "a..b", ".a", "a b", "a/b", "ä.de", &longer, &label, "a.."] {
            assert!(!is_host_name(bad), "{bad}");
        }
    }
}
