//! The socket table's work for its UDP sockets: the table carries out actions, examines sockets and sets wakers.

use core::net::{IpAddr, SocketAddr};
use core::task::Waker;

use embassy_net::IpAddress;
use picoevent::{EventBase, Instant, UdpAction, UdpError, UdpRequest, UdpSocket};

use super::slot::{Role, group_address};
use crate::address;
use crate::log;
use crate::ready;
use crate::socket_table::SocketTable;
use crate::time;

/// The largest number of attempts to choose a free port. The stack does not check whether another socket uses the port.
const PORT_ATTEMPTS: usize = 8;

impl SocketTable<'_, '_> {
    /// Carries out an action of the base for a UDP socket.
    #[inline(never)]
    pub(crate) fn act_udp<A>(
        &mut self,
        id: UdpSocket,
        action: UdpAction,
        base: &mut EventBase<'_, A>,
    ) {
        if action == UdpAction::Bind {
            let Some(address) = base.udp_address_of(id) else { return };
            match self.bind(id, address) {
                Ok(bound) => base.bound(id, bound),
                Err(error) => base.bind_failed(id, error),
            }
            return;
        }
        let Some(index) = self.udp_index(id) else { return };
        let Some(slot) = self.udp.get_mut(index) else { return };
        match action {
            UdpAction::ReceiveFrom => slot.receive(id, base),
            UdpAction::SendTo => self.send_udp(index, id, base),
            UdpAction::Unbind => self.unbind(index),
            UdpAction::Bind => {}
        }
    }

    /// Returns whether the stack must run before UDP sockets can send; returns `true` only once. The stack learns the
    /// state of its link when it first runs. Before that, the link seems to be down, and datagrams would be dropped.
    pub(crate) fn udp_waits_for_stack(&mut self) -> bool {
        !self.udp.is_empty() && core::mem::take(&mut self.state.stack_has_not_run)
    }

    /// Returns the sockets whose datagrams the stack has not sent in time; see [`ready::mask`].
    pub(crate) fn timed_out_udp(&self) -> u32 {
        let (first, now) = (self.slots.len(), self.state.env.now);
        let timed_out = self.udp.iter().enumerate().filter(|(_, slot)| slot.time_left(now) == 0);
        timed_out
            .fold(0, |timed_out, (index, _)| timed_out | ready::mask(first.wrapping_add(index)))
    }

    /// Examines the sockets whose bits are set in `changed`. Drops the datagrams that the stack has not sent in time.
    #[inline(never)]
    pub(crate) fn check_udp<A>(&mut self, changed: u32, base: &mut EventBase<'_, A>) {
        for index in 0..self.udp.len() {
            let bit = ready::mask(self.slots.len().wrapping_add(index));
            let now = self.state.env.now;
            let Some(slot) = self.udp.get_mut(index) else { return };
            let is_timed_out = slot.time_left(now) == 0;
            if changed & bit == 0 {
                continue;
            }
            if is_timed_out && !slot.socket.is_flushed(Waker::noop()) {
                slot.drop_unsent(base);
            }
            match slot.role {
                Role::Bound(id) => {
                    slot.receive(id, base);
                    self.send_udp(index, id, base);
                }
                Role::Closing if slot.socket.is_flushed(Waker::noop()) => slot.free(),
                Role::Closing | Role::Free => {}
            }
        }
    }

    /// Returns the time at which the first unsent datagram is dropped; [`Instant::MAX`] if no datagram is unsent.
    pub(crate) fn udp_deadline(&self, now: Instant) -> Instant {
        let time_left = self.udp.iter().map(|slot| slot.time_left(self.state.env.now)).min();
        time::after(now, time_left.unwrap_or(time::NEVER))
    }

    /// Returns whether a closed socket still has datagrams to send.
    pub(crate) fn udp_is_sending(&self) -> bool {
        self.udp.iter().any(|slot| slot.role == Role::Closing)
    }

    /// Sets the wakers of the sockets whose bits are set in `unwatched`, so that a change of such a socket wakes the
    /// task.
    pub(crate) fn watch_udp<A>(
        &mut self,
        unwatched: u32,
        base: &mut EventBase<'_, A>,
        task: &Waker,
    ) {
        let first = self.slots.len();
        for (index, slot) in self.udp.iter_mut().enumerate() {
            let number = first.wrapping_add(index);
            if unwatched & ready::mask(number) == 0 {
                continue;
            }
            let waker = self.state.ready.waker(ready::bit(number), task);
            let wants_input = match slot.role {
                Role::Bound(id) => base.has_udp_room(id, slot.socket.longest()),
                Role::Closing | Role::Free => false,
            };
            let has_input = wants_input && slot.socket.has_input(&waker);
            let is_flushed = slot.is_sending() && slot.socket.is_flushed(&waker);
            // A check that returned true has set no waker. So wake the task at once; the task then examines the socket.
            if has_input || is_flushed {
                self.state.changed |= ready::mask(number);
                task.wake_by_ref();
            }
        }
    }

    /// Returns the index of the [`UdpSlot`](super::slot::UdpSlot) of a UDP socket of the base; `None` if there is none.
    /// Also sets the bit of the slot's socket in `unwatched`, so that the wakers of the socket are set again before the
    /// task sleeps.
    fn udp_index(&mut self, id: UdpSocket) -> Option<usize> {
        let index = self.udp.iter().position(|slot| slot.role == Role::Bound(id))?;
        self.state.unwatched |= ready::mask(self.slots.len().wrapping_add(index));
        Some(index)
    }

    /// Binds a free socket. Returns the socket's address.
    fn bind(&mut self, id: UdpSocket, address: SocketAddr) -> Result<SocketAddr, UdpError> {
        let wanted = address::bind_endpoint(address).ok_or(UdpError::Invalid)?;
        if let Some(own) = wanted.addr
            && !self.state.env.network.has(own)
        {
            return Err(UdpError::NotOurs);
        }
        // A closed socket on the same address is freed, and its unsent datagrams are lost.
        for slot in self.udp.iter_mut() {
            if slot.role == Role::Closing && slot.overlaps(wanted) {
                slot.free();
            }
        }
        let is_free = |slot: &super::slot::UdpSlot<'_>| slot.role == Role::Free;
        let index = self.udp.iter().position(is_free).ok_or(UdpError::NoSocket)?;
        for _ in 0..PORT_ATTEMPTS {
            let slot = self.udp.get_mut(index).ok_or(UdpError::NoSocket)?;
            slot.socket.bind(wanted)?;
            let bound = slot.socket.endpoint();
            if self.udp.iter().any(|slot| slot.overlaps(bound)) {
                if let Some(slot) = self.udp.get_mut(index) {
                    slot.socket.close();
                }
                if wanted.port != 0 {
                    break;
                }
                continue;
            }
            if let Some(slot) = self.udp.get_mut(index) {
                (slot.role, slot.may_broadcast) = (Role::Bound(id), false);
            }
            self.state.unwatched |= ready::mask(self.slots.len().wrapping_add(index));
            log::listening(bound.port);
            return Ok((address.ip(), bound.port).into());
        }
        Err(UdpError::InUse)
    }

    /// Handles the requests of a socket in order. Stops at a datagram that the stack cannot take yet.
    fn send_udp<A>(&mut self, index: usize, id: UdpSocket, base: &mut EventBase<'_, A>) {
        let closing = base.is_udp_closed(id);
        if closing && self.udp.get(index).is_some_and(|slot| slot.is_sending()) {
            base.udp_done(id, Ok(()));
        }
        loop {
            let Some(slot) = self.udp.get_mut(index) else { return };
            if slot.is_sending() && !closing {
                if !slot.socket.is_flushed(Waker::noop()) {
                    return;
                }
                slot.sending_since = None;
                base.udp_done(id, Ok(()));
            }
            let Some(request) = base.udp_request(id) else { return };
            let done = match request {
                UdpRequest::Send(to, data) => match slot.send(to, data, &self.state.env) {
                    // The datagram stays in the base's ring until the stack has sent it. If the base has closed the
                    // socket, the datagram is removed from the ring at once.
                    Ok(true) if !closing => continue,
                    Ok(true) => Ok(()),
                    Ok(false) => return,
                    Err(error) => Err(error),
                },
                // The stack has nothing to do: the base itself discards datagrams that are not from the peer.
                UdpRequest::Connect(_) => Ok(()),
                UdpRequest::Broadcast(allowed) => {
                    slot.may_broadcast = allowed;
                    Ok(())
                }
                UdpRequest::Join(address) => self.join(index, address),
                UdpRequest::Leave(address) => {
                    self.leave_group(index, address);
                    Ok(())
                }
            };
            base.udp_done(id, done);
        }
    }

    fn join(&mut self, index: usize, address: IpAddr) -> Result<(), UdpError> {
        let group = group_address(address).ok_or(UdpError::Invalid)?;
        let slot = self.udp.get_mut(index).ok_or(UdpError::NoSocket)?;
        if slot.groups.contains(&group) {
            return Ok(());
        }
        self.state.env.network.join(group)?;
        // `groups` has room for all the groups that the stack can join.
        slot.groups.push(group).map_err(|_| UdpError::NoSocket)
    }

    /// Leaves a group that this socket has joined. The stack leaves the group if no other socket has joined the group.
    fn leave_group(&mut self, index: usize, address: IpAddr) {
        let Some(group) = group_address(address) else { return };
        let Some(slot) = self.udp.get_mut(index) else { return };
        let before = slot.groups.len();
        slot.groups.retain(|joined| *joined != group);
        if slot.groups.len() < before {
            self.leave_if_unused(group);
        }
    }

    fn leave_if_unused(&mut self, group: IpAddress) {
        if !self.udp.iter().any(|slot| slot.groups.contains(&group)) {
            self.state.env.network.leave(group);
        }
    }

    /// Frees the slot of a closed socket. If the stack still has datagrams to send, sets the slot's role to
    /// [`Role::Closing`] instead.
    fn unbind(&mut self, index: usize) {
        while let Some(group) = self.udp.get_mut(index).and_then(|slot| slot.groups.pop()) {
            self.leave_if_unused(group);
        }
        let Some(slot) = self.udp.get_mut(index) else { return };
        if slot.is_sending() && !slot.socket.is_flushed(Waker::noop()) {
            slot.role = Role::Closing;
        } else {
            slot.free();
        }
    }
}
