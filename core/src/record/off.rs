//! Without the feature `record`: no recorder.

use core::marker::PhantomData;

use super::Entry;
use crate::handle::Conn;
use crate::{EventBase, Fired};

/// Stands in for a recorder.
#[derive(Clone, Copy)]
pub(crate) struct Recorder<'s>(PhantomData<&'s ()>);

impl Recorder<'_> {
    pub(crate) const NONE: Self = Self(PhantomData);

    #[inline(always)]
    pub(crate) fn note<'e>(self, _: impl FnOnce() -> Entry<'e>) {}
}

/// Stands in for the longest write.
pub(crate) struct LongestWrite;

impl LongestWrite {
    pub(crate) const NONE: Self = Self;

    pub(crate) const fn note(&mut self, _: usize) {}
}

/// Sums up nothing: nobody reads it.
#[cfg(feature = "udp")]
pub(crate) fn sum<'b>(_: impl Iterator<Item = &'b u8>) -> u16 {
    0
}

impl<A> EventBase<'_, A> {
    #[inline(always)]
    pub(crate) fn note_received(&self, _: Conn, _: usize) {}

    #[inline(always)]
    pub(crate) fn note_sent(&self, _: Conn, _: usize) {}

    #[inline(always)]
    pub(crate) fn note_next(&self, _: Option<&Fired<A>>) {}
}
