//! Passes arguments to the linker. Without `defmt.x` the image has no log. `--nmagic` avoids padding in the image; some
//! boards need it. The memory map comes from the board's package.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for argument in [{{linker_arguments}}] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
