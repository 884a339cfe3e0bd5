//! Peaks: the highest values of what [`Counts`](crate::Counts) counts.
//!
//! Keeping them takes a few instructions wherever something is counted, so it is the feature
//! `peaks`: to size a storage, not for the firmware that is shipped.

#[cfg(not(any(feature = "peaks", test)))]
mod off;
#[cfg(any(feature = "peaks", test))]
mod on;

#[cfg(not(any(feature = "peaks", test)))]
pub(crate) use off::Peak;
#[cfg(any(feature = "peaks", test))]
pub(crate) use on::Peak;
