//! embassy-net on the measured side of a wire, with the server's addresses.

use embassy_executor::Spawner;
use embassy_net::{Config, Ipv4Cidr, Runner, Stack, StackResources, StaticConfigV4};

use crate::greeting::{CLIENT, SERVER};
use crate::wire::{Board, Wire};

/// Makes the stack, and spawns its task.
///
/// # Panics
/// If a program makes more than two stacks.
pub fn start<const SOCKETS: usize>(
    spawner: Spawner,
    wire: &'static Wire,
    resources: &'static mut StackResources<SOCKETS>,
) -> Stack<'static> {
    let config = Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(SERVER, 24),
        gateway: Some(CLIENT),
        dns_servers: Default::default(),
    });
    // The seed is fixed, so that every run has the same ports and sequence numbers.
    let (stack, runner) = embassy_net::new(wire.board(), config, resources, 1);
    spawner.spawn(serve_network(runner).expect("there are two at most"));
    stack
}

#[embassy_executor::task(pool_size = 2)]
async fn serve_network(mut runner: Runner<'static, Board>) -> ! {
    runner.run().await
}
