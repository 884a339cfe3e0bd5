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
    // The seed is weak, because the board has no random number generator: do not use its random bytes for keys.
    crate::serve(stack, board::weak_seed()).await;
    board::exit(0)
}
