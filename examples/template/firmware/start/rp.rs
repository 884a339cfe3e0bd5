//! How a board with an RP2040 starts.

use embassy_executor::Spawner;
use embassy_net::StackResources;

use crate::{INTERRUPT, RESOURCES};

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let resources = RESOURCES.init_with(StackResources::new);
    let stack = board::start(spawner, resources, || INTERRUPT.raise()).await;
    crate::serve(stack).await;
    board::exit(0)
}
