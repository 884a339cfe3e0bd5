//! The boards with firmware in this repository.

use std::path::PathBuf;

use anyhow::{Result, anyhow};

use crate::{command_line::Usage, qemu::Machine, workspace};

/// One firmware package under `examples/boards`.
#[derive(Debug, PartialEq, Eq)]
pub struct Board {
    /// The package's name, which is also its folder's name.
    pub name: &'static str,
    /// The target triple, as in the package's `.cargo/config.toml`.
    pub target: &'static str,
    /// The way in which the firmware runs.
    pub runs_on: RunsOn,
}

/// The way in which a board's firmware runs.
#[derive(Debug, PartialEq, Eq)]
pub enum RunsOn {
    /// On the emulated machine of this name.
    Qemu(&'static str),
    /// On hardware.
    Hardware(Hardware),
}

/// A hardware board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardware {
    /// The folder of the board's family. Empty if the board has no family.
    family: &'static str,
    /// The chip's name in the flashing program.
    pub chip: &'static str,
    /// The method of flashing the board.
    pub flashed_by: FlashedBy,
}

/// A method of flashing a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashedBy {
    /// With probe-rs and a debug probe.
    Probe,
    /// By copying to the USB drive that appears if BOOTSEL is held while the board is plugged in.
    Drive,
    /// With espflash, over the USB connector.
    Espflash,
}

/// The measured boards: first the emulated boards, then hardware boards. Each run of `cargo xtask test` links firmware
/// for these boards.
pub const BOARDS: [Board; 7] = [
    Board {
        name: "qemu-lm3s6965evb",
        target: "thumbv7m-none-eabi",
        runs_on: RunsOn::Qemu("lm3s6965evb"),
    },
    Board {
        name: "qemu-mps2-an385",
        target: "thumbv7m-none-eabi",
        runs_on: RunsOn::Qemu("mps2-an385"),
    },
    Board {
        name: "qemu-mps2-an500",
        target: "thumbv7em-none-eabihf",
        runs_on: RunsOn::Qemu("mps2-an500"),
    },
    Board {
        name: "qemu-mps2-an505",
        target: "thumbv8m.main-none-eabihf",
        runs_on: RunsOn::Qemu("mps2-an505"),
    },
    Board {
        name: "qemu-riscv-virt",
        target: "riscv32imac-unknown-none-elf",
        runs_on: RunsOn::Qemu("riscv-virt"),
    },
    Board::probed("nucleo-h743zi", "nucleo", ARMV7E_M, "STM32H743ZITx"),
    Board::probed("w5500-evb-pico", "rp", ARMV6_M, RP2040),
];

/// The other hardware boards. `cargo xtask test --only boards` links firmware for these boards.
pub const OTHER_BOARDS: [Board; 13] = [
    Board::drive("pico-usb", ARMV6_M, RP2040),
    Board::drive("pico2-usb", ARMV8_M, RP2350),
    Board::probed("pico-w", "rp", ARMV6_M, RP2040),
    Board::probed("pico2-w", "rp", ARMV8_M, RP2350),
    Board::probed("w5500-evb-pico2", "rp", ARMV8_M, RP2350),
    Board::probed("w6100-evb-pico", "rp", ARMV6_M, RP2040),
    Board::probed("w6100-evb-pico2", "rp", ARMV8_M, RP2350),
    Board::probed("nucleo-f429zi", "nucleo", ARMV7E_M, "STM32F429ZITx"),
    Board::probed("nucleo-f767zi", "nucleo", ARMV7E_M, "STM32F767ZITx"),
    Board::probed("nucleo-h563zi", "nucleo", ARMV8_M, "STM32H563ZITx"),
    Board::probed("nrf52840-dk", "", ARMV7E_M, "nRF52840_xxAA"),
    Board::esp32("esp32-c3", "riscv32imc-unknown-none-elf", "esp32c3"),
    Board::esp32("esp32-c6", "riscv32imac-unknown-none-elf", "esp32c6"),
];

const ARMV6_M: &str = "thumbv6m-none-eabi";
const ARMV7E_M: &str = "thumbv7em-none-eabihf";
const ARMV8_M: &str = "thumbv8m.main-none-eabihf";

const RP2040: &str = "RP2040";
const RP2350: &str = "RP235x";

impl Board {
    /// Returns whether QEMU runs this board's firmware.
    pub fn is_emulated(&self) -> bool {
        matches!(self.runs_on, RunsOn::Qemu(_))
    }

    const fn hardware(name: &'static str, target: &'static str, hardware: Hardware) -> Self {
        Self { name, target, runs_on: RunsOn::Hardware(hardware) }
    }

    const fn probed(
        name: &'static str,
        family: &'static str,
        target: &'static str,
        chip: &'static str,
    ) -> Self {
        let flashed_by = FlashedBy::Probe;
        Self::hardware(name, target, Hardware { family, chip, flashed_by })
    }

    const fn drive(name: &'static str, target: &'static str, chip: &'static str) -> Self {
        Self::hardware(name, target, Hardware { family: "rp", chip, flashed_by: FlashedBy::Drive })
    }

    const fn esp32(name: &'static str, target: &'static str, chip: &'static str) -> Self {
        let flashed_by = FlashedBy::Espflash;
        Self::hardware(name, target, Hardware { family: "esp32", chip, flashed_by })
    }

    /// Returns every board.
    pub fn all() -> impl Iterator<Item = &'static Board> {
        const { &BOARDS }.iter().chain(const { &OTHER_BOARDS })
    }

    /// Returns every hardware board.
    pub fn on_hardware() -> impl Iterator<Item = (&'static Board, Hardware)> {
        Self::all().filter_map(|board| match board.runs_on {
            RunsOn::Hardware(hardware) => Some((board, hardware)),
            RunsOn::Qemu(_) => None,
        })
    }

    /// Returns the folder of the board's package.
    pub fn folder(&self) -> PathBuf {
        let family = match self.runs_on {
            RunsOn::Hardware(hardware) => hardware.family,
            RunsOn::Qemu(_) => "",
        };
        workspace::boards().join(family).join(self.name)
    }

    /// Returns whether the board's package has code. A package has no code if all code is in a package of the board's
    /// family.
    pub fn has_code(&self) -> bool {
        self.folder().join("src").is_dir()
    }

    /// Returns whether `tests/bench/baseline` is built for this board.
    pub fn has_baseline(&self) -> bool {
        Machine::CORTEX_M3.iter().any(|machine| machine.board() == self.name)
    }

    /// Finds a board by its name.
    ///
    /// # Errors
    /// [`Usage`] with the known names, if no board has this name.
    pub fn named(name: &str) -> Result<&'static Board> {
        Self::all().find(|board| board.name == name).ok_or_else(|| {
            anyhow!(Usage(format!(
                "no board is called {name:?}; known are {}",
                listed(Self::all())
            )))
        })
    }

    /// Finds a board by its name, among the boards that can be flashed.
    ///
    /// # Errors
    /// [`Usage`] with the known names, if no board has this name, or if only QEMU runs the board's firmware.
    pub fn flashable(name: &str) -> Result<(&'static Board, Hardware)> {
        Self::on_hardware().find(|(board, _)| board.name == name).ok_or_else(|| {
            let known = listed(Self::on_hardware().map(|(board, _)| board));
            anyhow!(Usage(format!("no board to flash is called {name:?}; known are {known}")))
        })
    }
}

fn listed(boards: impl Iterator<Item = &'static Board>) -> String {
    boards.map(|board| board.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_found_by_its_name() {
        assert_eq!(Board::named("w5500-evb-pico").unwrap().target, "thumbv6m-none-eabi");
    }

    #[test]
    fn every_machine_has_a_board() {
        for machine in Machine::ALL {
            let board = Board::named(machine.board()).unwrap();
            assert_eq!(board.runs_on, RunsOn::Qemu(machine.name()));
            assert_eq!(board.target, machine.target());
            assert_eq!(Machine::named(machine.name()).unwrap(), machine);
        }
    }

    #[test]
    fn every_board_has_a_package_for_its_target_and_chip() {
        for board in Board::all() {
            let settings = board.folder().join(".cargo/config.toml");
            let settings = std::fs::read_to_string(settings).expect(board.name);
            assert!(settings.contains(&format!("target = \"{}\"", board.target)), "{settings}");
            let manifest = std::fs::read_to_string(board.folder().join("Cargo.toml")).unwrap();
            assert!(manifest.contains(&format!("name = \"{}\"", board.name)), "{manifest}");
            if let RunsOn::Hardware(Hardware { chip, flashed_by, .. }) = board.runs_on {
                let expected = match flashed_by {
                    FlashedBy::Probe => format!("probe-rs run --chip {chip}\""),
                    FlashedBy::Drive => format!("flash --chip {chip} --drive --elf\""),
                    FlashedBy::Espflash => format!("espflash flash --chip {chip} "),
                };
                assert!(settings.contains(&expected), "{settings}");
            }
        }
    }

    #[test]
    fn the_machines_of_a_family_have_no_code() {
        let named = |name| Board::named(name).unwrap();
        assert!(named("qemu-mps2-an385").has_code() && named("qemu-riscv-virt").has_code());
        assert!(!named("qemu-mps2-an500").has_code() && !named("qemu-mps2-an505").has_code());
    }

    #[test]
    fn an_unknown_board_is_refused_with_the_known_ones() {
        let error = Board::named("nucleo").unwrap_err();
        assert!(error.is::<Usage>());
        assert!(error.to_string().contains("nucleo-h743zi, w5500-evb-pico, pico-usb, "), "{error}");
    }

    #[test]
    fn an_emulated_board_cannot_be_flashed() {
        let error = Board::flashable("qemu-mps2-an385").unwrap_err();
        assert!(!error.to_string().contains("qemu-lm3s6965evb"), "{error}");
        assert_eq!(Board::flashable("nucleo-h743zi").unwrap().1.chip, "STM32H743ZITx");
        assert_eq!(Board::flashable("pico2-usb").unwrap().1.flashed_by, FlashedBy::Drive);
    }
}
