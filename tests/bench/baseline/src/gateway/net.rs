//! A TCP port and its clients: serves some clients at once, refuses further clients, and closes connections.

use core::cell::Cell;
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

use embassy_net::Stack;
use embassy_net::tcp::{Error, TcpReader, TcpSocket, TcpWriter};
use embassy_time::{Duration, with_timeout};
use heapless::Vec;

/// The maximum number of clients of a port that are served at once.
const CLIENTS: usize = 4;
/// The number of sockets of a port: one more than `CLIENTS`. The additional socket sends `busy` to a further client.
pub const SOCKETS: usize = CLIENTS + 1;
/// The time limit for a client that accepts no output.
const STALL: Duration = Duration::from_secs(10);
/// The time limit for the client's end of stream after the server's end of stream.
const FIN_WAIT: Duration = Duration::from_secs(2);

/// Accepts and serves clients of `port` on one socket, forever. `clients` is the number of clients that all sockets of
/// this port serve now. If four clients are served, a further client gets `busy`.
pub async fn listen<const RECEIVE: usize, const SEND: usize>(
    stack: Stack<'_>,
    port: u16,
    clients: &Cell<usize>,
    busy: &str,
    serve: impl AsyncFn(TcpReader<'_>, TcpWriter<'_>) -> Result<(), Error>,
) -> ! {
    let (mut receive, mut send_buffer) = ([0; RECEIVE], [0; SEND]);
    let mut socket = TcpSocket::new(stack, &mut receive, &mut send_buffer);
    loop {
        if socket.accept(port).await.is_ok() {
            let (reader, mut writer) = socket.split();
            let served = if clients.get() < CLIENTS {
                clients.set(clients.get() + 1);
                let served = serve(reader, writer).await;
                clients.set(clients.get() - 1);
                served
            } else {
                send(&mut writer, busy.as_bytes()).await
            };
            if served.is_ok() {
                close(&mut socket).await;
            }
        }
        abort(&mut socket).await;
    }
}

/// Sends all of `bytes`.
///
/// # Errors
/// If the connection is over, or the client accepts nothing for ten seconds.
pub async fn send(writer: &mut TcpWriter<'_>, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        let written = with_timeout(STALL, writer.write(bytes)).await;
        bytes = &bytes[written.unwrap_or(Err(Error::ConnectionReset))?..];
    }
    Ok(())
}

/// Waits until the client has acknowledged all output.
///
/// # Errors
/// The same errors as those of [`send`].
pub async fn drain(writer: &mut TcpWriter<'_>) -> Result<(), Error> {
    loop {
        let left = writer.send_queue();
        // Each acknowledgement wakes `flush`. `flush` is ready when all output is acknowledged.
        let progress = poll_fn(|cx| {
            let is_flushed = pin!(writer.flush()).poll(cx).is_ready();
            let has_progress = is_flushed || writer.send_queue() < left;
            if has_progress { Poll::Ready(is_flushed) } else { Poll::Pending }
        });
        if with_timeout(STALL, progress).await.map_err(|_| Error::ConnectionReset)? {
            return Ok(());
        }
    }
}

/// Ends the server's stream after the output, and waits until the client has acknowledged all output. Then waits for
/// the client's end of stream.
async fn close(socket: &mut TcpSocket<'_>) {
    socket.close();
    let (mut reader, mut writer) = socket.split();
    if drain(&mut writer).await.is_ok() {
        let discard = async { while reader.read_with(|input| (input.len(), ())).await.is_ok() {} };
        let _ = with_timeout(FIN_WAIT, discard).await;
    }
}

/// Makes the socket ready for another connection. Resets a connection that is not over.
pub async fn abort(socket: &mut TcpSocket<'_>) {
    socket.abort();
    let _ = with_timeout(STALL, socket.flush()).await;
}

/// A line that is being received. A line has at most `MAX_LENGTH` bytes before its `\n`.
#[derive(Default)]
pub struct Line<const MAX_LENGTH: usize> {
    bytes: Vec<u8, MAX_LENGTH>,
    is_too_long: bool,
    is_complete: bool,
}

impl<const MAX_LENGTH: usize> Line<MAX_LENGTH> {
    /// Receives a part of the next line. Returns whether the line is complete.
    ///
    /// # Errors
    /// If the client has ended its stream, or the connection is over.
    pub async fn receive(&mut self, reader: &mut TcpReader<'_>) -> Result<bool, Error> {
        let take = |input: &mut [u8]| {
            if self.is_complete {
                *self = Self::default();
            }
            let end = input.iter().position(|byte| *byte == b'\n');
            let part = &input[..end.unwrap_or(input.len())];
            self.is_too_long |= self.bytes.extend_from_slice(part).is_err();
            self.is_complete = end.is_some();
            (end.map_or(input.len(), |end| end + 1), self.is_complete)
        };
        reader.read_with(take).await
    }

    /// Returns the line without `\r\n` or `\n`, or `None` if the line has more than `max_length` bytes. Returns `?` for
    /// a line that is not UTF-8.
    pub fn text(&self, max_length: usize) -> Option<&str> {
        let text = self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes);
        let fits = !self.is_too_long && text.len() <= max_length;
        fits.then(|| core::str::from_utf8(text).unwrap_or("?"))
    }
}
