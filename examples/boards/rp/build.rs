//! Passes the chip's memory map to the linker.

use std::env;

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    for chip in ["rp2040", "rp235x"] {
        if env::var_os(format!("CARGO_FEATURE_{}", chip.to_uppercase())).is_some() {
            println!("cargo:rustc-link-search={here}/{chip}");
        }
        println!("cargo:rerun-if-changed={chip}/memory.x");
    }
}
