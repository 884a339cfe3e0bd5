//! Runs the checks with some thousand strings of bytes from a random generator. The fuzzer tries about as many in
//! a second.

use std::thread;

/// Prints the seed if the test fails with it.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

fn bytes(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; 600];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes
}

#[test]
fn no_string_of_bytes_breaks_a_promise() {
    for seed in 0..3_000 {
        let _seed = Seed(seed);
        picoevent_verbs::run(&bytes(seed));
    }
}

#[test]
fn no_string_of_bytes_breaks_a_promise_about_datagrams() {
    for seed in 0..3_000 {
        let _seed = Seed(seed);
        picoevent_verbs::run_datagrams(&bytes(seed));
    }
}

#[test]
fn no_string_of_bytes_breaks_a_promise_about_connections_in_memory() {
    for seed in 0..3_000 {
        let _seed = Seed(seed);
        picoevent_verbs::run_in_memory(&bytes(seed));
    }
}
