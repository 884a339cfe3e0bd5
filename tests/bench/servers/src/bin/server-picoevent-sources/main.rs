//! picoevent on its live back end, with an event for each descriptor instead of connections.

mod sources;

use picoevent::{End, EventBase, EventFlags, Mode, Storage};
use picoevent_bench_servers::agreement::{Agreement, fail, listener};
use picoevent_mio::Live;
use sources::Server;
use static_cell::ConstStaticCell;

/// One event for the listener and one for each client. The connections of picoevent are not used.
type Events = Storage<Server, 10240, 0, 0, 0, 0, 10240>;

static STORAGE: ConstStaticCell<Events> = ConstStaticCell::new(Storage::new());

fn main() {
    let mut agreement = Agreement::begin();
    agreement.reserved(size_of::<Events>());
    let failed = serve(Server::new(agreement, listener()));
    fail(failed.unwrap_or_else(|error| error.to_string()))
}

/// Serves until the work of the agreement is done. The process exits then. If the loop ends earlier,
/// returns how it ended.
///
/// Only the owner of the back end can make a source from a descriptor. So the callback that accepts a client breaks out
/// of the loop. This function adds the source and runs the loop again.
fn serve(mut server: Server) -> Result<String, Box<dyn std::error::Error>> {
    let mut base = EventBase::new(STORAGE.take());
    let mut live = Live::new()?;
    let source = live.add_source(&mut base, &server.listener)?;
    let event = base.new_event(source, EventFlags::READ, Mode::Persist, Server::called)?;
    base.event(event)?.add(None)?;
    live.settle(&mut base)?;
    server.listening()?;
    loop {
        let end = live.run(&mut base, &mut server)?;
        let (End::Break, Some(socket)) = (end, server.accepted.take()) else {
            return Ok(format!("the loop has ended: {end:?}"));
        };
        let source = live.add_source(&mut base, &socket)?;
        let event = base.new_event(source, EventFlags::READ, Mode::Persist, Server::ready)?;
        let place = server.hold(socket, source, event);
        base.event(event)?.set_user(place);
        base.event(event)?.add(None)?;
    }
}
