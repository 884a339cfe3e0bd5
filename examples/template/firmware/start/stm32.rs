//! How a board with an STM32 starts.

use embassy_executor::Spawner;
use embassy_net::StackResources;

use crate::{INTERRUPT, RESOURCES};

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let resources = RESOURCES.init_with(StackResources::new);
    let (stack, _) = board::start(spawner, resources, || INTERRUPT.raise());
    crate::serve(stack).await;
    board::exit(0)
}
