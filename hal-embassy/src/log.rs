//! Log output of the adapter: to `defmt`, else to `log`, else nowhere.

#[cfg(feature = "defmt")]
use defmt::info;
#[cfg(all(feature = "log", not(feature = "defmt")))]
use log::info;

pub(crate) fn listening(port: u16) {
    info!("listening on port {}", port);
}

/// Discards a line and its argument.
#[cfg(not(any(feature = "log", feature = "defmt")))]
macro_rules! discard {
    ($line:literal, $argument:expr) => {
        let _ = $argument;
    };
}

#[cfg(not(any(feature = "log", feature = "defmt")))]
use discard as info;
