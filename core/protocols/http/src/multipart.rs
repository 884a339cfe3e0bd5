//! Multipart bodies (RFC 7578): a form with files, streamed.

use core::fmt;

use crate::request::Request;
use crate::text::{copy, is_same, split_at_byte, trim};

/// The longest boundary (RFC 2046, 5.1.1).
const LONGEST: usize = 70;
/// The bytes before each boundary. The first boundary has no line end before it, so only the two hyphens precede it.
const BEFORE: &[u8] = b"\r\n--";

/// The parser of a multipart body.
///
/// This example receives an upload from a browser's form. `Content-Type` has to be in
/// [`Site::HEADERS`](crate::Site::HEADERS):
///
/// ```
/// use picoevent_http::{Multipart, Part, Piece, Reply, Request, Route, Status};
///
/// struct App {
///     form: Multipart,
///     bytes: usize,
/// }
///
/// const UPLOAD: Route<App> = Route::post("/upload", done).before(begins).body(part);
///
/// fn begins(app: &mut App, request: &mut Request<App>) {
///     match request.header("Content-Type").and_then(Multipart::new) {
///         Some(form) => app.form = form,
///         None => {
///             let _ = request.reply(Reply::empty(Status::UNSUPPORTED_MEDIA_TYPE), b"");
///         }
///     }
/// }
///
/// fn part(app: &mut App, request: &mut Request<App>, _: Part) {
///     while let Some(piece) = request.next_piece(&mut app.form) {
///         match piece {
///             Ok(Piece::Begins { name, .. }) => assert!(name.len() < 100),
///             Ok(Piece::Data(data)) => app.bytes += data.len(),
///             Ok(Piece::Ends) => {}
///             Err(_) => {
///                 let _ = request.reply(Reply::empty(Status::BAD_REQUEST), b"");
///                 return;
///             }
///         }
///     }
/// }
///
/// fn done(app: &mut App, request: &mut Request<App>) {
///     let status = if app.form.is_complete() { Status::CREATED } else { Status::BAD_REQUEST };
///     let _ = request.reply(Reply::empty(status), b"");
/// }
/// # let _ = UPLOAD;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Multipart {
    boundary: [u8; LONGEST],
    length: u8,
    state: State,
    /// The number of bytes of the last piece. These bytes are still in the input ring.
    pending: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    First,
    /// After a boundary.
    Boundary,
    /// In the head of a part.
    Head,
    Data,
    /// After the last boundary.
    Complete,
}

/// A piece of a multipart body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'d> {
    /// The beginning of a part.
    Begins {
        /// The name of the form's field.
        name: &'d [u8],
        /// The file name, if the part is a file. The client chooses this name, so do not trust the name.
        file: Option<&'d [u8]>,
    },
    /// Bytes of the part.
    Data(&'d [u8]),
    /// The end of the part.
    Ends,
}

/// The reason why a multipart body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultipartError {
    /// The body is not valid, or ends too early. This error is also returned if a chunk ends inside a boundary or
    /// inside a line of a part's head.
    Malformed,
    /// The boundary, or a line of a part's head, is longer than the input ring.
    TooLong,
}

impl fmt::Display for MultipartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the body is not a multipart form",
            Self::TooLong => "a line of the form is longer than the input ring",
        })
    }
}

impl core::error::Error for MultipartError {}

impl Multipart {
    /// Makes a parser for a body. `content_type` is the value of the field `Content-Type`. Returns `None` if the type
    /// is not `multipart/form-data`, or has no valid boundary.
    pub fn new(content_type: &[u8]) -> Option<Self> {
        let (kind, parameters) = split_at_byte(content_type, b';')?;
        if !is_same(trim(kind), b"multipart/form-data") {
            return None;
        }
        let text = parameter(parameters, b"boundary")?;
        let mut boundary = [0; LONGEST];
        copy(boundary.get_mut(..text.len())?, text);
        let length = u8::try_from(text.len()).ok().filter(|length| *length > 0)?;
        Some(Self { boundary, length, state: State::First, pending: 0 })
    }

    /// Returns whether the last boundary was read.
    pub fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Returns the number of bytes to take, and the piece in these bytes. The piece is `None` if the bytes are not
    /// reported, for example the line end after a boundary. Returns `None` if more input is needed.
    fn parse<'d>(
        &mut self,
        data: &'d [u8],
    ) -> Option<Result<(usize, Option<Piece<'d>>), MultipartError>> {
        const MALFORMED: Option<Result<(usize, Option<Piece<'_>>), MultipartError>> =
            Some(Err(MultipartError::Malformed));
        let boundary = self.boundary.get(..self.length.into()).unwrap_or_default();
        match self.state {
            State::First => {
                let wanted = BEFORE.iter().skip(2).chain(boundary);
                if !data.iter().zip(wanted).all(|(held, wanted)| held == wanted) {
                    return MALFORMED;
                }
                let length = boundary.len().saturating_add(2);
                (data.len() >= length).then(|| {
                    self.state = State::Boundary;
                    Ok((length, None))
                })
            }
            State::Boundary => {
                self.state = match data {
                    [b'\r', b'\n', ..] => State::Head,
                    [b'-', b'-', ..] => State::Complete,
                    [] | [b'\r' | b'-'] => return None,
                    _ => return MALFORMED,
                };
                Some(Ok((2, None)))
            }
            State::Head => {
                let end = data.iter().position(|byte| *byte == b'\n')?;
                let (line, _) = data.split_at_checked(end)?;
                let Some(line) = line.strip_suffix(b"\r") else { return MALFORMED };
                let taken = end.saturating_add(1);
                if line.is_empty() {
                    self.state = State::Data;
                    return Some(Ok((taken, None)));
                }
                let Some((name, value)) = split_at_byte(line, b':') else { return MALFORMED };
                if !is_same(name, b"content-disposition") {
                    return Some(Ok((taken, None)));
                }
                let (_, parameters) = split_at_byte(value, b';').unwrap_or_default();
                let Some(name) = parameter(parameters, b"name") else { return MALFORMED };
                let file = parameter(parameters, b"filename");
                Some(Ok((taken, Some(Piece::Begins { name, file }))))
            }
            State::Data => {
                let length = BEFORE.len().saturating_add(boundary.len());
                // Returns whether a boundary begins at the position `at`, or may begin there if more data follows.
                let begins = |at: &usize| {
                    let rest = data.get(*at..).unwrap_or_default();
                    let wanted = BEFORE.iter().chain(boundary);
                    rest.iter().zip(wanted).all(|(held, wanted)| held == wanted)
                };
                match (0..data.len()).find(begins) {
                    None if data.is_empty() => None,
                    None => Some(Ok((data.len(), Some(Piece::Data(data))))),
                    Some(0) => (data.len() >= length).then(|| {
                        self.state = State::Boundary;
                        Ok((length, Some(Piece::Ends)))
                    }),
                    Some(at) => {
                        let content = data.get(..at).unwrap_or_default();
                        Some(Ok((at, Some(Piece::Data(content)))))
                    }
                }
            }
            State::Complete => (!data.is_empty()).then_some(Ok((data.len(), None))),
        }
    }
}

/// Returns the value of a parameter: a token or a quoted string.
fn parameter<'p>(mut rest: &'p [u8], wanted: &[u8]) -> Option<&'p [u8]> {
    loop {
        let (name, after) = split_at_byte(rest, b'=')?;
        let (value, next) = match after {
            [b'"', quoted @ ..] => {
                let (value, next) = split_at_byte(quoted, b'"')?;
                (value, split_at_byte(next, b';').map(|(_, next)| next))
            }
            _ => match split_at_byte(after, b';') {
                Some((value, next)) => (trim(value), Some(next)),
                None => (trim(after), None),
            },
        };
        if is_same(trim(name), wanted) {
            return Some(value);
        }
        rest = next?;
    }
}

/// Multipart bodies.
impl<A: 'static> Request<'_, '_, '_, A> {
    /// Returns the next piece of a multipart body. The next call removes the piece from the input ring. Returns `None`
    /// if more input is needed, so a loop over the pieces ends when all pieces that have arrived are read.
    pub fn next_piece(
        &mut self,
        form: &mut Multipart,
    ) -> Option<Result<Piece<'_>, MultipartError>> {
        loop {
            self.take(core::mem::take(&mut form.pending));
            let is_full = self.conn.input_len() >= self.conn.ring_sizes().0;
            // Whether the whole body, or the whole chunk, has arrived. If the parser needs more input in this case, the
            // data ends inside a line or a boundary.
            let held = self.held();
            let is_cut = held > 0 && held == self.exchange.content as usize;
            // If there is a piece, the data is parsed a second time. The borrow checker does not accept that a loop
            // returns the borrowed piece of the first parse.
            let before = *form;
            match form.parse(self.data()) {
                None if is_full => return Some(Err(MultipartError::TooLong)),
                None if is_cut => return Some(Err(MultipartError::Malformed)),
                None => return None,
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok((taken, None))) => form.pending = taken,
                Some(Ok((_, Some(_)))) => {
                    *form = before;
                    let Some(Ok((taken, piece))) = form.parse(self.data()) else { return None };
                    form.pending = taken;
                    return piece.map(Ok);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::*;

    const BODY: &str = "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--x\r\n\
        \r\n--xx\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; filename=\"f.txt\"; name=b\r\n\
        \r\n\r\n--xx--\r\nbehind";

    /// Reads `body` through a ring of `ring` bytes. Each step adds up to `chunk_size` bytes to the ring.
    fn read(body: &[u8], ring: usize, chunk_size: usize) -> Result<(String, bool), MultipartError> {
        let mut form = Multipart::new(b"multipart/form-data; boundary=xx").unwrap();
        let (mut held, mut rest, mut text) = (Vec::new(), body, String::new());
        loop {
            let amount = chunk_size.min(ring - held.len()).min(rest.len());
            held.extend(&rest[..amount]);
            rest = &rest[amount..];
            let taken = match form.parse(&held) {
                None if held.len() == ring => return Err(MultipartError::TooLong),
                None if amount == 0 => return Ok((text, form.is_complete())),
                None => 0,
                Some(parsed) => {
                    let (taken, piece) = parsed?;
                    match piece {
                        Some(Piece::Begins { name, file }) => {
                            let file = file.map(String::from_utf8_lossy);
                            text += &format!("<{} {file:?}>", String::from_utf8_lossy(name));
                        }
                        Some(Piece::Data(data)) => text += str::from_utf8(data).unwrap(),
                        Some(Piece::Ends) => text += "</>",
                        None => {}
                    }
                    taken
                }
            };
            held.drain(..taken);
        }
    }

    #[test]
    fn parts_are_found_however_the_input_is_divided() {
        let expected = "<a None>value\r\n--x\r\n</><b Some(\"f.txt\")></>".to_string();
        for ring in [70, 100, 1_000] {
            for chunk_size in [1, 2, 7, 1_000] {
                assert_eq!(read(BODY.as_bytes(), ring, chunk_size), Ok((expected.clone(), true)));
            }
        }
    }

    #[test]
    fn a_malformed_body_is_refused() {
        for bad in [
            "",
            "-",
            "--xy\r\n",
            "\r\n--xx\r\n",
            "--xxx",
            "--xx\r\nno colon\r\n",
            "--xx\r\nA: b\n",
            "--xx\r\nContent-Disposition: form-data\r\n",
        ] {
            let outcome = read(bad.as_bytes(), 100, 100);
            let is_cut =
                bad.len() < 4 && outcome.as_ref().is_ok_and(|(_, is_complete)| !is_complete);
            assert!(is_cut || outcome == Err(MultipartError::Malformed), "{bad:?}: {outcome:?}");
        }
        let cut = read(&BODY.as_bytes()[..60], 100, 100);
        assert!(cut.is_ok_and(|(_, is_complete)| !is_complete));
        assert_eq!(read(BODY.as_bytes(), 40, 7), Err(MultipartError::TooLong));
    }

    #[test]
    fn a_content_type_has_a_boundary() {
        let of = |text: &[u8]| {
            Multipart::new(text).map(|form| form.boundary[..form.length.into()].to_vec())
        };
        assert_eq!(of(b"Multipart/Form-Data; a=\"b;\"; Boundary=\"x y\""), Some(b"x y".to_vec()));
        assert_eq!(of(b"multipart/form-data;boundary=--1"), Some(b"--1".to_vec()));
        for bad in
            ["text/plain; boundary=x", "multipart/form-data", "multipart/form-data; boundary="]
        {
            assert_eq!(of(bad.as_bytes()), None, "{bad}");
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        assert_eq!(of(long.as_bytes()), None);
    }
}
