//! With the feature `network`: the state of the network, and events for its changes. The back end reports the state:
//! the link, the device's addresses, the gateways and the name servers.
//!
//! | file | holds |
//! |---|---|
//! | `value.rs` | [`Network`], the state |
//! | `change.rs` | [`NetworkChange`], the changes |
//! | `on.rs` | the methods of the application, and the report of the back end |
//! | `code.rs` | the encoding of [`Network`] as bytes, for recordings |
//! | `off.rs` | the empty replacement without the feature |

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
