//! The compared servers and their clients: their sources, and how they are built.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{bench::peers, command, workspace};

/// The folder of the sources.
pub const SOURCES: &str = "tests/bench/servers";

/// The package of the programs in Rust.
pub const PACKAGE: &str = "picoevent-bench-servers";

/// The flags for C.
const CFLAGS: [&str; 4] = ["-O2", "-Wall", "-Wextra", "-Werror"];

/// The flags for comparing sizes: no shared library, and no unused code.
const STATIC: [&str; 4] =
    ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-static"];

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// The server's name in tables.
    pub name: &'static str,
    /// The server's source.
    pub source: Source,
    /// Descriptors per connection.
    pub descriptors: u64,
    /// Whether the server can also run the workload `echo`.
    pub echoes: bool,
}

/// The source of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A program of [`PACKAGE`].
    Rust(&'static str),
    /// A file in `c`.
    C {
        /// The name of the file.
        file: &'static str,
        /// Additional flags.
        flags: &'static [&'static str],
        /// The names of the server's library: as a shared library, and as an archive.
        library: Option<[&'static str; 2]>,
    },
}

/// The way in which a program is linked to its libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Linked {
    Shared,
    Static,
}

/// The row with which the other rows are compared: libevent with bufferevents, as most users use libevent.
pub const LIBEVENT: &str = "libevent, bufferevents";

/// picoevent with connections, as most users use picoevent.
pub const CONNECTIONS: &str = "picoevent, connections";

/// picoevent with an event for each descriptor, like the other event loops, and without picoevent's connections.
pub const SOURCES_ROW: &str = "picoevent, sources";

const fn rust(name: &'static str, program: &'static str) -> Server {
    Server { name, source: Source::Rust(program), descriptors: 1, echoes: true }
}

/// Returns a server in C.
pub const fn c(
    name: &'static str,
    file: &'static str,
    flags: &'static [&'static str],
    library: Option<[&'static str; 2]>,
) -> Server {
    Server { name, source: Source::C { file, flags, library }, descriptors: 1, echoes: true }
}

/// All servers, in the order of the tables' rows.
pub const SERVERS: [Server; 12] = [
    rust(CONNECTIONS, "server-picoevent"),
    // The back end watches a duplicate of each descriptor.
    Server { descriptors: 2, ..rust(SOURCES_ROW, "server-picoevent-sources") },
    c(LIBEVENT, "libevent_bufferevent", &[], Some(["event_core"; 2])),
    c("libevent, events", "libevent_event", &[], Some(["event_core"; 2])),
    c("libev", "libev", &[], Some(["ev"; 2])),
    c("libuv", "libuv", &[], Some(["uv", "uv_a"])),
    rust("mio, by hand", "server-mio"),
    rust("calloop", "server-calloop"),
    c("epoll, level-triggered", "raw", &[], None),
    c("epoll, edge-triggered", "raw", &["-DEDGE"], None),
    // This server differs from `epoll, level-triggered` only in how it closes a connection.
    Server { echoes: false, ..c("epoll, orderly close", "raw", &["-DORDERLY"], None) },
    Server { echoes: false, ..c("blocking calls", "blocking", &[], None) },
];

/// The built programs.
pub struct Built {
    rust: BTreeMap<String, PathBuf>,
    folder: PathBuf,
}

impl Built {
    /// Builds all servers and their clients.
    pub fn all() -> Result<Self> {
        let folder = peers::folder()?;
        println!("compiling the servers in C ...");
        for server in &SERVERS {
            compile(server, Linked::Shared, &program_in(&folder, server))?;
        }
        Ok(Self { rust: build(PACKAGE)?, folder })
    }

    /// Returns a server's program.
    pub fn program(&self, server: &Server) -> Result<PathBuf> {
        match server.source {
            Source::Rust(name) => self.rust(name),
            Source::C { .. } => Ok(program_in(&self.folder, server)),
        }
    }

    /// Returns the clients' program.
    pub fn load(&self) -> Result<PathBuf> {
        self.rust("load")
    }

    /// Returns a program of the Rust package.
    pub fn rust(&self, name: &str) -> Result<PathBuf> {
        let built = self.rust.get(name).cloned();
        built.with_context(|| format!("cargo did not report the path of {name}"))
    }

    /// Builds a server in C again, statically linked. Returns the path of the program.
    pub fn link_statically(&self, server: &Server) -> Result<PathBuf> {
        let program = program_in(&self.folder, server).with_extension("static");
        compile(server, Linked::Static, &program)?;
        Ok(program)
    }
}

fn program_in(folder: &Path, server: &Server) -> PathBuf {
    folder.join(format!("server-{}", server.name.replace(", ", "-").replace(' ', "-")))
}

fn compile(server: &Server, linked: Linked, program: &Path) -> Result<()> {
    let Source::C { file, flags, library } = server.source else { return Ok(()) };
    let sources = Path::new(SOURCES).join("c");
    let mut cc = Command::new("cc");
    cc.current_dir(workspace::root()).args(CFLAGS).args(flags);
    let library = library.map(|[shared, archive]| match linked {
        Linked::Shared => shared,
        Linked::Static => archive,
    });
    if linked == Linked::Static {
        cc.args(STATIC);
    }
    cc.arg("-o").arg(program);
    cc.arg(sources.join(file).with_extension("c")).arg(sources.join("harness.c"));
    cc.args(library.map(|name| format!("-l{name}"))).arg("-lm");
    command::output(&mut cc).map(drop)
}

/// Compiles a server in C with shared libraries. Returns the path of the program.
pub fn link(server: &Server) -> Result<PathBuf> {
    let program = program_in(&peers::folder()?, server);
    compile(server, Linked::Shared, &program)?;
    Ok(program)
}

/// Builds a package of this repository in the release profile. Returns the package's programs by name.
pub fn build(package: &str) -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = command::cargo(&workspace::root());
    cargo.args(["build", "--release", "--package", package, "--bins"]);
    let built = command::build(&mut cargo)?;
    let named = |path: PathBuf| Some((path.file_name()?.to_str()?.to_owned(), path));
    Ok(built.into_iter().filter_map(named).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_server_has_a_unique_name_and_a_source() {
        let names: BTreeSet<_> = SERVERS.iter().map(|server| server.name).collect();
        assert_eq!(names.len(), SERVERS.len());
        for name in [CONNECTIONS, SOURCES_ROW, LIBEVENT] {
            assert!(names.contains(name), "{name}");
        }
        let sources = workspace::root().join(SOURCES);
        for server in &SERVERS {
            let found = match server.source {
                Source::C { file, .. } => {
                    sources.join("c").join(file).with_extension("c").is_file()
                }
                Source::Rust(name) => {
                    let path = sources.join("src/bin").join(name);
                    path.join("main.rs").is_file() || path.with_extension("rs").is_file()
                }
            };
            assert!(found, "{server:?}");
        }
    }

    #[test]
    fn programs_have_names_without_spaces() {
        let names: BTreeSet<_> =
            SERVERS.iter().map(|server| program_in(Path::new("/x"), server)).collect();
        assert_eq!(names.len(), SERVERS.len());
        assert!(names.contains(Path::new("/x/server-libevent-bufferevents")), "{names:?}");
    }
}
