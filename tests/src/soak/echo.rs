//! The example `echo`: a gigabyte comes back to a reader that stops and starts, and the server's memory does
//! not grow.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use fastrand::Rng;

use super::Soak;
use super::program::Program;
use crate::pattern::pattern;

/// The number of bytes in total.
const BYTES: u64 = 1_000_000_000;

/// The size of the pattern that is sent again and again. It is not a multiple of any buffer size,
/// so that a lost or repeated buffer is detected.
const PATTERN: usize = 1_000_003;

/// The largest allowed change of the server's memory, in KiB.
const MOST: u64 = 64;

/// The time limit for each read and each write.
const LIMIT: Duration = Duration::from_secs(30);

/// The longest pause of the reader, in milliseconds. The server drops clients that are idle for a minute.
const LONGEST_PAUSE: u64 = 200;

/// Runs the case.
pub fn run(soak: &Soak) -> Result<()> {
    let program = Program::start(&soak.program("echo"), &[])?;
    let bytes = pattern(soak.seed(), PATTERN);
    // Uses the rings once, so that their memory is allocated.
    converse(&program, &bytes, 2 * PATTERN as u64, soak.seed())?;
    let before = program.memory()?;
    let talk = converse(&program, &bytes, BYTES, soak.seed())?;
    let after = program.memory()?;
    let Talk { pauses, most, sum } = talk;
    println!("{BYTES} bytes came back, {pauses} pauses, checksum {sum:016x} on both sides");
    println!("memory: {before} KiB before, {most} KiB at most, {after} KiB after");
    ensure!(most.max(after) <= before + MOST, "the server's memory has grown");
    program.end()
}

/// The result of a conversation.
struct Talk {
    pauses: u64,
    /// The largest memory use of the server, in KiB.
    most: u64,
    sum: u64,
}

/// Sends `all` bytes, and reads them back with pauses.
fn converse(program: &Program, bytes: &[u8], all: u64, seed: u64) -> Result<Talk> {
    let mut stream = TcpStream::connect(program.address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let sender = stream.try_clone()?;
    let (sent, came) = thread::scope(|scope| {
        let sending = scope.spawn(move || send(sender, bytes, all));
        let came = receive(&mut stream, program, bytes, all, seed);
        let sent = sending.join().unwrap_or_else(|_| Err(anyhow!("the sender panicked")));
        (sent, came)
    });
    let (sent, came) = (sent?, came?);
    ensure!(sent == came.sum, "the checksums are {sent:016x} and {:016x}", came.sum);
    ensure!(stream.read(&mut [0])? == 0, "more came back than was sent");
    Ok(came)
}

fn send(mut stream: TcpStream, bytes: &[u8], all: u64) -> Result<u64> {
    let mut sum = Sum::new();
    let mut left = all;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        stream
            .write_all(&bytes[..now])
            .with_context(|| format!("{left} bytes are left to send"))?;
        sum.add(&bytes[..now]);
        left -= now as u64;
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(sum.0)
}

fn receive(
    stream: &mut TcpStream,
    program: &Program,
    bytes: &[u8],
    all: u64,
    seed: u64,
) -> Result<Talk> {
    let mut random = Rng::with_seed(seed);
    let mut talk = Talk { pauses: 0, most: 0, sum: 0 };
    let (mut sum, mut buffer) = (Sum::new(), vec![0; 1 << 18]);
    let (mut came, mut next_pause) = (0, 0);
    while came < all {
        if came >= next_pause {
            next_pause = came + random.u64(1..20_000_000);
            talk.pauses += 1;
            sleep(Duration::from_millis(random.u64(..LONGEST_PAUSE)));
            talk.most = talk.most.max(program.memory()?);
        }
        let amount = stream.read(&mut buffer).with_context(|| format!("after {came} bytes"))?;
        ensure!(amount > 0, "the stream ended after {came} bytes");
        let (mut rest, mut at) = (&buffer[..amount], (came % bytes.len() as u64) as usize);
        while !rest.is_empty() {
            let now = rest.len().min(bytes.len() - at);
            ensure!(rest[..now] == bytes[at..at + now], "another byte came after {came} bytes");
            (rest, at) = (&rest[now..], 0);
        }
        sum.add(&buffer[..amount]);
        came += amount as u64;
    }
    talk.sum = sum.0;
    Ok(talk)
}

/// A checksum of a stream, independent of how it is split: 64-bit FNV-1a.
struct Sum(u64);

impl Sum {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_does_not_depend_on_the_pieces_but_on_their_order() {
        let sum = |pieces: &[&str]| {
            let mut sum = Sum::new();
            pieces.iter().for_each(|piece| sum.add(piece.as_bytes()));
            sum.0
        };
        assert_eq!(sum(&["foo", "bar"]), 0x8594_4171_f739_67e8);
        assert_eq!(sum(&["foobar"]), sum(&["f", "", "oobar"]));
        assert_ne!(sum(&["foobar"]), sum(&["barfoo"]));
    }
}
