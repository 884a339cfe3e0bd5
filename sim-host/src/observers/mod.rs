//! Shows simulations: in capture files, in timelines and on a terminal. Shows the results of sweeps as HTML pages.
//!
//! The captures, the timelines and the terminal are [observers](crate::world::Observer) of one simulation. A page is
//! made from the tally of a sweep. To read an observer after the simulation, share the observer in an `Rc<RefCell<…>>`,
//! as in the example. To use several observers at once, put them into a `Vec`.
//!
//! ```no_run
//! use std::cell::RefCell;
//! use std::rc::Rc;
//!
//! use picoevent_sim::observers::Capture;
//! use picoevent_sim::world::{Simulator, AnyTestCase};
//!
//! # fn capture(case: &dyn AnyTestCase) -> std::io::Result<()> {
//! let capture = Rc::new(RefCell::new(Capture::new("seed 17")));
//! let mut simulator = Simulator::new();
//! simulator.take_seed(17);
//! simulator.observe(Box::new(capture.clone()));
//! case.run(&mut simulator);
//! std::fs::write("17.pcapng", capture.borrow().file())
//! # }
//! ```

mod capture;
mod chrome;
mod page;
mod pcapng;
mod shared;
mod show;
mod trace;
pub(crate) mod words;

pub use capture::Capture;
pub use page::page;
pub use show::{Show, Style};
pub use trace::Trace;
