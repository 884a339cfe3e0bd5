//! The recorder of a base, and the functions that record entries.

use super::code::sum;
use super::{Called, Entry, Sizes};
use crate::handle::Conn;
use crate::idle::IdleClock;
use crate::memory::Memory;
use crate::pool::PoolId;
use crate::{Cx, EventBase, Fired, Instant};

/// Receives every call that a back end makes on a base.
///
/// [`record`](Self::record) is called inside the loop, so it must be fast. The entry of a callback is recorded before
/// the callback is called. So the recording shows which callback has not returned.
pub trait Record: Sync {
    /// Records one entry.
    fn record(&self, entry: &Entry<'_>);
}

/// The recorder of a base, if it has one.
#[derive(Clone, Copy)]
pub(crate) struct Recorder<'s>(Option<&'s dyn Record>);

impl Recorder<'_> {
    pub(crate) const NONE: Self = Self(None);

    /// Records an entry. The entry is made only if there is a recorder.
    pub(crate) fn record<'e>(self, entry: impl FnOnce() -> Entry<'e>) {
        if let Some(recorder) = self.0 {
            recorder.record(&entry());
        }
    }
}

/// The length of the longest write so far. Refused writes are included.
pub(crate) struct LongestWrite(usize);

impl LongestWrite {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn update(&mut self, length: usize) {
        self.0 = self.0.max(length);
    }
}

impl<'s, A> EventBase<'s, A> {
    /// Returns the length of the longest [`write`](crate::ConnMut::write) so far. Refused writes are included. On an
    /// output ring that is shorter than this length, the longest write can never succeed. O(1).
    pub fn longest_write(&self) -> usize {
        self.cx.longest_write.0
    }

    /// Records the back end's calls from now on. A recording can be replayed only if it begins before the
    /// back end's first call, and if no earlier base has used the storage: the generations of the handles would differ
    /// in the replay.
    pub fn record_to(&mut self, recorder: &'s dyn Record) {
        self.cx.recorder = Recorder(Some(recorder));
        self.cx.recorder.record(|| Entry::Base(self.sizes()));
        if self.cx.now > Instant::ZERO {
            // Not `Entry::Time`: `advance` would carry out an exit that the application requests when it starts.
            self.cx.recorder.record(|| Entry::TimeInPass(self.cx.now));
        }
        if let Some(seed) = self.cx.random.seed() {
            self.cx.recorder.record(|| Entry::Seed(seed));
        }
        for pool in (0..u8::MAX).map_while(|pool| self.cx.pool(PoolId(pool))) {
            self.cx.recorder.record(|| Entry::Pool(pool));
        }
    }

    /// Makes an empty base of exactly these sizes. The base uses only a part of `memory`, and behaves like any other
    /// base of these sizes. Returns `None` if `memory` is too small.
    pub fn of_sizes(memory: Memory<'s, A>, sizes: Sizes) -> Option<Self> {
        let Sizes { events, conns, bytes, listeners, pools, sources, udp } = sizes;
        let cx = Self::over(memory).cx;
        let tables = cx.tables.shortened([events, conns, listeners, sources, udp.into()])?;
        let pools = cx.pools.shortened(pools.into(), bytes)?;
        let cx = Cx { tables, pools, ..cx };
        Some(Self { cx, idle_clock: IdleClock::NONE })
    }

    /// Returns the sizes of the base's memory.
    pub fn sizes(&self) -> Sizes {
        let (tables, pools) = (&self.cx.tables, &self.cx.pools);
        Sizes {
            events: tables.events.capacity(),
            conns: tables.conns.capacity(),
            bytes: pools.bytes(),
            listeners: tables.listeners.capacity(),
            pools: u16::try_from(pools.capacity()).unwrap_or(u16::MAX),
            sources: tables.sources.capacity(),
            udp: u16::try_from(tables.udp.capacity()).unwrap_or(u16::MAX),
        }
    }

    /// Records the newest `amount` bytes of a connection's input.
    pub(crate) fn record_received(&self, conn: Conn, amount: usize) {
        self.cx.recorder.record(|| {
            let input = |slot: &crate::conn::ConnSlot<A>| {
                let ring = self.cx.pools.input(slot.rings(), conn.slot());
                slot.input().bytes(ring)
            };
            let (first, second) = self.cx.tables.conns.get(conn).map_or((&[][..], &[][..]), input);
            let older = first.len().saturating_add(second.len()).saturating_sub(amount);
            let rest = older.saturating_sub(first.len());
            let first = first.get(older..).unwrap_or_default();
            Entry::Received(conn, first, second.get(rest..).unwrap_or_default())
        });
    }

    /// Records the number of sent bytes, and the checksum of the oldest `amount` bytes of a connection's output.
    pub(crate) fn record_sent(&self, conn: Conn, amount: usize) {
        self.cx.recorder.record(|| {
            let (first, second) = self.output(conn);
            let amount = amount.min(first.len().saturating_add(second.len()));
            Entry::Sent(conn, amount, sum(first.iter().chain(second).take(amount)))
        });
    }

    /// Records the next callback, or the end of the pass.
    pub(crate) fn record_next(&self, fired: Option<&Fired<A>>) {
        let call = |fired| Entry::Call(Called::of(fired));
        self.cx.recorder.record(|| fired.map_or(Entry::Passed, call));
    }
}
