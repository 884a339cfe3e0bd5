//! A base whose outgoing connections reach its own listeners, for scenarios about connections.
//!
//! The back end is a network in memory. Bytes that one connection sends are received by its peer at once, if the peer
//! has room. Time jumps to each deadline. Pairs and connections above filters can be used with this back end, too.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::Poll;

use picoevent::{
    Action, Backend, Conn, ConnEnd, ConnError, ConnEvent, ConnMut, Direction, End, EventBase,
    Filter, Instant, ListenError, Listener, ListenerMut, Pool, PoolId, Protocol, Run, Settings,
    Storage,
};

/// The size of each ring in bytes.
pub const RING: usize = 100;

pub static SETTINGS: Settings = Settings::new();

pub type Base<'s> = EventBase<'s, App>;
type React = fn(&mut App, &mut ConnMut<App>, ConnEvent);

/// An application that records the events of its connections, with the time in milliseconds.
#[derive(Default)]
pub struct App {
    pub calls: Vec<(Conn, ConnEvent, u64)>,
    /// For each event, the number of input and output bytes when the callback begins.
    pub levels: Vec<(Conn, ConnEvent, [usize; 2])>,
    pub received: HashMap<Conn, Vec<u8>>,
    /// The bytes that a connection still has to send when there is room.
    pub to_send: HashMap<Conn, Vec<u8>>,
    /// Connections that do not consume their input.
    pub unread: Vec<Conn>,
    pub accepted: Vec<(Listener, Conn)>,
    pub failed: Vec<(Listener, ListenError)>,
    pub react: Option<React>,
}

impl App {
    /// The callback of every connection. It consumes the input, and sends the bytes of `to_send`.
    pub fn record(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        let id = conn.id();
        self.calls.push((id, event, conn.cx().now().as_micros() / 1_000));
        self.levels.push((id, event, [conn.input_len(), conn.output_len()]));
        if let (ConnEvent::Opened, Some(listener)) = (event, conn.listener()) {
            self.accepted.push((listener, id));
        }
        if !self.unread.contains(&id) {
            let mut buffer = [0; 7];
            loop {
                match conn.read(&mut buffer) {
                    0 => break,
                    amount => {
                        self.received.entry(id).or_default().extend(&buffer[..amount]);
                    }
                }
            }
        }
        if let Some(bytes) = self.to_send.get_mut(&id) {
            bytes.drain(..conn.write_some(bytes));
        }
        if let Some(react) = self.react {
            react(self, conn, event);
        }
    }

    /// The callback of a listener that has failed.
    pub fn record_failure(&mut self, listener: &mut ListenerMut<Self>, error: ListenError) {
        self.failed.push((listener.id(), error));
    }

    /// Returns the events of a connection, without the times.
    pub fn events(&self, conn: Conn) -> Vec<ConnEvent> {
        self.calls.iter().filter(|call| call.0 == conn).map(|call| call.1).collect()
    }

    /// Returns the timeouts of a connection, with their times.
    pub fn timeouts(&self, conn: Conn) -> Vec<(Direction, u64)> {
        let of_conn = self.calls.iter().filter(|call| call.0 == conn);
        of_conn
            .filter_map(|call| match call.1 {
                ConnEvent::Timeout(direction) => Some((direction, call.2)),
                _ => None,
            })
            .collect()
    }

    pub fn received(&self, conn: Conn) -> &[u8] {
        self.received.get(&conn).map_or(&[], Vec::as_slice)
    }
}

/// The protocol of connections above filters. It calls [`App::record`].
pub struct Recorder;

impl Protocol<App> for Recorder {
    fn opened(app: &mut App, conn: &mut ConnMut<App>) {
        app.record(conn, ConnEvent::Opened);
    }

    fn readable(app: &mut App, conn: &mut ConnMut<App>) {
        app.record(conn, ConnEvent::Readable);
    }

    fn writable(app: &mut App, conn: &mut ConnMut<App>) {
        app.record(conn, ConnEvent::Writable);
    }

    fn eof(app: &mut App, conn: &mut ConnMut<App>) {
        app.record(conn, ConnEvent::Eof);
    }

    fn idle(app: &mut App, conn: &mut ConnMut<App>) {
        app.record(conn, ConnEvent::Timeout(Direction::Read));
    }

    fn stalled(app: &mut App, conn: &mut ConnMut<App>) {
        app.record(conn, ConnEvent::Timeout(Direction::Write));
    }

    fn ended(app: &mut App, conn: &mut ConnMut<App>, end: ConnEnd) {
        app.record(conn, ConnEvent::Ended(end));
    }
}

/// A filter that flips bits, and consumes at most five bytes at once.
pub struct Flip;

impl Flip {
    fn flip(from: &[u8], to: &mut [u8]) -> Result<(usize, usize), ConnError> {
        let amount = from.len().min(to.len()).min(5);
        to.iter_mut().zip(from).take(amount).for_each(|(to, from)| *to = !from);
        Ok((amount, amount))
    }
}

impl Filter<App> for Flip {
    fn input(
        _: &mut App,
        _: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError> {
        Self::flip(from, to)
    }

    fn output(
        _: &mut App,
        _: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError> {
        Self::flip(from, to)
    }
}

/// How two connections reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    Sockets,
    Pair,
    /// Each connection is above a filter, which is above a connection with a socket.
    Filters,
    /// Each connection is above a filter, which is above a connection of a pair.
    PairFilters,
}

/// A base, its network and its application.
pub struct Scene<'b, 's> {
    pub base: &'b mut Base<'s>,
    pub app: App,
    pub network: Network,
    /// The pool of connections with sockets, and the pool of connections in memory.
    pub pools: [PoolId; 2],
    ports: u16,
}

pub fn play(scenario: impl FnOnce(Scene<'_, '_>)) {
    let mut storage = Box::new(Storage::<App, 4, 24, { 24 * 2 * RING }, 4, 2>::new());
    let mut base = EventBase::new(&mut storage);
    let pools = [Pool::new(16), Pool::new(8).in_memory()];
    let pools = base.add_pools(pools.map(|pool| pool.rings(RING, RING))).unwrap();
    let (app, network) = (App::default(), Network::default());
    scenario(Scene { base: &mut base, app, network, pools, ports: 1_000 });
}

impl Scene<'_, '_> {
    /// Runs the loop until it ends. Returns `None` if the loop would wait forever.
    pub fn run(&mut self, run: Run) -> Option<End> {
        self.base.begin(run);
        for _ in 0..100_000 {
            match self.base.iterate(&mut self.app, &mut self.network) {
                Poll::Ready(Ok(None)) => {}
                Poll::Ready(Ok(end)) => return end,
                Poll::Pending => return None,
            }
        }
        panic!("the loop does not end");
    }

    /// Listens on the next port. Returns the listener and its address.
    pub fn listen(&mut self) -> (Listener, SocketAddr) {
        self.ports += 1;
        let address = ([127, 0, 0, 1], self.ports).into();
        let pool = self.pools[0];
        (self.base.listen_with(address, pool, &SETTINGS, App::record).unwrap(), address)
    }

    pub fn connect(&mut self, address: SocketAddr) -> Conn {
        self.base.connect_with(address, self.pools[0], &SETTINGS, App::record).unwrap()
    }

    /// Makes two connections that are each other's peers. With sockets, the first is the client and
    /// the second was accepted.
    pub fn ends(&mut self, ends: Ends) -> [Conn; 2] {
        let made = match ends {
            Ends::Sockets => {
                let (_, address) = self.listen();
                let one = self.connect(address);
                assert_eq!(self.run(Run::DEFAULT), None);
                [one, self.app.accepted.last().unwrap().1]
            }
            Ends::Pair => {
                let ends = [(self.pools[1], &SETTINGS, App::record as _); 2];
                self.base.pair_with(ends).unwrap()
            }
            Ends::Filters => self.ends(Ends::Sockets).map(|conn| self.filter(conn)),
            Ends::PairFilters => self.ends(Ends::Pair).map(|conn| self.filter(conn)),
        };
        self.run(Run::DEFAULT);
        assert!(made.iter().all(|end| self.app.events(*end) == [ConnEvent::Opened]));
        made
    }

    /// Lets a connection send bytes whenever it has room.
    pub fn send(&mut self, conn: Conn, bytes: &[u8]) {
        let begun = self.base.conn(conn).unwrap().write_some(bytes);
        self.app.to_send.insert(conn, bytes[begun..].to_vec());
    }

    /// Puts a filter above a connection. Returns the connection above the filter.
    pub fn filter(&mut self, below: Conn) -> Conn {
        let memory = self.pools[1];
        self.base.conn(below).unwrap().filter::<Flip, Recorder>(memory).unwrap()
    }
}

/// The back end.
#[derive(Default)]
pub struct Network {
    now: Instant,
    /// Listeners, and whether each is enabled.
    listeners: Vec<(Listener, SocketAddr, bool)>,
    /// Outgoing connections that no listener has accepted yet, and their addresses.
    connects: Vec<(Conn, SocketAddr)>,
    links: Vec<Link>,
    /// Whether actions were carried out or bytes have moved since the last call of `report`. If so, the next wait must
    /// not block.
    has_reports: bool,
    /// The error with which each listener fails; `None` if listening works.
    pub refuses_to_listen: Option<ListenError>,
}

/// Two connected sockets. An element of `ends` is `None` if its socket was closed or reset.
struct Link {
    ends: [Option<Conn>; 2],
    finished: [bool; 2],
    reset: bool,
}

impl Network {
    fn is_listened(&self, address: SocketAddr) -> bool {
        self.listeners.iter().any(|(_, of, _)| *of == address)
    }

    /// Returns the listener of an address, if it is enabled.
    fn enabled(&self, address: SocketAddr) -> Option<Listener> {
        let mut found = self.listeners.iter().filter(|(_, of, enabled)| *of == address && *enabled);
        found.next().map(|(listener, ..)| *listener)
    }

    /// Returns the link of a connection, and the connection's index in `ends`; `None` if it has no link.
    fn end(&mut self, conn: Conn) -> Option<(&mut Link, usize)> {
        self.links.iter_mut().find_map(|link| {
            let end = link.ends.iter().position(|end| *end == Some(conn))?;
            Some((link, end))
        })
    }
}

impl Backend<App> for Network {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, base: &mut Base<'_>) -> Result<(), Infallible> {
        self.has_reports = true;
        match action {
            Action::Listen(listener) => {
                if let Some(error) = self.refuses_to_listen {
                    base.listen_failed(listener, error);
                    return Ok(());
                }
                match self.listeners.iter_mut().find(|(of, ..)| *of == listener) {
                    Some((.., enabled)) => *enabled = true,
                    None => {
                        let address = base.address_of(listener).unwrap();
                        self.listeners.push((listener, address, true));
                    }
                }
            }
            Action::Ignore(listener) => {
                let of = self.listeners.iter_mut().filter(|(of, ..)| *of == listener);
                of.for_each(|(.., enabled)| *enabled = false);
            }
            Action::Unlisten(listener) => {
                self.listeners.retain(|(of, ..)| *of != listener);
                for (conn, address) in std::mem::take(&mut self.connects) {
                    match self.is_listened(address) {
                        true => self.connects.push((conn, address)),
                        false => base.failed(conn, ConnError::Reset),
                    }
                }
            }
            Action::Connect(conn) => match base.peer_of(conn) {
                Some(address) if self.is_listened(address) => self.connects.push((conn, address)),
                _ => base.failed(conn, ConnError::Refused),
            },
            Action::End(conn) => {
                let (link, end) = self.end(conn).unwrap();
                link.finished[end] = true;
                base.delivered(conn);
            }
            Action::Close(conn) | Action::Reset(conn) => {
                self.connects.retain(|(connecting, _)| *connecting != conn);
                if let Some((link, end)) = self.end(conn) {
                    link.ends[end] = None;
                    link.reset |= action == Action::Reset(conn);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn deadline(&mut self, base: &mut Base<'_>) -> Instant {
        let mut connects = self.connects.iter();
        let has_room =
            connects.any(|(_, address)| self.enabled(*address).is_some_and(|of| base.has_room(of)));
        if self.has_reports || has_room { Instant::ZERO } else { Instant::MAX }
    }

    fn wait(&mut self, until: Instant, _: &mut Base<'_>) -> Poll<Result<(), Infallible>> {
        if until == Instant::MAX {
            return Poll::Pending;
        }
        self.now = self.now.max(until);
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut Base<'_>) {
        self.has_reports = false;
        for (conn, address) in std::mem::take(&mut self.connects) {
            match self.enabled(address).filter(|listener| base.has_room(*listener)) {
                Some(listener) => {
                    let from = ([127, 0, 0, 1], 40_000).into();
                    let ends = [conn, base.accepted(listener, from).unwrap()].map(Some);
                    self.links.push(Link { ends, finished: [false; 2], reset: false });
                    base.connected(conn);
                }
                None => self.connects.push((conn, address)),
            }
        }
        for link in &mut self.links {
            self.has_reports |= link.move_bytes(base);
        }
        self.links.retain(|link| link.ends != [None; 2]);
    }
}

impl Link {
    /// Moves as many bytes as possible in both directions. Returns whether bytes have moved. If the link was reset,
    /// moves no bytes, and reports the reset to each connection that is left in `ends`.
    fn move_bytes(&mut self, base: &mut Base<'_>) -> bool {
        if self.reset {
            let left = std::mem::take(&mut self.ends);
            left.into_iter().flatten().for_each(|conn| base.failed(conn, ConnError::Reset));
            return false;
        }
        let [Some(one), Some(other)] = self.ends else { return false };
        let mut has_moved = false;
        for (from, to, end) in [(one, other, 0), (other, one, 1)] {
            while let output = base.output(from).0.to_vec()
                && !output.is_empty()
                && let Some((space, _)) = base.input(to)
                && !space.is_empty()
            {
                let amount = space.len().min(output.len());
                space[..amount].copy_from_slice(&output[..amount]);
                base.received(to, amount);
                base.sent(from, amount);
                has_moved = true;
            }
            if self.finished[end] && base.input(to).is_some() {
                base.peer_finished(to);
            }
        }
        has_moved
    }
}
