//! WebSocket clients: the handshake (RFC 6455, 4.1) and masked frames (5.3).

use core::fmt;
use core::marker::PhantomData;

use picoevent::{ConnMut, Cx, PoolId};

use super::engine::{advance, alarm, begin};
use super::frame::Mask;
use super::handshake::{PROTOCOL, answer_to};
use super::{Message, Payload, Socket};
use crate::base64;
use crate::client::{ByName, CallError, ClientConn, ClientRequest, Clients, Kind};
use crate::exchange::{Exchange, Input, flag};
use crate::limits::Limits;
use crate::method::Method;
use crate::reply::{Length, ReplyError};
use crate::request::{Request, keep, kept};
use crate::route::{ClientHooks, Parts, Route, SocketHooks};
use crate::status::Status;
use crate::text::{copy, has_word, is_same};

/// The number with which [`keep`] stores the key, and [`kept`] finds the key.
const KEY: u8 = 252;

/// The callbacks of a client's WebSocket.
///
/// This example sends a level to a server each second. The server answers whether the level is high:
///
/// ```
/// use core::net::SocketAddr;
/// use picoevent::{Cx, EventMut, PoolId};
/// use picoevent_http::{CallError, Client, ClientRequest, Message, Socket, SocketCaller, SocketCalls};
///
/// struct App {
///     live: Client,
///     level: u32,
///     is_high: bool,
/// }
///
/// struct Live;
///
/// impl SocketCaller<App> for Live {
///     type Client = Client;
///
///     fn client(app: &mut App) -> &mut Client {
///         &mut app.live
///     }
///
///     fn received(app: &mut App, socket: &mut Socket<App>, message: Message) {
///         if let Message::Text { is_last: true } = message {
///             app.is_high = socket.data() == b"high";
///             socket.take(usize::MAX);
///         }
///     }
///
///     fn ended(_: &mut App, _: &mut Cx<App>, _: Result<u16, CallError>) {
///         // Another WebSocket can be opened here.
///     }
/// }
///
/// fn start(app: &mut App, cx: &mut Cx<App>, pool: PoolId, server: SocketAddr) -> Result<(), CallError> {
///     SocketCalls::<Live>::open(app, cx, pool, &ClientRequest::get(server, "pump.local", "/live"))
/// }
///
/// fn each_second(app: &mut App, event: &mut EventMut<App>) {
///     SocketCalls::<Live>::with(app, event, |app, socket| {
///         let _ = socket.send_fmt(format_args!("{}", app.level));
///     });
/// }
/// # let _ = (start, each_second);
/// ```
pub trait SocketCaller<A: 'static>: Sized {
    /// The limits for the server. The client uses only these values of [`Limits`]: `line`, `fields`, `message`, `head`,
    /// `idle` and `stall`. `stall` also limits the time to connect.
    const LIMITS: Limits = Limits::new();
    /// The subprotocols, in order of preference. The server chooses one of them, or none. [`Socket::protocol`] returns
    /// the choice.
    const PROTOCOLS: &'static [&'static str] = &[];
    /// The maximum number of redirects to follow, as for a [`Caller`](crate::Caller::REDIRECTS). If a complete head has
    /// neither status 101 nor a redirect that can be followed, the error is [`CallError::Refused`].
    const REDIRECTS: u8 = 4;
    /// The function that connects to a server by its name, as for a [`Caller`](crate::Caller::BY_NAME).
    const BY_NAME: Option<ByName<A>> = None;

    /// The memory for one WebSocket at a time. Each [`SocketCaller`] has its own memory. The handshake takes at most 23
    /// bytes of the text buffer, in addition to host, target and fields.
    type Client: Clients;

    /// Returns the client's memory.
    fn client(app: &mut A) -> &mut Self::Client;

    /// Called when the WebSocket is [open](Message::Opened), and when there is a message.
    fn received(app: &mut A, socket: &mut Socket<'_, '_, '_, '_, A>, message: Message);

    /// Called once, when the WebSocket has ended or could not be opened. If the WebSocket was open, `outcome` is the
    /// close code, as in [`Message::Closed`]. The next WebSocket can be opened here.
    fn ended(app: &mut A, cx: &mut Cx<'_, A>, outcome: Result<u16, CallError>);
}

/// The WebSocket of a [`SocketCaller`].
pub struct SocketCalls<C>(PhantomData<C>);

impl<C> SocketCalls<C> {
    /// Opens a WebSocket, with a `GET` request without content. [`SocketCaller::received`] is called when the WebSocket
    /// is open, and [`SocketCaller::ended`] when it has ended. Neither function is called during this call.
    ///
    /// # Errors
    /// Returns the same errors as [`Calls::request`](crate::Calls::request), and [`CallError::Unseeded`] if the event
    /// base has no seed for the random key and masks.
    pub fn open<A: 'static>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        pool: PoolId,
        request: &ClientRequest<'_>,
    ) -> Result<(), CallError>
    where
        C: SocketCaller<A>,
    {
        if !cx.is_seeded() {
            return Err(CallError::Unseeded);
        }
        if request.method != Method::Get || request.content != Length::Known(0) {
            return Err(CallError::BadRequest);
        }
        ClientConn::<Self>::request(app, cx, pool, request)
    }

    /// Calls `work` with the WebSocket, for example to send a message. After `work`, input that was not taken is
    /// reported again. If the WebSocket is not open, or if a callback of this client is running, `work` is not called
    /// and `None` is returned.
    pub fn with<A: 'static, T>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        work: impl FnOnce(&mut A, &mut Socket<'_, '_, '_, '_, A>) -> T,
    ) -> Option<T>
    where
        C: SocketCaller<A>,
    {
        let mut conn = cx.conn(ClientConn::<Self>::sent(app)?).ok()?;
        let (mut work, mut done) = (Some(work), None);
        ClientConn::<Self>::run(app, &mut conn, &mut |app, request, _| {
            if request.exchange.input == Input::Frames
                && let Some(work) = work.take()
            {
                done = Some(work(app, &mut Socket::new(request)));
                advance(app, request);
            }
            None
        });
        done
    }

    /// Aborts the WebSocket, even if it is not open yet, and resets its connection. [`SocketCaller::ended`] is called
    /// in the next pass. Returns whether there was a WebSocket.
    pub fn cancel<A: 'static>(app: &mut A, cx: &mut Cx<'_, A>) -> bool
    where
        C: SocketCaller<A>,
    {
        ClientConn::<Self>::cancel(app, cx)
    }
}

impl<A: 'static, C: SocketCaller<A>> Kind<A> for SocketCalls<C> {
    type Client = C::Client;
    const REDIRECTS: u8 = C::REDIRECTS;
    const PARTS: &'static Parts<A> = &Parts {
        routes: &[Route {
            message: Some(C::received),
            protocols: C::PROTOCOLS,
            field: Some(field),
            socket: Some(&SocketHooks {
                advance,
                alarm,
                // Does nothing: [`Kind::done`] reports the end later, when the next WebSocket can be opened.
                ended: |_, _| {},
                client: Some(ClientHooks { write_fields, opened, write }),
            }),
            ..Route::get("", |_, _| {})
        }],
        limits: C::LIMITS,
        headers: &[],
        // While the output ring is full, input waits.
        room: 1,
        by_name: C::BY_NAME,
    };

    fn client(app: &mut A) -> &mut C::Client {
        C::client(app)
    }

    fn done(app: &mut A, cx: &mut Cx<'_, A>, outcome: Result<u16, CallError>) {
        C::ended(app, cx, outcome);
    }
}

/// Encodes a key of 16 bytes in Base64.
fn encoded(key: &[u8]) -> [u8; 24] {
    let mut text = [0; 24];
    // This does not fail: the Base64 text of 16 bytes has 24 characters.
    let _ = base64::encode(key, &mut text);
    text
}

/// Writes the header fields of the handshake. Returns whether the fields fit into the output ring and the key fits into
/// the text buffer.
fn write_fields<A: 'static>(request: &mut Request<'_, '_, '_, A>) -> bool {
    let mut key = [0; 16];
    if request.cx().random(&mut key).is_err() || !keep(request.exchange, request.text, KEY, &key) {
        return false;
    }
    let fields = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ";
    let Request { conn, site, .. } = request;
    let mut is_written = true;
    let mut write = |text: &[u8]| is_written &= conn.write(text).is_ok();
    [&fields[..], &encoded(&key), b"\r\n"].into_iter().for_each(&mut write);
    let mut before = "Sec-WebSocket-Protocol: ";
    let protocols = site.routes.first().map_or(&[][..], |route| route.protocols);
    for protocol in protocols {
        write(before.as_bytes());
        write(protocol.as_bytes());
        before = ", ";
    }
    if !protocols.is_empty() {
        write(b"\r\n");
    }
    is_written
}

/// Checks a header field of the answer to the handshake.
fn field<A: 'static>(
    route: &Route<A>,
    exchange: &mut Exchange,
    text: &mut [u8],
    name: &[u8],
    value: &[u8],
) -> Result<(), Status> {
    const BAD: Result<(), Status> = Err(Status::BAD_REQUEST);
    let is = |known: &[u8]| is_same(name, known);
    if exchange.requests != Status::SWITCHING_PROTOCOLS.code() {
        return Ok(());
    }
    if is(b"upgrade") && has_word(value, b"websocket") {
        exchange.set(flag::WEBSOCKET);
    } else if is(b"sec-websocket-accept") {
        let key = kept(exchange, text, KEY).unwrap_or_default();
        let mut accept = [0; 28];
        let length = base64::encode(&answer_to(&encoded(key)), &mut accept);
        if length != Some(28) || value != accept || exchange.has(flag::KEY) {
            return BAD;
        }
        exchange.set(flag::KEY);
    } else if is(b"sec-websocket-protocol") {
        let number = route.protocols.iter().position(|known| value == known.as_bytes());
        let Some(number) = number.filter(|_| kept(exchange, text, PROTOCOL).is_none()) else {
            return BAD;
        };
        if !keep(exchange, text, PROTOCOL, &[number as u8]) {
            return Err(Status::FIELDS_TOO_LARGE);
        }
    } else if is(b"sec-websocket-extensions") {
        // The client has requested no extensions, so the server must not accept any.
        return BAD;
    }
    Ok(())
}

/// Checks the complete head of an answer with status 101, and opens the WebSocket.
fn opened<A: 'static>(app: &mut A, request: &mut Request<'_, '_, '_, A>) -> Result<(), CallError> {
    let exchange = &*request.exchange;
    let has_agreed = exchange.has(flag::WEBSOCKET | flag::UPGRADE | flag::KEY);
    if !has_agreed || exchange.has_any(flag::HTTP_1_0 | flag::CHUNKED) || exchange.content > 0 {
        return Err(CallError::Malformed);
    }
    begin(app, request);
    Ok(())
}

/// Writes a masked frame. The caller has checked that there is room.
fn write<A: 'static>(
    request: &mut Request<'_, '_, '_, A>,
    head: &[u8],
    data: Payload<'_>,
) -> Result<(), ReplyError> {
    let mut key = [0; 4];
    // This does not fail: [`SocketCalls::open`] has checked that the event base has a seed.
    request.cx().random(&mut key).map_err(|_| ReplyError::NotNow)?;
    request.conn.write_parts(&[head, &key])?;
    let mut masked = Masked { conn: request.conn, mask: Mask::new(key) };
    match data {
        Payload::Bytes(data) => masked.put(data),
        // The writer never fails. Only the `Display` implementation of a value in the text can return an error.
        Payload::Text(text) => fmt::Write::write_fmt(&mut masked, text).unwrap_or_default(),
    }
    Ok(())
}

/// A writer that masks its output.
struct Masked<'m, 'c, 's, A> {
    conn: &'m mut ConnMut<'c, 's, A>,
    mask: Mask,
}

impl<A> Masked<'_, '_, '_, A> {
    fn put(&mut self, data: &[u8]) {
        let mut buffer = [0; 32];
        for chunk in data.chunks(32) {
            let Some(masked) = buffer.get_mut(..chunk.len()) else { return };
            copy(masked, chunk);
            self.mask.apply(masked);
            self.conn.write_some(masked);
        }
    }
}

impl<A> fmt::Write for Masked<'_, '_, '_, A> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}
