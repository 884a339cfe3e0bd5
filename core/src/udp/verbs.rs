//! What an application does with a UDP socket.

use core::net::{IpAddr, SocketAddr};

use super::ring::{Kind, Record, fits, front, length, most, push};
use super::slot::{due, flag};
use super::{SendError, UdpEvent, UdpRings, UdpSlot};
use crate::error::{SetupError, StaleError, StillActiveError};
use crate::handle::UdpSocket;
use crate::outbox::action;
use crate::ring::{Count, LONGEST};
use crate::{Cx, Priority};

/// A UDP socket's callback.
pub type OnUdp<A> = fn(&mut A, &mut UdpMut<'_, '_, A>, UdpEvent);

/// A datagram in the input ring, made by [`UdpMut::peek`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'b> {
    /// The sender.
    pub from: SocketAddr,
    /// Its bytes.
    pub data: &'b [u8],
    /// It was longer than the input ring holds; the rest was dropped.
    pub truncated: bool,
}

/// What [`UdpMut::receive_from`] has put into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The sender.
    pub from: SocketAddr,
    /// The number of bytes in the buffer.
    pub len: usize,
    /// It was longer than the buffer, or than the input ring holds; the rest was dropped.
    pub truncated: bool,
}

/// Datagrams that were dropped. The counts stop at their maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Received ones for which there was no room. What the system or the stack drops before it reaches the
    /// back end is not among them.
    pub input: u32,
    /// Queued ones that could not be sent.
    pub output: u32,
}

/// One UDP socket, borrowed from the loop: its verbs.
///
/// A callback gets it for the socket it is about; [`Cx::udp`] makes it from a handle. A socket that sends
/// back what it receives, and leaves a datagram where it is while there is no room for the answer:
///
/// ```
/// use core::net::SocketAddr;
/// use picoevent::{Cx, SendError, SetupError, UdpEvent, UdpMut, UdpRings, UdpSocket};
///
/// struct App;
///
/// const LONGEST: usize = 512;
/// const RING: usize = UdpRings::holding(4, LONGEST);
///
/// impl App {
///     fn start(cx: &mut Cx<Self>, address: SocketAddr) -> Result<UdpSocket, SetupError> {
///         cx.bind(address, UdpRings::new(RING, RING), Self::echo)
///     }
///
///     fn echo(&mut self, udp: &mut UdpMut<Self>, _: UdpEvent) {
///         let mut buffer = [0; LONGEST];
///         while let Some(datagram) = udp.peek() {
///             let (from, len) = (datagram.from, datagram.data.len().min(LONGEST));
///             buffer[..len].copy_from_slice(&datagram.data[..len]);
///             if udp.send_to(&buffer[..len], from) == Err(SendError::Full) {
///                 return; // The callback comes again when there is room.
///             }
///             udp.consume();
///         }
///     }
/// }
/// # let _ = App::start;
/// ```
///
/// After the socket was closed its verbs change nothing.
pub struct UdpMut<'c, 's, A> {
    cx: &'c mut Cx<'s, A>,
    socket: UdpSocket,
}

/// UDP sockets.
impl<'s, A> Cx<'s, A> {
    /// Makes a UDP socket that is bound to `address`, with rings carved from the storage. Port 0 is any that
    /// is free.
    ///
    /// The back end binds it before the loop waits next. If it cannot, [`UdpEvent::Failed`] says why.
    /// Datagrams can be queued at once. A socket that is closed leaves its rings to the next one with rings
    /// of the same sizes.
    ///
    /// O(1), and O(sockets of the storage) while there are closed ones.
    ///
    /// # Errors
    /// [`SetupError::Full`] when the table has no free slot for such rings, [`SetupError::Bytes`] when the
    /// storage has too few bytes left, [`SetupError::RingSize`] when a ring would be too short or too long.
    pub fn bind(
        &mut self,
        address: SocketAddr,
        rings: UdpRings,
        call: OnUdp<A>,
    ) -> Result<UdpSocket, SetupError> {
        let sizes = UdpRings::LEAST..=LONGEST;
        if !sizes.contains(&rings.input) || !sizes.contains(&rings.output) {
            return Err(SetupError::RingSize);
        }
        let pools = &mut self.pools;
        let (socket, slot) = self.tables.udp.take(rings, |bytes| pools.carve(bytes))?;
        slot.begin(address, call);
        self.udp_keeps_loop(true);
        self.udp_post(socket.slot(), action::OPEN);
        Ok(socket)
    }

    /// Returns the socket's verbs.
    ///
    /// # Errors
    /// [`StaleError`] when the socket was closed.
    pub fn udp(&mut self, socket: UdpSocket) -> Result<UdpMut<'_, 's, A>, StaleError> {
        self.tables.udp.get(socket).ok_or(StaleError)?;
        Ok(UdpMut::new(self, socket))
    }

    /// Returns the UDP sockets that have not been closed, in the order of their slots. O(capacity) for all.
    pub fn udp_sockets(&self) -> impl Iterator<Item = UdpSocket> {
        let held = self.tables.udp.slots.iter().filter(|(_, slot)| !slot.is_closed());
        held.map(|(socket, _)| socket)
    }
}

/// Output.
impl<A> UdpMut<'_, '_, A> {
    /// Queues a datagram for `peer`, all of it or nothing.
    ///
    /// # Errors
    /// [`SendError::Full`] when it does not fit now; [`UdpEvent::Writable`] comes when it does.
    /// [`SendError::TooLong`] when it never will: it is longer than the output ring holds, or than 65,507
    /// bytes (65,527 with IPv6). [`SendError::AddressInvalid`] for port 0 and an unspecified address.
    /// Nothing was taken then.
    pub fn send_to(&mut self, data: &[u8], peer: SocketAddr) -> Result<(), SendError> {
        if peer.port() == 0 || peer.ip().is_unspecified() {
            return Err(SendError::AddressInvalid);
        }
        self.request(Kind::Datagram, peer, data)
    }

    /// Queues a datagram for the peer the socket is connected to, all of it or nothing.
    ///
    /// # Errors
    /// [`SendError::NotConnected`], and as [`send_to`](Self::send_to).
    pub fn send(&mut self, data: &[u8]) -> Result<(), SendError> {
        let slot = self.slot().ok_or(SendError::Closed)?;
        let peer = slot.has(flag::CONNECTED).then_some(slot.peer.into());
        let peer = peer.ok_or(SendError::NotConnected)?;
        self.request(Kind::Datagram, peer, data)
    }

    /// Connects the socket: from now on it receives from `peer` only, and [`send`](Self::send) sends there.
    /// Datagrams that were received before are kept. A socket can be connected to another peer later.
    ///
    /// # Errors
    /// [`SendError::Full`] and [`SendError::AddressInvalid`], as for [`send_to`](Self::send_to); the socket
    /// is not connected then.
    pub fn connect(&mut self, peer: SocketAddr) -> Result<(), SendError> {
        if peer.port() == 0 || peer.ip().is_unspecified() {
            return Err(SendError::AddressInvalid);
        }
        self.request(Kind::Connect, peer, &[])?;
        if let Some(slot) = self.slot_mut() {
            slot.peer = peer.into();
            slot.turn.set(flag::CONNECTED, true);
        }
        Ok(())
    }

    /// Joins the group of a multicast, on the interface that the system chooses. A group that cannot be
    /// joined is reported as [`UdpEvent::Failed`].
    ///
    /// # Errors
    /// [`SendError::Full`] while the output ring has no room for the request, [`SendError::AddressInvalid`]
    /// when the address is none of a multicast.
    pub fn join_multicast(&mut self, group: IpAddr) -> Result<(), SendError> {
        self.request_for_group(Kind::Join, group)
    }

    /// Leaves the group of a multicast.
    ///
    /// # Errors
    /// As [`join_multicast`](Self::join_multicast).
    pub fn leave_multicast(&mut self, group: IpAddr) -> Result<(), SendError> {
        self.request_for_group(Kind::Leave, group)
    }

    fn request_for_group(&mut self, kind: Kind, group: IpAddr) -> Result<(), SendError> {
        if !group.is_multicast() {
            return Err(SendError::AddressInvalid);
        }
        self.request(kind, (group, 0).into(), &[])
    }

    /// Allows datagrams to addresses of a broadcast, or not. A socket begins without: such a datagram is
    /// dropped then, and [`UdpEvent::Failed`] says [`Denied`](super::UdpError::Denied).
    ///
    /// # Errors
    /// [`SendError::Full`] while the output ring has no room for the request.
    pub fn set_broadcast(&mut self, allowed: bool) -> Result<(), SendError> {
        self.request(Kind::Broadcast, ([0; 4], allowed.into()).into(), &[])
    }

    /// Returns whether a datagram of `length` bytes for `peer` could be queued now.
    pub fn has_room(&self, length: usize, peer: SocketAddr) -> bool {
        self.slot().is_some_and(|slot| {
            let size = slot.output_len();
            let fits = fits(slot.output, size, super::ring::length(peer, length));
            !slot.has(flag::FAILED) && length <= most(peer, size) && fits
        })
    }

    /// Queues a request.
    fn request(&mut self, kind: Kind, address: SocketAddr, data: &[u8]) -> Result<(), SendError> {
        let held = self.cx.tables.udp.get_mut(self.socket);
        let open = held.filter(|slot| !slot.has(flag::FAILED));
        let slot = open.ok_or(SendError::Closed)?;
        let most = most(address, slot.output_len());
        if data.len() > most {
            return Err(SendError::TooLong { most });
        }
        let storage = self.cx.pools.part_mut(slot.output_range());
        let record = Record { kind, address, is_cut: false, data };
        if !push(&mut slot.output, storage, &record) {
            slot.room_wanted = length(address, data.len()) as Count;
            return Err(SendError::Full);
        }
        self.cx.udp_post(self.socket.slot(), action::SEND);
        Ok(())
    }
}

/// Input.
impl<A> UdpMut<'_, '_, A> {
    /// Returns the oldest datagram, which stays in the ring.
    pub fn peek(&self) -> Option<Datagram<'_>> {
        let slot = self.slot()?;
        let record = front(slot.input, self.cx.pools.part(slot.input_range()))?;
        let Record { address, is_cut, data, .. } = record;
        Some(Datagram { from: address, data, truncated: is_cut })
    }

    /// Discards the oldest datagram. Returns whether there was one.
    pub fn consume(&mut self) -> bool {
        let Some(slot) = self.cx.tables.udp.get_mut(self.socket) else { return false };
        if slot.input.len() == 0 {
            return false;
        }
        slot.pop_input(&self.cx.pools);
        let is_left = slot.input.len() > 0;
        let waits = slot.has(flag::WAITS);
        slot.turn.set(flag::WAITS, false);
        if is_left {
            self.cx.udp_activate(self.socket.slot(), due::READ);
        }
        if waits {
            self.cx.udp_post(self.socket.slot(), action::RECEIVE);
        }
        true
    }

    /// Moves the oldest datagram into `buffer`, as much of it as fits. Returns `None` if there is none.
    pub fn receive_from(&mut self, buffer: &mut [u8]) -> Option<Received> {
        let Datagram { from, data, truncated } = self.peek()?;
        let len = crate::ring::copy(buffer, data);
        let received = Received { from, len, truncated: truncated || len < data.len() };
        self.consume();
        Some(received)
    }
}

/// The socket.
impl<'c, 's, A> UdpMut<'c, 's, A> {
    pub(crate) const fn new(cx: &'c mut Cx<'s, A>, socket: UdpSocket) -> Self {
        Self { cx, socket }
    }

    /// Returns the socket's handle, for keeping.
    pub const fn id(&self) -> UdpSocket {
        self.socket
    }

    /// Returns the rest of the loop.
    pub const fn cx(&mut self) -> &mut Cx<'s, A> {
        self.cx
    }

    /// Returns the address the socket is bound to, with the port that was chosen for port 0; `None` until the
    /// back end has bound it.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        let bound = self.slot().filter(|slot| slot.has(flag::BOUND));
        bound.map(|slot| slot.address.into())
    }

    /// Returns the peer the socket is connected to.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        let connected = self.slot().filter(|slot| slot.has(flag::CONNECTED));
        connected.map(|slot| slot.peer.into())
    }

    /// Returns the number of datagrams that were dropped since the socket was made.
    pub fn dropped(&self) -> Dropped {
        self.slot().map_or(Dropped::default(), |slot| Dropped {
            input: slot.input_dropped,
            output: slot.output_dropped,
        })
    }

    /// Sets the function to call.
    pub fn on_event(&mut self, call: OnUdp<A>) -> &mut Self {
        if let Some(slot) = self.slot_mut() {
            slot.call = Some(call);
        }
        self
    }

    /// Sets the priority of the socket's callbacks.
    ///
    /// # Errors
    /// [`StillActiveError`] while one is due.
    pub fn set_priority(&mut self, priority: Priority) -> Result<(), StillActiveError> {
        self.slot_mut().map_or(Ok(()), |slot| slot.turn.set_priority(priority))
    }

    /// Returns the application's word, zero at first.
    pub fn user(&self) -> u32 {
        self.slot().map_or(0, |slot| slot.user)
    }

    /// Sets the application's word.
    pub fn set_user(&mut self, user: u32) -> &mut Self {
        if let Some(slot) = self.slot_mut() {
            slot.user = user;
        }
        self
    }

    /// Closes the socket; the handle is stale from here on, and no callback follows. Datagrams that were
    /// received are dropped. Those that were queued are sent if that is possible without waiting. The slot
    /// is given back when the back end has closed its socket, before the loop waits next. Until then
    /// [`Cx::bind`] may return [`FullError::Udp`](crate::FullError::Udp).
    pub fn close(&mut self) {
        if self.slot().is_some() {
            self.cx.udp_close(self.socket.slot());
        }
    }

    fn slot(&self) -> Option<&UdpSlot<A>> {
        self.cx.tables.udp.get(self.socket)
    }

    fn slot_mut(&mut self) -> Option<&mut UdpSlot<A>> {
        self.cx.tables.udp.get_mut(self.socket)
    }
}
