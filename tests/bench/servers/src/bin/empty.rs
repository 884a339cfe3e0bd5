//! A program that does nothing: the base cost of any program in Rust.

fn main() {}
