//! Handles: each handle identifies one object in the base's tables.
//!
//! ```text
//!   31        16 15         0
//!  ┌────────────┬────────────┐
//!  │ generation │   index    │   4 bytes, `Copy`, typed by kind
//!  └────────────┴────────────┘
//! ```
//!
//! A slot's generation grows by one each time the slot is taken and each time the slot is freed. A handle is valid only
//! for the generation for which it was made. A method that gets the handle of a freed object returns
//! [`StaleError`](crate::StaleError). The method never changes the next object in the slot. The generation wraps: a
//! handle that is kept while its slot is reused 32,768 times is valid again.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

/// Identifies one object of kind `K`; see the aliases [`Event`], [`Conn`], [`Listener`], [`Source`], [`UdpSocket`].
#[repr(transparent)]
pub struct Handle<K> {
    /// The generation in the upper 16 bits, and the index in the lower 16 bits.
    bits: u32,
    kind: PhantomData<fn() -> K>,
}

/// An event: a timer, a signal, readiness of a source, or something the application activates.
pub type Event = Handle<kind::Event>;
/// A byte stream with an input and an output ring.
pub type Conn = Handle<kind::Conn>;
/// An address on which connections are accepted.
pub type Listener = Handle<kind::Listener>;
/// Something outside the base whose readiness a back end reports: a descriptor, a pin, a queue.
pub type Source = Handle<kind::Source>;
/// A socket for datagrams.
pub type UdpSocket = Handle<kind::UdpSocket>;

/// The kinds of object that a [`Handle`] can identify. The kinds are used only as type parameters.
pub mod kind {
    /// The kind of object that an [`Event`](super::Event) identifies.
    pub enum Event {}
    /// The kind of object that a [`Conn`](super::Conn) identifies.
    pub enum Conn {}
    /// The kind of object that a [`Listener`](super::Listener) identifies.
    pub enum Listener {}
    /// The kind of object that a [`Source`](super::Source) identifies.
    pub enum Source {}
    /// The kind of object that a [`UdpSocket`](super::UdpSocket) identifies.
    pub enum UdpSocket {}
}

impl<K> Handle<K> {
    /// A handle that is always stale: its index is 65,535, and no table has a slot with this index.
    pub(crate) const NONE: Self = Self::new(u16::MAX, 0);

    /// The initial handle in a slot: all zeros.
    pub(crate) const UNSET: Self = Self::new(0, 0);

    pub(crate) const fn new(index: u16, generation: u16) -> Self {
        Self::from_bits((generation as u32) << 16 | index as u32)
    }

    /// Makes a handle from a word with the generation in the upper 16 bits and the index in the lower 16 bits.
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self { bits, kind: PhantomData }
    }

    /// Returns a word with the generation in the upper 16 bits and the index in the lower 16 bits.
    pub(crate) const fn bits(self) -> u32 {
        self.bits
    }

    /// Returns the slot's index in its table: `0` up to the table's capacity minus one.
    ///
    /// The index is unique among the objects of this kind that exist at the same time. So a back end or an application
    /// can use it as an index of its own table. Store the handle in each entry of this table. Before you use an entry,
    /// compare the stored handle with the current handle, because the slot may have got a new object.
    pub const fn index(self) -> usize {
        self.slot() as usize
    }

    pub(crate) const fn slot(self) -> u16 {
        self.bits as u16
    }

    pub(crate) const fn generation(self) -> u16 {
        self.bits.wrapping_shr(16) as u16
    }
}

// These traits are not derived, because derived implementations would require that `K` implements them too.

impl<K> Clone for Handle<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Handle<K> {}

impl<K> PartialEq for Handle<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<K> Eq for Handle<K> {}

impl<K> Hash for Handle<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}

impl<K> fmt::Debug for Handle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot(), self.generation())
    }
}

#[cfg(feature = "defmt")]
impl<K> defmt::Format for Handle<K> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}.{}", self.slot(), self.generation());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_four_bytes() {
        assert_eq!(size_of::<Conn>(), 4);
    }

    #[test]
    fn handles_of_two_generations_differ() {
        assert_ne!(Conn::new(3, 1), Conn::new(3, 3));
        assert_eq!(Conn::new(3, 1).index(), 3);
    }
}
