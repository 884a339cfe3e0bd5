//! Clients that violate the protocol: incomplete requests, wrong requests, and random bytes.
//!
//! The device must end the connection of each of these clients. When the connection ends, the client counts as served.

use picoevent_sim::world::Session;

use super::answer;
use super::{Client, Known, Plan};

/// Takes all complete answers from the input of a session, and checks that each answer has one of these statuses.
/// Returns the number of answers.
fn take(session: &mut Session, statuses: &[u16]) -> Result<usize, String> {
    let mut count = 0;
    while let Some((answer, length)) = answer::whole(session.input(), false, false)? {
        session.consume(length);
        let status = answer.status;
        if !statuses.contains(&status) {
            return Err(format!("the answer has status {status} instead of one of {statuses:?}"));
        }
        count += 1;
    }
    Ok(count)
}

/// Checks that no part of an answer is left.
fn rest(session: &Session) -> Result<(), String> {
    match session.input() {
        [] => Ok(()),
        _ => Err("the stream ended within an answer".to_owned()),
    }
}

/// Sends the beginning of a request. Then the client sends nothing more, or ends its stream.
pub(super) struct Incomplete {
    text: Vec<u8>,
    finishes: bool,
}

impl Incomplete {
    pub(super) fn new(plan: Plan) -> Self {
        let mut text =
            b"PUT /upload HTTP/1.1\r\nHost: device\r\nContent-Length: 300\r\n\r\n".to_vec();
        text.extend(plan.bytes(0, 299));
        text.truncate(plan.cut as usize);
        Self { text, finishes: plan.end % 2 == 1 }
    }
}

impl Client for Incomplete {
    fn begin(&mut self, _: &mut Known, session: &mut Session) {
        session.write(&self.text);
        session.served();
        if self.finishes {
            session.close();
        }
    }

    fn received(&mut self, _: &mut Known, session: &mut Session) -> Result<(), String> {
        take(session, &[400, 408, 409, 503]).map(drop)
    }

    fn finished(&mut self, _: &mut Known, session: &mut Session) -> Result<(), String> {
        rest(session)
    }
}

/// Sends a request that must be refused.
pub(super) struct Refused {
    text: String,
    status: u16,
    has_answer: bool,
}

impl Refused {
    pub(super) fn new(plan: Plan) -> Self {
        let host = "Host: device\r\n";
        let get = format!("GET /settings HTTP/1.1\r\n{host}");
        let put = format!("PUT /upload HTTP/1.1\r\n{host}");
        let chunked = format!("{put}Transfer-Encoding: chunked\r\n\r\n");
        let post = format!("POST /settings HTTP/1.1\r\n{host}");
        let (text, status) = match plan.number(0, 24) {
            0 => ("GET /settings HTTP/1.1\r\n\r\n".to_owned(), 400),
            1 => (format!("{get}{host}\r\n"), 400),
            2 => (format!("{put}Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), 400),
            3 => (format!("{put}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400),
            4 => (format!("{put}Content-Length: -5\r\n\r\n"), 400),
            5 => (format!("{get} X: y\r\n\r\n"), 400),
            6 => (format!("{get}X : y\r\n\r\n"), 400),
            7 => (format!("{get}X: y\n\r\n"), 400),
            8 => (format!("{chunked}x\r\n"), 400),
            9 => (format!("{chunked}5\r\nabcdefg\r\n"), 400),
            10 => (format!("{chunked}-1\r\n"), 400),
            11 => (format!("{chunked}1\r\na\r\n0\r\nno field\r\n"), 400),
            12 => ("nonsense\r\n".to_owned(), 400),
            13 => ("GET  / HTTP/1.1\r\n".to_owned(), 400),
            14 => ("GET / HTTP/2.0\r\n".to_owned(), 505),
            15 => ("BREW / HTTP/1.1\r\n".to_owned(), 501),
            16 => (format!("GET /{} HTTP/1.1\r\n", "x".repeat(120 + plan.cut as usize)), 414),
            17 => (format!("{get}X: {}\r\n", "y".repeat(520)), 431),
            18 => (format!("{get}{}", "X: y\r\n".repeat(65)), 431),
            19 => (format!("{put}Content-Length: 67108865\r\n\r\n"), 413),
            20 => (format!("{post}Content-Length: 513\r\n\r\n"), 413),
            21 => (format!("{post}Transfer-Encoding: chunked\r\n\r\n"), 411),
            22 => (format!("{get}Expect: a miracle\r\n\r\n"), 417),
            _ => (format!("{chunked}ffffffff\r\n"), 413),
        };
        Self { text, status, has_answer: false }
    }
}

impl Client for Refused {
    fn begin(&mut self, _: &mut Known, session: &mut Session) {
        session.write(self.text.as_bytes());
    }

    fn received(&mut self, _: &mut Known, session: &mut Session) -> Result<(), String> {
        let Some((answer, length)) = answer::whole(session.input(), false, false)? else {
            return Ok(());
        };
        session.consume(length);
        let status = answer.status;
        let is_wanted = status == self.status;
        if !is_wanted && !matches!(status, 408 | 409 | 503) || !answer.is_last() {
            let text = &self.text;
            return Err(format!("{text:?} has status {status} instead of {}", self.status));
        }
        if std::mem::replace(&mut self.has_answer, true) {
            return Err("there is another answer".to_owned());
        }
        if is_wanted {
            session.served();
        }
        Ok(())
    }

    fn finished(&mut self, _: &mut Known, session: &mut Session) -> Result<(), String> {
        rest(session)
    }
}

/// Sends bytes that are not a request.
pub(super) struct Garbage(Vec<u8>);

impl Garbage {
    pub(super) fn new(plan: Plan) -> Self {
        let mut bytes = plan.bytes(0, 1 + plan.length);
        match plan.end {
            0 => bytes.push(b'\n'),
            1 => bytes.extend(b"\r\n\r\n"),
            // The beginning of a TLS message.
            2 => bytes.splice(..0, [0x16, 0x03, 0x01]).for_each(drop),
            _ => {}
        }
        Self(bytes)
    }
}

impl Client for Garbage {
    fn begin(&mut self, _: &mut Known, session: &mut Session) {
        session.write(&self.0);
        session.served();
    }

    fn received(&mut self, _: &mut Known, session: &mut Session) -> Result<(), String> {
        take(session, &[400, 408, 414, 431, 501, 503, 505]).map(drop)
    }

    fn finished(&mut self, _: &mut Known, session: &mut Session) -> Result<(), String> {
        rest(session)
    }
}
