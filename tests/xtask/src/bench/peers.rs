//! The compared event loops in C, from Debian's packages, and the compilation of programs that use these loops.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{command, setup, workspace};

/// The time limit of the preprocessor.
const LIMIT: Duration = Duration::from_secs(20);

/// Makes the preprocessor print the libraries' versions.
const VERSIONS: &str = "\
#include <event2/event-config.h>
#include <ev.h>
#include <uv/version.h>
@libevent EVENT__VERSION
@libev EV_VERSION_MAJOR.EV_VERSION_MINOR
@libuv UV_VERSION_MAJOR.UV_VERSION_MINOR.UV_VERSION_PATCH
";

/// Installs the packages for compiling programs with the compared event loops and for counting instructions.
pub fn install() -> Result<()> {
    setup::peers()?;
    setup::tool("valgrind")
}

/// Compiles a C source, given relative to the repository's root, into a library that can be loaded at run time. Returns
/// the library's path. Libraries are named as for the linker's `-l`.
///
/// # Errors
/// If the compiler fails. The error contains the compiler's message.
pub fn compile_plugin(name: &str, source: &str, libraries: &[&str]) -> Result<PathBuf> {
    let output = folder()?.join(format!("{name}.so"));
    command::run(&mut compiler(&output, source, libraries))?;
    Ok(output)
}

/// Returns the folder of compiled plug-ins.
pub fn folder() -> Result<PathBuf> {
    let folder = workspace::target().join("bench-peers");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// Returns the libraries' names and versions.
pub fn versions() -> Vec<String> {
    let output = preprocessed(VERSIONS).unwrap_or_default();
    let versions: Vec<_> = output.lines().filter_map(version).collect();
    if versions.is_empty() { vec!["peers of unknown versions".to_owned()] } else { versions }
}

fn compiler(output: &Path, source: &str, libraries: &[&str]) -> Command {
    let mut cc = Command::new("cc");
    cc.current_dir(workspace::root()).args(["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror"]);
    // libev needs `-fno-strict-aliasing`.
    cc.args(["-fno-strict-aliasing", "-shared", "-fPIC", "-o"]).arg(output).arg(source);
    cc.args(libraries.iter().map(|library| format!("-l{library}")));
    cc
}

fn preprocessed(text: &str) -> Result<String> {
    let source = folder()?.join("versions.h");
    fs::write(&source, text)?;
    let mut cc = Command::new("cc");
    // The exit status is ignored. If a header is missing, the output has no versions, and the versions are unknown.
    let output = command::run_to_end(cc.args(["-E", "-P"]).arg(&source), LIMIT)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Parses a line such as `@libuv 1 . 44.2`. The preprocessor inserts the spaces.
fn version(line: &str) -> Option<String> {
    let (name, version) = line.strip_prefix('@')?.split_once(' ')?;
    let version: String = version.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    Some(format!("{name} {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_parsed_from_the_preprocessors_output() {
        assert_eq!(version("@libevent \"2.1.12-stable\"").unwrap(), "libevent 2.1.12-stable");
        assert_eq!(version("@libuv 1 . 44.2").unwrap(), "libuv 1.44.2");
        assert_eq!(version("typedef int a;"), None);
    }

    #[test]
    fn libraries_follow_the_source_that_needs_them() {
        let line = command::describe(&compiler(Path::new("/a.so"), "a.c", &["ev"]));
        assert!(line.ends_with("-shared -fPIC -o /a.so a.c -lev"), "{line}");
    }
}
