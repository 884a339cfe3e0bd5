//! The application's listeners: how many sockets each listener can have, and whether all listeners have listened
//! without interruption.

use std::net::SocketAddr;

use picoevent::{EventBase, Listener};

use crate::world::network::address;

/// The probe's observations of the listeners.
#[derive(Default)]
pub(crate) struct Listeners {
    handles: Vec<Listener>,
    /// For each listener: its port, and the index of its pool in `pool_sizes`.
    pools: Vec<(u16, usize)>,
    /// The number of connections with sockets that each pool can have.
    pool_sizes: Vec<usize>,
    /// The number of connections of each pool that are in use.
    in_use: Vec<usize>,
    /// The ports of the enabled listeners that the device's network can reach.
    open: Vec<u16>,
    /// The maximum number of listeners at any time.
    most: usize,
    /// The open ports at the previous check.
    open_before: Vec<u16>,
    /// A listener was disabled or freed, so refusing a client may be correct.
    closed_one: bool,
    /// The number of times an open listener was closed.
    closings: u32,
}

impl Listeners {
    /// Clears the state of the previous simulation.
    pub(super) fn restart(&mut self) {
        self.handles.clear();
        self.pools.clear();
        self.open.clear();
        (self.most, self.closed_one, self.closings) = (0, false, 0);
    }

    /// Checks the listeners of a base.
    pub(super) fn update<A>(&mut self, base: &mut EventBase<'_, A>) {
        self.handles.clear();
        self.handles.extend(base.listeners());
        self.pools.clear();
        self.pool_sizes.clear();
        self.pool_sizes.extend(base.pool_sizes());
        self.in_use.clear();
        self.in_use.resize(self.pool_sizes.len(), 0);
        for pool in base.conns().filter_map(|conn| base.pool_of(conn)) {
            self.in_use[pool] += 1;
        }
        std::mem::swap(&mut self.open, &mut self.open_before);
        self.open.clear();
        for handle in &self.handles {
            let pool = base.pool_of_listener(*handle).unwrap_or_default();
            let Ok(listener) = base.listener(*handle) else { continue };
            self.pools.extend(listener.address().map(|address| (address.port(), pool)));
            match listener.address() {
                Some(address) if listener.is_enabled() => {
                    self.open.extend(is_reached(address).then_some(address.port()));
                }
                _ => self.closed_one = true,
            }
        }
        let was_closed = self.open_before.iter().any(|port| !self.open.contains(port));
        self.closings += u32::from(was_closed);
        self.closed_one |= was_closed || self.handles.len() < self.most;
        self.most = self.most.max(self.handles.len());
    }

    /// Returns the ports of the listeners that are enabled now.
    pub(crate) fn open_ports(&self) -> &[u16] {
        &self.open
    }

    /// Returns how often an open listener was disabled or freed.
    pub(crate) const fn closings(&self) -> u32 {
        self.closings
    }

    /// Returns the number of sockets that listen for the listener at `port` while no client is connected. `spare`
    /// sockets of the device are not needed for connections that the application keeps.
    pub(crate) fn share(&self, port: u16, spare: usize, backlog: usize) -> usize {
        (spare / self.handles.len().max(1)).min(self.may_listen(port, backlog))
    }

    /// Returns the maximum number of sockets on which the listener at `port` can rely while no client is connected.
    ///
    /// If there are several pools, the adapter reserves a socket for each connection of each pool. A connection that
    /// waits to reconnect has no socket, so its reserved socket is free. While there is such a socket, sockets do not
    /// move from one listener to another. So a listener can rely only on the sockets of its own pool.
    pub(crate) fn may_listen(&self, port: u16, backlog: usize) -> usize {
        let count = |of: usize| self.pools.iter().filter(|(_, pool)| *pool == of).count();
        let reserves =
            self.pool_sizes.iter().enumerate().any(|(pool, size)| *size > 0 && count(pool) == 0);
        match self.pools.iter().find(|(of, _)| *of == port) {
            Some((_, pool)) if reserves => {
                let unused = self.pool_sizes[*pool].saturating_sub(self.in_use[*pool]);
                (unused / count(*pool)).min(backlog)
            }
            _ => backlog,
        }
    }

    /// Returns a message if there are fewer sockets than listeners. In this case, at least one listener has no socket.
    pub(crate) fn too_many(&self, sockets: usize) -> Option<String> {
        let most = self.most;
        (most > sockets).then(|| {
            format!(
                "the device has {sockets} sockets for {most} listeners: a test can leave such \
                 devices out with min_sockets({most})"
            )
        })
    }

    /// Returns whether each of `clients` clients finds a listening socket, whatever the order in which they connect. At
    /// most `at_one_port` of these clients connect to the same port.
    ///
    /// The worst case is assumed. First, all other clients are connected. Then the remaining sockets of the pool are
    /// divided among the listeners. Finally, `at_one_port` clients connect to the same port at once.
    pub(crate) fn have_room(
        &self,
        clients: usize,
        at_one_port: usize,
        sockets: usize,
        backlog: usize,
    ) -> bool {
        let others = self.most.saturating_sub(1);
        !self.closed_one && at_one_port <= backlog && clients + at_one_port * others <= sockets
    }
}

fn is_reached(address: SocketAddr) -> bool {
    address.ip().is_unspecified()
        || address.ip() == address::DEVICE
        || address.ip() == address::DEVICE_V6
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns listeners at the ports 1, 2, …, each with the index of its pool. For each pool, `sizes` has the number of
    /// its connections, and the number of connections in use.
    fn in_pools(sizes: &[(usize, usize)], listeners: &[usize]) -> Listeners {
        let pools = (1..).zip(listeners.iter().copied()).collect();
        let (pool_sizes, in_use) = sizes.iter().copied().unzip();
        Listeners { pools, pool_sizes, in_use, ..Listeners::default() }
    }

    #[test]
    fn sockets_that_are_reserved_for_an_uplink_do_not_listen() {
        let listeners = in_pools(&[(1, 0), (6, 0), (1, 1)], &[0, 1]);
        assert_eq!([1, 2].map(|port| listeners.may_listen(port, 9)), [1, 6]);
        assert_eq!(listeners.may_listen(2, 4), 4, "the backlog");
        let listeners = in_pools(&[(6, 2), (1, 1)], &[0, 0]);
        assert_eq!([1, 2].map(|port| listeners.may_listen(port, 9)), [2, 2]);
    }

    #[test]
    fn pools_with_listeners_share_all_sockets() {
        let listeners = in_pools(&[(3, 1), (1, 0)], &[0, 1, 0]);
        assert_eq!([1, 2, 3].map(|port| listeners.may_listen(port, 9)), [9; 3]);
    }

    fn listeners(most: usize) -> Listeners {
        Listeners { most, ..Listeners::default() }
    }

    #[test]
    fn one_listener_has_room_for_as_many_clients_as_sockets() {
        assert!(listeners(1).have_room(6, 6, 6, usize::MAX));
        assert!(!listeners(1).have_room(7, 7, 6, usize::MAX));
        assert!(!listeners(1).have_room(3, 3, 6, 2), "the backlog bounds those that come at once");
    }

    #[test]
    fn two_listeners_share_the_sockets() {
        // Two of four sockets are in use. The other two sockets listen, each at a different port.
        assert!(!listeners(2).have_room(4, 2, 4, usize::MAX));
        assert!(listeners(2).have_room(3, 1, 4, usize::MAX));
        assert!(listeners(2).have_room(2, 2, 4, usize::MAX));
    }
}
