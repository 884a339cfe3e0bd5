//! A base, a back end and an application for one test.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use picoevent::{End, EventBase, FIN_WAIT, Listener, OnConn, Pool, PoolId, Settings};
use picoevent_mio::{Capacities, HeapStorage, Live};

/// The time limit of a test. It only detects loops that hang, and does not measure the speed.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The size of each ring in bytes.
pub const RING: usize = 1024;

/// Connections without timeouts.
pub const PLAIN: &Settings = &Settings::new();

/// An address with port 0: the system chooses a free port.
pub const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Makes a base with `CONNS` connections and calls `start` to prepare the base. Then runs `app` on the base until the
/// loop ends.
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
    // The limit must be longer than a slow client needs.
    base.set_close_limits(LIMIT, FIN_WAIT);
    start(&mut live, &mut base, app);
    live.run(&mut base, app).unwrap()
}

/// Makes the base's only pool, with all connections of the base.
pub fn pool<A>(base: &mut EventBase<'_, A>) -> PoolId {
    base.add_pool(Pool::rest().rings(RING, RING)).unwrap()
}

/// Listens on a free port, with the base's only pool.
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

/// Connects a client whose reads and writes have a time limit.
pub fn client(server: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(server).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client.set_write_timeout(Some(LIMIT)).unwrap();
    client
}

/// Reads everything up to the end of the stream.
pub fn read_all(client: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).unwrap();
    bytes
}
