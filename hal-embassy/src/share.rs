//! Which sockets a pool of the base may use.
//!
//! ```text
//!   sockets   0 … 3 │ 4 … 8 │ 9 …        pool 0: 4 connections, pool 1: 5; the rest is for both
//! ```
//!
//! As many sockets as a pool has connections are held for it, in the order of the pools. So no pool takes
//! those of another. A single pool may use all sockets, and so may all pools if the sockets are fewer than
//! their connections; but then no listener can be added.

use core::ops::Range;

use picoevent::EventBase;

use crate::pool::Pool;

/// The sockets that are held for a pool of the base.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    start: u16,
    end: u16,
}

impl From<Range<u16>> for Share {
    /// Makes it of the connection slots of the pool.
    fn from(slots: Range<u16>) -> Self {
        Self { start: slots.start, end: slots.end }
    }
}

impl Share {
    /// Returns whether the pool may use a socket. Those from `shared` on are for every pool.
    pub(crate) fn has(self, socket: usize, shared: usize) -> bool {
        socket >= shared || (usize::from(self.start)..usize::from(self.end)).contains(&socket)
    }
}

impl Pool<'_, '_> {
    /// Holds sockets for the pools that the base has now. Returns `false` if the pools are several, and the
    /// sockets too few for them.
    pub(crate) fn hold<A>(&mut self, base: &EventBase<'_, A>) -> bool {
        let (pools, conns) = base.pools();
        let (is_one, fits) = (pools <= 1, conns <= self.slots.len());
        self.state.shared = if is_one || !fits { 0 } else { conns };
        is_one || fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_may_use_its_own_sockets_and_those_beyond_all_pools() {
        let share = Share::from(2..4);
        let may_use = core::array::from_fn(|socket| share.has(socket, 6));
        assert_eq!(may_use, [false, false, true, true, false, false, true, true]);
    }

    #[test]
    fn a_single_pool_may_use_every_socket() {
        assert!((0..3).all(|socket| Share::from(0..1).has(socket, 0)));
    }
}
