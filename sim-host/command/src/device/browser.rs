//! A client that sends requests on one connection, one after the other or all at once.

use picoevent_sim::world::Session;

use super::answer::{self, Answer};
use super::requests::Request;
use super::{Client, Known, Plan};

/// An HTTP client.
pub(super) struct Browser {
    requests: Vec<Request>,
    /// The client sends requests without waiting for answers.
    is_pipelined: bool,
    end: End,
    /// The number of requests whose head was sent.
    sent: usize,
    /// The client has sent the head of a request, but not the body. The client waits until the device requests the
    /// body.
    has_body: bool,
    /// The number of answered requests.
    answered: usize,
    /// The device has announced the end of the connection, or all requests are answered.
    is_over: bool,
}

/// How the connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The last request has the field `Connection: close`.
    ConnectionClose,
    /// The last request uses HTTP/1.0.
    Http10,
    /// The client ends its stream after the last request.
    Finished,
    /// The client stays connected until the device's idle timeout ends the connection.
    Silent,
}

impl Browser {
    pub(super) fn new(plan: Plan, known: &mut Known) -> Self {
        let end = [End::ConnectionClose, End::Finished, End::Http10, End::Silent]
            [(plan.end / 2) as usize];
        let count = match (plan.kind, plan.cut) {
            // The client sends no request.
            (1, 13) => 0,
            _ => 1 + plan.more,
        };
        let choose = |nth| {
            let is_last = nth + 1 == count;
            let fields =
                if is_last && end == End::ConnectionClose { "Connection: close\r\n" } else { "" };
            let mut request = match plan.kind {
                2 => Request::upload(plan, nth, fields, known),
                _ => Request::choose(plan, nth, fields, known),
            };
            // A request with HTTP/1.0 can have neither the field `Expect` nor a chunked body. So a request that has one
            // of these is replaced by another request.
            if is_last && end == End::Http10 {
                let is_simple = !request.waits && !request.head.contains("chunked");
                let line =
                    if is_simple { request.head } else { "GET /metrics HTTP/1.1\r\n\r\n".into() };
                if !is_simple {
                    (request.waits, request.expected) =
                        (false, super::requests::ExpectedAnswer::Metrics);
                    request.body.clear();
                }
                request.head = line.replace("HTTP/1.1", "HTTP/1.0");
            }
            request
        };
        Self {
            requests: (0..count).map(choose).collect(),
            is_pipelined: plan.end % 2 == 1,
            end: if count == 0 { End::Silent } else { end },
            sent: 0,
            has_body: false,
            answered: 0,
            is_over: false,
        }
    }

    /// Sends the requests that can be sent now.
    fn send(&mut self, session: &mut Session) {
        while !self.has_body && !self.is_over && (self.is_pipelined || self.sent == self.answered) {
            let Some(request) = self.requests.get(self.sent) else {
                if self.end == End::Finished {
                    session.close();
                }
                return;
            };
            session.write(request.head.as_bytes());
            self.has_body = request.waits;
            if !request.waits {
                session.write(&request.body);
            }
            self.sent += 1;
            if self.end == End::Finished && self.sent == self.requests.len() && !self.has_body {
                session.close();
            }
        }
    }

    /// Handles an answer to the first unanswered request.
    fn take(
        &mut self,
        answer: &Answer,
        known: &mut Known,
        session: &mut Session,
    ) -> Result<(), String> {
        let unexpected =
            || format!("an answer with status {} came without a request", answer.status);
        if self.is_over {
            return Err(unexpected());
        }
        let ends = |status: u16| answer.status == status && answer.is_last();
        // 408: the client was too slow. 503 as the first answer: the device has no room for another connection.
        if ends(408) || self.answered == 0 && ends(503) {
            self.is_over = true;
            return Ok(());
        }
        let request = self.requests.get(self.answered).filter(|_| self.answered < self.sent);
        let request = request.ok_or_else(unexpected)?;
        let is_current = self.answered + 1 == self.sent;
        if answer.status == 100 {
            if !(request.waits && is_current && self.has_body) {
                return Err("the device sent 100 Continue, but no body waits for it".to_owned());
            }
            session.write(&request.body);
            self.has_body = false;
            self.send(session);
            return Ok(());
        }
        if request.is_upload() && ends(409) {
            self.is_over = true;
            return Ok(());
        }
        if is_current && self.has_body {
            return Err(format!("status {} came before the body was sent", answer.status));
        }
        // If another upload is in progress, the device refuses this upload with 409. If the upload has no body, the
        // connection does not end after this answer, and the client continues with its next request.
        if !(request.is_upload() && answer.status == 409) {
            request
                .expected
                .check(answer, known)
                .map_err(|text| format!("{:?}: {text}", request.head))?;
        }
        self.answered += 1;
        let is_last = self.answered == self.requests.len()
            && matches!(self.end, End::ConnectionClose | End::Http10);
        if is_last != answer.is_last() {
            let verb = if is_last { "does not announce" } else { "announces" };
            return Err(format!(
                "the answer to {:?} {verb} the end of the connection",
                request.head
            ));
        }
        if self.answered == self.requests.len() {
            self.is_over = true;
            session.served();
        }
        self.send(session);
        Ok(())
    }

    /// Handles the complete answers.
    fn take_all(
        &mut self,
        known: &mut Known,
        session: &mut Session,
        has_ended: bool,
    ) -> Result<(), String> {
        while !session.input().is_empty() {
            let is_to_head = self.requests.get(self.answered).is_some_and(Request::is_head);
            let Some((answer, length)) = answer::whole(session.input(), is_to_head, has_ended)?
            else {
                break;
            };
            session.consume(length);
            self.take(&answer, known, session)?;
        }
        Ok(())
    }
}

impl Client for Browser {
    fn begin(&mut self, _: &mut Known, session: &mut Session) {
        if self.requests.is_empty() {
            session.served();
        }
        self.send(session);
    }

    fn received(&mut self, known: &mut Known, session: &mut Session) -> Result<(), String> {
        self.take_all(known, session, false)
    }

    /// Handles the last answers. The device has an idle timeout, so it may end the connection between two answers.
    fn finished(&mut self, known: &mut Known, session: &mut Session) -> Result<(), String> {
        self.take_all(known, session, true)?;
        match session.input().is_empty() {
            true => Ok(()),
            false => Err("the stream ended within an answer".to_owned()),
        }
    }
}
