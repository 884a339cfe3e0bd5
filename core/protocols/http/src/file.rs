//! Static files: entity tags, ranges, and compressed content.

use crate::buffer::Buffer;
use crate::exchange::{Exchange, Extra, flag};
use crate::number::{Decimal, Hex, decimal};
use crate::path::{path_of, rest};
use crate::reply::Head;
use crate::request::Request;
use crate::route::Route;
use crate::status::Status;
use crate::text::{is_same, parts, split_at_byte, trim};

/// A static file, in flash.
///
/// `picoevent-http-files` makes a table of them of a folder, at build time. By hand:
///
/// ```
/// use picoevent_http::{File, Route};
/// # struct App;
/// static PAGE: &[u8] = b"<!doctype html><title>Pump</title><p>It runs.";
/// static SITE: [File; 1] = [File::new("", "text/html", PAGE, File::tag(PAGE))];
///
/// const ROUTES: &[Route<App>] = &[Route::files("/{*name}", &SITE)];
/// # let _ = ROUTES;
/// ```
///
/// It is answered with its entity tag, with 304 to a client that has it, and in part to a client that asks for
/// one range of bytes.
#[derive(Debug)]
pub struct File {
    name: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    tag: u32,
    cache: &'static str,
}

impl File {
    /// Makes a file. Its name is the part of the path that `{*name}` stands for, empty for the index. The
    /// [tag](Self::tag) differs whenever the content does.
    pub const fn new(
        name: &'static str,
        content_type: &'static str,
        content: &'static [u8],
        tag: u32,
    ) -> Self {
        Self { name, content_type, plain: content, gzip: &[], tag, cache: "no-cache" }
    }

    /// Adds the content compressed with gzip, for clients that take it. If the content as it is is empty, all
    /// clients get this.
    #[must_use]
    pub const fn gzip(self, content: &'static [u8]) -> Self {
        Self { gzip: content, ..self }
    }

    /// Sets how long clients may keep it: the value of `Cache-Control`, `no-cache` at first, so that they ask
    /// each time whether it has changed.
    #[must_use]
    pub const fn cache(self, value: &'static str) -> Self {
        Self { cache: value, ..self }
    }

    /// Returns a tag for content: a hash of it (FNV-1a).
    pub const fn tag(content: &[u8]) -> u32 {
        let (mut hash, mut rest) = (0x811c_9dc5_u32, content);
        while let [first, after @ ..] = rest {
            hash = (hash ^ *first as u32).wrapping_mul(0x0100_0193);
            rest = after;
        }
        hash
    }

    /// Returns the entity tag, quoted.
    fn entity_tag(&self, is_gzip: bool) -> Buffer<16> {
        let mut tag = Buffer::new();
        tag.put(b"\"");
        tag.put(Hex::of(self.tag).all());
        tag.put(if is_gzip { b"-gz\"" } else { b"\"" });
        tag
    }

    /// Finds the file of a route that a target names.
    fn find(pattern: &str, files: &'static [Self], target: &[u8]) -> Option<&'static Self> {
        match rest(pattern, path_of(target)) {
            Some(name) => files.iter().find(|file| name == file.name),
            None => files.first(),
        }
    }
}

/// Notes what a header field says of the file.
pub(crate) fn field<A: 'static>(
    route: &Route<A>,
    x: &mut Exchange,
    text: &mut [u8],
    name: &[u8],
    value: &[u8],
) -> Result<(), Status> {
    let is = |known: &[u8]| is_same(name, known);
    if is(b"accept-encoding") {
        if takes_gzip(value) {
            x.set(flag::GZIP);
        }
    } else if is(b"range") {
        if let Some((first, last)) = range(value) {
            x.extra = Extra::Range(first, last);
        }
    } else if is(b"if-none-match") || is(b"if-range") {
        let target = text.get(..x.target.into()).unwrap_or_default();
        let Some(file) = File::find(route.path, route.files, target) else { return Ok(()) };
        let is_range = is(b"if-range");
        if is_range {
            x.set(flag::IF_RANGE);
        }
        let flags = if is_range {
            [flag::SAME, flag::SAME_GZIP]
        } else {
            [flag::UNCHANGED, flag::UNCHANGED_GZIP]
        };
        for (is_gzip, flag) in [false, true].into_iter().zip(flags) {
            let tag = file.entity_tag(is_gzip);
            let tag = tag.as_bytes();
            let weak = |held: &[u8]| held.strip_prefix(b"W/").unwrap_or(held) == tag;
            if if is_range { value == tag } else { value == b"*" || parts(value, b',').any(weak) } {
                x.set(flag);
            }
        }
    }
    Ok(())
}

/// Returns whether a client takes gzip.
fn takes_gzip(value: &[u8]) -> bool {
    parts(value, b',').any(|coding| {
        let (name, weight) = split_at_byte(coding, b';').unwrap_or((coding, b"q=1"));
        let weight = trim(weight);
        let is_none = weight.starts_with(b"q=0")
            && weight.iter().skip(3).all(|byte| matches!(byte, b'0' | b'.'));
        is_same(trim(name), b"gzip") && !is_none
    })
}

/// Reads one range: the first and the last byte, or `u32::MAX` and the length of the end. `None` for what is
/// ignored, several ranges among it.
fn range(value: &[u8]) -> Option<(u32, u32)> {
    let (unit, range) = split_at_byte(value, b'=')?;
    let (first, last) = split_at_byte(range, b'-')?;
    if !is_same(unit, b"bytes") {
        return None;
    }
    match (trim(first), trim(last)) {
        ([], length) => Some((u32::MAX, decimal(length).ok()?)),
        (first, []) => Some((decimal(first).ok()?, u32::MAX)),
        (first, last) => {
            let (first, last) = (decimal(first).ok()?, decimal(last).ok()?);
            (first <= last).then_some((first, last))
        }
    }
}

/// Answers with the file that the target names.
pub(crate) fn serve<A: 'static>(_: &mut A, request: &mut Request<'_, '_, '_, A>) {
    let Some(route) = request.route() else { return };
    let Some(file) = File::find(route.path, route.files, request.raw_target()) else {
        return request.answer_bare(Status::NOT_FOUND, b"");
    };
    let is_gzip = !file.gzip.is_empty() && (request.x.has(flag::GZIP) || file.plain.is_empty());
    let content = if is_gzip { file.gzip } else { file.plain };
    let mut fields = Buffer::<192>::new();
    let (tag, cache) = (file.entity_tag(is_gzip), file.cache.as_bytes());
    for part in [b"ETag: ", tag.as_bytes(), b"\r\nCache-Control: ", cache, b"\r\n"] {
        fields.put(part);
    }
    if !file.gzip.is_empty() && !file.plain.is_empty() {
        fields.put(b"Vary: Accept-Encoding\r\n");
    }
    let [unchanged, same] = match is_gzip {
        false => [flag::UNCHANGED, flag::SAME],
        true => [flag::UNCHANGED_GZIP, flag::SAME_GZIP],
    };
    if request.x.has(unchanged) {
        return request.answer_bare(Status::NOT_MODIFIED, fields.as_bytes());
    }
    if is_gzip {
        fields.put(b"Content-Encoding: gzip\r\n");
    }
    let length = content.len() as u32;
    let (mut status, mut content) = (Status::OK, content);
    let may_be_part = !request.x.has(flag::IF_RANGE) || request.x.has(same);
    if let Extra::Range(first, last) = request.x.extra
        && may_be_part
    {
        let (first, end) = match first {
            u32::MAX => (length.saturating_sub(last), length),
            first => (first, last.saturating_add(1).min(length)),
        };
        fields.put(b"Content-Range: bytes ");
        let part = content.get(first as usize..end as usize).filter(|part| !part.is_empty());
        let Some(part) = part else {
            fields.put(b"*/");
            fields.put(Decimal::of(length).as_bytes());
            fields.put(b"\r\n");
            return request.answer_bare(Status::RANGE_NOT_SATISFIABLE, fields.as_bytes());
        };
        fields.put(Decimal::of(first).as_bytes());
        fields.put(b"-");
        fields.put(Decimal::of(end.saturating_sub(1)).as_bytes());
        fields.put(b"/");
        fields.put(Decimal::of(length).as_bytes());
        fields.put(b"\r\n");
        (status, content) = (Status::PARTIAL_CONTENT, part);
    }
    let head =
        Head { status, content_type: file.content_type.as_bytes(), fields: fields.as_bytes() };
    // The room of a site is enough for it.
    let _ = request.answer_static(&head, content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read_and_others_are_ignored() {
        for (value, expected) in [
            ("bytes=0-9", Some((0, 9))),
            ("Bytes=5-", Some((5, u32::MAX))),
            ("bytes=-7", Some((u32::MAX, 7))),
            ("bytes=9-0", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("lines=0-1", None),
            ("bytes", None),
        ] {
            assert_eq!(range(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn gzip_is_taken_unless_its_weight_is_zero() {
        for yes in ["gzip", "deflate, GZIP;q=0.5", "gzip;q=1.0", "br,gzip ; q=0.001"] {
            assert!(takes_gzip(yes.as_bytes()), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip; q=0.000", "xgzip", "gzip;q=0."] {
            assert!(!takes_gzip(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn a_tag_differs_with_the_content() {
        assert_eq!(File::tag(b""), 0x811c_9dc5);
        assert_ne!(File::tag(b"a"), File::tag(b"b"));
    }
}
