//! The folders of this repository.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Returns the repository's root folder, which is also the folder of the root workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // This package is <root>/tests/xtask.
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Returns the firmware workspace, which contains the boards' packages.
pub fn boards() -> PathBuf {
    root().join("examples/boards")
}

/// Returns the workspace of Espressif's boards.
pub fn esp32() -> PathBuf {
    boards().join("esp32")
}

/// Returns the target folder of the main workspace, which also holds other build output.
pub fn target() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Returns the folder of built firmware, as `<board>/<program>`.
pub fn firmware() -> PathBuf {
    boards().join("target/firmware")
}

/// Returns the workspace of the image that links only if the core cannot panic.
pub fn no_panic() -> PathBuf {
    root().join("tests/no-panic")
}

/// Returns the package of the programs that are measured on the chip, in the firmware workspace.
pub fn chip() -> PathBuf {
    root().join("tests/bench/chip")
}

/// Returns the package of the images with the core alone, in the firmware workspace.
pub fn alone() -> PathBuf {
    root().join("tests/bench/alone")
}

/// Returns the package of the programs that hello-world and the gateway are compared with, in the firmware workspace.
pub fn baseline() -> PathBuf {
    root().join("tests/bench/baseline")
}

/// Returns the workspace of the fuzzer's program.
pub fn fuzz() -> PathBuf {
    root().join("tests/fuzz")
}
