//! The line with a chunk's size (RFC 9112, 7.1).

use crate::number::{NumberError, hex};
use crate::status::Status;
use crate::text::{are_all, class, next, take_class};

const BAD: Status = Status::BAD_REQUEST;

/// Returns the chunk size in `line`. Chunk extensions are checked and ignored.
pub(crate) fn size(line: &[u8]) -> Result<u32, Status> {
    let mut left = Some(line);
    let digits = next(&mut left, b';');
    if !left.is_none_or(are_extensions) {
        return Err(BAD);
    }
    match hex(digits) {
        Ok(size) => Ok(size),
        Err(NumberError::TooLarge) => Err(Status::CONTENT_TOO_LARGE),
        Err(NumberError::NoDigits) => Err(BAD),
    }
}

/// Returns whether `text` is a list of chunk extensions (`name` or `name=value`), separated by semicolons.
fn are_extensions(mut text: &[u8]) -> bool {
    loop {
        if !takes_word(&mut text) {
            return false;
        }
        if let [b'=', value @ ..] = text {
            text = value;
            take_class(&mut text, class::BLANK);
            let is_value = match text {
                [b'"', quoted @ ..] => {
                    text = quoted;
                    takes_quoted(&mut text)
                }
                _ => takes_word(&mut text),
            };
            if !is_value {
                return false;
            }
        }
        match text {
            [] => return true,
            [b';', rest @ ..] => text = rest,
            _ => return false,
        }
    }
}

/// Removes a token at the beginning of `text`, and the blanks (spaces and tabs) around the token. Returns whether there
/// was a token.
fn takes_word(text: &mut &[u8]) -> bool {
    take_class(text, class::BLANK);
    let word = take_class(text, class::TOKEN);
    take_class(text, class::BLANK);
    !word.is_empty()
}

/// Removes a quoted string and the blanks after the string. The opening quotation mark was already removed. Returns
/// whether the string is valid and has a closing quotation mark.
fn takes_quoted(text: &mut &[u8]) -> bool {
    loop {
        take_class(text, class::QUOTED);
        match *text {
            [b'\\', escaped, rest @ ..] if are_all(&[*escaped], class::VALUE) => *text = rest,
            [b'"', rest @ ..] => {
                *text = rest;
                take_class(text, class::BLANK);
                return true;
            }
            _ => return false,
        }
    }
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
            ("5;a=\"\\\\\u{e9}\" ; c", 5),
        ] {
            assert_eq!(size(line.as_bytes()), Ok(expected), "{line}");
        }
        for bad in [
            "",
            " 5",
            "5 ",
            "5 ;a",
            "+5",
            "-5",
            "0x5",
            "5,",
            "g",
            "5;",
            "5;a;",
            "5;=b",
            "5;a=",
            "5;a\0",
            "5;a=b c",
            "5_0",
            "5;a=\"b",
            "5;a=\"b\\",
            "5;a=\"b\"c\"",
            "5;a=\"\0\"",
            "5;a=\"\\\0\"",
            "5;a b",
            "5;a=\"b\\\"",
        ] {
            assert_eq!(size(bad.as_bytes()), Err(BAD), "{bad:?}");
        }
        assert_eq!(size(b"100000000"), Err(Status::CONTENT_TOO_LARGE));
    }
}
