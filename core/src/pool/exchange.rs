//! Exchanges the memory of two rings, so that a transfer need not copy the bytes.
//!
//! ```text
//!   before   input of one ──▶ │ a b c d │      output of the other ──▶ │         │
//!   after    input of one ──▶ │         │      output of the other ──▶ │ a b c d │      no byte has moved
//! ```
//!
//! A pool that can [exchange](super::Pool::exchanging) rings has a table after its rings. For each ring, the table
//! stores the distance from the ring's original position to its current position. An exchange swaps the positions of
//! two rings. Both rings have the same size, and pools are never freed. So an exchange need not be undone: the next
//! connection in a slot uses the current rings of the slot.
//!
//! Only `Pool::exchanging` and the decoder of recordings refer to this code, through [`Exchange`]. So a firmware
//! without exchanging pools does not contain this code.

use core::fmt;
use core::ops::Range;

use super::{PoolSlot, Pools, Rings};
use crate::conn::Direction;

/// The size of one table entry in bytes. The size is the same on every target, so a recording from one target can be
/// replayed on another target.
const START: usize = size_of::<u32>();

/// The size of one connection's two table entries, in bytes.
pub(super) const START_BYTES: usize = 2 * START;

/// A connection's rings, and its index.
type Owner = (Rings, u16);

/// The functions that exchange rings.
pub(crate) struct Exchange {
    /// Returns the range of a ring in the storage's bytes.
    pub(super) range_of: fn(&Pools<'_>, Rings, index: u16, Direction) -> Range<usize>,
    /// Exchanges an input ring with an output ring, if that is possible. Returns whether the rings were exchanged.
    pub(super) swap: fn(&mut Pools<'_>, input: Owner, output: Owner) -> bool,
}

pub(super) static EXCHANGE: Exchange = Exchange {
    range_of: |pools, rings, index, direction| pools.exchanged_range(rings, index, direction),
    swap: |pools, input, output| pools.swap(input, output).is_some(),
};

/// `EXCHANGE` is the only value of this type, so two values are always equal.
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
    /// Returns the range of a ring's table entry in the storage's bytes; `None` if the pool has no table.
    fn start_at(&self, index: u16, direction: Direction) -> Option<Range<usize>> {
        if !self.exchanges {
            return None;
        }
        let rings = self.input_len().wrapping_add(self.output_len());
        let table = self.start.wrapping_add(usize::from(self.conns).wrapping_mul(rings));
        let at = table.wrapping_add(self.position_of(index).wrapping_mul(START_BYTES));
        let at = match direction {
            Direction::Read => at,
            Direction::Write => at.wrapping_add(START),
        };
        Some(at..at.wrapping_add(START))
    }
}

impl Pools<'_> {
    fn exchanged_range(&self, rings: Rings, index: u16, direction: Direction) -> Range<usize> {
        let Some(pool) = self.get(rings.pool) else { return 0..0 };
        let own = pool.start_of(index, direction);
        let start = own.wrapping_add_signed(self.moved(pool, index, direction).unwrap_or(0));
        start..start.wrapping_add(pool.ring_len(rings.settings, direction))
    }

    /// Returns the distance of a ring from its original position in bytes; `None` if its pool has no table.
    fn moved(&self, pool: &PoolSlot, index: u16, direction: Direction) -> Option<isize> {
        let start = self.bytes.get(pool.start_at(index, direction)?)?.first_chunk()?;
        Some(i32::from_le_bytes(*start) as isize)
    }

    /// Exchanges an input ring with an output ring. Returns `None` if the sizes of the rings differ, if their lengths
    /// differ because of their high marks, or if a pool has no table. On a host, also returns `None` if a distance does
    /// not fit in four bytes.
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
        let starts =
            [from.start_at(input.1, Direction::Read)?, to.start_at(output.1, Direction::Write)?];
        let apart = own[1].wrapping_sub(own[0]) as isize;
        let moved = [moved[1].checked_add(apart)?, moved[0].checked_sub(apart)?];
        let moved = [i32::try_from(moved[0]).ok()?, i32::try_from(moved[1]).ok()?];
        for (start, moved) in starts.into_iter().zip(moved) {
            *self.bytes.get_mut(start)?.first_chunk_mut()? = moved.to_le_bytes();
        }
        Some(())
    }
}
