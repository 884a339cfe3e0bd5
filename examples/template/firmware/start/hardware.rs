//! Starts the firmware on a hardware board.

use embassy_executor::Spawner;
use embassy_net::StackResources;

use crate::{INTERRUPT, RESOURCES};

#[board::main]
async fn main(spawner: Spawner) {
    let resources = RESOURCES.init_with(StackResources::new);
    // The second value is a seed for random bytes, for `EventBase::seed`.
    let (stack, _) = board::start(spawner, resources, || INTERRUPT.raise()).await;
    crate::serve(stack).await;
    board::exit(0).await
}
