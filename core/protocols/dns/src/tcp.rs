//! Fetches answers over TCP that were truncated over UDP. It is called through a pointer that
//! [`Resolver::set_tcp_pool`](crate::Resolver::set_tcp_pool) sets.

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{Conn, ConnEnd, ConnMut, Cx, Instant, Protocol};

use crate::error::LookupError;
use crate::questions::{State, TCP_WAIT};
use crate::resolver::{HasResolver, NOWHERE, ResolverMut, Table};
use crate::udp::MAX_QUESTION;

/// The size of the length field before a message, in bytes.
const LENGTH: usize = 2;

/// A connection to a server, for one answer.
struct Fetch;

impl<A: HasResolver> Protocol<A> for Fetch {
    const STALL: Option<Duration> = Some(Duration::from_secs(TCP_WAIT as u64));

    fn opened(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let mut buffer = [0; LENGTH + MAX_QUESTION];
        let resolver = app.resolver();
        let place = resolver.fetched_by(conn.id());
        let [high, low, rest @ ..] = &mut buffer;
        let length = resolver.table.write(place, rest).map_or(0, |question| question.len());
        [*high, *low] = (length as u16).to_be_bytes();
        let question = buffer.get(..length.saturating_add(LENGTH)).unwrap_or_default();
        if length == 0 || conn.write(question).is_err() {
            conn.abort();
        }
    }

    fn readable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let Some(head) = conn.contiguous(LENGTH) else { return };
        let whole = head.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let whole = whole.saturating_add(LENGTH);
        let (now, server, id) = (conn.cx().now(), conn.peer(), conn.id());
        if whole > conn.ring_sizes().0 {
            let mut resolver = app.resolver();
            let place = resolver.fetched_by(id);
            resolver.table.fail(place, LookupError::TooLong, now);
            return conn.abort();
        }
        let Some(message) = conn.contiguous(whole) else { return };
        if let (Some(server), Some(message)) = (server, message.get(LENGTH..)) {
            app.resolver().table.answered(server, message, State::Fetching, now);
        }
        conn.abort();
    }

    fn ended(app: &mut A, conn: &mut ConnMut<'_, '_, A>, _: ConnEnd) {
        let mut resolver = app.resolver();
        let place = resolver.fetched_by(conn.id());
        if let Some(tcp) = resolver.tcp {
            tcp.held = None;
        }
        // Without an answer, ask another server.
        resolver.table.ask_again(place, conn.cx().now());
        if let Some((place, server)) = resolver.table.next_to_fetch()
            && conn.connect(server).is_ok()
        {
            resolver.begin_fetching(conn.id(), place);
        }
        crate::udp::run(app, conn.cx());
    }
}

/// Aborts the connection if no look-up waits for its answer any more, or if the answer takes too long. If there is no
/// connection, connects for the next question whose answer was truncated.
pub(crate) fn run<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>) {
    let mut resolver = app.resolver();
    let Some(tcp) = resolver.tcp else { return };
    if let Some((conn, place)) = tcp.held {
        if place != NOWHERE && !resolver.table.is_fetching(place, cx.now()) {
            // It remains the resolver's only connection until it has ended.
            tcp.held = Some((conn, NOWHERE));
            if let Ok(mut conn) = cx.conn(conn) {
                conn.abort();
            }
        }
    } else if let Some((place, server)) = resolver.table.next_to_fetch() {
        match cx.connect::<Fetch>(server, tcp.pool) {
            Ok(conn) => resolver.begin_fetching(conn, place),
            Err(_) => resolver.table.fail(place, LookupError::NoSocket, cx.now()),
        }
    }
}

impl<A> ResolverMut<'_, A> {
    fn begin_fetching(&mut self, conn: Conn, place: u16) {
        if let Some(tcp) = self.tcp {
            tcp.held = Some((conn, place));
        }
        if let Some(question) = self.table.get(place) {
            question.state = State::Fetching;
        }
    }

    /// Returns the index of the question for which a connection was made, or [`NOWHERE`] if nobody waits for
    /// its answer.
    fn fetched_by(&self, conn: Conn) -> u16 {
        let held = self.tcp.as_ref().and_then(|tcp| tcp.held);
        held.filter(|(held, _)| *held == conn).map_or(NOWHERE, |(_, place)| place)
    }
}

impl Table<'_> {
    /// Returns the index of the next question whose answer was truncated, and the server to ask.
    fn next_to_fetch(&self) -> Option<(u16, SocketAddr)> {
        let mut questions = (0..NOWHERE).zip(self.questions.iter());
        let (place, question) = questions.find(|(_, question)| question.state == State::Queued)?;
        let server = *self.client.servers.get(usize::from(question.server))?;
        Some((place, server))
    }

    /// Returns whether the question still waits for its answer over TCP.
    fn is_fetching(&mut self, place: u16, now: Instant) -> bool {
        let is_due = self.is_due(place, now);
        self.get(place).is_some_and(|question| question.state == State::Fetching && !is_due)
    }
}
