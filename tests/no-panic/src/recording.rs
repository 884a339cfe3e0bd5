//! Recordings: how they are made, dumped and replayed.

use picoevent::record::{Entries, Entry, Keep, Recording, Replay, Text};
use picoevent::{EventBase, Storage};

use crate::unknown::any;
use crate::{App, Base};

static FIRST: Recording<200> = Recording::new(Keep::First);
static LAST: Recording<33> = Recording::new(Keep::Last);

/// Starts a recording.
pub fn begin(base: &mut Base<'_>) {
    base.record_to(if any(true) { &FIRST } else { &LAST });
    any(base.sizes());
}

pub fn every_function() {
    FIRST.dump(|line| _ = any(line));
    LAST.dump(|line| _ = any(line));
    any((FIRST.len(), LAST.is_empty()));
    lines();
    let bytes = any([0_u8; 64]);
    if let Some(Ok((_, entry))) = Entries::of(any(&bytes)).next() {
        entry.encode(|piece| _ = any(piece));
        any(entry == Entry::Passed);
    }
    let Ok(mut replay) = Replay::new(any(&bytes)) else { return };
    any((replay.first_pool(), replay.listens_on(), replay.iteration()));
    let mut storage = Storage::<App, 8, 4, 64, 2, 3, 2, 2>::new();
    let Some(mut base) = EventBase::of_sizes(any(&mut storage).into(), replay.sizes()) else {
        return;
    };
    any(&replay).prepare(any(&mut base));
    any(replay.run(any(&mut base), &mut App).is_ok());
    any(replay.finish(any(&mut base), &mut App).is_ok());
}

fn lines() {
    let mut text = Text::new();
    any(&*Text::header());
    any(&*any(&mut text).data(any(&[0; 40])));
    any(&*any(&mut text).end(any(1), any(1)));
    any((text.offset(), text.end_check(any(1), any(1)), Text::check(any(1), any(&[]))));
}
