//! picoevent on its live back end, with connections, the counterpart of libevent's bufferevents.

mod conns;

use conns::{Greeter, Mirror, Server};
use picoevent::{EventBase, Pool, Storage};
use picoevent_bench_servers::agreement::{Agreement, Workload, fail};
use picoevent_mio::Live;
use static_cell::ConstStaticCell;

/// Small messages, one at a time on each connection.
const SMALL: Pool = Pool::new(1024).rings(512, 512);
type Small = Storage<Server, 1, { SMALL.conns() }, { SMALL.bytes() }>;

/// A stream of mebibytes. Its rings have the size of the other servers' buffers.
const BULK: Pool = Pool::new(1).rings(65536, 65536);
type Bulk = Storage<Server, 1, { BULK.conns() }, { BULK.bytes() }>;

/// Many connections that send little.
const IDLE: Pool = Pool::new(10240).rings(64, 64);
type Idle = Storage<Server, 1, { IDLE.conns() }, { IDLE.bytes() }>;

static FOR_SMALL: ConstStaticCell<Small> = ConstStaticCell::new(Storage::new());
static FOR_BULK: ConstStaticCell<Bulk> = ConstStaticCell::new(Storage::new());
static FOR_IDLE: ConstStaticCell<Idle> = ConstStaticCell::new(Storage::new());

/// If the first message has this many bytes, the workload is bulk.
const BLOCK: u64 = 1 << 20;

fn main() {
    let mut agreement = Agreement::begin();
    let (base, pool, reserved) = match agreement.workload() {
        Workload::Echo { warm, .. } if warm >= BLOCK => {
            (EventBase::new(FOR_BULK.take()), BULK, size_of::<Bulk>())
        }
        Workload::Hello { .. } | Workload::Echo { .. } => {
            (EventBase::new(FOR_SMALL.take()), SMALL, size_of::<Small>())
        }
        Workload::Idle { .. } => (EventBase::new(FOR_IDLE.take()), IDLE, size_of::<Idle>()),
    };
    agreement.reserved(reserved);
    let failed = serve(base, pool, Server { agreement });
    fail(failed.unwrap_or_else(|error| error.to_string()))
}

/// Serves until the work of the agreement is done. The process exits then. If the loop ends earlier,
/// returns how it ended.
fn serve(
    mut base: EventBase<'_, Server>,
    pool: Pool,
    mut server: Server,
) -> Result<String, Box<dyn std::error::Error>> {
    let (address, pool) = (([127, 0, 0, 1], 0).into(), base.add_pool(pool)?);
    let listener = match server.agreement.is_hello() {
        true => base.listen::<Greeter>(address, pool)?,
        false => base.listen::<Mirror>(address, pool)?,
    };
    let mut live = Live::new()?;
    live.settle(&mut base)?;
    server.agreement.listening(live.local_addr(listener)?);
    let end = live.run(&mut base, &mut server)?;
    Ok(format!("the loop has ended: {end:?}"))
}
