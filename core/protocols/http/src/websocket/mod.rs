//! WebSockets (RFC 6455): what an application sends and hears.

mod client;
mod engine;
mod frame;
mod handshake;
mod sha1;
mod utf8;

use core::fmt;

use picoevent::Cx;

pub use client::{SocketCaller, SocketCalls};
pub(crate) use engine::{Frames, advance, alarm, code_of, ended};
use frame::{Opcode, code, is_sendable};
pub(crate) use handshake::{accept, field};

use crate::exchange::Extra;
use crate::reply::ReplyError;
use crate::request::Request;
use crate::route::ClientHooks;

/// Hears of a WebSocket.
pub type OnMessage<A> = fn(&mut A, &mut Socket<'_, '_, '_, '_, A>, Message);

/// What has come on a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The handshake is done.
    Opened,
    /// A text: [`Socket::data`]. It is valid UTF-8 so far, up to a character that a piece may end in.
    Text {
        /// It is the whole rest of the message.
        is_last: bool,
    },
    /// Bytes: [`Socket::data`].
    Binary {
        /// They are the whole rest of the message.
        is_last: bool,
    },
    /// It has ended, with a code: 1000 in general, 1005 for none, 1006 for a connection that was lost. The last
    /// call, once. Of a client's WebSocket [`SocketCaller::ended`] says it.
    Closed(u16),
}

/// A WebSocket.
///
/// A lamp that is switched by messages, and tells each of them who asks:
///
/// ```
/// use picoevent_http::{Message, Route, Socket};
///
/// struct App {
///     is_on: bool,
/// }
///
/// const LIVE: Route<App> = Route::websocket("/live", App::heard);
///
/// impl App {
///     fn heard(&mut self, socket: &mut Socket<Self>, message: Message) {
///         if let Message::Text { is_last: true } = message {
///             match socket.data() {
///                 b"on" => self.is_on = true,
///                 b"off" => self.is_on = false,
///                 _ => {}
///             }
///             socket.take(usize::MAX);
///             let _ = socket.send_text(if self.is_on { "is on" } else { "is off" });
///         }
///     }
/// }
/// # let _ = LIVE;
/// ```
///
/// A message that fits into the input ring comes whole, if it was sent in one frame. A longer one comes in
/// pieces, as does one that was sent in several. What is not [taken](Self::take) stays, and holds the peer
/// back; it is reported again when output was sent, and by [`Http::socket`](crate::Http::socket). Pings are
/// answered, and a silent peer is sent one, by the library.
pub struct Socket<'q, 'r, 'c, 's, A: 'static> {
    request: &'q mut Request<'r, 'c, 's, A>,
}

/// Input.
impl<'q, 'r, 'c, 's, A> Socket<'q, 'r, 'c, 's, A> {
    pub(crate) const fn new(request: &'q mut Request<'r, 'c, 's, A>) -> Self {
        Self { request }
    }

    /// Returns the bytes of the message that are there, in one piece.
    pub fn data(&mut self) -> &[u8] {
        let clear = self.request.x.left as usize;
        self.request.conn.contiguous(clear).unwrap_or_default()
    }

    /// Takes up to `amount` of them. Returns the number taken.
    pub fn take(&mut self, amount: usize) -> usize {
        let taken = self.drop_input(amount.min(self.request.x.left as usize));
        self.request.x.left = self.request.x.left.saturating_sub(taken as u32);
        taken
    }

    /// Returns the connection's handle, for [`Http::socket`](crate::Http::socket).
    pub fn id(&self) -> picoevent::Conn {
        self.request.id()
    }

    /// Returns the request that it began with.
    pub fn request(&self) -> &Request<'r, 'c, 's, A> {
        self.request
    }

    /// Returns the rest of the loop.
    pub fn cx(&mut self) -> &mut Cx<'s, A> {
        self.request.cx()
    }

    /// Returns the subprotocol that was agreed on.
    pub fn protocol(&self) -> Option<&'static str> {
        let number = self.request.kept(handshake::PROTOCOL)?.first()?;
        self.request.route()?.protocols.get(usize::from(*number)).copied()
    }

    /// Returns what is known of the frames. There are none on a connection that is no WebSocket.
    fn frames(&mut self) -> Option<&mut Frames> {
        match &mut self.request.x.extra {
            Extra::Frames(frames) => Some(frames),
            _ => None,
        }
    }
}

/// Output. Each verb writes all or nothing.
///
/// ```
/// use picoevent_http::{ReplyError, Socket};
/// # struct App { level: u32 }
/// fn tell(app: &App, socket: &mut Socket<App>) -> Result<(), ReplyError> {
///     socket.send_fmt(format_args!("level {}", app.level))?;
///     // A message in two pieces, as there is room.
///     socket.send_binary(&[1, 2], false)?;
///     socket.send_binary(&[3], true)
/// }
/// # let _ = tell;
/// ```
impl<A: 'static> Socket<'_, '_, '_, '_, A> {
    /// Sends a text.
    ///
    /// # Errors
    /// [`ReplyError::Full`] and [`TooLong`](ReplyError::TooLong) when it does not fit into the output ring,
    /// [`NotNow`](ReplyError::NotNow) within a message in pieces, [`Ended`](ReplyError::Ended) after the end.
    pub fn send_text(&mut self, text: &str) -> Result<(), ReplyError> {
        self.send(Opcode::Text, text.as_bytes(), true)
    }

    /// Sends formatted text, which is formatted twice, for its length.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), ReplyError> {
        let length = crate::reply::length_of(text);
        self.send_frame(Opcode::Text, length, Payload::Text(text), true)
    }

    /// Sends a part of a text: all of it, or a piece, with others to follow up to the last one.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_text_part(&mut self, text: &[u8], is_last: bool) -> Result<(), ReplyError> {
        self.send(Opcode::Text, text, is_last)
    }

    /// Sends bytes: a whole message, or a piece, with others to follow up to the last one.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_binary(&mut self, data: &[u8], is_last: bool) -> Result<(), ReplyError> {
        self.send(Opcode::Binary, data, is_last)
    }

    /// Returns how many bytes can be sent now, in one piece.
    pub fn room(&self) -> usize {
        let head = if self.client().is_some() { 8 } else { 4 };
        self.request.conn.room().saturating_sub(head)
    }

    /// Closes with a code, after what was sent: 1000 is the usual one. A code that is not for sending is sent
    /// as 1000.
    pub fn close(&mut self, code: u16) {
        let code = if is_sendable(code) { code } else { code::NORMAL };
        self.end(code);
    }

    fn send(&mut self, opcode: Opcode, data: &[u8], is_last: bool) -> Result<(), ReplyError> {
        self.send_frame(opcode, data.len(), Payload::Bytes(data), is_last)
    }

    /// Sends a frame, if there is room for all of it.
    fn send_frame(
        &mut self,
        opcode: Opcode,
        length: usize,
        data: Payload<'_>,
        is_last: bool,
    ) -> Result<(), ReplyError> {
        let frames = self.frames().ok_or(ReplyError::NotNow)?;
        let mut sent = opcode;
        if !opcode.is_control() {
            match frames.sending {
                None => {}
                Some(begun) if begun == opcode => sent = Opcode::Continuation,
                Some(_) => return Err(ReplyError::NotNow),
            }
        }
        let length16 = u16::try_from(length).map_err(|_| ReplyError::TooLong)?;
        let [high, low] = length16.to_be_bytes();
        let first = sent.bits() | if is_last { 0x80 } else { 0 };
        let client = self.client();
        let masked = if client.is_some() { 0x80 } else { 0 };
        let long = [first, 126 | masked, high, low];
        let head = if length16 < 126 { &[first, low | masked][..] } else { &long };
        let whole = length.saturating_add(head.len());
        match (client, data) {
            (Some(hooks), data) => {
                self.request.check_room(whole.saturating_add(4))?;
                (hooks.write)(self.request, head, data)?;
            }
            (None, Payload::Bytes(data)) => {
                self.request.conn.write_parts(&[head, data])?;
            }
            (None, Payload::Text(text)) => {
                self.request.check_room(whole)?;
                self.request.conn.write_parts(&[head])?;
                self.request.conn.write_fmt(text)?;
            }
        }
        if !opcode.is_control()
            && let Some(frames) = self.frames()
        {
            frames.sending = (!is_last).then_some(opcode);
        }
        Ok(())
    }

    /// Returns what the client's role does otherwise, if this is one.
    fn client(&self) -> Option<&'static ClientHooks<A>> {
        self.request.route()?.socket?.client.as_ref()
    }

    /// Sends a close frame, and ends.
    fn end(&mut self, code: u16) {
        if let Some(frames) = self.frames() {
            frames.code = code;
        }
        let [high, low] = code.to_be_bytes();
        let data = if code == code::NONE { &[][..] } else { &[high, low] };
        // Without room for it the end alone has to do.
        let _ = self.send(Opcode::Close, data, true);
        self.request.conn.close();
    }
}

/// What a frame carries.
pub(crate) enum Payload<'p> {
    Bytes(&'p [u8]),
    Text(fmt::Arguments<'p>),
}
