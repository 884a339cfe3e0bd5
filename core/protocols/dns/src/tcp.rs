//! Answers over TCP: those that were cut off over UDP.

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{Conn, ConnEnd, ConnMut, Cx, PoolId, Protocol};

use crate::error::LookupError;
use crate::questions::{State, TCP_WAIT};
use crate::resolver::{Client, HasResolver, ResolverMut};
use crate::udp::{MAX_QUESTION, run};

/// The bytes in front of a message that say how long it is.
const LENGTH: usize = 2;

/// A connection to a server, for one answer.
struct Fetch;

impl<A: HasResolver> Protocol<A> for Fetch {
    const STALL: Option<Duration> = Some(TCP_WAIT);

    fn opened(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let mut buffer = [0; MAX_QUESTION];
        let resolver = app.resolver();
        let place = resolver.client.place_of(conn.id());
        let Some(question) = place.and_then(|place| resolver.write(place, &mut buffer)) else {
            return conn.abort();
        };
        let length = (question.len() as u16).to_be_bytes();
        if conn.room() < LENGTH.saturating_add(question.len())
            || conn.write(&length).and_then(|()| conn.write(question)).is_err()
        {
            conn.abort();
        }
    }

    fn readable(app: &mut A, conn: &mut ConnMut<'_, '_, A>) {
        let Some(head) = conn.contiguous(LENGTH) else { return };
        let Ok(head) = <[u8; LENGTH]>::try_from(&*head) else { return };
        let whole = LENGTH.saturating_add(u16::from_be_bytes(head).into());
        let (now, server) = (conn.cx().now(), conn.peer());
        if whole > conn.ring_sizes().0 {
            let mut resolver = app.resolver();
            if let Some(place) = resolver.client.place_of(conn.id()) {
                resolver.fail(place, LookupError::TooLong, now);
            }
            return conn.abort();
        }
        if conn.input_len() < whole {
            return;
        }
        let message = conn.contiguous(whole).and_then(|bytes| bytes.get(LENGTH..));
        if let Some((server, message)) = server.zip(message) {
            app.resolver().answered(server, message, State::Fetching, now);
        }
        conn.abort();
    }

    fn ended(app: &mut A, conn: &mut ConnMut<'_, '_, A>, _: ConnEnd) {
        let mut resolver = app.resolver();
        let Some(place) = resolver.client.place_of(conn.id()) else { return };
        resolver.client.tcp = None;
        // Without an answer, another server is asked.
        resolver.ask_next(place, conn.cx().now());
        if let Some((place, server, _)) = resolver.next_to_fetch()
            && conn.connect(server).is_ok()
        {
            resolver.begin_fetching(conn.id(), place);
        }
        run(app, conn.cx());
    }
}

/// Drops the connection if nobody waits for its answer any more, or it takes too long.
pub(crate) fn end_unwanted<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>) {
    let resolver = app.resolver();
    let Some((conn, place)) = resolver.client.tcp.filter(|(_, place)| *place != NO_PLACE) else {
        return;
    };
    if !resolver.is_in(place, State::Fetching) || resolver.is_due(place, cx.now()) {
        // It is ours until it has ended.
        resolver.client.tcp = Some((conn, NO_PLACE));
        if let Ok(mut conn) = cx.conn(conn) {
            conn.abort();
        }
    }
}

/// Connects for the next question whose answer was cut off.
pub(crate) fn begin_next<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>) {
    let mut resolver = app.resolver();
    if resolver.client.tcp.is_some() {
        return;
    }
    let Some((place, server, pool)) = resolver.next_to_fetch() else { return };
    match cx.connect::<Fetch>(server, pool) {
        Ok(conn) => resolver.begin_fetching(conn, place),
        Err(_) => resolver.fail(place, LookupError::NoSocket, cx.now()),
    }
}

/// The place of no question.
const NO_PLACE: usize = usize::MAX;

impl<A> ResolverMut<'_, A> {
    /// Returns the next question whose answer was cut off, and whom to ask it how.
    fn next_to_fetch(&self) -> Option<(usize, SocketAddr, PoolId)> {
        let place = (0..self.questions.len()).find(|place| self.is_in(*place, State::Queued))?;
        // The server whose answer was cut off has answered last.
        let server = *self.client.servers.get(usize::from(self.client.first))?;
        Some((place, server, self.client.tcp_pool?))
    }

    fn begin_fetching(&mut self, conn: Conn, place: usize) {
        self.client.tcp = Some((conn, place));
        self.set_state(place, State::Fetching);
    }
}

impl Client {
    /// Returns the place of the question that a connection is for.
    fn place_of(&self, conn: Conn) -> Option<usize> {
        self.tcp.filter(|(held, _)| *held == conn).map(|(_, place)| place)
    }
}
