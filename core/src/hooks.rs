//! Optional hooks: pointers to the optional parts of the loop. A firmware contains the code of an optional part only if
//! it uses this part.
//!
//! The linker keeps only code that can be reached. The loop calls the following parts only through the pointers in
//! [`Hooks`]:
//!
//! * one-shot events, and timers of events,
//! * alarms and reconnects of connections,
//! * connections in memory, and static output,
//! * sources and watchers,
//! * the dispatch limit.
//!
//! An application begins to use a part with certain methods, and these methods set the pointers of the part. For
//! example, [`Cx::after`](crate::Cx::after) sets the pointer for one-shot events. A firmware that calls none of these
//! methods does not contain the code of the part.

use crate::error::AddError;
use crate::event::OnEvent;
use crate::handle::{Conn, Event, Source};
use crate::outbox::Action;
use crate::timers::Alarm;
use crate::{Cx, EventFlags, Instant, Wait};

type Register<A, T, R> = Option<fn(&mut Cx<'_, A>, Event, T) -> R>;
type Expire<A> = Option<fn(&mut Cx<'_, A>, Option<&Alarm>, Instant) -> Instant>;
type Output<A> = Option<for<'c> fn(&'c Cx<'_, A>, Conn, usize) -> (&'c [u8], &'c [u8])>;
type Sent<A> = Option<fn(&mut Cx<'_, A>, Conn, usize) -> usize>;
type Act<A> = Option<fn(&mut Cx<'_, A>, u16, u8) -> bool>;
type Next<A, T, R> = Option<fn(&mut Cx<'_, A>, T) -> Option<R>>;

/// The reason for a call of the one-shot hook.
#[derive(Clone, Copy)]
pub(crate) enum OneShot {
    /// The event fires.
    Fires,
    /// The event's callback has run.
    HasRun,
}

/// The reason for a call of the alarm hook.
#[derive(Clone, Copy)]
pub(crate) enum ConnAlarm {
    /// A deadline of the connection has passed. It may be the time of the alarm.
    Expired,
    /// The `alarm` callback runs next.
    Fires,
}

/// The pointers to the optional parts. A pointer is `None` until the application uses its part.
pub(crate) struct Hooks<A> {
    /// Makes a one-shot event not pending, when the event fires. Frees an event with the flag `FREE`, when its callback
    /// has run.
    pub(crate) one_shot: Option<fn(&mut Cx<'_, A>, Event, OneShot)>,
    /// Re-arms the event in a slot when it fires.
    pub(crate) event_rearm: Option<fn(&mut Cx<'_, A>, u16, EventFlags)>,
    /// Activates the events whose deadline is at the given time or earlier. If an alarm is given, activates only the
    /// events whose own alarm precedes the given alarm. Returns the earliest deadline of the other events;
    /// [`Instant::MAX`] if there is none.
    pub(crate) event_expire: Expire<A>,
    /// Handles the alarm of the connection in a slot.
    pub(crate) conn_alarm: Option<fn(&mut Cx<'_, A>, u16, ConnAlarm)>,
    /// Puts an ended connection at rest, until it reconnects.
    pub(crate) conn_rest: Option<fn(&mut Cx<'_, A>, u16)>,
    /// Carries out an action of the connection in a slot, if the connection is in memory. Returns `false` if the back
    /// end must carry out the action.
    pub(crate) conn_act: Act<A>,
    /// Returns the next part of the output of a connection that may have static bytes.
    pub(crate) static_output: Output<A>,
    /// Counts bytes as sent: bytes of the part of the output that `static_output` returned. Returns the number of bytes
    /// to remove from the output ring.
    pub(crate) static_sent: Sent<A>,
    /// Adds an event to the list of its source, or removes it from the list.
    pub(crate) source_register: Register<A, (Source, bool), Result<(), AddError>>,
    /// Requests that the back end checks the source of the event in a slot again, if the event waits for a source and is
    /// level-triggered.
    pub(crate) source_recheck: Option<fn(&mut Cx<'_, A>, u16)>,
    /// Returns the back end's action for the source in a slot.
    pub(crate) source_action: Next<A, (u16, u8), Action>,
    /// Adds a watcher to its list, or removes it from the list.
    pub(crate) watcher_register: Register<A, bool, ()>,
    /// Returns the next check watcher to call. With the argument `true`, begins with the first watcher.
    pub(crate) watcher_next: Next<A, bool, (OnEvent<A>, Event)>,
    /// Calls the prepare watchers. The argument [`Wait`] describes the wait that begins after their calls.
    pub(crate) watcher_prepare: Option<fn(&mut Cx<'_, A>, Wait, &mut A)>,
    /// Returns whether the current pass has reached the dispatch limit. The argument is the priority level of the pass.
    pub(crate) limit_reached: Option<fn(&Cx<'_, A>, u8) -> bool>,
}

impl<A> Hooks<A> {
    pub(crate) const fn new() -> Self {
        Self {
            one_shot: None,
            event_rearm: None,
            event_expire: None,
            conn_alarm: None,
            conn_rest: None,
            conn_act: None,
            static_output: None,
            static_sent: None,
            source_register: None,
            source_recheck: None,
            source_action: None,
            watcher_register: None,
            watcher_next: None,
            watcher_prepare: None,
            limit_reached: None,
        }
    }
}
