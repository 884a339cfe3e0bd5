//! If an answer over UDP was truncated, requests the whole answer over TCP. This code is called through a pointer that
//! [`Resolver::set_tcp_pool`](crate::Resolver::set_tcp_pool) sets.

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{Conn, ConnEnd, ConnMut, Cx, Instant, Protocol};

use crate::error::LookupError;
use crate::questions::{State, TCP_WAIT};
use crate::resolver::{HasResolver, NO_QUESTION, ResolverMut, Table};
use crate::udp::MAX_QUERY;

/// The size of the length field before a message, in bytes.
const LENGTH_FIELD: usize = 2;

/// A connection to a server, for one answer.
struct Fetch;

impl<A: HasResolver> Protocol<A> for Fetch {
    const STALL: Option<Duration> = Some(Duration::from_secs(TCP_WAIT as u64));

    fn opened(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let mut buffer = [0; LENGTH_FIELD + MAX_QUERY];
        let resolver = app.resolver();
        let index = resolver.question_of(conn.id());
        let [high, low, rest @ ..] = &mut buffer;
        let length = resolver.table.write(index, rest).map_or(0, |query| query.len());
        [*high, *low] = (length as u16).to_be_bytes();
        let query = buffer.get(..length.saturating_add(LENGTH_FIELD)).unwrap_or_default();
        if length == 0 || conn.write(query).is_err() {
            conn.abort();
        }
    }

    fn readable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let Some(head) = conn.contiguous(LENGTH_FIELD) else { return };
        let total = head.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let total = total.saturating_add(LENGTH_FIELD);
        let (now, server, id) = (conn.cx().now(), conn.peer_addr(), conn.id());
        if total > conn.ring_sizes().0 {
            let mut resolver = app.resolver();
            let index = resolver.question_of(id);
            resolver.table.fail(index, LookupError::TooLong, now);
            return conn.abort();
        }
        let Some(message) = conn.contiguous(total) else { return };
        if let (Some(server), Some(message)) = (server, message.get(LENGTH_FIELD..)) {
            app.resolver().table.handle_message(server, message, State::Fetching, now);
        }
        conn.abort();
    }

    fn ended(app: &mut A, conn: &mut ConnMut<'_, '_, A>, _: ConnEnd) {
        let mut resolver = app.resolver();
        let index = resolver.question_of(conn.id());
        if let Some(tcp) = resolver.tcp {
            tcp.active = None;
        }
        // If there was no answer, query another server.
        resolver.table.retry_now(index, conn.cx().now());
        if let Some((index, server)) = resolver.table.next_queued()
            && conn.connect(server).is_ok()
        {
            resolver.begin_fetching(conn.id(), index, conn.cx().now());
        }
        crate::udp::run(app, conn.cx());
    }
}

/// Aborts the connection if no look-up waits for its answer any more, or if the answer takes too long. If there is no
/// connection, takes the next question whose answer was truncated, and connects to the server that sent this answer.
pub(crate) fn run<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>) {
    let mut resolver = app.resolver();
    let Some(tcp) = resolver.tcp else { return };
    if let Some((conn, index)) = tcp.active {
        if index != NO_QUESTION && !resolver.table.is_fetching(index, cx.now()) {
            // The aborted connection stays in `active` until its `ended` callback. Until then, the resolver makes no
            // other connection.
            tcp.active = Some((conn, NO_QUESTION));
            if let Ok(mut conn) = cx.conn(conn) {
                conn.abort();
            }
        }
    } else if let Some((index, server)) = resolver.table.next_queued() {
        match cx.connect::<Fetch>(server, tcp.pool) {
            Ok(conn) => resolver.begin_fetching(conn, index, cx.now()),
            Err(_) => resolver.table.fail(index, LookupError::NoSocket, cx.now()),
        }
    }
}

impl<A> ResolverMut<'_, A> {
    fn begin_fetching(&mut self, conn: Conn, index: u16, now: Instant) {
        if let Some(tcp) = self.tcp {
            tcp.active = Some((conn, index));
        }
        self.table.begin_fetching(index, now);
    }

    /// Returns the index of the question for which a connection was made, or [`NO_QUESTION`] if no question waits for
    /// the answer over this connection.
    fn question_of(&self, conn: Conn) -> u16 {
        let active = self.tcp.as_ref().and_then(|tcp| tcp.active);
        active.filter(|(active, _)| *active == conn).map_or(NO_QUESTION, |(_, index)| index)
    }
}

impl Table<'_> {
    /// Returns the index of the next question whose answer was truncated, and the server to query.
    fn next_queued(&self) -> Option<(u16, SocketAddr)> {
        let mut questions = (0..NO_QUESTION).zip(self.questions.iter());
        let (index, question) = questions.find(|(_, question)| question.state == State::Queued)?;
        let server = *self.client.servers.get(usize::from(question.server))?;
        Some((index, server))
    }

    /// Returns whether the question still waits for its answer over TCP.
    fn is_fetching(&mut self, index: u16, now: Instant) -> bool {
        let is_due = self.is_due(index, now);
        self.get(index).is_some_and(|question| question.state == State::Fetching && !is_due)
    }
}
