//! The functions of the time client and of the wall clock.

use picoevent::{Cx, EventBase, Storage};
use picoevent_dns::{HasResolver, Resolver, ResolverMut};
use picoevent_sntp::{self as sntp, Client, HasClock, SyncError, Synced, WallTime};

use crate::unknown::{address, any, duration, word};

/// An application with a clock.
struct App {
    clock: Client,
    names: Resolver<App, 1, 2>,
}

impl HasClock for App {
    fn clock(&mut self) -> &mut Client {
        &mut self.clock
    }

    fn synced(&mut self, cx: &mut Cx<'_, Self>, result: Result<Synced, SyncError>) {
        any((self, cx, result.is_ok()));
    }
}

impl HasResolver for App {
    fn resolver(&mut self) -> ResolverMut<'_, Self> {
        self.names.as_mut()
    }
}

pub fn every_function() {
    let mut storage = Storage::<App, 2, 0, 64, 0, 0, 0, 2>::new();
    let mut base = EventBase::new(any(&mut storage));
    let mut app = App { clock: any(Client::new()), names: any(Resolver::new()) };
    any(&mut app.clock).set_servers(any(&[address()]));
    any(sntp::start(any(&mut app), any(&mut *base), duration())).ok();
    any(sntp::start_by_name(any(&mut app), any(&mut *base), word(), duration())).ok();
    while let Some(fired) = any(&mut base).next() {
        any(fired).call(any(&mut app), any(&mut *base));
    }
    if let Some(time) = app.clock.wall(any(base.now())) {
        any((
            time.unix(),
            time.unix_micros(),
            time.error(),
            time.date(),
            time.time(),
            time.weekday(),
        ));
        any((time.iso(), time.http()));
    }
    any(WallTime::from_unix_micros(any(1), any(2)));
    sntp::stop(any(&mut app), any(&mut *base));
}
