//! Replays a recording: runs the code of the application with the recorded input of its loop.

use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use picoevent::{End, EventBase, Pool, Storage};

use crate::recording::Recorded;
use crate::world::device::panics::{Watched, install_panic_hook, message};
use crate::world::device::program::Program;

/// A storage large enough for any base that is likely to be recorded. The base of the replay uses only a part of the
/// storage, because its tables have the sizes of the recorded base.
type Ample<A> = Storage<A, 1024, 4096, { 16 << 20 }, 64, { Pool::MOST }, 64, 64>;

/// The stack size of the replay's thread. In a debug build, the stack must have room for more than one copy of an
/// [`Ample`].
const STACK: usize = 256 << 20;

pub(super) fn replay<A: 'static>(
    program: &Program<A>,
    recorded: &Recorded,
) -> Result<Option<End>, String> {
    install_panic_hook();
    thread::scope(|scope| {
        let replaying = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || {
            let _watched = Watched::new();
            let ran = catch_unwind(AssertUnwindSafe(|| replay_here(program, recorded)));
            ran.unwrap_or_else(|panic| {
                Err(format!("the application panicked: {}", message(&*panic)))
            })
        });
        let replaying = replaying.map_err(|error| format!("no thread for the replay: {error}"))?;
        replaying.join().unwrap_or_else(|panic| Err(message(&*panic)))
    })
}

fn replay_here<A>(program: &Program<A>, recorded: &Recorded) -> Result<Option<End>, String> {
    let mut replay = recorded.begin()?;
    let sizes = replay.sizes();
    let mut storage = Box::new(Ample::<A>::new());
    let mut base = EventBase::of_sizes((&mut *storage).into(), sizes)
        .ok_or_else(|| format!("a base of {sizes} is too large for the replay"))?;
    let any_address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, program.port));
    let mut app = (program.make)();
    let address = replay.listens_on().unwrap_or(any_address);
    let clients = replay.first_pool().unwrap_or(Pool::rest());
    replay.prepare(&mut base);
    (program.start)(&mut app, &mut base, address, clients)
        .map_err(|error| format!("the application cannot start: {error}"))?;
    let replayed = replay.finish(&mut base, &mut app);
    replayed.map_err(|error| error.to_string())
}
