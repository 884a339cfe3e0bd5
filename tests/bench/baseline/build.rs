//! Names the linker scripts. The memory map is that of the board's package, which says where it is.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for script in ["-Tlink.x", "-Tdefmt.x", "--nmagic"] {
        println!("cargo:rustc-link-arg-bins={script}");
    }
}
