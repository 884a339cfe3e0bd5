//! Routes: which function answers which request. A table of them is a constant, in flash.

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

/// Answers a request, writes the next piece of its answer, or looks at its head.
pub type OnRequest<A> = fn(&mut A, &mut Request<'_, '_, '_, A>);

/// Takes a piece of a request's body.
pub type OnPart<A> = fn(&mut A, &mut Request<'_, '_, '_, A>, Part);

/// What has come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// There are bytes: [`Request::data`]. What is not [taken](Request::take) stays, and holds the peer back.
    More,
    /// The connection has ended, and the body is not complete. No answer can be given.
    Lost,
}

/// Tells the time of day; see [`Site::CLOCK`].
pub type Clock<A> = fn(&A, Instant) -> Option<u64>;

/// Looks at a field of the head, for a kind of route.
pub(crate) type OnField<A> =
    fn(&Route<A>, &mut Exchange, &mut [u8], name: &[u8], value: &[u8]) -> Result<(), Status>;

/// Reads a body in chunks.
pub(crate) type OnChunks<A> = fn(&mut A, &mut Request<'_, '_, '_, A>) -> Result<Step, Status>;

/// Writes a frame.
pub(crate) type OnFrame<A> =
    fn(&mut Request<'_, '_, '_, A>, head: &[u8], Payload<'_>) -> Result<(), ReplyError>;

/// What a WebSocket's route does with its connection.
pub(crate) struct SocketHooks<A: 'static> {
    pub(crate) advance: OnRequest<A>,
    pub(crate) alarm: OnRequest<A>,
    pub(crate) ended: OnRequest<A>,
    /// For the role of the client.
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

/// What the client of a WebSocket does.
pub(crate) struct ClientHooks<A: 'static> {
    /// Writes the header fields of the handshake. Returns whether there was room.
    pub(crate) ask: fn(&mut Request<'_, '_, '_, A>) -> bool,
    /// The server has agreed.
    pub(crate) opened: fn(&mut A, &mut Request<'_, '_, '_, A>) -> Result<(), CallError>,
    /// Writes a frame, masked.
    pub(crate) write: OnFrame<A>,
}

/// A path, a method, and the functions that answer.
///
/// In the path, `{name}` stands for one segment, and `{*name}` at the end for all that are left. The first
/// route that matches answers. `HEAD` is answered as `GET`, without the content; `OPTIONS`, and methods
/// that a path has no route for, are answered by the library.
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

    /// Makes a route for `POST`. Without [`body`](Self::body), the body is awaited, and has to fit the input
    /// ring: [`Request::data`].
    pub const fn post(path: &'static str, call: OnRequest<A>) -> Self {
        Self::new(Method::Post, path, call)
    }

    /// Makes a route for `PUT`, as [`post`](Self::post).
    pub const fn put(path: &'static str, call: OnRequest<A>) -> Self {
        Self::new(Method::Put, path, call)
    }

    /// Makes a route for `DELETE`.
    pub const fn delete(path: &'static str, call: OnRequest<A>) -> Self {
        Self::new(Method::Delete, path, call)
    }

    /// Makes a route for files, each under its own name: `Route::files("/{*name}", SITE)`.
    pub const fn files(path: &'static str, files: &'static [File]) -> Self {
        Self { files, field: Some(file::field), ..Self::get(path, file::serve) }
    }

    /// Makes a route for one file, whatever its name is.
    pub const fn file(path: &'static str, file: &'static File) -> Self {
        Self::files(path, core::slice::from_ref(file))
    }

    /// Makes a route for WebSockets, whose messages `message` gets.
    pub const fn websocket(path: &'static str, message: OnMessage<A>) -> Self {
        Self {
            message: Some(message),
            field: Some(websocket::field),
            socket: Some(SocketHooks::SERVER),
            ..Self::get(path, websocket::accept)
        }
    }

    /// Sets the subprotocols of a WebSocket, the best first. A client that asks for none of them gets none.
    #[must_use]
    pub const fn protocols(self, protocols: &'static [&'static str]) -> Self {
        Self { protocols, ..self }
    }

    /// Streams the body to `part`, of any length up to [`Limits::body`]. When all of it is taken, the route's
    /// own function answers.
    #[must_use]
    pub const fn body(self, part: OnPart<A>) -> Self {
        Self { part: Some(part), chunks: Some(|app, request| request.read_chunks(app)), ..self }
    }

    /// Calls `before` when the head is complete. If it answers, nothing else is called, and the body is not
    /// read: for a password, for instance.
    #[must_use]
    pub const fn before(self, before: OnRequest<A>) -> Self {
        Self { before: Some(before), ..self }
    }

    /// Calls `pull` for the next piece of an answer that was [begun](Request::begin), whenever there is room.
    #[must_use]
    pub const fn pull(self, pull: OnRequest<A>) -> Self {
        Self { pull: Some(pull), ..self }
    }

    /// Returns whether it answers this method.
    pub(crate) fn answers(&self, method: Method) -> bool {
        self.method == method || self.method == Method::Get && method == Method::Head
    }
}

const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A site: its routes, its limits, and where the application keeps its [`Server`](crate::Server).
///
/// [`Http`](crate::Http) has an example.
pub trait Site<A: 'static>: Sized {
    /// The routes, 255 at most.
    const ROUTES: &'static [Route<A>];
    /// What clients may use up.
    const LIMITS: Limits = Limits::new();
    /// The names of the header fields that are kept for [`Request::header`].
    const HEADERS: &'static [&'static str] = &[];
    /// The room for the head of an answer, and for short answers as a whole. With less room in the output
    /// ring, requests wait. The library's own answers need
    /// 160 bytes, and those with files 320.
    const ROOM: usize = 320;

    /// Returns the time of day, in seconds since the beginning of 1970, at a time of the loop; `None` while it is not
    /// known. With a clock, answers have the field `Date`, for which 37 bytes of room are added.
    ///
    /// ```
    /// use picoevent::Instant;
    /// use picoevent_http::{Clock, Route, Server, Site};
    ///
    /// struct App {
    ///     http: Server<4>,
    ///     /// When it was noon of some day, in seconds since 1970. `picoevent-sntp` knows better.
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

    /// What clients get that come when all places of the pool are taken; see [`Protocol::BUSY`].
    const BUSY: &'static [u8] = UNAVAILABLE;

    /// Whether a server whose places are all taken resets a connection that waits for a request, or for the rest of
    /// its head, so that a place is free for the next client: when a client takes the last place, and when another one
    /// was answered and waits, too. So clients that only hold places cannot keep others out, nor those that ask for
    /// much and take it slowly, and up to one place less is used by clients that are silent.
    const REPLACES: bool = false;

    /// The memory for the requests; see [`Server`](crate::Server).
    type Server: Slots;

    /// Returns it.
    fn server(app: &mut A) -> &mut Self::Server;

    /// All of the above.
    #[doc(hidden)]
    const PARTS: &'static Parts<A> = &Parts {
        routes: Self::ROUTES,
        limits: Self::LIMITS,
        headers: Self::HEADERS,
        room: Self::ROOM.saturating_add(if Self::CLOCK.is_some() { 37 } else { 0 }),
        by_name: None,
    };

    /// For the connections.
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
    /// For clients.
    pub(crate) by_name: Option<ByName<A>>,
}
