//! Worlds: an application with the whole stack of its firmware, under virtual time, among faults.
//!
//! ```text
//!   tape ──▶ plan ──▶ drive ─┬─▶ device    application, base, adapter, embassy-net, executor
//!    ▲                       ├─▶ ether     the cable: links, faults, digest
//!   seed, file, scenario     ├─▶ peer      clients on a stack of their own; the vandal
//!                            └─▶ verdict ──▶ report, shrink, sweep
//! ```
//!
//! The application and everything of picoevent and embassy below it is the code that runs on a
//! board. A [`Trial`] says what to run and what clients must hear; a seed decides the rest. The same
//! seed gives the same world, on every machine and in every build.
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use picoevent::{Conn, Cx, Full, Listener, Signal};
//! use picoevent_sim::world::{Script, Trial};
//!
//! struct Nine;
//!
//! impl Nine {
//!     fn start(cx: &mut Cx<'_, Self>, address: SocketAddr) -> Result<Listener, Full> {
//!         cx.on_signal(Signal::INT, |_, cx, _, _| cx.exit())?;
//!         cx.listen(address, Self::accepted)
//!     }
//!
//!     fn accepted(&mut self, cx: &mut Cx<'_, Self>, conn: Conn) {
//!         if let Ok(mut conn) = cx.conn(conn) {
//!             let _ = conn.write(b"9");
//!             conn.close();
//!         }
//!     }
//! }
//!
//! Trial::new("nine", 7000, || Nine, Nine::start)
//!     .client(|_| Script::new().expect(b"9").expect_end())
//!     .check(0..100);
//! ```
//!
//! `docs/simulation.md` tells what a world is like and what its verdicts mean.

mod cable;
mod client;
mod clock;
mod conversation;
mod device;
mod dhcp;
mod digest;
mod drive;
mod ether;
mod executor;
mod fault;
mod function;
mod interrupt;
mod lab;
mod link;
mod narrator;
mod nic;
mod observer;
mod peer;
mod plan;
mod probe;
mod question;
mod random;
mod replay;
mod report;
mod scenario;
mod script;
pub mod seed;
mod segment;
mod shrink;
mod sweep;
mod tape;
mod timeline;
mod trial;
mod vandal;
mod verdict;
mod waits;

pub use cable::Cable;
pub use client::Manner;
pub use device::Size;
pub use fault::{Fault, FaultKind, Side};
pub use function::Function;
pub use lab::Lab;
pub use narrator::Narrator;
pub use observer::{About, Callback, Direction, Fate, Frame, News, Object, Observer, Treatment};
pub use picoevent_embassy::{Config, Sockets};
pub use question::{Question, Stream};
pub use report::{Report, tape_text, test_text};
pub use scenario::{Scenario, ScenarioError};
pub use script::{Choices, Script};
pub(crate) use segment::describe;
pub use shrink::{LIMIT, Shrunk, shrink};
pub use sweep::{Failure, Sweep, Tally};
pub use tape::{Line, Tape, TapeError};
pub use trial::{Subject, Trial};
pub use vandal::ActKind;
pub use verdict::{Kind, Outcome, Verdict};
pub use waits::Waits;
