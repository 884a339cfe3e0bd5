//! The example `echo`. A client sends a gigabyte, and reads the same bytes back with pauses. The server's memory must
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

/// The size of the pattern that is sent repeatedly. It is not a multiple of a buffer size, so that a lost or repeated
/// buffer is detected.
const PATTERN: usize = 1_000_003;

/// The maximum increase of the server's memory, in KiB.
const MAX_GROWTH: u64 = 64;

/// The time limit for each read and each write.
const LIMIT: Duration = Duration::from_secs(30);

/// The longest pause of the reader, in milliseconds. The server drops clients that are idle for a minute.
const LONGEST_PAUSE: u64 = 200;

/// Runs the case.
pub fn run(soak: &Soak) -> Result<()> {
    let program = Program::start(&soak.program("echo"), &[])?;
    let bytes = pattern(soak.seed(), PATTERN);
    // Use the rings once, so that their memory is allocated.
    exchange(&program, &bytes, 2 * PATTERN as u64, soak.seed())?;
    let before = program.memory()?;
    let results = exchange(&program, &bytes, BYTES, soak.seed())?;
    let after = program.memory()?;
    let Results { pauses, max_memory, checksum } = results;
    println!("{BYTES} bytes came back, {pauses} pauses, checksum {checksum:016x} on both sides");
    println!("memory: {before} KiB before, {max_memory} KiB at most, {after} KiB after");
    ensure!(max_memory.max(after) <= before + MAX_GROWTH, "the server's memory has grown");
    program.end()
}

/// The result of a conversation.
struct Results {
    pauses: u64,
    /// The largest memory use of the server, in KiB.
    max_memory: u64,
    checksum: u64,
}

/// Sends `all` bytes, and reads them back with pauses.
fn exchange(program: &Program, bytes: &[u8], all: u64, seed: u64) -> Result<Results> {
    let mut stream = TcpStream::connect(program.address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let sender = stream.try_clone()?;
    let (sent, received) = thread::scope(|scope| {
        let sending = scope.spawn(move || send(sender, bytes, all));
        let received = receive(&mut stream, program, bytes, all, seed);
        let sent = sending.join().unwrap_or_else(|_| Err(anyhow!("the sender panicked")));
        (sent, received)
    });
    let (sent, received) = (sent?, received?);
    ensure!(
        sent == received.checksum,
        "the checksums are {sent:016x} and {:016x}",
        received.checksum
    );
    ensure!(stream.read(&mut [0])? == 0, "more came back than was sent");
    Ok(received)
}

fn send(mut stream: TcpStream, bytes: &[u8], all: u64) -> Result<u64> {
    let mut checksum = Sum::new();
    let mut left = all;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        stream
            .write_all(&bytes[..now])
            .with_context(|| format!("{left} bytes are left to send"))?;
        checksum.add(&bytes[..now]);
        left -= now as u64;
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(checksum.0)
}

fn receive(
    stream: &mut TcpStream,
    program: &Program,
    bytes: &[u8],
    all: u64,
    seed: u64,
) -> Result<Results> {
    let mut random = Rng::with_seed(seed);
    let mut results = Results { pauses: 0, max_memory: 0, checksum: 0 };
    let (mut checksum, mut buffer) = (Sum::new(), vec![0; 1 << 18]);
    let (mut received, mut next_pause) = (0, 0);
    while received < all {
        if received >= next_pause {
            next_pause = received + random.u64(1..20_000_000);
            results.pauses += 1;
            sleep(Duration::from_millis(random.u64(..LONGEST_PAUSE)));
            results.max_memory = results.max_memory.max(program.memory()?);
        }
        let amount = stream.read(&mut buffer).with_context(|| format!("after {received} bytes"))?;
        ensure!(amount > 0, "the stream ended after {received} bytes");
        let (mut rest, mut at) = (&buffer[..amount], (received % bytes.len() as u64) as usize);
        while !rest.is_empty() {
            let now = rest.len().min(bytes.len() - at);
            ensure!(rest[..now] == bytes[at..at + now], "another byte came after {received} bytes");
            (rest, at) = (&rest[now..], 0);
        }
        checksum.add(&buffer[..amount]);
        received += amount as u64;
    }
    results.checksum = checksum.0;
    Ok(results)
}

/// A checksum of a stream (64-bit FNV-1a). The checksum does not depend on how the stream is split.
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
    fn a_checksum_depends_on_the_order_of_the_bytes_and_not_on_their_division() {
        let checksum = |parts: &[&str]| {
            let mut checksum = Sum::new();
            parts.iter().for_each(|part| checksum.add(part.as_bytes()));
            checksum.0
        };
        assert_eq!(checksum(&["foo", "bar"]), 0x8594_4171_f739_67e8);
        assert_eq!(checksum(&["foobar"]), checksum(&["f", "", "oobar"]));
        assert_ne!(checksum(&["foobar"]), checksum(&["barfoo"]));
    }
}
