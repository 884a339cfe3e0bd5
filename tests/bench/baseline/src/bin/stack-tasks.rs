//! `tasks-many` on a painted stack, with little patience for peers that say nothing.

#![no_std]
#![no_main]

use embassy_net::{Stack, StackResources};
use embassy_time::Duration;
use picoevent_baseline::server::{self, Buffers, Patience};
use picoevent_baseline::sizes::{BUFFER, MANY};
use picoevent_baseline::{board, stack};
use static_cell::{ConstStaticCell, StaticCell};

/// So that a test sees a peer given up.
const PATIENCE: Patience =
    Patience { silence: Duration::from_secs(2), keep_alive: Duration::from_millis(500) };

static RESOURCES: StaticCell<StackResources<{ MANY + 1 }>> = StaticCell::new();
static BUFFERS: ConstStaticCell<[Buffers<BUFFER>; MANY]> =
    ConstStaticCell::new([const { Buffers::new() }; MANY]);

#[cortex_m_rt::entry]
fn main() -> ! {
    stack::paint();
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

#[embassy_executor::task(pool_size = MANY)]
async fn serve(stack: Stack<'static>, buffers: &'static mut Buffers<BUFFER>) {
    server::serve(stack, buffers, PATIENCE).await
}

#[embassy_executor::task]
async fn end() {
    stack::report("at start");
    stack::paint();
    server::until_interrupted().await;
    stack::report("serving");
    board::exit(0)
}
