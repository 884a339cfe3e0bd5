//! A client's connection, as a [`Protocol`]. The connection is kept after a request, so that the next request can use
//! it.

use core::marker::PhantomData;
use core::time::Duration;

use picoevent::{Conn, ConnEnd, ConnMut, Cx, PoolId, Protocol};

use super::engine::{LONGEST, Outcome, advance, fail, is_repeated, send, set_timer};
use super::head::host_and_port;
use super::memory::{Call, Clients, State};
use super::{CallError, ClientRequest};
use crate::exchange::{Input, Timer, flag};
use crate::request::Request;
use crate::route::Parts;
use crate::text::{ascii, copy};
use crate::websocket;

/// The callbacks and constants of a client. The application defines them in a [`Caller`](super::Caller) or a
/// [`SocketCaller`](crate::SocketCaller).
pub(crate) trait Kind<A: 'static> {
    type Client: Clients;
    /// The constants of the client. The code that is shared with the server calls the functions of a route, so the
    /// client has one route. In this route, `before` handles the head of the answer, `part` handles the content of the
    /// answer, and `pull` writes the content of the request.
    const PARTS: &'static Parts<A>;
    const REDIRECTS: u8;

    fn client(app: &mut A) -> &mut Self::Client;

    /// Reports that the request has ended.
    fn done(app: &mut A, cx: &mut Cx<'_, A>, outcome: Result<u16, CallError>);
}

/// The connection of a client of the kind `K`.
pub(crate) struct ClientConn<K>(PhantomData<K>);

/// A function that works on a copy of the client's state, so that the function can borrow the application.
type Work<'w, A> = &'w mut dyn FnMut(&mut A, &mut Request<'_, '_, '_, A>, &mut Call) -> Outcome;

impl<K> ClientConn<K> {
    /// Makes a request.
    pub(crate) fn request<A: 'static>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        pool: PoolId,
        request: &ClientRequest<'_>,
    ) -> Result<(), CallError>
    where
        K: Kind<A>,
    {
        let (call, text) = K::client(app).parts();
        call.begin(text, request, K::REDIRECTS, K::PARTS.by_name.is_some())?;
        let Some(held) = call.conn else {
            let made = match call.address {
                Some(address) => cx.connect::<Self>(address, pool),
                None => cx.outgoing::<Self>(pool),
            };
            let Ok(conn) = made else {
                call.state = State::Idle;
                return made.map(|_| ()).map_err(CallError::Setup);
            };
            call.conn = Some(conn);
            if call.address.is_some() {
                return Ok(());
            }
            let Ok(mut conn) = cx.conn(conn) else { return Ok(()) };
            if connect::<A, K>(app, &mut conn) {
                return Ok(());
            }
            conn.abort();
            K::client(app).parts().0.state = State::Idle;
            return Err(CallError::Unresolved);
        };
        // If the connection was just closed or lost, its `ended` callback has not run yet. This callback connects
        // again.
        call.is_kept = true;
        let Ok(mut conn) = cx.conn(held) else { return Ok(()) };
        if !call.is_idle || !conn.is_open() {
            conn.close();
            return Ok(());
        }
        // The request is sent in the next pass.
        call.is_idle = false;
        conn.wait_for_room(1);
        Ok(())
    }

    /// Cancels the request in progress. Returns whether there was a request.
    pub(crate) fn cancel<A: 'static>(app: &mut A, cx: &mut Cx<'_, A>) -> bool
    where
        K: Kind<A>,
    {
        let (call, _) = K::client(app).parts();
        let is_under_way = call.state != State::Idle;
        if is_under_way {
            // With this state, `ended` reports the end. If the connection is closed already, `ended` is still to run.
            (call.state, call.is_kept) = (State::Sent, false);
            if let Some(Ok(mut conn)) = call.conn.map(|conn| cx.conn(conn)) {
                conn.abort();
            }
        }
        is_under_way
    }

    /// Returns the connection if the request was sent, or is being sent.
    pub(crate) fn sent<A: 'static>(app: &mut A) -> Option<Conn>
    where
        K: Kind<A>,
    {
        let (call, _) = K::client(app).parts();
        call.conn.filter(|_| call.state == State::Sent)
    }

    /// Runs `work` on a copy of the client's state. If `work` returns an outcome, reports it to the application.
    pub(crate) fn run<A: 'static>(app: &mut A, conn: &mut ConnMut<'_, '_, A>, work: Work<'_, A>)
    where
        K: Kind<A>,
    {
        let Some(mut copy) = K::client(app).take() else { return };
        let (call, text) = K::Client::parts_of(&mut copy);
        let mut exchange = call.exchange;
        let outcome = work(
            app,
            &mut Request { conn, exchange: &mut exchange, text, site: K::PARTS, date: None },
            call,
        );
        call.exchange = exchange;
        if outcome.is_some() {
            call.state = State::Idle;
        }
        K::client(app).put(copy);
        if let Some(outcome) = outcome {
            K::done(app, conn.cx(), outcome);
        }
    }
}

impl<A: 'static, K: Kind<A>> Protocol<A> for ClientConn<K> {
    const STALL: Option<Duration> = Some(K::PARTS.limits.stall);
    const ROOM: usize = K::PARTS.room;

    fn opened(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::run(app, conn, &mut |app, request, call| {
            request.exchange.flags = 0;
            send(request, call);
            advance(app, request, call)
        });
    }

    fn readable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::run(app, conn, &mut advance);
    }

    fn writable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::readable(app, conn);
    }

    fn eof(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::run(app, conn, &mut |app, request, call| {
            request.exchange.set(flag::EOF);
            advance(app, request, call)
        });
    }

    fn alarm(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::run(app, conn, &mut time_is_up);
    }

    fn ended(app: &mut A, conn: &mut ConnMut<'_, '_, A>, end: ConnEnd) {
        Self::run(app, conn, &mut |_, request, call| ended(request, call, end));
        // If the state is `Waiting`, a request needs a new connection. This request is a repeated request, a redirected
        // request, or the next request of the application.
        let (call, _) = K::client(app).parts();
        if call.conn != Some(conn.id()) {
            return;
        }
        // The application may have made the next request in this callback. This request uses a new connection.
        call.is_kept = false;
        let is_wanted = call.state == State::Waiting;
        if is_wanted && connect::<A, K>(app, conn) {
            return;
        }
        let (call, _) = K::client(app).parts();
        (call.state, call.conn) = (State::Idle, None);
        if is_wanted {
            let error = match call.address {
                Some(_) => CallError::Lost(None),
                None => CallError::Unresolved,
            };
            K::done(app, conn.cx(), Err(error));
        }
    }
}

/// Connects an idle connection to the server of the request. Returns whether connecting has started.
fn connect<A: 'static, K: Kind<A>>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) -> bool {
    let (call, text) = K::client(app).parts();
    if let Some(address) = call.address {
        return conn.connect(address).is_ok();
    }
    let Some(by_name) = K::PARTS.by_name else { return false };
    let [_, host, _] = call.target(text);
    let Some((name, port)) = host_and_port(host) else { return false };
    // The name is copied, because the resolver borrows the application, and the application owns the text buffer.
    let mut buffer = [0; LONGEST];
    let Some(room) = buffer.get_mut(..name.len()) else { return false };
    copy(room, name);
    by_name(app, conn, ascii(room), port)
}

/// Handles the timeout.
fn time_is_up<A: 'static>(
    app: &mut A,
    request: &mut Request<'_, '_, '_, A>,
    _: &mut Call,
) -> Outcome {
    match core::mem::replace(&mut request.exchange.timer, Timer::None) {
        Timer::Idle => request.conn.close(),
        Timer::Head => return fail(request, CallError::TimedOut),
        Timer::Rate if request.is_too_slow() => return fail(request, CallError::TimedOut),
        timer => {
            if timer == Timer::Silence {
                request.call_hook(app, |hooks| hooks.alarm);
            }
            if request.conn.is_open() {
                set_timer(request);
            }
        }
    }
    None
}

/// Handles the end of the connection. Returns the outcome of the request, or `None` if there is no request, or if the
/// request will be sent on a new connection.
fn ended<A: 'static>(
    request: &mut Request<'_, '_, '_, A>,
    call: &mut Call,
    end: ConnEnd,
) -> Outcome {
    call.is_idle = false;
    let is_kept = core::mem::replace(&mut call.is_kept, false);
    // If connecting has failed, the state is still `Waiting`, because `opened` was not called. If the connection was
    // kept or ended in another way, a waiting request is sent on a new connection.
    match call.state {
        State::Idle => return None,
        State::Waiting if is_kept || !matches!(end, ConnEnd::Failed(_)) => return None,
        State::Sent
            if is_kept && matches!(end, ConnEnd::Failed(_)) && is_repeated(request, call) =>
        {
            call.state = State::Waiting;
            return None;
        }
        State::Sent if request.exchange.input == Input::Frames => {
            return Some(Ok(websocket::code_of(request.exchange)));
        }
        _ => {}
    }
    Some(Err(match end {
        ConnEnd::Failed(error) => CallError::Lost(Some(error)),
        ConnEnd::Aborted | ConnEnd::Closed => CallError::Cancelled,
    }))
}
