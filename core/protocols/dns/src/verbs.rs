//! The resolver's functions for the application.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use picoevent::{Conn, ConnMut, Cx, Instant, Mode, PoolId, Protocol, UnseededError};

use crate::error::ResolveError;
use crate::resolver::{Completion, HasResolver, Lookup, LookupSlot, OnLookup};
use crate::wire::{is_host_name, without_dot};
use crate::{Family, udp};

/// Looks up the addresses of a name, and calls `callback` with the result. Looks up one address family, or both
/// families if `family` is `None`. `callback` is never called before this function returns, even if the answer is
/// already known.
///
/// If the name is a literal address, the result is this address. For `localhost`, the result is the loopback address. A
/// dot at the end of the name has no effect, because no domain is appended to names.
///
/// ```
/// use picoevent::Cx;
/// use picoevent_dns::{self as dns, Addresses, HasResolver, Lookup, LookupError, ResolveError};
///
/// fn start<A: HasResolver>(app: &mut A, cx: &mut Cx<A>) -> Result<Lookup, ResolveError> {
///     dns::resolve(app, cx, "example.org", None, found)
/// }
///
/// fn found<A>(_: &mut A, _: &mut Cx<A>, _: Lookup, answer: Result<Addresses, LookupError>) {
///     for address in answer.iter().flat_map(Addresses::iter) {
///         // Use it.
/// #       let _ = address;
///     }
/// }
/// # struct App(picoevent_dns::Resolver<App, 1, 2>);
/// # impl HasResolver for App {
/// #     fn resolver(&mut self) -> picoevent_dns::ResolverMut<'_, Self> {
/// #         self.0.as_mut()
/// #     }
/// # }
/// # let _ = start::<App>;
/// ```
///
/// # Errors
/// Returns a [`ResolveError`] if the look-up cannot begin. In this case, `callback` is never called.
pub fn resolve<A: HasResolver>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    name: &str,
    family: Option<Family>,
    callback: OnLookup<A>,
) -> Result<Lookup, ResolveError> {
    let reserved = reserve(app, cx, name, family, Duration::ZERO)?;
    Ok(begin(app, cx, reserved, Completion::Call(callback)))
}

/// Cancels a look-up, so its callback is not called. Returns whether the look-up was in progress.
pub fn cancel<A: HasResolver>(app: &mut A, lookup: Lookup) -> bool {
    let mut resolver = app.resolver();
    let slot = resolver.lookups.get(usize::from(lookup.index));
    let is_in_progress =
        slot.is_some_and(|slot| !slot.is_free() && slot.wait.serial == lookup.serial);
    if is_in_progress {
        resolver.free(lookup.index);
    }
    is_in_progress
}

/// Connects to a host by name, with a connection from a pool. Looks up the name, then connects like [`Cx::connect`].
/// The connection is idle until the address is known. When the connection is open, [`opened`](Protocol::opened) of `P`
/// is called. If the look-up or the connect fails, [`ended`](Protocol::ended) is called. If the name has no address,
/// the connection ends with [`NotFound`](picoevent::ConnError::NotFound).
///
/// If a name has several addresses, each new connection uses the next address of the same family. An IPv6 address is
/// used only if no IPv4 address is known: if the name has none, or if the answer with the IPv6 addresses arrives first.
/// To use IPv6 for a name that also has IPv4 addresses, call [`resolve`] and [`Cx::connect`].
///
/// # Errors
/// Returns a [`ResolveError`] if the look-up cannot begin, or if the pool has no free connection. In this case, there
/// is no connection.
pub fn connect<A: HasResolver, P: Protocol<A>>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    name: &str,
    port: u16,
    pool: PoolId,
) -> Result<Conn, ResolveError> {
    let reserved = reserve(app, cx, name, None, Duration::ZERO)?;
    match cx.outgoing::<P>(pool) {
        Ok(conn) => {
            begin(app, cx, reserved, Completion::Connect(conn, port));
            Ok(conn)
        }
        Err(error) => {
            app.resolver().free(reserved);
            Err(error.into())
        }
    }
}

/// Reconnects to a host by name. The look-up begins after `delay`, and the connection is made when the address is
/// known. If another look-up of the name has an answer that is still valid after `delay`, this answer is used. Call
/// this function from the [`ended`](Protocol::ended) callback or while the connection is idle, like
/// [`ConnMut::connect_after`].
///
/// # Errors
/// Returns a [`ResolveError`] if the look-up cannot begin, or if the connection cannot reconnect. In this case, a
/// connection that has ended stays ended, and an idle connection stays idle.
pub fn connect_again<A: HasResolver>(
    app: &mut A,
    conn: &mut ConnMut<'_, '_, A>,
    delay: Duration,
    name: &str,
    port: u16,
) -> Result<(), ResolveError> {
    let reserved = reserve(app, conn.cx(), name, None, delay)?;
    // The connection is idle until the look-up replaces this address.
    if let Err(error) = conn.connect_after(Duration::MAX, (Ipv4Addr::UNSPECIFIED, port).into()) {
        app.resolver().free(reserved);
        return Err(error.into());
    }
    let id = conn.id();
    begin(app, conn.cx(), reserved, Completion::Connect(id, port));
    Ok(())
}

/// Adds an entry to the hosts list: a look-up of `name` in the family of `address` returns `address`, and no server is
/// queried. A name can have one address of each family. A later entry replaces an earlier entry of the same name and
/// family. A look-up that is already in progress does not change.
///
/// # Errors
/// [`ResolveError::Invalid`], [`ResolveError::TooLong`] and [`ResolveError::Names`].
pub fn add_host<A: HasResolver>(
    app: &mut A,
    name: &str,
    address: IpAddr,
) -> Result<(), ResolveError> {
    if !is_host_name(name) {
        return Err(ResolveError::Invalid);
    }
    let name = without_dot(name.as_bytes());
    app.resolver().table.cache(name, Family::of(address), Some(address), Instant::MAX)?;
    Ok(())
}

/// Reserves everything that a look-up needs. Returns the index of the look-up's slot. The slot counts as free until
/// [`begin`] is called.
#[inline(never)]
fn reserve<A: HasResolver>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    name: &str,
    family: Option<Family>,
    delay: Duration,
) -> Result<u16, ResolveError> {
    if !cx.is_seeded() {
        return Err(UnseededError.into());
    }
    let timer = match app.resolver().table.client.timer {
        Some(timer) => timer,
        None => cx.new_timer(Mode::OneShot, udp::tick::<A>)?,
    };
    let (now, not_before) = (cx.now(), cx.now().after(delay));
    let mut resolver = app.resolver();
    resolver.table.client.timer = Some(timer);
    let free = resolver.lookups.iter().position(LookupSlot::is_free);
    let index = free.ok_or(ResolveError::Lookups)?;
    let slot = resolver.lookups.get_mut(index).ok_or(ResolveError::Lookups)?;
    slot.wait.questions = resolver.table.questions_for(name, family, now, not_before)?;
    slot.wait.not_before = not_before;
    Ok(index as u16)
}

/// Begins a look-up.
fn begin<A: HasResolver>(
    app: &mut A,
    cx: &mut Cx<'_, A>,
    index: u16,
    completion: Completion<A>,
) -> Lookup {
    let resolver = app.resolver();
    let serial = resolver.table.client.serial.wrapping_add(1);
    resolver.table.client.serial = serial;
    if let Some(slot) = resolver.lookups.get_mut(usize::from(index)) {
        (slot.wait.serial, slot.completion) = (serial, completion);
    }
    udp::arm(app, cx);
    Lookup { index, serial }
}
