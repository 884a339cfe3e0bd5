//! The command lines of servers.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use lexopt::Arg::{Long, Short};
use lexopt::{Parser, ValueExt};

/// The text that `--help` prints; also part of the errors for a wrong command line.
pub(crate) const USAGE: &str = "\
usage: [--listen ADDR:PORT] [--record FILE]   port 0 takes any that is free";

/// A parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Serve(Options),
}

/// The options of a server.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The address to listen on, if not the default.
    pub(crate) listen: Option<SocketAddr>,
    /// The file for a recording of the server's input.
    pub(crate) record: Option<PathBuf>,
}

/// Parses a command line, including the program's name.
///
/// # Errors
/// One line with the argument and what is wrong with it.
pub(crate) fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut parser = Parser::from_iter(line);
    let mut options = Options::default();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("listen") => {
                let value = parser.value().map_err(|error| format!("{error}; {USAGE}"))?;
                let value = value.string().map_err(|error| format!("--listen: {error}"))?;
                options.listen = Some(address("--listen", &value)?);
            }
            Long("record") => {
                let value = parser.value().map_err(|error| format!("{error}; {USAGE}"))?;
                options.record = Some(value.into());
            }
            other => return Err(format!("{}; {USAGE}", other.unexpected())),
        }
    }
    Ok(Command::Serve(options))
}

/// Parses a command line in which every option takes an address. `names` are the options, such as `--console`.
/// Returns the address of each option that is given. For `--help` it prints `usage` and returns `None`.
///
/// # Errors
/// One line with the argument and what is wrong with it.
pub fn addresses<const N: usize>(
    names: [&str; N],
    usage: &str,
) -> Result<Option<[Option<SocketAddr>; N]>, String> {
    texts(names, usage)?.map(|texts| all_addresses(names, texts)).transpose()
}

/// Parses a command line in which every option takes a value. `names` are the options, such as `--name`.
/// Returns the text of each option that is given. For `--help` it prints `usage` and returns `None`.
///
/// # Errors
/// One line with the argument and what is wrong with it.
pub fn texts<const N: usize>(
    names: [&str; N],
    usage: &str,
) -> Result<Option<[Option<String>; N]>, String> {
    let texts = parse_texts(std::env::args_os(), names, usage)?;
    if texts.is_none() {
        crate::print_line(format_args!("{usage}"));
    }
    Ok(texts)
}

fn all_addresses<const N: usize>(
    names: [&str; N],
    texts: [Option<String>; N],
) -> Result<[Option<SocketAddr>; N], String> {
    let mut addresses = [None; N];
    for ((parsed, name), text) in addresses.iter_mut().zip(names).zip(texts) {
        *parsed = text.map(|text| address(name, &text)).transpose()?;
    }
    Ok(addresses)
}

fn parse_texts<const N: usize>(
    line: impl IntoIterator<Item = OsString>,
    names: [&str; N],
    usage: &str,
) -> Result<Option<[Option<String>; N]>, String> {
    let mut parser = Parser::from_iter(line);
    let mut texts = [const { None }; N];
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        let index = match argument {
            Short('h') | Long("help") => return Ok(None),
            Long(name) => names.iter().position(|known| known.strip_prefix("--") == Some(name)),
            _ => None,
        };
        let Some(index) = index else {
            return Err(format!("{}; {usage}", argument.unexpected()));
        };
        let value = parser.value().map_err(|error| format!("{error}; {usage}"))?;
        let value = value.string().map_err(|error| format!("{}: {error}", names[index]))?;
        texts[index] = Some(value);
    }
    Ok(Some(texts))
}

/// Parses the value of the option `name`: an address and a port.
///
/// # Errors
/// One line with the option and what is wrong with it.
pub fn address(name: &str, value: &str) -> Result<SocketAddr, String> {
    let hint = "is not ADDR:PORT, such as 127.0.0.1:9995 or [::1]:9995";
    value.parse().map_err(|_| format!("{name}: {value:?} {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_all(arguments: &[&str]) -> Result<Command, String> {
        parse(["server"].iter().chain(arguments).map(OsString::from))
    }

    #[test]
    fn an_address_can_follow_the_option_or_an_equals_sign() {
        let expected = |address: &str| {
            let listen = Some(address.parse().unwrap());
            Ok(Command::Serve(Options { listen, record: None }))
        };
        assert_eq!(parse_all(&["--listen", "10.0.0.1:0"]), expected("10.0.0.1:0"));
        assert_eq!(parse_all(&["--listen=[::1]:9995"]), expected("[::1]:9995"));
        assert_eq!(parse_all(&[]), Ok(Command::Serve(Options::default())));
        assert_eq!(parse_all(&["--help"]), Ok(Command::Help));
    }

    #[test]
    fn the_option_record_takes_a_file() {
        let record = Some(PathBuf::from("run.log"));
        let expected = Command::Serve(Options { listen: None, record });
        assert_eq!(parse_all(&["--record", "run.log"]), Ok(expected));
        assert!(parse_all(&["--record"]).unwrap_err().contains("'--record'"));
    }

    #[test]
    fn the_error_for_a_wrong_address_names_the_option_and_the_value() {
        for wrong in ["9995", "localhost:9995", "127.0.0.1", "127.0.0.1:65536", "::1:9995x", ""] {
            let error = parse_all(&["--listen", wrong]).unwrap_err();
            assert!(error.starts_with(&format!("--listen: {wrong:?} is not")), "{error}");
        }
    }

    #[test]
    fn the_error_for_an_unknown_argument_contains_it() {
        assert!(parse_all(&["--lissten"]).unwrap_err().contains("'--lissten'"));
        assert!(parse_all(&["9995"]).unwrap_err().contains("\"9995\""));
        assert!(parse_all(&["--listen"]).unwrap_err().contains("'--listen'"));
    }

    #[test]
    fn each_option_gets_its_address() {
        let parse = |arguments: &[&str]| {
            let line = ["server"].iter().chain(arguments).map(OsString::from);
            let names = ["--one", "--two"];
            let texts = parse_texts(line, names, "usage: …")?;
            texts.map(|texts| all_addresses(names, texts)).transpose()
        };
        let address = Some("10.0.0.1:0".parse().unwrap());
        assert_eq!(parse(&[]), Ok(Some([None, None])));
        assert_eq!(parse(&["--two", "10.0.0.1:0"]), Ok(Some([None, address])));
        assert_eq!(parse(&["--one", "[::1]:1", "--one=10.0.0.1:0"]), Ok(Some([address, None])));
        assert_eq!(parse(&["--help"]), Ok(None));
        for (wrong, named) in [
            (&["--two", "80"][..], "--two: \"80\" is not ADDR:PORT"),
            (&["--two"], "'--two'"),
            (&["--three", "[::1]:1"], "'--three'"),
            (&["one"], "\"one\""),
            (&["-o"], "'-o'"),
        ] {
            assert!(parse(wrong).unwrap_err().contains(named), "{wrong:?}");
        }
    }
}
