//! The build script of the boards. Passes the linker scripts to the linker.

fn main() {
    println!("cargo:rerun-if-changed=Cargo.toml");
    for script in ["-Tlinkall.x", "-Tdefmt.x"] {
        println!("cargo:rustc-link-arg-bins={script}");
    }
}
