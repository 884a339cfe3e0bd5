//! `cargo xtask memory`: computes the RAM that an application needs on a 32-bit chip. The options are the application's
//! constants: the numbers of events, connections and sockets, and the sizes of their rings.
//!
//! The sizes of the loop's objects are those that `cargo xtask gate` has recorded.

use std::str::FromStr;

use anyhow::Result;
use clap::Args;

use crate::{
    command_line::Usage,
    gate,
    table::{Format, Table, grouped},
};

/// The bytes of a TCP socket without its buffers: its entry in `StackResources` (351) and in the loop's task (56).
/// These numbers were measured: the difference in RAM between firmware with 16 sockets and firmware with 6 sockets,
/// divided by 10.
const SOCKET: u64 = 407;

/// The bytes of a UDP socket of the loop, without its rings.
const UDP_SOCKET: u64 = 100;

/// The constants of an application, as command-line options.
#[derive(Debug, PartialEq, Args)]
pub struct Options {
    /// The number of timers and signals: `EVENTS` of the storage
    #[arg(long, default_value_t = 1)]
    events: u64,
    /// A pool: the number of its connections, optionally a plus and the number of spare slots, and the bytes of each
    /// connection's input ring and output ring
    #[arg(long, value_name = "CONNS[+SPARE]:INPUT/OUTPUT")]
    pool: Vec<Group>,
    /// The number of listeners: `LISTENERS` of the storage
    #[arg(long, default_value_t = 1)]
    listeners: u64,
    /// The number of UDP sockets, and the bytes of each socket's input ring and output ring
    #[arg(long, value_name = "SOCKETS:INPUT/OUTPUT")]
    udp: Vec<Group>,
    /// The board's `Sockets`: the number of sockets, and the bytes of each socket's input buffer and output buffer
    #[arg(long, value_name = "SOCKETS:INPUT/OUTPUT")]
    sockets: Option<Group>,
}

/// A number of equal objects, and the bytes that each object has for input and output together.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Group {
    number: u64,
    bytes: u64,
}

impl FromStr for Group {
    type Err = Usage;

    fn from_str(text: &str) -> Result<Self, Usage> {
        let parse = || {
            let (number, rings) = text.split_once(':')?;
            let (input, output) = rings.split_once('/')?;
            let (number, spare) = number.split_once('+').unwrap_or((number, "0"));
            let number =
                u64::from(number.parse::<u16>().ok()?) + u64::from(spare.parse::<u16>().ok()?);
            let bytes =
                u64::from(input.parse::<u32>().ok()?) + u64::from(output.parse::<u32>().ok()?);
            Some(Self { number, bytes })
        };
        parse().ok_or_else(|| {
            Usage(format!(
                "{text:?} is not a number of objects with the sizes of their rings, such as \
                 4+1:256/512"
            ))
        })
    }
}

/// Prints the table.
///
/// # Errors
/// If the recorded figures cannot be read.
pub fn run(options: &Options) -> Result<()> {
    print!("{}", table(options)?.grid(Format::Plain));
    Ok(())
}

fn table(options: &Options) -> Result<Table> {
    let mut table = Table::new("RAM", "what | number | bytes of each | bytes");
    let mut sum = 0;
    let mut add = |what: &str, number: u64, each: u64| {
        sum += number * each;
        table.row(what, [grouped(number), grouped(each), grouped(number * each)]);
    };
    add("the base", 1, gate::recorded_bytes("RAM of the base itself")?);
    add("events", options.events, gate::recorded_bytes("RAM of a further event or timer")?);
    add("listeners", options.listeners, gate::recorded_bytes("RAM of a further listener")?);
    for pool in &options.pool {
        add("a pool", 1, gate::recorded_bytes("RAM of a further pool")?);
        add(
            "its connections",
            pool.number,
            gate::recorded_bytes("RAM of a further connection, without its rings")?,
        );
        add("their rings", pool.number, pool.bytes);
    }
    for udp in &options.udp {
        add("UDP sockets", udp.number, UDP_SOCKET);
        add("their rings", udp.number, udp.bytes);
    }
    if let Some(sockets) = options.sockets {
        add("TCP sockets of the board", sockets.number, SOCKET);
        add("their buffers", sockets.number, sockets.bytes);
    }
    table.row("all", ["", "", &grouped(sum)]);
    Ok(table)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn sum(line: &str) -> String {
        let words = ["memory"].into_iter().chain(line.split_whitespace());
        let options = Line::try_parse_from(words).expect("it is a command line").options;
        let table = table(&options).expect("the figures are recorded");
        table.rows.last().and_then(|row| row.last()).cloned().expect("there is a sum")
    }

    #[test]
    fn all_sizes_are_added_up() {
        let base = gate::recorded_bytes("RAM of the base itself").unwrap();
        let conn = gate::recorded_bytes("RAM of a further connection, without its rings").unwrap();
        let pool = gate::recorded_bytes("RAM of a further pool").unwrap();
        let empty = "--events 0 --listeners 0";
        assert_eq!(sum(empty), grouped(base));
        let pools = format!("{empty} --pool 4+1:256/512 --pool 1:32/32");
        assert_eq!(sum(&pools), grouped(base + 2 * pool + 6 * conn + 5 * 768 + 64));
        let sockets = format!("{empty} --udp 2:64/32 --sockets 6:128/128");
        assert_eq!(sum(&sockets), grouped(base + 2 * (UDP_SOCKET + 96) + 6 * (SOCKET + 256)));
    }

    #[test]
    fn an_invalid_group_is_refused() {
        for text in ["", "4", "4:256", "4:256/", "x:1/1", "4+:1/1", "4:-1/1", "65536:1/1"] {
            let error = text.parse::<Group>().unwrap_err();
            assert!(error.to_string().contains("such as 4+1:256/512"), "{error}");
        }
    }
}
