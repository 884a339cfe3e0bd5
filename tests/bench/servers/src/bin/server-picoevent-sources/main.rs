//! A server on picoevent's host back end. The server uses an event for each descriptor, and no connections of
//! picoevent.

mod sources;

use picoevent::{End, EventBase, EventFlags, Mode, Storage};
use picoevent_bench_servers::harness::{Harness, fail, listener};
use picoevent_mio::Live;
use sources::Server;
use static_cell::ConstStaticCell;

/// One event for the listener and one for each client. There are no slots for connections.
type Events = Storage<Server, 10240, 0, 0, 0, 0, 10240>;

static STORAGE: ConstStaticCell<Events> = ConstStaticCell::new(Storage::new());

fn main() {
    let mut harness = Harness::begin();
    harness.set_reserved(size_of::<Events>());
    let failed = serve(Server::new(harness, listener()));
    fail(failed.unwrap_or_else(|error| error.to_string()))
}

/// Serves until the workload is done. Then the process exits. If the loop ends earlier, returns how the loop ended.
///
/// A source for a descriptor can be made only with the back end, which callbacks cannot access. So the callback that
/// accepts a client requests a break of the loop. This function then adds the source and runs the loop again.
fn serve(mut server: Server) -> Result<String, Box<dyn std::error::Error>> {
    let mut base = EventBase::new(STORAGE.take());
    let mut live = Live::new()?;
    let source = live.add_source(&mut base, &server.listener)?;
    let event = base.new_event(source, EventFlags::READ, Mode::Persist, Server::accept)?;
    base.event(event)?.add(None)?;
    live.settle(&mut base)?;
    server.listening()?;
    loop {
        let end = live.run(&mut base, &mut server)?;
        let (End::Break, Some(socket)) = (end, server.accepted.take()) else {
            return Ok(format!("the loop has ended: {end:?}"));
        };
        let source = live.add_source(&mut base, &socket)?;
        let event = base.new_event(source, EventFlags::READ, Mode::Persist, Server::serve)?;
        let index = server.add_conn(socket, source, event);
        base.event(event)?.set_user(index);
        base.event(event)?.add(None)?;
    }
}
