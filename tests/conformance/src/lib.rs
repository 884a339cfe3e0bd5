//! The stages of the conformance suite. A stage is one application and its peers, on one of the back ends.
//!
//! ```text
//!   tests/scenarios   each scenario, written once:   fn scenario<S: Stage>()
//!        │ verbs, peers' deeds        ▲ callbacks, what peers heard
//!        ▼                            │
//!   Stage      LiveStage         EmbassyStage            ScriptedStage
//!   back end   picoevent-mio     picoevent-embassy       Scripted, here
//!   peers      std::net          smoltcp                 streams in memory
//!   time       real              virtual                 virtual
//! ```
//!
//! On all three stages, a scenario expects the same callbacks in the same order, and the same data at the peer.
//! [`Scripted`] is also the example of how small a back end can be.
//!
//! `tests/bad_back_ends` has scenarios for back ends that break their side of the contract.

mod app;
mod embassy;
mod live;
mod scripted;
mod stage;

pub use app::{App, Reaction, UdpReaction, pattern};
pub use embassy::EmbassyStage;
pub use live::LiveStage;
pub use scripted::{Scripted, ScriptedStage, Wire};
pub use stage::{Base, Call, Ending, Heard, Host, RINGS, Sizes, Stage, UDP, base_of};
