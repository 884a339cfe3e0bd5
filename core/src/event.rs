//! Events: conditions that the application waits for, each with the function to call.
//!
//! An event waits for readiness of a source, for a signal, or only for its timeout and for
//! [`activate`](EventMut::activate). As in libevent, all these events have one type and follow the same rules. While an
//! event is *pending*, it can become *active*. While it is active, its callback is due. A one-shot event is no longer
//! pending when its callback runs. A persistent event stays pending, and its timeout is re-armed before the callback
//! runs. Missed periods are skipped.
//!
//! | file | holds |
//! |---|---|
//! | `slot.rs` | an event's slot |
//! | `verbs.rs` | the application's methods |
//! | `firing.rs` | activation and firing |
//! | `deadline.rs` | the timeout: arming, expiry, re-arming |
//! | `registration.rs`, `list.rs` | the lists of events that wait for a source or for signals |

mod deadline;
mod firing;
mod list;
mod registration;
mod slot;
mod verbs;

pub(crate) use list::{EventLinks, EventList};
pub use slot::EventSlot;
pub(crate) use slot::{Waits, flag};
pub use verbs::EventMut;

#[cfg(doc)]
use crate::Cx;

/// An event's callback. Its arguments are the application and the event.
///
/// [`EventMut`] dereferences to [`Cx`], so the callback can call the methods of the loop on the event.
/// [`EventMut::what`] returns the conditions for which the callback is called.
pub type OnEvent<A> = fn(&mut A, &mut EventMut<'_, '_, A>);

/// Whether an event fires once, or stays pending when it fires (`EV_PERSIST`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mode {
    /// The event fires once. It must be added again before it can fire again.
    OneShot,
    /// The event stays pending until it is deleted. If it has a timeout, the timeout starts again each time the event
    /// fires.
    Persist,
}
