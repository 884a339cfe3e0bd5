//! Triggers and mailboxes, with the critical section that they need.

use core::task::Waker;

use critical_section::RawRestoreState;
use picoevent::{Mailbox, Signal, Trigger};

use crate::unknown::{any, signal};

struct NoCriticalSection;

critical_section::set_impl!(NoCriticalSection);

// SAFETY: the image never runs, so nothing can interrupt a critical section.
unsafe impl critical_section::Impl for NoCriticalSection {
    unsafe fn acquire() -> RawRestoreState {}

    unsafe fn release((): RawRestoreState) {}
}

static MAILBOX: Mailbox<u32, 3> = Mailbox::new(Signal::INT);

pub fn every_function() {
    let trigger = any(Trigger::new(signal()));
    any(&trigger).register(any(Waker::noop()));
    any(&trigger).raise();
    any(any(&trigger).take());
    any(trigger.signal());
    let mailbox = any(&MAILBOX);
    any(mailbox.send(any(1))).ok();
    any((any(mailbox).receive(), any(mailbox).overruns(), any(mailbox).trigger()));
}
