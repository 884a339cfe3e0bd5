//! The board's clocks.
//!
//! ```text
//!  8 MHz, the debug probe's ── ÷ 2 ── × 125 ── ÷ 2 ── 250 MHz: the core, buses, peripherals
//!  48 MHz, the chip's own ── random numbers
//! ```

use embassy_stm32::Config;
use embassy_stm32::rcc::{
    Hse, HseMode, Pll, PllDiv, PllMul, PllPreDiv, PllSource, Sysclk, VoltageScale,
};
use embassy_stm32::time::Hertz;

/// Returns the chip's configuration for embassy-stm32.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    let rcc = &mut config.rcc;
    rcc.voltage_scale = VoltageScale::Scale0;
    rcc.hse = Some(Hse { freq: Hertz(8_000_000), mode: HseMode::BypassDigital });
    rcc.hsi48 = Some(Default::default());
    rcc.pll1 = Some(Pll {
        source: PllSource::HSE,
        prediv: PllPreDiv::DIV2,
        mul: PllMul::MUL125,
        divp: Some(PllDiv::DIV2),
        divq: None,
        divr: None,
    });
    rcc.sys = Sysclk::PLL1_P;
    config
}
