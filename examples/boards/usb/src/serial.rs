//! The log over the cable: a serial port that sends defmt's frames to the host.
//!
//! A ring holds the log until the host reads it. When the ring is full, the oldest bytes are overwritten. The ring
//! survives a restart: a panic or a hard fault is logged and restarts the board, and the host reads the log after the
//! restart.

mod logger;
mod ring;

use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};
use embassy_time::{Duration, Timer, with_timeout};
use embassy_usb::Builder;
use embassy_usb::class::cdc_acm::{CdcAcmClass, State};
use embassy_usb::driver::Driver;
use static_cell::StaticCell;

/// The time limit for the host to read the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The serial port.
pub(crate) struct Log<D: Driver<'static>>(CdcAcmClass<'static, D>);

impl<D: Driver<'static>> Log<D> {
    pub(crate) fn new(builder: &mut Builder<'static, D>, packet: u16) -> Self {
        static PORT: StaticCell<State<'static>> = StaticCell::new();
        Self(CdcAcmClass::new(builder, PORT.init_with(State::new), packet))
    }

    pub(crate) async fn run(mut self) -> ! {
        // One byte less than a packet, because after a full packet the host would wait for another packet.
        let mut bytes = [0; 63];
        loop {
            self.0.wait_connection().await;
            loop {
                let length = logger::read(&mut bytes).await;
                if self.0.write_packet(&bytes[..length]).await.is_err() {
                    break;
                }
            }
        }
    }
}

/// Waits until the host has read all lines, for at most a second.
pub async fn wait_until_sent() {
    let all = async {
        while !logger::is_empty() {
            Timer::after_millis(10).await;
        }
        // Wait until the last packet is sent, too.
        Timer::after_millis(10).await;
    };
    let _ = with_timeout(LAST_LINES, all).await;
}

#[panic_handler]
fn panicked(panic: &core::panic::PanicInfo) -> ! {
    defmt::error!("{}", defmt::Display2Format(panic));
    SCB::sys_reset()
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("hard fault at {:#x}, called from {:#x}", frame.pc(), frame.lr());
    SCB::sys_reset()
}
