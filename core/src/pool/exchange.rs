//! Exchanged rings: a transfer that gives the bytes of a whole ring away instead of copying them.
//!
//! ```text
//!   before   input of one ──▶ │ a b c d │      output of the other ──▶ │         │
//!   after    input of one ──▶ │         │      output of the other ──▶ │ a b c d │      no byte has moved
//! ```
//!
//! Behind its rings, a pool that [exchanges](super::Pool::exchanging) has a table of places: how far behind its own place
//! the input and the output ring of each connection begin, wrapping. An exchange swaps two places. Both rings are of the same size, and pools are
//! never given back, so no exchange has to be undone: a later connection has the rings that are its slot's by then.
//!
//! The code is reached through [`Exchange`], which only `Pool::exchanging` names.

use core::fmt;
use core::ops::Range;

use super::{PoolSlot, Pools, Rings};
use crate::conn::Direction;

/// The bytes of one place, the same on every target, so that a recording of one replays on another.
const PLACE: usize = size_of::<u32>();

/// The bytes of one connection's places.
pub(super) const PLACES: usize = 2 * PLACE;

/// A connection's rings, and its index.
type Owner = (Rings, u16);

/// The functions of pools that exchange rings.
pub(crate) struct Exchange {
    /// Returns where a ring is in the bytes.
    pub(super) place_of: fn(&Pools<'_>, Rings, index: u16, Direction) -> Range<usize>,
    /// Exchanges an input ring with an output ring, if that is possible. Returns whether it was.
    pub(super) swap: fn(&mut Pools<'_>, input: Owner, output: Owner) -> bool,
}

pub(super) static EXCHANGE: Exchange = Exchange {
    place_of: |pools, rings, index, direction| pools.exchanged_place(rings, index, direction),
    swap: |pools, input, output| pools.swap(input, output).is_some(),
};

/// There is only one.
impl PartialEq for Exchange {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Exchange {}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Exchange {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Exchange");
    }
}

impl PoolSlot {
    /// Returns where the place of a ring stands in the bytes; `None` if the pool has no table.
    fn place_at(&self, index: u16, direction: Direction) -> Option<Range<usize>> {
        if !self.exchanges {
            return None;
        }
        let rings = self.input_len().wrapping_add(self.output_len());
        let table = self.start.wrapping_add(usize::from(self.conns).wrapping_mul(rings));
        let at = table.wrapping_add(self.place_of(index).wrapping_mul(PLACES));
        let at = match direction {
            Direction::Read => at,
            Direction::Write => at.wrapping_add(PLACE),
        };
        Some(at..at.wrapping_add(PLACE))
    }
}

impl Pools<'_> {
    fn exchanged_place(&self, rings: Rings, index: u16, direction: Direction) -> Range<usize> {
        let Some(pool) = self.get(rings.pool) else { return 0..0 };
        let own = pool.start_of(index, direction);
        let start = own.wrapping_add_signed(self.moved(pool, index, direction).unwrap_or(0));
        start..start.wrapping_add(pool.ring_len(rings.settings, direction))
    }

    /// Returns how far behind its own place a ring is; `None` if its pool has no table.
    fn moved(&self, pool: &PoolSlot, index: u16, direction: Direction) -> Option<isize> {
        let place = self.bytes.get(pool.place_at(index, direction)?)?.first_chunk()?;
        Some(i32::from_le_bytes(*place) as isize)
    }

    /// Exchanges an input ring with an output ring. `None` if their sizes differ, or their lengths by a mark, or one
    /// has no place in a table, or they are further apart than four bytes can say, on a desk.
    fn swap(&mut self, input: Owner, output: Owner) -> Option<()> {
        let [from, to] = [self.get(input.0.pool)?, self.get(output.0.pool)?];
        if from.input != to.output || self.input_len(input.0) != self.output_len(output.0) {
            return None;
        }
        let own =
            [from.start_of(input.1, Direction::Read), to.start_of(output.1, Direction::Write)];
        let moved = [
            self.moved(from, input.1, Direction::Read)?,
            self.moved(to, output.1, Direction::Write)?,
        ];
        let places =
            [from.place_at(input.1, Direction::Read)?, to.place_at(output.1, Direction::Write)?];
        let apart = own[1].wrapping_sub(own[0]) as isize;
        let moved = [moved[1].checked_add(apart)?, moved[0].checked_sub(apart)?];
        let moved = [i32::try_from(moved[0]).ok()?, i32::try_from(moved[1]).ok()?];
        for (place, moved) in places.into_iter().zip(moved) {
            *self.bytes.get_mut(place)?.first_chunk_mut()? = moved.to_le_bytes();
        }
        Some(())
    }
}
