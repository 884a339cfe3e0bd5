//! The handshake of a server (RFC 6455, 4.2).

use super::engine::begin;
use super::{Socket, sha1};
use crate::base64;
use crate::buffer::Buffer;
use crate::exchange::{Exchange, Input, flag};
use crate::reply::{Head, Length};
use crate::request::{Request, keep};
use crate::route::Route;
use crate::status::Status;
use crate::text::{has_word, index_of, parts};

/// The number with which [`keep`] stores the hash of the client's key.
const ACCEPT: u8 = 255;
/// The number with which [`keep`] stores the index of the subprotocol.
pub(super) const PROTOCOL: u8 = 254;

/// Returns the hash with which a server answers a key of 24 characters.
#[inline(never)]
pub(super) fn answer_to(key: &[u8]) -> [u8; 20] {
    let mut blocks = [[0; 64]; 2];
    let text = key.iter().chain(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    blocks.as_flattened_mut().iter_mut().zip(text).for_each(|(target, byte)| *target = *byte);
    sha1::sha1(&mut blocks, 60)
}

/// Evaluates a header field of the handshake.
pub(crate) fn field<A: 'static>(
    route: &Route<A>,
    exchange: &mut Exchange,
    text: &mut [u8],
    name: &[u8],
    value: &[u8],
) -> Result<(), Status> {
    let names = ["upgrade", "sec-websocket-version", "sec-websocket-key", "sec-websocket-protocol"];
    let is_kept = match index_of(name, &names) {
        0 if has_word(value, b"websocket") => {
            exchange.set(flag::WEBSOCKET);
            true
        }
        1 if value == b"13" => {
            exchange.set(flag::VERSION_13);
            true
        }
        2 => {
            if exchange.has(flag::KEY) || !base64::encodes_16_bytes(value) {
                return Err(Status::BAD_REQUEST);
            }
            exchange.set(flag::KEY);
            keep(exchange, text, ACCEPT, &answer_to(value))
        }
        3 => {
            let is_requested =
                |known: &&str| parts(value, b',').any(|part| part == known.as_bytes());
            let number = route.protocols.iter().position(is_requested);
            number.is_none_or(|number| keep(exchange, text, PROTOCOL, &[number as u8]))
        }
        _ => true,
    };
    if is_kept { Ok(()) } else { Err(Status::FIELDS_TOO_LARGE) }
}

/// Answers the handshake.
pub(crate) fn accept<A: 'static>(app: &mut A, request: &mut Request<'_, '_, '_, A>) {
    let exchange = &*request.exchange;
    if !exchange.has(flag::WEBSOCKET | flag::UPGRADE | flag::VERSION_13)
        || exchange.has(flag::HTTP_1_0)
    {
        let fields = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
        return request.answer_bare(Status::UPGRADE_REQUIRED, fields);
    }
    let hash = request.kept(ACCEPT).unwrap_or_default();
    let mut accept = [0; 28];
    let is_get = exchange.method == crate::Method::Get;
    if base64::encode(hash, &mut accept) != Some(28) || !is_get || exchange.input != Input::Done {
        return request.refuse(Status::BAD_REQUEST);
    }
    let mut fields = Buffer::new();
    let agreed = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \0\r\n";
    fields.put(agreed, &[&accept]);
    if let Some(protocol) = Socket::new(request).protocol() {
        fields.put("Sec-WebSocket-Protocol: \0\r\n", &[protocol.as_bytes()]);
    }
    let head = Head::bare(Status::SWITCHING_PROTOCOLS, fields.as_bytes());
    if request.write_head(&head, Length::Known(0), &[], 0).is_err() {
        return request.conn.abort();
    }
    request.exchange.set(flag::COMPLETE);
    begin(app, request);
}
