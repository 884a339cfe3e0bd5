//! `cargo picoevent`. The library documents the commands.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};
use picoevent_command::{
    Usage, drive,
    emulate::{self, Emulation, Network},
    flash,
    forward::Forward,
    image,
    qemu::Machine,
    serial,
    table::Format,
};

/// The text that `--help` adds to the list of commands.
const AFTER_HELP: &str = "\
machines: lm3s6965evb, mps2-an385, mps2-an500, mps2-an505, riscv-virt

Every command takes the image as cargo has built it, such as
  --elf target/thumbv7m-none-eabi/release/my-device
With debug information (debug = \"line-tables-only\" in its profile), qemu shows the source lines of a
panic's backtrace, and size counts inlined code for the crate that defines it.";

/// Runs, flashes and measures a firmware image.
#[derive(Debug, Parser)]
#[command(name = "cargo picoevent", bin_name = "cargo picoevent", after_help = AFTER_HELP)]
#[command(about = None, version, disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an image under QEMU and show its log; Ctrl-C sends the byte 3 to the serial port, which requests the
    /// firmware to end; SIGUSR1 sends the byte `b`, which presses the button of picoevent's boards
    Qemu {
        /// The image, which logs defmt frames to the machine's first serial port
        #[arg(long, value_name = "PATH")]
        elf: PathBuf,
        /// The emulated machine
        #[arg(long, value_parser = Machine::named)]
        machine: Machine,
        /// Forward port HOST of 127.0.0.1 to port GUEST of the guest; without HOST, both ports have the same number;
        /// if HOST is 0, any free port
        #[arg(long, value_name = "[udp:][HOST:]GUEST", value_parser = Forward::parse)]
        forward: Vec<Forward>,
        /// Capture the network frames in a file for Wireshark
        #[arg(long, value_name = "FILE")]
        pcap: Option<PathBuf>,
    },
    /// Write an image to a board, either with probe-rs, which then shows the log, or to the board's USB drive
    Flash {
        /// The image
        #[arg(long, value_name = "PATH")]
        elf: PathBuf,
        /// probe-rs' name of the chip, such as STM32H743ZITx or RP2040
        #[arg(long)]
        chip: String,
        /// Write to the USB drive of an RP2040 or RP235x that was connected with BOOTSEL held; without FOLDER,
        /// find the drive
        #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true)]
        drive: Option<Option<PathBuf>>,
    },
    /// Show the log that a board sends over a serial port, until the board is gone
    Log {
        /// The image that runs on the board
        #[arg(long, value_name = "PATH")]
        elf: PathBuf,
        /// The serial port, such as /dev/ttyACM0, or a file with the bytes that the board has sent
        #[arg(long)]
        port: PathBuf,
    },
    /// Print the bytes of flash and of static RAM that each crate takes
    Size {
        /// The image
        #[arg(long, value_name = "PATH")]
        elf: PathBuf,
        /// Print the table in Markdown
        #[arg(long)]
        markdown: bool,
    },
}

fn main() -> ExitCode {
    // Cargo passes the subcommand's name as the first argument.
    let mut words: Vec<_> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == "picoevent") {
        words.remove(1);
    }
    // After a wrong command line the program ends here with status 2.
    match run(CommandLine::parse_from(words).command) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

/// Returns how to install the QEMU for a machine.
fn qemu_installation(machine: Machine) -> String {
    let package = machine.processor().package();
    format!("apt install {package} on Debian and Ubuntu, brew install qemu on macOS")
}

/// Runs the command. Returns the exit status.
fn run(command: Command) -> Result<i32> {
    match command {
        Command::Qemu { elf, machine, forward, pcap } => {
            image::check_exists(&elf)?;
            image::check_made_for(&elf, machine)?;
            forward.iter().try_for_each(Forward::check_free)?;
            emulate::check_installed(machine, &qemu_installation(machine))?;
            let name = elf.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let network = Network::Ports(&forward);
            return emulate::run(Emulation {
                name: &name,
                machine,
                elf: &elf,
                network,
                capture: pcap,
            });
        }
        Command::Flash { elf, chip, drive: None } => {
            image::check_exists(&elf)?;
            flash::check_probe()?;
            flash::run(&elf, &chip)?;
        }
        Command::Flash { elf, chip, drive: Some(named) } => {
            image::check_exists(&elf)?;
            let folder = named.map_or_else(|| drive::find(&chip), Ok)?;
            drive::write(&elf, &chip, &folder)?;
        }
        Command::Log { elf, port } => {
            image::check_exists(&elf)?;
            serial::run(&elf, &port)?;
        }
        Command::Size { elf, markdown } => {
            image::check_exists(&elf)?;
            let format = if markdown { Format::Markdown } else { Format::Plain };
            print!("{}", image::table_of_crates(&elf)?.grid(format));
        }
    }
    Ok(0)
}
