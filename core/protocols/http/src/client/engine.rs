//! The steps of a client's request: its head, its content, and the answer.

use picoevent::Eol;

use super::CallError;
use super::head::{
    address_of, begin_content, of_status, parse_location, status_line, take_answer_field,
};
use super::memory::{Call, State, drop_secrets};
use crate::engine::Step;
use crate::exchange::{Input, Timer, flag};
use crate::head::{field, without_return};
use crate::limits::Limits;
use crate::method::Method;
use crate::number::Decimal;
use crate::reply::Length;
use crate::request::{Request, keep};
use crate::route::ClientHooks;
use crate::status::Status;
use crate::text::{copy, is_same};

/// The result of a request: the status of its answer or, for a WebSocket, its close code. `None` means that there is no
/// result yet.
pub(super) type Outcome = Option<Result<u16, CallError>>;

/// The number with which [`keep`] stores the value of `Location`, and [`Request::kept`] finds this value.
const LOCATION: u8 = 253;
/// The maximum length in bytes of a value of `Location` that is followed, and of a server name.
pub(super) const LONGEST: usize = 200;

/// Returns whether to repeat a request on a new connection. A server may close a keep-alive connection at the same time
/// as the client sends the next request. A request that may have an effect is repeated only if none of it was sent.
pub(super) fn is_repeated<A: 'static>(request: &Request<'_, '_, '_, A>, call: &Call) -> bool {
    let is_unanswered = request.exchange.input == Input::Line && request.conn.input_len() == 0;
    let may_repeat = !matches!(call.method, Method::Post | Method::Patch)
        && call.content == Some(Length::Known(0));
    let is_unsent =
        request.exchange.written == 0 && request.conn.output_len() as u32 == request.exchange.moved;
    is_unanswered && (may_repeat || is_unsent)
}

/// Writes the head of a request.
pub(super) fn send<A: 'static>(request: &mut Request<'_, '_, '_, A>, call: &mut Call) {
    call.begin_sending();
    *request.exchange = call.exchange;
    let [fields, host, target] = call.target(request.text);
    let is_chunked = call.content == Some(Length::Unknown);
    let before = request.conn.room();
    let mut is_written = true;
    let mut put = |part: &[u8]| is_written &= request.conn.write(part).is_ok();
    put(call.method.name().as_bytes());
    put(b" ");
    put(target);
    put(b" HTTP/1.1\r\nHost: ");
    put(host);
    match call.content {
        Some(Length::Known(0)) if matches!(call.method, Method::Get | Method::Head) => {}
        Some(Length::Known(length)) => {
            put(b"\r\nContent-Length: ");
            put(Decimal::of(length).as_bytes());
        }
        Some(Length::Unknown) => put(b"\r\nTransfer-Encoding: chunked"),
        None => {}
    }
    put(b"\r\n");
    put(fields);
    if let Some(hooks) = client_hooks(request) {
        is_written &= (hooks.write_fields)(request);
    }
    is_written &= request.conn.write(b"\r\n").is_ok();
    if !is_written {
        request.exchange.set(flag::BARE);
        return;
    }
    call.text_end = request.exchange.kept;
    request.exchange.count(before.saturating_sub(request.conn.room()));
    request.exchange.left = match call.content {
        Some(Length::Known(length)) => length,
        _ => u32::MAX,
    };
    request.exchange.set(match call.content {
        Some(Length::Known(0)) | None => flag::COMPLETE,
        _ => flag::OPEN,
    });
    if is_chunked {
        request.exchange.set(flag::CHUNKS);
    }
    // Without this flag, the code that is shared with the server would send an answer with status 500 at the end of the
    // content.
    request.exchange.set(flag::LATER);
}

/// Resets the connection, and returns `error` as the outcome of the request.
pub(super) fn fail<A: 'static>(request: &mut Request<'_, '_, '_, A>, error: CallError) -> Outcome {
    request.conn.abort();
    Some(Err(error))
}

/// Advances the request until more input or more room is needed, or until the application has to act.
pub(super) fn advance<A: 'static>(
    app: &mut A,
    request: &mut Request<'_, '_, '_, A>,
    call: &mut Call,
) -> Outcome {
    let is_new = call.state != State::Sent;
    if is_new {
        // No request was sent. If the server has sent bytes or has ended its stream, the client closes the kept
        // connection. A waiting request is then sent on a new connection.
        let is_over = request.conn.input_len() > 0 || request.exchange.has(flag::EOF);
        if is_over && (call.state == State::Idle || call.is_kept) {
            request.conn.close();
        }
        if call.state == State::Idle || !call.is_kept || !request.conn.is_open() {
            return None;
        }
        send(request, call);
    }
    let is_unwritten = request.exchange.has(flag::BARE);
    if call.is_kept
        && (is_unwritten || request.exchange.has(flag::EOF) && is_repeated(request, call))
    {
        // The server has ended the kept connection, or its ring holds other output. A new connection has an empty ring.
        // An abort discards the output, so the server does not get the request twice.
        call.state = State::Waiting;
        request.conn.abort();
        return None;
    }
    if is_unwritten {
        return fail(request, CallError::BadRequest);
    }
    while request.conn.is_open() {
        // After an error or a redirect, the server does not need the rest of the content.
        let is_wanted = request.exchange.requests < 300 && request.exchange.input != Input::Done;
        if request.exchange.has(flag::OPEN) && is_wanted {
            // If the request was written in this callback, `eof` may follow in the same pass. Then the request is
            // repeated, so no content may be written yet.
            if !is_new && let Some(upload) = request.route().and_then(|route| route.pull) {
                upload(app, request);
            }
            if request.exchange.has(flag::OPEN) {
                request.wait_to_pull();
            }
        }
        let step = match request.exchange.input {
            Input::Line | Input::Fields => read_head(app, request, call),
            Input::Frames => {
                request.call_hook(app, |hooks| hooks.advance);
                Ok(Step::Waits)
            }
            Input::Done => return finish(request, call),
            Input::Body if request.exchange.has(flag::UNBOUNDED) => read_to_end(app, request),
            Input::Body => request.read_content(app).map_err(|status| lost_or(request, status)),
            _ => request.read_chunks(app).map_err(|status| lost_or(request, status)),
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

/// Reads content that ends when the server ends its stream.
fn read_to_end<A: 'static>(
    app: &mut A,
    request: &mut Request<'_, '_, '_, A>,
) -> Result<Step, CallError> {
    if request.conn.input_len() > 0 {
        return match request.exchange.content {
            0 => Err(CallError::TooLong),
            _ => request.read_content(app).map_err(of_status),
        };
    }
    if !request.exchange.has(flag::EOF) {
        return Ok(Step::Waits);
    }
    request.exchange.input = Input::Done;
    Ok(Step::Done)
}

/// Returns the error for content that the server has ended too early, or that is not valid.
fn lost_or<A: 'static>(request: &Request<'_, '_, '_, A>, status: Status) -> CallError {
    match request.exchange.has(flag::CUT) {
        true => CallError::Lost(None),
        false => of_status(status),
    }
}

/// Completes the request: closes the connection, or keeps the connection for the next request. Returns the status of
/// the answer.
fn finish<A: 'static>(request: &mut Request<'_, '_, '_, A>, call: &mut Call) -> Outcome {
    // Bytes after the answer belong to no request (RFC 9112, 6.3), so they must not become the next answer.
    let is_over = request.exchange.has_any(flag::LAST | flag::EOF | flag::OPEN)
        || request.conn.input_len() > 0;
    if is_over {
        request.conn.close();
    } else {
        call.is_idle = true;
        request.exchange.timer = Timer::Idle;
        request.conn.alarm_after(request.site.limits.idle);
    }
    Some(Ok(request.exchange.requests))
}

/// Reads a line of the head.
fn read_head<A: 'static>(
    app: &mut A,
    request: &mut Request<'_, '_, '_, A>,
    call: &mut Call,
) -> Result<Step, CallError> {
    let longest = usize::from(request.site.limits.line);
    let is_socket = client_hooks(request).is_some();
    let Request { conn, exchange, text, site, .. } = &mut *request;
    let held = conn.input_len();
    let line = match conn.take_line(Eol::Lf) {
        Some(Ok(line)) if line.len() <= longest => line,
        None if held <= longest && !exchange.has(flag::EOF) => return Ok(Step::Waits),
        None if held <= longest => return Err(CallError::Lost(None)),
        _ => return Err(CallError::TooLong),
    };
    let line = without_return(line).map_err(|_| CallError::Malformed)?;
    if exchange.input == Input::Line {
        let (is_http_1_0, code) = status_line(line)?;
        if code == 101 && !is_socket {
            return Err(CallError::Malformed);
        }
        if is_http_1_0 {
            exchange.set(flag::HTTP_1_0);
        }
        (exchange.requests, exchange.input) = (code, Input::Fields);
        return Ok(Step::Done);
    }
    if !line.is_empty() {
        exchange.fields = exchange.fields.saturating_add(1);
        if exchange.fields > site.limits.fields {
            return Err(CallError::TooLong);
        }
        let (name, value) = field(line).map_err(|_| CallError::Malformed)?;
        take_answer_field(exchange, name, value)?;
        let is_this_field = |known: &&str| is_same(known.as_bytes(), name);
        let number = site.headers.iter().position(is_this_field).map(|number| number as u8);
        let is_kept = number.is_none_or(|number| keep(exchange, text, number, value));
        let is_redirect =
            is_same(name, b"location") && matches!(exchange.requests, 301..=303 | 307 | 308);
        let is_location_kept = !is_redirect || keep(exchange, text, LOCATION, value);
        if !is_kept || !is_location_kept {
            return Err(CallError::TooLong);
        }
        if let Some(route) = site.routes.get(exchange.route())
            && let Some(field) = route.field
        {
            field(route, exchange, text, name, value).map_err(of_status)?;
        }
        return Ok(Step::Done);
    }
    if exchange.requests == 101
        && let Some(hooks) = client_hooks(request)
    {
        return (hooks.opened)(app, request).map(|()| Step::Done);
    }
    let exchange = &mut *request.exchange;
    if matches!(exchange.requests, 100..=199) {
        // This is an interim answer (status 1xx). The final answer follows.
        exchange.flags &= !(flag::LENGTH
            | flag::CHUNKED
            | flag::CLOSE
            | flag::KEEP
            | flag::HTTP_1_0
            | flag::UPGRADE);
        (exchange.input, exchange.requests, exchange.content, exchange.kept) =
            (Input::Line, 0, 0, call.text_end);
        return Ok(Step::Done);
    }
    begin_content(exchange, exchange.requests)?;
    let longest = request.site.limits.body;
    if exchange.has(flag::LENGTH) && exchange.body > longest {
        return Err(CallError::TooLong);
    }
    if exchange.has(flag::UNBOUNDED) {
        exchange.content = longest;
    }
    if follow(request, call)? {
        call.redirects = call.redirects.checked_sub(1).ok_or(CallError::Redirects)?;
        // The content of the redirect is not read, so the connection cannot be used for the next request.
        call.state = State::Waiting;
        request.conn.close();
        return Ok(Step::Waits);
    }
    if is_socket {
        let status = Status::new(request.exchange.requests).ok_or(CallError::Malformed)?;
        return Err(CallError::Refused(status));
    }
    if let Some(answered) = request.route().and_then(|route| route.before) {
        answered(app, request);
    }
    Ok(Step::Done)
}

/// If the answer is a redirect that can be followed, sets the new target of the request. Returns whether the redirect
/// is followed.
fn follow<A: 'static>(
    request: &mut Request<'_, '_, '_, A>,
    call: &mut Call,
) -> Result<bool, CallError> {
    let Some(location) = request.kept(LOCATION) else { return Ok(false) };
    // The value is copied, because the new host and target overwrite the text buffer.
    let mut buffer = [0; LONGEST];
    let Some(room) = buffer.get_mut(..location.len()) else { return Err(CallError::TooLong) };
    copy(room, location);
    let Some(found) = parse_location(room) else { return Ok(false) };
    let address = found.host.and_then(address_of);
    let has_names = request.site.by_name.is_some();
    if found.host.is_some() && address.is_none() && !has_names {
        return Ok(false);
    }
    let repeats_content = call.content != Some(Length::Known(0));
    match request.exchange.requests {
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
    let mut fields = usize::from(call.host[0]);
    let mut name = [0; LONGEST];
    let host = match found.host {
        Some(host) => {
            call.address = address;
            fields = drop_secrets(request.text, fields);
            host
        }
        None => {
            let [_, host, _] = call.target(request.text);
            let Some(room) = name.get_mut(..host.len()) else { return Err(CallError::TooLong) };
            copy(room, host);
            &*room
        }
    };
    call.exchange = *request.exchange;
    call.set_target(request.text, fields, host, found.target).ok_or(CallError::TooLong)?;
    *request.exchange = call.exchange;
    Ok(true)
}

/// Sets the timer. The timer limits the time for the head of the answer, or checks the rate of the content, or checks
/// whether the server of a WebSocket is silent.
pub(super) fn set_timer<A: 'static>(request: &mut Request<'_, '_, '_, A>) {
    let is_head = matches!(request.exchange.input, Input::Line | Input::Fields);
    let Limits { head, idle, rate, .. } = request.site.limits;
    let (timer, delay) = match is_head && !request.exchange.has(flag::OPEN) {
        true => (Timer::Head, head),
        false if request.exchange.input == Input::Frames => (Timer::Silence, idle),
        false if rate == 0 => (Timer::None, idle),
        false => (Timer::Rate, Limits::WINDOW),
    };
    if timer != request.exchange.timer {
        request.exchange.timer = timer;
        if timer == Timer::None {
            request.conn.cancel_alarm();
            return;
        }
        if timer == Timer::Rate {
            request.exchange.saved_progress = request.progress();
        }
        request.conn.alarm_after(delay);
    }
}

/// Returns the functions of a WebSocket client, or `None` if the request does not open a WebSocket.
fn client_hooks<A: 'static>(request: &Request<'_, '_, '_, A>) -> Option<&'static ClientHooks<A>> {
    request.route()?.socket?.client.as_ref()
}
