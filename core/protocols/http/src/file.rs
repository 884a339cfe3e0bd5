//! Static files: entity tags, ranges, and compressed content.

use crate::buffer::Buffer;
use crate::exchange::{Exchange, Extra, flag};
use crate::method::Method;
use crate::number::{Decimal, Hex, decimal};
use crate::path::{path_of, rest};
use crate::reply::Head;
use crate::request::Request;
use crate::route::Route;
use crate::status::Status;
use crate::text::{index_of, is_same, parts, split, split_at_byte, trim};

/// A static file in flash.
///
/// `picoevent-http-files` makes a table of files from a folder at build time. To write a table by hand:
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
/// The answer has an entity tag. A client that already has the current version gets status 304 without content. A
/// request for one range of bytes gets this range.
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
    /// Makes a file. `name` is the part of the path that matches `{*name}`. The name of the index page is empty. The
    /// [tag](Self::tag) must change when the content changes.
    pub const fn new(
        name: &'static str,
        content_type: &'static str,
        content: &'static [u8],
        tag: u32,
    ) -> Self {
        Self { name, content_type, plain: content, gzip: &[], tag, cache: "no-cache" }
    }

    /// Adds the content in compressed form (gzip), for clients that accept gzip. If the plain content is empty, all
    /// clients get the compressed content.
    #[must_use]
    pub const fn gzip(self, content: &'static [u8]) -> Self {
        Self { gzip: content, ..self }
    }

    /// Sets the value of `Cache-Control`. The default is `no-cache`: clients may store the file, but must check before
    /// each use whether the file has changed.
    #[must_use]
    pub const fn cache(self, value: &'static str) -> Self {
        Self { cache: value, ..self }
    }

    /// Returns a tag for `content`: its FNV-1a hash.
    pub const fn tag(content: &[u8]) -> u32 {
        let (mut hash, mut rest) = (0x811c_9dc5_u32, content);
        while let [first, after @ ..] = rest {
            hash = (hash ^ *first as u32).wrapping_mul(0x0100_0193);
            rest = after;
        }
        hash
    }

    /// Returns whether `tag` is the entity tag of the compressed content (`true`) or of the plain content (`false`), or
    /// `None` if `tag` is neither.
    fn is_gzip(&self, tag: &[u8]) -> Option<bool> {
        let rest = tag.strip_prefix(b"\"")?.strip_prefix(Hex::of(self.tag).all())?;
        match rest {
            b"\"" => Some(false),
            b"-gz\"" => Some(true),
            _ => None,
        }
    }

    /// Returns the file that the target of a request names.
    fn find(pattern: &str, files: &'static [Self], target: &[u8]) -> Option<&'static Self> {
        match rest(pattern, path_of(target)) {
            Some(name) => files.iter().find(|file| name == file.name),
            None => files.first(),
        }
    }
}

/// Evaluates a header field of a request for a file.
pub(crate) fn field<A: 'static>(
    route: &Route<A>,
    exchange: &mut Exchange,
    text: &mut [u8],
    name: &[u8],
    value: &[u8],
) -> Result<(), Status> {
    match index_of(name, &["accept-encoding", "range", "if-none-match", "if-range"]) {
        0 if parts(value, b',').any(is_gzip) => exchange.set(flag::GZIP),
        1 => {
            if let Some((first, last)) = range(value) {
                exchange.extra = Extra::Range(first, last);
            }
        }
        number @ (2 | 3) => {
            let target = text.get(..exchange.target.into()).unwrap_or_default();
            let Some(file) = File::find(route.path, route.files, target) else { return Ok(()) };
            if number == 3 {
                exchange.set(flag::IF_RANGE);
                if let Some(is_gzip) = file.is_gzip(value) {
                    exchange.set(flag::IF_RANGE_MATCHES << u32::from(is_gzip));
                }
                return Ok(());
            }
            if value == b"*" {
                exchange.set(flag::UNCHANGED | flag::UNCHANGED_GZIP);
            }
            for tag in parts(value, b',') {
                if let Some(is_gzip) = file.is_gzip(tag.strip_prefix(b"W/").unwrap_or(tag)) {
                    exchange.set(flag::UNCHANGED << u32::from(is_gzip));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Returns whether a part of `Accept-Encoding` is gzip with a weight above zero.
fn is_gzip(coding: &[u8]) -> bool {
    let (name, weight) = split(coding, b';');
    let zeros = trim(weight).strip_prefix(b"q=0");
    let is_none = zeros.is_some_and(|rest| rest.iter().all(|byte| matches!(byte, b'0' | b'.')));
    is_same(trim(name), b"gzip") && !is_none
}

/// Reads the value of `Range`. Returns the positions of the first and the last byte. For a range at the end of the
/// file, returns `u32::MAX` and the length of the range. Returns `None` for a value that is ignored, such as a list of
/// several ranges.
fn range(value: &[u8]) -> Option<(u32, u32)> {
    let (unit, range) = split(value, b'=');
    let (first, last) = split_at_byte(range, b'-')?;
    let (first, last) = (trim(first), trim(last));
    if !is_same(unit, b"bytes") {
        return None;
    }
    if first.is_empty() {
        return Some((u32::MAX, decimal(last).ok()?));
    }
    // `u32::MAX` means a range at the end. No file is so long that the next lower position is valid.
    let first = decimal(first).ok()?.min(u32::MAX - 1);
    let last = if last.is_empty() { u32::MAX } else { decimal(last).ok()? };
    (first <= last).then_some((first, last))
}

/// Answers with the file that the target of the request names.
pub(crate) fn serve<A: 'static>(_: &mut A, request: &mut Request<'_, '_, '_, A>) {
    let Some(route) = request.route() else { return };
    let Some(file) = File::find(route.path, route.files, request.raw_target()) else {
        return request.answer_bare(Status::NOT_FOUND, b"");
    };
    let is_gzip =
        !file.gzip.is_empty() && (request.exchange.has(flag::GZIP) || file.plain.is_empty());
    let content = if is_gzip { file.gzip } else { file.plain };
    let gzip = u32::from(is_gzip);
    let mut fields = Buffer::new();
    fields.put(
        "ETag: \"\0\0\"\r\nCache-Control: \0\r\n",
        &[Hex::of(file.tag).all(), if is_gzip { b"-gz" } else { b"" }, file.cache.as_bytes()],
    );
    if !file.gzip.is_empty() && !file.plain.is_empty() {
        fields.put("Vary: Accept-Encoding\r\n", &[]);
    }
    if request.exchange.has(flag::UNCHANGED << gzip) {
        return request.answer_bare(Status::NOT_MODIFIED, fields.as_bytes());
    }
    if is_gzip {
        fields.put("Content-Encoding: gzip\r\n", &[]);
    }
    let length = content.len() as u32;
    let (mut status, mut content) = (Status::OK, content);
    let may_be_part = !request.exchange.has(flag::IF_RANGE)
        || request.exchange.has(flag::IF_RANGE_MATCHES << gzip);
    if let Extra::Range(first, last) = request.exchange.extra
        && may_be_part
        && request.exchange.method == Method::Get
    {
        let (first, end) = match first {
            u32::MAX => (length.saturating_sub(last), length),
            first => (first, last.saturating_add(1).min(length)),
        };
        let whole = Decimal::of(length);
        let part = content.get(first as usize..end as usize).filter(|part| !part.is_empty());
        let Some(part) = part else {
            fields.put("Content-Range: bytes */\0\r\n", &[whole.as_bytes()]);
            return request.answer_bare(Status::RANGE_NOT_SATISFIABLE, fields.as_bytes());
        };
        let (first, last) = (Decimal::of(first), Decimal::of(end.saturating_sub(1)));
        fields.put(
            "Content-Range: bytes \0-\0/\0\r\n",
            &[first.as_bytes(), last.as_bytes(), whole.as_bytes()],
        );
        (status, content) = (Status::PARTIAL_CONTENT, part);
    }
    let head =
        Head { status, content_type: file.content_type.as_bytes(), fields: fields.as_bytes() };
    // `Site::ROOM` bytes are enough for this head.
    let _ = request.answer_static(&head, content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_range_is_parsed_and_other_forms_are_ignored() {
        for (value, expected) in [
            ("bytes=0-9", Some((0, 9))),
            ("Bytes=5-", Some((5, u32::MAX))),
            ("bytes=4294967295-", Some((u32::MAX - 1, u32::MAX))),
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
    fn gzip_is_accepted_unless_its_weight_is_zero() {
        let accepts_gzip = |value: &str| parts(value.as_bytes(), b',').any(is_gzip);
        for yes in ["gzip", "deflate, GZIP;q=0.5", "gzip;q=1.0", "br,gzip ; q=0.001"] {
            assert!(accepts_gzip(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip; q=0.000", "xgzip", "gzip;q=0."] {
            assert!(!accepts_gzip(no), "{no}");
        }
    }

    #[test]
    fn the_tag_depends_on_the_content() {
        assert_eq!(File::tag(b""), 0x811c_9dc5);
        assert_ne!(File::tag(b"a"), File::tag(b"b"));
    }
}
