//! The input of a WebSocket, frame by frame.

use picoevent::ConnError;

use super::frame::{self, Header, Mask, Opcode, code, header, is_sendable};
use super::utf8::Utf8;
use super::{Message, Socket};
use crate::exchange::{Exchange, Extra, Input, Timer, flag};
use crate::request::Request;
use crate::text::copy;

/// The state of the frames on a connection.
///
/// ```text
///   input ring   │ unmasked │ masked, as far as it has arrived │ the next frame …
/// ```
///
/// Other state of the frames is in these fields of [`Exchange`]. On a WebSocket, these fields have no other use:
///
/// | field | number of bytes |
/// |---|---|
/// | `content` | payload bytes of the frame that are still masked, or have not arrived |
/// | `left` | unmasked payload bytes in the input ring that are not taken |
/// | `body` | payload bytes of the frames of the message so far |
/// | `moved` | bytes that were removed from the input ring |
/// | `saved_progress` | `moved` plus the bytes in the input ring, when the WebSocket was last checked for silence |
#[derive(Clone, Copy)]
pub(crate) struct Frames {
    mask: Mask,
    utf8: Utf8,
    /// The type of the message that is being received.
    receiving: Option<Opcode>,
    /// The type of the message that is being sent in fragments.
    pub(super) sending: Option<Opcode>,
    /// Whether the payload of a frame is being received.
    in_frame: bool,
    /// Whether the current frame is the last frame of its message.
    is_last: bool,
    /// Whether a ping was sent since the last input.
    pinged: bool,
    /// The close code.
    pub(super) code: u16,
}

impl Frames {
    pub(super) const NEW: Self = Self {
        mask: Mask::NONE,
        utf8: Utf8::NEW,
        receiving: None,
        sending: None,
        in_frame: false,
        is_last: false,
        pinged: false,
        code: code::LOST,
    };
}

/// The result of a step.
#[derive(PartialEq, Eq)]
enum Step {
    Done,
    /// More input is needed.
    Waits,
    /// The input waits for the application, or for room.
    Held,
}

/// Processes the available input.
pub(crate) fn advance<A: 'static>(app: &mut A, request: &mut Request<'_, '_, '_, A>) {
    let mut socket = Socket::new(request);
    let mut is_held = false;
    while socket.request.conn.is_open() {
        let step = match socket.frames() {
            Some(frames) if frames.in_frame => socket.read_payload(app),
            _ => socket.read_header(),
        };
        match step {
            Ok(Step::Done) => {}
            Ok(step) => {
                is_held = step == Step::Held;
                break;
            }
            Err(code) => socket.end(code),
        }
    }
    // If the peer has ended its stream, the connection is closed. Input that is held comes first, because a close frame
    // may follow it.
    let conn = &mut socket.request.conn;
    if socket.request.exchange.has(flag::EOF) && !is_held && conn.is_open() {
        conn.close();
    }
}

/// Checks whether the peer is silent. If there was no input since the last check, sends a ping. If the last check
/// already sent a ping, resets the connection instead.
pub(crate) fn alarm<A: 'static>(_: &mut A, request: &mut Request<'_, '_, '_, A>) {
    let mut socket = Socket::new(request);
    let received = socket.received();
    let is_silent =
        received == core::mem::replace(&mut socket.request.exchange.saved_progress, received);
    let Some(frames) = socket.frames() else { return };
    if is_silent && frames.pinged {
        return socket.request.conn.abort_with(ConnError::TimedOut);
    }
    frames.pinged = is_silent;
    if is_silent {
        // If the output ring has no room, the ping is not sent. In this case the stall limit ends the connection of a
        // silent peer.
        let _ = socket.send(Opcode::Ping, &[], true);
    }
}

/// Turns the connection into a WebSocket, and reports [`Message::Opened`].
pub(super) fn begin<A: 'static>(app: &mut A, request: &mut Request<'_, '_, '_, A>) {
    (request.exchange.input, request.exchange.timer) = (Input::Frames, Timer::None);
    request.exchange.extra = Extra::Frames(Frames::NEW);
    (request.exchange.content, request.exchange.left) = (0, 0);
    request.exchange.saved_progress = Socket::new(request).received();
    if let Some(message) = request.route().and_then(|route| route.message) {
        message(app, &mut Socket::new(request), Message::Opened);
    }
}

/// Returns the close code.
pub(crate) const fn code_of(exchange: &Exchange) -> u16 {
    match exchange.extra {
        Extra::Frames(Frames { code, .. }) => code,
        _ => code::LOST,
    }
}

/// Reports the end of the connection.
pub(crate) fn ended<A: 'static>(app: &mut A, request: &mut Request<'_, '_, '_, A>) {
    let Some(message) = request.route().and_then(|route| route.message) else { return };
    let code = code_of(request.exchange);
    message(app, &mut Socket::new(request), Message::Closed(code));
}

impl<A: 'static> Socket<'_, '_, '_, '_, A> {
    /// Reads the header of the next frame, or a complete control frame. An error is the close code to send.
    fn read_header(&mut self) -> Result<Step, u16> {
        let is_masked = self.client().is_none();
        let held = self.request.conn.input_len().min(frame::LONGEST);
        let bytes = self.request.conn.contiguous(held).unwrap_or_default();
        let header = match header(bytes, is_masked) {
            None => return Ok(Step::Waits),
            Some(header) => header?,
        };
        if header.opcode.is_control() {
            return self.read_control(&header);
        }
        let most = self.request.site.limits.message;
        let exchange = &mut *self.request.exchange;
        let Extra::Frames(frames) = &mut exchange.extra else { return Ok(Step::Waits) };
        let begins = header.opcode != Opcode::Continuation;
        if begins == frames.receiving.is_some() {
            return Err(code::PROTOCOL);
        }
        if begins {
            (frames.receiving, frames.utf8) = (Some(header.opcode), Utf8::NEW);
            exchange.body = 0;
        }
        let message = exchange.body.checked_add(header.length);
        exchange.body = message.filter(|length| *length <= most).ok_or(code::TOO_BIG)?;
        (exchange.content, exchange.left, frames.mask) = (header.length, 0, header.mask);
        (frames.in_frame, frames.is_last) = (true, header.is_last);
        self.drop_input(header.size);
        Ok(Step::Done)
    }

    /// Reads a control frame.
    fn read_control(&mut self, header: &Header) -> Result<Step, u16> {
        let length = header.length as usize;
        let whole = header.size.saturating_add(length);
        let (input, _) = self.request.conn.ring_sizes();
        if whole > input {
            return Err(code::TOO_BIG);
        }
        if self.request.conn.input_len() < whole {
            return Ok(Step::Waits);
        }
        if header.opcode == Opcode::Ping {
            // The pong has the data of the ping. Only the frames of one side have a mask of four bytes.
            let (_, output) = self.request.conn.ring_sizes();
            let pong = whole.saturating_add(4).min(output);
            if self.request.conn.room() < pong {
                self.request.conn.wait_for_room(pong);
                return Ok(Step::Held);
            }
        }
        let mut data = [0; 125];
        let Some(data) = data.get_mut(..length) else { return Err(code::PROTOCOL) };
        let Some(held) = self.request.conn.contiguous(whole) else { return Ok(Step::Waits) };
        copy(data, held.get(header.size..).unwrap_or_default());
        let mut mask = header.mask;
        mask.apply(data);
        self.drop_input(whole);
        match header.opcode {
            Opcode::Ping => {
                // The pong fits, unless the output ring is too small for the data of a ping.
                let _ = self.send(Opcode::Pong, data, true);
                Ok(Step::Done)
            }
            Opcode::Close => match data.split_first_chunk::<2>() {
                None if data.is_empty() => Err(code::NONE),
                None => Err(code::PROTOCOL),
                Some((sent, reason)) => {
                    let sent = u16::from_be_bytes(*sent);
                    let mut utf8 = Utf8::NEW;
                    let is_text = utf8.take(reason) && utf8.is_complete();
                    Err(match is_text {
                        _ if !is_sendable(sent) => code::PROTOCOL,
                        true => sent,
                        false => code::NOT_TEXT,
                    })
                }
            },
            _ => Ok(Step::Done),
        }
    }

    /// Removes bytes from the input ring, and counts them.
    pub(super) fn drop_input(&mut self, amount: usize) -> usize {
        let taken = self.request.conn.consume(amount);
        self.request.exchange.count(taken);
        taken
    }

    /// Returns the number of bytes received so far.
    pub(super) fn received(&self) -> u32 {
        self.request.exchange.moved.wrapping_add(self.request.conn.input_len() as u32)
    }

    /// Unmasks the bytes of a frame that have arrived, and passes them to the application.
    fn read_payload(&mut self, app: &mut A) -> Result<Step, u16> {
        let Request { conn, exchange, .. } = &mut *self.request;
        let Extra::Frames(frames) = &mut exchange.extra else { return Ok(Step::Waits) };
        let masked = (conn.input_len() as u32).saturating_sub(exchange.left).min(exchange.content);
        let (input, _) = conn.ring_sizes();
        let is_full = conn.input_len() >= input;
        let clear = exchange.left.saturating_add(masked);
        let data = conn.contiguous(clear as usize).unwrap_or_default();
        let new = data.get_mut(exchange.left as usize..).unwrap_or_default();
        frames.mask.apply(new);
        exchange.left = clear;
        exchange.content = exchange.content.saturating_sub(masked);
        let is_text = frames.receiving == Some(Opcode::Text);
        let is_last = frames.is_last && exchange.content == 0;
        if is_text && !(frames.utf8.take(new) && (!is_last || frames.utf8.is_complete())) {
            return Err(code::NOT_TEXT);
        }
        // A frame that fits into the input ring is passed to the application when the frame is complete.
        if exchange.content > 0 && !is_full {
            return Ok(Step::Waits);
        }
        if clear > 0 || is_last {
            let message = match is_text {
                true => Message::Text { is_last },
                false => Message::Binary { is_last },
            };
            if let Some(call) = self.request.route().and_then(|route| route.message) {
                call(app, self, message);
            }
        }
        let Exchange { left, content, .. } = *self.request.exchange;
        if left > 0 {
            return Ok(if left < clear { Step::Done } else { Step::Held });
        }
        if content == 0
            && let Some(frames) = self.frames()
        {
            frames.in_frame = false;
            frames.receiving = frames.receiving.filter(|_| !frames.is_last);
        }
        Ok(Step::Done)
    }
}
