//! The sockets of all connections.
//!
//! The index of a connection in this table is the index of the connection's handle. The base decides how a connection
//! ends. So a connection keeps its socket as long as the connection has a slot in the base.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::Registry;
use mio::event::Event;
use mio::net::TcpStream;
use picoevent::{Conn, ConnError, Direction, EventBase, Failure, Instant, Tuning};

use super::stream::{Part, Stream};
use super::{errno, reach, tuning};

pub(super) struct Conns {
    streams: Vec<Option<Stream>>,
    /// Connections whose sockets must be registered with the selector, or registered for more directions. The sockets
    /// are registered just before the loop waits. At this time, many short connections have sent all their output, so
    /// their sockets need no registration for output.
    to_watch: Vec<Conn>,
    /// The indexes of connections whose sockets have no room for all output. Connections that have ended since may be
    /// among them.
    full: BTreeSet<usize>,
    /// The time at which one of these connections must be tried for the first time, or an earlier time.
    try_at: Instant,
    /// Whether a descriptor was closed since the last [`take_room`](Self::take_room).
    room: bool,
}

impl Conns {
    pub(super) const fn new() -> Self {
        Self {
            streams: Vec::new(),
            to_watch: Vec::new(),
            full: BTreeSet::new(),
            try_at: Instant::MAX,
            room: false,
        }
    }

    /// Calls `work`, which needs a descriptor. If no descriptor is free, closes the socket of a lingering connection,
    /// and calls `work` again. The application no longer needs a connection that lingers.
    ///
    /// # Errors
    /// The error of `work`. If the error is a lack of descriptors, no connection lingers any more.
    pub(super) fn with_room<A, T>(
        &mut self,
        base: &mut EventBase<'_, A>,
        mut work: impl FnMut(&mut Self) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match work(self) {
                Err(error) if errno::is_exhaustion(&error) => match base.end_lingering() {
                    Some(conn) => self.close(conn),
                    None => return Err(error),
                },
                done => return done,
            }
        }
    }

    /// Adds an accepted socket.
    pub(super) fn accepted(&mut self, conn: Conn, socket: TcpStream) {
        self.put(Stream::accepted(socket, conn));
        self.to_watch.push(conn);
    }

    /// Registers the sockets of `to_watch` with the selector.
    pub(super) fn watch<A>(&mut self, base: &mut EventBase<'_, A>, registry: &Registry) {
        while let Some(conn) = self.to_watch.pop() {
            let Some(stream) = self.get(conn) else { continue };
            if let Err(error) = stream.watch(registry) {
                self.fail(conn, errno::conn(&error), base);
            }
        }
    }

    /// Begins to open a connection.
    ///
    /// # Errors
    /// The system's error, if the connect fails at once.
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
        stream.watch(registry)?;
        self.put(stream);
        Ok(())
    }

    /// Changes the settings of a connection's socket.
    pub(super) fn tune(&mut self, conn: Conn, tuning: Tuning) {
        if let Some(stream) = self.get(conn) {
            tuning::apply(&stream.socket, tuning);
        }
    }

    /// Handles an event of the selector for the connection with this index.
    pub(super) fn handle_event<A>(
        &mut self,
        index: usize,
        event: &Event,
        base: &mut EventBase<'_, A>,
    ) {
        if let Some(stream) = self.streams.get_mut(index).and_then(Option::as_mut) {
            let (conn, part) = (stream.conn, stream.handle_event(event));
            self.work(conn, part, base);
        }
    }

    /// Moves bytes between the socket and the rings of a connection, as many as possible without waiting.
    pub(super) fn work<A>(&mut self, conn: Conn, part: Part, base: &mut EventBase<'_, A>) {
        let Some(stream) = self.get(conn) else { return };
        if let Err(failure) = stream.work(part, base) {
            return self.fail(conn, failure, base);
        }
        let (needs_watch, is_full, first_try) =
            (stream.needs_watch(), stream.is_full(), stream.first_try());
        if is_full {
            self.full.insert(conn.index());
            if write_timeout(conn, base).is_some() {
                self.try_at = self.try_at.min(first_try);
            }
        }
        if needs_watch {
            self.to_watch.push(conn);
        }
    }

    /// Tries to send output of connections with a write timeout although the selector has not reported room: once soon
    /// after the last progress, and again before the timeout passes. The selector reports room only when a large part
    /// of the system's buffer is free, so the peer may have received bytes without a report. Progress restarts the
    /// timeout.
    ///
    /// The first try uses room that the system has added to its buffer. Without this try, that room would look like
    /// progress when the timeout passes.
    pub(super) fn try_full<A>(&mut self, base: &mut EventBase<'_, A>) {
        if self.full.is_empty() {
            return;
        }
        let now = base.now();
        if now < self.try_at && base.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        let (mut due, mut try_at) = (Vec::new(), Instant::MAX);
        self.full.retain(|index| {
            let stream = self.streams[*index].as_mut().filter(|stream| stream.is_full());
            let Some(stream) = stream else { return false };
            let Some(timeout) = write_timeout(stream.conn, base) else { return true };
            if now >= stream.sent_at.after(timeout) || now >= stream.first_try() {
                (stream.writable, stream.tried) = (true, true);
                due.push(stream.conn);
            }
            try_at = try_at.min(stream.first_try());
            true
        });
        self.try_at = try_at;
        for conn in due {
            self.work(conn, Part::Output, base);
        }
    }

    /// Returns the time of the next [`try_full`](Self::try_full); [`Instant::MAX`] if there is none.
    pub(super) const fn deadline(&self) -> Instant {
        self.try_at
    }

    /// Sends the end of stream.
    pub(super) fn end<A>(&mut self, conn: Conn, base: &mut EventBase<'_, A>) {
        match self.get(conn).map(|stream| stream.end()) {
            Some(Ok(())) => base.delivered(conn),
            Some(Err(error)) => {
                self.fail(conn, errno::conn(&error).found(Direction::Write), base);
            }
            None => {}
        }
    }

    /// Closes a socket. The system still delivers the output that was written to the socket.
    pub(super) fn close(&mut self, conn: Conn) {
        self.room |= self.take(conn).is_some();
    }

    /// Closes the sockets of all lingering connections. First discards the input that has arrived: if a socket is
    /// closed with unread input, the system resets the connection, and discards output that it has taken.
    /// [`EventBase::end_lingering`] is not used, because it searches all connections for each one that it ends.
    pub(super) fn close_lingering<A>(&mut self, base: &mut EventBase<'_, A>) {
        for stream in &mut self.streams {
            if let Some(mut closed) = stream.take_if(|stream| base.is_lingering(stream.conn)) {
                closed.discard_input();
                // For a closed connection, this frees the slot and reports no failure.
                base.failed(closed.conn, ConnError::Reset);
            }
        }
    }

    /// Closes a socket so that the peer gets a reset.
    pub(super) fn reset(&mut self, conn: Conn) {
        if let Some(stream) = self.take(conn) {
            stream.set_reset();
            self.room = true;
        }
    }

    /// Returns whether a descriptor was closed since the last call.
    pub(super) fn take_room(&mut self) -> bool {
        core::mem::take(&mut self.room)
    }

    fn fail<A>(&mut self, conn: Conn, failure: impl Into<Failure>, base: &mut EventBase<'_, A>) {
        self.close(conn);
        base.failed(conn, failure);
    }

    /// Adds a socket. If the table still has the socket of an earlier connection with the same index, the earlier
    /// connection has ended, and its socket is closed.
    fn put(&mut self, stream: Stream) {
        let index = stream.conn.index();
        if index >= self.streams.len() {
            self.streams.resize_with(index + 1, || None);
        }
        self.room |= self.streams[index].replace(stream).is_some();
    }

    fn get(&mut self, conn: Conn) -> Option<&mut Stream> {
        self.streams.get_mut(conn.index())?.as_mut().filter(|stream| stream.conn == conn)
    }

    /// Removes the socket of a connection from the table and returns it.
    fn take(&mut self, conn: Conn) -> Option<Stream> {
        self.streams.get_mut(conn.index())?.take_if(|stream| stream.conn == conn)
    }
}

fn write_timeout<A>(conn: Conn, base: &mut EventBase<'_, A>) -> Option<Duration> {
    let (_, timeout) = base.conn(conn).ok()?.timeouts();
    timeout
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use mio::Poll;
    use picoevent::{Pool, Settings, Storage};
    use rustix::net::sockopt::{socket_keepalive, tcp_keepidle, tcp_nodelay};

    use super::*;

    #[test]
    fn an_outgoing_socket_has_the_settings_of_its_connection() {
        let poll = Poll::new().unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let mut storage = Storage::<(), 0, 1, 1024>::new();
        let mut base = EventBase::new(&mut storage);
        let pool = base.add_pool(Pool::new(1)).unwrap();
        const PLAIN: &Settings = &Settings::new();
        let conn = base.connect_with(address, pool, PLAIN, |_, _, _| {}).unwrap();
        let mut conns = Conns::new();
        conns.connect(conn, address, poll.registry()).unwrap();
        let settings = |conns: &mut Conns| {
            let socket = &conns.get(conn).unwrap().socket;
            let keep_alive = socket_keepalive(socket).unwrap();
            let silence = keep_alive.then(|| tcp_keepidle(socket).unwrap());
            (tcp_nodelay(socket).unwrap(), silence)
        };
        assert_eq!(settings(&mut conns), (true, Some(picoevent::KEEP_ALIVE)));
        let minute = Duration::from_secs(60);
        let tuning = base.conn(conn).unwrap().set_nagle(true).set_keep_alive(Some(minute)).tuning();
        conns.tune(conn, tuning);
        assert_eq!(settings(&mut conns), (false, Some(minute)));
        let tuning = base.conn(conn).unwrap().set_keep_alive(None).tuning();
        conns.tune(conn, tuning);
        assert_eq!(settings(&mut conns), (false, None));
    }
}
