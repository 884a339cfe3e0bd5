//! Routes: the table of handlers. The table is a constant in flash.

use core::time::Duration;

use picoevent::Instant;
#[cfg(doc)]
use picoevent::Protocol;

use crate::client::{ByName, CallError};
use crate::engine::Step;
use crate::exchange::Exchange;
use crate::file::{self, File};
use crate::limits::Limits;
use crate::method::Method;
use crate::reply::ReplyError;
use crate::request::Request;
use crate::server::Slots;
use crate::status::Status;
use crate::websocket::{self, OnMessage, Payload};

/// A handler. It answers a request, writes the next piece of the answer, or checks the head of the request.
pub type OnRequest<A> = fn(&mut A, &mut Request<'_, '_, '_, A>);

/// A function that takes a piece of a request's body.
pub type OnPart<A> = fn(&mut A, &mut Request<'_, '_, '_, A>, Part);

/// An event of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Bytes have arrived. [`Request::data`] returns them. Bytes that are not [taken](Request::take) stay in the input
    /// ring and apply back-pressure to the peer.
    More,
    /// The connection has ended before the body was complete. No answer can be sent.
    Lost,
}

/// A function that returns the date and time; see [`Site::CLOCK`].
pub type Clock<A> = fn(&A, Instant) -> Option<u64>;

/// A function that evaluates a header field of a message. Only routes for files and for WebSockets have this function.
pub(crate) type OnField<A> =
    fn(&Route<A>, &mut Exchange, &mut [u8], name: &[u8], value: &[u8]) -> Result<(), Status>;

/// A function that reads a chunked body.
pub(crate) type OnChunks<A> = fn(&mut A, &mut Request<'_, '_, '_, A>) -> Result<Step, Status>;

/// A function that writes a frame.
pub(crate) type OnFrame<A> =
    fn(&mut Request<'_, '_, '_, A>, head: &[u8], Payload<'_>) -> Result<(), ReplyError>;

/// The functions of a WebSocket's route.
pub(crate) struct SocketHooks<A: 'static> {
    pub(crate) advance: OnRequest<A>,
    pub(crate) alarm: OnRequest<A>,
    pub(crate) ended: OnRequest<A>,
    /// The further functions of a client. `None` in a server.
    pub(crate) client: Option<ClientHooks<A>>,
}

impl<A: 'static> SocketHooks<A> {
    const SERVER: &'static Self = &Self {
        advance: websocket::advance,
        alarm: websocket::alarm,
        ended: websocket::ended,
        client: None,
    };
}

/// The functions of a WebSocket client.
pub(crate) struct ClientHooks<A: 'static> {
    /// Writes the header fields of the handshake. Returns whether there was room.
    pub(crate) write_fields: fn(&mut Request<'_, '_, '_, A>) -> bool,
    /// Called when the server has accepted the handshake.
    pub(crate) opened: fn(&mut A, &mut Request<'_, '_, '_, A>) -> Result<(), CallError>,
    /// Writes a masked frame.
    pub(crate) write: OnFrame<A>,
}

/// A path, a method, and the functions that handle the request.
///
/// In the path, `{name}` matches one segment, and `{*name}` at the end matches all remaining segments. The first route
/// that matches is used. `HEAD` is handled like `GET`, without the content. If no route matches the path, the library
/// answers with status 404. If a route matches the path but not the method, the library answers with 204 to `OPTIONS`,
/// and with 405 to other methods. Both answers list the methods of the path.
pub struct Route<A: 'static> {
    pub(crate) path: &'static str,
    pub(crate) method: Method,
    pub(crate) call: OnRequest<A>,
    pub(crate) before: Option<OnRequest<A>>,
    pub(crate) part: Option<OnPart<A>>,
    pub(crate) chunks: Option<OnChunks<A>>,
    pub(crate) pull: Option<OnRequest<A>>,
    pub(crate) field: Option<OnField<A>>,
    pub(crate) files: &'static [File],
    pub(crate) message: Option<OnMessage<A>>,
    pub(crate) protocols: &'static [&'static str],
    pub(crate) socket: Option<&'static SocketHooks<A>>,
}

impl<A: 'static> Route<A> {
    /// Makes a route for a method.
    pub const fn new(method: Method, path: &'static str, call: OnRequest<A>) -> Self {
        Self {
            path,
            method,
            call,
            before: None,
            part: None,
            chunks: None,
            pull: None,
            field: None,
            files: &[],
            message: None,
            protocols: &[],
            socket: None,
        }
    }

    /// Makes a route for `GET` and `HEAD`.
    pub const fn get(path: &'static str, call: OnRequest<A>) -> Self {
        Self::new(Method::Get, path, call)
    }

    /// Makes a route for `POST`. If [`body`](Self::body) is not set, the handler is called when the whole body has
    /// arrived. In this case the body has to fit into the input ring, and [`Request::data`] returns the body.
    pub const fn post(path: &'static str, call: OnRequest<A>) -> Self {
        Self::new(Method::Post, path, call)
    }

    /// Makes a route for `PUT`, like [`post`](Self::post).
    pub const fn put(path: &'static str, call: OnRequest<A>) -> Self {
        Self::new(Method::Put, path, call)
    }

    /// Makes a route for `DELETE`.
    pub const fn delete(path: &'static str, call: OnRequest<A>) -> Self {
        Self::new(Method::Delete, path, call)
    }

    /// Makes a route for files: `Route::files("/{*name}", SITE)`. The path selects the file by its name.
    pub const fn files(path: &'static str, files: &'static [File]) -> Self {
        Self { files, field: Some(file::field), ..Self::get(path, file::serve) }
    }

    /// Makes a route for one file. The file's name is not used.
    pub const fn file(path: &'static str, file: &'static File) -> Self {
        Self::files(path, core::slice::from_ref(file))
    }

    /// Makes a route for WebSockets. `message` is called with each message.
    pub const fn websocket(path: &'static str, message: OnMessage<A>) -> Self {
        Self {
            message: Some(message),
            field: Some(websocket::field),
            socket: Some(SocketHooks::SERVER),
            ..Self::get(path, websocket::accept)
        }
    }

    /// Sets the subprotocols of a WebSocket, in order of preference. If the client offers none of them, the WebSocket
    /// has no subprotocol.
    #[must_use]
    pub const fn protocols(self, protocols: &'static [&'static str]) -> Self {
        Self { protocols, ..self }
    }

    /// Passes the body to `part` piece by piece. The length of the body is limited only by [`Limits::body`]. When all
    /// of the body is taken, the route's handler is called.
    #[must_use]
    pub const fn body(self, part: OnPart<A>) -> Self {
        Self { part: Some(part), chunks: Some(|app, request| request.read_chunks(app)), ..self }
    }

    /// Calls `before` when the head is complete, for example to check a password. If `before` answers, no other
    /// function of the route is called and the body is not read.
    #[must_use]
    pub const fn before(self, before: OnRequest<A>) -> Self {
        Self { before: Some(before), ..self }
    }

    /// Calls `pull` for the next piece of an answer after [`Request::begin`], whenever there is room.
    #[must_use]
    pub const fn pull(self, pull: OnRequest<A>) -> Self {
        Self { pull: Some(pull), ..self }
    }

    /// Returns whether the route handles this method.
    pub(crate) fn answers(&self, method: Method) -> bool {
        self.method == method || self.method == Method::Get && method == Method::Head
    }
}

const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A site: its routes, its limits, and the location of its [`Server`](crate::Server) in the application.
///
/// [`Http`](crate::Http) has an example.
pub trait Site<A: 'static>: Sized {
    /// The routes, at most 255.
    const ROUTES: &'static [Route<A>];
    /// The limits for clients.
    const LIMITS: Limits = Limits::new();
    /// The names of the header fields that are stored for [`Request::header`].
    const HEADERS: &'static [&'static str] = &[];
    /// The number of bytes that must be free in the output ring before a request is read. This number must be enough
    /// for the head of each answer. If an answer with [`Request::reply`] needs more bytes, `reply` may fail with
    /// [`ReplyError::Full`]. The library's own answers need 160 bytes, and answers with files need 320.
    const ROOM: usize = 320;

    /// The function that returns the current date and time in seconds since 1970-01-01, or `None` while the time is
    /// unknown. Its argument is the current instant of the event loop. With a clock, answers have the field `Date`, and
    /// 37 bytes are added to [`ROOM`](Self::ROOM).
    ///
    /// ```
    /// use picoevent::Instant;
    /// use picoevent_http::{Clock, Route, Server, Site};
    ///
    /// struct App {
    ///     http: Server<4>,
    ///     /// Noon of some day, as an instant of the loop and in seconds since 1970. `picoevent-sntp` gets the real
    ///     /// time.
    ///     noon: Option<(Instant, u64)>,
    /// }
    ///
    /// struct Page;
    ///
    /// impl Site<App> for Page {
    ///     const ROUTES: &'static [Route<App>] = &[];
    ///     const CLOCK: Option<Clock<App>> = Some(App::unix);
    ///     type Server = Server<4>;
    ///     # fn server(app: &mut App) -> &mut Server<4> { &mut app.http }
    /// }
    ///
    /// impl App {
    ///     fn unix(&self, now: Instant) -> Option<u64> {
    ///         self.noon.map(|(at, unix)| unix + now.since(at).as_secs())
    ///     }
    /// }
    /// # let _ = <Page as Site<App>>::CLOCK;
    /// ```
    const CLOCK: Option<Clock<A>> = None;

    /// The answer to a client for which the server has no free slot, or for which the pool has only a spare connection;
    /// see [`Protocol::BUSY`].
    const BUSY: &'static [u8] = UNAVAILABLE;

    /// Whether a new client may replace a client that has no request in progress. If all slots of
    /// [`Server`](Self::Server) are in use, a connection that waits for a request, or for the rest of the head of a
    /// request, is reset, and the new client gets the slot of this connection. So idle clients cannot keep other
    /// clients out. A connection counts as waiting as soon as the whole answer is in the output ring, even if the
    /// client reads the answer slowly. If a request is in progress on all slots, the new client gets
    /// [`BUSY`](Self::BUSY).
    ///
    /// The pool must have more connections than the server has slots, so that a new client can connect while all slots
    /// are in use. One more connection is enough. The pool must not have [spare](picoevent::Pool::spare) connections.
    /// If the pool has a spare connection and gives this connection to the new client, the core sends
    /// [`BUSY`](Self::BUSY) to this client, and no other client is replaced.
    const REPLACES: bool = false;

    /// The memory for the requests; see [`Server`](crate::Server).
    type Server: Slots;

    /// Returns the memory for the requests.
    fn server(app: &mut A) -> &mut Self::Server;

    /// The constants of this trait, as one value.
    #[doc(hidden)]
    const PARTS: &'static Parts<A> = &Parts {
        routes: Self::ROUTES,
        limits: Self::LIMITS,
        headers: Self::HEADERS,
        room: Self::ROOM.saturating_add(if Self::CLOCK.is_some() { 37 } else { 0 }),
        by_name: None,
    };

    /// The stall limit of the connections.
    #[doc(hidden)]
    const STALL: Option<Duration> = Some(Self::LIMITS.stall);
}

/// The constants of a site.
#[doc(hidden)]
pub struct Parts<A: 'static> {
    pub(crate) routes: &'static [Route<A>],
    pub(crate) limits: Limits,
    pub(crate) headers: &'static [&'static str],
    pub(crate) room: usize,
    /// The function that connects a client to a server by its name.
    pub(crate) by_name: Option<ByName<A>>,
}
