//! An event's slot: 40 bytes on a 32-bit target. Its timer takes 16 more.

use super::OnEvent;
use crate::handle::{Handle, Source, kind};
use crate::queue::{Link, Turn};
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

/// The flags of an event, in the word of its [`Turn`].
pub(crate) mod flag {
    use crate::queue::Turn;

    /// It has a deadline.
    pub(crate) const ARMED: u32 = 1 << Turn::FLAGS;
    /// On the list of its source or signal, or among the watchers.
    pub(crate) const REGISTERED: u32 = ARMED << 1;
    /// It was made as [`Mode::OneShot`](crate::Mode::OneShot).
    pub(crate) const ONE_SHOT: u32 = ARMED << 2;
    /// It is deleted when it fires: a one-shot event that is pending.
    pub(crate) const DELETE: u32 = ARMED << 3;
    /// Its slot is given back when its callback has run.
    pub(crate) const FREE: u32 = ARMED << 4;
    /// It is re-armed with its interval when it fires.
    pub(crate) const REARM: u32 = ARMED << 5;
    /// It waits for a source and is level-triggered: when it fires, the back end is asked to check the
    /// source again.
    pub(crate) const ASK: u32 = ARMED << 6;
    /// Its signal was raised more than once.
    pub(crate) const RAISES: u32 = ARMED << 7;
    /// The on-fire flags: with any of them, firing does more than call the callback.
    pub(crate) const ON_FIRE: u32 = DELETE | FREE | REARM | ASK | RAISES;

    /// What it waits for: one of the five values below, or nothing.
    pub(crate) const WAITS: u32 = 0b111 << (Turn::FLAGS + 8);
    pub(crate) const SOURCE: u32 = 1 << (Turn::FLAGS + 8);
    pub(crate) const SIGNAL: u32 = 2 << (Turn::FLAGS + 8);
    pub(crate) const PREPARE: u32 = 3 << (Turn::FLAGS + 8);
    pub(crate) const CHECK: u32 = 4 << (Turn::FLAGS + 8);
    pub(crate) const NETWORK: u32 = 5 << (Turn::FLAGS + 8);
}

/// Room for one event, in a [`Memory`](crate::memory::Memory).
pub struct EventSlot<A> {
    /// The interval in microseconds, if [`flag::REARM`] is set.
    pub(super) interval: u64,
    pub(crate) call: Option<OnEvent<A>>,
    pub(crate) user: u32,
    pub(crate) turn: Turn,
    head: Head,
    /// The number of its signal, or the slot of its source.
    waits: u16,
    /// The generation of its source, or the number of callbacks due for raises of its signal.
    /// [`flag::RAISES`] is set if that number is above one.
    more: u16,
    /// Its link on the list of its source, of all signals, of the network, or of watchers.
    pub(crate) waiting: Link,
}

impl<A> Slot for EventSlot<A> {
    type Kind = kind::Event;

    const EMPTY: Self = Self {
        interval: 0,
        call: None,
        user: 0,
        turn: Turn::EMPTY,
        head: Head::EMPTY,
        waits: 0,
        more: 0,
        waiting: Link::EMPTY,
    };

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn renew(&mut self) {
        self.turn = Turn::EMPTY;
    }
}

impl<A> EventSlot<A> {
    /// Returns whether the event waits for this signal. Only for events that wait for signals.
    pub(crate) const fn is_for(&self, signal: Signal) -> bool {
        self.waits as u8 == signal.number()
    }

    pub(crate) const fn waits(&self) -> Waits {
        match self.turn.state & flag::WAITS {
            flag::SOURCE => Waits::Source(self.source()),
            flag::SIGNAL => match Signal::new(self.waits as u8) {
                Some(signal) => Waits::Signal(signal),
                None => Waits::Nothing,
            },
            flag::PREPARE => Waits::Watcher(When::Prepare),
            flag::CHECK => Waits::Watcher(When::Check),
            flag::NETWORK => Waits::Watcher(When::Network),
            _ => Waits::Nothing,
        }
    }

    /// Returns the event's source. Only for events that wait for a source.
    pub(super) const fn source(&self) -> Source {
        Handle::new(self.waits, self.more)
    }

    /// Sets up an event in a slot that has just been taken.
    pub(crate) fn begin(
        &mut self,
        call: OnEvent<A>,
        waits: Waits,
        flags: u32,
        interest: EventFlags,
    ) {
        (self.call, self.user, self.more) = (Some(call), 0, 0);
        let waits = self.set_waits(waits);
        self.turn = self.turn.begin(waits | flags, interest.bits());
    }

    /// Sets the object that the event waits for. Returns the flag of its kind.
    const fn set_waits(&mut self, waits: Waits) -> u32 {
        match waits {
            Waits::Nothing => 0,
            Waits::Source(source) => {
                (self.waits, self.more) = (source.slot(), source.generation());
                flag::SOURCE
            }
            Waits::Signal(signal) => {
                self.waits = signal.number() as u16;
                flag::SIGNAL
            }
            Waits::Watcher(When::Prepare) => flag::PREPARE,
            Waits::Watcher(When::Check) => flag::CHECK,
            Waits::Watcher(When::Network) => flag::NETWORK,
        }
    }

    pub(crate) const fn has(&self, flags: u32) -> bool {
        self.turn.has(flags)
    }

    pub(crate) const fn interest(&self) -> EventFlags {
        EventFlags::from_bits(self.turn.interest())
    }

    /// Sets or clears [`flag::ARMED`] or [`flag::REGISTERED`]. A one-shot event that is pending is
    /// deleted when it fires.
    pub(crate) fn set_pending(&mut self, flags: u32, set: bool) {
        self.turn.set(flags, set);
        let pending = self.has(flag::ARMED | flag::REGISTERED);
        self.turn.set(flag::DELETE, pending && self.has(flag::ONE_SHOT));
    }

    /// Counts raises of the event's signal. Forgets raises whose callbacks have run.
    pub(crate) fn count_raises(&mut self, raises: u16) {
        if self.turn.state & flag::WAITS != flag::SIGNAL {
            return;
        }
        let due = EventFlags::from_bits(self.turn.due()).contains(EventFlags::SIGNAL);
        self.more = if due { self.more.saturating_add(raises) } else { raises };
        if self.more > 1 {
            self.turn.set(flag::RAISES, true);
        }
    }

    /// Returns the number of raises without the raise whose callback runs now, and resets it.
    pub(super) const fn take_further_raises(&mut self) -> u16 {
        self.turn.set(flag::RAISES, false);
        core::mem::replace(&mut self.more, 0).saturating_sub(1)
    }

    /// Returns the conditions that the event waits for, except its timeout.
    pub(crate) fn pending(&self) -> EventFlags {
        match self.turn.state & flag::WAITS {
            flag::SOURCE if self.has(flag::REGISTERED) => self.interest() & EventFlags::IO,
            flag::SIGNAL if self.has(flag::REGISTERED) => EventFlags::SIGNAL,
            _ => EventFlags::NONE,
        }
    }
}
