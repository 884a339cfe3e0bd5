//! The request that a handler gets, with the functions to read it.

use picoevent::{ConnMut, Cx};

use crate::date::Date;
use crate::encoded::{Encoded, find};
use crate::exchange::{Exchange, Input, flag};
use crate::method::Method;
use crate::path::{param, path_of, query_of};
use crate::route::{Parts, Route};
use crate::text::{ascii, copy};

/// A request, and the answer to it.
///
/// ```
/// use picoevent_http::{Reply, Request, Status};
/// # struct App { levels: [u32; 4] }
/// /// `PUT /level/{channel}?value=12`
/// fn set_level(app: &mut App, request: &mut Request<App>) {
///     let channel = request.param("channel").and_then(|channel| channel.number());
///     let value = request.query("value").and_then(|value| value.number());
///     let level = channel.and_then(|channel| app.levels.get_mut(channel as usize));
///     let _ = match (level, value) {
///         (Some(level), Some(value)) => {
///             *level = value;
///             request.reply(Reply::text(Status::OK), b"set\n")
///         }
///         (None, _) => request.reply(Reply::text(Status::NOT_FOUND), b"no such channel\n"),
///         (_, None) => request.reply(Reply::text(Status::BAD_REQUEST), b"which value?\n"),
///     };
/// }
/// # let _ = set_level;
/// ```
pub struct Request<'r, 'c, 's, A: 'static> {
    pub(crate) conn: &'r mut ConnMut<'c, 's, A>,
    pub(crate) exchange: &'r mut Exchange,
    pub(crate) text: &'r mut [u8],
    pub(crate) site: &'static Parts<A>,
    pub(crate) date: Option<Date>,
}

/// Functions to read the head.
impl<'s, A: 'static> Request<'_, '_, 's, A> {
    /// Returns the method.
    pub fn method(&self) -> Method {
        self.exchange.method
    }

    /// Returns the path and the query without decoding.
    pub fn target(&self) -> &str {
        ascii(self.raw_target())
    }

    /// Returns the path without decoding and without the query.
    pub fn path(&self) -> &str {
        ascii(path_of(self.raw_target()))
    }

    /// Returns the part of the path that matches `{name}` in the route, or `None` if the route has no such parameter.
    pub fn param(&self, name: &str) -> Option<Encoded<'_>> {
        param(self.route()?.path, path_of(self.raw_target()), name)
    }

    /// Returns the first value of a field of the query, or `None` if the query does not have this field.
    pub fn query(&self, name: &str) -> Option<Encoded<'_>> {
        find(query_of(self.raw_target()), name)
    }

    /// Returns the first value of a header field. The name of the field has to be in
    /// [`Site::HEADERS`](crate::Site::HEADERS). The value consists of visible ASCII characters, spaces, tabs, and bytes
    /// from 0x80 to 0xFF.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let is_this_field = |kept: &&str| kept.eq_ignore_ascii_case(name);
        let wanted = self.site.headers.iter().position(is_this_field)?;
        self.kept(wanted as u8)
    }

    /// Returns the connection's handle, for [`Http::with`](crate::Http::with).
    pub fn id(&self) -> picoevent::Conn {
        self.conn.id()
    }

    /// Returns the context of the loop.
    pub fn cx(&mut self) -> &mut Cx<'s, A> {
        self.conn.cx()
    }

    /// Returns the connection, for example to read the peer's address.
    pub fn conn(&self) -> &ConnMut<'_, 's, A> {
        self.conn
    }
}

/// Functions to read the body.
///
/// This example stores an upload. Bytes that the application does not take stay in the input ring and apply
/// back-pressure to the client:
///
/// ```
/// use picoevent_http::{Part, Reply, Request, Route, Status};
///
/// struct App {
///     flash: Vec<u8>,
/// }
///
/// const UPLOAD: Route<App> = Route::put("/firmware", done).body(part);
///
/// fn part(app: &mut App, request: &mut Request<App>, part: Part) {
///     if part == Part::Lost {
///         return app.flash.clear();
///     }
///     let data = request.data();
///     app.flash.extend(data);
///     let amount = data.len();
///     request.take(amount);
/// }
///
/// fn done(_: &mut App, request: &mut Request<App>) {
///     let _ = request.reply(Reply::text(Status::CREATED), b"thank you\n");
/// }
/// # let _ = UPLOAD;
/// ```
impl<A: 'static> Request<'_, '_, '_, A> {
    /// Returns the length of the body, or `None` if the body is chunked.
    pub fn content_length(&self) -> Option<u32> {
        (!self.exchange.has(flag::CHUNKED)).then_some(self.exchange.body)
    }

    /// Returns the part of the body that has arrived and is not yet taken, as one slice. For a route without
    /// [`Route::body`], the slice contains the whole body.
    pub fn data(&mut self) -> &[u8] {
        let amount = self.held();
        self.conn.contiguous(amount).unwrap_or_default()
    }

    /// Takes up to `amount` bytes of the body. Returns the number taken.
    pub fn take(&mut self, amount: usize) -> usize {
        let taken = self.conn.consume(amount.min(self.held()));
        self.exchange.content = self.exchange.content.saturating_sub(taken as u32);
        self.exchange.count(taken);
        taken
    }

    /// Returns the first value of a field of a form (`application/x-www-form-urlencoded`) in the body.
    pub fn form(&mut self, name: &str) -> Option<Encoded<'_>> {
        find(self.data(), name)
    }

    /// Returns the number of bytes of the body in the input ring.
    pub(crate) fn held(&self) -> usize {
        match self.exchange.input {
            Input::Body | Input::Chunk => self.conn.input_len().min(self.exchange.content as usize),
            _ => 0,
        }
    }
}

impl<A: 'static> Request<'_, '_, '_, A> {
    pub(crate) fn raw_target(&self) -> &[u8] {
        self.text.get(..self.exchange.target.into()).unwrap_or_default()
    }

    /// Returns the route. Not inlined, because many functions call it.
    #[inline(never)]
    pub(crate) fn route(&self) -> Option<&'static Route<A>> {
        self.site.routes.get(self.exchange.route())
    }

    /// Returns the value that [`keep`] has stored with the number `wanted`.
    pub(crate) fn kept(&self, wanted: u8) -> Option<&[u8]> {
        kept(self.exchange, self.text, wanted)
    }
}

/// Returns the value that [`keep`] has stored with the number `wanted`.
pub(crate) fn kept<'t>(exchange: &Exchange, text: &'t [u8], wanted: u8) -> Option<&'t [u8]> {
    let mut rest = text.get(exchange.target.into()..exchange.kept.into())?;
    while let [number, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, next) = after.split_at_checked(length)?;
        if *number == wanted {
            return Some(value);
        }
        rest = next;
    }
    None
}

/// Stores a value in the text buffer, together with a number that identifies the value. Returns whether there was room.
pub(crate) fn keep(exchange: &mut Exchange, text: &mut [u8], number: u8, value: &[u8]) -> bool {
    let Ok(length) = u16::try_from(value.len()) else { return false };
    let [high, low] = length.to_be_bytes();
    let Some(room) = text.get_mut(exchange.kept.into()..) else { return false };
    let Some((head, room)) = room.split_at_mut_checked(3) else { return false };
    let Some(room) = room.get_mut(..value.len()) else { return false };
    copy(head, &[number, high, low]);
    copy(room, value);
    exchange.kept = exchange.kept.saturating_add(length).saturating_add(3);
    true
}
