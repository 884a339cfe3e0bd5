//! Peaks: the highest values of the [`Counts`](crate::Counts).
//!
//! Peaks cost a few instructions wherever a count changes, so they are the optional feature `peaks`. Use the feature to
//! choose the sizes of a storage, not in shipped firmware.

#[cfg(not(any(feature = "peaks", test)))]
mod off;
#[cfg(any(feature = "peaks", test))]
mod on;

#[cfg(not(any(feature = "peaks", test)))]
pub(crate) use off::Peak;
#[cfg(any(feature = "peaks", test))]
pub(crate) use on::Peak;
