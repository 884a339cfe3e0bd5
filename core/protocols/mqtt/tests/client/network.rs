//! A back end in virtual time with one peer: a script, or a model of a broker.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::task::Poll;
use std::time::Duration;

use picoevent::{Action, Backend, Conn, ConnError, EventBase, Instant, Run};
use picoevent_peers::mqtt::{BrokerAction, Reply};

/// The peer of the client's connections.
pub trait Peer {
    /// Called when the client connects. Returns whether the connection is accepted.
    fn accepts(&mut self, now: Instant) -> bool;

    /// Called when the client has sent bytes. Returns the peer's actions, each with a delay. The actions happen in this
    /// order, even if a later action has a shorter delay.
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> Reply;

    /// Called when the connection has ended.
    fn disconnected(&mut self) {}

    /// Returns the time of the next action that the peer takes without a packet from the client.
    fn timer_at(&self) -> Instant {
        Instant::MAX
    }

    /// Called at the time that `timer_at` returned.
    fn timer_expired(&mut self, now: Instant) -> Reply {
        let _ = now;
        Reply::new()
    }
}

/// A connection of the client.
struct Connection {
    conn: Conn,
    is_open: bool,
    is_accepted: bool,
    actions: VecDeque<(Instant, BrokerAction)>,
    has_ended: bool,
}

/// The network.
pub struct Network<P> {
    pub now: Instant,
    pub peer: P,
    /// The times of all attempts to connect.
    pub connects: Vec<Instant>,
    /// The largest number of bytes that arrive at once.
    pub max_chunk: usize,
    /// Whether the network takes no bytes from the client.
    is_blocked: bool,
    connection: Option<Connection>,
    has_reports: bool,
    /// The time at which the loop stops.
    until: Instant,
}

impl<P: Peer> Network<P> {
    pub fn new(peer: P) -> Self {
        Self {
            now: Instant::ZERO,
            peer,
            connects: Vec::new(),
            max_chunk: usize::MAX,
            is_blocked: false,
            connection: None,
            has_reports: false,
            until: Instant::ZERO,
        }
    }

    /// Sets whether the network takes no bytes from the client.
    pub fn block(&mut self, is_blocked: bool) {
        (self.is_blocked, self.has_reports) = (is_blocked, true);
    }

    /// Sends the client's output to the peer, unless the network is blocked.
    fn send<A>(&mut self, conn: Conn, base: &mut EventBase<'_, A>) {
        let (first, second) = base.output(conn);
        let bytes = [first, second].concat();
        if self.is_blocked || bytes.is_empty() {
            return;
        }
        base.sent(conn, bytes.len());
        if self
            .connection
            .as_ref()
            .is_some_and(|connection| connection.is_open && !connection.has_ended)
        {
            let actions = self.peer.receive(self.now, &bytes);
            self.schedule(actions);
        }
    }

    /// Runs the loop for a number of seconds.
    pub fn run_for<A>(&mut self, base: &mut EventBase<'_, A>, app: &mut A, seconds: u64) {
        self.until = self.now.after(Duration::from_secs(seconds));
        base.begin(Run::DEFAULT);
        while let Poll::Ready(Ok(None)) = base.iterate(app, self) {}
        self.now = self.until;
    }

    /// Makes the peer act now.
    pub fn perform(&mut self, action: BrokerAction) {
        self.schedule(vec![(Duration::ZERO, action)]);
    }

    fn schedule(&mut self, actions: Reply) {
        let Some(connection) = &mut self.connection else { return };
        for (after, action) in actions {
            let last = connection.actions.back().map_or(Instant::ZERO, |(at, _)| *at);
            connection.actions.push_back((self.now.after(after).max(last), action));
            self.has_reports = true;
        }
    }

    fn is_current(&self, conn: Conn) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.conn == conn)
    }

    fn end_connection(&mut self) {
        if self.connection.take().is_some_and(|connection| connection.is_open) {
            self.peer.disconnected();
        }
    }
}

impl<A, P: Peer> Backend<A> for Network<P> {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, A>) -> Result<(), Infallible> {
        match action {
            Action::Connect(conn) => {
                assert!(self.connection.is_none(), "the client has more than one connection");
                self.connects.push(self.now);
                let is_unreachable_address = base.peer_of(conn).unwrap().port() == 0;
                let is_accepted = !is_unreachable_address && self.peer.accepts(self.now);
                let actions = VecDeque::new();
                let connection =
                    Connection { conn, is_open: false, is_accepted, actions, has_ended: false };
                self.connection = Some(connection);
                self.has_reports = true;
            }
            Action::Receive(_) => self.has_reports = true,
            Action::Send(conn) => self.send(conn, base),
            Action::End(conn) => {
                base.delivered(conn);
                self.perform(BrokerAction::End);
            }
            Action::Close(conn) | Action::Reset(conn) if self.is_current(conn) => {
                self.end_connection()
            }
            _ => {}
        }
        Ok(())
    }

    fn deadline(&mut self, _: &mut EventBase<'_, A>) -> Instant {
        if self.has_reports {
            return Instant::ZERO;
        }
        let actions = self.connection.iter().filter(|connection| connection.is_open);
        let next =
            actions.filter_map(|connection| connection.actions.front()).map(|(at, _)| *at).min();
        // If the time of an action has passed but its data was not delivered, the data waits for room in the ring. So
        // this action has no deadline.
        let next = next.filter(|at| *at > self.now).unwrap_or(Instant::MAX);
        next.min(self.peer.timer_at())
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<'_, A>) -> Poll<Result<(), Infallible>> {
        if until > self.until {
            return Poll::Pending;
        }
        self.now = self.now.max(until);
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut EventBase<'_, A>) {
        self.has_reports = false;
        if self.peer.timer_at() <= self.now {
            let actions = self.peer.timer_expired(self.now);
            self.schedule(actions);
        }
        if let Some(conn) = self.connection.as_ref().map(|connection| connection.conn) {
            self.send(conn, base);
        }
        let Some(connection) = &mut self.connection else { return };
        if !connection.is_open {
            if connection.is_accepted {
                connection.is_open = true;
                base.connected(connection.conn);
                self.has_reports = true;
            } else {
                base.failed(connection.conn, ConnError::Refused);
                self.end_connection();
            }
            return;
        }
        let Some((_, action)) = connection.actions.front_mut().filter(|(at, _)| *at <= self.now)
        else {
            return;
        };
        match action {
            BrokerAction::Send(bytes) => {
                let Some((first, second)) = base.input(connection.conn) else { return };
                let count = bytes.len().min(self.max_chunk);
                let targets = first.iter_mut().chain(second).take(count);
                let written = targets.zip(&*bytes).map(|(target, byte)| *target = *byte).count();
                bytes.drain(..written);
                if bytes.is_empty() {
                    connection.actions.pop_front();
                }
                if written > 0 {
                    base.received(connection.conn, written);
                    self.has_reports = true;
                }
            }
            BrokerAction::End => {
                connection.actions.pop_front();
                connection.has_ended = true;
                base.peer_finished(connection.conn);
                self.has_reports = true;
            }
            BrokerAction::Reset => {
                base.failed(connection.conn, ConnError::Reset);
                self.has_reports = true;
                self.end_connection();
            }
        }
    }
}
