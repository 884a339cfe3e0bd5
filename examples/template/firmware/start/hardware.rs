//! Starts the firmware on a hardware board.

use embassy_executor::Spawner;
use embassy_net::StackResources;

use crate::{INTERRUPT, RESOURCES};

#[board::main]
async fn main(spawner: Spawner) {
    let resources = RESOURCES.init_with(StackResources::new);
    let (stack, seed) = board::start(spawner, resources, || INTERRUPT.raise()).await;
    crate::serve(stack, seed).await;
    board::exit(0).await
}
