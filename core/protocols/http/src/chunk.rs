//! The line before a chunk (RFC 9112, 7.1).

use crate::number::{NumberError, hex};
use crate::status::Status;
use crate::text::{is_value, is_word, split_at_byte, trim};

const BAD: Status = Status::BAD_REQUEST;

/// Reads the line before a chunk: its size, and extensions, which are checked and ignored.
pub(crate) fn size(line: &[u8]) -> Result<u32, Status> {
    let (digits, extensions) = match split_at_byte(line, b';') {
        Some((digits, extensions)) => (digits, Some(extensions)),
        None => (line, None),
    };
    if let Some(extensions) = extensions {
        check_extensions(extensions)?;
    }
    match hex(digits) {
        Ok(size) => Ok(size),
        Err(NumberError::TooLarge) => Err(Status::CONTENT_TOO_LARGE),
        Err(NumberError::NoDigits) => Err(BAD),
    }
}

/// Checks `name` or `name=value`, and what follows behind further semicolons.
fn check_extensions(text: &[u8]) -> Result<(), Status> {
    if !text.iter().all(|byte| is_value(*byte)) {
        return Err(BAD);
    }
    let mut rest = Some(text);
    while let Some(text) = rest {
        let end = end_of_extension(text);
        let (extension, after) = text.split_at_checked(end).unwrap_or((text, &[]));
        rest = after.split_first().map(|(_, after)| after);
        let (name, value) = match split_at_byte(extension, b'=') {
            Some((name, value)) => (name, Some(trim(value))),
            None => (extension, None),
        };
        let is_quoted = |value: &[u8]| matches!(value, [b'"', .., b'"']);
        if !is_word(trim(name)) || value.is_some_and(|value| !is_word(value) && !is_quoted(value)) {
            return Err(BAD);
        }
    }
    Ok(())
}

/// Returns where a semicolon is that is not quoted.
fn end_of_extension(text: &[u8]) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b';' if !is_quoted => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_hexadecimal_digits() {
        for (line, expected) in [
            ("0", 0),
            ("00aF", 0xaf),
            ("5;a", 5),
            ("5;a=b;c", 5),
            ("5;a=\"b;\\\"c\";d", 5),
            ("5; a = b", 5),
        ] {
            assert_eq!(size(line.as_bytes()), Ok(expected), "{line}");
        }
        for bad in [
            "", " 5", "5 ", "5 ;a", "+5", "-5", "0x5", "5,", "g", "5;", "5;a;", "5;=b", "5;a=",
            "5;a\0", "5;a=b c", "5_0",
        ] {
            assert_eq!(size(bad.as_bytes()), Err(BAD), "{bad:?}");
        }
        assert_eq!(size(b"100000000"), Err(Status::CONTENT_TOO_LARGE));
    }
}
