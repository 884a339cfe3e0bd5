//! The client's functions for the application, and the times of its requests.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;

use picoevent::{Cx, EventMut, Mode, OnEvent, UdpEvent, UdpMut, UdpRings, UnseededError};

use crate::client::{ANSWER_TIMEOUT, HasClock, MIN_INTERVAL, StartError, SyncError, Synced};
use crate::packet::{LENGTH, request};

/// The ring sizes of the client's socket. The memory of the rings is taken from the storage.
pub const RINGS: UdpRings =
    UdpRings::new(UdpRings::holding(2, LENGTH), UdpRings::holding(1, LENGTH));

/// The first dynamic port (RFC 6335).
const FIRST_PORT: u16 = 0xC000;

/// Sends a request to a server now, and then one request in each `interval`. The interval is rounded down to whole
/// seconds, and is at least 15 seconds. If the client is already started, the client starts again, and its clock keeps
/// the time. [`HasClock::synced`] is called after each attempt.
///
/// # Errors
/// Returns a [`StartError`] that states the reason.
pub fn start<A: HasClock>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    interval: Duration,
) -> Result<(), StartError> {
    start_with(app, cx, interval, tick::<A>)?;
    #[cfg(feature = "names")]
    {
        // A look-up that is in progress has no effect.
        app.clock().name = "";
    }
    Ok(())
}

/// Stops the client: it sends no more requests. The clock continues.
pub fn stop<A: HasClock>(app: &mut A, cx: &mut Cx<'_, A>) {
    close(app, cx);
    let client = app.clock();
    client.request = None;
    if let Some(Ok(mut timer)) = client.timer.take().map(|timer| cx.event(timer)) {
        timer.free();
    }
}

fn start_with<A: HasClock>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    interval: Duration,
    tick: OnEvent<A>,
) -> Result<(), StartError> {
    if !cx.is_seeded() {
        return Err(UnseededError.into());
    }
    let timer = match app.clock().timer {
        Some(timer) => timer,
        None => cx.new_timer(Mode::OneShot, tick)?,
    };
    close(app, cx);
    if let Ok(mut timer) = cx.event(timer) {
        timer.on_fire(tick);
    }
    let client = app.clock();
    (client.timer, client.request) = (Some(timer), None);
    let seconds = interval.as_secs().min(u32::MAX.into()) as u32;
    client.interval = seconds.max(MIN_INTERVAL);
    arm(app, cx, Duration::ZERO);
    Ok(())
}

/// Called when the timer is due: no answer has arrived in time, or it is time for the next request.
fn tick<A: HasClock>(app: &mut A, event: &mut EventMut<'_, '_, A>) {
    match app.clock().request.take() {
        Some(_) => fail(app, event.cx(), SyncError::NoAnswer),
        None => send_request(app, event.cx()),
    }
}

/// Sends a request to a server.
#[inline(never)]
fn send_request<A: HasClock>(app: &mut A, cx: &mut Cx<'_, A>) {
    match try_to_send(app, cx) {
        Ok(delay) => arm(app, cx, delay),
        Err(error) => fail(app, cx, error),
    }
}

/// Sends a request, if a server may get a request now. Returns the timer's delay.
fn try_to_send<A: HasClock>(app: &mut A, cx: &mut Cx<'_, A>) -> Result<Duration, SyncError> {
    let now = cx.now();
    let client = app.clock();
    let Some(server) = client.select_server(now) else {
        return client.next_time().map(|time| time.since(now)).ok_or(SyncError::NoServer);
    };
    let mut random = [0; 10];
    // The base has a seed, because the client does not start without a seed.
    let _ = cx.random(&mut random);
    let [low, high, nonce @ ..] = random;
    let ip = match server {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let port = u16::from_le_bytes([low, high]) | FIRST_PORT;
    let bound = cx.bind((ip, port).into(), RINGS, received::<A>);
    let socket = bound.map_err(|_| SyncError::NoSocket)?;
    app.clock().socket = Some(socket);
    app.clock().request = Some((nonce, now));
    if let Ok(mut udp) = cx.udp(socket) {
        // The request fits, because the ring of a new socket is empty. If the request is lost, the client sends another
        // request.
        let _ = udp.send_to(&request(nonce), server);
    }
    Ok(Duration::from_secs(ANSWER_TIMEOUT.into()))
}

/// Called when datagrams have arrived.
fn received<A: HasClock>(app: &mut A, udp: &mut UdpMut<'_, '_, A>, _: UdpEvent) {
    let now = udp.cx().now();
    while let Some(datagram) = udp.peek() {
        let answer = app.clock().handle_datagram(datagram.from, datagram.data, now);
        udp.consume();
        if let Some(answer) = answer {
            return end_attempt(app, udp.cx(), answer);
        }
    }
}

#[inline(never)]
fn fail<A: HasClock>(app: &mut A, cx: &mut Cx<'_, A>, error: SyncError) {
    let error = app.clock().count_failure(error);
    end_attempt(app, cx, Err(error));
}

/// Ends an attempt, and arms the timer for the next attempt.
#[inline(never)]
fn end_attempt<A: HasClock>(app: &mut A, cx: &mut Cx<'_, A>, result: Result<Synced, SyncError>) {
    close(app, cx);
    if result != Err(SyncError::NoServer) {
        let delay = app.clock().delay(cx.now());
        arm(app, cx, delay);
    }
    app.synced(cx, result);
}

#[inline(never)]
fn close<A: HasClock>(app: &mut A, cx: &mut Cx<'_, A>) {
    if let Some(Ok(mut udp)) = app.clock().socket.take().map(|socket| cx.udp(socket)) {
        udp.close();
    }
}

#[inline(never)]
fn arm<A: HasClock>(app: &mut A, cx: &mut Cx<'_, A>, delay: Duration) {
    if let Some(Ok(mut timer)) = app.clock().timer.map(|timer| cx.event(timer)) {
        // `add` never fails for a timer.
        let _ = timer.add(Some(delay));
    }
}

/// Servers found by name, with the feature `names`.
#[cfg(feature = "names")]
mod by_name {
    use picoevent_dns::{self as dns, Addresses, HasResolver, Lookup, LookupError};

    use super::*;

    /// Like [`start`], but finds the servers by their name. The name is looked up before each request, because the name
    /// of a server pool resolves to other servers each time.
    ///
    /// ```
    /// use core::time::Duration;
    /// use picoevent::Cx;
    /// use picoevent_dns::HasResolver;
    /// use picoevent_sntp::{self as sntp, HasClock, StartError};
    ///
    /// fn start<A: HasClock + HasResolver>(app: &mut A, cx: &mut Cx<A>) -> Result<(), StartError> {
    ///     sntp::start_by_name(app, cx, "pool.ntp.org", Duration::from_secs(3_600))
    /// }
    /// # struct App(sntp::Client, picoevent_dns::Resolver<App, 1, 2>);
    /// # impl HasClock for App {
    /// #     fn clock(&mut self) -> &mut sntp::Client { &mut self.0 }
    /// # }
    /// # impl HasResolver for App {
    /// #     fn resolver(&mut self) -> picoevent_dns::ResolverMut<'_, Self> { self.1.as_mut() }
    /// # }
    /// # let _ = start::<App>;
    /// ```
    ///
    /// # Errors
    /// Returns a [`StartError`] that states the reason.
    pub fn start_by_name<A: HasClock + HasResolver>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        name: &'static str,
        interval: Duration,
    ) -> Result<(), StartError> {
        start_with(app, cx, interval, tick_by_name::<A>)?;
        let client = app.clock();
        client.name = name;
        if let Some(lookup) = client.lookup.take() {
            dns::cancel(app, lookup);
        }
        Ok(())
    }

    fn tick_by_name<A: HasClock + HasResolver>(app: &mut A, event: &mut EventMut<'_, '_, A>) {
        if app.clock().request.is_some() {
            return tick(app, event);
        }
        let name = app.clock().name;
        match dns::resolve(app, event.cx(), name, None, found::<A>) {
            Ok(lookup) => app.clock().lookup = Some(lookup),
            Err(_) => fail(app, event.cx(), SyncError::NotFound),
        }
    }

    fn found<A: HasClock + HasResolver>(
        app: &mut A,
        cx: &mut Cx<'_, A>,
        _: Lookup,
        answer: Result<Addresses, LookupError>,
    ) {
        let client = app.clock();
        client.lookup = None;
        // In the meantime, the client may have been stopped, or started with servers that are not found by name.
        if client.timer.is_none() || client.name.is_empty() {
            return;
        }
        match answer {
            Ok(addresses) => {
                client.set_found_servers(&addresses);
                match client.next_time() {
                    Some(_) => send_request(app, cx),
                    None => fail(app, cx, SyncError::Refused),
                }
            }
            Err(_) => fail(app, cx, SyncError::NotFound),
        }
    }
}

#[cfg(feature = "names")]
pub use by_name::start_by_name;
