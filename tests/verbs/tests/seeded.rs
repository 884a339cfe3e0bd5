//! Runs the checks with some thousand strings of bytes from a random generator. In a second, the fuzzer runs about as
//! many strings of bytes.

use std::thread;

/// Prints the seed if the test fails with this seed.
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
fn the_core_behaves_as_documented_for_random_bytes() {
    for seed in 0..3_000 {
        let _seed = Seed(seed);
        picoevent_verbs::run(&bytes(seed));
    }
}

#[test]
fn udp_sockets_behave_as_documented_for_random_bytes() {
    for seed in 0..3_000 {
        let _seed = Seed(seed);
        picoevent_verbs::run_datagrams(&bytes(seed));
    }
}

#[test]
fn connections_in_memory_behave_as_documented_for_random_bytes() {
    for seed in 0..3_000 {
        let _seed = Seed(seed);
        picoevent_verbs::run_in_memory(&bytes(seed));
    }
}
