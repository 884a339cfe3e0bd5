//! The application's functions for a UDP socket.

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
    /// The bytes of the datagram.
    pub data: &'b [u8],
    /// The datagram was longer than the input ring holds, and the rest was dropped.
    pub truncated: bool,
}

/// The sender and the length of a datagram that [`UdpMut::receive_from`] has moved into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The sender.
    pub from: SocketAddr,
    /// The number of bytes in the buffer.
    pub len: usize,
    /// The datagram was longer than the buffer, or than the input ring holds, and the rest was dropped.
    pub truncated: bool,
}

/// The numbers of dropped datagrams. They saturate at their maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// The number of received datagrams for which there was no room. Datagrams that the system or the stack drops
    /// before the back end gets them are not counted.
    pub input: u32,
    /// The number of queued datagrams that could not be sent.
    pub output: u32,
}

/// Access to one UDP socket, borrowed from the loop.
///
/// Each callback gets the `UdpMut` of its socket; [`Cx::udp`] makes a `UdpMut` from a handle. This example echoes
/// datagrams. While there is no room for the answer, the callback leaves the datagram in the input ring:
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
///                 return; // The callback runs again when there is room.
///             }
///             udp.consume();
///         }
///     }
/// }
/// # let _ = App::start;
/// ```
///
/// After the socket was closed, the methods change nothing.
pub struct UdpMut<'c, 's, A> {
    cx: &'c mut Cx<'s, A>,
    socket: UdpSocket,
}

/// UDP sockets.
impl<'s, A> Cx<'s, A> {
    /// Makes a UDP socket that is bound to `address`, with rings from the storage. If the port is 0, the system or the
    /// stack chooses a free port.
    ///
    /// The back end binds the socket before the loop waits next. If the bind fails, [`UdpEvent::Failed`] reports the
    /// reason. Datagrams can be queued before the socket is bound. The rings of a closed socket are reused by the next
    /// socket with rings of the same sizes.
    ///
    /// O(1), or O(UDP slots of the storage) while a slot of a closed socket is free.
    ///
    /// # Errors
    /// [`SetupError::Full`] if the table has no free slot for rings of these sizes, [`SetupError::Bytes`] if the
    /// storage has too few bytes left, [`SetupError::RingSize`] if a ring would be too short or too long.
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
        let (socket, slot) = self.tables.udp.take(rings, |bytes| pools.allocate(bytes))?;
        slot.begin(address, call);
        self.udp_keeps_loop(true);
        self.udp_post(socket.slot(), action::OPEN);
        Ok(socket)
    }

    /// Returns access to a UDP socket.
    ///
    /// # Errors
    /// [`StaleError`] when the socket was closed.
    pub fn udp(&mut self, socket: UdpSocket) -> Result<UdpMut<'_, 's, A>, StaleError> {
        self.tables.udp.get(socket).ok_or(StaleError)?;
        Ok(UdpMut::new(self, socket))
    }

    /// Returns the UDP sockets that have not been closed, in the order of their slots. O(UDP slots of the storage) for
    /// all sockets together.
    pub fn udp_sockets(&self) -> impl Iterator<Item = UdpSocket> {
        let open = self.tables.udp.slots.iter().filter(|(_, slot)| !slot.is_closed());
        open.map(|(socket, _)| socket)
    }
}

/// Output.
impl<A> UdpMut<'_, '_, A> {
    /// Queues a datagram for `peer`. The datagram is queued whole or not at all.
    ///
    /// # Errors
    /// * [`SendError::Full`] if the datagram does not fit now. [`UdpEvent::Writable`] is reported when there is room
    ///   for the datagram.
    /// * [`SendError::TooLong`] if the datagram can never fit: it is longer than the output ring can hold, or longer
    ///   than 65,507 bytes (65,527 bytes with IPv6).
    /// * [`SendError::AddressInvalid`] if the port of `peer` is 0, or the IP address of `peer` is unspecified.
    /// * [`SendError::Closed`] if the socket is closed or could not be bound.
    ///
    /// After an error nothing is queued.
    pub fn send_to(&mut self, data: &[u8], peer: SocketAddr) -> Result<(), SendError> {
        if peer.port() == 0 || peer.ip().is_unspecified() {
            return Err(SendError::AddressInvalid);
        }
        self.request(Kind::Datagram, peer, data)
    }

    /// Queues a datagram for the peer to which the socket is connected. The datagram is queued whole or not at all.
    ///
    /// # Errors
    /// [`SendError::NotConnected`] if the socket is not connected. The other errors are the same as for
    /// [`send_to`](Self::send_to).
    pub fn send(&mut self, data: &[u8]) -> Result<(), SendError> {
        let slot = self.slot().ok_or(SendError::Closed)?;
        let peer = slot.has(flag::CONNECTED).then_some(slot.peer.into());
        let peer = peer.ok_or(SendError::NotConnected)?;
        self.request(Kind::Datagram, peer, data)
    }

    /// Connects the socket: from now on the socket receives only from `peer`, and [`send`](Self::send) sends to `peer`.
    /// Datagrams that were received earlier are kept. To connect to another peer, call this method again.
    ///
    /// # Errors
    /// [`SendError::Full`], [`SendError::AddressInvalid`] and [`SendError::Closed`], as for [`send_to`](Self::send_to).
    /// After an error nothing has changed.
    pub fn connect(&mut self, peer: SocketAddr) -> Result<(), SendError> {
        if peer.port() == 0 || peer.ip().is_unspecified() {
            return Err(SendError::AddressInvalid);
        }
        self.request(Kind::Connect, peer, &[])?;
        if let Some(slot) = self.slot_mut() {
            slot.peer = peer.into();
            slot.node.set(flag::CONNECTED, true);
        }
        Ok(())
    }

    /// Joins a multicast group, on the interface that the system chooses. If the join fails, [`UdpEvent::Failed`] is
    /// reported.
    ///
    /// # Errors
    /// [`SendError::Full`] while the output ring has no room for the request, [`SendError::AddressInvalid`] if the
    /// address is not a multicast group, [`SendError::Closed`] if the socket is closed or could not be bound.
    pub fn join_multicast(&mut self, group: IpAddr) -> Result<(), SendError> {
        self.request_for_group(Kind::Join, group)
    }

    /// Leaves a multicast group.
    ///
    /// # Errors
    /// The same as for [`join_multicast`](Self::join_multicast).
    pub fn leave_multicast(&mut self, group: IpAddr) -> Result<(), SendError> {
        self.request_for_group(Kind::Leave, group)
    }

    fn request_for_group(&mut self, kind: Kind, group: IpAddr) -> Result<(), SendError> {
        if !group.is_multicast() {
            return Err(SendError::AddressInvalid);
        }
        self.request(kind, (group, 0).into(), &[])
    }

    /// Allows or forbids datagrams to broadcast addresses. By default they are forbidden. A forbidden datagram is
    /// dropped, and [`UdpEvent::Failed`] reports [`Denied`](super::UdpError::Denied).
    ///
    /// # Errors
    /// [`SendError::Full`] while the output ring has no room for the request, [`SendError::Closed`] if the socket is
    /// closed or could not be bound.
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
        let open = self.cx.tables.udp.get_mut(self.socket);
        let open = open.filter(|slot| !slot.has(flag::FAILED));
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
    /// Returns the oldest datagram, which stays in the ring; `None` if there is no datagram.
    pub fn peek(&self) -> Option<Datagram<'_>> {
        let slot = self.slot()?;
        let record = front(slot.input, self.cx.pools.part(slot.input_range()))?;
        let Record { address, is_cut, data, .. } = record;
        Some(Datagram { from: address, data, truncated: is_cut })
    }

    /// Discards the oldest datagram. Returns whether there was a datagram.
    pub fn consume(&mut self) -> bool {
        let Some(slot) = self.cx.tables.udp.get_mut(self.socket) else { return false };
        if slot.input.len() == 0 {
            return false;
        }
        slot.pop_input(&self.cx.pools);
        let is_left = slot.input.len() > 0;
        let waits = slot.has(flag::WAITS);
        slot.node.set(flag::WAITS, false);
        if is_left {
            self.cx.udp_activate(self.socket.slot(), due::READ);
        }
        if waits {
            self.cx.udp_post(self.socket.slot(), action::RECEIVE);
        }
        true
    }

    /// Moves the oldest datagram into `buffer`, truncated if it does not fit. Returns `None` if there is no datagram.
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

    /// Returns the socket's handle, to store it.
    pub const fn id(&self) -> UdpSocket {
        self.socket
    }

    /// Returns the [`Cx`] of the loop, to use other objects.
    pub const fn cx(&mut self) -> &mut Cx<'s, A> {
        self.cx
    }

    /// Returns the address to which the socket is bound; `None` until the back end has bound the socket. If port 0 was
    /// requested, the address contains the port that was chosen instead.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        let bound = self.slot().filter(|slot| slot.has(flag::BOUND));
        bound.map(|slot| slot.address.into())
    }

    /// Returns the peer to which the socket is connected; `None` if the socket is not connected.
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

    /// Replaces the socket's callback.
    pub fn on_event(&mut self, call: OnUdp<A>) -> &mut Self {
        if let Some(slot) = self.slot_mut() {
            slot.call = Some(call);
        }
        self
    }

    /// Sets the priority of the socket's callbacks.
    ///
    /// # Errors
    /// [`StillActiveError`] while one of the callbacks is due.
    pub fn set_priority(&mut self, priority: Priority) -> Result<(), StillActiveError> {
        self.slot_mut().map_or(Ok(()), |slot| slot.node.set_priority(priority))
    }

    /// Returns the application's data word, initially zero.
    pub fn user(&self) -> u32 {
        self.slot().map_or(0, |slot| slot.user)
    }

    /// Sets the application's data word.
    pub fn set_user(&mut self, user: u32) -> &mut Self {
        if let Some(slot) = self.slot_mut() {
            slot.user = user;
        }
        self
    }

    /// Closes the socket. The handle is stale from now on, and no callback follows. Received datagrams are dropped.
    /// Queued datagrams are sent if this is possible without waiting. The slot is freed before the loop's next wait,
    /// when the back end takes the action to close the socket. Until then [`Cx::bind`] may return
    /// [`FullError::Udp`](crate::FullError::Udp).
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
