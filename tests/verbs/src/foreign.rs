//! Handles of another base, whose slots the base under test does not have.

use std::sync::LazyLock;

use picoevent::{Conn, Event, EventBase, Listener, Mode, Source, Storage};

/// One of each kind.
pub struct Foreign {
    pub event: Event,
    pub conn: Conn,
    pub listener: Listener,
    pub source: Source,
}

/// Their slots lie behind the last of every table that is driven.
pub static FOREIGN: LazyLock<Foreign> = LazyLock::new(|| {
    let mut storage = Box::new(Storage::<(), 8, 8, 1, 1, 8, 8>::new());
    let mut base = EventBase::new(&mut storage);
    let address = "127.0.0.1:9".parse().unwrap();
    let mut last = None;
    for _ in 0..8 {
        last = Some(Foreign {
            event: base.new_timer(Mode::OneShot, |(), _, _, _| {}).unwrap(),
            conn: base.connect(address).unwrap(),
            listener: base.listen(address, |(), _, _| {}).unwrap(),
            source: base.new_source().unwrap(),
        });
    }
    last.unwrap()
});
