//! Pools: groups of connections with the same ring sizes. A pool takes its slots and bytes from the storage once, when
//! it is added.
//!
//! ```text
//!   connection slots   0 … 3 │ 4 … 8 │ 9           pool 0: 4 connections, pool 1: 5, pool 2: 1
//!   bytes              i o i o i o i o │ i o … │ …   the input and the output ring of each
//! ```
//!
//! The slots and the rings of a pool are reserved for its connections. So the clients of one pool cannot take the
//! connections of another pool, for example of a pool for outgoing connections. A pool is never freed. The position of
//! a ring is computed in O(1). Pools that exchange rings read the position from a table (`exchange.rs`).

mod exchange;

use core::fmt;
use core::ops::Range;

use exchange::{EXCHANGE, Exchange, START_BYTES};

use crate::conn::{Direction, Settings};
use crate::error::SetupError;
use crate::handle::{Conn, Listener};
use crate::queue::List;
use crate::record::Entry;
use crate::ring::{Count, LONGEST};
use crate::{Cx, EventBase};

/// The number of connections of a pool, and the sizes of their rings.
///
/// ```
/// use picoevent::{EventBase, Pool, Storage};
/// # struct App;
/// const CONSOLE: Pool = Pool::new(4).rings(160, 512);
/// const UPLINK: Pool = Pool::new(1).rings(128, 1024);
/// const POOLS: [Pool; 2] = [CONSOLE, UPLINK];
///
/// type Memory = Storage<App, 4, { Pool::all_conns(&POOLS) }, { Pool::all_bytes(&POOLS) }, 1, 2>;
///
/// let mut memory = Memory::new();
/// let mut base = EventBase::new(&mut memory);
/// let [console, uplink] = base.add_pools(POOLS)?;
/// # let _ = (console, uplink);
/// # Ok::<(), picoevent::SetupError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pool {
    conns: u16,
    spare: u16,
    input: usize,
    output: usize,
    in_memory: bool,
    exchange: Option<&'static Exchange>,
}

impl Pool {
    /// The maximum number of pools of a base.
    pub const MOST: usize = 16;

    /// Describes a pool of `conns` connections. Each connection has two rings of 512 bytes.
    pub const fn new(conns: u16) -> Self {
        Self { conns, spare: 0, input: 512, output: 512, in_memory: false, exchange: None }
    }

    /// Describes a pool of all connections for which the storage has slots and bytes left. If the pool has
    /// [spare](Self::spare) connections, they are part of this number.
    pub const fn rest() -> Self {
        Self::new(u16::MAX)
    }

    /// Sets the sizes of each connection's rings in bytes: `input` for bytes received and not
    /// consumed, `output` for bytes written and not sent. Each size is from 1 to
    /// [`MAX_RING`](crate::memory::MAX_RING).
    #[must_use]
    pub const fn rings(self, input: usize, output: usize) -> Self {
        Self { input, output, ..self }
    }

    /// Adds `spare` connections for clients that connect when all other connections of the pool are in use. A client
    /// with a spare connection gets the text [`Settings::busy`](crate::Settings::busy), and the connection is closed.
    /// The application does not see this connection.
    #[must_use]
    pub const fn spare(self, spare: u16) -> Self {
        Self { spare, ..self }
    }

    /// Makes the pool a pool of connections without sockets, for [pairs](Cx::pair) and for connections above
    /// [filters](crate::ConnMut::filter). A back end that reserves sockets for each pool reserves none for this pool.
    #[must_use]
    pub const fn in_memory(self) -> Self {
        Self { in_memory: true, ..self }
    }

    /// Allows [`ConnMut::transfer`](crate::ConnMut::transfer) to exchange rings, for example in a proxy. If all input
    /// of one connection moves to an empty output ring of the same size, the two rings are exchanged, and no byte is
    /// copied. The pools of both connections must allow the exchange. Each connection takes eight more bytes of the
    /// storage.
    ///
    /// ```
    /// use picoevent::Pool;
    ///
    /// const CLIENTS: Pool = Pool::new(4).rings(1024, 1024).exchanging();
    /// const SERVERS: Pool = CLIENTS;
    /// assert_eq!(SERVERS.bytes(), 4 * (1024 + 1024 + 8));
    /// ```
    #[must_use]
    pub const fn exchanging(self) -> Self {
        Self { exchange: Some(&EXCHANGE), ..self }
    }

    /// Returns the sizes of each connection's input and output ring in bytes.
    pub const fn ring_sizes(&self) -> (usize, usize) {
        (self.input, self.output)
    }

    /// Returns the number of connection slots that the pool takes.
    pub const fn conns(&self) -> usize {
        (self.conns as usize).saturating_add(self.spare as usize)
    }

    /// Returns the number of bytes that the rings take, together with the table for
    /// [exchanging](Self::exchanging) rings.
    pub const fn bytes(&self) -> usize {
        self.conns().saturating_mul(self.bytes_per_conn())
    }

    /// Returns the number of connection slots that several pools take: `CONNS` of the storage.
    pub const fn all_conns(pools: &[Self]) -> usize {
        match pools {
            [first, rest @ ..] => first.conns().saturating_add(Self::all_conns(rest)),
            [] => 0,
        }
    }

    /// Returns the number of bytes that the rings of several pools take: `BYTES` of the storage.
    pub const fn all_bytes(pools: &[Self]) -> usize {
        match pools {
            [first, rest @ ..] => first.bytes().saturating_add(Self::all_bytes(rest)),
            [] => 0,
        }
    }

    /// Returns the pool as five numbers: the connections, the spare connections, the bytes of an input ring, the bytes
    /// of an output ring, and the flags. Flag 1 is set for a pool in memory, flag 2 for a pool that exchanges rings.
    #[cfg(feature = "record")]
    pub(crate) const fn numbers(&self) -> [usize; 5] {
        let Self { conns, spare, input, output, in_memory, exchange } = *self;
        let flags = in_memory as usize | (exchange.is_some() as usize) << 1;
        [conns as usize, spare as usize, input, output, flags]
    }

    /// Makes a pool from the five numbers that `numbers` returns.
    #[cfg(feature = "record")]
    pub(crate) const fn of_numbers(
        conns: u16,
        spare: u16,
        input: usize,
        output: usize,
        flags: u16,
    ) -> Self {
        let exchange = if flags & 2 != 0 { Some(&EXCHANGE) } else { None };
        Self { conns, spare, input, output, in_memory: flags & 1 != 0, exchange }
    }

    /// Returns the number of bytes that one connection takes: the sizes of its two rings. If the pool exchanges rings,
    /// adds the size of the connection's entries in the table.
    const fn bytes_per_conn(&self) -> usize {
        let starts = if self.exchange.is_some() { START_BYTES } else { 0 };
        self.input.saturating_add(self.output).saturating_add(starts)
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conns, spare, input, output, in_memory, exchange } = self;
        f.write_str(if *in_memory { "in memory, " } else { "" })?;
        f.write_str(if exchange.is_some() { "exchanging, " } else { "" })?;
        write!(
            f,
            "{conns} connections and {spare} spare ones, {input} bytes of input and {output} of output \
             each"
        )
    }
}

/// Identifies a pool of a base. [`Cx::add_pool`] returns the `PoolId` of the new pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PoolId(pub(crate) u8);

/// Room for one pool, in a [`Memory`](crate::memory::Memory).
pub struct PoolSlot {
    /// The offset of the pool's rings in the bytes of the storage.
    start: usize,
    input: Count,
    output: Count,
    /// The index of the pool's first connection slot.
    first: u16,
    /// The index of the pool's first free slot.
    pub(crate) free: u16,
    /// The number of the pool's connection slots.
    conns: u16,
    /// The maximum of `in_use`. This is the number of connection slots without the spare slots.
    most: u16,
    /// The number of connections in use: see [`Cx::conns_in_use`].
    pub(crate) in_use: u16,
    /// Closed connections that wait only for their peer's end of stream. The connection that has waited longest is the
    /// first.
    pub(crate) lingering: List,
    /// See [`Pool::in_memory`].
    in_memory: bool,
    /// Whether the pool can exchange rings. If so, a table with the positions of the rings follows the rings.
    exchanges: bool,
}

impl PoolSlot {
    /// Makes a slot for a pool.
    pub const fn new() -> Self {
        Self {
            start: 0,
            input: 0,
            output: 0,
            first: 0,
            free: 0,
            conns: 0,
            most: 0,
            in_use: 0,
            lingering: List::EMPTY,
            in_memory: false,
            exchanges: false,
        }
    }

    pub(crate) const fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    /// Returns whether the maximum number of connections is in use.
    pub(crate) const fn is_full(&self) -> bool {
        self.in_use >= self.most
    }

    pub(crate) const fn input_len(&self) -> usize {
        self.input as usize
    }

    pub(crate) const fn output_len(&self) -> usize {
        self.output as usize
    }

    /// Returns the index in the pool of the connection in slot `index`.
    #[inline]
    pub(crate) fn position_of(&self, index: u16) -> usize {
        usize::from(index.wrapping_sub(self.first))
    }

    /// Returns the offset of a connection's input or output ring in the bytes of the storage, as it was before rings
    /// were exchanged. `index` is the index of the connection's slot.
    #[inline]
    fn start_of(&self, index: u16, direction: Direction) -> usize {
        let each = self.input_len().wrapping_add(self.output_len());
        let input = self.start.wrapping_add(self.position_of(index).wrapping_mul(each));
        match direction {
            Direction::Read => input,
            Direction::Write => input.wrapping_add(self.input_len()),
        }
    }

    /// Returns the length of a ring: the pool's ring size, or the high mark if the high mark is less.
    #[inline]
    fn ring_len(&self, settings: Option<&Settings>, direction: Direction) -> usize {
        let (len, limit) = match direction {
            Direction::Read => (self.input, settings.map(Settings::input_high)),
            Direction::Write => (self.output, settings.map(Settings::output_high)),
        };
        limit.map_or(len, |limit| limit.min(len)) as usize
    }
}

/// The pool and the settings of a connection. The pool determines the position and the size of the connection's rings.
/// A ring holds at most the number of bytes of the high mark in the settings.
#[derive(Clone, Copy)]
pub(crate) struct Rings {
    pub(crate) pool: u8,
    pub(crate) settings: Option<&'static Settings>,
}

impl Default for PoolSlot {
    fn default() -> Self {
        Self::new()
    }
}

/// The pools of a base, and the bytes of all rings.
pub(crate) struct Pools<'s> {
    slots: &'s mut [PoolSlot],
    bytes: &'s mut [u8],
    /// The number of pools that were added.
    len: u8,
    /// The number of bytes that the pools and the UDP sockets use.
    used: usize,
    /// The functions that exchange rings; `None` if no pool exchanges rings.
    exchange: Option<&'static Exchange>,
}

impl<'s> Pools<'s> {
    pub(crate) const fn new(slots: &'s mut [PoolSlot], bytes: &'s mut [u8]) -> Self {
        Self { slots, bytes, len: 0, used: 0, exchange: None }
    }

    /// Returns an empty set of pools that uses only the first `slots` pool slots and the first `bytes` bytes of the
    /// storage. Returns `None` if the storage is too small.
    #[cfg(feature = "record")]
    pub(crate) fn shortened(self, slots: usize, bytes: usize) -> Option<Self> {
        Some(Self::new(self.slots.get_mut(..slots)?, self.bytes.get_mut(..bytes)?))
    }

    #[cfg(feature = "record")]
    pub(crate) const fn capacity(&self) -> usize {
        self.slots.len()
    }

    #[cfg(feature = "record")]
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Takes bytes from the unused part of the storage. Returns their offset.
    #[cfg(feature = "udp")]
    pub(crate) fn allocate(&mut self, amount: usize) -> Result<usize, SetupError> {
        let left = self.bytes.len().saturating_sub(self.used);
        if amount > left {
            return Err(SetupError::Bytes { left });
        }
        let start = self.used;
        self.used = start.saturating_add(amount);
        Ok(start)
    }

    /// Returns a part of the bytes of the storage. The part was taken with [`allocate`](Self::allocate).
    #[cfg(feature = "udp")]
    pub(crate) fn part(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    #[cfg(feature = "udp")]
    pub(crate) fn part_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(range).unwrap_or_default()
    }

    /// Returns the slot of the pool with this index.
    #[inline]
    pub(crate) fn get(&self, pool: u8) -> Option<&PoolSlot> {
        self.slots.get(usize::from(pool))
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, pool: u8) -> Option<&mut PoolSlot> {
        self.slots.get_mut(usize::from(pool))
    }

    /// Returns the pool if it was added to this base.
    pub(crate) fn added(&self, pool: PoolId) -> Option<&PoolSlot> {
        self.slots.get(..usize::from(self.len))?.get(usize::from(pool.0))
    }

    /// Returns the pools that were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &PoolSlot> {
        self.slots.iter().take(self.len.into())
    }

    /// Returns the length of the input ring.
    pub(crate) fn input_len(&self, rings: Rings) -> usize {
        self.ring_len(rings, Direction::Read)
    }

    /// Returns the length of the output ring.
    pub(crate) fn output_len(&self, rings: Rings) -> usize {
        self.ring_len(rings, Direction::Write)
    }

    #[inline]
    fn ring_len(&self, rings: Rings, direction: Direction) -> usize {
        self.get(rings.pool).map_or(0, |pool| pool.ring_len(rings.settings, direction))
    }

    /// Returns the range of a ring in the bytes of the storage.
    fn range_of(&self, rings: Rings, index: u16, direction: Direction) -> Range<usize> {
        if let Some(exchange) = self.exchange {
            return (exchange.range_of)(self, rings, index, direction);
        }
        let Some(pool) = self.get(rings.pool) else { return 0..0 };
        let start = pool.start_of(index, direction);
        start..start.wrapping_add(pool.ring_len(rings.settings, direction))
    }

    /// Returns the storage of a ring of the connection at `index`.
    #[inline]
    pub(crate) fn ring(&self, rings: Rings, index: u16, direction: Direction) -> &[u8] {
        self.bytes.get(self.range_of(rings, index, direction)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn ring_mut(&mut self, rings: Rings, index: u16, direction: Direction) -> &mut [u8] {
        let range = self.range_of(rings, index, direction);
        self.bytes.get_mut(range).unwrap_or_default()
    }

    /// Returns the storage of the input ring of the connection at `index`.
    #[inline]
    pub(crate) fn input(&self, rings: Rings, index: u16) -> &[u8] {
        self.ring(rings, index, Direction::Read)
    }

    #[inline]
    pub(crate) fn input_mut(&mut self, rings: Rings, index: u16) -> &mut [u8] {
        self.ring_mut(rings, index, Direction::Read)
    }

    /// Returns the storage of the output ring of the connection at `index`.
    #[inline]
    pub(crate) fn output(&self, rings: Rings, index: u16) -> &[u8] {
        self.ring(rings, index, Direction::Write)
    }

    #[inline]
    pub(crate) fn output_mut(&mut self, rings: Rings, index: u16) -> &mut [u8] {
        self.ring_mut(rings, index, Direction::Write)
    }

    /// Exchanges the input ring of `from` with the output ring of `to`, if both pools exchange rings and the two rings
    /// have the same length. Returns whether the rings were exchanged.
    pub(crate) fn exchange(&mut self, from: (Rings, u16), to: (Rings, u16)) -> bool {
        self.exchange.is_some_and(|exchange| (exchange.swap)(self, from, to))
    }

    /// Returns the storage of the input ring of `from` and of the output ring of `to`. Both may be the same
    /// connection.
    pub(crate) fn input_and_output(
        &mut self,
        from: (Rings, u16),
        to: (Rings, u16),
    ) -> (&[u8], &mut [u8]) {
        let input = self.range_of(from.0, from.1, Direction::Read);
        let output = self.range_of(to.0, to.1, Direction::Write);
        // The bytes are split at the start of the ring that has the higher offset. So the two rings are in different
        // parts.
        let (before, after) =
            self.bytes.split_at_mut(input.start.max(output.start).min(self.bytes.len()));
        if input.start < output.start {
            (
                before.get(input).unwrap_or_default(),
                after.get_mut(..output.len()).unwrap_or_default(),
            )
        } else {
            (
                after.get(..input.len()).unwrap_or_default(),
                before.get_mut(output).unwrap_or_default(),
            )
        }
    }
}

/// For back ends that reserve sockets for each pool.
impl<A> EventBase<'_, A> {
    /// Returns the number of connections with sockets that each pool can have, including spare connections.
    pub fn pool_sizes(&self) -> impl Iterator<Item = usize> {
        self.cx.pools.iter().map(|pool| if pool.in_memory { 0 } else { pool.conns.into() })
    }

    /// Returns the index of a connection's pool in [`pool_sizes`](Self::pool_sizes).
    pub fn pool_of(&self, conn: Conn) -> Option<usize> {
        self.cx.tables.conns.get(conn).map(|slot| slot.pool().into())
    }

    /// Returns the index of a listener's pool in [`pool_sizes`](Self::pool_sizes).
    pub fn pool_of_listener(&self, listener: Listener) -> Option<usize> {
        self.cx.tables.listeners.get(listener).map(|slot| slot.pool().into())
    }
}

impl<A> Cx<'_, A> {
    /// Adds pools, in the order of the array. The pools take connections and bytes from the unused part of the storage.
    ///
    /// # Errors
    /// The same as for [`add_pool`](Self::add_pool). After an error, the pools of the array that come before the
    /// refused pool are added.
    pub fn add_pools<const POOLS: usize>(
        &mut self,
        pools: [Pool; POOLS],
    ) -> Result<[PoolId; POOLS], SetupError> {
        let mut ids = [PoolId(0); POOLS];
        for (id, pool) in ids.iter_mut().zip(pools) {
            *id = self.add_pool(pool)?;
        }
        Ok(ids)
    }

    /// Adds a pool. The pool takes connections and bytes from the unused part of the storage.
    ///
    /// # Errors
    /// [`SetupError::Pools`] if the storage has no pool slot left or the base has [`Pool::MOST`] pools already,
    /// [`SetupError::Conns`] if the storage has too few connections left, [`SetupError::Bytes`] if the storage has too
    /// few bytes left. [`SetupError::RingSize`] if a ring would have no byte, or more than
    /// [`MAX_RING`](crate::memory::MAX_RING) bytes. After an error nothing has changed.
    pub fn add_pool(&mut self, pool: Pool) -> Result<PoolId, SetupError> {
        let len = self.pools.len;
        if usize::from(len) >= self.pools.slots.len().min(Pool::MOST) {
            return Err(SetupError::Pools);
        }
        if pool.input.min(pool.output) == 0 || pool.input.max(pool.output) > LONGEST {
            return Err(SetupError::RingSize);
        }
        let conns_left = self.tables.conns.unassigned();
        let bytes_left = self.pools.bytes.len().saturating_sub(self.pools.used);
        let conns = match pool.conns {
            u16::MAX => conns_left.min(bytes_left.checked_div(pool.bytes_per_conn()).unwrap_or(0)),
            _ => pool.conns(),
        };
        let bytes = conns.saturating_mul(pool.bytes_per_conn());
        if bytes > bytes_left {
            return Err(SetupError::Bytes { left: bytes_left });
        }
        let Some(first) = self.tables.conns.split_off(conns) else {
            return Err(SetupError::Conns { left: conns_left });
        };
        let start = self.pools.used;
        self.pools.used = start.saturating_add(bytes);
        self.pools.len = len.saturating_add(1);
        if let Some(slot) = self.pools.get_mut(len) {
            *slot = PoolSlot {
                start,
                input: pool.input as Count,
                output: pool.output as Count,
                first,
                free: first,
                conns: conns as u16,
                most: (conns as u16).saturating_sub(pool.spare),
                in_use: 0,
                lingering: List::EMPTY,
                in_memory: pool.in_memory,
                exchanges: pool.exchange.is_some(),
            };
        }
        if let Some(exchange) = pool.exchange {
            // At first each ring is at its original position.
            let table = self.pools.used.saturating_sub(conns.saturating_mul(START_BYTES));
            if let Some(table) = self.pools.bytes.get_mut(table..self.pools.used) {
                table.fill(0);
            }
            self.pools.exchange = Some(exchange);
        }
        self.recorder.record(|| Entry::Pool(self.pool(PoolId(len)).unwrap_or(pool)));
        Ok(PoolId(len))
    }

    /// Returns the description of a pool; `None` if the pool belongs to another base.
    pub fn pool(&self, pool: PoolId) -> Option<Pool> {
        let slot = self.pools.added(pool)?;
        let (conns, spare) = (slot.most, slot.conns.saturating_sub(slot.most));
        Some(Pool {
            conns,
            spare,
            input: slot.input_len(),
            output: slot.output_len(),
            in_memory: slot.in_memory,
            exchange: if slot.exchanges { self.pools.exchange } else { None },
        })
    }

    /// Returns the number of connections of a pool that are in use. A connection is in use until the application closes
    /// or aborts it, or until its callback [`ended`](crate::Protocol::ended) is called. Accepted connections whose
    /// first callback has not run yet, and ended connections that will reconnect, are in use too. Returns zero for a
    /// pool of another base.
    pub fn conns_in_use(&self, pool: PoolId) -> usize {
        self.pools.added(pool).map_or(0, |pool| pool.in_use.into())
    }
}
