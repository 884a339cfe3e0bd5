//! Path patterns of routes, with parameters: `/led/{number}`, `/files/{*path}`.

use crate::encoded::Encoded;
use crate::text::{next, split};

/// Returns the target's path, without the query.
pub(crate) fn path_of(target: &[u8]) -> &[u8] {
    split(target, b'?').0
}

/// Returns the target's query, without its question mark.
pub(crate) fn query_of(target: &[u8]) -> &[u8] {
    split(target, b'?').1
}

/// Returns whether a path matches a pattern.
pub(crate) fn matches(pattern: &str, path: &[u8]) -> bool {
    walk(pattern, path, &mut |_, _| {})
}

/// Returns the part of a path that matches the parameter `name` of the pattern.
pub(crate) fn param<'p>(pattern: &str, path: &'p [u8], name: &str) -> Option<Encoded<'p>> {
    let mut found = None;
    walk(pattern, path, &mut |parameter, part| {
        if parameter == name.as_bytes() {
            found = Some(Encoded::path(part));
        }
    });
    found
}

/// Returns the part of a path that matches `{*name}` at the end of the pattern.
pub(crate) fn rest<'p>(pattern: &str, path: &'p [u8]) -> Option<Encoded<'p>> {
    let has_rest = ends_with_star(pattern);
    let mut found = None;
    walk(pattern, path, &mut |_, part| found = Some(Encoded::path(part)));
    found.filter(|_| has_rest)
}

/// Returns whether a pattern ends with `{*name}`.
fn ends_with_star(pattern: &str) -> bool {
    let last = pattern.as_bytes().rsplit(|byte| *byte == b'/').next();
    matches!(last, Some([b'{', b'*', ..]))
}

/// Compares a pattern and a path, segment by segment. Calls `found` with the name and the value of each parameter.
/// Returns whether pattern and path match.
#[inline(never)]
fn walk<'p>(pattern: &str, path: &'p [u8], found: &mut dyn FnMut(&[u8], &'p [u8])) -> bool {
    let (mut pattern, mut path) = (Some(pattern.as_bytes()), Some(path));
    while let (Some(_), Some(held)) = (pattern, path) {
        let segment = next(&mut pattern, b'/');
        if let [b'{', b'*', name @ .., b'}'] = segment {
            found(name, held);
            return true;
        }
        let part = next(&mut path, b'/');
        if let [b'{', name @ .., b'}'] = segment {
            if part.is_empty() {
                return false;
            }
            found(name, part);
        } else if !Encoded::path(part).is(segment) {
            return false;
        }
    }
    pattern.is_none() && path.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_segment_by_segment() {
        for (pattern, path) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/b", "/%61/b"),
            ("/a/", "/a/"),
            ("/a/{n}", "/a/b%2fc"),
            ("/a/{n}/c", "/a/b/c"),
            ("/a/{*rest}", "/a/b/c"),
            ("/a/{*rest}", "/a/"),
            ("{*all}", "/a"),
        ] {
            assert!(matches(pattern, path.as_bytes()), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/", ""),
            ("/", "/a"),
            ("/a", "/a/"),
            ("/a/", "/a"),
            ("/a", "/b"),
            ("/a", "/ab"),
            ("/a/b", "/a%2fb"),
            ("/a/{n}", "/a/"),
            ("/a/{n}", "/a/b/c"),
            ("/a/{*rest}", "/a"),
        ] {
            assert!(!matches(pattern, path.as_bytes()), "{pattern} {path}");
        }
    }

    #[test]
    fn parameters_are_found_by_name() {
        let of = |name| param("/led/{number}/{*rest}", b"/led/1%32/a/b", name);
        assert_eq!(of("number").and_then(Encoded::number), Some(12));
        assert!(of("rest").is_some_and(|rest| rest == "a/b"));
        assert!(of("led").is_none());
    }

    #[test]
    fn a_star_matches_the_rest_of_the_path() {
        let of = |pattern, path: &'static str| rest(pattern, path.as_bytes()).map(Encoded::raw);
        assert_eq!(of("/a/{b}/{*c}", "/a/b/c/d"), Some(&b"c/d"[..]));
        assert_eq!(of("/{*c}", "/"), Some(&b""[..]));
        assert_eq!((of("/a/{b}", "/a/b"), of("/a", "/a")), (None, None));
    }

    #[test]
    fn a_query_begins_at_the_first_question_mark() {
        assert_eq!((path_of(b"/a?b?c"), query_of(b"/a?b?c")), (&b"/a"[..], &b"b?c"[..]));
        assert_eq!((path_of(b"/a"), query_of(b"/a")), (&b"/a"[..], &b""[..]));
    }
}
