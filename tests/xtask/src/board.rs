//! The boards with firmware in this repository.

use anyhow::{Result, anyhow};

use crate::{command_line::Usage, qemu::Machine, workspace};

/// One firmware package under `examples/boards`.
#[derive(Debug, PartialEq, Eq)]
pub struct Board {
    /// The package's name, which is also its folder's name.
    pub name: &'static str,
    /// The target triple, as in its `.cargo/config.toml`.
    pub target: &'static str,
    /// How it runs.
    pub runs_on: RunsOn,
}

/// How a board's firmware runs.
#[derive(Debug, PartialEq, Eq)]
pub enum RunsOn {
    /// On the emulated machine of this name.
    Qemu(&'static str),
    /// On hardware, which probe-rs knows as this chip.
    Chip(&'static str),
}

/// Every board, the emulated ones first.
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
    Board {
        name: "nucleo-h743zi",
        target: "thumbv7em-none-eabihf",
        runs_on: RunsOn::Chip("STM32H743ZITx"),
    },
    Board { name: "w5500-evb-pico", target: "thumbv6m-none-eabi", runs_on: RunsOn::Chip("RP2040") },
];

impl Board {
    /// Returns whether QEMU runs this board's firmware.
    pub fn is_emulated(&self) -> bool {
        matches!(self.runs_on, RunsOn::Qemu(_))
    }

    /// Returns whether its package has code, unlike that of a machine whose family shares all of it.
    pub fn has_code(&self) -> bool {
        workspace::boards().join(self.name).join("src").is_dir()
    }

    /// Returns whether `tests/bench/baseline` is built for this board.
    pub fn has_baseline(&self) -> bool {
        Machine::CORTEX_M3.iter().any(|machine| machine.board() == self.name)
    }

    /// Finds a board by its name.
    ///
    /// # Errors
    /// [`Usage`] with the known names, if there is no such board.
    pub fn named(name: &str) -> Result<&'static Board> {
        BOARDS.iter().find(|board| board.name == name).ok_or_else(|| {
            let known = BOARDS.map(|board| board.name).join(", ");
            anyhow!(Usage(format!("no board is called {name:?}; known are {known}")))
        })
    }

    /// Finds a board that can be flashed by its name, and its chip.
    ///
    /// # Errors
    /// [`Usage`] with the known names, if there is no such board or only QEMU runs it.
    pub fn flashable(name: &str) -> Result<(&'static Board, &'static str)> {
        let chips = BOARDS.iter().filter_map(|board| match board.runs_on {
            RunsOn::Chip(chip) => Some((board, chip)),
            RunsOn::Qemu(_) => None,
        });
        let chips: Vec<_> = chips.collect();
        chips.iter().find(|(board, _)| board.name == name).copied().ok_or_else(|| {
            let known: Vec<_> = chips.iter().map(|(board, _)| board.name).collect();
            let known = known.join(", ");
            anyhow!(Usage(format!("no board to flash is called {name:?}; known are {known}")))
        })
    }
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
    fn the_machines_of_a_family_have_no_code() {
        let named = |name| Board::named(name).unwrap();
        assert!(named("qemu-mps2-an385").has_code() && named("qemu-riscv-virt").has_code());
        assert!(!named("qemu-mps2-an500").has_code() && !named("qemu-mps2-an505").has_code());
    }

    #[test]
    fn an_unknown_board_is_refused_with_the_known_ones() {
        let error = Board::named("nucleo").unwrap_err();
        assert!(error.is::<Usage>());
        assert!(error.to_string().contains("nucleo-h743zi, w5500-evb-pico"), "{error}");
    }

    #[test]
    fn an_emulated_board_cannot_be_flashed() {
        let error = Board::flashable("qemu-mps2-an385").unwrap_err();
        assert!(!error.to_string().contains("qemu-lm3s6965evb"), "{error}");
        assert_eq!(Board::flashable("nucleo-h743zi").unwrap().1, "STM32H743ZITx");
    }
}
