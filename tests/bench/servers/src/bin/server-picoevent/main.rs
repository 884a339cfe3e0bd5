//! A server on picoevent's host back end. The server uses picoevent's connections, which correspond to libevent's
//! bufferevents.

mod conns;

use conns::{Echo, Greeter, Server};
use picoevent::{EventBase, Pool, Storage};
use picoevent_bench_servers::harness::{Harness, Workload, fail};
use picoevent_mio::Live;
use static_cell::ConstStaticCell;

/// The pool for the workload hello and for an echo of small messages.
const SMALL: Pool = Pool::new(1024).rings(512, 512);
type Small = Storage<Server, 1, { SMALL.conns() }, { SMALL.bytes() }>;

/// The pool for the bulk workload: one connection that sends blocks of a mebibyte. The rings have the size of the other
/// servers' buffers.
const BULK: Pool = Pool::new(1).rings(65536, 65536);
type Bulk = Storage<Server, 1, { BULK.conns() }, { BULK.bytes() }>;

/// The pool for the idle workload: many connections, each with little data.
const IDLE: Pool = Pool::new(10240).rings(64, 64);
type Idle = Storage<Server, 1, { IDLE.conns() }, { IDLE.bytes() }>;

static FOR_SMALL: ConstStaticCell<Small> = ConstStaticCell::new(Storage::new());
static FOR_BULK: ConstStaticCell<Bulk> = ConstStaticCell::new(Storage::new());
static FOR_IDLE: ConstStaticCell<Idle> = ConstStaticCell::new(Storage::new());

/// The size of a block in bytes. If `warm` (the number of bytes that are not measured) is at least this size, the
/// workload is the bulk workload.
const BLOCK: u64 = 1 << 20;

fn main() {
    let mut harness = Harness::begin();
    let (base, pool, reserved) = match harness.workload() {
        Workload::Echo { warm, .. } if warm >= BLOCK => {
            (EventBase::new(FOR_BULK.take()), BULK, size_of::<Bulk>())
        }
        Workload::Hello { .. } | Workload::Echo { .. } => {
            (EventBase::new(FOR_SMALL.take()), SMALL, size_of::<Small>())
        }
        Workload::Idle { .. } => (EventBase::new(FOR_IDLE.take()), IDLE, size_of::<Idle>()),
    };
    harness.set_reserved(reserved);
    let failed = serve(base, pool, Server { harness });
    fail(failed.unwrap_or_else(|error| error.to_string()))
}

/// Serves until the workload is done. Then the process exits. If the loop ends earlier, returns how the loop ended.
fn serve(
    mut base: EventBase<'_, Server>,
    pool: Pool,
    mut server: Server,
) -> Result<String, Box<dyn std::error::Error>> {
    let (address, pool) = (([127, 0, 0, 1], 0).into(), base.add_pool(pool)?);
    let listener = match server.harness.is_hello() {
        true => base.listen::<Greeter>(address, pool)?,
        false => base.listen::<Echo>(address, pool)?,
    };
    let mut live = Live::new()?;
    live.settle(&mut base)?;
    server.harness.listening(live.local_addr(listener)?);
    let end = live.run(&mut base, &mut server)?;
    Ok(format!("the loop has ended: {end:?}"))
}
