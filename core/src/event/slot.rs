//! An event's slot: 40 bytes on a 32-bit target. The timer of an event takes 16 more bytes.

use super::OnEvent;
use crate::handle::{Handle, Source, kind};
use crate::queue::{Link, Node};
use crate::table::{Head, Slot};
use crate::watcher::When;
use crate::{EventFlags, Signal};

/// The object that an event waits for, besides its timeout.
#[derive(Clone, Copy)]
pub(crate) enum Waits {
    Nothing,
    Source(Source),
    Signal(Signal),
    Watcher(When),
}

/// The flags of an event, in the word of its [`Node`].
pub(crate) mod flag {
    use crate::queue::Node;

    /// The event has a deadline.
    pub(crate) const ARMED: u32 = 1 << Node::FLAGS;
    /// The event is on the list of its source, on the list of all signals, or on a list of watchers.
    pub(crate) const REGISTERED: u32 = ARMED << 1;
    /// The event was made as [`Mode::OneShot`](crate::Mode::OneShot).
    pub(crate) const ONE_SHOT: u32 = ARMED << 2;
    /// The event is a one-shot event and is pending. When it fires, it must be deleted, that is, made not pending.
    pub(crate) const DELETE: u32 = ARMED << 3;
    /// The event's slot is freed when its callback has run.
    pub(crate) const FREE: u32 = ARMED << 4;
    /// The event is re-armed with its interval when it fires.
    pub(crate) const REARM: u32 = ARMED << 5;
    /// The event waits for a source and is level-triggered. When the event fires, the back end is requested to check
    /// the source again.
    pub(crate) const RECHECK: u32 = ARMED << 6;
    /// The event's signal was raised more than once.
    pub(crate) const RAISES: u32 = ARMED << 7;
    /// The on-fire flags. If any of these flags is set and the event fires, the loop must do more than call the
    /// callback.
    pub(crate) const ON_FIRE: u32 = DELETE | FREE | REARM | RECHECK | RAISES;

    /// The bits for the kind of object that the event waits for: `SOURCE`, `SIGNAL`, `PREPARE`, `CHECK`, `NETWORK`, or
    /// zero for no object.
    pub(crate) const WAITS: u32 = 0b111 << (Node::FLAGS + 8);
    pub(crate) const SOURCE: u32 = 1 << (Node::FLAGS + 8);
    pub(crate) const SIGNAL: u32 = 2 << (Node::FLAGS + 8);
    pub(crate) const PREPARE: u32 = 3 << (Node::FLAGS + 8);
    pub(crate) const CHECK: u32 = 4 << (Node::FLAGS + 8);
    pub(crate) const NETWORK: u32 = 5 << (Node::FLAGS + 8);
}

/// Room for one event, in a [`Memory`](crate::memory::Memory).
pub struct EventSlot<A> {
    /// The interval in microseconds, if [`flag::REARM`] is set.
    pub(super) interval: u64,
    pub(crate) call: Option<OnEvent<A>>,
    pub(crate) user: u32,
    pub(crate) node: Node,
    head: Head,
    /// The number of the event's signal, or the slot index of its source.
    signal_or_source: u16,
    /// If the event waits for a source, this field is the generation of the source. If the event waits for a signal,
    /// this field is the number of times that the callback must be called: once for each raise of the signal. If this
    /// number is above one, [`flag::RAISES`] is set.
    generation_or_raises: u16,
    /// The event's link on one list: the list of its source, the list of all signals, or a list of watchers.
    pub(crate) waiting: Link,
}

impl<A> Slot for EventSlot<A> {
    type Kind = kind::Event;

    const EMPTY: Self = Self {
        interval: 0,
        call: None,
        user: 0,
        node: Node::EMPTY,
        head: Head::EMPTY,
        signal_or_source: 0,
        generation_or_raises: 0,
        waiting: Link::EMPTY,
    };

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn renew(&mut self) {
        self.node = Node::EMPTY;
    }
}

impl<A> EventSlot<A> {
    /// Returns whether the event waits for this signal. Call it only for events that wait for signals.
    pub(crate) const fn is_for(&self, signal: Signal) -> bool {
        self.signal_or_source as u8 == signal.number()
    }

    pub(crate) const fn waits(&self) -> Waits {
        match self.node.state & flag::WAITS {
            flag::SOURCE => Waits::Source(self.source()),
            flag::SIGNAL => match Signal::new(self.signal_or_source as u8) {
                Some(signal) => Waits::Signal(signal),
                None => Waits::Nothing,
            },
            flag::PREPARE => Waits::Watcher(When::Prepare),
            flag::CHECK => Waits::Watcher(When::Check),
            flag::NETWORK => Waits::Watcher(When::Network),
            _ => Waits::Nothing,
        }
    }

    /// Returns the event's source. Call it only for events that wait for a source.
    pub(crate) const fn source(&self) -> Source {
        Handle::new(self.signal_or_source, self.generation_or_raises)
    }

    /// Sets up an event in a slot that has just been taken.
    pub(crate) fn begin(
        &mut self,
        call: OnEvent<A>,
        waits: Waits,
        flags: u32,
        interest: EventFlags,
    ) {
        (self.call, self.user, self.generation_or_raises) = (Some(call), 0, 0);
        let waits = self.set_waits(waits);
        self.node = self.node.begin(waits | flags, interest.bits());
    }

    /// Sets the object that the event waits for. Returns the flag for the kind of this object.
    const fn set_waits(&mut self, waits: Waits) -> u32 {
        match waits {
            Waits::Nothing => 0,
            Waits::Source(source) => {
                (self.signal_or_source, self.generation_or_raises) =
                    (source.slot(), source.generation());
                flag::SOURCE
            }
            Waits::Signal(signal) => {
                self.signal_or_source = signal.number() as u16;
                flag::SIGNAL
            }
            Waits::Watcher(When::Prepare) => flag::PREPARE,
            Waits::Watcher(When::Check) => flag::CHECK,
            Waits::Watcher(When::Network) => flag::NETWORK,
        }
    }

    pub(crate) const fn has(&self, flags: u32) -> bool {
        self.node.has(flags)
    }

    pub(crate) const fn interest(&self) -> EventFlags {
        EventFlags::from_bits(self.node.interest())
    }

    /// Sets or clears [`flag::ARMED`] or [`flag::REGISTERED`]. Then sets [`flag::DELETE`] if the event is a one-shot
    /// event and is pending, and clears it if not.
    pub(crate) fn set_pending(&mut self, flags: u32, set: bool) {
        self.node.set(flags, set);
        let pending = self.has(flag::ARMED | flag::REGISTERED);
        self.node.set(flag::DELETE, pending && self.has(flag::ONE_SHOT));
    }

    /// Adds `raises` to the number of times that the callback must be called for the event's signal. If the callback is
    /// not due, this number is zero before the addition.
    pub(crate) fn count_raises(&mut self, raises: u16) {
        if self.node.state & flag::WAITS != flag::SIGNAL {
            return;
        }
        let due = EventFlags::from_bits(self.node.due()).contains(EventFlags::SIGNAL);
        self.generation_or_raises =
            if due { self.generation_or_raises.saturating_add(raises) } else { raises };
        if self.generation_or_raises > 1 {
            self.node.set(flag::RAISES, true);
        }
    }

    /// Returns how many calls of the callback must follow the first call: one for each further raise of the signal.
    /// Resets the count of raises.
    pub(super) const fn take_further_raises(&mut self) -> u16 {
        self.node.set(flag::RAISES, false);
        core::mem::replace(&mut self.generation_or_raises, 0).saturating_sub(1)
    }

    /// Returns the conditions that the event waits for, except its timeout.
    pub(crate) fn pending(&self) -> EventFlags {
        match self.node.state & flag::WAITS {
            flag::SOURCE if self.has(flag::REGISTERED) => self.interest() & EventFlags::IO,
            flag::SIGNAL if self.has(flag::REGISTERED) => EventFlags::SIGNAL,
            _ => EventFlags::NONE,
        }
    }
}
