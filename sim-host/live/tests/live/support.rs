//! A base, a back end and an application that is called, for one test.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use picoevent::{End, EventBase, Listener, OnConn};
use picoevent_mio::{Capacities, HeapStorage, Live};

/// How long anything may take. It bounds a hang and says nothing about speed.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Bytes of each ring.
pub const RING: usize = 1024;

/// Runs `app` on a base with `CONNS` connections, once `start` has prepared it, until it ends.
pub fn run<const CONNS: usize, A>(
    app: &mut A,
    start: impl FnOnce(&mut Live, &mut EventBase<'_, A>, &mut A),
) -> End {
    let capacities =
        Capacities { events: 8, conns: CONNS, input: RING, output: RING, listeners: 2, sources: 8 };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let mut live = Live::new().unwrap();
    base.after(LIMIT, |_, _, _, _| panic!("the loop has not ended within {LIMIT:?}")).unwrap();
    start(&mut live, &mut base, app);
    live.run(&mut base, app).unwrap()
}

/// Listens on a port that is free.
pub fn listen<A>(
    live: &mut Live,
    base: &mut EventBase<'_, A>,
    on_accept: OnConn<A>,
) -> (Listener, SocketAddr) {
    let listener = base.listen(SocketAddr::from(([127, 0, 0, 1], 0)), on_accept).unwrap();
    live.settle(base).unwrap();
    (listener, live.local_addr(listener).unwrap())
}

/// A client whose reads and writes do not wait forever.
pub fn client(server: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(server).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client.set_write_timeout(Some(LIMIT)).unwrap();
    client
}

/// Everything up to the end of the stream.
pub fn read_all(client: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).unwrap();
    bytes
}
