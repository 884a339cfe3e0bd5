//! Optional hooks: parts of the loop that a firmware contains only if it uses them.
//!
//! The linker keeps only the code that can be reached. Some code is reached only through pointers: the code for
//! one-shot events, timers of events, alarms and reconnects of connections, connections in memory, static output,
//! sources, watchers and the dispatch limit. The verbs that make such objects set the pointers. So a firmware that
//! never calls these verbs does not contain the code. Nothing else about these parts is optional.

use crate::error::AddError;
use crate::event::OnEvent;
use crate::handle::{Conn, Event, Source};
use crate::outbox::Action;
use crate::timers::Alarm;
use crate::{Cx, EventFlags, Instant, Wait};

type Put<A, T, R> = Option<fn(&mut Cx<'_, A>, Event, T) -> R>;
type Expire<A> = Option<fn(&mut Cx<'_, A>, Option<&Alarm>, Instant) -> Instant>;
type Output<A> = Option<for<'c> fn(&'c Cx<'_, A>, Conn) -> (&'c [u8], &'c [u8])>;
type Sent<A> = Option<fn(&mut Cx<'_, A>, Conn, usize) -> usize>;
type Carry<A> = Option<fn(&mut Cx<'_, A>, u16, u8) -> bool>;
type Next<A, T, R> = Option<fn(&mut Cx<'_, A>, T) -> Option<R>>;

/// The reason for a call of the one-shot hook.
#[derive(Clone, Copy)]
pub(crate) enum OneShot {
    /// The event fires.
    Fires,
    /// The event's callback has run.
    HasRun,
}

/// The pointers.
pub(crate) struct Hooks<A> {
    /// Makes a one-shot event not pending, when it fires; frees a once-event, when its callback has run.
    pub(crate) one_shot: Option<fn(&mut Cx<'_, A>, Event, OneShot)>,
    /// Re-arms the event in a slot when it fires.
    pub(crate) event_rearm: Option<fn(&mut Cx<'_, A>, u16, EventFlags)>,
    /// Activates the events whose deadline comes before an alarm and no later than a time. Returns the next
    /// deadline, [`Instant::MAX`] if there is none.
    pub(crate) event_expire: Expire<A>,
    /// Handles the alarm of the connection in a slot, if it is due.
    pub(crate) conn_alarm: Option<fn(&mut Cx<'_, A>, u16)>,
    /// Puts an ended connection at rest, until it reconnects.
    pub(crate) conn_rest: Option<fn(&mut Cx<'_, A>, u16)>,
    /// Does an action of the connection in a slot, if the connection is in memory. Returns `false` if the back end
    /// must do the action.
    pub(crate) conn_carry: Carry<A>,
    /// Returns the next part of the output of a connection that may have static bytes.
    pub(crate) static_output: Output<A>,
    /// Counts bytes of that part as sent. Returns the number of bytes that leave the ring.
    pub(crate) static_sent: Sent<A>,
    /// Puts an event on its source's list, or takes it off.
    pub(crate) source_register: Put<A, (Source, bool), Result<(), AddError>>,
    /// Asks the back end to check a source again.
    pub(crate) source_again: Option<fn(&mut Cx<'_, A>, Source)>,
    /// Returns the back end's action for the source in a slot.
    pub(crate) source_action: Next<A, (u16, u8), Action>,
    /// Puts a watcher on its list, or takes it off.
    pub(crate) watcher_register: Put<A, bool, ()>,
    /// Returns the next check watcher to call; `true` begins again with the first watcher.
    pub(crate) watcher_next: Next<A, bool, (OnEvent<A>, Event)>,
    /// Calls the prepare watchers, with the coming wait.
    pub(crate) watcher_prepare: Option<fn(&mut Cx<'_, A>, Wait, &mut A)>,
    /// Returns whether a pass at a level has reached the limit.
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
            conn_carry: None,
            static_output: None,
            static_sent: None,
            source_register: None,
            source_again: None,
            source_action: None,
            watcher_register: None,
            watcher_next: None,
            watcher_prepare: None,
            limit_reached: None,
        }
    }
}
