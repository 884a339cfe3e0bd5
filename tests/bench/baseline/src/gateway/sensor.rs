//! The sensor: takes a sample every 100 ms, and a sample when the button is pressed.

use defmt::info;
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Ticker};

use super::{BUTTON, Gateway};

const PERIOD: Duration = Duration::from_millis(100);

/// Takes samples forever.
#[embassy_executor::task]
pub async fn run(gateway: &'static Gateway) -> ! {
    let mut ticker = Ticker::every(PERIOD);
    loop {
        let forced = matches!(select(ticker.next(), BUTTON.wait()).await, Either::Second(()));
        if forced {
            info!("button");
        }
        gateway.sample(forced);
    }
}

/// Returns the temperature in thousandths of a degree. It rises from 20 to 25 degrees and falls again, in
/// 20 seconds.
pub fn temperature(micros: u64) -> i32 {
    let millis = (micros / 1000 % 20_000) as i32;
    25_000 - (millis - 10_000).abs() / 2
}
