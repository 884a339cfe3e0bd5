//! The programs for the chip: builds the programs, and runs them under QEMU.

use std::{fmt, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};

use crate::{
    command::{self, describe},
    qemu::{Machine, Processor},
    toolchain::Toolchain,
    workspace,
};

/// The target of the programs. Both machines have a processor core for this target.
pub const TARGET: &str = "thumbv7m-none-eabi";

/// The programs, in the order in which they run.
const PROGRAMS: [&str; 8] =
    ["core", "dispatch", "tasks", "adapter", "hello", "http", "hello-by-hand", "hello-by-polling"];

/// The time limit of a run. A program takes less than a second.
const LIMIT: Duration = Duration::from_secs(60);

/// The build profile of the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// For speed: `opt-level` 3, and the compiler's memory functions.
    Speed,
    /// For size, like the boards' firmware: `opt-level` s, the boards' flags for compiler and linker, and the boards'
    /// memory functions.
    Size,
}

impl Profile {
    /// Both profiles.
    pub const ALL: [Profile; 2] = [Profile::Speed, Profile::Size];

    /// Returns the profile's name.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Speed => "speed",
            Profile::Size => "size",
        }
    }

    /// Returns the arguments for cargo. The flags are read from the file of a board.
    fn arguments(self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        match self {
            Profile::Speed => words(&["--profile", "speed"]),
            Profile::Size => {
                let board = workspace::boards().join(Machine::Lm3s6965evb.board());
                let flags = board.join(".cargo/config.toml").display().to_string();
                words(&["--profile", "release", "--features", "small-memory", "--config", &flags])
            }
        }
    }
}

/// A program that was built.
#[derive(Debug)]
pub struct Image {
    program: &'static str,
    profile: Profile,
    elf: PathBuf,
    /// The value N of QEMU's option `-icount shift=N`. `None` selects the value for the machine, which [`shift`]
    /// returns.
    shift: Option<u32>,
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.program, self.profile.name())
    }
}

/// Returns the versions of the compiler and of the emulator.
pub fn compiler_and_emulator(toolchain: Toolchain) -> Result<String> {
    let rustc = command::first_line(toolchain.rustc().arg("--version"))?;
    let qemu = command::first_line(Command::new(Processor::Arm.program()).arg("--version"))?;
    Ok(format!("{rustc}, {qemu}"))
}

/// Builds every program.
pub fn build(toolchain: Toolchain, profile: Profile) -> Result<Vec<Image>> {
    let mut cargo = toolchain.cargo(&workspace::chip(), TARGET);
    cargo.args(["build", "--bins"]).args(profile.arguments());
    let built = command::build(&mut cargo)?;
    let image = |program| {
        let elf = built.iter().find(|elf| elf.file_name().is_some_and(|name| name == program));
        let elf = elf.ok_or_else(|| anyhow!("cargo did not report the path of {program}"))?;
        Ok(Image { program, profile, elf: elf.clone(), shift: None })
    };
    PROGRAMS.into_iter().map(image).collect()
}

impl Image {
    /// Runs the program to its end. Returns its output.
    pub fn run(&self, machine: Machine) -> Result<String> {
        let mut qemu = self.command(machine);
        let output = command::capture(&mut qemu, LIMIT).with_context(|| describe(&qemu))?;
        // QEMU's own messages follow the report.
        let end =
            output.find("\nend\t").and_then(|at| Some(at + 1 + output[at + 1..].find('\n')? + 1));
        let report = end.map_or(output.as_str(), |end| &output[..end]);
        ensure!(!report.trim().is_empty(), "{self} printed nothing:\n  {}", describe(&qemu));
        Ok(report.to_owned())
    }

    /// Sets the value N of QEMU's option `-icount shift=N`: an instruction then takes 2^N nanoseconds. A test sets a
    /// wrong value, to check that a wrong clock is refused.
    pub fn with_shift(mut self, shift: u32) -> Self {
        self.shift = Some(shift);
        self
    }

    fn command(&self, machine: Machine) -> Command {
        let mut qemu = Command::new(machine.processor().program());
        qemu.args(machine.options()).args(["-display", "none", "-monitor", "none"]);
        qemu.args(["-serial", "none", "-net", "none"]);
        qemu.args(["-semihosting-config", "enable=on,target=native"]);
        qemu.arg("-icount").arg(format!("shift={}", self.shift.unwrap_or(shift(machine))));
        qemu.arg("-kernel").arg(&self.elf);
        qemu
    }
}

/// Returns the value N of QEMU's option `-icount shift=N` for a machine: an instruction takes 2^N nanoseconds. With the
/// returned value, an instruction takes 1.6 ticks of the core's clock, so each instruction changes the count of ticks.
fn shift(machine: Machine) -> u32 {
    match machine {
        // The core's clock is 12.5 MHz.
        Machine::Lm3s6965evb => 7,
        // The core's clock is 25 MHz.
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_program_in_the_folder_is_run() {
        let folder = workspace::chip().join("src/bin").read_dir().unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.map(|name| name.replace(".rs", "")).collect();
        names.sort();
        let mut programs = PROGRAMS;
        programs.sort_unstable();
        assert_eq!(names, programs);
    }

    #[test]
    fn the_flags_for_size_are_the_flags_of_a_board() {
        let arguments = Profile::Size.arguments();
        let file = arguments.last().unwrap();
        assert!(fs::read_to_string(file).unwrap().contains("rustflags"), "{file}");
    }

    #[test]
    fn a_program_is_run_with_a_clock_that_counts_instructions() {
        let elf = PathBuf::from("core");
        let image = Image { program: "core", profile: Profile::Speed, elf, shift: None };
        let line = describe(&image.command(Machine::Mps2An385));
        assert!(line.contains("-machine mps2-an385") && line.contains("-icount shift=6"), "{line}");
    }
}
