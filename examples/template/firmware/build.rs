//! Names the linker's scripts. Without `defmt.x` the image has no log; `--nmagic`, where it is needed, keeps it free of
//! padding. The memory map comes from the board's package.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for argument in [{{linker_arguments}}] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
