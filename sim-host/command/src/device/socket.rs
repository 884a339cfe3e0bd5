//! Clients that use the device's WebSockets or server-sent events.

use picoevent_sim::world::Session;

use super::answer;
use super::{Client, Known, Plan};

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// The bit that marks the last frame of a message.
const LAST: u8 = 0x80;

/// A frame from the device.
struct Frame {
    opcode: u8,
    is_last: bool,
    data: Vec<u8>,
}

/// Takes the frame at the beginning of the input, if it is complete.
fn take_frame(session: &mut Session) -> Result<Option<Frame>, String> {
    let [first, second, rest @ ..] = session.input() else { return Ok(None) };
    if first & 0x70 != 0 || second & 0x80 != 0 {
        return Err(format!("a frame begins with {first:#x} {second:#x}"));
    }
    let (length, head) = match (second, rest) {
        (126, [high, low, ..]) => match usize::from(u16::from_be_bytes([*high, *low])) {
            // This length is larger than the longest ring of any device.
            long @ 1_025.. => return Err(format!("a frame of {long} bytes is longer than a ring")),
            long => (long, 4),
        },
        (126, _) => return Ok(None),
        (127, _) => return Err("a frame is longer than any ring".to_owned()),
        (short, _) => (usize::from(*short), 2),
    };
    let (opcode, is_last) = (first & 15, first & LAST != 0);
    let Some(data) = session.input().get(head..head + length) else { return Ok(None) };
    let data = data.to_vec();
    session.consume(head + length);
    Ok(Some(Frame { opcode, is_last, data }))
}

/// Returns a masked frame, as a client sends it.
fn frame(first: u8, data: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![first];
    match data.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        long => {
            frame.push(0x80 | 126);
            frame.extend((long as u16).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(data.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Returns the handshake request of a WebSocket.
fn upgrade(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: device\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// The state of the handshake.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handshake {
    Awaited,
    Done,
    /// The device has no room for another connection, or the client was too slow.
    Refused,
}

/// Takes the answer to the handshake from the input. Returns the new state of the handshake.
fn take_handshake(session: &mut Session, status: u16) -> Result<Handshake, String> {
    let Some((answer, length)) = answer::head(session.input())? else {
        return Ok(Handshake::Awaited);
    };
    session.consume(length);
    match answer.status {
        408 | 503 if answer.is_last() => Ok(Handshake::Refused),
        101 if status == 101 => match answer.field("Sec-WebSocket-Accept") {
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") => Ok(Handshake::Done),
            other => Err(format!("the handshake is accepted with {other:?}")),
        },
        held if held == status => Ok(Handshake::Done),
        held => Err(format!("the answer has status {held} instead of {status}")),
    }
}

fn code(data: &[u8]) -> Option<u16> {
    data.first_chunk().map(|code| u16::from_be_bytes(*code))
}

/// A WebSocket client whose messages the device echoes.
pub(super) struct Echo {
    handshake: Handshake,
    /// The messages are sent one after the other, each after the echo of the previous message.
    waits_for_echo: bool,
    cut: usize,
    mask: [u8; 4],
    messages: Vec<(u8, Vec<u8>)>,
    sent: usize,
    /// The number of messages and pings that were answered.
    echoed: usize,
    ponged: usize,
    /// The echo that is being received.
    partial_message: Option<(u8, Vec<u8>)>,
    has_closed: bool,
}

impl Echo {
    pub(super) fn new(plan: Plan) -> Self {
        let message = |nth: u64| match plan.number(nth, 2) {
            // Characters of one to four bytes.
            0 => (TEXT, "a\u{e4}\u{20ac}\u{1f600}".repeat(plan.length as usize / 10).into_bytes()),
            _ => (BINARY, plan.bytes(nth, plan.length + nth)),
        };
        let mask = plan.bytes(1_000, 4);
        Self {
            handshake: Handshake::Awaited,
            waits_for_echo: plan.end % 2 == 1,
            cut: 1 + plan.cut as usize,
            mask: [mask[0], mask[1], mask[2], mask[3]],
            messages: (0..=plan.more).map(message).collect(),
            sent: 0,
            echoed: 0,
            ponged: 0,
            partial_message: None,
            has_closed: false,
        }
    }

    /// Sends each message in several frames, with a ping after the first frame. When all messages and pings are
    /// answered, sends the close frame.
    fn send(&mut self, session: &mut Session) {
        let all = self.messages.len();
        while self.sent < all && (!self.waits_for_echo || self.sent == self.echoed) {
            let (opcode, data) = &self.messages[self.sent];
            let (mut first, mut rest) = (*opcode, data.as_slice());
            loop {
                let (part, after) = rest.split_at(self.cut.min(rest.len()));
                let last = if after.is_empty() { LAST } else { 0 };
                session.write(&frame(first | last, part, self.mask));
                if first != 0 {
                    let number = [self.sent as u8];
                    session.write(&frame(PING | LAST, &number, self.mask));
                }
                (first, rest) = (0, after);
                if last > 0 {
                    break;
                }
            }
            self.sent += 1;
        }
        let is_answered = self.echoed == all && self.ponged == all;
        if is_answered && !std::mem::replace(&mut self.has_closed, true) {
            session.write(&frame(CLOSE | LAST, &1_000_u16.to_be_bytes(), self.mask));
        }
    }

    fn take(&mut self, frame: Frame, session: &mut Session) -> Result<(), String> {
        let Frame { opcode, is_last, data } = frame;
        match opcode {
            PING => session.write(&self::frame(PONG | LAST, &data, self.mask)),
            PONG => {
                if data != [self.ponged as u8] || self.ponged >= self.sent {
                    return Err(format!("the answer to ping {} is {data:?}", self.ponged));
                }
                self.ponged += 1;
            }
            // The code 1001 means that the device is shutting down.
            CLOSE if code(&data) == Some(1_001) => {}
            CLOSE if code(&data) == Some(1_000) && self.has_closed => session.served(),
            CLOSE => return Err(format!("the device closes with {:?}", code(&data))),
            _ => {
                let (kind, mut message) = match (self.partial_message.take(), opcode) {
                    (None, TEXT | BINARY) => (opcode, Vec::new()),
                    (Some(partial_message), 0) => partial_message,
                    _ => return Err(format!("a frame with opcode {opcode} has come")),
                };
                message.extend(data);
                if !is_last {
                    self.partial_message = Some((kind, message));
                    return Ok(());
                }
                let wanted = self.messages.get(self.echoed).filter(|_| self.echoed < self.sent);
                if wanted != Some(&(kind, message)) {
                    return Err(format!(
                        "the echo of message {} differs from the message",
                        self.echoed
                    ));
                }
                self.echoed += 1;
            }
        }
        Ok(())
    }
}

impl Client for Echo {
    fn begin(&mut self, _: &mut Known, session: &mut Session) {
        session.write(upgrade("/echo").as_bytes());
    }

    fn received(&mut self, _: &mut Known, session: &mut Session) -> Result<(), String> {
        if self.handshake == Handshake::Awaited {
            self.handshake = take_handshake(session, 101)?;
        }
        if self.handshake == Handshake::Done {
            self.send(session);
            while let Some(frame) = take_frame(session)? {
                self.take(frame, session)?;
                self.send(session);
            }
        }
        Ok(())
    }

    fn finished(&mut self, _: &mut Known, _: &mut Session) -> Result<(), String> {
        Ok(())
    }
}

/// A client that receives live values, over a WebSocket or as server-sent events.
pub(super) struct Live {
    is_socket: bool,
    handshake: Handshake,
    value_count: u32,
    /// The number of samples in the last value.
    sample: u64,
}

/// The number of values that a client waits for.
const VALUES: u32 = 3;

impl Live {
    pub(super) const fn socket() -> Self {
        Self { is_socket: true, handshake: Handshake::Awaited, value_count: 0, sample: 0 }
    }

    pub(super) const fn events() -> Self {
        Self { is_socket: false, ..Self::socket() }
    }

    /// Checks a value.
    fn value(&mut self, text: &str) -> Result<(), String> {
        let wrong = || format!("the value {text:?} has come after sample {}", self.sample);
        let number = |name: &str| {
            let (_, rest) = text.split_once(&format!("\"{name}\":"))?;
            rest.split([',', '}']).next()?.parse::<u64>().ok()
        };
        let is_framed = text.starts_with("{\"value\":") && text.ends_with('}');
        let value = number("value").filter(|value| (20_000..=25_000).contains(value));
        let sample = number("samples").filter(|sample| *sample > self.sample);
        let (Some(value), Some(sample), true) = (value, sample, is_framed) else {
            return Err(wrong());
        };
        // Other clients change the threshold, so `warm` may have either value.
        let has_warm = text.contains("\"warm\":true") || text.contains("\"warm\":false");
        if !has_warm || number("clients") > number("most") || value == 0 {
            return Err(wrong());
        }
        self.sample = sample;
        self.value_count += 1;
        Ok(())
    }

    fn frames(&mut self, session: &mut Session) -> Result<(), String> {
        while let Some(Frame { opcode, is_last, data }) = take_frame(session)? {
            match (opcode, is_last) {
                (TEXT, true) => {
                    self.value(&String::from_utf8_lossy(&data))?;
                    if self.value_count == VALUES {
                        session.write(&frame(CLOSE | LAST, &1_000_u16.to_be_bytes(), [7; 4]));
                        session.served();
                    }
                }
                (PING, true) => session.write(&frame(PONG | LAST, &data, [9; 4])),
                (CLOSE, true) if matches!(code(&data), Some(1_000 | 1_001)) => {}
                _ => return Err(format!("a frame with opcode {opcode} and {data:?} has come")),
            }
        }
        Ok(())
    }

    fn chunks(&mut self, session: &mut Session) -> Result<(), String> {
        let (content, taken, is_last) = answer::chunks(session.input())?;
        session.consume(taken);
        if is_last {
            return Err("the events have ended".to_owned());
        }
        let content = String::from_utf8_lossy(&content).into_owned();
        for event in content.split_terminator("\n\n") {
            let text = event.strip_prefix("event: value\ndata: ");
            self.value(text.ok_or_else(|| format!("the event {event:?} has come"))?)?;
        }
        if self.value_count >= VALUES {
            session.served();
            session.reset();
        }
        Ok(())
    }
}

impl Client for Live {
    fn begin(&mut self, _: &mut Known, session: &mut Session) {
        let events = "GET /events HTTP/1.1\r\nHost: device\r\n\r\n".to_owned();
        let request = if self.is_socket { upgrade("/live") } else { events };
        session.write(request.as_bytes());
    }

    fn received(&mut self, _: &mut Known, session: &mut Session) -> Result<(), String> {
        if self.handshake == Handshake::Awaited {
            self.handshake = take_handshake(session, if self.is_socket { 101 } else { 200 })?;
        }
        match self.handshake {
            Handshake::Done if self.is_socket => self.frames(session),
            Handshake::Done => self.chunks(session),
            Handshake::Awaited | Handshake::Refused => Ok(()),
        }
    }

    fn finished(&mut self, _: &mut Known, _: &mut Session) -> Result<(), String> {
        Ok(())
    }
}

/// A WebSocket client that violates the protocol. The device must close the connection with the right code.
pub(super) struct Misbehaving {
    handshake: Handshake,
    frames: Vec<u8>,
    code: u16,
}

impl Misbehaving {
    pub(super) fn new(plan: Plan) -> Self {
        let mask = [plan.seed as u8, 1, 2, 3];
        let bad = b"\xc3(".to_vec();
        let (frames, code) = match plan.number(0, 8) {
            // A frame without a mask.
            0 => (vec![TEXT | LAST, 1, b'x'], 1_002),
            // A frame with a reserved bit.
            1 => (frame(TEXT | LAST | 0x40, b"x", mask), 1_002),
            // A frame with an invalid opcode.
            2 => (frame(3 | LAST, b"x", mask), 1_002),
            // A ping that is too long.
            3 => (frame(PING | LAST, &[0; 126], mask), 1_002),
            // A continuation frame without a message.
            4 => (frame(LAST, b"x", mask), 1_002),
            // Invalid UTF-8 in one frame.
            5 => (frame(TEXT | LAST, &bad, mask), 1_007),
            // Invalid UTF-8 across two frames.
            6 => ([frame(TEXT, &bad[..1], mask), frame(LAST, &bad[1..], mask)].concat(), 1_007),
            // A frame whose header states a length of more than 64 KiB.
            _ => (vec![BINARY | LAST, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4], 1_009),
        };
        Self { handshake: Handshake::Awaited, frames, code }
    }
}

impl Client for Misbehaving {
    fn begin(&mut self, _: &mut Known, session: &mut Session) {
        session.write(upgrade("/echo").as_bytes());
    }

    fn received(&mut self, _: &mut Known, session: &mut Session) -> Result<(), String> {
        if self.handshake == Handshake::Awaited {
            self.handshake = take_handshake(session, 101)?;
            if self.handshake == Handshake::Done {
                session.write(&self.frames);
            }
        }
        if self.handshake != Handshake::Done {
            return Ok(());
        }
        while let Some(frame) = take_frame(session)? {
            match (frame.opcode, code(&frame.data)) {
                (CLOSE, Some(code)) if code == self.code => session.served(),
                (CLOSE, Some(1_001)) => {}
                // If the device's clock steps forward before the frames arrive, the connection seems idle, and the
                // device sends a ping.
                (PING, _) => {}
                // The first part of the message is valid UTF-8, so the device may have echoed this part.
                (TEXT | BINARY, _) if self.code == 1_007 => {}
                (opcode, code) => {
                    return Err(format!("opcode {opcode} with {code:?} instead of {}", self.code));
                }
            }
        }
        Ok(())
    }

    fn finished(&mut self, _: &mut Known, _: &mut Session) -> Result<(), String> {
        Ok(())
    }
}
