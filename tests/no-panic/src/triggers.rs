//! Triggers, and the critical section that they need.

use core::task::Waker;

use critical_section::RawRestoreState;
use picoevent::Trigger;

use crate::unknown::{any, signal};

struct None;

critical_section::set_impl!(None);

// SAFETY: the image never runs, so nothing can come between.
unsafe impl critical_section::Impl for None {
    unsafe fn acquire() -> RawRestoreState {}

    unsafe fn release((): RawRestoreState) {}
}

pub fn every_verb() {
    let trigger = any(Trigger::new(signal()));
    any(&trigger).register(any(Waker::noop()));
    any(&trigger).raise();
    any(any(&trigger).take());
    any(trigger.signal());
}
