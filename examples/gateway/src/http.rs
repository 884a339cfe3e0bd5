//! The status page: HTTP/1.1 with keep-alive and pipelining, for `GET /status`.

use core::fmt::Write;
use core::time::Duration;

use heapless::String;
use picoevent::{ConnMut, Cx, Protocol};

use crate::Gateway;

/// A header is complete by then, however often a byte of it comes.
const HEADER_TIME: Duration = Duration::from_secs(90);

pub(crate) struct Http;

impl Protocol<Gateway> for Http {
    const STALL: Option<Duration> = Some(Duration::from_secs(10));
    const ROOM: usize = 384;
    const BUSY: &[u8] = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    fn opened(_: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        conn.alarm_after(HEADER_TIME);
    }

    fn readable(app: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        let mut buffer = [0; 480];
        while let Some(header) = conn.read_until(b"\r\n\r\n", &mut buffer) {
            conn.alarm_after(HEADER_TIME);
            match header.map(|header| app.answer(conn, header)) {
                Ok(Ok(())) => {}
                Ok(Err(status)) => refuse(conn, status),
                Err(_) => refuse(conn, "431 Request Header Fields Too Large"),
            }
        }
    }

    fn alarm(_: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        refuse(conn, "408 Request Timeout");
    }

    fn eof(_: &mut Gateway, conn: &mut ConnMut<Gateway>) {
        if conn.input_len() > 0 {
            refuse(conn, "400 Bad Request");
        }
        conn.close();
    }
}

/// Answers with an error, and closes the connection.
fn refuse(conn: &mut ConnMut<Gateway>, status: &str) {
    respond(conn, status, "", false);
}

fn respond(conn: &mut ConnMut<Gateway>, status: &str, body: &str, keep: bool) {
    let allow = if status.starts_with("405") { "Allow: GET\r\n" } else { "" };
    let connection = if keep { "keep-alive" } else { "close" };
    let written = write!(
        conn,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{allow}Content-Length: {}\r\n\
         Connection: {connection}\r\n\r\n{body}",
        body.len(),
    );
    if written.is_err() || !keep {
        conn.close();
    }
}

impl Gateway {
    /// Answers the request with this header.
    ///
    /// # Errors
    /// The status of the refusal.
    fn answer(&mut self, conn: &mut ConnMut<Self>, header: &[u8]) -> Result<(), &'static str> {
        const BAD: &str = "400 Bad Request";
        let header = core::str::from_utf8(header).map_err(|_| BAD)?;
        let mut lines = header.trim_end().split("\r\n");
        let mut words = lines.next().unwrap_or("").split(' ');
        let (Some(method), Some(path), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(BAD);
        };
        let mut keep = match version {
            "HTTP/1.1" => true,
            "HTTP/1.0" => false,
            _ => return Err(BAD),
        };
        for line in lines {
            let (name, value) = line.split_once(':').ok_or(BAD)?;
            let value = value.trim();
            if name.eq_ignore_ascii_case("connection") {
                keep = (keep || value.eq_ignore_ascii_case("keep-alive"))
                    && !value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("transfer-encoding")
                || name.eq_ignore_ascii_case("content-length") && value != "0"
            {
                return Err("413 Content Too Large");
            }
        }
        if !path.starts_with('/') {
            return Err(BAD);
        }
        if method != "GET" {
            return Err("405 Method Not Allowed");
        }
        if path != "/status" {
            respond(conn, "404 Not Found", "", keep);
            return Ok(());
        }
        self.served = self.served.wrapping_add(1);
        let body = self.status(conn.cx());
        respond(conn, "200 OK", &body, keep);
        Ok(())
    }

    fn status(&self, cx: &mut Cx<Self>) -> String<192> {
        let console = self.console.and_then(|console| cx.listener(console).ok());
        let clients = console.map_or(0, |console| console.conns());
        let uplink = self.uplink.name(cx);
        let value = self.latest.map_or(0, |sample| sample.value);
        let mut body = String::new();
        let _ = writeln!(
            body,
            r#"{{"temp":{value},"samples":{},"queued":{},"lost":{},"keys":{},"clients":{clients},"uplink":"{uplink}","served":{}}}"#,
            self.taken,
            self.samples.len(),
            self.lost,
            self.store.len(),
            self.served,
        );
        body
    }
}
