//! The time of day for [picoevent]: an SNTP client (RFC 5905), and a wall clock based on the loop's
//! time.
//!
//! ```
//! use core::time::Duration;
//! use picoevent::Cx;
//! use picoevent_sntp::{self as sntp, Client, HasClock, StartError, SyncError, Synced};
//!
//! struct App {
//!     clock: Client,
//! }
//!
//! impl HasClock for App {
//!     fn clock(&mut self) -> &mut Client {
//!         &mut self.clock
//!     }
//!
//!     fn synced(&mut self, cx: &mut Cx<Self>, _: Result<Synced, SyncError>) {
//!         if let Some(time) = self.clock.wall(cx.now()) {
//!             // Such as "2026-11-29T18:00:00Z".
//!             let _ = time.iso();
//! #           assert!(time.unix() > 0);
//!         }
//!     }
//! }
//!
//! fn start(app: &mut App, cx: &mut Cx<App>) -> Result<(), StartError> {
//!     app.clock.set_servers(&["192.0.2.123:123".parse().unwrap()]);
//!     sntp::start(app, cx, Duration::from_secs(3_600))
//! }
//! # let _ = start;
//! ```
//!
//! * The clock states [its maximum error](WallTime::error): half of the round-trip time, plus the error that the
//!   server states for itself, plus 100 µs for each second since the clock was set.
//! * An answer is accepted only if it contains the random nonce of the request and comes from the server to which the
//!   request was sent. The answer of a server that is not synchronized is refused.
//! * If a server sends the kiss code RATE, the client doubles the interval between its requests to this server, up to
//!   36 hours. If a server sends DENY or RSTR, the client sends no more requests to this server ("kiss-o'-death", RFC
//!   5905, section 7.4). The client remembers the last four servers that have sent a kiss code.
//! * The seconds of the protocol wrap on 7 February 2036. The client reads these seconds as a time from 1968 to 2104.
//!
//! The storage must have one event for the client, and one UDP socket with memory for its [rings](RINGS). The base
//! needs a [seed](picoevent::EventBase::seed).
#![cfg_attr(not(test), no_std)]
#![doc(test(attr(deny(warnings))))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests may panic"))]

mod client;
mod packet;
mod verbs;
mod wall;

pub use client::{Client, HasClock, StartError, SyncError, Synced};
#[cfg(feature = "names")]
pub use verbs::start_by_name;
pub use verbs::{RINGS, start, stop};
pub use wall::{HttpDate, Iso, WallTime};
