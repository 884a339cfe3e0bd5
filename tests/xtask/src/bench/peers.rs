//! The peers: event loops in C, as Debian has them, and programs of ours that use them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{
    command::{self, cannot_start},
    setup, workspace,
};

/// What a C source becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A program.
    Program,
    /// A library that a program loads while it runs.
    Plugin,
}

/// Asks the preprocessor for the versions of the peers.
const VERSIONS: &str = "\
#include <event2/event-config.h>
#include <ev.h>
#include <uv/version.h>
@libevent EVENT__VERSION
@libev EV_VERSION_MAJOR.EV_VERSION_MINOR
@libuv UV_VERSION_MAJOR.UV_VERSION_MINOR.UV_VERSION_PATCH
";

/// Makes sure that peers can be compiled and instructions counted.
///
/// # Errors
/// When something is missing that can not be installed.
pub fn install() -> Result<()> {
    setup::peers()?;
    setup::valgrind()
}

/// Compiles C sources, named from the repository's root, into one program or plug-in `name`, and
/// answers where it is. Libraries are named as the linker's `-l` does.
///
/// # Errors
/// When the compiler fails; it says why.
pub fn compile(name: &str, kind: Kind, sources: &[&str], libraries: &[&str]) -> Result<PathBuf> {
    let folder = folder()?;
    let output = match kind {
        Kind::Program => folder.join(name),
        Kind::Plugin => folder.join(format!("{name}.so")),
    };
    command::run(&mut compiler(&output, kind, sources, libraries))?;
    Ok(output)
}

/// Where compiled peers are put.
///
/// # Errors
/// When the folder can not be made.
pub fn folder() -> Result<PathBuf> {
    let root = workspace::root();
    let target = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let folder = root.join(target).join("bench-peers");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// The peers' names with their versions.
pub fn versions() -> Vec<String> {
    let said = preprocessed(VERSIONS).unwrap_or_default();
    let versions: Vec<_> = said.lines().filter_map(version).collect();
    if versions.is_empty() { vec!["peers of unknown versions".to_owned()] } else { versions }
}

fn compiler(output: &Path, kind: Kind, sources: &[&str], libraries: &[&str]) -> Command {
    let mut cc = Command::new("cc");
    cc.current_dir(workspace::root()).args(["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror"]);
    // libev asks for it.
    cc.arg("-fno-strict-aliasing");
    if kind == Kind::Plugin {
        cc.args(["-shared", "-fPIC"]);
    }
    cc.arg("-o").arg(output).args(sources);
    cc.args(libraries.iter().map(|library| format!("-l{library}")));
    cc
}

fn preprocessed(text: &str) -> Result<String> {
    let source = folder()?.join("versions.h");
    fs::write(&source, text)?;
    let mut cc = Command::new("cc");
    cc.args(["-E", "-P"]).arg(&source);
    let output = cc.stdin(Stdio::null()).output().with_context(|| cannot_start(&cc))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Reads `@libuv 1 . 44.2`: the preprocessor puts spaces where it likes.
fn version(line: &str) -> Option<String> {
    let (name, version) = line.strip_prefix('@')?.split_once(' ')?;
    let version: String = version.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    Some(format!("{name} {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_out_of_what_the_preprocessor_says() {
        assert_eq!(version("@libevent \"2.1.12-stable\"").unwrap(), "libevent 2.1.12-stable");
        assert_eq!(version("@libuv 1 . 44.2").unwrap(), "libuv 1.44.2");
        assert_eq!(version("typedef int a;"), None);
    }

    #[test]
    fn libraries_stand_behind_the_sources_that_need_them() {
        let cc = compiler(Path::new("/a.so"), Kind::Plugin, &["a.c", "b.c"], &["ev"]);
        let line = command::describe(&cc);
        assert!(line.ends_with("-shared -fPIC -o /a.so a.c b.c -lev"), "{line}");
        let cc = compiler(Path::new("/a"), Kind::Program, &["a.c"], &[]);
        assert!(command::describe(&cc).ends_with("-fno-strict-aliasing -o /a a.c"));
    }
}
