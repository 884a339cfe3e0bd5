//! Starts the firmware on a board under QEMU.

use embassy_net::{Stack, StackResources};

use crate::{INTERRUPT, RESOURCES};

#[board::entry]
fn main() -> ! {
    let resources = RESOURCES.init_with(StackResources::new);
    board::run(resources, || INTERRUPT.raise(), board::spawn_only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    crate::serve(stack).await;
    board::exit(0)
}
