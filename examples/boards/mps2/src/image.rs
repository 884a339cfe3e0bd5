//! The addresses and interrupts of the board's devices, which depend on the FPGA image.
//!
//! The sources are Arm's application notes, and QEMU's `hw/arm/mps2.c` and `hw/arm/mps2-tz.c`.

use board_support::interrupt::Interrupt;

/// The clock, interrupts and devices of an FPGA image.
pub(crate) struct Image {
    /// The clock of the timers, in megahertz.
    pub(crate) megahertz: u64,
    /// The number of interrupt vectors, which follow the core's vectors.
    pub(crate) vectors: usize,
    /// The first timer, used as the counter.
    pub(crate) counter: Device,
    /// The second timer, used as the alarm.
    pub(crate) alarm: Device,
    /// The first UART, with its receive interrupt.
    pub(crate) uart: Device,
    /// The LAN9118 Ethernet controller.
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

/// AN385, a Cortex-M3. AN386, a Cortex-M4, has the same devices.
const AN385: Image = Image {
    megahertz: 25,
    vectors: 32,
    counter: device(0x4000_0000, 8),
    alarm: device(0x4000_1000, 9),
    uart: device(0x4000_4000, 0),
    ethernet: device(0x4020_0000, 13),
};

/// AN500, a Cortex-M7.
const AN500: Image = Image { ethernet: device(0xA000_0000, 13), ..AN385 };

/// AN505, a Cortex-M33. The processor starts in the secure state, so these addresses are the secure addresses.
const AN505: Image = Image {
    megahertz: 20,
    vectors: 124,
    counter: device(0x5000_0000, 3),
    alarm: device(0x5000_1000, 4),
    uart: device(0x5020_0000, 32),
    ethernet: device(0x5200_0000, 48),
};

/// The image that the firmware is built for.
pub(crate) const IMAGE: Image = if cfg!(feature = "an505") {
    AN505
} else if cfg!(feature = "an500") {
    AN500
} else {
    AN385
};
