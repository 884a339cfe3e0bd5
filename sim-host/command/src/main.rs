//! `picoevent-sim` with the examples of this repository.

use std::process::ExitCode;

use picoevent_sim::command;
use picoevent_sim_command::{echo, gateway, hello_world, prober};

fn main() -> ExitCode {
    command::main_as("cargo sim", &[&hello_world(), &echo(), &prober(), &gateway()])
}
