//! WebSockets (RFC 6455): sending and receiving.

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

/// A function that receives the messages of a WebSocket.
pub type OnMessage<A> = fn(&mut A, &mut Socket<'_, '_, '_, '_, A>, Message);

/// An event of a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The handshake is complete.
    Opened,
    /// Text has arrived. [`Socket::data`] returns it. The text is valid UTF-8, but a part may end inside a character.
    Text {
        /// Whether the message ends with these bytes.
        is_last: bool,
    },
    /// Bytes have arrived. [`Socket::data`] returns them.
    Binary {
        /// Whether the message ends with these bytes.
        is_last: bool,
    },
    /// The WebSocket has ended with this close code. The usual code is 1000. The code is 1005 if the peer sent no code,
    /// and 1006 if the connection was lost. The function is called once with this event, and no other event follows. In
    /// a client, [`SocketCaller::ended`] is called instead.
    Closed(u16),
}

/// A WebSocket.
///
/// In this example, messages switch a lamp. After each message, the application sends the state of the lamp to the
/// client:
///
/// ```
/// use picoevent_http::{Message, Route, Socket};
///
/// struct App {
///     is_on: bool,
/// }
///
/// const LIVE: Route<App> = Route::websocket("/live", App::received);
///
/// impl App {
///     fn received(&mut self, socket: &mut Socket<Self>, message: Message) {
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
/// A message that was sent in one frame and fits into the input ring arrives as a whole. Other messages arrive in
/// parts. Data that is not [taken](Self::take) stays in the input ring and applies back-pressure to the peer. Data that
/// was not taken is reported again after output was sent, and after [`Http::socket`](crate::Http::socket). The library
/// answers pings, and sends a ping to a silent peer.
pub struct Socket<'q, 'r, 'c, 's, A: 'static> {
    request: &'q mut Request<'r, 'c, 's, A>,
}

/// Functions to receive.
impl<'q, 'r, 'c, 's, A> Socket<'q, 'r, 'c, 's, A> {
    pub(crate) const fn new(request: &'q mut Request<'r, 'c, 's, A>) -> Self {
        Self { request }
    }

    /// Returns the bytes of the message that have arrived and are not yet taken, as one slice.
    pub fn data(&mut self) -> &[u8] {
        let clear = self.request.exchange.left as usize;
        self.request.conn.contiguous(clear).unwrap_or_default()
    }

    /// Takes up to `amount` bytes of the message. Returns the number taken.
    pub fn take(&mut self, amount: usize) -> usize {
        let taken = self.drop_input(amount.min(self.request.exchange.left as usize));
        self.request.exchange.left = self.request.exchange.left.saturating_sub(taken as u32);
        taken
    }

    /// Returns the connection's handle, for [`Http::socket`](crate::Http::socket).
    pub fn id(&self) -> picoevent::Conn {
        self.request.id()
    }

    /// Returns the request of the handshake.
    pub fn request(&self) -> &Request<'r, 'c, 's, A> {
        self.request
    }

    /// Returns the context of the loop.
    pub fn cx(&mut self) -> &mut Cx<'s, A> {
        self.request.cx()
    }

    /// Returns the negotiated subprotocol, or `None` if there is none.
    pub fn protocol(&self) -> Option<&'static str> {
        let number = self.request.kept(handshake::PROTOCOL)?.first()?;
        self.request.route()?.protocols.get(usize::from(*number)).copied()
    }

    /// Returns the state of the frames, or `None` if the connection is not a WebSocket.
    fn frames(&mut self) -> Option<&mut Frames> {
        match &mut self.request.exchange.extra {
            Extra::Frames(frames) => Some(frames),
            _ => None,
        }
    }
}

/// Functions to send. Each function writes all of its data, or nothing.
///
/// ```
/// use picoevent_http::{ReplyError, Socket};
/// # struct App { level: u32 }
/// fn send_level(app: &App, socket: &mut Socket<App>) -> Result<(), ReplyError> {
///     socket.send_fmt(format_args!("level {}", app.level))?;
///     // A message in two fragments, for example if the output ring has no room for the whole message.
///     socket.send_binary(&[1, 2], false)?;
///     socket.send_binary(&[3], true)
/// }
/// # let _ = send_level;
/// ```
impl<A: 'static> Socket<'_, '_, '_, '_, A> {
    /// Sends a text message.
    ///
    /// # Errors
    /// Returns [`ReplyError::Full`] or [`TooLong`](ReplyError::TooLong) if the frame does not fit into the output ring.
    /// Returns [`NotNow`](ReplyError::NotNow) if a message of the other type (text or binary) is being sent in
    /// fragments, and [`Ended`](ReplyError::Ended) after the end of the connection.
    pub fn send_text(&mut self, text: &str) -> Result<(), ReplyError> {
        self.send(Opcode::Text, text.as_bytes(), true)
    }

    /// Sends formatted text. The text is formatted twice: first to find its length.
    ///
    /// # Errors
    /// Returns the same errors as [`send_text`](Self::send_text).
    pub fn send_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), ReplyError> {
        let length = crate::reply::length_of(text);
        self.send_frame(Opcode::Text, length, Payload::Text(text), true)
    }

    /// Sends a text message, or a fragment of a text message. If `is_last` is false, send the next fragment with this
    /// function too.
    ///
    /// # Errors
    /// Returns the same errors as [`send_text`](Self::send_text).
    pub fn send_text_part(&mut self, text: &[u8], is_last: bool) -> Result<(), ReplyError> {
        self.send(Opcode::Text, text, is_last)
    }

    /// Sends bytes: a whole message, or a fragment. If `is_last` is false, send the next fragment with this function
    /// too.
    ///
    /// # Errors
    /// Returns the same errors as [`send_text`](Self::send_text).
    pub fn send_binary(&mut self, data: &[u8], is_last: bool) -> Result<(), ReplyError> {
        self.send(Opcode::Binary, data, is_last)
    }

    /// Returns the number of bytes that can be sent now as one fragment.
    pub fn room(&self) -> usize {
        let head = if self.client().is_some() { 8 } else { 4 };
        self.request.conn.room().saturating_sub(head)
    }

    /// Sends a close frame with `code` after all earlier output, and closes the connection. The usual code is 1000. A
    /// code that must not be sent is replaced with 1000.
    pub fn close(&mut self, code: u16) {
        let code = if is_sendable(code) { code } else { code::NORMAL };
        self.end(code);
    }

    fn send(&mut self, opcode: Opcode, data: &[u8], is_last: bool) -> Result<(), ReplyError> {
        self.send_frame(opcode, data.len(), Payload::Bytes(data), is_last)
    }

    /// Sends a frame, if there is room for the whole frame.
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

    /// Returns the functions of a client, or `None` for a server.
    fn client(&self) -> Option<&'static ClientHooks<A>> {
        self.request.route()?.socket?.client.as_ref()
    }

    /// Sends a close frame, and closes the connection.
    fn end(&mut self, code: u16) {
        if let Some(frames) = self.frames() {
            frames.code = code;
        }
        let [high, low] = code.to_be_bytes();
        let data = if code == code::NONE { &[][..] } else { &[high, low] };
        // If there is no room for the frame, the connection is closed without a close frame.
        let _ = self.send(Opcode::Close, data, true);
        self.request.conn.close();
    }
}

/// The payload of a frame.
pub(crate) enum Payload<'p> {
    Bytes(&'p [u8]),
    Text(fmt::Arguments<'p>),
}
