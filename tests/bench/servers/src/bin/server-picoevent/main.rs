//! picoevent on its live back end, with connections, the counterpart of libevent's bufferevents.

mod conns;

use conns::Server;
use picoevent::{EventBase, Storage};
use picoevent_bench_servers::agreement::{Agreement, Workload, fail};
use picoevent_mio::Live;
use static_cell::ConstStaticCell;

/// Small messages, one at a time on each connection.
type Small = Storage<Server, 1, 1024, 512, 512>;

/// A stream of whole mebibytes: rings as large as the other servers' buffers.
type Bulk = Storage<Server, 1, 1, 65536, 65536>;

/// Many connections that send little.
type Idle = Storage<Server, 1, 10240, 64, 64>;

static SMALL: ConstStaticCell<Small> = ConstStaticCell::new(Storage::new());
static BULK: ConstStaticCell<Bulk> = ConstStaticCell::new(Storage::new());
static IDLE: ConstStaticCell<Idle> = ConstStaticCell::new(Storage::new());

/// A first message of so many bytes belongs to the bulk workload.
const BLOCK: u64 = 1 << 20;

fn main() {
    let mut agreement = Agreement::begin();
    let (base, reserved) = match agreement.workload() {
        Workload::Echo { warm, .. } if warm >= BLOCK => {
            (EventBase::new(BULK.take()), size_of::<Bulk>())
        }
        Workload::Hello { .. } | Workload::Echo { .. } => {
            (EventBase::new(SMALL.take()), size_of::<Small>())
        }
        Workload::Idle { .. } => (EventBase::new(IDLE.take()), size_of::<Idle>()),
    };
    agreement.reserved(reserved);
    let failed = serve(base, Server::new(agreement)).unwrap_or_else(|error| error.to_string());
    fail(failed)
}

/// Serves until the agreement is kept, which ends the process; otherwise returns how the loop
/// ended.
fn serve(
    mut base: EventBase<'_, Server>,
    mut server: Server,
) -> Result<String, Box<dyn std::error::Error>> {
    let listener = base.listen(([127, 0, 0, 1], 0).into(), Server::accepted)?;
    let mut live = Live::new()?;
    live.settle(&mut base)?;
    server.agreement.listening(live.local_addr(listener)?);
    let end = live.run(&mut base, &mut server)?;
    Ok(format!("the loop has ended: {end:?}"))
}
