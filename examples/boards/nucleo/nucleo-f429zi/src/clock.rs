//! The board's clocks.
//!
//! ```text
//!  8 MHz, the debug probe's ── ÷ 4 ── × 168 ─┬─ ÷ 2 ── 168 MHz: the core
//!                                            │         ├── ÷ 4 ── peripherals; their timers have twice that
//!                                            │         └── ÷ 2 ── faster peripherals
//!                                            └─ ÷ 7 ── 48 MHz: random numbers
//! ```

use embassy_stm32::Config;
use embassy_stm32::rcc::{
    APBPrescaler, Hse, HseMode, Pll, PllMul, PllPDiv, PllPreDiv, PllQDiv, PllSource, Sysclk,
};
use embassy_stm32::time::Hertz;

/// Returns the chip's configuration for embassy-stm32.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    let rcc = &mut config.rcc;
    rcc.hse = Some(Hse { freq: Hertz(8_000_000), mode: HseMode::Bypass });
    rcc.pll_src = PllSource::HSE;
    rcc.pll = Some(Pll {
        prediv: PllPreDiv::DIV4,
        mul: PllMul::MUL168,
        divp: Some(PllPDiv::DIV2),
        divq: Some(PllQDiv::DIV7),
        divr: None,
    });
    rcc.sys = Sysclk::PLL1_P;
    rcc.apb1_pre = APBPrescaler::DIV4;
    rcc.apb2_pre = APBPrescaler::DIV2;
    config
}
