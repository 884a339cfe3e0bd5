//! The simulator: runs an application and the whole stack of its firmware in virtual time, with
//! faults.
//!
//! ```text
//!   cases        test cases; running them over seeds; shrinking, reports, replays
//!     ▼
//!   simulation   one run: the plan, what happens when, the verdict
//!     ▼
//!   device       application, base, adapter, embassy-net, executor; its clock and its checks
//!   peers        clients and servers on their own stack; the attacker
//!     ▼
//!   network      the cable: frames, links, faults, digest
//!     ▼
//!   observe      the interface of observers: what they see while a simulation runs
//!   choices      every choice: from a seed, a choice log or a scenario
//! ```
//!
//! Each module uses only modules that are below this module in the drawing. The application, picoevent and embassy are
//! the code that runs on a board. A [`TestCase`] names the application and what its clients must receive. All other
//! choices are made at random from a seed. The same seed gives the same simulation on every machine and in every build.
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use picoevent::{ConnMut, Cx, Listener, Pool, Protocol, SetupError, Signal};
//! use picoevent_sim::world::{Script, TestCase};
//!
//! struct Nine;
//!
//! impl Protocol<Nine> for Nine {
//!     fn opened(_: &mut Nine, conn: &mut ConnMut<Nine>) {
//!         let _ = conn.write(b"9");
//!         conn.close();
//!     }
//!
//!     fn readable(_: &mut Nine, _: &mut ConnMut<Nine>) {}
//! }
//!
//! fn start(cx: &mut Cx<Nine>, address: SocketAddr, clients: Pool) -> Result<Listener, SetupError> {
//!     cx.on_signal(Signal::INT, |_, event| event.exit())?;
//!     let clients = cx.add_pool(clients)?;
//!     cx.listen::<Nine>(address, clients)
//! }
//!
//! TestCase::new("nine", 7000, || Nine, start)
//!     .client(|_| Script::new().expect(b"9").expect_end())
//!     .check(0..100);
//! ```
//!
//! `docs/simulation.md` describes a simulation and its verdicts.

mod cases;
mod choices;
mod device;
mod network;
mod observe;
mod peers;
mod simulation;

pub use cases::any_test_case::AnyTestCase;
pub use cases::log_observer::LogObserver;
pub use cases::report::{Report, choice_log_text, test_text};
pub use cases::shrink::{LIMIT, Shrunk, shrink};
pub use cases::simulator::Simulator;
pub use cases::sweep::{Failure, Sweep, Tally};
pub use cases::test_case::TestCase;
pub use choices::choice_log::{Choice, ChoiceLog, ChoiceLogError};
pub use choices::choice_point::{ChoicePoint, Stream};
pub use choices::fault::{Fault, FaultDirection};
pub use choices::kinds::{AttackKind, Behaviour, FaultKind, ServerFaultKind, UdpBehaviour};
pub use choices::scenario::{Scenario, ScenarioError};
pub use choices::seed;
pub use choices::server_fault::ServerFault;
pub use device::size::Size;
pub use network::cable::Cable;
pub(crate) use network::segment::describe;
pub use observe::function::Function;
pub use observe::observer::{
    About, Callback, ClientEvent, Direction, Fate, Frame, Object, Observer, ServerEvent, Treatment,
    UdpClientEvent,
};
pub use peers::script::{Choices, Script};
pub use peers::server::{Server, server_address, server_address_v6};
pub use peers::service::{Scripted, Service, Session};
pub use peers::udp_server::{UdpReply, UdpServer, unused_address};
pub use picoevent_embassy::{Config, Sockets, UdpSockets};
pub use simulation::verdict::{Kind, Outcome, Verdict};
pub use simulation::waits::Waits;
