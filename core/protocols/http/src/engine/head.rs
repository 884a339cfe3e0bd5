//! The head of a request: its lines, the route, and the answers to requests without a route.

use picoevent::{ConnMut, Eol};

use super::Step::{self, Done, Waits};
use crate::buffer::Buffer;
use crate::exchange::{Exchange, Input, flag};
use crate::head::{self, RequestLine};
use crate::method::Method;
use crate::path::{matches, path_of};
use crate::request::{Request, keep};
use crate::status::Status;
use crate::text::{copy, index_of};

impl<A: 'static> Request<'_, '_, '_, A> {
    pub(super) fn read_head(&mut self, app: &mut A) -> Result<Step, Status> {
        // Checks the input before the room. If there is no input, `has_room` must not start a wait for room, because
        // the callback at the end of the wait would have nothing to do.
        if self.conn.input_len() == 0 && !self.exchange.has(flag::EOF) || !self.has_room() {
            return Ok(Waits);
        }
        let is_first = self.exchange.input == Input::Line;
        let too_long = if is_first { Status::URI_TOO_LONG } else { Status::FIELDS_TOO_LARGE };
        let Self { conn, exchange, text, site, .. } = self;
        let Some(line) = next_line(conn, site.limits.line, too_long)? else {
            if !exchange.has(flag::EOF) {
                return Ok(Waits);
            }
            if !is_first || conn.input_len() > 0 {
                return Err(Status::BAD_REQUEST);
            }
            conn.close();
            return Ok(Waits);
        };
        if is_first {
            if line.is_empty() && !exchange.has(flag::SKIPPED) {
                // Some clients send an empty line after a body. One empty line is skipped (RFC 9112, 2.2).
                exchange.set(flag::SKIPPED);
                return Ok(Done);
            }
            let line = head::request_line(line)?;
            begin(exchange, text, &line)?;
            let path = path_of(line.target);
            for (route, number) in site.routes.iter().zip(0..u8::MAX) {
                if matches(route.path, path) {
                    if route.answers(line.method) {
                        exchange.set_route(number);
                        break;
                    }
                    exchange.set(flag::OTHER_METHOD);
                }
            }
            return Ok(Done);
        }
        if line.is_empty() {
            return self.end_head(app).map(|()| Done);
        }
        exchange.fields = exchange.fields.saturating_add(1);
        if exchange.fields > site.limits.fields {
            return Err(Status::FIELDS_TOO_LARGE);
        }
        let (name, value) = head::field(line)?;
        head::take_field(exchange, name, value)?;
        let number = index_of(name, site.headers);
        if number < site.headers.len() && !keep(exchange, text, number as u8, value) {
            return Err(Status::FIELDS_TOO_LARGE);
        }
        if let Some(route) = site.routes.get(exchange.route())
            && let Some(field) = route.field
        {
            field(route, exchange, text, name, value)?;
        }
        Ok(Done)
    }

    /// Handles the end of the head.
    fn end_head(&mut self, app: &mut A) -> Result<(), Status> {
        head::check(self.exchange)?;
        self.exchange.requests = self.exchange.requests.saturating_add(1);
        let has_body = self.exchange.has(flag::CHUNKED) || self.exchange.content > 0;
        self.exchange.input = match has_body {
            false => Input::Done,
            true if self.exchange.has(flag::CHUNKED) => Input::ChunkSize,
            true => Input::Body,
        };
        let Some(route) = self.route() else {
            self.answer_without_route();
            return Ok(());
        };
        let longest = self.site.limits.body;
        if self.exchange.content > longest || longest == 0 && has_body {
            return Err(Status::CONTENT_TOO_LARGE);
        }
        self.exchange.body = self.exchange.content;
        if let Some(before) = route.before {
            before(app, self);
            if self.exchange.has(flag::ANSWERED) || !self.conn.is_open() {
                self.exchange.input = Input::Done;
                return Ok(());
            }
        }
        if !has_body {
            self.call(app);
            return Ok(());
        }
        if route.part.is_none() {
            if self.exchange.has(flag::CHUNKED) {
                return Err(Status::LENGTH_REQUIRED);
            }
            if self.exchange.content as usize > self.conn.ring_sizes().0 {
                return Err(Status::CONTENT_TOO_LARGE);
            }
        }
        if route.part.is_some() {
            self.exchange.set(flag::STREAMED);
        }
        if self.exchange.has(flag::EXPECTS) {
            // `has_room` has checked that there is room for an answer.
            let _ = self.conn.write_parts(&[b"HTTP/1.1 100 Continue\r\n\r\n"]);
        }
        Ok(())
    }

    /// Answers a request that has no route.
    fn answer_without_route(&mut self) {
        let is_for_all = self.raw_target() == b"*";
        let is_options = self.exchange.method == Method::Options;
        if is_for_all {
            self.answer_bare(Status::NO_CONTENT, b"");
        } else if self.exchange.has(flag::OTHER_METHOD) {
            let mut allow = Buffer::new();
            self.write_allow(&mut allow);
            let status = if is_options { Status::NO_CONTENT } else { Status::METHOD_NOT_ALLOWED };
            self.answer_bare(status, allow.as_bytes());
        } else {
            self.answer_bare(Status::NOT_FOUND, b"");
        }
        self.exchange.input = Input::Done;
    }

    /// Writes the field `Allow`: the methods for which this path has a route, and `OPTIONS`.
    fn write_allow(&self, allow: &mut Buffer) {
        let path = path_of(self.raw_target());
        let is_allowed = |method: Method| {
            let mut routes = self.site.routes.iter();
            method == Method::Options
                || routes.any(|route| route.answers(method) && matches(route.path, path))
        };
        let mut before = "Allow: \0";
        for method in Method::ALL.into_iter().filter(|method| is_allowed(*method)) {
            allow.put(before, &[method.name().as_bytes()]);
            before = ", \0";
        }
        allow.put("\r\n", &[]);
    }

    /// Calls the handler of the route.
    pub(super) fn call(&mut self, app: &mut A) {
        self.exchange.set(flag::CALLED);
        let Some(route) = self.route() else { return };
        (route.call)(app, self);
        if !self.exchange.has_any(flag::ANSWERED | flag::LATER) && self.conn.is_open() {
            self.answer_bare(Status::SERVER_ERROR, b"");
        }
    }

    /// Returns whether there is room for an answer. If there is not enough room, starts a wait for room.
    pub(super) fn has_room(&mut self) -> bool {
        let has_room = self.conn.room() >= self.site.room;
        if !has_room {
            self.conn.wait_for_room(self.site.room);
        }
        has_room
    }
}

/// Takes the next line. Returns `None` while no complete line has arrived.
#[inline(never)]
pub(super) fn next_line<'l, A>(
    conn: &'l mut ConnMut<'_, '_, A>,
    longest: u16,
    too_long: Status,
) -> Result<Option<&'l [u8]>, Status> {
    let longest = usize::from(longest);
    let held = conn.input_len();
    match conn.take_line(Eol::Lf) {
        Some(Ok(line)) if line.len() <= longest => head::without_return(line).map(Some),
        None if held <= longest => Ok(None),
        _ => Err(too_long),
    }
}

/// Begins a request: stores the target, the method and the version.
fn begin(exchange: &mut Exchange, text: &mut [u8], line: &RequestLine<'_>) -> Result<(), Status> {
    let length = u16::try_from(line.target.len()).map_err(|_| Status::URI_TOO_LONG)?;
    let room = text.get_mut(..line.target.len()).ok_or(Status::URI_TOO_LONG)?;
    copy(room, line.target);
    (exchange.target, exchange.kept) = (length, length);
    (exchange.method, exchange.input) = (line.method, Input::Fields);
    if line.is_http_1_0 {
        exchange.set(flag::HTTP_1_0);
    }
    Ok(())
}
