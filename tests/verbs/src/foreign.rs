//! Handles of another base. The base under test has no slots with their indices.

use std::sync::LazyLock;

use picoevent::{Conn, Event, EventBase, Listener, Mode, Pool, Settings, Source, Storage};

/// A handle of each kind.
pub struct Foreign {
    pub event: Event,
    pub conn: Conn,
    pub listener: Listener,
    pub source: Source,
}

static SETTINGS: Settings = Settings::new();

/// Handles whose slot indices are beyond the end of every table under test.
pub static FOREIGN: LazyLock<Foreign> = LazyLock::new(|| {
    let mut storage = Box::new(Storage::<(), 8, 8, 16, 8, 1, 8>::new());
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(Pool::rest().rings(1, 1)).unwrap();
    let address = "127.0.0.1:9".parse().unwrap();
    let mut last = None;
    for _ in 0..8 {
        last = Some(Foreign {
            event: base.new_timer(Mode::OneShot, |(), _| {}).unwrap(),
            conn: base.connect_with(address, pool, &SETTINGS, |(), _, _| {}).unwrap(),
            listener: base.listen_with(address, pool, &SETTINGS, |(), _, _| {}).unwrap(),
            source: base.new_source().unwrap(),
        });
    }
    last.unwrap()
});
