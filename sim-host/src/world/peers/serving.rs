//! A running server: its sockets, its connections, and its faults.

use std::any::Any;
use std::time::Duration;

use picoevent_sim_support::net::host;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{RecvError, Socket, State};

use crate::world::choices::kinds::ServerFaultKind;
use crate::world::choices::server_fault::ServerFault;
use crate::world::observe::observer::ServerEvent;
use crate::world::peers::conversation::{Conversation, ConversationState, Pace};
use crate::world::peers::service::{End, Scripted, Service, Session};

/// The number of sockets that wait for connections.
const BACKLOG: usize = 4;
/// The maximum number of stored source ports of recent connects.
const RECENT_PORTS: usize = 16;
/// The size of a socket's buffers in bytes.
const BUFFER: usize = 2048;
/// The time between two reads of a slow server, in microseconds.
const SLOWLY: u64 = 250_000;

/// A running server.
pub(crate) struct Serving {
    pub(crate) port: u16,
    /// The time of the server's next poll, if nothing happens to its sockets.
    pub(crate) wake: u64,
    /// The number of connections that the server has accepted.
    pub(crate) accepted: u32,
    /// The source ports of the device's recent connects.
    recent_ports: Vec<u16>,
    /// The server faults that are active now.
    faults: Vec<ServerFault>,
    listening: Vec<SocketHandle>,
    connections: Vec<Connection>,
    /// Sockets that the program no longer uses.
    leaving: Vec<SocketHandle>,
    /// Events that are not reported to the observers yet.
    pub(crate) events: Vec<(u32, ServerEvent)>,
}

/// A connection.
struct Connection {
    socket: SocketHandle,
    session: Session,
    /// The server's program has accepted the connection.
    is_accepted: bool,
    /// The number of bytes that have arrived. If the server follows a script, the number includes the bytes that were
    /// sent.
    transferred: u64,
    /// The number of bytes of the session's output that were sent.
    sent: usize,
    /// The device has ended its stream.
    has_end: bool,
    next_read: u64,
    /// The progress of the connection in the script, if the server follows a script.
    conversation: Conversation,
}

/// What happens to a connection after a step.
enum Next {
    Continues,
    /// The program gets no more events of this connection. The stack closes the socket.
    Leaves,
}

impl Serving {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            port,
            wake: 0,
            accepted: 0,
            recent_ports: Vec::new(),
            faults: Vec::new(),
            listening: Vec::new(),
            connections: Vec::new(),
            leaving: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Begins or ends a [`ServerFault`].
    pub(crate) fn change_fault(
        &mut self,
        fault: ServerFault,
        begins: bool,
        service: &mut dyn Service,
        sockets: &mut SocketSet<'_>,
    ) {
        self.wake = 0;
        if !begins {
            if let Some(index) = self.faults.iter().position(|active| *active == fault) {
                self.faults.remove(index);
            }
            return;
        }
        self.faults.push(fault);
        match fault.kind {
            ServerFaultKind::Silent => self.forget(service, sockets),
            ServerFaultKind::Restarts if fault.severity % 2 == 1 => {
                self.forget(service, sockets);
                service.restarted();
            }
            ServerFaultKind::Restarts => {
                for mut connection in std::mem::take(&mut self.connections) {
                    sockets.get_mut::<Socket<'_>>(connection.socket).abort();
                    self.end(&mut connection, service);
                }
                service.restarted();
            }
            _ => {}
        }
    }

    /// Restarts the host: all connections are lost without a reset.
    pub(crate) fn reboot(&mut self, service: &mut dyn Service, sockets: &mut SocketSet<'_>) {
        self.forget(service, sockets);
        service.restarted();
        self.wake = 0;
    }

    /// Handles the beginning of a connect. `from` is the device's port, and `at` is the time of the device's clock.
    ///
    /// # Errors
    /// A text that describes what the device did wrong.
    pub(crate) fn connecting(
        &mut self,
        from: u16,
        at: u64,
        service: &mut dyn Service,
    ) -> Result<(), String> {
        // A retransmitted SYN is not another connect.
        if self.recent_ports.contains(&from) {
            return Ok(());
        }
        if self.recent_ports.len() == RECENT_PORTS {
            self.recent_ports.remove(0);
        }
        self.recent_ports.push(from);
        service.connecting(Duration::from_micros(at))
    }

    /// Returns whether frames to the server's port are lost.
    pub(crate) fn is_silent(&self) -> bool {
        self.active(ServerFaultKind::Silent).is_some()
    }

    fn active(&self, kind: ServerFaultKind) -> Option<ServerFault> {
        self.faults.iter().copied().find(|fault| fault.kind == kind)
    }

    fn forget(&mut self, service: &mut dyn Service, sockets: &mut SocketSet<'_>) {
        for mut connection in std::mem::take(&mut self.connections) {
            self.end(&mut connection, service);
        }
        let all = self.leaving.drain(..).chain(self.listening.drain(..));
        all.for_each(|socket| drop(sockets.remove(socket)));
    }

    /// Reports to the program that a connection has ended. Moves the socket of the connection to `leaving`.
    fn end(&mut self, connection: &mut Connection, service: &mut dyn Service) {
        if connection.is_accepted {
            service.ended(&mut connection.session);
        }
        self.events.push((connection.session.number(), ServerEvent::Ended));
        self.leaving.push(connection.socket);
    }

    /// Does the work that is possible now. Returns whether the program was called.
    ///
    /// # Errors
    /// A text that describes what the device did wrong.
    pub(crate) fn work(
        &mut self,
        service: &mut dyn Service,
        sockets: &mut SocketSet<'static>,
        (now, quiet): (u64, bool),
        ending: bool,
    ) -> Result<bool, String> {
        self.wake = u64::MAX;
        self.listen(sockets);
        let mut called = false;
        let mut connections = std::mem::take(&mut self.connections);
        let mut problem = None;
        connections.retain_mut(|connection| {
            let socket = sockets.get_mut(connection.socket);
            (connection.session.now, connection.session.is_quiet) = (now, quiet);
            match self.serve(connection, service, socket, now, ending, &mut called) {
                Ok(Next::Continues) => return true,
                Ok(Next::Leaves) => {}
                Err(text) => {
                    sockets.get_mut::<Socket<'_>>(connection.socket).abort();
                    problem = Some(text);
                }
            }
            called = true;
            self.end(connection, service);
            false
        });
        self.connections = connections;
        self.leave(sockets);
        problem.map_or(Ok(called), Err)
    }

    /// Accepts the connections of the listening sockets, and makes new sockets listen. While the server refuses
    /// connections, no socket listens.
    fn listen(&mut self, sockets: &mut SocketSet<'static>) {
        for socket in std::mem::take(&mut self.listening) {
            let state = sockets.get::<Socket<'_>>(socket).state();
            match state {
                State::Listen | State::SynReceived => self.listening.push(socket),
                State::Closed => self.leaving.push(socket),
                _ => self.accept(socket, sockets),
            }
        }
        let refuses =
            [ServerFaultKind::Refuses, ServerFaultKind::Restarts, ServerFaultKind::Silent];
        if refuses.iter().any(|kind| self.active(*kind).is_some()) {
            for socket in self.listening.drain(..) {
                sockets.get_mut::<Socket<'_>>(socket).abort();
                self.leaving.push(socket);
            }
            return;
        }
        while self.listening.len() < BACKLOG {
            let mut socket = host::socket(BUFFER, BUFFER);
            socket.set_timeout(Some(smoltcp::time::Duration::from_secs(20)));
            socket.set_keep_alive(Some(smoltcp::time::Duration::from_secs(6)));
            socket.listen(self.port).expect("a fresh socket listens at a port");
            self.listening.push(sockets.add(socket));
        }
    }

    fn accept(&mut self, socket: SocketHandle, sockets: &SocketSet<'_>) {
        let peer = sockets.get::<Socket<'_>>(socket).remote_endpoint();
        let port = peer.map_or(0, |peer| peer.port);
        self.events.push((self.accepted, ServerEvent::Accepted(port)));
        self.connections.push(Connection {
            socket,
            session: Session::new(self.accepted),
            is_accepted: false,
            transferred: 0,
            sent: 0,
            has_end: false,
            next_read: 0,
            conversation: Conversation::default(),
        });
        self.accepted += 1;
    }

    fn serve(
        &mut self,
        connection: &mut Connection,
        service: &mut dyn Service,
        socket: &mut Socket<'_>,
        now: u64,
        ending: bool,
        called: &mut bool,
    ) -> Result<Next, String> {
        if self.active(ServerFaultKind::Hangs).is_some()
            || !connection.is_accepted && self.active(ServerFaultKind::AcceptsLate).is_some()
        {
            // The program does nothing, but the stack still works. So if the device has reset the connection, the
            // connection ends.
            return Ok(if socket.state() == State::Closed {
                Next::Leaves
            } else {
                Next::Continues
            });
        }
        if !std::mem::replace(&mut connection.is_accepted, true) {
            *called = true;
            service.opened(&mut connection.session)?;
        }
        if let Some(fault) = self.active(ServerFaultKind::Resets)
            && connection.transferred >= fault.severity
        {
            socket.abort();
            return Ok(Next::Leaves);
        }
        if let Some(fault) = self.active(ServerFaultKind::EndsEarly)
            && connection.transferred >= fault.severity
        {
            socket.close();
            return Ok(Next::Leaves);
        }
        let pace = match self.active(ServerFaultKind::SlowReader) {
            Some(fault) => Pace { read: 1 + (fault.severity % 16) as usize, write: 0 },
            None => Pace::FULL,
        };
        match (service as &mut dyn Any).downcast_mut::<Scripted>() {
            Some(scripted) => self.follow(connection, scripted, socket, now, pace, ending),
            None => self.exchange(connection, service, socket, (now, ending), pace, called),
        }
    }

    /// Returns the number of received bytes after which the server resets or ends its connections, if such a fault is
    /// active.
    fn cuts_after(&self) -> Option<u64> {
        let kinds = [ServerFaultKind::Resets, ServerFaultKind::EndsEarly];
        kinds.into_iter().filter_map(|kind| Some(self.active(kind)?.severity)).min()
    }

    /// Follows the server's script.
    fn follow(
        &mut self,
        connection: &mut Connection,
        scripted: &mut Scripted,
        socket: &mut Socket<'_>,
        now: u64,
        pace: Pace,
        ending: bool,
    ) -> Result<Next, String> {
        let state =
            connection.conversation.go_on(&scripted.script, socket, now, pace, true, ending)?;
        connection.transferred = connection.conversation.progress;
        Ok(match state {
            ConversationState::Over => {
                scripted.finish();
                socket.close();
                Next::Leaves
            }
            ConversationState::Until(wake) => {
                self.wake = self.wake.min(wake);
                Next::Continues
            }
            ConversationState::Lost | ConversationState::Ended => Next::Leaves,
        })
    }

    /// Lets the program read and write.
    fn exchange(
        &mut self,
        connection: &mut Connection,
        service: &mut dyn Service,
        socket: &mut Socket<'_>,
        (now, ending): (u64, bool),
        pace: Pace,
        called: &mut bool,
    ) -> Result<Next, String> {
        let mut is_over = false;
        let has_come = |at: Duration| at.as_micros() <= u128::from(now);
        if service.wakes_at().is_some_and(has_come) {
            *called = true;
            service.poll(&mut connection.session)?;
        }
        while now >= connection.next_read && !connection.has_end {
            let most = if pace.read == 0 { usize::MAX } else { pace.read };
            // The server resets or ends the connection after exactly this number of bytes.
            let until_fault =
                self.cuts_after().map(|cut| cut.saturating_sub(connection.transferred));
            if until_fault == Some(0) {
                self.wake = now;
                break;
            }
            let most = most.min(until_fault.map_or(usize::MAX, |left| left as usize));
            let input = &mut connection.session.input;
            let received = socket.recv(|part| {
                let part = &part[..part.len().min(most)];
                input.extend_from_slice(part);
                (part.len(), part.len())
            });
            match received {
                Ok(0) => break,
                Ok(length) => {
                    connection.transferred += length as u64;
                    *called = true;
                    service.received(&mut connection.session)?;
                    if pace.read > 0 {
                        connection.next_read = now + SLOWLY;
                    }
                }
                Err(RecvError::Finished) => {
                    connection.has_end = true;
                    *called = true;
                    // While the device shuts down, it may end any connection. So an error of `finished` is ignored.
                    let finished = service.finished(&mut connection.session);
                    finished.or_else(|text| if ending { Ok(()) } else { Err(text) })?;
                }
                Err(RecvError::InvalidState) => {
                    is_over = true;
                    break;
                }
            }
        }
        if now < connection.next_read {
            self.wake = self.wake.min(connection.next_read);
        }
        if let Some(at) = service.wakes_at() {
            self.wake = self.wake.min(at.as_micros() as u64);
        }
        if connection.session.end == End::Reset {
            socket.abort();
            return Ok(Next::Leaves);
        }
        while connection.sent < connection.session.output.len() && socket.can_send() {
            let sent =
                socket.send_slice(&connection.session.output[connection.sent..]).unwrap_or(0);
            connection.sent += sent;
        }
        let all_sent = connection.sent == connection.session.output.len();
        if all_sent {
            connection.session.output.clear();
            connection.sent = 0;
        }
        let is_closed = all_sent && connection.session.end == End::Closed;
        if is_closed || is_over {
            socket.close();
        }
        if is_closed && connection.has_end || is_over {
            return Ok(Next::Leaves);
        }
        Ok(if socket.state() == State::Closed { Next::Leaves } else { Next::Continues })
    }

    /// Removes the sockets whose connections have ended.
    fn leave(&mut self, sockets: &mut SocketSet<'_>) {
        self.leaving.retain(|handle| {
            let socket = sockets.get_mut::<Socket<'_>>(*handle);
            if socket.can_recv() {
                let _ = socket.recv(|bytes| (bytes.len(), ()));
            }
            // After a reset, the socket keeps its remote endpoint until the reset is sent.
            let over = match socket.state() {
                State::Closed => socket.remote_endpoint().is_none(),
                State::TimeWait | State::Listen => true,
                _ => false,
            };
            if over {
                sockets.remove(*handle);
            }
            !over
        });
    }
}
