//! Measures the core alone: the code that an application uses, and the memory of its tables.
//!
//! The images are the programs in `tests/bench/alone`. The core's code is identified in the same way as in firmware.
//! The size of a slot is computed from two storages that differ only in their number of slots. The image `memory`
//! contains the sizes of the storages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use picoevent_command::locations::Locations;

use super::{
    crates::shares,
    elf::{Kind, sections},
};
use crate::{
    command,
    table::{Table, grouped},
    toolchain::Toolchain,
    workspace,
};

/// A target and an optimization level.
#[derive(Debug, Clone, Copy)]
pub struct Build {
    /// The target triple.
    pub target: &'static str,
    /// The optimization level.
    pub level: &'static str,
}

/// The target and the level of the firmware. `cargo xtask gate` records the figures of this build.
pub const SMALL: Build = Build { target: "thumbv7m-none-eabi", level: "s" };

/// The target of a PC. The Rust toolchain that compiled this program also compiles for this target.
const HOST: &str = "x86_64-unknown-linux-gnu";

const BUILDS: [Build; 6] = [
    SMALL,
    Build { level: "3", ..SMALL },
    Build { target: "thumbv7em-none-eabihf", level: "s" },
    Build { target: "thumbv7em-none-eabihf", level: "3" },
    Build { target: HOST, level: "s" },
    Build { target: HOST, level: "3" },
];

/// The images, and their contents.
pub const IMAGES: [(&str, &str); 2] =
    [("events", "events, timers and signals"), ("server", "connections and a listener as well")];

/// The images that use UDP.
const UDP: [&str; 2] = ["names", "mdns"];

/// The protocols, each with its image and its crate.
const PROTOCOLS: [(&str, &str, &str); 6] = [
    ("HTTP server, two routes", "http", "picoevent_http"),
    ("HTTP server, all features", "http-all", "picoevent_http"),
    ("resolver", "names", "picoevent_dns"),
    ("responder for `.local`", "mdns", "picoevent_dns"),
    ("client of time servers, clock", "names", "picoevent_sntp"),
    ("MQTT client, both versions", "mqtt", "picoevent_mqtt"),
];

/// The size of an image's code in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The size of the code of the crate `picoevent`.
    pub core: u64,
    /// The size of all code, including the callbacks and Rust's core library.
    pub all: u64,
}

/// Builds the images for every target. Returns the table of their code sizes.
pub fn table(toolchain: Toolchain) -> Result<Table> {
    let columns = "target | level | events: core | events: .text | server: core | server: .text";
    let mut table = Table::new("code of the core alone", columns);
    for build in BUILDS {
        let mut line = vec![build.level.to_owned()];
        for (image, _) in IMAGES {
            let code = code(toolchain, build, image)?;
            line.extend([grouped(code.core), grouped(code.all)]);
        }
        table.row(build.target, line);
    }
    Ok(table)
}

/// Builds an image and measures its code.
pub fn code(toolchain: Toolchain, build: Build, image: &str) -> Result<Code> {
    let elf = compile(toolchain, build, image)?;
    let core = shares(&elf)?.get("picoevent").copied().unwrap_or_default().code;
    let all = sections(&elf)?.into_iter().filter(|section| section.kind == Kind::Code);
    Ok(Code { core, all: all.map(|section| section.size).sum() })
}

/// Builds the images with protocols. Returns the table of the protocols' code and constants.
///
/// # Errors
/// If an image cannot be built.
pub fn protocols(toolchain: Toolchain) -> Result<Table> {
    let mut table = Table::new("protocols, in flash", "protocol | level s | level z");
    for (protocol, image, package) in PROTOCOLS {
        let mut line = Vec::new();
        for level in ["s", "z"] {
            let elf = compile(toolchain, Build { level, ..SMALL }, image)?;
            let share = shares(&elf)?.get(package).copied().unwrap_or_default();
            line.push(grouped(share.flash));
        }
        table.row(protocol, line);
    }
    Ok(table)
}

/// Returns the table of the smaller protocols' code by file, at level `s`. For the whole image, the table also lists
/// the code of `picoevent`, of Rust's core library, of `compiler_builtins`, and of the memory functions. If code of
/// Rust's core library is inlined, it counts as code of the file of its caller.
///
/// # Errors
/// If an image cannot be built.
pub fn parts(toolchain: Toolchain) -> Result<Table> {
    let mut table = Table::new("code of the protocols by file", "protocol, file | bytes");
    for (protocol, image, package) in PROTOCOLS.into_iter().skip_while(|row| row.1 != "names") {
        let elf = compile(toolchain, SMALL, image)?;
        let mut parts: Vec<_> = parts_of(&elf, package)?.into_iter().collect();
        parts.sort_by_key(|(file, bytes)| (u64::MAX - bytes, file.clone()));
        for (file, bytes) in parts {
            table.row(&format!("{protocol}, `{file}`"), [grouped(bytes)]);
        }
        let shares = shares(&elf)?;
        let others = ["compiler_builtins", "core", super::crates::MEMORY, "picoevent"];
        for other in others {
            let bytes = shares.get(other).map_or(0, |share| share.code);
            table.row(&format!("{protocol}, in the same image: {other}"), [grouped(bytes)]);
        }
    }
    Ok(table)
}

/// Returns the bytes of a package's code by its files.
fn parts_of(elf: &Path, package: &str) -> Result<BTreeMap<String, u64>> {
    let locations = Locations::read(elf)?;
    let mut parts = BTreeMap::new();
    let sections = sections(elf)?;
    let symbols = sections.iter().filter(|section| section.kind == Kind::Code);
    let mut end = 0;
    for symbol in symbols.flat_map(|section| &section.symbols) {
        for address in symbol.address.max(end)..symbol.address + symbol.size {
            let functions = locations.functions(address);
            let bare = functions.iter().map(|name| name.trim_start_matches(['<', '&', '[', '(']));
            let owner = bare.clone().find(|name| !name.starts_with("core::"));
            if let Some(path) = owner.and_then(|name| name.strip_prefix(package)) {
                *parts.entry(file_of(path)).or_default() += 1;
            }
        }
        end = end.max(symbol.address + symbol.size);
    }
    Ok(parts)
}

/// Returns the file of a function. `path` is the path of the function without the name of the crate.
fn file_of(path: &str) -> String {
    let path = path.trim_start_matches("::").trim_end_matches("::{{closure}}");
    let modules = path.rsplit_once("::").map_or("", |(modules, _)| modules);
    let is_module = |part: &&str| part.starts_with(|first: char| first.is_ascii_lowercase());
    let modules: Vec<_> = modules.split("::").take_while(is_module).collect();
    if modules.is_empty() { "lib".to_owned() } else { modules.join("/") }
}

/// The storages that are compared with [`FEW`] to compute the size of a slot. Each entry contains the kind of slot, the
/// name of the storage, and how many more slots than [`FEW`] the storage has.
const TABLES: [(&str, &str, u64); 5] = [
    ("a further event or timer", "MORE_EVENTS", 8),
    ("a further connection, without its rings", "MORE_CONNS", 8),
    ("a further listener", "MORE_LISTENERS", 8),
    ("a further pool", "MORE_POOLS", 8),
    ("a further source", "MORE_SOURCES", 8),
];

/// The storage with which the other storages are compared.
const FEW: &str = "FEW";

/// Returns the RAM of the event base, of one more slot of each kind, and of other objects, on a 32-bit chip.
pub fn memory(toolchain: Toolchain) -> Result<Vec<(String, u64)>> {
    let sections = sections(&compile(toolchain, SMALL, "memory")?)?;
    let size = |name: &str| {
        let end = format!("::{name}");
        let mut symbols = sections.iter().flat_map(|section| &section.symbols);
        let symbol = symbols.find(|symbol| symbol.name.ends_with(&end));
        symbol.map(|symbol| symbol.size).with_context(|| format!("the image has no {name}"))
    };
    let few = size(FEW)?;
    let mut memory = vec![("the base itself".to_owned(), size("BASE")?)];
    for (what, storage, times) in TABLES {
        let further = size(storage)?.saturating_sub(few) / times;
        memory.push((what.to_owned(), further));
    }
    memory.push(("a static slice that waits to be sent".to_owned(), size("STATIC")?));
    memory.push(("a ring buffer, without its bytes".to_owned(), size("RING")?));
    Ok(memory)
}

/// Returns the table of [`memory`].
///
/// # Errors
/// The same errors as [`memory`].
pub fn memory_table(toolchain: Toolchain) -> Result<Table> {
    let mut table = Table::new("RAM of the core alone", "RAM, 32-bit chip | bytes");
    for (name, bytes) in memory(toolchain)? {
        table.row(&name, [grouped(bytes)]);
    }
    Ok(table)
}

fn compile(toolchain: Toolchain, build: Build, image: &str) -> Result<PathBuf> {
    let folder = workspace::alone();
    let mut cargo = match build.target {
        HOST => command::cargo(&folder),
        target => toolchain.cargo(&folder, target),
    };
    cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", build.level);
    cargo.args(["build", "--release", "--target", build.target, "--bin", image]);
    if UDP.contains(&image) {
        cargo.args(["--features", "udp"]);
    }
    command::build_one(&mut cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_path_names_its_file() {
        for (path, file) in [
            ("::udp::run", "udp"),
            ("::wire::outgoing::connect::{{closure}}::{{closure}}", "wire/outgoing"),
            ("::questions::<impl picoevent_dns::resolver::Table>::answered", "questions"),
            ("::wire::message::Records as core::iter::Iterator>::next", "wire/message"),
            ("::client::Client<A,_,_,_>::as_mut", "client"),
            ("::end", "lib"),
        ] {
            assert_eq!(file_of(path), file, "{path}");
        }
    }
}
