//! hello-world as tasks, as many as hello-world has sockets.

#![no_std]
#![no_main]

use embassy_net::{Stack, StackResources};
use picoevent_baseline::board;
use picoevent_baseline::server::{self, Buffers, Patience};
use picoevent_baseline::sizes::{BUFFER, MANY};
use static_cell::{ConstStaticCell, StaticCell};

static RESOURCES: StaticCell<StackResources<{ MANY + 1 }>> = StaticCell::new();
static BUFFERS: ConstStaticCell<[Buffers<BUFFER>; MANY]> =
    ConstStaticCell::new([const { Buffers::new() }; MANY]);

#[cortex_m_rt::entry]
fn main() -> ! {
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
    server::serve(stack, buffers, Patience::DEFAULT).await
}

#[embassy_executor::task]
async fn end() {
    server::until_interrupted().await;
    board::exit(0)
}
