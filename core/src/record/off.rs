//! The replacement without the feature `record`: there is no recorder.

use core::marker::PhantomData;

use super::Entry;
use crate::handle::Conn;
use crate::{EventBase, Fired};

/// An empty replacement for the recorder.
#[derive(Clone, Copy)]
pub(crate) struct Recorder<'s>(PhantomData<&'s ()>);

impl Recorder<'_> {
    pub(crate) const NONE: Self = Self(PhantomData);

    #[inline(always)]
    pub(crate) fn record<'e>(self, _: impl FnOnce() -> Entry<'e>) {}
}

/// An empty replacement for the variable that stores the length of the longest write.
pub(crate) struct LongestWrite;

impl LongestWrite {
    pub(crate) const NONE: Self = Self;

    pub(crate) const fn update(&mut self, _: usize) {}
}

/// Computes no checksum, because nothing is recorded.
#[cfg(feature = "udp")]
pub(crate) fn sum<'b>(_: impl Iterator<Item = &'b u8>) -> u16 {
    0
}

impl<A> EventBase<'_, A> {
    #[inline(always)]
    pub(crate) fn record_received(&self, _: Conn, _: usize) {}

    #[inline(always)]
    pub(crate) fn record_sent(&self, _: Conn, _: usize) {}

    #[inline(always)]
    pub(crate) fn record_next(&self, _: Option<&Fired<A>>) {}
}
