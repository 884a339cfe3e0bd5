//! A program that does nothing: what any program in Rust takes.

fn main() {}
