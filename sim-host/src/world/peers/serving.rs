//! A running server: its sockets, its connections, and its troubles.

use std::any::Any;
use std::time::Duration;

use picoevent_sim_support::net::host;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{RecvError, Socket, State};

use crate::world::choices::kinds::TroubleKind;
use crate::world::choices::trouble::Trouble;
use crate::world::observe::observer::ServerNews;
use crate::world::peers::conversation::{Conversation, Pace, Talk};
use crate::world::peers::service::{End, Scripted, Service, Session};

/// The number of sockets that wait for connections.
const BACKLOG: usize = 4;
/// The number of source ports of recent connects that are stored.
const CALLERS: usize = 16;
/// The size of a socket's buffers in bytes.
const BUFFER: usize = 2048;
/// Microseconds between two reads of a slow server.
const SLOWLY: u64 = 250_000;

/// A running server.
pub(crate) struct Serving {
    pub(crate) port: u16,
    /// The time of its next poll, if nothing happens to its sockets.
    pub(crate) wake: u64,
    /// Connections that it has accepted.
    pub(crate) accepted: u32,
    /// The source ports of the device's recent connects.
    callers: Vec<u16>,
    /// The troubles that are active now.
    troubles: Vec<Trouble>,
    listening: Vec<SocketHandle>,
    calls: Vec<Call>,
    /// Sockets that the program no longer uses.
    leaving: Vec<SocketHandle>,
    /// Events that observers have not seen yet.
    pub(crate) news: Vec<(u32, ServerNews)>,
}

/// A connection.
struct Call {
    socket: SocketHandle,
    session: Session,
    /// The program has accepted it.
    taken: bool,
    /// The number of bytes that have arrived. If the server follows a script, the sent bytes are included.
    heard: u64,
    /// Bytes of the session's output that were sent.
    sent: usize,
    /// The device has ended its stream.
    has_end: bool,
    next_read: u64,
    /// Its progress in the script, if the server follows one.
    talk: Conversation,
}

/// What happens to a connection after a step.
enum Next {
    GoesOn,
    /// The program gets no more events of this connection. The stack closes its socket.
    Leaves,
}

impl Serving {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            port,
            wake: 0,
            accepted: 0,
            callers: Vec::new(),
            troubles: Vec::new(),
            listening: Vec::new(),
            calls: Vec::new(),
            leaving: Vec::new(),
            news: Vec::new(),
        }
    }

    /// Begins or ends a trouble.
    pub(crate) fn trouble(
        &mut self,
        trouble: Trouble,
        begins: bool,
        service: &mut dyn Service,
        sockets: &mut SocketSet<'_>,
    ) {
        self.wake = 0;
        if !begins {
            if let Some(index) = self.troubles.iter().position(|active| *active == trouble) {
                self.troubles.remove(index);
            }
            return;
        }
        self.troubles.push(trouble);
        match trouble.kind {
            TroubleKind::Silent => self.forget(service, sockets),
            TroubleKind::Restarts if trouble.severity % 2 == 1 => {
                self.forget(service, sockets);
                service.restarted();
            }
            TroubleKind::Restarts => {
                for mut call in std::mem::take(&mut self.calls) {
                    sockets.get_mut::<Socket<'_>>(call.socket).abort();
                    self.end(&mut call, service);
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

    /// Handles a connect of the device, from this port, at this time of the device's clock.
    ///
    /// # Errors
    /// An error of the device.
    pub(crate) fn call(
        &mut self,
        from: u16,
        at: u64,
        service: &mut dyn Service,
    ) -> Result<(), String> {
        // A retransmitted SYN is not another connect.
        if self.callers.contains(&from) {
            return Ok(());
        }
        if self.callers.len() == CALLERS {
            self.callers.remove(0);
        }
        self.callers.push(from);
        service.called(Duration::from_micros(at))
    }

    /// Returns whether frames to its port are lost.
    pub(crate) fn is_silent(&self) -> bool {
        self.active(TroubleKind::Silent).is_some()
    }

    fn active(&self, kind: TroubleKind) -> Option<Trouble> {
        self.troubles.iter().copied().find(|trouble| trouble.kind == kind)
    }

    fn forget(&mut self, service: &mut dyn Service, sockets: &mut SocketSet<'_>) {
        for mut call in std::mem::take(&mut self.calls) {
            self.end(&mut call, service);
        }
        let all = self.leaving.drain(..).chain(self.listening.drain(..));
        all.for_each(|socket| drop(sockets.remove(socket)));
    }

    /// Reports to the program that a connection has ended. Moves its socket to `leaving`.
    fn end(&mut self, call: &mut Call, service: &mut dyn Service) {
        if call.taken {
            service.ended(&mut call.session);
        }
        self.news.push((call.session.number(), ServerNews::Ended));
        self.leaving.push(call.socket);
    }

    /// Does the work that is possible now. Returns whether the program was called.
    ///
    /// # Errors
    /// An error of the device.
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
        let mut calls = std::mem::take(&mut self.calls);
        let mut problem = None;
        calls.retain_mut(|call| {
            let socket = sockets.get_mut(call.socket);
            (call.session.now, call.session.is_quiet) = (now, quiet);
            match self.serve(call, service, socket, now, ending, &mut called) {
                Ok(Next::GoesOn) => return true,
                Ok(Next::Leaves) => {}
                Err(text) => {
                    sockets.get_mut::<Socket<'_>>(call.socket).abort();
                    problem = Some(text);
                }
            }
            called = true;
            self.end(call, service);
            false
        });
        self.calls = calls;
        self.leave(sockets);
        problem.map_or(Ok(called), Err)
    }

    /// Accepts the connections of the listening sockets, and makes new sockets listen. No socket listens while the
    /// server refuses connections.
    fn listen(&mut self, sockets: &mut SocketSet<'static>) {
        for socket in std::mem::take(&mut self.listening) {
            let state = sockets.get::<Socket<'_>>(socket).state();
            match state {
                State::Listen | State::SynReceived => self.listening.push(socket),
                State::Closed => self.leaving.push(socket),
                _ => self.accept(socket, sockets),
            }
        }
        let refuses = [TroubleKind::Refuses, TroubleKind::Restarts, TroubleKind::Silent];
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
        self.news.push((self.accepted, ServerNews::Accepted(port)));
        self.calls.push(Call {
            socket,
            session: Session::new(self.accepted),
            taken: false,
            heard: 0,
            sent: 0,
            has_end: false,
            next_read: 0,
            talk: Conversation::default(),
        });
        self.accepted += 1;
    }

    fn serve(
        &mut self,
        call: &mut Call,
        service: &mut dyn Service,
        socket: &mut Socket<'_>,
        now: u64,
        ending: bool,
        called: &mut bool,
    ) -> Result<Next, String> {
        if self.active(TroubleKind::Hangs).is_some()
            || !call.taken && self.active(TroubleKind::AcceptsLate).is_some()
        {
            // The stack of a hanging server still works: a connection that is reset now is gone.
            return Ok(if socket.state() == State::Closed { Next::Leaves } else { Next::GoesOn });
        }
        if !std::mem::replace(&mut call.taken, true) {
            *called = true;
            service.opened(&mut call.session)?;
        }
        if let Some(trouble) = self.active(TroubleKind::Resets)
            && call.heard >= trouble.severity
        {
            socket.abort();
            return Ok(Next::Leaves);
        }
        if let Some(trouble) = self.active(TroubleKind::EndsEarly)
            && call.heard >= trouble.severity
        {
            socket.close();
            return Ok(Next::Leaves);
        }
        let pace = match self.active(TroubleKind::SlowReader) {
            Some(trouble) => Pace { read: 1 + (trouble.severity % 16) as usize, write: 0 },
            None => Pace::FULL,
        };
        match (service as &mut dyn Any).downcast_mut::<Scripted>() {
            Some(scripted) => self.follow(call, scripted, socket, now, pace, ending),
            None => self.talk(call, service, socket, (now, ending), pace, called),
        }
    }

    /// Follows the server's script.
    fn follow(
        &mut self,
        call: &mut Call,
        scripted: &mut Scripted,
        socket: &mut Socket<'_>,
        now: u64,
        pace: Pace,
        ending: bool,
    ) -> Result<Next, String> {
        let talk = call.talk.go_on(&scripted.script, socket, now, pace, true, ending)?;
        call.heard = call.talk.progress;
        Ok(match talk {
            Talk::Over => {
                scripted.finish();
                socket.close();
                Next::Leaves
            }
            Talk::Until(wake) => {
                self.wake = self.wake.min(wake);
                Next::GoesOn
            }
            Talk::Lost | Talk::Ended => Next::Leaves,
        })
    }

    /// Lets the program read and write.
    fn talk(
        &mut self,
        call: &mut Call,
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
            service.going_on(&mut call.session)?;
        }
        while now >= call.next_read && !call.has_end {
            let most = if pace.read == 0 { usize::MAX } else { pace.read };
            let input = &mut call.session.input;
            let heard = socket.recv(|part| {
                let part = &part[..part.len().min(most)];
                input.extend_from_slice(part);
                (part.len(), part.len())
            });
            match heard {
                Ok(0) => break,
                Ok(length) => {
                    call.heard += length as u64;
                    *called = true;
                    service.received(&mut call.session)?;
                    if pace.read > 0 {
                        call.next_read = now + SLOWLY;
                    }
                }
                Err(RecvError::Finished) => {
                    call.has_end = true;
                    *called = true;
                    // A device that is shutting down may end any connection.
                    let finished = service.finished(&mut call.session);
                    finished.or_else(|text| if ending { Ok(()) } else { Err(text) })?;
                }
                Err(RecvError::InvalidState) => {
                    is_over = true;
                    break;
                }
            }
        }
        if now < call.next_read {
            self.wake = self.wake.min(call.next_read);
        }
        if let Some(at) = service.wakes_at() {
            self.wake = self.wake.min(at.as_micros() as u64);
        }
        if call.session.end == End::Reset {
            socket.abort();
            return Ok(Next::Leaves);
        }
        while call.sent < call.session.output.len() && socket.can_send() {
            let sent = socket.send_slice(&call.session.output[call.sent..]).unwrap_or(0);
            call.sent += sent;
        }
        let all_sent = call.sent == call.session.output.len();
        if all_sent {
            call.session.output.clear();
            call.sent = 0;
        }
        let is_closed = all_sent && call.session.end == End::Closed;
        if is_closed || is_over {
            socket.close();
        }
        if is_closed && call.has_end || is_over {
            return Ok(Next::Leaves);
        }
        Ok(if socket.state() == State::Closed { Next::Leaves } else { Next::GoesOn })
    }

    /// Removes the sockets that have ended.
    fn leave(&mut self, sockets: &mut SocketSet<'_>) {
        self.leaving.retain(|handle| {
            let socket = sockets.get_mut::<Socket<'_>>(*handle);
            if socket.can_recv() {
                let _ = socket.recv(|bytes| (bytes.len(), ()));
            }
            // A reset has been sent once the socket has no remote endpoint.
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
