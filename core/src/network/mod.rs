//! The network around the loop, with the feature `network`: what the back end says about the link, our addresses
//! and the name servers, and events for its changes.
//!
//! | file | holds |
//! |---|---|
//! | `value.rs` | [`Network`], what there is |
//! | `change.rs` | [`NetworkChange`], what has become different |
//! | `on.rs` | the verbs of the application, and the back end's feed |
//! | `code.rs` | the network as bytes, for recordings |
//! | `off.rs` | without the feature: nothing |

#[cfg(feature = "network")]
mod change;
#[cfg(all(feature = "network", feature = "record"))]
mod code;
#[cfg(not(feature = "network"))]
mod off;
#[cfg(feature = "network")]
mod on;
#[cfg(feature = "network")]
mod value;

#[cfg(feature = "network")]
pub use change::NetworkChange;
#[cfg(all(feature = "network", feature = "record"))]
pub(crate) use code::play;
#[cfg(not(feature = "network"))]
pub(crate) use off::NetworkState;
#[cfg(all(not(feature = "network"), feature = "record"))]
pub(crate) use off::play;
#[cfg(feature = "network")]
pub(crate) use on::NetworkState;
#[cfg(feature = "network")]
pub use value::{Network, OwnAddress};
