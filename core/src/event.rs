//! Events: what the application waits for, and the function to call when it happens.
//!
//! An event waits for readiness of a source, for a signal, or for nothing but its timeout and the
//! application's own [`activate`](EventMut::activate): libevent's one type, with its rules. While
//! it is *pending* it can become *active*; while it is active its callback is due. A one-shot event
//! is no longer pending when its callback runs; a persistent one stays, and its timeout is set
//! again before the callback, never in a burst for periods that were missed.
//!
//! | file | holds |
//! |---|---|
//! | `slot.rs` | what an event's slot keeps |
//! | `verbs.rs` | what an application does with an event |
//! | `firing.rs` | how an event becomes active, and what firing does besides the call |
//! | `deadline.rs` | how its timeout begins, moves, passes and is set again |
//! | `registration.rs`, `interest.rs` | the list of events that wait for the same source or signal |

mod deadline;
mod firing;
mod interest;
mod registration;
mod slot;
mod verbs;

pub(crate) use interest::{InterestLinks, Waiting};
pub use slot::EventSlot;
pub(crate) use slot::{Waits, flag};
pub use verbs::EventMut;

#[cfg(doc)]
use crate::Cx;

/// An event's callback: the application, and the event.
///
/// The event is the loop, too, as [`EventMut`] dereferences to [`Cx`]; [`EventMut::what`] says what came true.
pub type OnEvent<A> = fn(&mut A, &mut EventMut<'_, '_, A>);

/// Whether an event stays pending when it fires (`EV_PERSIST`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mode {
    /// It fires once and must be added again.
    OneShot,
    /// It stays until it is deleted; its timeout becomes an interval.
    Persist,
}
