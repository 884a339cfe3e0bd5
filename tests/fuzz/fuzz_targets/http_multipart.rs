//! `cargo fuzz run http_multipart`: sends byte strings from libFuzzer to an HTTP server, as multipart forms.

#![no_main]

#[allow(dead_code, reason = "it has the other targets, too")]
#[path = "../../../core/protocols/http/tests/fuzz/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::multipart(bytes));
