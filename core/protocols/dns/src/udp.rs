//! Sends queries over UDP, and ends look-ups.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use picoevent::{Conn, Cx, EventMut, Instant, SendError, UdpEvent, UdpMut, UdpSocket};

use crate::error::LookupError;
use crate::questions::{RANDOM_BYTES, State};
use crate::resolver::{Completion, HasResolver, Lookup, Table};
use crate::wire::MAX_NAME;

/// The maximum length of a query in bytes: header, name, type and class.
pub(crate) const MAX_QUERY: usize = 12 + MAX_NAME + 4;

/// The first dynamic port (RFC 6335).
const FIRST_PORT: u16 = 0xC000;

/// Called when the resolver's timer is due.
pub(crate) fn tick<A: HasResolver>(app: &mut A, event: &mut EventMut<'_, '_, A>) {
    run(app, event.cx());
}

/// Sends the queries that are due, lets questions fail after their last try, and ends look-ups that have their answer.
/// Each look-up is handled only once, so a callback that begins the next look-up cannot block the loop.
#[inline(never)]
pub(crate) fn run<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>) {
    let now = cx.now();
    for index in 0..app.resolver().table.questions.len() as u16 {
        if app.resolver().table.is_due(index, now) {
            send_query(app, cx, index);
        }
    }
    if let Some(tcp) = app.resolver().tcp {
        (tcp.run)(app, cx);
    }
    for index in 0..app.resolver().lookups.len() as u16 {
        end_lookup(app, cx, index);
    }
    arm(app, cx);
}

/// Ends a look-up if it has its answer.
fn end_lookup<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>, index: u16) {
    let now = cx.now();
    let mut resolver = app.resolver();
    let Some(slot) = resolver.lookups.get(usize::from(index)) else { return };
    if slot.is_free() || slot.wait.not_before > now {
        return;
    }
    resolver.table.refresh(&slot.wait);
    let is_connect = matches!(slot.completion, Completion::Connect(..));
    if resolver.table.next_time(&slot.wait, is_connect).is_some() {
        return;
    }
    if is_connect {
        let address = resolver.table.next_address(&slot.wait);
        if let Completion::Connect(conn, port) = resolver.free(index) {
            connect(cx, conn, port, address);
        }
    } else {
        let lookup = Lookup { index, serial: slot.wait.serial };
        let answer = resolver.table.addresses(&slot.wait);
        if let Completion::Call(callback) = resolver.free(index) {
            callback(app, cx, lookup, answer);
        }
    }
}

/// Connects an idle connection, or ends the connection if there is no address.
fn connect<A>(cx: &mut Cx<'_, A>, conn: Conn, port: u16, address: Result<IpAddr, LookupError>) {
    // The application may have ended the connection.
    let Ok(mut conn) = cx.conn(conn) else { return };
    let ip = match address {
        Ok(ip) => ip,
        Err(error) if conn.is_resting() => return conn.abort_with(error.into()),
        // The connection still sends its output, and an abort would discard this output. So the connection gets an
        // address to which no back end connects: after the output is sent, the connect fails and the connection ends.
        Err(_) => Ipv4Addr::UNSPECIFIED.into(),
    };
    // This call fails if the application has already connected the connection.
    let _ = conn.connect((ip, port).into());
}

/// Arms the timer for the next time at which a query must be sent or a look-up must end.
#[inline(never)]
pub(crate) fn arm<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>) {
    let now = cx.now();
    let resolver = app.resolver();
    let mut next = Instant::MAX;
    for slot in resolver.lookups.iter().filter(|slot| !slot.is_free()) {
        let is_connect = matches!(slot.completion, Completion::Connect(..));
        let time = resolver.table.next_time(&slot.wait, is_connect);
        next = next.min(time.unwrap_or(slot.wait.not_before));
    }
    if let Some(Ok(mut timer)) = resolver.table.client.timer.map(|timer| cx.event(timer)) {
        match next {
            Instant::MAX => timer.del(),
            // `add` never fails for a timer.
            next => drop(timer.add(Some(next.since(now)))),
        }
    }
}

/// Sends a query to the next server. After the last try, the question fails.
#[inline(never)]
fn send_query<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>, index: u16) {
    let now = cx.now();
    let mut random = [0; RANDOM_BYTES + 2];
    // The base has a seed, because a look-up does not begin without a seed.
    let _ = cx.random(&mut random);
    let [low, high, random @ ..] = &random;
    let port = u16::from_le_bytes([*low, *high]) | FIRST_PORT;
    let Some(server) = app.resolver().table.next_try(index, now, random) else { return };
    for _ in 0..2 {
        let mut table = app.resolver().table;
        let socket = match table.socket_in_use(index, server) {
            Some(socket) => socket,
            None => {
                let ip = match server {
                    SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
                    SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
                };
                let rings = table.client.rings;
                let bound = cx.bind((ip, port).into(), rings, received::<A>);
                let slot = table.socket(server);
                match (bound, *slot) {
                    (Ok(socket), _) => {
                        close(slot, cx);
                        *slot = Some(socket);
                        socket
                    }
                    (Err(_), Some(socket)) => socket,
                    (Err(_), None) => return table.fail(index, LookupError::NoSocket, now),
                }
            }
        };
        let mut buffer = [0; MAX_QUERY];
        let Some(query) = table.write(index, &mut buffer) else { return };
        let sent = cx.udp(socket).map(|mut udp| udp.send_to(query, server));
        if !matches!(sent, Ok(Err(SendError::Closed)) | Err(_)) {
            // If the query does not fit into the ring, the query is treated as lost: the next try sends the query
            // again.
            return;
        }
        // The socket could not be bound. Try another port.
        close(table.socket(server), cx);
    }
}

/// Closes a socket.
#[inline(never)]
fn close<A>(slot: &mut Option<UdpSocket>, cx: &mut Cx<'_, A>) {
    if let Some(Ok(mut udp)) = slot.take().map(|socket| cx.udp(socket)) {
        udp.close();
    }
}

/// Called when answers have arrived, or when the socket could not be bound.
fn received<A: HasResolver>(app: &mut A, udp: &mut UdpMut<'_, '_, A>, event: UdpEvent) {
    let now = udp.cx().now();
    while let Some(datagram) = udp.peek() {
        app.resolver().table.handle_message(datagram.from, datagram.data, State::Querying, now);
        udp.consume();
    }
    // Other errors, for example of a datagram that could not be sent, happen only after the socket was bound.
    if matches!(event, UdpEvent::Failed(_)) && udp.local_addr().is_none() {
        let mut table = app.resolver().table;
        let [_, v6] = table.client.sockets;
        table.rebind(v6 == Some(udp.id()), now);
    }
    run(app, udp.cx());
}

impl Table<'_> {
    /// Returns the entry in `sockets` for the address family of a server.
    const fn socket(&mut self, server: SocketAddr) -> &mut Option<UdpSocket> {
        let [v4, v6] = &mut self.client.sockets;
        if server.is_ipv6() { v6 } else { v4 }
    }

    /// Returns the socket for a server if the answer to an earlier query may still arrive. If not, returns `None`, and
    /// the caller binds a new socket to a random port if the storage has a free socket. So an attacker that has seen
    /// earlier queries does not know the port of the next query.
    fn socket_in_use(&mut self, index: u16, server: SocketAddr) -> Option<UdpSocket> {
        let is_waiting = self.is_waiting(index);
        self.socket(server).filter(|_| is_waiting)
    }
}
