//! The gateway, implemented with tasks.

#![no_std]
#![no_main]

use defmt::info;
use embassy_net::StackResources;
use embassy_time::Timer;
use picoevent_baseline::board::{self, COLLECTOR};
use picoevent_baseline::gateway::net::SOCKETS;
use picoevent_baseline::gateway::{
    BUTTON, ENDING, Gateway, console, discovery, sensor, status, uplink,
};
use static_cell::StaticCell;

/// The sockets of the console and of the status server, and one socket each for the uplink, discovery and DHCP.
static RESOURCES: StaticCell<StackResources<{ 2 * SOCKETS + 3 }>> = StaticCell::new();
static GATEWAY: StaticCell<Gateway> = StaticCell::new();

#[cortex_m_rt::entry]
fn main() -> ! {
    let gateway: &Gateway = GATEWAY.init_with(Gateway::default);
    board::on_button(|| BUTTON.signal(()));
    board::run(
        RESOURCES.init_with(StackResources::new),
        || ENDING.sender().send(()),
        |spawner, stack| {
            for _ in 0..SOCKETS {
                spawner.spawn(console::run(stack, gateway).expect("the pool has room"));
                spawner.spawn(status::run(stack, gateway).expect("the pool has room"));
            }
            if let Some(collector) = COLLECTOR {
                spawner.spawn(uplink::run(stack, collector, gateway).expect("spawned once"));
            }
            spawner.spawn(discovery::run(stack).expect("spawned once"));
            spawner.spawn(sensor::run(gateway).expect("spawned once"));
            spawner.spawn(end().expect("spawned once"));
        },
    )
}

/// Ends the program half a second after the interrupt.
#[embassy_executor::task]
async fn end() {
    info!("listening on ports {} and {}", console::PORT, status::PORT);
    ENDING.receiver().expect("there is one left").get().await;
    info!("the gateway ends");
    Timer::after_millis(500).await;
    info!("done");
    board::exit(0)
}
