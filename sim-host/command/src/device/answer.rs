//! Parses the answers of the device's HTTP server. Accepts only the exact form that the device must send.

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    fields: Vec<(String, String)>,
    pub(super) content: Vec<u8>,
}

impl Answer {
    /// Returns the value of a header field, if there is one.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns whether the connection ends after this answer.
    pub(super) fn is_last(&self) -> bool {
        let is_close = |(name, value): &(String, String)| name == "Connection" && value == "close";
        self.fields.iter().any(is_close)
    }

    /// Returns the content as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }
}

/// A number of bytes that is larger than the output ring of any device.
const LONGEST: usize = 2_000;

/// Parses the head at the beginning of `input`. Returns the head as an answer without content, and the length of the
/// head. Returns `None` if the head is not complete.
pub(super) fn head(input: &[u8]) -> Result<Option<(Answer, usize)>, String> {
    const BEGIN: &[u8] = b"HTTP/1.1 ";
    let begin = &input[..input.len().min(BEGIN.len())];
    if !BEGIN.starts_with(begin) {
        return Err(format!(
            "an answer begins with {:?} instead of \"HTTP/1.1 \"",
            String::from_utf8_lossy(input)
        ));
    }
    let Some(length) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
        return match input.len() {
            0..LONGEST => Ok(None),
            _ => Err("a head is longer than any ring".to_owned()),
        };
    };
    let text = String::from_utf8_lossy(&input[..length]);
    let wrong = |what: &str| format!("{what} in the head {text:?}");
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.get(BEGIN.len()..BEGIN.len() + 3));
    let status = status.and_then(|digits| digits.parse().ok()).ok_or_else(|| wrong("no status"))?;
    let field = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_owned(), value.to_owned()))
    };
    let fields: Option<Vec<_>> = lines.map(field).collect();
    let fields = fields.ok_or_else(|| wrong("a line that is not a field"))?;
    for (at, (name, _)) in fields.iter().enumerate() {
        let may_be_several = name == "Connection";
        if !may_be_several && fields[..at].iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
        {
            return Err(wrong("a field twice"));
        }
    }
    Ok(Some((Answer { status, fields, content: Vec::new() }, length + 4)))
}

/// Parses the answer at the beginning of `input`. Returns the answer and its length, or `None` if the answer is not
/// complete. An answer to `HEAD` has no content. `has_ended` means that nothing follows the input.
pub(super) fn whole(
    input: &[u8],
    is_to_head: bool,
    has_ended: bool,
) -> Result<Option<(Answer, usize)>, String> {
    let Some((mut answer, length)) = head(input)? else { return Ok(None) };
    let rest = &input[length..];
    let status = answer.status;
    if is_to_head || matches!(status, 100..=199 | 204 | 304) {
        return Ok(Some((answer, length)));
    }
    let stated = answer.field("Content-Length").map(str::parse::<usize>);
    let is_chunked = answer.field("Transfer-Encoding").is_some();
    let taken = match stated {
        Some(_) if is_chunked => return Err("an answer is framed twice".to_owned()),
        Some(Err(_)) => return Err("the length of an answer is no number".to_owned()),
        Some(Ok(stated)) if rest.len() < stated => return Ok(None),
        Some(Ok(stated)) => {
            answer.content = rest[..stated].to_vec();
            stated
        }
        None if is_chunked => {
            let (content, taken, is_last) = chunks(rest)?;
            if !is_last {
                return Ok(None);
            }
            answer.content = content;
            taken
        }
        None if !answer.is_last() => return Err("an answer has no end".to_owned()),
        None if !has_ended => return Ok(None),
        None => {
            answer.content = rest.to_vec();
            rest.len()
        }
    };
    Ok(Some((answer, length + taken)))
}

/// Parses the complete chunks at the beginning of `input`. Returns the content of these chunks, the length of these
/// chunks in `input`, and whether the last chunk of the body is one of these chunks.
pub(super) fn chunks(input: &[u8]) -> Result<(Vec<u8>, usize, bool), String> {
    let (mut content, mut taken) = (Vec::new(), 0);
    loop {
        let rest = &input[taken..];
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else { break };
        let digits = String::from_utf8_lossy(&rest[..end]);
        let size = usize::from_str_radix(&digits, 16);
        let size = size.map_err(|_| format!("{digits:?} is no size of a chunk"))?;
        if size > LONGEST {
            return Err(format!("a chunk of {size} bytes is longer than any ring"));
        }
        let Some(chunk) = rest.get(end + 2..end + 2 + size + 2) else { break };
        if !chunk.ends_with(b"\r\n") {
            return Err(format!("a chunk of {size} bytes has another length"));
        }
        content.extend_from_slice(&chunk[..size]);
        taken += end + 2 + size + 2;
        if size == 0 {
            return Ok((content, taken, true));
        }
    }
    Ok((content, taken, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(input: &[u8], has_ended: bool) -> Option<Vec<u8>> {
        whole(input, false, has_ended).unwrap().map(|(answer, _)| answer.content)
    }

    #[test]
    fn content_has_a_length_or_chunks_or_ends_with_the_connection() {
        let with = |fields: &str, rest: &str| {
            format!("HTTP/1.1 200 OK\r\n{fields}\r\n{rest}").into_bytes()
        };
        assert_eq!(content(&with("Content-Length: 2\r\n", "abc"), false), Some(b"ab".to_vec()));
        assert_eq!(content(&with("Content-Length: 2\r\n", "a"), true), None);
        let chunked = with("Transfer-Encoding: chunked\r\n", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\nHTTP");
        assert_eq!(content(&chunked, false), Some(b"abc".to_vec()));
        assert_eq!(content(&chunked[..chunked.len() - 6], false), None);
        let last = with("Connection: close\r\n", "abc");
        assert_eq!((content(&last, false), content(&last, true)), (None, Some(b"abc".to_vec())));
    }

    #[test]
    fn malformed_answers_are_errors() {
        for bad in [
            &b"x"[..],
            b"HTTP/1.0 200 OK\r\n\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\r\na: c\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        ] {
            assert!(whole(bad, false, true).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
    }
}
