//! A back end in virtual time with one peer: a script, or a model of a broker.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::task::Poll;
use std::time::Duration;

use picoevent::{Action, Backend, Conn, ConnError, EventBase, Instant, Run};
use picoevent_peers::mqtt::{Deed, Reply};

/// The peer of the client's connections.
pub trait Peer {
    /// Called when the client connects. Returns whether the connection is accepted.
    fn called(&mut self, now: Instant) -> bool;

    /// Called when the client has sent bytes. Returns the peer's actions, each after a delay. Actions stay in
    /// order.
    fn heard(&mut self, now: Instant, bytes: &[u8]) -> Reply;

    /// Called when the connection has ended.
    fn gone(&mut self) {}

    /// Returns the time of the next action that the peer takes without a packet from the client.
    fn next(&self) -> Instant {
        Instant::MAX
    }

    /// Called at the time that `next` returned.
    fn due(&mut self, now: Instant) -> Reply {
        let _ = now;
        Reply::new()
    }
}

/// A connection of the client.
struct Call {
    conn: Conn,
    is_open: bool,
    may_connect: bool,
    deeds: VecDeque<(Instant, Deed)>,
    has_ended: bool,
}

/// The network.
pub struct World<P> {
    pub now: Instant,
    pub peer: P,
    /// The times of all attempts to connect.
    pub connects: Vec<Instant>,
    /// The largest number of bytes that arrive at once.
    pub chunk: usize,
    /// Whether the network takes no bytes from the client.
    is_blocked: bool,
    call: Option<Call>,
    has_news: bool,
    /// The time at which the loop stops.
    until: Instant,
}

impl<P: Peer> World<P> {
    pub fn new(peer: P) -> Self {
        Self {
            now: Instant::ZERO,
            peer,
            connects: Vec::new(),
            chunk: usize::MAX,
            is_blocked: false,
            call: None,
            has_news: false,
            until: Instant::ZERO,
        }
    }

    /// Sets whether the network takes no bytes from the client.
    pub fn block(&mut self, is_blocked: bool) {
        (self.is_blocked, self.has_news) = (is_blocked, true);
    }

    /// Sends the client's output to the peer, unless the network is blocked.
    fn send<A>(&mut self, conn: Conn, base: &mut EventBase<'_, A>) {
        let (first, second) = base.output(conn);
        let bytes = [first, second].concat();
        if self.is_blocked || bytes.is_empty() {
            return;
        }
        base.sent(conn, bytes.len());
        if self.call.as_ref().is_some_and(|call| call.is_open && !call.has_ended) {
            let deeds = self.peer.heard(self.now, &bytes);
            self.plan(deeds);
        }
    }

    /// Runs the loop for a number of seconds.
    pub fn run_for<A>(&mut self, base: &mut EventBase<'_, A>, app: &mut A, seconds: u64) {
        self.until = self.now.after(Duration::from_secs(seconds));
        base.begin(Run::DEFAULT);
        while let Poll::Ready(Ok(None)) = base.turn(app, self) {}
        self.now = self.until;
    }

    /// Makes the peer act now.
    pub fn act(&mut self, deed: Deed) {
        self.plan(vec![(Duration::ZERO, deed)]);
    }

    fn plan(&mut self, deeds: Reply) {
        let Some(call) = &mut self.call else { return };
        for (after, deed) in deeds {
            let last = call.deeds.back().map_or(Instant::ZERO, |(at, _)| *at);
            call.deeds.push_back((self.now.after(after).max(last), deed));
            self.has_news = true;
        }
    }

    fn is_with(&self, conn: Conn) -> bool {
        self.call.as_ref().is_some_and(|call| call.conn == conn)
    }

    fn hang_up(&mut self) {
        if self.call.take().is_some_and(|call| call.is_open) {
            self.peer.gone();
        }
    }
}

impl<A, P: Peer> Backend<A> for World<P> {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, A>) -> Result<(), Infallible> {
        match action {
            Action::Connect(conn) => {
                assert!(self.call.is_none(), "the client has one connection at a time");
                self.connects.push(self.now);
                let nowhere = base.peer_of(conn).unwrap().port() == 0;
                let may_connect = !nowhere && self.peer.called(self.now);
                let deeds = VecDeque::new();
                let call = Call { conn, is_open: false, may_connect, deeds, has_ended: false };
                self.call = Some(call);
                self.has_news = true;
            }
            Action::Receive(_) => self.has_news = true,
            Action::Send(conn) => self.send(conn, base),
            Action::End(conn) => {
                base.delivered(conn);
                self.act(Deed::End);
            }
            Action::Close(conn) | Action::Reset(conn) if self.is_with(conn) => self.hang_up(),
            _ => {}
        }
        Ok(())
    }

    fn deadline(&mut self, _: &mut EventBase<'_, A>) -> Instant {
        if self.has_news {
            return Instant::ZERO;
        }
        let deeds = self.call.iter().filter(|call| call.is_open);
        let next = deeds.filter_map(|call| call.deeds.front()).map(|(at, _)| *at).min();
        // If the time of an action has passed, but its data was not delivered, the data waits for room in the
        // ring, not for a time.
        let next = next.filter(|at| *at > self.now).unwrap_or(Instant::MAX);
        next.min(self.peer.next())
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<'_, A>) -> Poll<Result<(), Infallible>> {
        if until > self.until {
            return Poll::Pending;
        }
        self.now = self.now.max(until);
        Poll::Ready(Ok(()))
    }

    fn feed(&mut self, base: &mut EventBase<'_, A>) {
        self.has_news = false;
        if self.peer.next() <= self.now {
            let deeds = self.peer.due(self.now);
            self.plan(deeds);
        }
        if let Some(conn) = self.call.as_ref().map(|call| call.conn) {
            self.send(conn, base);
        }
        let Some(call) = &mut self.call else { return };
        if !call.is_open {
            if call.may_connect {
                call.is_open = true;
                base.connected(call.conn);
                self.has_news = true;
            } else {
                base.failed(call.conn, ConnError::Refused);
                self.hang_up();
            }
            return;
        }
        let Some((_, deed)) = call.deeds.front_mut().filter(|(at, _)| *at <= self.now) else {
            return;
        };
        match deed {
            Deed::Send(bytes) => {
                let Some((first, second)) = base.input(call.conn) else { return };
                let most = bytes.len().min(self.chunk);
                let places = first.iter_mut().chain(second).take(most);
                let fed = places.zip(&*bytes).map(|(place, byte)| *place = *byte).count();
                bytes.drain(..fed);
                if bytes.is_empty() {
                    call.deeds.pop_front();
                }
                if fed > 0 {
                    base.received(call.conn, fed);
                    self.has_news = true;
                }
            }
            Deed::End => {
                call.deeds.pop_front();
                call.has_ended = true;
                base.finished(call.conn);
                self.has_news = true;
            }
            Deed::Reset => {
                base.failed(call.conn, ConnError::Reset);
                self.has_news = true;
                self.hang_up();
            }
        }
    }
}
