//! The core's log messages. They go to `defmt`, or to `log` if the feature `defmt` is off. Without both features
//! they are discarded.
//!
//! All of the core's logging is in the few functions of this file.

use crate::error::{Failure, ListenError};
use crate::handle::{Conn, Listener};
#[cfg(feature = "udp")]
use crate::{UdpError, UdpSocket};

#[cfg(feature = "defmt")]
use defmt::{debug, warn};
#[cfg(all(feature = "log", not(feature = "defmt")))]
use log::{debug, warn};

pub(crate) fn listen_failed(listener: Listener, error: ListenError) {
    warn!("listener {}: {}", listener.slot(), error);
}

pub(crate) fn conn_failed(conn: Conn, failure: Failure) {
    debug!("connection {:?} failed: {}", conn, failure.error());
}

#[cfg(feature = "udp")]
pub(crate) fn bind_failed(socket: UdpSocket, error: UdpError) {
    warn!("UDP socket {}: {}", socket.slot(), error);
}

#[cfg(feature = "udp")]
pub(crate) fn udp_failed(socket: UdpSocket, error: UdpError) {
    debug!("UDP socket {:?}: {}", socket, error);
}

/// Discards a log line and its arguments.
#[cfg(not(any(feature = "log", feature = "defmt")))]
macro_rules! discard {
    ($line:literal $(, $argument:expr)*) => {
        let _ = ($(&$argument,)*);
    };
}

#[cfg(not(any(feature = "log", feature = "defmt")))]
use {discard as debug, discard as warn};
