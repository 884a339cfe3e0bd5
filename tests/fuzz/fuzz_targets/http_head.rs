//! `cargo fuzz run http_head`: a server of HTTP that is sent byte strings from libFuzzer.

#![no_main]

#[allow(dead_code, reason = "it has the other targets, too")]
#[path = "../../../core/protocols/http/tests/fuzz/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::head(bytes));
