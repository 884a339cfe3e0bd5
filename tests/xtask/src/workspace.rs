//! Where things are in this repository.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The repository's root folder, which is the root workspace's.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // This package is <root>/tests/xtask.
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// The firmware workspace, which has the boards' packages in it.
pub fn boards() -> PathBuf {
    root().join("examples/boards")
}

/// Where cargo puts what it builds of the main workspace, and where what is built otherwise goes too.
pub fn target() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Where built firmware is put, as `<board>/<program>`.
pub fn firmware() -> PathBuf {
    boards().join("target/firmware")
}

/// The workspace of the image that links only if the core cannot panic.
pub fn no_panic() -> PathBuf {
    root().join("tests/no-panic")
}

/// The package of the programs that are measured on the chip, one of the firmware workspace's.
pub fn chip() -> PathBuf {
    root().join("tests/bench/chip")
}

/// The package of the images that have the core alone, one of the firmware workspace's.
pub fn alone() -> PathBuf {
    root().join("tests/bench/alone")
}

/// The workspace of the fuzzer's program.
pub fn fuzz() -> PathBuf {
    root().join("tests/fuzz")
}
