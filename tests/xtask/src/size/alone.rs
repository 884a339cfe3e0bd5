//! The core alone: the code that an application uses, and the memory of its tables.
//!
//! The images are `tests/bench/alone`. The core's code is identified as in firmware. Memory is
//! measured as the difference between storages of different capacities, whose sizes come from the
//! compiler.

use std::path::PathBuf;

use anyhow::{Context, Result};

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

/// The firmware's own target and level, which are recorded.
pub const SMALL: Build = Build { target: "thumbv7m-none-eabi", level: "s" };

/// A host, with the current Rust.
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

/// The images with datagrams.
const UDP: [&str; 2] = ["names", "mdns"];

/// The protocols: each with the image that has it, and the crate that it is.
const PROTOCOLS: [(&str, &str, &str); 6] = [
    ("HTTP server, two routes", "http", "picoevent_http"),
    ("HTTP server, all features", "http-all", "picoevent_http"),
    ("resolver", "names", "picoevent_dns"),
    ("responder for `.local`", "mdns", "picoevent_dns"),
    ("client of time servers, clock", "names", "picoevent_sntp"),
    ("MQTT client, both versions", "mqtt", "picoevent_mqtt"),
];

/// Code of an image in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The core's part.
    pub core: u64,
    /// All code, with the callbacks and the core library.
    pub all: u64,
}

/// Builds the images for every target. Returns the table of their code.
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

/// What is compared to know what a further slot takes: a storage, and how many slots more than
/// [`FEW`] it has.
const TABLES: [(&str, &str, u64); 5] = [
    ("a further event or timer", "MORE_EVENTS", 8),
    ("a further connection, without its rings", "MORE_CONNS", 8),
    ("a further listener", "MORE_LISTENERS", 8),
    ("a further pool", "MORE_POOLS", 8),
    ("a further source", "MORE_SOURCES", 8),
];

/// The storage that the others are compared with.
const FEW: &str = "FEW";

/// The RAM that the base takes, each further slot, and other objects, on a chip of 32 bits.
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
    memory.push(("a static piece that waits to be sent".to_owned(), size("STATIC")?));
    memory.push(("a ring buffer, without its bytes".to_owned(), size("RING")?));
    Ok(memory)
}

/// Returns the table of [`memory`].
///
/// # Errors
/// As [`memory`].
pub fn memory_table(toolchain: Toolchain) -> Result<Table> {
    let mut table = Table::new("RAM of the core alone", "of RAM, on a chip of 32 bits | bytes");
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
