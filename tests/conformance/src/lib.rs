//! The harnesses of the conformance suite. A harness is one application and its peers, on one of the back ends.
//!
//! ```text
//!   tests/scenarios   each scenario, written once:   fn scenario<S: Harness>()
//!        │ function calls, actions of peers   ▲ callbacks, data at the peers
//!        ▼                                    │
//!   harness    LiveHarness       EmbassyHarness          ScriptedHarness
//!   back end   picoevent-mio     picoevent-embassy       Scripted, here
//!   peers      std::net          smoltcp                 streams in memory
//!   time       real              virtual                 virtual
//! ```
//!
//! On all three harnesses, a scenario expects the same callbacks in the same order, and the same data at the peer.
//! [`Scripted`] also shows how small a back end can be.
//!
//! `tests/bad_back_ends` has scenarios for back ends that violate the contract of the trait `Backend`.

mod app;
mod embassy;
mod harness;
mod live;
mod scripted;

pub use app::{App, Reaction, UdpReaction, pattern};
pub use embassy::EmbassyHarness;
pub use harness::{
    Base, Ending, Harness, PeerConn, PeerSocket, RINGS, Received, Sizes, UDP, base_of,
};
pub use live::LiveHarness;
pub use scripted::{Scripted, ScriptedHarness, Wire};
