//! The pool's work for its UDP sockets: actions, looks and wakers.

use core::net::{IpAddr, SocketAddr};
use core::task::Waker;

use embassy_net::IpAddress;
use picoevent::{EventBase, Instant, UdpAction, UdpError, UdpRequest, UdpSocket};

use super::place::{Role, group};
use crate::address;
use crate::log;
use crate::pool::Pool;
use crate::ready;
use crate::time;

/// The largest number of attempts to choose a free port. The stack does not check whether another socket
/// has the port.
const CHOICES: usize = 8;

impl Pool<'_, '_> {
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
        let Some(index) = self.udp_place(id) else { return };
        let Some(place) = self.udp.get_mut(index) else { return };
        match action {
            UdpAction::ReceiveFrom => place.receive(id, base),
            UdpAction::SendTo => self.send_udp(index, id, base),
            UdpAction::Unbind => self.unbind(index),
            UdpAction::Bind => {}
        }
    }

    /// Returns whether the stack must run before UDP sockets can send; returns `true` only once. The stack learns the
    /// state of its link when it first runs. Before that, the link seems to be down, and datagrams would be dropped.
    pub(crate) fn udp_waits_for_stack(&mut self) -> bool {
        !self.udp.is_empty() && core::mem::take(&mut self.state.is_new)
    }

    /// Returns the sockets whose datagrams the stack has not sent in time; see [`ready::mask`].
    pub(crate) fn late_udp(&self) -> u32 {
        let (first, now) = (self.slots.len(), self.state.env.now);
        let late = self.udp.iter().enumerate().filter(|(_, place)| place.left(now) == 0);
        late.fold(0, |late, (index, _)| late | ready::mask(first.wrapping_add(index)))
    }

    /// Looks at the sockets that have news or are late.
    #[inline(never)]
    pub(crate) fn look_at_udp<A>(&mut self, news: u32, base: &mut EventBase<'_, A>) {
        for index in 0..self.udp.len() {
            let bit = ready::mask(self.slots.len().wrapping_add(index));
            let now = self.state.env.now;
            let Some(place) = self.udp.get_mut(index) else { return };
            let is_late = place.left(now) == 0;
            if news & bit == 0 {
                continue;
            }
            if is_late && !place.socket.is_flushed(Waker::noop()) {
                place.give_up(base);
            }
            match place.role {
                Role::Bound(id) => {
                    place.receive(id, base);
                    self.send_udp(index, id, base);
                }
                Role::Closing if place.socket.is_flushed(Waker::noop()) => place.free(),
                Role::Closing | Role::Free => {}
            }
        }
    }

    /// Returns the time at which the first unsent datagram is dropped; the end of the clock if there is none.
    pub(crate) fn udp_deadline(&self, now: Instant) -> Instant {
        let left = self.udp.iter().map(|place| place.left(self.state.env.now)).min();
        time::after(now, left.unwrap_or(time::NEVER))
    }

    /// Returns whether a closed socket still has datagrams to send.
    pub(crate) fn udp_is_sending(&self) -> bool {
        self.udp.iter().any(|place| place.role == Role::Closing)
    }

    /// Makes news of the sockets in `unwatched` wake the task.
    pub(crate) fn watch_udp<A>(
        &mut self,
        unwatched: u32,
        base: &mut EventBase<'_, A>,
        task: &Waker,
    ) {
        let first = self.slots.len();
        for (index, place) in self.udp.iter_mut().enumerate() {
            let number = first.wrapping_add(index);
            if unwatched & ready::mask(number) == 0 {
                continue;
            }
            let waker = self.state.ready.waker(ready::bit(number), task);
            let wants_input = match place.role {
                Role::Bound(id) => base.has_udp_room(id, place.socket.longest()),
                Role::Closing | Role::Free => false,
            };
            let has_input = wants_input && place.socket.has_input(&waker);
            let is_flushed = place.is_sending() && place.socket.is_flushed(&waker);
            // No waker is set then: the task is polled again at once and looks at the socket.
            if has_input || is_flushed {
                self.state.news |= ready::mask(number);
                task.wake_by_ref();
            }
        }
    }

    /// Returns the index of the [`Place`](super::place::Place) of a UDP socket of the base; `None` if it has none.
    /// The wakers of the place are set again before the task sleeps.
    fn udp_place(&mut self, id: UdpSocket) -> Option<usize> {
        let index = self.udp.iter().position(|place| place.role == Role::Bound(id))?;
        self.state.unwatched |= ready::mask(self.slots.len().wrapping_add(index));
        Some(index)
    }

    /// Binds a free socket. Returns its address.
    fn bind(&mut self, id: UdpSocket, address: SocketAddr) -> Result<SocketAddr, UdpError> {
        let wanted = address::bind_endpoint(address).ok_or(UdpError::Invalid)?;
        if let Some(own) = wanted.addr
            && !self.state.env.network.has(own)
        {
            return Err(UdpError::NotOurs);
        }
        // A closed socket on the same address is freed, and its unsent datagrams are lost.
        for place in self.udp.iter_mut() {
            if place.role == Role::Closing && place.overlaps(wanted) {
                place.free();
            }
        }
        let is_free = |place: &super::place::Place<'_>| place.role == Role::Free;
        let index = self.udp.iter().position(is_free).ok_or(UdpError::NoSocket)?;
        for _ in 0..CHOICES {
            let place = self.udp.get_mut(index).ok_or(UdpError::NoSocket)?;
            place.socket.bind(wanted)?;
            let bound = place.socket.endpoint();
            if self.udp.iter().any(|place| place.overlaps(bound)) {
                if let Some(place) = self.udp.get_mut(index) {
                    place.socket.close();
                }
                if wanted.port != 0 {
                    break;
                }
                continue;
            }
            if let Some(place) = self.udp.get_mut(index) {
                (place.role, place.broadcasts) = (Role::Bound(id), false);
            }
            self.state.unwatched |= ready::mask(self.slots.len().wrapping_add(index));
            log::listening(bound.port);
            return Ok((address.ip(), bound.port).into());
        }
        Err(UdpError::InUse)
    }

    /// Handles the requests of a socket, up to a datagram that has to wait.
    fn send_udp<A>(&mut self, index: usize, id: UdpSocket, base: &mut EventBase<'_, A>) {
        let closing = base.is_udp_closed(id);
        if closing && self.udp.get(index).is_some_and(|place| place.is_sending()) {
            base.udp_done(id, Ok(()));
        }
        loop {
            let Some(place) = self.udp.get_mut(index) else { return };
            if place.is_sending() && !closing {
                if !place.socket.is_flushed(Waker::noop()) {
                    return;
                }
                place.given = None;
                base.udp_done(id, Ok(()));
            }
            let Some(request) = base.udp_request(id) else { return };
            let done = match request {
                UdpRequest::Send(to, data) => match place.send(to, data, &self.state.env) {
                    // The datagram stays in the ring until the stack has sent it. A closed socket
                    // does not wait for that.
                    Ok(true) if !closing => continue,
                    Ok(true) => Ok(()),
                    Ok(false) => return,
                    Err(error) => Err(error),
                },
                // The base discards datagrams that are not from the peer.
                UdpRequest::Connect(_) => Ok(()),
                UdpRequest::Broadcast(allowed) => {
                    place.broadcasts = allowed;
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
        let group = group(address).ok_or(UdpError::Invalid)?;
        let place = self.udp.get_mut(index).ok_or(UdpError::NoSocket)?;
        if place.groups.contains(&group) {
            return Ok(());
        }
        self.state.env.network.join(group)?;
        // `groups` has room for all the groups that the stack can join.
        place.groups.push(group).map_err(|_| UdpError::NoSocket)
    }

    /// Leaves a group that this socket has joined. The stack leaves the group if no other socket
    /// has joined it.
    fn leave_group(&mut self, index: usize, address: IpAddr) {
        let Some(group) = group(address) else { return };
        let Some(place) = self.udp.get_mut(index) else { return };
        let before = place.groups.len();
        place.groups.retain(|held| *held != group);
        if place.groups.len() < before {
            self.leave_unused(group);
        }
    }

    fn leave_unused(&mut self, group: IpAddress) {
        if !self.udp.iter().any(|place| place.groups.contains(&group)) {
            self.state.env.network.leave(group);
        }
    }

    /// Frees the place of a closed socket. If the stack still has datagrams to send, marks the place as
    /// [`Role::Closing`].
    fn unbind(&mut self, index: usize) {
        while let Some(group) = self.udp.get_mut(index).and_then(|place| place.groups.pop()) {
            self.leave_unused(group);
        }
        let Some(place) = self.udp.get_mut(index) else { return };
        if place.is_sending() && !place.socket.is_flushed(Waker::noop()) {
            place.role = Role::Closing;
        } else {
            place.free();
        }
    }
}
