//! The memory of a client.

use core::net::SocketAddr;

use picoevent::Conn;

use super::head::address_of;
use crate::client::{CallError, ClientRequest};
use crate::exchange::{Exchange, Input};
use crate::head::{field, is_authority, without_return};
use crate::method::Method;
use crate::reply::Length;
use crate::text::{are_all, class, copy, is_same, split_at_byte};

/// The memory for one request at a time. The text buffer of `TEXT` bytes holds the host, the target and the fields of
/// the request, and the header fields of the answer that are kept.
pub struct Client<const TEXT: usize = 160> {
    call: Call,
    text: [u8; TEXT],
}

/// The state of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// There is no request.
    Idle,
    /// The request waits for its connection.
    Waiting,
    /// The request was sent, or is being sent.
    Sent,
}

/// A request of a client, and its connection.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Call {
    pub(crate) conn: Option<Conn>,
    /// The server's address. If it is `None`, the client looks up the host name.
    pub(crate) address: Option<SocketAddr>,
    /// The connection has no request, and is kept for the next request to the same server.
    pub(crate) is_idle: bool,
    pub(crate) content: Option<Length>,
    pub(crate) exchange: Exchange,
    /// The start and the end of the host in the text buffer. The fields are before the host, and the target is after
    /// the host.
    pub(crate) host: [u16; 2],
    /// The end of the request's data in the text buffer. For a WebSocket, the key follows the target and belongs to
    /// this data.
    pub(crate) text_end: u16,
    pub(crate) method: Method,
    pub(crate) state: State,
    /// The number of redirects that may still be followed.
    pub(crate) redirects: u8,
    /// The connection was already used for another request, so the server may have ended the connection in the
    /// meantime.
    pub(crate) is_kept: bool,
    is_taken: bool,
}

impl<const TEXT: usize> Client<TEXT> {
    /// Makes the memory.
    pub const fn new() -> Self {
        let call = Call {
            conn: None,
            address: None,
            is_idle: false,
            content: None,
            exchange: Exchange::new(),
            host: [0; 2],
            text_end: 0,
            method: Method::Get,
            state: State::Idle,
            redirects: 0,
            is_kept: false,
            is_taken: false,
        };
        Self { call, text: [0; TEXT] }
    }

    /// Returns whether a request is in progress.
    pub fn is_busy(&self) -> bool {
        self.call.state != State::Idle
    }
}

impl<const TEXT: usize> Default for Client<TEXT> {
    fn default() -> Self {
        Self::new()
    }
}

impl Call {
    /// Stores a request.
    pub(crate) fn begin(
        &mut self,
        text: &mut [u8],
        request: &ClientRequest<'_>,
        redirects: u8,
        has_names: bool,
    ) -> Result<(), CallError> {
        if self.state != State::Idle || self.is_taken {
            return Err(CallError::Busy);
        }
        let host = request.host.as_bytes();
        let is_host = !host.is_empty() && are_all(host, class::TARGET);
        let address = request.address.or_else(|| address_of(host));
        let is_target = address.is_some() || is_authority(host);
        if !is_host || !is_target || !are_fields(request.fields.as_bytes()) {
            return Err(CallError::BadRequest);
        }
        if address.is_none() && !has_names {
            return Err(CallError::Unresolved);
        }
        // The text buffer still holds the last request, so the hosts of both requests can be compared.
        let [_, last, _] = self.target(text);
        let is_same_server = match address {
            None => self.address.is_none() && is_same(last, host),
            address => self.address == address,
        };
        let is_idle = core::mem::take(&mut self.is_idle) && is_same_server;
        let end = put(text, 0, request.fields.as_bytes()).ok_or(CallError::BadRequest)?;
        self.set_target(text, end, host, request.target.as_bytes()).ok_or(CallError::BadRequest)?;
        (self.address, self.method, self.content) =
            (address, request.method, Some(request.content));
        self.is_idle = is_idle;
        // Discards the input state of the last request.
        self.exchange.input = Input::Line;
        (self.state, self.redirects, self.is_kept) = (State::Waiting, redirects, false);
        Ok(())
    }

    /// Stores host and target after the fields. `at` is the end of the fields. Returns `None` if the target is not
    /// valid, or if host and target do not fit.
    pub(crate) fn set_target(
        &mut self,
        text: &mut [u8],
        at: usize,
        host: &[u8],
        target: &[u8],
    ) -> Option<()> {
        if target.first() != Some(&b'/') || !are_all(target, class::TARGET) {
            return None;
        }
        let host_end = put(text, at, host)?;
        let end = put(text, host_end, target)?;
        self.host = [u16::try_from(at).ok()?, u16::try_from(host_end).ok()?];
        self.exchange.target = u16::try_from(end).ok()?;
        Some(())
    }

    /// Returns fields, host and target.
    pub(crate) fn target<'t>(&self, text: &'t [u8]) -> [&'t [u8]; 3] {
        let [host, target] = self.host.map(usize::from);
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        [part(0, host), part(host, target), part(target, self.exchange.target.into())]
    }

    /// Prepares the state for sending.
    pub(crate) fn begin_sending(&mut self) {
        let target = self.exchange.target;
        self.exchange = Exchange::new();
        (self.exchange.target, self.exchange.kept, self.exchange.method) =
            (target, target, self.method);
        self.exchange.set_route(0);
        self.state = State::Sent;
    }
}

/// Returns whether `text` consists of header fields, each with its line end.
fn are_fields(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let Some((line, rest)) = split_at_byte(text, b'\n') else { return false };
        if !without_return(line).is_ok_and(|line| field(line).is_ok()) {
            return false;
        }
        text = rest;
    }
    true
}

/// Removes the header fields that another server must not get. Returns the end of the remaining fields.
pub(crate) fn drop_secrets(text: &mut [u8], end: usize) -> usize {
    let (mut from, mut to) = (0_usize, 0_usize);
    while from < end {
        let rest = text.get(from..end).unwrap_or_default();
        let length =
            split_at_byte(rest, b'\n').map_or(rest.len(), |(line, _)| line.len().saturating_add(1));
        let name = split_at_byte(rest, b':').map_or(rest, |(name, _)| name);
        let is_secret = is_same(name, b"authorization") || is_same(name, b"cookie");
        for at in 0..if is_secret { 0 } else { length } {
            let byte = text.get(from.wrapping_add(at)).copied().unwrap_or_default();
            if let Some(target) = text.get_mut(to) {
                *target = byte;
            }
            to = to.wrapping_add(1);
        }
        from = from.wrapping_add(length);
    }
    to
}

/// Copies bytes into `text` at the offset `at`. Returns the offset after the copied bytes, or `None` if the bytes do
/// not fit.
fn put(text: &mut [u8], at: usize, bytes: &[u8]) -> Option<usize> {
    copy(text.get_mut(at..)?.get_mut(..bytes.len())?, bytes);
    at.checked_add(bytes.len())
}

/// The library's access to a [`Client`] of any size.
#[doc(hidden)]
pub trait Clients: sealed::Sealed {
    type Copy: Copy;

    /// Returns the request and the text buffer of a client.
    fn parts(&mut self) -> (&mut Call, &mut [u8]);

    /// Returns a copy of the client to work on, or `None` if a function already works on a copy.
    fn take(&mut self) -> Option<Self::Copy>;

    /// Writes the copy back to the client.
    fn put(&mut self, copy: Self::Copy);

    /// Returns the request and the text buffer of a copy.
    fn parts_of(copy: &mut Self::Copy) -> (&mut Call, &mut [u8]);
}

mod sealed {
    pub trait Sealed {}
}

impl<const TEXT: usize> sealed::Sealed for Client<TEXT> {}

impl<const TEXT: usize> Clients for Client<TEXT> {
    type Copy = (Call, [u8; TEXT]);

    fn parts(&mut self) -> (&mut Call, &mut [u8]) {
        (&mut self.call, &mut self.text)
    }

    fn take(&mut self) -> Option<Self::Copy> {
        if core::mem::replace(&mut self.call.is_taken, true) {
            return None;
        }
        Some((self.call, self.text))
    }

    fn put(&mut self, (call, text): Self::Copy) {
        self.call = Call { is_taken: false, ..call };
        self.text = text;
    }

    fn parts_of((call, text): &mut Self::Copy) -> (&mut Call, &mut [u8]) {
        (call, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_dropped_and_the_rest_moves_up() {
        let mut text = *b"A: b\r\nauthorization: x\r\nCookie: y\r\nCookies: z\r\nhost";
        let end = text.len() - 4;
        let left = drop_secrets(&mut text, end);
        assert_eq!(&text[..left], b"A: b\r\nCookies: z\r\n");
        assert_eq!(drop_secrets(&mut [], 0), 0);
    }
}
