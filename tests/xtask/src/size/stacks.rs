//! `cargo xtask size --stacks FOLDER`: compares hello-world with servers that do the same on TCP/IP stacks in C.
//!
//! The programs are in `tests/bench/stacks`, for the first board of this repository. Each program greets its clients,
//! closes the connections, and ends two seconds after Ctrl-C. The stacks are not in this repository, so clone the
//! stacks before measuring. Each image runs under QEMU and must greet clients before its size is recorded.

use std::{
    fs,
    io::Read,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{Usage, measure, stack::BOARD};
use crate::{
    board::Board,
    command, firmware, generated,
    qemu::{Machine, Qemu},
    setup,
    table::{Format, Table, grouped},
    workspace,
};

const COMPILER: &str = "arm-none-eabi-gcc";

/// The flags of the C compiler. These flags are equivalent to the flags of the firmware in Rust: optimised for size,
/// without unused code, with link-time optimisation.
const FLAGS: [&str; 14] = [
    "-mcpu=cortex-m3",
    "-mthumb",
    "-std=gnu11",
    "-Os",
    "-flto",
    "-g",
    "-ffunction-sections",
    "-fdata-sections",
    "-nostartfiles",
    "--specs=nano.specs",
    "--specs=nosys.specs",
    "-Wl,--gc-sections",
    "-T",
    "lm3s6965.ld",
];

const GREETING: &str = "Hello, World!\n";
const PORT: u16 = 9995;
const CLIENTS: usize = 20;
const LIMIT: Duration = Duration::from_secs(10);

/// A stack in C.
struct Stack {
    name: &'static str,
    /// The name of the folder with the clone of the stack, and of the folder in `tests/bench/stacks` with the program.
    folder: &'static str,
    address: &'static str,
    tag: &'static str,
    /// A file of the clone, and the texts in this file that show the version.
    version: (&'static str, &'static [&'static str]),
    include: &'static str,
    sources: &'static [&'static str],
}

const STACKS: [Stack; 2] = [
    Stack {
        name: "lwIP 2.2.1, its raw API",
        folder: "lwip",
        address: "https://github.com/lwip-tcpip/lwip",
        tag: "STABLE-2_2_1_RELEASE",
        version: (
            "src/include/lwip/init.h",
            &["VERSION_MAJOR      2", "VERSION_MINOR      2", "VERSION_REVISION   1"],
        ),
        include: "src/include",
        sources: &[
            "src/core/def.c",
            "src/core/inet_chksum.c",
            "src/core/init.c",
            "src/core/ip.c",
            "src/core/ipv4/etharp.c",
            "src/core/ipv4/icmp.c",
            "src/core/ipv4/ip4.c",
            "src/core/ipv4/ip4_addr.c",
            "src/core/mem.c",
            "src/core/memp.c",
            "src/core/netif.c",
            "src/core/pbuf.c",
            "src/core/tcp.c",
            "src/core/tcp_in.c",
            "src/core/tcp_out.c",
            "src/core/timeouts.c",
            "src/netif/ethernet.c",
        ],
    },
    Stack {
        name: "Mongoose 7.22, its own stack",
        folder: "mongoose",
        address: "https://github.com/cesanta/mongoose",
        tag: "7.22",
        version: ("mongoose.h", &["MG_VERSION \"7.22\""]),
        include: "",
        sources: &["mongoose.c"],
    },
];

/// Builds and runs the programs, prints the table, and writes the table into `docs/performance.md`. `clones` contains
/// the folders `lwip` and `mongoose`.
///
/// # Errors
/// If a clone is missing or has another version. The error text contains the command that makes the clone.
pub fn run(clones: &Path, format: Format) -> Result<()> {
    STACKS.iter().try_for_each(|stack| stack.check(clones))?;
    let toolchain = setup::emulation()?;
    setup::programs(&[(COMPILER, "gcc-arm-none-eabi"), (COMPILER, "libnewlib-arm-none-eabi")])?;
    let title = "hello-world beside stacks in C, qemu-lm3s6965evb";
    let mut table = Table::new(title, "program | flash | static RAM | heap");
    let mut row = |name: &str, usage: &Usage, heap: u64| {
        table.row(name, [usage.flash, usage.ram, heap].map(grouped));
    };
    for stack in &STACKS {
        let elf = stack.build(clones)?;
        let heap =
            check_greeting(&elf).with_context(|| format!("{} does not serve", stack.name))?;
        row(stack.name, &measure(&elf)?, heap);
    }
    let board = Board::named(BOARD)?;
    for elf in firmware::build_baseline(toolchain, board, &["tasks-many"])? {
        row("embassy-net, a task for each socket", &measure(&elf)?, 0);
    }
    row("picoevent", &measure(&firmware::build(toolchain, board, "hello-world")?)?, 0);
    table.remark(format!(
        "By {}; room for sixteen connections; Mongoose is limited only by memory. Static RAM does \
         not include the call stack.",
        command::first_line(Command::new(COMPILER).arg("--version"))?
    ));
    print!("\n{}\n\n{}", table.title, table.grid(format));
    let document = workspace::root().join("docs/performance.md");
    generated::write_section(&document, "size stacks", &table.markdown())
}

impl Stack {
    /// Checks that the clone exists and has the expected version.
    fn check(&self, clones: &Path) -> Result<()> {
        let clone = clones.join(self.folder);
        let (file, lines) = self.version;
        let text = fs::read_to_string(clone.join(file)).unwrap_or_default();
        ensure!(
            lines.iter().all(|line| text.contains(line)),
            "there is no {} in {}; type\n  git clone --depth 1 --branch {} {} {}",
            self.name,
            clone.display(),
            self.tag,
            self.address,
            clone.display(),
        );
        Ok(())
    }

    fn build(&self, clones: &Path) -> Result<PathBuf> {
        let clone = clones.canonicalize()?.join(self.folder);
        let folder = workspace::root().join("target/stacks");
        fs::create_dir_all(&folder)?;
        let elf = folder.join(self.folder);
        let mut gcc = Command::new(COMPILER);
        gcc.current_dir(workspace::root().join("tests/bench/stacks")).args(FLAGS);
        gcc.args(["-I.", "-I", self.folder, "-I"]).arg(clone.join(self.include));
        gcc.arg("board.c").arg(format!("{}/hello.c", self.folder));
        gcc.args(self.sources.iter().map(|source| clone.join(source)));
        gcc.arg("-o").arg(&elf);
        command::output(&mut gcc)?;
        Ok(elf)
    }
}

/// Runs an image, checks that the program greets all clients, and interrupts the program. Returns the number of bytes
/// of heap that the program used.
fn check_greeting(elf: &Path) -> Result<u64> {
    let mut guest = Qemu::new(Machine::Lm3s6965evb, elf)
        .netdev(format!("user,id=n0,hostfwd=tcp:127.0.0.1:0-10.0.2.15:{PORT}"))
        .boot()?;
    guest.wait_for("listening", LIMIT)?;
    let port = guest.qmp()?.forwarded_port(PORT)?;
    for client in 0..CLIENTS {
        let mut received = String::new();
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(LIMIT))?;
        socket.read_to_string(&mut received)?;
        ensure!(received == GREETING, "client {client} received {received:?}");
    }
    guest.interrupt()?;
    let line = guest.wait_for("heap:", LIMIT)?;
    let heap = line.message.rsplit(' ').next().and_then(|bytes| bytes.trim().parse().ok());
    ensure!(guest.wait_exit(LIMIT)? == 0, "it did not end with status 0");
    heap.with_context(|| format!("{:?} has no number of bytes", line.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_clone_is_named_with_the_command_that_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = run(folder.path(), Format::Plain).unwrap_err().to_string();
        assert!(error.contains("lwIP 2.2.1") && error.contains("git clone"), "{error}");
        assert!(error.contains(STACKS[0].tag), "{error}");
    }

    #[test]
    fn each_program_is_in_its_folder() {
        let programs = workspace::root().join("tests/bench/stacks");
        for stack in &STACKS {
            assert!(programs.join(stack.folder).join("hello.c").is_file(), "{}", stack.folder);
        }
    }
}
