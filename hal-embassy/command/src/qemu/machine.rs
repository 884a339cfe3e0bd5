//! The emulated machines: their names, and what QEMU and the linker need for each machine.

use std::ops::Range;

use anyhow::{Result, anyhow};

use crate::Usage;

/// The RAM of QEMU's `virt`: 128 MB by default.
const VIRT_RAM: Range<u64> = 0x8000_0000..0x8800_0000;

/// A machine that QEMU emulates, and for which picoevent's repository has a board package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// TI's LM3S6965 evaluation board: Cortex-M3, 64 KB of RAM, Stellaris Ethernet.
    Lm3s6965evb,
    /// Arm's MPS2 with the AN385 image: Cortex-M3, LAN9118 Ethernet with a PHY.
    Mps2An385,
    /// Like [`Mps2An385`](Self::Mps2An385), with the AN500 image: Cortex-M7.
    Mps2An500,
    /// Like [`Mps2An385`](Self::Mps2An385), with the AN505 image: Cortex-M33, in its secure state.
    Mps2An505,
    /// QEMU's own machine for 32-bit RISC-V, with virtio Ethernet.
    RiscvVirt,
}

/// The kind of a machine's processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    /// An Arm processor.
    Arm,
    /// A 32-bit RISC-V processor.
    Riscv32,
}

impl Processor {
    /// Both kinds of processors.
    pub const ALL: [Processor; 2] = [Processor::Arm, Processor::Riscv32];

    /// Returns the QEMU program that emulates this kind of processor.
    pub fn program(self) -> &'static str {
        match self {
            Processor::Arm => "qemu-system-arm",
            Processor::Riscv32 => "qemu-system-riscv32",
        }
    }

    /// Returns the Debian package that contains the QEMU program.
    pub fn package(self) -> &'static str {
        match self {
            Processor::Arm => "qemu-system-arm",
            Processor::Riscv32 => "qemu-system-misc",
        }
    }
}

impl Machine {
    /// Every machine.
    pub const ALL: [Machine; 5] = [
        Machine::Lm3s6965evb,
        Machine::Mps2An385,
        Machine::Mps2An500,
        Machine::Mps2An505,
        Machine::RiscvVirt,
    ];

    /// The machines with a Cortex-M3. Both machines execute the same number of instructions for the same code.
    pub const CORTEX_M3: [Machine; 2] = [Machine::Lm3s6965evb, Machine::Mps2An385];

    /// Returns the machine's name on the command line. It is QEMU's name, except for
    /// [`Machine::RiscvVirt`]: QEMU has a `virt` for each kind of processor.
    pub fn name(self) -> &'static str {
        match self {
            Machine::Lm3s6965evb => "lm3s6965evb",
            Machine::Mps2An385 => "mps2-an385",
            Machine::Mps2An500 => "mps2-an500",
            Machine::Mps2An505 => "mps2-an505",
            Machine::RiscvVirt => "riscv-virt",
        }
    }

    /// Returns the name of the board package in picoevent's repository.
    pub fn board(self) -> &'static str {
        match self {
            Machine::Lm3s6965evb => "qemu-lm3s6965evb",
            Machine::Mps2An385 => "qemu-mps2-an385",
            Machine::Mps2An500 => "qemu-mps2-an500",
            Machine::Mps2An505 => "qemu-mps2-an505",
            Machine::RiscvVirt => "qemu-riscv-virt",
        }
    }

    /// Returns the kind of the machine's processor.
    pub fn processor(self) -> Processor {
        match self {
            Machine::RiscvVirt => Processor::Riscv32,
            _ => Processor::Arm,
        }
    }

    /// Returns a compiler target for the machine.
    pub fn target(self) -> &'static str {
        match self {
            Machine::Lm3s6965evb | Machine::Mps2An385 => "thumbv7m-none-eabi",
            Machine::Mps2An500 => "thumbv7em-none-eabihf",
            Machine::Mps2An505 => "thumbv8m.main-none-eabihf",
            Machine::RiscvVirt => "riscv32imac-unknown-none-elf",
        }
    }

    /// Returns the memory that an image can be linked for.
    pub fn memory(self) -> &'static [Range<u64>] {
        match self {
            Machine::Lm3s6965evb => &[0..0x4_0000, 0x2000_0000..0x2001_0000],
            Machine::Mps2An385 | Machine::Mps2An500 => &[0..0x40_0000, 0x2000_0000..0x2040_0000],
            Machine::Mps2An505 => &[0x1000_0000..0x1040_0000, 0x3800_0000..0x3820_0000],
            Machine::RiscvVirt => &[VIRT_RAM],
        }
    }

    /// Returns QEMU's options that select the machine.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            // QEMU starts the image directly, without a BIOS.
            Machine::RiscvVirt => &["-machine", "virt", "-bios", "none"],
            Machine::Lm3s6965evb => &["-machine", "lm3s6965evb"],
            Machine::Mps2An385 => &["-machine", "mps2-an385"],
            Machine::Mps2An500 => &["-machine", "mps2-an500"],
            Machine::Mps2An505 => &["-machine", "mps2-an505"],
        }
    }

    /// Returns QEMU's options that connect the machine's network controller to the `-netdev` with
    /// the id `n0`.
    pub(super) fn nic(self) -> [&'static str; 2] {
        match self {
            Machine::Lm3s6965evb => ["-net", "nic,model=stellaris,netdev=n0"],
            Machine::Mps2An385 | Machine::Mps2An500 | Machine::Mps2An505 => {
                ["-net", "nic,model=lan9118,netdev=n0"]
            }
            Machine::RiscvVirt => ["-device", "virtio-net-device,netdev=n0"],
        }
    }

    /// Finds a machine by its name.
    ///
    /// # Errors
    /// [`Usage`] with the known names, if there is no such machine.
    pub fn named(name: &str) -> Result<Machine> {
        Machine::ALL.into_iter().find(|machine| machine.name() == name).ok_or_else(|| {
            let known = Machine::ALL.map(Machine::name).join(", ");
            anyhow!(Usage(format!("no machine is called {name:?}; known are {known}")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_for_an_unknown_machine_lists_the_known_machines() {
        let error = Machine::named("qemu-mps2-an385").unwrap_err();
        let expected = "no machine is called \"qemu-mps2-an385\"; known are lm3s6965evb, mps2-an385, \
                        mps2-an500, mps2-an505, riscv-virt";
        assert_eq!(error.to_string(), expected);
    }
}
