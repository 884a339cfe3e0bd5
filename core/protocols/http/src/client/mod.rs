//! The client: what is asked, and what an application hears of the answer.

mod engine;
mod error;
mod head;
mod link;
mod memory;

use core::marker::PhantomData;
use core::net::SocketAddr;

use picoevent::{ConnMut, Cx, PoolId, Protocol};

pub use error::CallError;
pub(crate) use link::{Kind, Link};
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
/// use picoevent_http::{Ask, Length, Method};
///
/// let server = SocketAddr::from(([192, 0, 2, 1], 80));
/// let page = Ask::get(server, "pump.local", "/status");
/// let rest = page.fields("Range: bytes=1000-\r\n");
/// let by_name = Ask::named(Method::Get, "pump.local:8080", "/status");
/// let upload = Ask::new(Method::Put, server, "pump.local", "/firmware").content(Length::Known(4_096));
/// # let _ = (rest, by_name, upload);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ask<'t> {
    pub(crate) method: Method,
    /// Without one, it is looked up.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) host: &'t str,
    pub(crate) target: &'t str,
    pub(crate) fields: &'t str,
    pub(crate) content: Length,
}

impl<'t> Ask<'t> {
    /// Makes a request without content. `host` is what the server is called, `target` the path and the query.
    pub const fn new(method: Method, address: SocketAddr, host: &'t str, target: &'t str) -> Self {
        Self { address: Some(address), ..Self::named(method, host, target) }
    }

    /// Makes a request without content to a server that is known by its name, or by its address as text, with a port
    /// behind a colon unless it is 80: `pump.local:8080`. Names are looked up by [`Caller::BY_NAME`].
    pub const fn named(method: Method, host: &'t str, target: &'t str) -> Self {
        Self { method, address: None, host, target, fields: "", content: Length::Known(0) }
    }

    /// Makes a request for `GET`.
    pub const fn get(address: SocketAddr, host: &'t str, target: &'t str) -> Self {
        Self::new(Method::Get, address, host, target)
    }

    /// Sets further header fields, each with `\r\n` at its end.
    #[must_use]
    pub const fn fields(self, fields: &'t str) -> Self {
        Self { fields, ..self }
    }

    /// Sets how long the content is, which [`Caller::upload`] writes.
    #[must_use]
    pub const fn content(self, length: Length) -> Self {
        Self { content: length, ..self }
    }
}

/// Connects a connection that is at rest to a server that is known by name, or by its address as text, and to a port.
/// Returns whether it has begun. The outcome is that of the connection.
///
/// ```
/// use picoevent::ConnMut;
/// use picoevent_http::ByName;
/// # struct App;
/// /// Knows one name.
/// fn connect(_: &mut App, conn: &mut ConnMut<App>, name: &str, port: u16) -> bool {
///     name == "pump" && conn.connect(([192, 0, 2, 1], port).into()).is_ok()
/// }
///
/// const CONNECT: ByName<App> = connect;
/// # let _ = CONNECT;
/// ```
pub type ByName<A> = fn(&mut A, &mut ConnMut<'_, '_, A>, name: &str, port: u16) -> bool;

/// Looks a name up with `picoevent-dns`: a [`ByName`].
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

/// What an application does with the answers of a client.
///
/// A download that is counted:
///
/// ```
/// use core::net::SocketAddr;
/// use picoevent::{Cx, PoolId};
/// use picoevent_http::{Ask, CallError, Caller, Calls, Client, Response, Status};
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
///     Calls::<Download>::ask(app, cx, pool, &Ask::get(server, "updates.local", "/pump.bin"))
/// }
/// # let _ = start;
/// ```
pub trait Caller<A: 'static>: Sized {
    /// What a server may use up: of the limits of a server those for lines, fields, bodies, head, rate, idle and
    /// stall; the last one bounds a connect, too. The head is awaited from the end of the request on.
    const LIMITS: Limits = Limits::new();
    /// The names of the header fields that are kept for [`Response::header`].
    const HEADERS: &'static [&'static str] = &[];
    /// How often a redirect is followed: to a path, to a server whose IPv4 address is in it, and, with
    /// [`BY_NAME`](Self::BY_NAME), to any other. Others are answers. Another server does not get the
    /// fields `Authorization` and `Cookie`.
    const REDIRECTS: u8 = 4;
    /// How servers are connected to that are known by name. With the feature `names` it is `by_name`, over
    /// `picoevent-dns`.
    const BY_NAME: Option<ByName<A>> = None;

    /// The memory for one request at a time. Each kind of requests has its own.
    type Client: Clients;

    /// Returns it.
    fn client(app: &mut A) -> &mut Self::Client;

    /// The head of the answer has come.
    fn answered(app: &mut A, response: &mut Response<'_, '_, '_, '_, A>) {
        let _ = (app, response);
    }

    /// There is content: [`Response::data`]. What is not [taken](Response::take) stays, and holds the server back.
    fn part(app: &mut A, response: &mut Response<'_, '_, '_, '_, A>);

    /// There is room for the content of the request: [`Response::write`].
    fn upload(app: &mut A, response: &mut Response<'_, '_, '_, '_, A>) {
        let _ = (app, response);
    }

    /// The answer is complete, or will not be. The next request can be made; it has the same connection, if the
    /// server is the same and keeps it.
    fn done(app: &mut A, cx: &mut Cx<'_, A>, outcome: Result<Status, CallError>);
}

/// The requests of a [`Caller`].
pub struct Calls<C>(PhantomData<C>);

impl<C> Calls<C> {
    /// Makes a request. [`Caller::done`] says how it has ended, which this call never does. A connection is
    /// taken from `pool`, unless the last one is kept and goes to the same server.
    ///
    /// # Errors
    /// [`CallError::Busy`] while another request is under way, [`CallError::BadRequest`] when it does not fit,
    /// [`CallError::Setup`] when there is no connection, [`CallError::Unresolved`] when the server's name cannot be
    /// looked up. No request was made then.
    pub fn ask<A: 'static>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        pool: PoolId,
        ask: &Ask<'_>,
    ) -> Result<(), CallError>
    where
        C: Caller<A>,
    {
        Link::<Self>::ask(app, cx, pool, ask)
    }

    /// Gives up the request that is under way. [`Caller::done`] is told so in the next pass. Returns whether
    /// there is one.
    pub fn cancel<A: 'static>(app: &mut A, cx: &mut Cx<'_, A>) -> bool
    where
        C: Caller<A>,
    {
        Link::<Self>::cancel(app, cx)
    }

    /// Lets an answer go on whose content was not taken. Returns whether there is one.
    pub fn go_on<A: 'static>(app: &mut A, cx: &mut Cx<'_, A>) -> bool
    where
        C: Caller<A>,
    {
        let held = Link::<Self>::sent(app).map(|conn| cx.conn(conn));
        let Some(Ok(mut conn)) = held else { return false };
        Link::<Self>::readable(app, &mut conn);
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

/// An answer that is coming in.
pub struct Response<'q, 'r, 'c, 's, A: 'static> {
    pub(crate) request: &'q mut Request<'r, 'c, 's, A>,
}

impl<'q, 'r, 'c, 's, A: 'static> Response<'q, 'r, 'c, 's, A> {
    pub(crate) const fn new(request: &'q mut Request<'r, 'c, 's, A>) -> Self {
        Self { request }
    }

    /// Returns the status; `None` until the head has come.
    pub fn status(&self) -> Option<Status> {
        Status::new(self.request.x.requests)
    }

    /// Returns the first value of a header field whose name is one of [`Caller::HEADERS`].
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.request.header(name)
    }

    /// Returns the rest of the loop.
    pub fn cx(&mut self) -> &mut Cx<'s, A> {
        self.request.cx()
    }

    /// Returns what is there of the content and not yet taken, in one piece.
    pub fn data(&mut self) -> &[u8] {
        self.request.data()
    }

    /// Takes up to `amount` bytes of the content. Returns the number taken.
    pub fn take(&mut self, amount: usize) -> usize {
        self.request.take(amount)
    }

    /// Writes content of the request, all or nothing.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub fn write(&mut self, content: &[u8]) -> Result<(), ReplyError> {
        self.request.write(content)
    }

    /// Writes as much content of the request as fits. Returns the number of bytes written.
    pub fn write_some(&mut self, content: &[u8]) -> usize {
        self.request.write_some(content)
    }

    /// Returns how many bytes of the request's content are written.
    pub fn written(&self) -> u32 {
        self.request.written()
    }

    /// Returns how many are still to be written: `u32::MAX` for an unknown length.
    pub fn unwritten(&self) -> u32 {
        self.request.unwritten()
    }

    /// Ends a request's content of unknown length.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub fn finish(&mut self) -> Result<(), ReplyError> {
        self.request.finish()
    }
}
