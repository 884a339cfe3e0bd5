//! A client that sends requests on one connection, one after the other or all at once.

use picoevent_sim::world::Session;

use super::answer::{self, Answer};
use super::requests::Ask;
use super::{Known, Plan, Visit};

/// An HTTP client.
pub(super) struct Browser {
    asks: Vec<Ask>,
    /// Requests are sent without waiting for answers.
    is_pipelined: bool,
    end: End,
    /// The number of requests whose head was sent.
    sent: usize,
    /// The body of the last sent request is not sent yet: the client waits until the device requests it.
    has_body: bool,
    /// The number of answered requests.
    answered: usize,
    /// The device has said that the connection ends, or all requests are answered.
    is_over: bool,
}

/// How the connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The last request has the field `Connection: close`.
    Asked,
    /// The last request uses HTTP/1.0.
    Old,
    /// The client ends its stream after the last request.
    Finished,
    /// The client stays connected until the device's idle timeout ends the connection.
    Silent,
}

impl Browser {
    pub(super) fn new(plan: Plan, known: &mut Known) -> Self {
        let end = [End::Asked, End::Finished, End::Old, End::Silent][(plan.end / 2) as usize];
        let count = match (plan.kind, plan.cut) {
            // A silent client.
            (1, 13) => 0,
            _ => 1 + plan.more,
        };
        let ask = |nth| {
            let is_last = nth + 1 == count;
            let fields = if is_last && end == End::Asked { "Connection: close\r\n" } else { "" };
            let mut ask = match plan.kind {
                2 => Ask::upload(plan, nth, fields, known),
                _ => Ask::draw(plan, nth, fields, known),
            };
            // A request with HTTP/1.0 can neither wait for the device nor have a chunked body.
            if is_last && end == End::Old {
                let is_simple = !ask.waits && !ask.head.contains("chunked");
                let line =
                    if is_simple { ask.head } else { "GET /metrics HTTP/1.1\r\n\r\n".into() };
                if !is_simple {
                    (ask.waits, ask.want) = (false, super::requests::Want::Metrics);
                    ask.body.clear();
                }
                ask.head = line.replace("HTTP/1.1", "HTTP/1.0");
            }
            ask
        };
        Self {
            asks: (0..count).map(ask).collect(),
            is_pipelined: plan.end % 2 == 1,
            end: if count == 0 { End::Silent } else { end },
            sent: 0,
            has_body: false,
            answered: 0,
            is_over: false,
        }
    }

    /// Sends what can be sent now.
    fn send(&mut self, session: &mut Session) {
        while !self.has_body && !self.is_over && (self.is_pipelined || self.sent == self.answered) {
            let Some(ask) = self.asks.get(self.sent) else {
                if self.end == End::Finished {
                    session.close();
                }
                return;
            };
            session.write(ask.head.as_bytes());
            self.has_body = ask.waits;
            if !ask.waits {
                session.write(&ask.body);
            }
            self.sent += 1;
            if self.end == End::Finished && self.sent == self.asks.len() && !self.has_body {
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
        let unasked = || format!("an answer with status {} to nothing", answer.status);
        if self.is_over {
            return Err(unasked());
        }
        let ends = |status: u16| answer.status == status && answer.is_last();
        // The device has no room for one more connection, or the client was too slow.
        if ends(408) || self.answered == 0 && ends(503) {
            self.is_over = true;
            return Ok(());
        }
        let ask = self.asks.get(self.answered).filter(|_| self.answered < self.sent);
        let ask = ask.ok_or_else(unasked)?;
        let is_current = self.answered + 1 == self.sent;
        if answer.status == 100 {
            if !(ask.waits && is_current && self.has_body) {
                return Err("the device asks for a body that does not wait".to_owned());
            }
            session.write(&ask.body);
            self.has_body = false;
            self.send(session);
            return Ok(());
        }
        if ask.is_upload() && ends(409) {
            self.is_over = true;
            return Ok(());
        }
        if is_current && self.has_body {
            return Err(format!("status {} came before the body was sent", answer.status));
        }
        // Another upload is in progress. This one has no body, so the connection continues.
        if !(ask.is_upload() && answer.status == 409) {
            ask.want.check(answer, known).map_err(|text| format!("{:?}: {text}", ask.head))?;
        }
        self.answered += 1;
        let is_last = self.answered == self.asks.len() && matches!(self.end, End::Asked | End::Old);
        if is_last != answer.is_last() {
            let word = if is_last { "nothing" } else { "the end" };
            return Err(format!("the answer to {:?} says {word} of the connection", ask.head));
        }
        if self.answered == self.asks.len() {
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
            let is_to_head = self.asks.get(self.answered).is_some_and(Ask::is_head);
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

impl Visit for Browser {
    fn begin(&mut self, _: &mut Known, session: &mut Session) {
        if self.asks.is_empty() {
            session.served();
        }
        self.send(session);
    }

    fn hear(&mut self, known: &mut Known, session: &mut Session) -> Result<(), String> {
        self.take_all(known, session, false)
    }

    /// Between two answers the device may end the connection at any time: it has an idle timeout.
    fn end(&mut self, known: &mut Known, session: &mut Session) -> Result<(), String> {
        self.take_all(known, session, true)?;
        match session.input().is_empty() {
            true => Ok(()),
            false => Err("the stream ended within an answer".to_owned()),
        }
    }
}
