//! Exchanged rings: a transfer that gives the bytes of a whole ring away instead of copying them.
//!
//! ```text
//!   before   input of one ──▶ │ a b c d │      output of the other ──▶ │         │
//!   after    input of one ──▶ │         │      output of the other ──▶ │ a b c d │      no byte has moved
//! ```
//!
//! Behind its rings, a pool that [exchanges](super::Pool::exchanging) has a table of places: where the input and the
//! output ring of each connection begin. An exchange swaps two places. Both rings are of the same size, and pools are
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
    /// Makes a pool that was just carved exchange rings.
    pub(super) prepare: fn(&mut Pools<'_>, pool: u8),
    /// Returns where a ring is in the bytes.
    pub(super) place_of: fn(&Pools<'_>, Rings, index: u16, Direction) -> Range<usize>,
    /// Exchanges an input ring with an output ring, if that is possible. Returns whether it was.
    pub(super) swap: fn(&mut Pools<'_>, input: Owner, output: Owner) -> bool,
}

pub(super) static EXCHANGE: Exchange = Exchange {
    prepare: |pools, pool| pools.prepare_exchange(pool),
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
    /// Gives each ring of a pool its own place. A place that four bytes cannot hold is on a desk only; then the pool
    /// exchanges nothing.
    fn prepare_exchange(&mut self, pool: u8) {
        let Some(slot) = self.slots.get_mut(usize::from(pool)) else { return };
        slot.exchanges = u32::try_from(self.used).is_ok();
        self.exchange = Some(&EXCHANGE);
        for index in slot.first..slot.first.saturating_add(slot.conns) {
            for direction in [Direction::Read, Direction::Write] {
                let start = slot.start_of(index, direction) as u32;
                let at = slot.place_at(index, direction);
                let place = at.and_then(|at| self.bytes.get_mut(at)?.first_chunk_mut());
                if let Some(place) = place {
                    *place = start.to_le_bytes();
                }
            }
        }
    }

    fn exchanged_place(&self, rings: Rings, index: u16, direction: Direction) -> Range<usize> {
        let Some(pool) = self.get(rings.pool) else { return 0..0 };
        let place = pool.place_at(index, direction);
        let start = match place.and_then(|place| self.bytes.get(place)?.first_chunk()) {
            Some(place) => u32::from_le_bytes(*place) as usize,
            None => pool.start_of(index, direction),
        };
        start..start.wrapping_add(pool.ring_len(rings.settings, direction))
    }

    /// Exchanges an input ring with an output ring. `None` if their sizes differ, or their lengths by a mark, or one
    /// has no place in a table.
    fn swap(&mut self, input: Owner, output: Owner) -> Option<()> {
        let [from, to] = [self.get(input.0.pool)?, self.get(output.0.pool)?];
        if from.input != to.output || self.input_len(input.0) != self.output_len(output.0) {
            return None;
        }
        let from = from.place_at(input.1, Direction::Read)?;
        let to = to.place_at(output.1, Direction::Write)?;
        let one: [u8; PLACE] = *self.bytes.get(from.clone())?.first_chunk()?;
        let other = core::mem::replace(self.bytes.get_mut(to)?.first_chunk_mut()?, one);
        *self.bytes.get_mut(from)?.first_chunk_mut()? = other;
        Some(())
    }
}
