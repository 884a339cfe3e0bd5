//! The status of the gateway, over HTTP.

use core::fmt::Write;

use embassy_net::Stack;
use embassy_net::tcp::{Error, TcpReader, TcpWriter};
use embassy_time::{Duration, with_timeout};
use heapless::String;

use super::Gateway;
use super::net::{SOCKETS, drain, listen, send};
use super::request::{BAD_REQUEST, Request, TIMEOUT, TOO_LARGE};

/// The status server's port.
pub const PORT: u16 = 8080;
/// The answer to a client if the status server has no room for one more client.
const BUSY: &str =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The maximum length of a header, with the empty line at its end.
const HEADER: usize = 480;
/// The time limit for receiving a header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(90);

const END: &[u8] = b"\r\n\r\n";

/// Serves clients on one socket forever.
#[embassy_executor::task(pool_size = SOCKETS)]
pub async fn run(stack: Stack<'static>, gateway: &'static Gateway) -> ! {
    listen::<512, 512>(stack, PORT, &gateway.status, BUSY, async |reader, writer| {
        serve(reader, writer, gateway).await
    })
    .await
}

/// Serves a client until the client or the server ends the connection.
///
/// # Errors
/// If the connection must be reset.
async fn serve(
    mut reader: TcpReader<'_>,
    mut writer: TcpWriter<'_>,
    gateway: &Gateway,
) -> Result<(), Error> {
    let (mut buffer, mut len) = ([0; HEADER], 0);
    loop {
        let header = receive(&mut reader, &mut writer, &mut buffer, &mut len);
        let end = with_timeout(HEADER_TIMEOUT, header).await.unwrap_or(Err(TIMEOUT));
        if end == Ok(0) {
            return Ok(());
        }
        let request = end.and_then(|end| Request::parse(&buffer[..end]));
        let (answer, keep) = gateway.answer(request);
        send(&mut writer, answer.as_bytes()).await?;
        match end {
            Ok(end) if keep => {
                buffer.copy_within(end..len, 0);
                len -= end;
            }
            _ => return Ok(()),
        }
    }
}

/// Receives a header, and returns its length. Returns 0 if the client ends its stream, or the connection ends, before
/// the first byte of a header.
async fn receive(
    reader: &mut TcpReader<'_>,
    writer: &mut TcpWriter<'_>,
    buffer: &mut [u8; HEADER],
    len: &mut usize,
) -> Result<usize, &'static str> {
    loop {
        if let Some(at) = buffer[..*len].windows(END.len()).position(|bytes| bytes == END) {
            return Ok(at + END.len());
        }
        if *len == HEADER {
            return Err(TOO_LARGE);
        }
        let _ = drain(writer).await;
        match reader.read(&mut buffer[*len..]).await {
            Ok(0) | Err(_) if *len == 0 => return Ok(0),
            Ok(0) | Err(_) => return Err(BAD_REQUEST),
            Ok(more) => *len += more,
        }
    }
}

impl Gateway {
    /// Returns the answer to a request, and whether the connection stays open.
    fn answer(&self, request: Result<Request, &'static str>) -> (String<384>, bool) {
        let mut body = String::<192>::new();
        let (status, allow, keep) = match request {
            Err(status) => (status, "", false),
            Ok(Request { method: "GET", path: "/status", keep }) => {
                self.describe(&mut body);
                ("200 OK", "", keep)
            }
            Ok(Request { method: "GET", keep, .. }) => ("404 Not Found", "", keep),
            Ok(_) => ("405 Method Not Allowed", "Allow: GET\r\n", false),
        };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let (length, after) = (body.len(), if keep { "keep-alive" } else { "close" });
        let mut answer = String::new();
        // The text fits into `answer`, so the result is not needed.
        let _ = write!(
            answer,
            "HTTP/1.1 {status}\r\n{allow}{kind}Content-Length: {length}\r\nConnection: {after}\r\n\r\n{body}"
        );
        (answer, keep)
    }

    /// Writes the status. The status fits into `body`.
    fn describe(&self, body: &mut String<192>) {
        let mut state = self.state.borrow_mut();
        state.answered += 1;
        let _ = writeln!(
            body,
            r#"{{"temp":{},"samples":{},"queued":{},"lost":{},"keys":{},"clients":{},"uplink":"{}","served":{}}}"#,
            state.latest.map_or(0, |sample| sample.value),
            state.taken,
            state.queue.samples.len(),
            state.queue.lost,
            state.store.len(),
            self.console.get(),
            state.link.name(),
            state.answered,
        );
    }
}
