//! The client: its requests, and the callbacks for the answer.

mod connection;
mod engine;
mod error;
mod head;
mod memory;

use core::marker::PhantomData;
use core::net::SocketAddr;

use picoevent::{ConnMut, Cx, PoolId};

pub(crate) use connection::{ClientConn, Kind};
pub use error::CallError;
pub use memory::{Client, Clients};

use crate::limits::Limits;
use crate::method::Method;
use crate::reply::{Length, ReplyError};
use crate::request::Request;
use crate::route::{Parts, Route};
use crate::status::Status;

/// A request of a client.
///
/// ```
/// use core::net::SocketAddr;
/// use picoevent_http::{ClientRequest, Length, Method};
///
/// let server = SocketAddr::from(([192, 0, 2, 1], 80));
/// let page = ClientRequest::get(server, "pump.local", "/status");
/// let rest = page.fields("Range: bytes=1000-\r\n");
/// let by_name = ClientRequest::named(Method::Get, "pump.local:8080", "/status");
/// let upload = ClientRequest::new(Method::Put, server, "pump.local", "/firmware").content(Length::Known(4_096));
/// # let _ = (rest, by_name, upload);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ClientRequest<'t> {
    pub(crate) method: Method,
    /// The server's address. If it is `None`, the client looks up the host name.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) host: &'t str,
    pub(crate) target: &'t str,
    pub(crate) fields: &'t str,
    pub(crate) content: Length,
}

impl<'t> ClientRequest<'t> {
    /// Makes a request without content. `host` is the value of the `Host` field, and `target` is the path with the
    /// query.
    pub const fn new(method: Method, address: SocketAddr, host: &'t str, target: &'t str) -> Self {
        Self { address: Some(address), ..Self::named(method, host, target) }
    }

    /// Makes a request without content. `host` is the name of the server, or its address as text. A port other than 80
    /// is added after a colon: `pump.local:8080`. The client looks up names with [`Caller::BY_NAME`].
    pub const fn named(method: Method, host: &'t str, target: &'t str) -> Self {
        Self { method, address: None, host, target, fields: "", content: Length::Known(0) }
    }

    /// Makes a `GET` request.
    pub const fn get(address: SocketAddr, host: &'t str, target: &'t str) -> Self {
        Self::new(Method::Get, address, host, target)
    }

    /// Sets additional header fields. Each field must end with `\r\n`.
    #[must_use]
    pub const fn fields(self, fields: &'t str) -> Self {
        Self { fields, ..self }
    }

    /// Sets the length of the content. [`Caller::upload`] writes the content.
    #[must_use]
    pub const fn content(self, length: Length) -> Self {
        Self { content: length, ..self }
    }
}

/// A function that connects an idle connection to a port of a server. `name` is the name of the server, or its address
/// as text. The function returns whether connecting has started. The callbacks of the connection report the outcome.
///
/// ```
/// use picoevent::ConnMut;
/// use picoevent_http::ByName;
/// # struct App;
/// /// Connects to the server `pump`. All other names are unknown.
/// fn connect(_: &mut App, conn: &mut ConnMut<App>, name: &str, port: u16) -> bool {
///     name == "pump" && conn.connect(([192, 0, 2, 1], port).into()).is_ok()
/// }
///
/// const CONNECT: ByName<App> = connect;
/// # let _ = CONNECT;
/// ```
pub type ByName<A> = fn(&mut A, &mut ConnMut<'_, '_, A>, name: &str, port: u16) -> bool;

/// Looks up `name` with `picoevent-dns`, and connects to the server. Use this function as [`Caller::BY_NAME`].
///
/// ```
/// use picoevent_dns::{HasResolver, Resolver, ResolverMut};
/// use picoevent_http::{ByName, Caller, Client, by_name};
/// # use picoevent::Cx;
/// # use picoevent_http::{CallError, Response, Status};
///
/// struct App {
///     names: Resolver<App, 1, 2>,
///     http: Client,
/// }
///
/// impl HasResolver for App {
///     fn resolver(&mut self) -> ResolverMut<'_, Self> {
///         self.names.as_mut()
///     }
/// }
///
/// struct Fetch;
///
/// impl Caller<App> for Fetch {
///     const BY_NAME: Option<ByName<App>> = Some(by_name);
///     type Client = Client;
/// #   fn client(app: &mut App) -> &mut Client { &mut app.http }
/// #   fn part(_: &mut App, _: &mut Response<App>) {}
/// #   fn done(_: &mut App, _: &mut Cx<App>, _: Result<Status, CallError>) {}
/// }
/// # let _ = <Fetch as Caller<App>>::BY_NAME;
/// ```
#[cfg(feature = "names")]
pub fn by_name<A: picoevent_dns::HasResolver>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    name: &str,
    port: u16,
) -> bool {
    picoevent_dns::connect_again(app, conn, core::time::Duration::ZERO, name, port).is_ok()
}

/// The callbacks for the answers to a client's requests.
///
/// This example downloads a file and counts the bytes:
///
/// ```
/// use core::net::SocketAddr;
/// use picoevent::{Cx, PoolId};
/// use picoevent_http::{CallError, Caller, Calls, Client, ClientRequest, Response, Status};
///
/// struct App {
///     http: Client,
///     bytes: usize,
/// }
///
/// struct Download;
///
/// impl Caller<App> for Download {
///     type Client = Client;
///
///     fn client(app: &mut App) -> &mut Client {
///         &mut app.http
///     }
///
///     fn part(app: &mut App, response: &mut Response<App>) {
///         app.bytes += response.take(usize::MAX);
///     }
///
///     fn done(app: &mut App, _: &mut Cx<App>, outcome: Result<Status, CallError>) {
///         if outcome != Ok(Status::OK) {
///             app.bytes = 0;
///         }
///     }
/// }
///
/// fn start(app: &mut App, cx: &mut Cx<App>, pool: PoolId, server: SocketAddr) -> Result<(), CallError> {
///     Calls::<Download>::request(app, cx, pool, &ClientRequest::get(server, "updates.local", "/pump.bin"))
/// }
/// # let _ = start;
/// ```
pub trait Caller<A: 'static>: Sized {
    /// The limits for the server and its answers. The client uses only these values of [`Limits`]: `line`, `fields`,
    /// `body`, `head`, `rate`, `idle` and `stall`. `stall` also limits the time to connect. The time limit `head`
    /// starts when the whole request is written.
    const LIMITS: Limits = Limits::new();
    /// The names of the header fields of the answer that are kept for [`Response::header`].
    const HEADERS: &'static [&'static str] = &[];
    /// The maximum number of redirects to follow. A redirect may lead to another path, to a server given by its IPv4
    /// address or, with [`BY_NAME`](Self::BY_NAME), to any server. A redirect that cannot be followed is reported as an
    /// answer. The fields `Authorization` and `Cookie` are not sent to another server.
    const REDIRECTS: u8 = 4;
    /// The function that connects to a server by its name. With the feature `names`, you can use `by_name`. `by_name`
    /// looks up names with `picoevent-dns`.
    const BY_NAME: Option<ByName<A>> = None;

    /// The memory for one request at a time. Each [`Caller`] has its own memory.
    type Client: Clients;

    /// Returns the client's memory.
    fn client(app: &mut A) -> &mut Self::Client;

    /// Called when the head of the answer has arrived.
    fn answered(app: &mut A, response: &mut Response<'_, '_, '_, '_, A>) {
        let _ = (app, response);
    }

    /// Called when content has arrived. [`Response::data`] returns the content. Content that is not
    /// [taken](Response::take) stays in the input ring and applies back-pressure to the server.
    fn part(app: &mut A, response: &mut Response<'_, '_, '_, '_, A>);

    /// Called when the output ring has room for content of the request. [`Response::write`] writes the content.
    fn upload(app: &mut A, response: &mut Response<'_, '_, '_, '_, A>) {
        let _ = (app, response);
    }

    /// Called when the answer is complete, or the request has failed. The next request can be made here. The next
    /// request uses the same connection if it goes to the same server and the server keeps the connection open.
    fn done(app: &mut A, cx: &mut Cx<'_, A>, outcome: Result<Status, CallError>);
}

/// The requests of a [`Caller`].
pub struct Calls<C>(PhantomData<C>);

impl<C> Calls<C> {
    /// Makes a request. [`Caller::done`] is called later with the outcome, never during this call. A connection is
    /// taken from `pool`, unless a keep-alive connection to the same server can be used.
    ///
    /// # Errors
    /// - [`CallError::Busy`]: another request is in progress.
    /// - [`CallError::BadRequest`]: the request does not fit into the text buffer, or is not valid.
    /// - [`CallError::Setup`]: no connection could be taken from the pool.
    /// - [`CallError::Unresolved`]: the server's name cannot be looked up.
    ///
    /// If this function returns an error, no request was made and [`Caller::done`] is not called.
    pub fn request<A: 'static>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        pool: PoolId,
        request: &ClientRequest<'_>,
    ) -> Result<(), CallError>
    where
        C: Caller<A>,
    {
        ClientConn::<Self>::request(app, cx, pool, request)
    }

    /// Cancels the request in progress. [`Caller::done`] is called in the next pass. Returns whether there was a
    /// request.
    pub fn cancel<A: 'static>(app: &mut A, cx: &mut Cx<'_, A>) -> bool
    where
        C: Caller<A>,
    {
        ClientConn::<Self>::cancel(app, cx)
    }

    /// Continues with an answer whose content was not taken: calls [`Caller::part`] again. Returns `false` if no
    /// request was sent, or if the answer is already complete.
    pub fn go_on<A: 'static>(app: &mut A, cx: &mut Cx<'_, A>) -> bool
    where
        C: Caller<A>,
    {
        let held = ClientConn::<Self>::sent(app).map(|conn| cx.conn(conn));
        let Some(Ok(mut conn)) = held else { return false };
        ClientConn::<Self>::run(app, &mut conn, &mut |app, request, call| {
            request.restart_rate();
            engine::advance(app, request, call)
        });
        true
    }
}

impl<A: 'static, C: Caller<A>> Kind<A> for Calls<C> {
    type Client = C::Client;
    const REDIRECTS: u8 = C::REDIRECTS;
    const PARTS: &'static Parts<A> = &Parts {
        routes: &[Route::new(Method::Get, "", |_, _| {})
            .before(|app, request| C::answered(app, &mut Response::new(request)))
            .body(|app, request, _| C::part(app, &mut Response::new(request)))
            .pull(|app, request| C::upload(app, &mut Response::new(request)))],
        limits: C::LIMITS,
        headers: C::HEADERS,
        // The answer is read even while the output ring is full: a server may answer and not read the rest of the
        // request (RFC 9112, 9.5).
        room: 0,
        by_name: C::BY_NAME,
    };

    fn client(app: &mut A) -> &mut C::Client {
        C::client(app)
    }

    fn done(app: &mut A, cx: &mut Cx<'_, A>, outcome: Result<u16, CallError>) {
        C::done(app, cx, outcome.and_then(|code| Status::new(code).ok_or(CallError::Malformed)));
    }
}

/// An answer that is being received.
pub struct Response<'q, 'r, 'c, 's, A: 'static> {
    pub(crate) request: &'q mut Request<'r, 'c, 's, A>,
}

impl<'q, 'r, 'c, 's, A: 'static> Response<'q, 'r, 'c, 's, A> {
    pub(crate) const fn new(request: &'q mut Request<'r, 'c, 's, A>) -> Self {
        Self { request }
    }

    /// Returns the status, or `None` until the status line has arrived.
    pub fn status(&self) -> Option<Status> {
        Status::new(self.request.exchange.requests)
    }

    /// Returns the first value of a header field whose name is one of [`Caller::HEADERS`], or `None` if the answer does
    /// not have this field.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.request.header(name)
    }

    /// Returns the context of the loop.
    pub fn cx(&mut self) -> &mut Cx<'s, A> {
        self.request.cx()
    }

    /// Returns the content that has arrived and is not yet taken, as one slice.
    pub fn data(&mut self) -> &[u8] {
        self.request.data()
    }

    /// Takes up to `amount` bytes of the content. Returns the number taken.
    pub fn take(&mut self, amount: usize) -> usize {
        self.request.take(amount)
    }

    /// Writes content of the request: all of it, or nothing.
    ///
    /// # Errors
    /// Returns a [`ReplyError`] if the content was not written.
    pub fn write(&mut self, content: &[u8]) -> Result<(), ReplyError> {
        self.request.write(content)
    }

    /// Writes as much of `content` as fits. Returns the number of bytes written.
    pub fn write_some(&mut self, content: &[u8]) -> usize {
        self.request.write_some(content)
    }

    /// Returns the number of bytes of the request's content that were written.
    pub fn written(&self) -> u32 {
        self.request.written()
    }

    /// Returns the number of bytes of the request's content that are still to be written, or `u32::MAX` if the length
    /// is unknown. Returns 0 when the content is complete.
    pub fn unwritten(&self) -> u32 {
        self.request.unwritten()
    }

    /// Ends request content of unknown length. Content of known length ends by itself. If this function is called
    /// before all content of known length is written, the connection is reset.
    ///
    /// # Errors
    /// Returns a [`ReplyError`] if the content could not be ended.
    pub fn finish(&mut self) -> Result<(), ReplyError> {
        self.request.finish()
    }
}
