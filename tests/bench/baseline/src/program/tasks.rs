//! hello-world, implemented with tasks. The program that includes this file sets the number of tasks.

use embassy_net::{Stack, StackResources};
use embassy_time::Duration;
use picoevent_baseline::server::{self, Buffers, PeerTimeouts};
use picoevent_baseline::sizes::BUFFER;
use picoevent_baseline::{board, stack};
use static_cell::{ConstStaticCell, StaticCell};

use crate::{PAINTED, TASKS};

/// The timeouts for silent peers. On a painted stack the timeouts are short, so that a test reaches them.
const TIMEOUTS: PeerTimeouts = if PAINTED {
    PeerTimeouts { silence: Duration::from_secs(2), keep_alive: Duration::from_millis(500) }
} else {
    PeerTimeouts::DEFAULT
};

static RESOURCES: StaticCell<StackResources<{ TASKS + 1 }>> = StaticCell::new();
static BUFFERS: ConstStaticCell<[Buffers<BUFFER>; TASKS]> =
    ConstStaticCell::new([const { Buffers::new() }; TASKS]);

#[cortex_m_rt::entry]
fn main() -> ! {
    if PAINTED {
        stack::paint();
    }
    let resources = RESOURCES.init_with(StackResources::new);
    board::run(
        resources,
        || server::INTERRUPT.signal(()),
        |spawner, stack| {
            for buffers in BUFFERS.take() {
                spawner.spawn(serve(stack, buffers).expect("the pool has room"));
            }
            spawner.spawn(end().expect("spawned once"));
        },
    )
}

#[embassy_executor::task(pool_size = TASKS)]
async fn serve(stack: Stack<'static>, buffers: &'static mut Buffers<BUFFER>) {
    server::serve(stack, buffers, TIMEOUTS).await
}

#[embassy_executor::task]
async fn end() {
    if PAINTED {
        stack::report("at start");
        stack::paint();
    }
    server::until_interrupted().await;
    if PAINTED {
        stack::report("serving");
    }
    board::exit(0)
}
