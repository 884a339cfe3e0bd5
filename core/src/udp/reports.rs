//! A back end's interface to UDP sockets.

use core::net::{IpAddr, SocketAddr};

use super::ring::{Kind, Record, fits, front, most, push};
use super::slot::{due, flag};
use super::{UdpError, UdpRings};
use crate::handle::UdpSocket;
use crate::record::{Entry, UdpEntry};
use crate::{EventBase, log};

/// A request of the application for a UDP socket. Requests are carried out in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpRequest<'b> {
    /// Send a datagram to the address. If the socket is connected to this address, send the datagram without a
    /// destination address.
    Send(SocketAddr, &'b [u8]),
    /// Connect the socket to the address, so that the system can report that the peer's port is not in use. The back
    /// end need not check the senders of received datagrams: the base discards datagrams from other senders.
    Connect(SocketAddr),
    /// Join the group.
    Join(IpAddr),
    /// Leave the group.
    Leave(IpAddr),
    /// Allow or forbid broadcasts.
    Broadcast(bool),
}

impl<A> EventBase<'_, A> {
    /// Returns the address to which the back end must bind a UDP socket.
    pub fn udp_address_of(&self, socket: UdpSocket) -> Option<SocketAddr> {
        self.cx.tables.udp.slots.get(socket).map(|slot| slot.address.into())
    }

    /// Returns whether the application has closed a UDP socket. If so, the back end must send the queued datagrams at
    /// once or drop them.
    pub fn is_udp_closed(&self, socket: UdpSocket) -> bool {
        self.cx.tables.udp.get(socket).is_none()
    }

    /// Reports that a UDP socket is bound to `address`.
    pub fn bound(&mut self, socket: UdpSocket, address: SocketAddr) {
        self.cx.recorder.record(|| Entry::Udp(socket, UdpEntry::Bound(address)));
        let Some(slot) = self.cx.tables.udp.slots.get_mut(socket) else { return };
        slot.address = address.into();
        slot.node.set(flag::BOUND, true);
    }

    /// Reports that a UDP socket cannot be bound. The queued datagrams of the socket are dropped.
    pub fn bind_failed(&mut self, socket: UdpSocket, error: UdpError) {
        self.cx.recorder.record(|| Entry::Udp(socket, UdpEntry::BindFailed(error)));
        let Some(slot) = self.cx.tables.udp.slots.get_mut(socket) else { return };
        log::bind_failed(socket, error);
        let mut dropped = 0_u32;
        while slot.output.len() > 0 {
            dropped = dropped.saturating_add(slot.pop_output(&self.cx.pools).into());
        }
        slot.output_dropped = slot.output_dropped.saturating_add(dropped);
        if slot.is_closed() || slot.has(flag::FAILED) {
            return;
        }
        slot.node.set(flag::FAILED, true);
        slot.error = error.into();
        self.cx.udp_keeps_loop(false);
        self.cx.udp_activate(socket.slot(), due::FAILED);
    }

    /// Reports a received datagram. Returns whether the datagram was accepted. A datagram is not accepted if there is
    /// no room for it now. In this case the back end keeps the datagram until
    /// [`UdpAction::ReceiveFrom`](crate::UdpAction::ReceiveFrom), or drops it and calls
    /// [`input_dropped`](Self::input_dropped).
    ///
    /// A datagram is accepted and discarded if the socket is closed, or if the socket is connected and the datagram is
    /// not from its peer. A datagram that is longer than the ring is truncated.
    pub fn received_from(&mut self, socket: UdpSocket, from: SocketAddr, data: &[u8]) -> bool {
        let Some(slot) = self.cx.tables.udp.get_mut(socket) else { return true };
        let is_other = || {
            let peer = SocketAddr::from(slot.peer);
            (peer.ip(), peer.port()) != (from.ip(), from.port())
        };
        let is_discarded = slot.has(flag::CONNECTED) && is_other();
        if !is_discarded {
            let size = slot.input_len();
            let kept = data.get(..most(from, size));
            let is_cut = kept.is_some_and(|kept| kept.len() < data.len());
            let kept = kept.unwrap_or(data);
            let record = Record { kind: Kind::Datagram, address: from, is_cut, data: kept };
            let storage = self.cx.pools.part_mut(slot.input_range());
            if !push(&mut slot.input, storage, &record) {
                self.has_udp_room(socket, data.len());
                return false;
            }
            self.cx.udp_activate(socket.slot(), due::READ);
        }
        self.cx.recorder.record(|| Entry::Datagram(socket, from, data));
        true
    }

    /// Returns whether a received datagram of `length` bytes can be reported now: the input ring is empty, or has room
    /// for the datagram and an IPv4 or IPv6 address.
    ///
    /// If the result is `false`, the back end may keep the datagram. When the application has consumed a datagram, the
    /// base requests [`UdpAction::ReceiveFrom`](crate::UdpAction::ReceiveFrom), and the back end can report the
    /// datagram. The result is also `false` for a closed socket. In this case the base requests
    /// [`UdpAction::Unbind`](crate::UdpAction::Unbind), and the back end drops the datagram.
    pub fn has_udp_room(&mut self, socket: UdpSocket, length: usize) -> bool {
        let Some(slot) = self.cx.tables.udp.get_mut(socket) else { return false };
        let size = slot.input_len();
        let record = length.saturating_add(UdpRings::HEAD).min(size);
        let has_room = fits(slot.input, size, record);
        if !has_room {
            slot.node.set(flag::WAITS, true);
            self.cx.recorder.record(|| Entry::Udp(socket, UdpEntry::Waits(length)));
        }
        has_room
    }

    /// Reports that the back end has dropped a received datagram.
    pub fn input_dropped(&mut self, socket: UdpSocket) {
        self.cx.recorder.record(|| Entry::Udp(socket, UdpEntry::Dropped));
        if let Some(slot) = self.cx.tables.udp.get_mut(socket) {
            slot.input_dropped = slot.input_dropped.saturating_add(1);
        }
    }

    /// Returns the oldest request of a UDP socket; `None` if no request is queued. The back end calls
    /// [`udp_done`](Self::udp_done) when it has carried out the request, or when the request has failed.
    pub fn udp_request(&self, socket: UdpSocket) -> Option<UdpRequest<'_>> {
        let slot = self.cx.tables.udp.slots.get(socket)?;
        let record = front(slot.output, self.cx.pools.part(slot.output_range()))?;
        let Record { kind, address, data, .. } = record;
        Some(match kind {
            Kind::Datagram => UdpRequest::Send(address, data),
            Kind::Connect => UdpRequest::Connect(address),
            Kind::Join => UdpRequest::Join(address.ip()),
            Kind::Leave => UdpRequest::Leave(address.ip()),
            Kind::Broadcast => UdpRequest::Broadcast(address.port() != 0),
        })
    }

    /// Reports that the oldest request of a UDP socket was carried out, or has failed. If the request has failed, the
    /// error is reported to the application, and a datagram is counted as dropped.
    pub fn udp_done(&mut self, socket: UdpSocket, done: Result<(), UdpError>) {
        self.cx
            .recorder
            .record(|| Entry::Udp(socket, UdpEntry::Done(self.sum_of_request(socket), done.err())));
        let Some(slot) = self.cx.tables.udp.slots.get_mut(socket) else { return };
        let was_datagram = slot.pop_output(&self.cx.pools);
        if done.is_err() && was_datagram {
            slot.output_dropped = slot.output_dropped.saturating_add(1);
        }
        let has_room = slot.has_room_wanted();
        if slot.is_closed() {
            return;
        }
        if has_room {
            self.cx.udp_activate(socket.slot(), due::WRITE);
        }
        if let Err(error) = done {
            self.udp_report(socket, error);
        }
    }

    /// Reports an error that does not belong to the oldest request of a UDP socket, for example that the peer has
    /// refused an earlier datagram. The socket stays usable.
    pub fn udp_failed(&mut self, socket: UdpSocket, error: UdpError) {
        self.cx.recorder.record(|| Entry::Udp(socket, UdpEntry::Failed(error)));
        self.udp_report(socket, error);
    }

    /// Returns the checksum of the datagram in the oldest request, for a recording; 0 if the request is not a datagram.
    fn sum_of_request(&self, socket: UdpSocket) -> u16 {
        match self.udp_request(socket) {
            Some(UdpRequest::Send(_, data)) => crate::record::sum(data.iter()),
            _ => 0,
        }
    }

    fn udp_report(&mut self, socket: UdpSocket, error: UdpError) {
        let Some(slot) = self.cx.tables.udp.get_mut(socket) else { return };
        slot.error = error.into();
        log::udp_failed(socket, error);
        self.cx.udp_activate(socket.slot(), due::FAILED);
    }
}

/// Replays an entry of a UDP socket. Returns an entry with the results of the replayed call.
#[cfg(feature = "record")]
pub(crate) fn play<'r, A>(entry: Entry<'r>, base: &mut EventBase<'_, A>) -> Entry<'r> {
    let (socket, reported) = match entry {
        Entry::Datagram(socket, from, data) => {
            if base.received_from(socket, from, data) {
                return entry;
            }
            return Entry::Udp(socket, UdpEntry::Waits(data.len()));
        }
        Entry::Udp(socket, reported) => (socket, reported),
        _ => return entry,
    };
    match reported {
        UdpEntry::Bound(address) => base.bound(socket, address),
        UdpEntry::BindFailed(error) => base.bind_failed(socket, error),
        UdpEntry::Waits(length) => {
            if base.has_udp_room(socket, length) {
                return Entry::Passed;
            }
        }
        UdpEntry::Dropped => base.input_dropped(socket),
        UdpEntry::Done(_, error) => {
            let sum = base.sum_of_request(socket);
            base.udp_done(socket, error.map_or(Ok(()), Err));
            return Entry::Udp(socket, UdpEntry::Done(sum, error));
        }
        UdpEntry::Failed(error) => base.udp_failed(socket, error),
    }
    entry
}
