//! Where an image of the FPGA has the board's devices, and what their interrupts are.
//!
//! The addresses and numbers are those of Arm's application notes, and of QEMU's `hw/arm/mps2.c` and
//! `hw/arm/mps2-tz.c`.

use board_support::interrupt::Interrupt;

/// What one image has.
pub(crate) struct Image {
    /// The clock of the timers, in megahertz.
    pub(crate) megahertz: u64,
    /// Its vectors, after the core's own.
    pub(crate) vectors: usize,
    /// The first timer, which counts.
    pub(crate) counter: Device,
    /// The second timer.
    pub(crate) alarm: Device,
    /// The first UART. Its interrupt is that of the receiver.
    pub(crate) uart: Device,
    /// The LAN9118.
    pub(crate) ethernet: Device,
}

/// The address and the interrupt of a device.
pub(crate) struct Device {
    pub(crate) base: usize,
    pub(crate) interrupt: Interrupt,
}

const fn device(base: usize, interrupt: u16) -> Device {
    Device { base, interrupt: Interrupt(interrupt) }
}

/// A Cortex-M3. The image AN386, a Cortex-M4, has the same.
const AN385: Image = Image {
    megahertz: 25,
    vectors: 32,
    counter: device(0x4000_0000, 8),
    alarm: device(0x4000_1000, 9),
    uart: device(0x4000_4000, 0),
    ethernet: device(0x4020_0000, 13),
};

/// A Cortex-M7.
const AN500: Image = Image { ethernet: device(0xA000_0000, 13), ..AN385 };

/// A Cortex-M33, which starts in its secure state: the addresses are those of that state.
const AN505: Image = Image {
    megahertz: 20,
    vectors: 124,
    counter: device(0x5000_0000, 3),
    alarm: device(0x5000_1000, 4),
    uart: device(0x5020_0000, 32),
    ethernet: device(0x5200_0000, 48),
};

/// The image that the program is made for.
pub(crate) const IMAGE: Image = if cfg!(feature = "an505") {
    AN505
} else if cfg!(feature = "an500") {
    AN500
} else {
    AN385
};
