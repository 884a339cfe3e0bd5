//! The way of a request of a client: connection, head, content, answer, and the next one.

use core::time::Duration;

use picoevent::{ConnEnd, ConnMut, Cx, Eol, PoolId, Protocol};

use super::head::{begin_content, place, status_line, take_answer_field};
use super::memory::{Call, Clients, State};
use super::{Ask, CallError, Caller, Calls, Response};
use crate::engine::Step;
use crate::exchange::{Input, Timer, flag};
use crate::head::{field, without_return};
use crate::limits::Limits;
use crate::method::Method;
use crate::number::Decimal;
use crate::reply::Length;
use crate::request::{Request, keep};
use crate::status::Status;
use crate::text::{copy, is_same};

/// How a request has ended.
type Outcome = Option<Result<Status, CallError>>;

/// Under this number the text keeps where a redirect leads.
const LOCATION: u8 = 253;
/// The longest value of `Location` that is followed.
const LONGEST: usize = 200;

impl<C> Calls<C> {
    /// Makes a request. [`Caller::done`] says how it has ended, which this call never does. A connection is
    /// taken from `pool`, unless the last one is kept and goes to the same server.
    ///
    /// # Errors
    /// [`CallError::Busy`] while another request is under way, [`CallError::BadRequest`] when it does not fit,
    /// [`CallError::Setup`] when there is no connection. No request was made then.
    pub fn ask<A: 'static>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        pool: PoolId,
        ask: &Ask<'_>,
    ) -> Result<(), CallError>
    where
        C: Caller<A>,
    {
        let (call, text) = C::client(app).parts();
        call.begin(text, ask)?;
        let Some(held) = call.conn else {
            return match cx.connect::<Self>(ask.address, pool) {
                Ok(conn) => {
                    call.conn = Some(conn);
                    Ok(())
                }
                Err(error) => {
                    call.state = State::Idle;
                    Err(CallError::Setup(error))
                }
            };
        };
        // One that has just been closed connects again when it has ended.
        let Ok(mut conn) = cx.conn(held) else { return Ok(()) };
        if call.kept_to != Some(ask.address) || !conn.is_open() {
            conn.close();
            return Ok(());
        }
        // It is sent in the next pass.
        call.is_kept = true;
        conn.wait_for_room(1);
        Ok(())
    }

    /// Gives up the request that is under way. [`Caller::done`] is told so in the next pass. Returns whether
    /// there is one.
    pub fn cancel<A: 'static>(app: &mut A, cx: &mut Cx<'_, A>) -> bool
    where
        C: Caller<A>,
    {
        let (call, _) = C::client(app).parts();
        let Some(Ok(mut conn)) = call.conn.map(|conn| cx.conn(conn)) else { return false };
        let is_under_way = call.state != State::Idle;
        if is_under_way {
            call.state = State::Sent;
            call.is_kept = false;
            conn.abort();
        }
        is_under_way
    }

    /// Lets an answer go on whose content was not taken. Returns whether there is one.
    pub fn go_on<A: 'static>(app: &mut A, cx: &mut Cx<'_, A>) -> bool
    where
        C: Caller<A>,
    {
        let (call, _) = C::client(app).parts();
        let Some(Ok(mut conn)) = call.conn.map(|conn| cx.conn(conn)) else { return false };
        let is_under_way = call.state == State::Sent;
        if is_under_way {
            Self::run(app, &mut conn, advance::<A, C>);
        }
        is_under_way
    }

    /// Works on a copy of the client's state, and reports the outcome.
    fn run<A: 'static>(
        app: &mut A,
        conn: &mut ConnMut<'_, '_, A>,
        work: impl FnOnce(&mut A, &mut Request<'_, '_, '_, A>, &mut Call) -> Outcome,
    ) where
        C: Caller<A>,
    {
        let Some(mut copy) = C::client(app).take() else { return };
        let (call, text) = C::Client::parts_of(&mut copy);
        let mut x = call.x;
        let outcome = work(app, &mut Request { conn, x: &mut x, text, site: C::PARTS }, call);
        call.x = x;
        if outcome.is_some() {
            call.state = State::Idle;
        }
        C::client(app).put(copy);
        if let Some(outcome) = outcome {
            C::done(app, conn.cx(), outcome);
        }
    }
}

impl<A: 'static, C: Caller<A>> Protocol<A> for Calls<C> {
    const STALL: Option<Duration> = Some(C::LIMITS.stall);

    fn opened(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::run(app, conn, |app, request, call| {
            request.x.flags = 0;
            send(request, call);
            advance::<A, C>(app, request, call)
        });
    }

    fn readable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::run(app, conn, advance::<A, C>);
    }

    fn writable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::readable(app, conn);
    }

    fn eof(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::run(app, conn, |app, request, call| {
            request.x.set(flag::EOF);
            advance::<A, C>(app, request, call)
        });
    }

    fn alarm(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::run(app, conn, |_, request, _| {
            match core::mem::replace(&mut request.x.timer, Timer::None) {
                Timer::Idle => request.conn.close(),
                Timer::Head => return fail(request, CallError::TimedOut),
                Timer::Rate if request.is_too_slow() => return fail(request, CallError::TimedOut),
                _ => set_timer(request),
            }
            None
        });
    }

    fn ended(app: &mut A, conn: &mut ConnMut<'_, '_, A>, end: ConnEnd) {
        Self::run(app, conn, |_, request, call| {
            call.kept_to = None;
            let repeats = call.state == State::Sent && is_repeated(request, call);
            // A connect that has failed was opened by nobody.
            let has_failed = call.state == State::Waiting && matches!(end, ConnEnd::Failed(_));
            if (call.state == State::Waiting && !has_failed || repeats)
                && let Some(address) = call.address
                && request.conn.connect(address).is_ok()
            {
                (call.state, call.is_kept) = (State::Waiting, false);
                return None;
            }
            call.conn = None;
            (call.state != State::Idle).then_some(Err(match end {
                ConnEnd::Failed(error) => CallError::Lost(Some(error)),
                ConnEnd::Aborted => CallError::Cancelled,
                ConnEnd::Closed => CallError::Lost(None),
            }))
        });
    }
}

/// Returns whether a request is made again on a new connection: a server may end one that is kept just when the
/// next request comes.
fn is_repeated<A: 'static>(request: &Request<'_, '_, '_, A>, call: &Call) -> bool {
    let is_unheard = request.x.input == Input::Line && request.conn.input_len() == 0;
    let may_repeat = call.method != Method::Post && call.content == Some(Length::Known(0));
    call.is_kept && is_unheard && may_repeat
}

/// Writes the head of a request.
fn send<A: 'static>(request: &mut Request<'_, '_, '_, A>, call: &mut Call) {
    // The server may have ended its stream since the last answer.
    let eof = request.x.flags & flag::EOF;
    call.begin_sending();
    *request.x = call.x;
    request.x.set(eof);
    let [fields, host, target] = call.place(request.text);
    let length = match call.content {
        Some(Length::Known(0)) if matches!(call.method, Method::Get | Method::Head) => None,
        Some(Length::Known(length)) => Some(Decimal::of(length)),
        _ => None,
    };
    let is_chunked = call.content == Some(Length::Unknown);
    let pick = |is: bool, text: &'static str| if is { text.as_bytes() } else { &[] };
    let parts = [
        call.method.name().as_bytes(),
        b" ",
        target,
        b" HTTP/1.1\r\nHost: ",
        host,
        pick(length.is_some(), "\r\nContent-Length: "),
        length.as_ref().map(Decimal::as_bytes).unwrap_or_default(),
        pick(is_chunked, "\r\nTransfer-Encoding: chunked"),
        b"\r\n",
        fields,
        b"\r\n",
    ];
    let size = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
    if size > request.conn.room() {
        request.x.set(flag::BARE);
        return;
    }
    for part in parts {
        request.conn.write_some(part);
    }
    request.x.count(size);
    request.x.left = match call.content {
        Some(Length::Known(length)) => length,
        _ => u32::MAX,
    };
    request.x.set(match call.content {
        Some(Length::Known(0)) | None => flag::COMPLETE,
        _ => flag::OPEN,
    });
    if is_chunked {
        request.x.set(flag::CHUNKS);
    }
    // There is no answer to give.
    request.x.set(flag::LATER);
}

/// Ends the connection with an error.
fn fail<A: 'static>(request: &mut Request<'_, '_, '_, A>, error: CallError) -> Outcome {
    request.conn.abort();
    Some(Err(error))
}

/// Goes on as far as input, room and the application allow.
fn advance<A: 'static, C: Caller<A>>(
    app: &mut A,
    request: &mut Request<'_, '_, '_, A>,
    call: &mut Call,
) -> Outcome {
    if call.state == State::Waiting && call.is_kept {
        send(request, call);
    }
    if call.state != State::Sent {
        // Nobody has asked for this.
        let is_over = request.conn.input_len() > 0 || request.x.has(flag::EOF);
        if is_over && call.state == State::Idle {
            request.conn.close();
        }
        return None;
    }
    if request.x.has(flag::BARE) {
        return fail(request, CallError::BadRequest);
    }
    while request.conn.is_open() {
        if request.x.has(flag::OPEN) && request.x.input == Input::Line {
            C::upload(app, &mut Response::new(request));
            if request.x.has(flag::OPEN) {
                request.wait_to_pull();
            }
        }
        let step = match request.x.input {
            Input::Line | Input::Fields => read_head::<A, C>(app, request, call),
            Input::Done => return finish(request, call),
            Input::Body if request.x.has(flag::UNBOUNDED) && is_at_end(request) => {
                request.x.input = Input::Done;
                Ok(Step::Done)
            }
            Input::Body => request.read_content(app).map_err(of_status),
            _ => request.read_chunks(app).map_err(of_status),
        };
        match step {
            Ok(Step::Done) => {}
            Ok(Step::Waits) => break,
            Err(error) => return fail(request, error),
        }
    }
    if request.conn.is_open() {
        set_timer(request);
    }
    None
}

/// Returns whether all of the content has come that ends with the connection.
fn is_at_end<A: 'static>(request: &Request<'_, '_, '_, A>) -> bool {
    request.x.has(flag::EOF) && request.conn.input_len() == 0
}

/// Returns the error that a server would have answered with this status.
fn of_status(status: Status) -> CallError {
    match status {
        Status::CONTENT_TOO_LARGE | Status::FIELDS_TOO_LARGE => CallError::TooLong,
        _ => CallError::Malformed,
    }
}

/// The answer is complete.
fn finish<A: 'static>(request: &mut Request<'_, '_, '_, A>, call: &mut Call) -> Outcome {
    let status = Status::new(request.x.requests);
    let is_over = request.x.has_any(flag::LAST | flag::EOF | flag::OPEN);
    if is_over {
        request.conn.close();
    } else {
        call.kept_to = call.address;
        request.x.timer = Timer::Idle;
        request.conn.alarm_after(request.site.limits.idle);
    }
    Some(status.ok_or(CallError::Malformed))
}

/// Reads a line of the head.
fn read_head<A: 'static, C: Caller<A>>(
    app: &mut A,
    request: &mut Request<'_, '_, '_, A>,
    call: &mut Call,
) -> Result<Step, CallError> {
    let longest = usize::from(request.site.limits.line);
    let repeats = is_repeated(request, call);
    let Request { conn, x, text, site } = &mut *request;
    let held = conn.input_len();
    let line = match conn.take_line(Eol::Lf) {
        Some(Ok(line)) if line.len() <= longest => line,
        None if held <= longest && !x.has(flag::EOF) => return Ok(Step::Waits),
        None if repeats => {
            (call.state, call.is_kept) = (State::Waiting, false);
            conn.close();
            return Ok(Step::Waits);
        }
        None if held <= longest => return Err(CallError::Lost(None)),
        _ => return Err(CallError::TooLong),
    };
    let line = without_return(line).map_err(|_| CallError::Malformed)?;
    if x.input == Input::Line {
        let (is_old, code) = status_line(line)?;
        if code == 101 {
            return Err(CallError::Malformed);
        }
        if is_old {
            x.set(flag::OLD);
        }
        (x.requests, x.input) = (code, Input::Fields);
        return Ok(Step::Done);
    }
    if !line.is_empty() {
        x.fields = x.fields.saturating_add(1);
        if x.fields > site.limits.fields {
            return Err(CallError::TooLong);
        }
        let (name, value) = field(line).map_err(|_| CallError::Malformed)?;
        take_answer_field(x, name, value)?;
        let is_it = |known: &&str| is_same(known.as_bytes(), name);
        let number = site.headers.iter().position(is_it).map(|number| number as u8);
        let is_kept = number.is_none_or(|number| keep(x, text, number, value));
        let leads = is_same(name, b"location") && matches!(x.requests, 301..=303 | 307 | 308);
        let is_noted = !leads || keep(x, text, LOCATION, value);
        return if is_kept && is_noted { Ok(Step::Done) } else { Err(CallError::TooLong) };
    }
    if matches!(x.requests, 100..=199) {
        // The answer proper follows.
        x.flags &= !(flag::LENGTH | flag::CHUNKED | flag::CLOSE | flag::KEEP | flag::OLD);
        (x.input, x.requests, x.content, x.kept) = (Input::Line, 0, 0, x.target);
        return Ok(Step::Done);
    }
    begin_content(x, x.requests)?;
    if x.has(flag::LENGTH) && x.body > site.limits.body {
        return Err(CallError::TooLong);
    }
    if follow(request, call)? {
        if call.redirects > C::REDIRECTS {
            return Err(CallError::Redirects);
        }
        // What it says besides is not read.
        call.state = State::Waiting;
        request.conn.close();
        return Ok(Step::Waits);
    }
    C::answered(app, &mut Response::new(request));
    Ok(Step::Done)
}

/// Sets where a redirect leads. Returns whether it is followed.
fn follow<A: 'static>(
    request: &mut Request<'_, '_, '_, A>,
    call: &mut Call,
) -> Result<bool, CallError> {
    let Some(location) = request.kept(LOCATION) else { return Ok(false) };
    // The text is written to where it lies.
    let mut buffer = [0; LONGEST];
    let Some(room) = buffer.get_mut(..location.len()) else { return Err(CallError::TooLong) };
    copy(room, location);
    let Some(found) = place(room) else { return Ok(false) };
    let repeats_content = call.content != Some(Length::Known(0));
    match request.x.requests {
        307 | 308 if repeats_content => return Ok(false),
        307 | 308 => {}
        303 if call.method != Method::Head => call.method = Method::Get,
        _ if call.method == Method::Post => call.method = Method::Get,
        _ if repeats_content => return Ok(false),
        _ => {}
    }
    if call.method == Method::Get {
        call.content = Some(Length::Known(0));
    }
    let fields = usize::from(call.host[0]);
    let mut name = [0; LONGEST];
    let host = match found.server {
        Some((address, host)) => {
            call.address = Some(address);
            host
        }
        None => {
            let [_, host, _] = call.place(request.text);
            let Some(room) = name.get_mut(..host.len()) else { return Err(CallError::TooLong) };
            copy(room, host);
            &*room
        }
    };
    call.x = *request.x;
    call.set_place(request.text, fields, host, found.target).ok_or(CallError::TooLong)?;
    *request.x = call.x;
    call.redirects = call.redirects.saturating_add(1);
    Ok(true)
}

/// Sets the alarm: for the head of the answer, or for the rate.
fn set_timer<A: 'static>(request: &mut Request<'_, '_, '_, A>) {
    let is_head = matches!(request.x.input, Input::Line | Input::Fields);
    let Limits { head, rate, .. } = request.site.limits;
    let (timer, delay) = match is_head && !request.x.has(flag::OPEN) {
        true => (Timer::Head, head),
        false if rate == 0 => return,
        false => (Timer::Rate, Limits::WINDOW),
    };
    if timer != request.x.timer {
        request.x.timer = timer;
        if timer == Timer::Rate {
            request.x.mark = request.progress();
        }
        request.conn.alarm_after(delay);
    }
}
