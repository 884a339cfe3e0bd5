//! A base over storage the compiler knows nothing of, and the turn of a back end.

use core::hint::black_box;

use picoevent::{EventBase, Instant, Run, Storage, Wait};

/// An application that counts its calls. `LOOP` tells one kind of loop from another.
#[derive(Default)]
pub struct App<const LOOP: usize> {
    /// Callbacks so far.
    pub calls: u32,
}

/// Calls `work` with a base, and an application, that has room for what `Storage` says.
pub fn with<const LOOP: usize, const EVENTS: usize, const CONNS: usize, const RING: usize>(
    work: impl FnOnce(&mut EventBase<'_, App<LOOP>>, &mut App<LOOP>),
) {
    let mut storage = Storage::<App<LOOP>, EVENTS, CONNS, RING, RING>::new();
    let mut base = EventBase::new(black_box(&mut storage));
    base.begin(Run::NO_EXIT_ON_EMPTY);
    work(black_box(&mut base), black_box(&mut App::default()));
}

/// Takes all actions, as a back end does that has nothing to do for them.
#[inline(always)]
pub fn take_actions<A>(base: &mut EventBase<'_, A>) {
    while let Some(action) = base.next_action() {
        black_box(action);
    }
}

/// One turn of a back end in which nothing is waited for: every step of it but the feeding.
#[inline(always)]
pub fn turn<A>(base: &mut EventBase<'_, A>, app: &mut A, now: Instant) {
    base.prepare(app);
    take_actions(base);
    assert!(!matches!(base.wait(), Wait::Ended(_)), "the loop goes on");
    base.advance(now);
    base.dispatch(app);
}
