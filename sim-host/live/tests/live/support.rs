//! A base, a back end and an application that is called, for one test.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use picoevent::{End, EventBase, FIN_WAIT, Listener, OnConn, Pool, PoolId, Settings};
use picoevent_mio::{Capacities, HeapStorage, Live};

/// How long anything may take. It bounds a hang and says nothing about speed.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Bytes of each ring.
pub const RING: usize = 1024;

/// Connections without timeouts.
pub const PLAIN: &Settings = &Settings::new();

/// The address of a port that is free.
pub const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Runs `app` on a base with `CONNS` connections, once `start` has prepared it, until it ends.
pub fn run<const CONNS: usize, A>(
    app: &mut A,
    start: impl FnOnce(&mut Live, &mut EventBase<'_, A>, &mut A),
) -> End {
    let pool = Pool::new(CONNS as u16).rings(RING, RING);
    let capacities = Capacities { events: 8, listeners: 2, sources: 8, ..Capacities::of(&[pool]) };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let mut live = Live::new().unwrap();
    base.after(LIMIT, |_, _| panic!("the loop has not ended within {LIMIT:?}")).unwrap();
    // However slowly a client reads.
    base.set_close_limits(LIMIT, FIN_WAIT);
    start(&mut live, &mut base, app);
    live.run(&mut base, app).unwrap()
}

/// Makes the base's one pool, of all its connections.
pub fn pool<A>(base: &mut EventBase<'_, A>) -> PoolId {
    base.add_pool(Pool::rest().rings(RING, RING)).unwrap()
}

/// Listens on a port that is free, with the base's one pool.
pub fn listen<A>(
    live: &mut Live,
    base: &mut EventBase<'_, A>,
    call: OnConn<A>,
) -> (Listener, SocketAddr) {
    let pool = pool(base);
    let listener = base.listen_with(ANY_PORT, pool, PLAIN, call).unwrap();
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
