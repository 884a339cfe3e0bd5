//! `cargo fuzz run verbs`: strings of bytes that libFuzzer finds interesting.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| picoevent_verbs::run(bytes));
