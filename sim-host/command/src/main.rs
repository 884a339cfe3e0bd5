//! The command `picoevent-sim` with the examples of this repository.

use std::process::ExitCode;

use picoevent_sim::command;
use picoevent_sim_command::{
    caller, chat, device, echo, echo_filtered, gateway, gateway_online, gateway_v6, hello_world,
    hello_world_v6, prober, proxy, publisher, publisher_3, udp_time,
};

fn main() -> ExitCode {
    let (hello_world, hello_world_v6) = (hello_world(), hello_world_v6());
    let (gateway, gateway_v6) = (gateway(), gateway_v6());
    let (echo, prober, udp_time) = (echo(), prober(), udp_time());
    let (chat, proxy) = (chat(), proxy());
    command::main_as(
        "cargo sim",
        &[
            &hello_world,
            &echo,
            &echo_filtered(),
            &prober,
            &gateway,
            &caller(),
            &hello_world_v6,
            &gateway_v6,
            &udp_time,
            &chat,
            &proxy,
            &device(),
            &publisher(),
            &publisher_3(),
            &gateway_online(),
        ],
    )
}
