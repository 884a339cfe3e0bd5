//! The way of a request through its connection: head, body, handler, answer, and the next one.

use picoevent::Eol;

use crate::buffer::Buffer;
use crate::chunk;
use crate::exchange::{Exchange, Input, Timer, flag};
use crate::head::{self, RequestLine};
use crate::limits::Limits;
use crate::method::Method;
use crate::path::{matches, path_of};
use crate::reply::{Head, Length};
use crate::request::{Request, keep};
use crate::route::Part;
use crate::status::Status;
use crate::text::copy;

/// What a step has come to.
#[derive(PartialEq, Eq)]
pub(crate) enum Step {
    /// The next step can be tried.
    Done,
    /// More has to come, or there has to be room.
    Waits,
}

use Step::{Done, Waits};

impl<A: 'static> Request<'_, '_, '_, A> {
    /// Goes on as far as input, room and the application allow.
    pub(crate) fn advance(&mut self, app: &mut A) {
        while self.conn.is_open() {
            let step = match self.x.input {
                Input::Line | Input::Fields => self.read_head(app),
                Input::Done => self.go_on_answering(app),
                Input::Frames => {
                    self.call_hook(app, |hooks| hooks.advance);
                    Ok(Waits)
                }
                Input::Body => self.read_content(app),
                Input::ChunkSize | Input::Chunk | Input::ChunkEnd | Input::Trailer => {
                    // Only routes that stream bodies take chunks.
                    match self.route().and_then(|route| route.chunks) {
                        Some(read) => read(app, self),
                        None => Err(Status::LENGTH_REQUIRED),
                    }
                }
            };
            match step {
                Ok(Done) => {}
                Ok(Waits) => break,
                Err(status) => self.refuse(status),
            }
        }
        if self.conn.is_open() {
            self.set_timer();
        }
    }

    /// Answers with an error, and ends the connection: nothing behind it can be understood.
    pub(crate) fn refuse(&mut self, status: Status) {
        if self.x.has(flag::ANSWERED) && !self.x.has(flag::COMPLETE) {
            return self.conn.abort();
        }
        self.x.set(flag::LAST);
        // Without room for it the end alone has to do.
        self.answer_bare(status, b"");
        self.conn.close();
    }

    /// Answers without content.
    pub(crate) fn answer_bare(&mut self, status: Status, fields: &[u8]) {
        let head = Head::bare(status, fields);
        if self.write_head(&head, Length::Known(0), 0).is_err() {
            return self.conn.close();
        }
        self.x.set(flag::COMPLETE);
    }
}

/// The head.
impl<A: 'static> Request<'_, '_, '_, A> {
    fn read_head(&mut self, app: &mut A) -> Result<Step, Status> {
        if !self.has_room() {
            return Ok(Waits);
        }
        let is_first = self.x.input == Input::Line;
        let too_long = if is_first { Status::URI_TOO_LONG } else { Status::FIELDS_TOO_LARGE };
        let longest = usize::from(self.site.limits.line);
        let Self { conn, x, text, site, .. } = self;
        let held = conn.input_len();
        let line = match conn.take_line(Eol::Lf) {
            Some(Ok(line)) if line.len() <= longest => head::without_return(line)?,
            Some(_) => return Err(too_long),
            None if held > longest => return Err(too_long),
            None if !x.has(flag::EOF) => return Ok(Waits),
            None if is_first && held == 0 => {
                conn.close();
                return Ok(Waits);
            }
            None => return Err(Status::BAD_REQUEST),
        };
        if is_first {
            if line.is_empty() && !x.has(flag::SKIPPED) {
                // RFC 9112, 2.2: some clients send one behind a body.
                x.set(flag::SKIPPED);
                return Ok(Done);
            }
            let line = head::request_line(line)?;
            begin(x, text, &line)?;
            find_route(x, line.target, |number| {
                site.routes.get(number).map(|route| (route.path, route.answers(line.method)))
            });
            return Ok(Done);
        }
        if line.is_empty() {
            return self.end_head(app).map(|()| Done);
        }
        x.fields = x.fields.saturating_add(1);
        if x.fields > site.limits.fields {
            return Err(Status::FIELDS_TOO_LARGE);
        }
        let (name, value) = head::field(line)?;
        head::take_field(x, name, value)?;
        let is_it = |kept: &&str| kept.as_bytes().eq_ignore_ascii_case(name);
        if let Some(number) = site.headers.iter().position(is_it)
            && !keep(x, text, number as u8, value)
        {
            return Err(Status::FIELDS_TOO_LARGE);
        }
        if let Some(route) = site.routes.get(x.route())
            && let Some(field) = route.field
        {
            field(route, x, text, name, value)?;
        }
        Ok(Done)
    }

    /// The head is complete.
    fn end_head(&mut self, app: &mut A) -> Result<(), Status> {
        head::check(self.x)?;
        self.x.requests = self.x.requests.saturating_add(1);
        let has_body = self.x.has(flag::CHUNKED) || self.x.content > 0;
        self.x.input = match has_body {
            false => Input::Done,
            true if self.x.has(flag::CHUNKED) => Input::ChunkSize,
            true => Input::Body,
        };
        let Some(route) = self.route() else {
            self.answer_itself();
            return Ok(());
        };
        let longest = self.site.limits.body;
        if self.x.content > longest || longest == 0 && has_body {
            return Err(Status::CONTENT_TOO_LARGE);
        }
        self.x.body = self.x.content;
        if let Some(before) = route.before {
            before(app, self);
            if self.x.has(flag::ANSWERED) || !self.conn.is_open() {
                self.x.input = Input::Done;
                return Ok(());
            }
        }
        if !has_body {
            self.call(app);
            return Ok(());
        }
        if route.part.is_none() {
            if self.x.has(flag::CHUNKED) {
                return Err(Status::LENGTH_REQUIRED);
            }
            if self.x.content as usize > self.conn.ring_sizes().0 {
                return Err(Status::CONTENT_TOO_LARGE);
            }
        }
        if route.part.is_some() {
            self.x.set(flag::STREAMED);
        }
        if self.x.has(flag::EXPECTS) {
            // There is the room of an answer.
            let _ = self.conn.write(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        Ok(())
    }

    /// Answers a request that no route is for.
    fn answer_itself(&mut self) {
        let is_for_all = self.raw_target() == b"*";
        let is_asked = self.x.method == Method::Options;
        if is_for_all {
            self.answer_bare(Status::NO_CONTENT, b"");
        } else if self.x.has(flag::OTHER_METHOD) {
            let mut allow = Buffer::<80>::new();
            self.write_allow(&mut allow);
            let status = if is_asked { Status::NO_CONTENT } else { Status::METHOD_NOT_ALLOWED };
            self.answer_bare(status, allow.as_bytes());
        } else {
            self.answer_bare(Status::NOT_FOUND, b"");
        }
        self.x.input = Input::Done;
    }

    /// Writes which methods the path has.
    fn write_allow(&self, allow: &mut Buffer<80>) {
        let path = path_of(self.raw_target());
        let is_allowed = |method: Method| {
            let mut routes = self.site.routes.iter();
            method == Method::Options
                || routes.any(|route| route.answers(method) && matches(route.path, path))
        };
        let mut before = &b"Allow: "[..];
        for method in Method::ALL.into_iter().filter(|method| is_allowed(*method)) {
            allow.put(before);
            allow.put(method.name().as_bytes());
            before = b", ";
        }
        allow.put(b"\r\n");
    }

    /// Calls the handler of the route.
    fn call(&mut self, app: &mut A) {
        self.x.set(flag::CALLED);
        let Some(route) = self.route() else { return };
        (route.call)(app, self);
        if !self.x.has_any(flag::ANSWERED | flag::LATER) && self.conn.is_open() {
            self.answer_bare(Status::SERVER_ERROR, b"");
        }
    }

    /// Returns whether there is the room of an answer. If not, it is waited for.
    pub(crate) fn has_room(&mut self) -> bool {
        let has_room = self.conn.room() >= self.site.room;
        if !has_room {
            self.conn.wait_for_room(self.site.room);
        }
        has_room
    }
}

/// Begins a request.
fn begin(x: &mut Exchange, text: &mut [u8], line: &RequestLine<'_>) -> Result<(), Status> {
    let length = u16::try_from(line.target.len()).map_err(|_| Status::URI_TOO_LONG)?;
    let room = text.get_mut(..line.target.len()).ok_or(Status::URI_TOO_LONG)?;
    copy(room, line.target);
    (x.target, x.kept) = (length, length);
    (x.method, x.input) = (line.method, Input::Fields);
    if line.is_old {
        x.set(flag::OLD);
    }
    Ok(())
}

/// Finds the route of a target.
fn find_route(
    x: &mut Exchange,
    target: &[u8],
    route: impl Fn(usize) -> Option<(&'static str, bool)>,
) {
    let path = path_of(target);
    for number in 0..u8::MAX {
        let Some((pattern, answers)) = route(number.into()) else { return };
        if matches(pattern, path) {
            if answers {
                x.set_route(number);
                return;
            }
            x.set(flag::OTHER_METHOD);
        }
    }
}

/// The body.
impl<A: 'static> Request<'_, '_, '_, A> {
    /// Reads a body of a known length.
    pub(crate) fn read_content(&mut self, app: &mut A) -> Result<Step, Status> {
        if self.x.content == 0 { Ok(self.end_body(app)) } else { self.pass_on(app) }
    }

    /// Reads a body in chunks.
    pub(crate) fn read_chunks(&mut self, app: &mut A) -> Result<Step, Status> {
        match self.x.input {
            Input::Chunk if self.x.content == 0 => {
                self.x.input = Input::ChunkEnd;
                Ok(Done)
            }
            Input::Chunk => self.pass_on(app),
            Input::ChunkEnd => {
                let mut end = [0; 2];
                match (self.conn.copy_out(0, &mut end), end) {
                    (2, [b'\r', b'\n']) => {
                        self.conn.consume(2);
                        self.x.input = Input::ChunkSize;
                        Ok(Done)
                    }
                    (0, _) | (1, [b'\r', _]) => self.wait_for_input(),
                    _ => Err(Status::BAD_REQUEST),
                }
            }
            _ => self.read_chunk_line(app),
        }
    }

    /// Reads a chunk's size, or a line of the trailer.
    fn read_chunk_line(&mut self, app: &mut A) -> Result<Step, Status> {
        if !self.has_room() {
            return Ok(Waits);
        }
        let longest = usize::from(self.site.limits.line);
        let Self { conn, x, site, .. } = self;
        let held = conn.input_len();
        let line = match conn.take_line(Eol::Lf) {
            Some(Ok(line)) if line.len() <= longest => head::without_return(line)?,
            None if held <= longest => return self.wait_for_input(),
            _ => return Err(Status::BAD_REQUEST),
        };
        if x.input == Input::ChunkSize {
            let size = chunk::size(line)?;
            let body = x.body.checked_add(size).filter(|body| *body <= site.limits.body);
            x.body = body.ok_or(Status::CONTENT_TOO_LARGE)?;
            x.content = size;
            x.input = if size == 0 { Input::Trailer } else { Input::Chunk };
            x.fields = 0;
            return Ok(Done);
        }
        if line.is_empty() {
            return Ok(self.end_body(app));
        }
        head::field(line)?;
        x.fields = x.fields.saturating_add(1);
        if x.fields > site.limits.fields {
            return Err(Status::FIELDS_TOO_LARGE);
        }
        Ok(Done)
    }

    /// Gives what has come of the body to the application.
    fn pass_on(&mut self, app: &mut A) -> Result<Step, Status> {
        let Some(route) = self.route() else { return Err(Status::SERVER_ERROR) };
        let Some(part) = route.part else {
            if self.conn.input_len() < self.x.content as usize {
                return self.wait_for_input();
            }
            self.call(app);
            self.take(usize::MAX);
            self.x.input = Input::Done;
            return Ok(Done);
        };
        if self.conn.input_len() == 0 {
            return self.wait_for_input();
        }
        let before = self.x.content;
        part(app, self, Part::More);
        if self.x.has(flag::ANSWERED) {
            self.x.input = Input::Done;
            return Ok(Done);
        }
        Ok(if self.x.content < before { Done } else { Waits })
    }

    fn end_body(&mut self, app: &mut A) -> Step {
        self.x.input = Input::Done;
        self.call(app);
        Done
    }

    /// Waits for input, if some can come.
    fn wait_for_input(&self) -> Result<Step, Status> {
        if self.x.has(flag::EOF) { Err(Status::BAD_REQUEST) } else { Ok(Waits) }
    }
}

/// The answer.
impl<A: 'static> Request<'_, '_, '_, A> {
    fn go_on_answering(&mut self, app: &mut A) -> Result<Step, Status> {
        if !self.write_rest() {
            return Ok(Waits);
        }
        if self.x.has(flag::OPEN)
            && let Some(pull) = self.route().and_then(|route| route.pull)
        {
            pull(app, self);
            if self.x.has(flag::OPEN) {
                self.wait_to_pull();
                return Ok(Waits);
            }
        }
        if !self.x.has(flag::COMPLETE) {
            return Ok(Waits);
        }
        if self.x.has(flag::LAST) {
            self.conn.close();
        } else {
            self.x.begin_again();
        }
        Ok(Done)
    }

    /// Waits for more room than there is. An application that has left all the room there is has nothing to
    /// write, and says so when it has.
    pub(crate) fn wait_to_pull(&mut self) {
        if self.conn.output_len() > 0 {
            let (_, size) = self.conn.ring_sizes();
            let room = self.conn.room().saturating_add(1).max(size / 2);
            self.conn.wait_for_room(room);
        }
    }
}

/// Time.
impl<A: 'static> Request<'_, '_, '_, A> {
    fn set_timer(&mut self) {
        let Limits { head, idle, rate, .. } = self.site.limits;
        let is_held_back = self.conn.room() < self.site.room;
        let (timer, delay) = match self.x.input {
            Input::Line | Input::Fields if is_held_back => (Timer::Rate, Limits::WINDOW),
            Input::Line if self.conn.input_len() == 0 && !self.x.has(flag::SKIPPED) => {
                (Timer::Idle, idle)
            }
            Input::Line | Input::Fields => (Timer::Head, head),
            Input::Frames => (Timer::Silence, idle),
            _ if rate == 0 => (Timer::None, idle),
            _ => (Timer::Rate, Limits::WINDOW),
        };
        if timer == self.x.timer {
            return;
        }
        self.x.timer = timer;
        if timer == Timer::None {
            self.conn.cancel_alarm();
            return;
        }
        if timer == Timer::Rate {
            self.x.mark = self.progress();
        }
        self.conn.alarm_after(delay);
    }

    /// The time of the timer is up.
    pub(crate) fn time_is_up(&mut self, app: &mut A) {
        match core::mem::replace(&mut self.x.timer, Timer::None) {
            Timer::None => {}
            Timer::Idle => self.conn.close(),
            Timer::Head => self.refuse(Status::REQUEST_TIMEOUT),
            Timer::Rate if self.is_too_slow() => {
                if self.x.awaits_body() && !self.x.has(flag::ANSWERED) {
                    self.refuse(Status::REQUEST_TIMEOUT);
                } else {
                    self.conn.abort_with(picoevent::ConnError::TimedOut);
                }
            }
            Timer::Rate => self.set_timer(),
            Timer::Silence => {
                self.call_hook(app, |hooks| hooks.alarm);
                if self.conn.is_open() {
                    self.set_timer();
                }
            }
        }
    }

    /// Returns how many bytes the peer has sent and taken.
    pub(crate) fn progress(&self) -> u32 {
        let held = (self.conn.input_len() as u32).wrapping_sub(self.conn.output_len() as u32);
        self.x.moved.wrapping_add(held)
    }

    /// Returns whether it is the peer that is waited for, and it was slow.
    pub(crate) fn is_too_slow(&self) -> bool {
        let takes_pieces = self.route().is_some_and(|route| route.part.is_some());
        let is_data = matches!(self.x.input, Input::Body | Input::Chunk);
        let is_held_back = takes_pieces && is_data && self.conn.input_len() > 0;
        let is_awaited = self.x.awaits_body() && !is_held_back || self.conn.output_len() > 0;
        let seconds = Limits::WINDOW.as_secs() as u32;
        let least = self.site.limits.rate.saturating_mul(seconds);
        is_awaited && self.progress().wrapping_sub(self.x.mark) < least
    }
}

/// The end, and what only some routes need.
impl<A: 'static> Request<'_, '_, '_, A> {
    /// The connection has ended.
    pub(crate) fn lose(&mut self, app: &mut A) {
        if self.x.input == Input::Frames {
            self.call_hook(app, |hooks| hooks.ended);
        } else if self.x.awaits_body()
            && self.x.has(flag::STREAMED)
            && let Some(part) = self.route().and_then(|route| route.part)
        {
            part(app, self, Part::Lost);
        }
    }

    pub(crate) fn call_hook(
        &mut self,
        app: &mut A,
        hook: impl FnOnce(&crate::route::SocketHooks<A>) -> crate::route::OnRequest<A>,
    ) {
        if let Some(hooks) = self.route().and_then(|route| route.socket.as_ref()) {
            hook(hooks)(app, self);
        }
    }
}
