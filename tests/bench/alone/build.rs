//! Sets the linker arguments. The images are never run, so an image has an entry point but no start-up code.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let arguments: &[&str] = match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("none") => &["--entry=image"],
        // On a host the linker is called through the C compiler.
        _ => &["-nostartfiles", "-Wl,--entry=image", "-lc"],
    };
    for argument in arguments {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
