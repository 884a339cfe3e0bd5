//! Questions over UDP, and what follows their answers.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use picoevent::{Conn, Cx, EventMut, Instant, SendError, UdpEvent, UdpMut, UdpSocket};

use crate::error::LookupError;
use crate::questions::State;
use crate::resolver::{Client, HasResolver, Lookup, ResolverMut, Then};
use crate::tcp;
use crate::wire::{MAX_NAME, Writer, flag};

/// The bytes of a question: a head, a name, a kind and a class.
pub(crate) const MAX_QUESTION: usize = 12 + MAX_NAME + 4;

/// The first of the ports that are not given to services (RFC 6335).
const FIRST_PORT: u16 = 0xC000;

/// The resolver's timer is due.
pub(crate) fn tick<A: HasResolver>(app: &mut A, event: &mut EventMut<'_, '_, A>) {
    run(app, event.cx());
}

/// Does what is due: asks, gives up, and ends look-ups whose answer is there. Each look-up once, so that a
/// callback which begins the next one does not hold the loop up.
pub(crate) fn run<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>) {
    let now = cx.now();
    tcp::end_unwanted(app, cx);
    for place in 0..app.resolver().questions.len() {
        if app.resolver().is_due(place, now) {
            ask(app, cx, place);
        }
    }
    tcp::begin_next(app, cx);
    for place in 0..app.resolver().lookups.len() {
        if let Some((serial, then, result)) = app.resolver().take_done(place, now) {
            let lookup = Lookup { place: place as u16, serial };
            match then {
                Then::Nothing => {}
                Then::Call(call) => call(app, cx, lookup, result),
                Then::Connect(conn, port) => {
                    let address = result.map(|addresses| addresses.first());
                    connect(cx, conn, port, address);
                }
            }
        }
    }
    arm(app, cx);
}

/// Connects a connection that rests, or ends it.
fn connect<A>(
    cx: &mut Cx<'_, A>,
    conn: Conn,
    port: u16,
    address: Result<Option<IpAddr>, LookupError>,
) {
    // The application may have ended it.
    let Ok(mut conn) = cx.conn(conn) else { return };
    match address {
        Ok(address) => {
            let ip = address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
            // What is under way, or open, was connected by the application meanwhile.
            let _ = conn.connect((ip, port).into());
        }
        Err(error) if conn.is_resting() => conn.abort_with(error.into()),
        // Its output is still being sent. It connects after that, in vain.
        Err(_) => {
            let _ = conn.connect((Ipv4Addr::UNSPECIFIED, port).into());
        }
    }
}

/// Sets the timer to what is due next.
pub(crate) fn arm<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>) {
    let now = cx.now();
    let resolver = app.resolver();
    let next = resolver.next_time(now);
    let timer = resolver.client.timer.map(|timer| cx.event(timer));
    if let Some(Ok(mut timer)) = timer {
        match next {
            Instant::MAX => timer.del(),
            // Adding fails for sources only.
            next => drop(timer.add(Some(next.since(now)))),
        }
    }
}

/// Asks the next server, or gives up.
fn ask<A: HasResolver>(app: &mut A, cx: &mut Cx<'_, A>, place: usize) {
    let now = cx.now();
    let mut resolver = app.resolver();
    resolver.set_state(place, State::Asking);
    let Some(server) = resolver.next_try(place, now) else { return };
    let mut random = [0; 36];
    // The base has a seed, or the look-up would not have begun.
    let _ = cx.random(&mut random);
    let [port, id, bits @ ..] = random.as_chunks().0 else { return };
    let number = |bytes: &[u8; 2]| u16::from_le_bytes(*bytes);
    resolver.disguise(place, number(id), bits.as_flattened());
    for _ in 0..2 {
        let Some(socket) = socket(app, cx, place, server, number(port)) else {
            return app.resolver().fail(place, LookupError::NoSocket, now);
        };
        let mut buffer = [0; MAX_QUESTION];
        let Some(question) = app.resolver().write(place, &mut buffer) else { return };
        let sent = cx.udp(socket).map(|mut udp| udp.send_to(question, server));
        if !matches!(sent, Ok(Err(SendError::Closed)) | Err(_)) {
            // What finds no room is asked again, as what is lost is.
            return;
        }
        // It could not be bound; another port may do.
        close(&mut app.resolver(), cx, server);
    }
}

/// Returns a socket to ask a server with. If no answer is waited for and there is another socket, a new one
/// is bound to a random port, so that who has seen earlier questions does not know it.
fn socket<A: HasResolver>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    place: usize,
    server: SocketAddr,
    random: u16,
) -> Option<UdpSocket> {
    let mut resolver = app.resolver();
    let held = resolver.client.socket(server).and_then(|held| *held);
    if held.is_some() && resolver.is_waiting(place) {
        return held;
    }
    let ip = match server {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let rings = resolver.client.rings;
    match cx.bind((ip, random | FIRST_PORT).into(), rings, heard::<A>) {
        Ok(socket) => {
            close(&mut resolver, cx, server);
            if let Some(held) = resolver.client.socket(server) {
                *held = Some(socket);
            }
            Some(socket)
        }
        Err(_) => held,
    }
}

/// Closes the socket for servers of a family.
fn close<A>(resolver: &mut ResolverMut<'_, A>, cx: &mut Cx<'_, A>, server: SocketAddr) {
    let held = resolver.client.socket(server).and_then(Option::take);
    if let Some(Ok(mut udp)) = held.map(|socket| cx.udp(socket)) {
        udp.close();
    }
}

/// Answers have come.
fn heard<A: HasResolver>(app: &mut A, udp: &mut UdpMut<'_, '_, A>, _: UdpEvent) {
    let now = udp.cx().now();
    while let Some(datagram) = udp.peek() {
        app.resolver().answered(datagram.from, datagram.data, State::Asking, now);
        udp.consume();
    }
    run(app, udp.cx());
}

impl Client {
    /// Returns the place of the socket for a server.
    fn socket(&mut self, server: SocketAddr) -> Option<&mut Option<UdpSocket>> {
        self.sockets.get_mut(usize::from(server.is_ipv6()))
    }
}

impl<A> ResolverMut<'_, A> {
    /// Writes a question.
    pub(crate) fn write<'b>(&self, place: usize, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let question = self.questions.get(place)?;
        let mut writer = Writer::new(buffer, question.id, flag::RECURSION_DESIRED);
        writer.question(self.name(place), question.family.kind(), 1);
        writer.finish()
    }
}
