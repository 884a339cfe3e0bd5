//! A TCP client. It records all bytes that it sends and receives, so that an error message can show these bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::net::sockopt::set_socket_linger;

/// The time limit for an answer. The limit only ends a check whose gateway hangs. It does not check the gateway's
/// speed.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The number of sent and received bytes that an error shows.
const SHOWN: usize = 300;

/// The pause before the next connect if the gateway cannot serve one more client.
pub const PAUSE: Duration = Duration::from_millis(20);

/// The result of waiting for input.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Bytes have arrived, and [`Client::pending`] returns these bytes. If a signal interrupts the wait, the result is
    /// also `Bytes`.
    Bytes,
    /// The gateway has ended its stream.
    End,
    /// The connection was reset.
    Reset,
    /// Nothing arrived before the time limit.
    Nothing,
}

/// A connection to the gateway.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    sent: Vec<u8>,
    /// All received bytes. `taken` is the number of consumed bytes.
    received: Vec<u8>,
    taken: usize,
}

impl Client {
    /// Connects to the gateway.
    ///
    /// # Errors
    /// If the connection is not established within [`LIMIT`].
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, LIMIT);
        let stream = stream.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(Self { stream, sent: Vec::new(), received: Vec::new(), taken: 0 })
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// If the connection is over, or the gateway accepts no bytes for [`LIMIT`].
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.sent.extend_from_slice(bytes.as_ref());
        self.stream.write_all(bytes.as_ref()).with_context(|| self.mismatch("that it is taken"))
    }

    /// Replaces [`LIMIT`] as the time limit of sends. A send waits for this time if the gateway accepts no bytes.
    pub fn limit_sends(&self, limit: Duration) -> Result<()> {
        self.stream.set_write_timeout(Some(limit)).context("no limit can be set")
    }

    /// Returns the stream, and discards the record of sent and received bytes.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Sends each byte separately.
    pub fn send_slowly(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        bytes.as_ref().chunks(1).try_for_each(|byte| self.send(byte))
    }

    /// Ends the client's stream.
    pub fn end(&mut self) -> Result<()> {
        self.stream.shutdown(Shutdown::Write).context("cannot end this side")
    }

    /// Resets the connection.
    pub fn reset(self) -> Result<()> {
        set_socket_linger(&self.stream, Some(Duration::ZERO)).context("cannot reset")
    }

    /// Waits until more input arrives, or `limit` has passed.
    pub fn receive(&mut self, limit: Duration) -> Result<Event> {
        // The system does not allow a timeout of zero.
        self.stream.set_read_timeout(Some(limit.max(Duration::from_millis(1))))?;
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => Ok(Event::End),
            Ok(amount) => {
                self.received.extend_from_slice(&buffer[..amount]);
                Ok(Event::Bytes)
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(Event::Nothing),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Ok(Event::Reset),
                ErrorKind::Interrupted => Ok(Event::Bytes),
                _ => Err(error).context("cannot receive"),
            },
        }
    }

    /// Returns the received bytes that were not consumed.
    pub fn pending(&self) -> &[u8] {
        &self.received[self.taken..]
    }

    /// Consumes and returns the first `amount` pending bytes.
    pub fn take(&mut self, amount: usize) -> Vec<u8> {
        let taken = self.pending()[..amount].to_vec();
        self.taken += amount;
        taken
    }

    /// Calls `whole` with the pending bytes, each time that more bytes arrive, until `whole` returns a number. Consumes
    /// and returns this number of bytes.
    ///
    /// # Errors
    /// If `whole` does not return a number within `limit`, or the connection ends first.
    pub fn take_when(
        &mut self,
        what: &str,
        limit: Duration,
        whole: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Vec<u8>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(length) = whole(self.pending()) {
                return Ok(self.take(length));
            }
            let event = self.receive(deadline.saturating_duration_since(Instant::now()))?;
            if event != Event::Bytes {
                return Err(self.mismatch(what).context(format!("{event:?}")));
            }
        }
    }

    /// Waits for exactly these bytes.
    ///
    /// # Errors
    /// If other bytes arrive, or not all of these bytes arrive within [`LIMIT`].
    pub fn expect(&mut self, expected: impl AsRef<[u8]>) -> Result<()> {
        let expected = expected.as_ref();
        let what = show(expected);
        let whole = |bytes: &[u8]| {
            let differs = bytes.iter().zip(expected).any(|(is, should)| is != should);
            (differs || bytes.len() >= expected.len()).then(|| bytes.len().min(expected.len()))
        };
        let before = self.taken;
        let is = self.take_when(&what, LIMIT, whole)?;
        if is != expected {
            self.taken = before;
            return Err(self.mismatch(&what));
        }
        Ok(())
    }

    /// Waits for a line. Returns the line without its `\r\n`.
    ///
    /// # Errors
    /// The errors of [`Client::take_when`], and an error if the line is not UTF-8 or does not end with `\r\n`.
    pub fn line(&mut self, limit: Duration) -> Result<String> {
        let end = |bytes: &[u8]| Some(bytes.iter().position(|byte| *byte == b'\n')? + 1);
        let line = self.take_when("a line", limit, end)?;
        let line = String::from_utf8(line).map_err(|_| self.mismatch("a line in UTF-8"))?;
        let text = line.strip_suffix("\r\n").map(str::to_owned);
        text.ok_or_else(|| self.mismatch("a line that ends in \\r\\n"))
    }

    /// Waits for a line that ends with `\n`. The lines between gateway and collector have this line end.
    ///
    /// # Errors
    /// Like [`Client::take_when`].
    #[cfg(test)]
    pub fn line_of_collector(&mut self) -> Result<Vec<u8>> {
        let end = |bytes: &[u8]| Some(bytes.iter().position(|byte| *byte == b'\n')? + 1);
        self.take_when("a line", LIMIT, end)
    }

    /// Waits for the gateway's end of stream. No more bytes may arrive before the end.
    ///
    /// # Errors
    /// If bytes arrive, or the end of stream does not come within [`LIMIT`].
    pub fn expect_end(&mut self) -> Result<()> {
        self.expect_end_within(LIMIT)
    }

    /// Waits like [`Client::expect_end`], with another limit.
    ///
    /// # Errors
    /// Like [`Client::expect_end`].
    pub fn expect_end_within(&mut self, limit: Duration) -> Result<()> {
        let what = "nothing more, and the end of the stream";
        ensure!(self.pending().is_empty(), self.mismatch(what));
        match self.receive(limit)? {
            Event::End => Ok(()),
            event => Err(self.mismatch(what).context(format!("{event:?}"))),
        }
    }

    /// Checks that nothing arrives for `span`.
    ///
    /// # Errors
    /// If something arrives.
    pub fn expect_nothing(&mut self, span: Duration) -> Result<()> {
        let what = format!("nothing for {span:?}");
        ensure!(self.pending().is_empty(), self.mismatch(&what));
        match self.receive(span)? {
            Event::Nothing => Ok(()),
            event => Err(self.mismatch(&what).context(format!("{event:?}"))),
        }
    }

    /// Returns an error that contains the sent, the expected and the received bytes.
    pub fn mismatch(&self, expected: &str) -> anyhow::Error {
        let (sent, received) = (show(&self.sent), show(self.pending()));
        anyhow!("sent {sent}\nexpected {expected}\nreceived {received}")
    }
}

/// Formats bytes as text. If there are more than 300 bytes, shows only the last 300 bytes, and the number of bytes
/// before them.
pub fn show(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(SHOWN);
    let before = if start > 0 { format!("({start} bytes) … ") } else { String::new() };
    format!("{before}\"{}\"", bytes[start..].escape_ascii())
}

/// Repeats `attempt` until it returns `Some`. `attempt` must return `None` while the gateway cannot serve one more
/// client.
///
/// # Errors
/// The error of `attempt`, or an error if `attempt` returns only `None` for [`LIMIT`].
pub fn until_served<T>(mut attempt: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(served) = attempt()? {
            return Ok(served);
        }
        if Instant::now() >= deadline {
            bail!("the gateway has no slot for a client within {LIMIT:?}");
        }
        std::thread::sleep(PAUSE);
    }
}
