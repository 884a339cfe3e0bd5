//! `cargo fuzz run verbs`: calls public functions of the core. Byte strings from libFuzzer select the functions.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    picoevent_verbs::run(bytes);
    picoevent_verbs::run_datagrams(bytes);
    picoevent_verbs::run_in_memory(bytes);
});
