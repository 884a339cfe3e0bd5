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

mod cases;
mod choices;
mod device;
mod network;
mod observe;
mod peers;
mod simulation;

pub use cases::lab::Lab;
pub use cases::narrator::Narrator;
pub use cases::report::{Report, tape_text, test_text};
pub use cases::shrink::{LIMIT, Shrunk, shrink};
pub use cases::subject::Subject;
pub use cases::sweep::{Failure, Sweep, Tally};
pub use cases::trial::Trial;
pub use choices::fault::{Fault, Side};
pub use choices::kinds::{ActKind, FaultKind, Manner};
pub use choices::question::{Question, Stream};
pub use choices::scenario::{Scenario, ScenarioError};
pub use choices::seed;
pub use choices::tape::{Line, Tape, TapeError};
pub use device::size::Size;
pub use network::cable::Cable;
pub(crate) use network::segment::describe;
pub use observe::function::Function;
pub use observe::observer::{
    About, Callback, Direction, Fate, Frame, News, Object, Observer, Treatment,
};
pub use peers::script::{Choices, Script};
pub use picoevent_embassy::{Config, Sockets};
pub use simulation::verdict::{Kind, Outcome, Verdict};
pub use simulation::waits::Waits;
