//! HTTP as a [`Protocol`].

use core::marker::PhantomData;
use core::time::Duration;

use picoevent::{Conn, ConnEnd, ConnMut, Cx, Protocol};

use crate::date::Date;
use crate::exchange::{Input, flag};
use crate::request::Request;
use crate::route::{OnRequest, Site};
use crate::server::Slots;
use crate::websocket::Socket;

/// An HTTP server for a site. Use it as the [`Protocol`] in [`Cx::listen`].
///
/// This example is a server for a lamp:
///
/// ```
/// use core::net::SocketAddr;
/// use picoevent::{Cx, PoolId, SetupError};
/// use picoevent_http::{Http, Reply, Request, Route, Server, Site, Status};
///
/// struct App {
///     http: Server<4>,
///     is_on: bool,
/// }
///
/// struct Lamp;
///
/// impl Site<App> for Lamp {
///     const ROUTES: &'static [Route<App>] = &[
///         Route::get("/lamp", App::lamp),
///         Route::put("/lamp/{state}", App::set_lamp),
///     ];
///     type Server = Server<4>;
///
///     fn server(app: &mut App) -> &mut Server<4> {
///         &mut app.http
///     }
/// }
///
/// impl App {
///     fn lamp(&mut self, request: &mut Request<Self>) {
///         let state = if self.is_on { &b"on\n"[..] } else { b"off\n" };
///         let _ = request.reply(Reply::text(Status::OK), state);
///     }
///
///     fn set_lamp(&mut self, request: &mut Request<Self>) {
///         self.is_on = request.param("state").is_some_and(|state| state == "on");
///         let _ = request.reply(Reply::empty(Status::NO_CONTENT), b"");
///     }
/// }
///
/// fn start(cx: &mut Cx<App>, address: SocketAddr, clients: PoolId) -> Result<(), SetupError> {
///     cx.listen::<Http<Lamp>>(address, clients)?;
///     Ok(())
/// }
/// # let _ = start;
/// ```
pub struct Http<S>(PhantomData<S>);

impl<S> Http<S> {
    /// Calls `work` with the request on the connection `conn`, and returns the result of `work`. The request must be in
    /// one of these states:
    /// - The handler has called [`Request::later`], and the answer is not complete.
    /// - The handler has called [`Request::begin`], and the answer is not complete.
    /// - The body has not been taken completely.
    ///
    /// After `work`, the library continues to read the body or to write the answer. If `work` answers before the body
    /// is complete, the rest of the body is not read, and the connection ends after the answer. If the request is in
    /// none of these states, or if a handler of the connection is running, `work` is not called and `None` is returned.
    ///
    /// ```
    /// use picoevent::{Conn, EventMut};
    /// use picoevent_http::{Http, Reply, Request, Server, Site, Status};
    /// # use picoevent_http::Route;
    /// # struct App { http: Server<4>, waiting: Option<Conn> }
    /// # struct Page;
    /// # impl Site<App> for Page {
    /// #     const ROUTES: &'static [Route<App>] = &[Route::get("/measure", measure)];
    /// #     type Server = Server<4>;
    /// #     fn server(app: &mut App) -> &mut Server<4> { &mut app.http }
    /// # }
    /// fn measure(app: &mut App, request: &mut Request<App>) {
    ///     app.waiting = Some(request.id());
    ///     request.later();
    /// }
    ///
    /// fn measured(app: &mut App, event: &mut EventMut<App>) {
    ///     let Some(conn) = app.waiting.take() else { return };
    ///     Http::<Page>::with(app, event, conn, |_, request| {
    ///         let _ = request.reply(Reply::text(Status::OK), b"12.5\n");
    ///     });
    /// }
    /// # let _ = measured;
    /// ```
    pub fn with<A: 'static, T>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        conn: Conn,
        work: impl FnOnce(&mut A, &mut Request<'_, '_, '_, A>) -> T,
    ) -> Option<T>
    where
        S: Site<A>,
    {
        Self::on(app, cx, conn, |app, request| {
            let exchange = &*request.exchange;
            let is_under_way = exchange.awaits_body() || exchange.has_any(flag::LATER | flag::OPEN);
            is_under_way.then(|| {
                request.restart_rate();
                work(app, request)
            })
        })
    }

    /// Does the same as [`with`](Self::with) for each request whose route has the path `path`. Use this function, for
    /// example, to send an event to all clients of [server-sent events](Request::begin_events).
    pub fn each<A: 'static>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        path: &str,
        mut work: impl FnMut(&mut A, &mut Request<'_, '_, '_, A>),
    ) where
        S: Site<A>,
    {
        Self::each_conn(app, cx, path, |app, cx, conn| {
            Self::with(app, cx, conn, &mut work);
        });
    }

    /// Calls `work` with the WebSocket on the connection `conn`, for example to send a message. If the connection is
    /// not a WebSocket, or if a handler of the connection is running, `work` is not called and `None` is returned.
    pub fn socket<A: 'static, T>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        conn: Conn,
        work: impl FnOnce(&mut A, &mut Socket<'_, '_, '_, '_, A>) -> T,
    ) -> Option<T>
    where
        S: Site<A>,
    {
        Self::on(app, cx, conn, |app, request| {
            let is_websocket = request.exchange.input == Input::Frames;
            is_websocket.then(|| work(app, &mut Socket::new(request)))
        })
    }

    /// Does the same as [`socket`](Self::socket) for each WebSocket whose route has the path `path`.
    pub fn each_socket<A: 'static>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        path: &str,
        mut work: impl FnMut(&mut A, &mut Socket<'_, '_, '_, '_, A>),
    ) where
        S: Site<A>,
    {
        Self::each_conn(app, cx, path, |app, cx, conn| {
            Self::socket(app, cx, conn, &mut work);
        });
    }

    fn each_conn<'s, A: 'static>(
        app: &mut A,
        cx: &mut Cx<'s, A>,
        path: &str,
        mut work: impl FnMut(&mut A, &mut Cx<'s, A>, Conn),
    ) where
        S: Site<A>,
    {
        let mut slot_index = 0_usize;
        while let Some(held) = S::server(app).at(slot_index) {
            slot_index = slot_index.wrapping_add(1);
            if let Some((conn, route)) = held
                && S::ROUTES.get(route).is_some_and(|route| route.path == path)
            {
                work(app, cx, conn);
            }
        }
    }

    /// Calls `work` with the request on the connection `conn`, and then advances the request.
    fn on<A: 'static, T>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        conn: Conn,
        work: impl FnOnce(&mut A, &mut Request<'_, '_, '_, A>) -> Option<T>,
    ) -> Option<T>
    where
        S: Site<A>,
    {
        let mut conn = cx.conn(conn).ok()?;
        Self::run(app, &mut conn, |app, request| {
            let done = work(app, request);
            request.advance(app);
            done
        })?
    }

    /// Runs a callback of the connection. Not inlined, so that all callbacks share one copy of the code.
    #[inline(never)]
    fn call<A: 'static>(app: &mut A, conn: &mut ConnMut<'_, '_, A>, work: OnRequest<A>)
    where
        S: Site<A>,
    {
        Self::run(app, conn, work);
    }

    /// Resets a connection that waits for a request, and gives the slot of this connection to `conn`. Returns `false`
    /// if no connection waits for a request.
    fn replace<A: 'static>(app: &mut A, conn: &mut ConnMut<'_, '_, A>) -> bool
    where
        S: Site<A>,
    {
        let Some(waiting) = S::server(app).remove_waiting() else { return false };
        // The waiting connection has no slot any more, so its end is not reported.
        if let Ok(mut waiting) = conn.cx().conn(waiting) {
            waiting.abort();
        }
        S::server(app).add(conn.id())
    }

    /// Runs `work` on a copy of a connection's state, so that `work` can borrow the application.
    fn run<A: 'static, T>(
        app: &mut A,
        conn: &mut ConnMut<'_, '_, A>,
        work: impl FnOnce(&mut A, &mut Request<'_, '_, '_, A>) -> T,
    ) -> Option<T>
    where
        S: Site<A>,
    {
        let (slot_index, mut slot) = S::server(app).take(conn.id())?;
        let (exchange, text) = S::Server::parts(&mut slot);
        let unix = S::CLOCK.and_then(|clock| clock(app, conn.cx().now()));
        let date = unix.map(Date::new);
        let done = work(app, &mut Request { conn, exchange, text, site: S::PARTS, date });
        S::server(app).put(slot_index, slot);
        Some(done)
    }
}

impl<A: 'static, S: Site<A>> Protocol<A> for Http<S> {
    const STALL: Option<Duration> = S::STALL;
    const ROOM: usize = S::PARTS.room;
    const BUSY: &'static [u8] = S::BUSY;

    fn opened(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let has_slot = S::server(app).add(conn.id()) || S::REPLACES && Self::replace(app, conn);
        if !has_slot {
            conn.write_some(S::BUSY);
            return conn.close();
        }
        Self::call(app, conn, |app, request| request.advance(app));
    }

    fn readable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::call(app, conn, |app, request| request.advance(app));
    }

    fn writable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        if !S::server(app).is_idle(conn.id()) {
            Self::readable(app, conn);
        }
    }

    fn alarm(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::call(app, conn, |app, request| request.time_is_up(app));
    }

    fn eof(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        Self::call(app, conn, |app, request| {
            request.exchange.set(flag::EOF);
            request.advance(app);
        });
    }

    fn ended(app: &mut A, conn: &mut ConnMut<'_, '_, A>, _: ConnEnd) {
        Self::call(app, conn, |app, request| request.handle_end(app));
        S::server(app).remove(conn.id());
    }
}
