//! Character classes of HTTP (RFC 9110, 5.6), and lists of words.

/// The classes of bytes.
pub(crate) mod class {
    /// A token, such as a method or a field's name.
    pub(crate) const TOKEN: u8 = 1;
    /// A field's value: visible ASCII characters, space, tab, and bytes from 0x80 to 0xFF.
    pub(crate) const VALUE: u8 = 2;
    /// A target. It cannot contain `#`, because fragments are never sent (RFC 9112, 3.2).
    pub(crate) const TARGET: u8 = 4;
    /// The name of a host.
    pub(crate) const NAME: u8 = 8;
    /// An address in brackets, such as `::1` in `[::1]`.
    pub(crate) const ADDRESS: u8 = 16;
    /// Space and tab.
    pub(crate) const BLANK: u8 = 32;
    /// A quoted value, without quotation marks and backslashes.
    pub(crate) const QUOTED: u8 = 64;
}

/// The classes of each ASCII byte. A table takes less flash and time than comparisons.
static CLASSES: [u8; 128] = classes();

const fn classes() -> [u8; 128] {
    let mut classes = [0; 128];
    let mut left: &mut [u8] = &mut classes;
    let mut byte = 0_u8;
    while let [of, rest @ ..] = left {
        let is_name = byte.is_ascii_alphanumeric();
        if is_name
            || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        {
            *of |= class::TOKEN;
        }
        if matches!(byte, b'\t' | b' '..=b'~') {
            *of |= class::VALUE;
            if !matches!(byte, b'"' | b'\\') {
                *of |= class::QUOTED;
            }
        }
        if matches!(byte, b'\t' | b' ') {
            *of |= class::BLANK;
        }
        if matches!(byte, b'!'..=b'~') && byte != b'#' {
            *of |= class::TARGET;
        }
        if is_name || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%') {
            *of |= class::NAME;
        }
        if byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.') {
            *of |= class::ADDRESS;
        }
        left = rest;
        byte = byte.wrapping_add(1);
    }
    classes
}

/// Removes the bytes at the beginning of `text` that belong to a class, and returns these bytes.
#[inline(never)]
pub(crate) fn take_class<'t>(text: &mut &'t [u8], class: u8) -> &'t [u8] {
    let is_in_class = |byte: &u8| match CLASSES.get(usize::from(*byte)) {
        Some(classes) => classes & class != 0,
        None => class & (class::VALUE | class::QUOTED) != 0,
    };
    let whole = *text;
    let end = whole.iter().position(|byte| !is_in_class(byte)).unwrap_or(whole.len());
    let (taken, rest) = whole.split_at_checked(end).unwrap_or((whole, &[]));
    *text = rest;
    taken
}

/// Returns whether all bytes belong to a class.
pub(crate) fn are_all(mut text: &[u8], class: u8) -> bool {
    take_class(&mut text, class);
    text.is_empty()
}

/// Returns whether `text` is a token.
pub(crate) fn is_word(text: &[u8]) -> bool {
    !text.is_empty() && are_all(text, class::TOKEN)
}

/// Returns the bytes before the first separator (the byte `at`), and removes these bytes and the separator from `left`.
/// If there is no separator, returns all bytes and sets `left` to `None`. If the separator is the last byte, `left`
/// becomes an empty slice, not `None`.
#[inline(never)]
pub(crate) fn next<'t>(left: &mut Option<&'t [u8]>, at: u8) -> &'t [u8] {
    let text = left.take().unwrap_or_default();
    let Some(index) = text.iter().position(|byte| *byte == at) else { return text };
    let (before, rest) = text.split_at_checked(index).unwrap_or_default();
    *left = rest.split_first().map(|(_, rest)| rest);
    before
}

/// Splits `text` at the first separator (the byte `at`). No part contains this separator. If there is no separator, the
/// second part is empty.
pub(crate) fn split(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    let mut left = Some(text);
    (next(&mut left, at), left.unwrap_or_default())
}

/// Splits `text` at the first separator (the byte `at`). No part contains this separator. Returns `None` if there is no
/// separator.
pub(crate) fn split_at_byte(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let mut left = Some(text);
    let before = next(&mut left, at);
    Some((before, left?))
}

/// Removes spaces and tabs at both ends.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Returns the parts between separators, trimmed.
pub(crate) fn parts(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut left = Some(text);
    core::iter::from_fn(move || next_part(&mut left, separator))
}

#[inline(never)]
fn next_part<'t>(left: &mut Option<&'t [u8]>, separator: u8) -> Option<&'t [u8]> {
    left.is_some().then(|| trim(next(left, separator)))
}

/// Returns whether a comma-separated list contains a word, ignoring case.
pub(crate) fn has_word(list: &[u8], word: &[u8]) -> bool {
    parts(list, b',').any(|part| is_same(part, word))
}

/// Returns the index of `name` in `names`, ignoring case. If `name` is not found, returns `names.len()`.
#[inline(never)]
pub(crate) fn index_of(name: &[u8], names: &[&str]) -> usize {
    names.iter().position(|known| is_same(name, known.as_bytes())).unwrap_or(names.len())
}

/// Returns whether two texts are equal, ignoring case. Not inlined, because it is called for every name.
#[inline(never)]
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Copies bytes from `source` to `target`, up to the length of the shorter slice. Uses a loop, because
/// `copy_from_slice` contains code that panics, and the optimizer does not always remove this code.
pub(crate) fn copy(target: &mut [u8], source: &[u8]) {
    target.iter_mut().zip(source).for_each(|(target, source)| *target = *source);
}

/// Returns ASCII bytes as text.
pub(crate) fn ascii(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn words_of_a_list_are_found_in_any_case() {
        assert!(has_word(b"keep-alive , Upgrade", b"upgrade"));
        assert!(!has_word(b"keep-alive, upgraded", b"upgrade"));
        assert_eq!(parts(b" a,, b\t,", b',').collect::<Vec<_>>(), [&b"a"[..], b"", b"b", b""]);
        assert_eq!(parts(b"", b',').collect::<Vec<_>>(), [b""]);
    }

    #[test]
    fn bytes_have_classes() {
        let of = |class| (0..=255).filter(|byte| are_all(&[*byte], class)).collect::<Vec<u8>>();
        let token =
            b"!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~";
        assert_eq!(of(class::TOKEN), token);
        let visible = || b'!'..=b'~';
        let value: Vec<u8> =
            [b'\t', b' '].into_iter().chain(visible()).chain(0x80..=0xff).collect();
        assert_eq!(of(class::VALUE), value);
        assert_eq!(of(class::TARGET), visible().filter(|byte| *byte != b'#').collect::<Vec<_>>());
        let names = b"%-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
        assert_eq!(of(class::NAME), names);
        assert_eq!(of(class::ADDRESS), b".0123456789:ABCDEFabcdef");
        assert_eq!(of(class::BLANK), b"\t ");
        let quoted = value.into_iter().filter(|byte| !matches!(byte, b'"' | b'\\'));
        assert_eq!(of(class::QUOTED), quoted.collect::<Vec<_>>());
    }

    #[test]
    fn a_name_is_found_in_any_case() {
        let names = ["host", "range"];
        assert_eq!([&b"HOST"[..], b"range", b"rang"].map(|name| index_of(name, &names)), [0, 1, 2]);
    }

    #[test]
    fn an_empty_rest_is_not_none() {
        let mut left = Some(&b"a:b:"[..]);
        let taken = [(); 4].map(|()| (next(&mut left, b':'), left));
        assert_eq!(taken[1], (&b"b"[..], Some(&b""[..])));
        assert_eq!(taken[2..], [(&b""[..], None), (b"", None)]);
        assert_eq!(
            (split(b"a:b", b':'), split(b"ab", b':')),
            ((&b"a"[..], &b"b"[..]), (&b"ab"[..], &b""[..]))
        );
    }

    #[test]
    fn a_split_drops_the_byte_it_splits_at() {
        assert_eq!(split_at_byte(b"a:b:c", b':'), Some((&b"a"[..], &b"b:c"[..])));
        assert_eq!(split_at_byte(b":", b':'), Some((&b""[..], &b""[..])));
        assert_eq!(split_at_byte(b"ab", b':'), None);
    }
}
