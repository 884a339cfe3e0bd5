//! The characters of HTTP (RFC 9110, 5.6), and lists of words.

/// Returns whether a byte may stand in a token: a method, a field's name.
pub(crate) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Returns whether this is a token.
pub(crate) fn is_word(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token(*byte))
}

/// Returns whether a byte may stand in a field's value: visible ones, space and tab, and those above ASCII.
pub(crate) const fn is_value(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// Returns whether a byte may stand in a target. A fragment is never sent (RFC 9112, 3.2).
pub(crate) const fn is_target(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && byte != b'#'
}

/// Splits at the first such byte, which is dropped.
#[inline(never)]
pub(crate) fn split_at_byte(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    let (before, rest) = text.split_at_checked(place)?;
    Some((before, rest.split_first()?.1))
}

/// Drops spaces and tabs at both ends.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Returns the parts between such bytes, trimmed.
pub(crate) fn parts(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut left = Some(text);
    core::iter::from_fn(move || next_part(&mut left, separator))
}

#[inline(never)]
fn next_part<'t>(left: &mut Option<&'t [u8]>, separator: u8) -> Option<&'t [u8]> {
    let text = (*left)?;
    let (part, rest) = match split_at_byte(text, separator) {
        Some((part, rest)) => (part, Some(rest)),
        None => (text, None),
    };
    *left = rest;
    Some(trim(part))
}

/// Returns whether a list has a word, in any case.
pub(crate) fn has_word(list: &[u8], word: &[u8]) -> bool {
    parts(list, b',').any(|part| is_same(part, word))
}

/// Returns whether two texts are the same, in any case. It is not inlined, since it is called for every name.
#[inline(never)]
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Copies as much as both have. A loop, because the optimizer does not always see that slices of one length can
/// be copied without a panic.
pub(crate) fn copy(target: &mut [u8], source: &[u8]) {
    target.iter_mut().zip(source).for_each(|(target, source)| *target = *source);
}

/// Returns bytes of which every one is ASCII as text.
pub(crate) fn ascii(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn lists_have_words_in_any_case() {
        assert!(has_word(b"keep-alive , Upgrade", b"upgrade"));
        assert!(!has_word(b"keep-alive, upgraded", b"upgrade"));
        assert_eq!(parts(b" a,, b\t,", b',').collect::<Vec<_>>(), [&b"a"[..], b"", b"b", b""]);
        assert_eq!(parts(b"", b',').collect::<Vec<_>>(), [b""]);
    }

    #[test]
    fn a_split_drops_the_byte_it_splits_at() {
        assert_eq!(split_at_byte(b"a:b:c", b':'), Some((&b"a"[..], &b"b:c"[..])));
        assert_eq!(split_at_byte(b":", b':'), Some((&b""[..], &b""[..])));
        assert_eq!(split_at_byte(b"ab", b':'), None);
    }
}
