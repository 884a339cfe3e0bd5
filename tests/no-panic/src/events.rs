//! The functions of events.

use picoevent::EventMut;

use crate::unknown::{any, duration, maybe_duration, mode, priority, signal, what};
use crate::{App, Base, values};

fn call(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    any((app, event));
}

pub fn every_function(base: &mut Base<'_>) {
    let Ok(source) = base.new_source() else { return };
    let source = any(source);
    any(base.new_event(source, what(), mode(), call)).ok();
    any(base.new_signal(signal(), mode(), call)).ok();
    any(base.after(duration(), call)).ok();
    any(base.once(source, what(), maybe_duration(), call)).ok();
    any(base.every(duration(), call)).ok();
    any(base.on_signal(signal(), call)).ok();
    any(base.on_prepare(call)).ok();
    any(base.on_check(call)).ok();
    any(base.wait_to_come());
    any(base.forget_source(source)).ok();
    let Ok(event) = base.new_timer(mode(), call) else { return };
    values::handle(any(event));
    if let Ok(mut view) = any(&mut *base).event(any(event)) {
        each_function(any(&mut view));
    }
    if let Ok(mut view) = any(base).event(any(event)) {
        any(&mut view).free();
    }
}

fn each_function(event: &mut EventMut<'_, '_, App>) {
    any(event.add(maybe_duration())).ok();
    any(&mut *event).activate(what());
    any((event.pending(), event.deadline(), event.remaining(), event.priority(), event.user()));
    any((event.id(), event.what(), event.now()));
    any(any(&mut *event).cx());
    any(&mut *event).set_priority(priority()).ok();
    any(&mut *event).on_fire(call).set_user(any(1));
    any(&mut *event).remove_timeout();
    any(&mut *event).del();
}
