//! All connections, and how each ends.
//!
//! ```text
//!   connect ─▶ connecting ─┐
//!   accept ────────────────┴─▶ open ─▶ closing ─▶ lingering ─▶ dropped
//!                               │    (the output   (the peer's end of
//!                               │     goes out)     stream is awaited)
//!                               └── failed, aborted ─────────▶ dropped
//! ```
//!
//! A connection has the same place here as its handle has in the base. The base has released the
//! connection of a lingering socket. The socket is kept because the system resets the connection
//! when it closes a socket with unread input, and the peer would lose what it has not read.

use std::io;
use std::net::SocketAddr;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use picoevent::{Conn, ConnError, EventBase, Instant, Tuning};

use super::expiry::{ExpiryQueue, Key};
use super::stream::{Part, Rest, Stream, Work, discard};
use super::token::Subject;
use super::{FIN_WAIT, LINGER, errno, reach, tuning};

/// The most sockets that linger at once. If there are more, the oldest is dropped.
const LINGERING: usize = 4096;

/// Bytes that are read and discarded at once.
const SCRAP: usize = 16 * 1024;

pub(super) struct Conns {
    streams: Vec<Option<Stream>>,
    /// The connections accepted in this turn. One that its callback closes at once is never
    /// registered, which saves one system call of two.
    new: Vec<Conn>,
    closing: ExpiryQueue<Conn>,
    lingering: ExpiryQueue<TcpStream>,
    /// Since the last [`take_room`](Self::take_room) a descriptor may have become available: one was
    /// closed, or a socket lingers that can be given up.
    room: bool,
    scrap: Box<[u8]>,
}

impl Conns {
    pub(super) fn new() -> Self {
        Self {
            streams: Vec::new(),
            new: Vec::new(),
            closing: ExpiryQueue::new(),
            lingering: ExpiryQueue::new(),
            room: false,
            scrap: vec![0; SCRAP].into(),
        }
    }

    /// Does work that needs a descriptor. While there is none, gives up the oldest lingering socket,
    /// which the application does not need any more, and tries the work again.
    ///
    /// # Errors
    /// The work's error. If that is a missing descriptor, no socket lingers any more.
    pub(super) fn with_room<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match work(self) {
                Err(error) if errno::is_exhaustion(&error) && self.lingering.pop().is_some() => {}
                done => return done,
            }
        }
    }

    /// Adds an accepted socket.
    pub(super) fn accepted(&mut self, conn: Conn, socket: TcpStream) {
        self.put(Stream::accepted(socket, conn));
        self.new.push(conn);
    }

    /// Registers the sockets that were accepted and are still open with the selector.
    pub(super) fn register_new<A>(&mut self, base: &mut EventBase<'_, A>, registry: &Registry) {
        while let Some(conn) = self.new.pop() {
            let Some(stream) = self.get(conn) else { continue };
            if let Err(error) = stream.register(registry) {
                self.fail(conn, &error, base);
            }
        }
    }

    /// Begins to open a connection.
    ///
    /// # Errors
    /// The system's error, when the connect fails at once.
    pub(super) fn connect(
        &mut self,
        conn: Conn,
        peer: SocketAddr,
        registry: &Registry,
    ) -> io::Result<()> {
        reach::check(peer)?;
        let socket = TcpStream::connect(peer).map_err(|error| reach::explain(error, peer))?;
        tuning::apply(&socket, Tuning::DEFAULT);
        let mut stream = Stream::connecting(socket, conn);
        stream.register(registry)?;
        self.put(stream);
        Ok(())
    }

    /// Changes the settings of a connection's socket.
    pub(super) fn tune(&mut self, conn: Conn, tuning: Tuning) {
        if let Some(stream) = self.get(conn) {
            tuning::apply(&stream.socket, tuning);
        }
    }

    /// Takes a report of the selector about the connection in a place.
    pub(super) fn note<A>(
        &mut self,
        place: usize,
        event: &Event,
        base: &mut EventBase<'_, A>,
        registry: &Registry,
    ) {
        if let Some(stream) = self.streams.get_mut(place).and_then(Option::as_mut) {
            let (conn, part) = (stream.conn, stream.note(event));
            self.work(conn, part, base, registry);
        }
    }

    /// Moves the bytes that can be moved, and ends the connection if it is done or has failed.
    pub(super) fn work<A>(
        &mut self,
        conn: Conn,
        part: Part,
        base: &mut EventBase<'_, A>,
        registry: &Registry,
    ) {
        let place = self.streams.get_mut(conn.index()).and_then(Option::as_mut);
        let Some(stream) = place.filter(|stream| stream.conn == conn) else { return };
        match stream.work(part, base, &mut self.scrap) {
            Ok(Work::Waits) => {}
            Ok(Work::Goes) => {
                // After a new registration the selector reports again what it has reported before.
                if let Err(error) = stream.register(registry) {
                    self.fail(conn, &error, base);
                }
            }
            Ok(Work::Done) => {
                base.released(conn);
                self.linger(conn, base.now(), registry);
            }
            Err(error) => self.fail(conn, &error, base),
        }
    }

    /// Sends the end of stream after the output.
    pub(super) fn finish<A>(
        &mut self,
        conn: Conn,
        base: &mut EventBase<'_, A>,
        registry: &Registry,
    ) {
        if let Some(stream) = self.get(conn) {
            stream.finish();
            self.work(conn, Part::Both, base, registry);
        }
    }

    /// Begins to close a connection, which may take [`LINGER`].
    pub(super) fn close<A>(
        &mut self,
        conn: Conn,
        base: &mut EventBase<'_, A>,
        registry: &Registry,
    ) {
        let key = self.closing.insert(conn, base.now().after(LINGER));
        match self.get(conn) {
            Some(stream) => {
                stream.closing = Some(key);
                self.work(conn, Part::Both, base, registry);
            }
            None => {
                self.closing.remove(key);
                base.released(conn);
            }
        }
    }

    /// Drops a connection. The peer sees a reset, unless its end of stream was read and no output
    /// waits in the socket.
    pub(super) fn abort(&mut self, conn: Conn) {
        if let Some(stream) = self.take(conn) {
            if !stream.is_complete() {
                stream.set_reset();
            }
            self.room = true;
        }
    }

    /// Takes a report of the selector about a lingering socket.
    pub(super) fn note_lingering(&mut self, place: usize, event: &Event, registry: &Registry) {
        let Some((key, socket)) = self.lingering.at(place) else { return };
        // After an error the peer is gone, so there is nothing to wait for.
        let stays = !event.is_error()
            && match discard(socket, &mut self.scrap) {
                Ok(Rest::Nothing) => true,
                Ok(Rest::More) => {
                    registry.reregister(socket, token_of(key), Interest::READABLE).is_ok()
                }
                Ok(Rest::End) | Err(_) => false,
            };
        if !stays {
            self.lingering.remove(key);
            self.room = true;
        }
    }

    /// Ends the closing connections and drops the lingering sockets whose deadline has passed.
    pub(super) fn expire<A>(&mut self, base: &mut EventBase<'_, A>) {
        let now = base.now();
        while let Some(conn) = self.closing.pop_due(now) {
            if let Some(stream) = self.take(conn) {
                stream.set_reset();
                self.room = true;
            }
            base.failed(conn, ConnError::TimedOut);
        }
        while self.lingering.pop_due(now).is_some() {
            self.room = true;
        }
    }

    /// Returns the next deadline of a closing connection or a lingering socket.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.closing.deadline().into_iter().chain(self.lingering.deadline()).min()
    }

    /// Returns whether a descriptor may have become available since the last call.
    pub(super) fn take_room(&mut self) -> bool {
        core::mem::take(&mut self.room)
    }

    /// Lets the socket of a connection that is done wait for its peer's end of stream.
    fn linger(&mut self, conn: Conn, now: Instant, registry: &Registry) {
        let Some(stream) = self.take(conn) else { return };
        if self.lingering.len() >= LINGERING {
            self.lingering.pop();
        }
        let token = token_of(self.lingering.next_key());
        if let Some(socket) = stream.into_lingering(token, registry) {
            self.lingering.insert(socket, now.after(FIN_WAIT));
        }
        self.room = true;
    }

    fn fail<A>(&mut self, conn: Conn, error: &io::Error, base: &mut EventBase<'_, A>) {
        self.room |= self.take(conn).is_some();
        base.failed(conn, errno::conn(error));
    }

    fn put(&mut self, stream: Stream) {
        let place = stream.conn.index();
        if place >= self.streams.len() {
            self.streams.resize_with(place + 1, || None);
        }
        debug_assert!(self.streams[place].is_none(), "a slot of the base has one socket");
        self.streams[place] = Some(stream);
    }

    fn get(&mut self, conn: Conn) -> Option<&mut Stream> {
        self.streams.get_mut(conn.index())?.as_mut().filter(|stream| stream.conn == conn)
    }

    /// Removes the connection.
    fn take(&mut self, conn: Conn) -> Option<Stream> {
        self.get(conn)?;
        let stream = self.streams.get_mut(conn.index())?.take()?;
        if let Some(key) = stream.closing {
            self.closing.remove(key);
        }
        Some(stream)
    }
}

fn token_of(key: Key) -> Token {
    Subject::Lingering(key.place()).into()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use mio::Poll;
    use picoevent::{Action, Storage};
    use rustix::net::sockopt::{socket_keepalive, tcp_keepidle, tcp_nodelay};

    use super::*;

    #[test]
    fn a_socket_lingers_from_when_its_output_is_gone() {
        let poll = Poll::new().unwrap();
        let mut storage = Storage::<(), 1, 1>::new();
        let mut base = EventBase::new(&mut storage);
        let listener = base.listen(([127, 0, 0, 1], 0).into(), |_, _, _| {}).unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let (socket, peer) = server.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        let conn = base.accepted(listener, peer).unwrap();
        let mut conns = Conns::new();
        conns.accepted(conn, TcpStream::from_std(socket));
        // The loop has slept for a long time, and the output leaves now.
        let now = Instant::ZERO.after(Duration::from_secs(60));
        base.advance(now);
        base.conn(conn).unwrap().close();
        while base.next_action().is_some() {}
        conns.close(conn, &mut base, poll.registry());
        assert_eq!(conns.deadline(), Some(now.after(FIN_WAIT)));
        conns.expire(&mut base);
        assert_eq!(conns.lingering.len(), 1);
    }

    #[test]
    fn an_outgoing_socket_has_the_settings_of_its_connection() {
        let poll = Poll::new().unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut storage = Storage::<(), 1, 1>::new();
        let mut base = EventBase::new(&mut storage);
        let conn = base.connect(server.local_addr().unwrap()).unwrap();
        let mut conns = Conns::new();
        let settings = |conns: &mut Conns| {
            let socket = &conns.get(conn).unwrap().socket;
            let keep_alive = socket_keepalive(socket).unwrap();
            let silence = keep_alive.then(|| tcp_keepidle(socket).unwrap());
            (tcp_nodelay(socket).unwrap(), silence)
        };
        conns.connect(conn, server.local_addr().unwrap(), poll.registry()).unwrap();
        assert_eq!(settings(&mut conns), (true, Some(picoevent::KEEP_ALIVE)));
        let minute = Duration::from_secs(60);
        base.conn(conn).unwrap().set_nagle(true).set_keep_alive(Some(minute));
        while let Some(action) = base.next_action() {
            if let Action::Tune(conn, tuning) = action {
                conns.tune(conn, tuning);
            }
        }
        assert_eq!(settings(&mut conns), (false, Some(minute)));
        base.conn(conn).unwrap().set_keep_alive(None);
        while let Some(action) = base.next_action() {
            if let Action::Tune(conn, tuning) = action {
                conns.tune(conn, tuning);
            }
        }
        assert_eq!(settings(&mut conns), (false, None));
    }
}
