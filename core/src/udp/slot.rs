//! The state in a UDP socket's slot, and the choice of its next callback.

use core::net::SocketAddr;
use core::ops::Range;

use super::ring::{fits, front, pop};
use super::{OnUdp, UdpAction, UdpEvent, UdpIndex, UdpMut, UdpRings};
use crate::address::Address;
use crate::error::Code;
use crate::handle::{UdpSocket, kind};
use crate::outbox::{Action, Pending, action};
use crate::pool::Pools;
use crate::queue::Node;
use crate::ring::{Count, Ring};
use crate::table::{Head, Slot};
use crate::{Cx, Fired};

/// The flags of a socket, in the word of its [`Node`].
pub(super) mod flag {
    use crate::queue::Node;

    /// The back end has bound the socket.
    pub(in crate::udp) const BOUND: u32 = 1 << Node::FLAGS;
    /// The socket could not be bound.
    pub(in crate::udp) const FAILED: u32 = BOUND << 1;
    /// The application has closed the socket, but the back end has not taken the action `Unbind` yet.
    pub(in crate::udp) const CLOSED: u32 = BOUND << 2;
    /// The socket receives only from its peer.
    pub(in crate::udp) const CONNECTED: u32 = BOUND << 3;
    /// A datagram did not fit into the input ring and waits in the back end.
    pub(in crate::udp) const WAITS: u32 = BOUND << 4;
}

/// Callbacks that are due, in the order in which they run.
pub(super) mod due {
    pub(in crate::udp) const FAILED: u8 = 1 << 0;
    pub(in crate::udp) const READ: u8 = 1 << 1;
    pub(in crate::udp) const WRITE: u8 = 1 << 2;
}

/// Room for one UDP socket, in a [`Memory`](crate::memory::Memory).
pub struct UdpSlot<A> {
    pub(super) call: Option<OnUdp<A>>,
    pub(super) user: u32,
    /// The requested address; after the bind, the address that the back end has reported.
    pub(super) address: Address,
    pub(super) peer: Address,
    /// The offset of the input ring in the storage's bytes. The output ring follows the input ring.
    start: usize,
    input_len: Count,
    output_len: Count,
    pub(super) input: Ring,
    pub(super) output: Ring,
    /// The number of datagrams that were dropped in each direction.
    pub(super) input_dropped: u32,
    pub(super) output_dropped: u32,
    /// The length in bytes of the last record that did not fit into the output ring; zero if the application does not
    /// wait for `Writable`.
    pub(super) room_wanted: Count,
    pub(super) error: Code,
    pub(super) node: Node,
    head: Head,
    pub(super) pending: Pending,
}

#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<UdpSlot<()>>() == 100);

impl<A> Slot for UdpSlot<A> {
    type Kind = kind::UdpSocket;

    const EMPTY: Self = Self {
        call: None,
        user: 0,
        address: Address::EMPTY,
        peer: Address::EMPTY,
        start: 0,
        input_len: 0,
        output_len: 0,
        input: Ring::EMPTY,
        output: Ring::EMPTY,
        input_dropped: 0,
        output_dropped: 0,
        room_wanted: 0,
        error: Code::EMPTY,
        node: Node::EMPTY,
        head: Head::EMPTY,
        pending: Pending::EMPTY,
    };

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn renew(&mut self) {
        (self.node, self.pending) = (Node::EMPTY, Pending::EMPTY);
        (self.start, self.input_len, self.output_len) = (0, 0, 0);
    }
}

impl<A> UdpSlot<A> {
    pub(crate) const EMPTY: Self = Slot::EMPTY;

    /// Initializes the slot of a new socket. The positions and the sizes of the rings are set already.
    pub(super) fn begin(&mut self, address: SocketAddr, call: OnUdp<A>) {
        (self.call, self.user) = (Some(call), 0);
        (self.address, self.peer) = (address.into(), Address::EMPTY);
        (self.input, self.output) = (Ring::EMPTY, Ring::EMPTY);
        (self.input_dropped, self.output_dropped, self.room_wanted) = (0, 0, 0);
        self.node = self.node.begin(0, 0);
    }

    pub(super) const fn set_rings(&mut self, start: usize, rings: UdpRings) {
        self.start = start;
        (self.input_len, self.output_len) = (rings.input as Count, rings.output as Count);
    }

    pub(super) const fn rings(&self) -> UdpRings {
        UdpRings::new(self.input_len(), self.output_len())
    }

    pub(super) const fn input_len(&self) -> usize {
        self.input_len as usize
    }

    pub(super) const fn output_len(&self) -> usize {
        self.output_len as usize
    }

    /// Returns the range of the input ring in the storage's bytes.
    pub(super) fn input_range(&self) -> Range<usize> {
        self.start..self.start.wrapping_add(self.input_len())
    }

    /// Returns the range of the output ring in the storage's bytes.
    pub(super) fn output_range(&self) -> Range<usize> {
        let start = self.start.wrapping_add(self.input_len());
        start..start.wrapping_add(self.output_len())
    }

    pub(super) const fn has(&self, flags: u32) -> bool {
        self.node.has(flags)
    }

    pub(crate) const fn is_closed(&self) -> bool {
        self.has(flag::CLOSED)
    }

    /// Discards the oldest datagram of the input.
    pub(super) fn pop_input(&mut self, pools: &Pools<'_>) {
        let storage = pools.part(self.input_range());
        pop(&mut self.input, storage);
    }

    /// Discards the oldest request of the output. Returns whether the request was a datagram.
    pub(super) fn pop_output(&mut self, pools: &Pools<'_>) -> bool {
        let storage = pools.part(self.output_range());
        let oldest = front(self.output, storage).map(|record| record.kind);
        pop(&mut self.output, storage);
        oldest == Some(super::ring::Kind::Datagram)
    }

    /// Returns whether `Writable` can be reported: the application waits for `Writable`, and the output ring has room
    /// for the record that was refused last.
    pub(super) fn has_room_wanted(&self) -> bool {
        let wanted = self.room_wanted as usize;
        wanted > 0 && fits(self.output, self.output_len(), wanted)
    }

    /// Takes the first due callback whose reason still holds. Returns the event of this callback and the remaining due
    /// callbacks.
    fn take_due(&mut self, due: u8) -> Option<(UdpEvent, u8)> {
        let mut due = due;
        if self.input.len() == 0 {
            due &= !due::READ;
        }
        if !self.has_room_wanted() {
            due &= !due::WRITE;
        }
        let first = due & due.wrapping_neg();
        let event = match first {
            due::FAILED => UdpEvent::Failed(self.error.into()),
            due::READ => UdpEvent::Readable,
            due::WRITE => {
                self.room_wanted = 0;
                UdpEvent::Writable
            }
            _ => return None,
        };
        Some((event, due & !first))
    }
}

/// A due callback of a UDP socket, with its arguments.
pub struct FiredUdp<A> {
    call: OnUdp<A>,
    socket: UdpSocket,
    event: UdpEvent,
}

impl<A> FiredUdp<A> {
    /// Calls the callback.
    pub fn call(self, app: &mut A, cx: &mut Cx<'_, A>) {
        (self.call)(app, &mut UdpMut::new(cx, self.socket), self.event);
    }

    /// Returns the function that is called.
    pub const fn function(&self) -> OnUdp<A> {
        self.call
    }

    /// Returns the socket.
    pub const fn socket(&self) -> UdpSocket {
        self.socket
    }

    /// Returns the event.
    pub const fn event(&self) -> UdpEvent {
        self.event
    }
}

impl<A> Cx<'_, A> {
    /// Makes callbacks of a socket due.
    pub(super) fn udp_activate(&mut self, index: UdpIndex, due: u8) {
        self.activate(self.tables.udp.id(index), due);
    }

    /// Returns whether a callback of the socket may run now. Only one callback of a socket runs in each pass. The
    /// socket must be the first in the queue.
    pub(crate) fn udp_can_run(&self, index: UdpIndex) -> bool {
        self.tables.udp.slots.slot(index).is_some_and(|slot| !self.queues.has_run(&slot.node))
    }

    /// Prepares the next callback of the socket at the front of the queue. The socket's other due callbacks run in the
    /// next pass.
    pub(crate) fn udp_fire(&mut self, index: UdpIndex) -> Option<Fired<A>> {
        let (socket, slot) = self.tables.udp.slots.at(index)?;
        let due = self.queues.done(&mut slot.node);
        let (event, left) = slot.take_due(due)?;
        let call = slot.call?;
        if left != 0 {
            self.udp_activate(index, left);
        }
        Some(Fired::Udp(FiredUdp { call, socket, event }))
    }

    pub(super) fn udp_post(&mut self, index: UdpIndex, action: u8) {
        self.post(self.tables.udp.id(index), action);
    }

    pub(crate) fn udp_action(&mut self, index: UdpIndex, action: u8) -> Option<Action> {
        let (socket, slot) = self.tables.udp.slots.at(index)?;
        match action {
            action::OPEN => Some(Action::Udp(socket, UdpAction::Bind)),
            action::RECEIVE if !slot.is_closed() => {
                Some(Action::Udp(socket, UdpAction::ReceiveFrom))
            }
            action::SEND if slot.output.len() > 0 => Some(Action::Udp(socket, UdpAction::SendTo)),
            action::DROP => {
                slot.pending.actions = 0;
                self.tables.udp.free_slot(index);
                Some(Action::Udp(socket, UdpAction::Unbind))
            }
            _ => None,
        }
    }

    /// Changes the number of listeners and sockets that keep the loop running: adds one if `keeps` is true, subtracts
    /// one if `keeps` is false.
    pub(super) fn udp_keeps_loop(&mut self, keeps: bool) {
        self.listening = match keeps {
            true => self.listening.saturating_add(1),
            false => self.listening.saturating_sub(1),
        };
    }

    /// Closes the socket in a slot.
    pub(super) fn udp_close(&mut self, index: UdpIndex) {
        let Some((_, slot)) = self.tables.udp.slots.at(index) else { return };
        if slot.is_closed() {
            return;
        }
        slot.node.set(flag::CLOSED, true);
        slot.input.clear();
        let failed = slot.has(flag::FAILED);
        let id = self.tables.udp.id(index);
        self.queues.remove(&mut self.tables, id);
        if let Some(node) = self.tables.udp.node(index) {
            node.set_due(0);
        }
        if !failed {
            self.udp_keeps_loop(false);
        }
        // The back end gets the action `SEND` before `DROP`, so queued datagrams are sent before the socket is closed.
        self.udp_post(index, action::SEND | action::DROP);
    }

    pub(crate) fn udp_close_all(&mut self) {
        for index in 0..self.tables.udp.slots.capacity() as u16 {
            self.udp_close(index);
        }
    }
}
