//! Connections: byte streams with a ring for input and one for output (libevent's bufferevents).
//!
//! ```text
//!            back end                    application
//!   wire ──▶ input() received(n) ──▶ ring ──▶ peek / read / consume     Readable
//!   wire ◀── output() sent(n)    ◀── ring ◀── write                     Writable
//!            peer finished / failed / timeout ────────────────────────▶ Eof, Ended, Timeout
//! ```
//!
//! * Reading and writing are enabled once the connection is open.
//! * A low mark is a number of bytes (libevent's low watermark). `Readable` is reported when input has arrived and the
//!   input ring holds at least as many bytes as the input's low mark. `Writable` is reported when output was sent and
//!   the output ring holds at most as many bytes as the output's low mark, which is zero by default.
//! * A due callback is checked again before it is called. `Readable` is called only if reading is enabled and there is
//!   still enough input. `Writable` is called only if writing is enabled and there is still enough room. `Timeout` is
//!   called only if its direction has made no progress since the callback became due. When a direction is disabled, its
//!   due `Timeout` is cancelled, and its other due callbacks wait until the direction is enabled again.
//! * A [`Protocol`] declares the output space that an answer to a request needs ([`Protocol::ROOM`]). While the output
//!   ring has less free space, `Readable` and `Eof` wait.
//! * `Eof` is called in a later pass than `Readable` for the last input. In between, the back end can send the output
//!   that the `Readable` callback has written.
//! * Output that does not fit into the ring, or that would exceed the ring's high mark (its limit in bytes), is refused
//!   with an error. A full input ring puts back-pressure on the peer.
//! * After the peer's end of stream, the application can still read the input ring, and output is still sent.
//! * `Ended` is the last event. It is reported once.
//!
//! | file | holds |
//! |---|---|
//! | `slot.rs` | a connection's slot |
//! | `protocol.rs`, `settings.rs` | the callbacks of a kind of connection, and its settings |
//! | `verbs.rs`, `tuning.rs` | the application's methods for a connection, and for its socket |
//! | `bytes.rs`, `lines.rs`, `moving.rs`, `statics.rs` | methods for bytes, messages, transfers, and bytes in flash |
//! | `outgoing.rs` | outgoing connections: at rest, connecting, reconnecting |
//! | `pair.rs`, `filter.rs` | connections in memory: pairs of peers; connections above a filter |
//! | `closing.rs` | the end of a connection: remaining output, the end of stream of each direction, or a reset |
//! | `reports.rs` | the back end's reports, and its access to the bytes |
//! | `firing.rs` | which callbacks are due, and which of them runs next |
//! | `marks.rs` | the low and high marks of input and output |
//! | `local.rs` | a connection's local address, with the feature `local-address` |
//! | `timeouts.rs` | the start, the restart and the expiry of timeouts |

mod bytes;
mod closing;
mod filter;
mod firing;
mod lines;
mod local;
mod marks;
mod moving;
mod outgoing;
mod pair;
mod protocol;
mod reports;
mod settings;
mod slot;
mod statics;
mod timeouts;
mod tuning;
mod verbs;

pub(crate) use closing::CloseLimits;
pub use closing::{FIN_WAIT, LINGER};
pub use filter::Filter;
pub(crate) use firing::ConnProgress;
pub use protocol::Protocol;
pub use settings::Settings;
pub use slot::ConnSlot;
pub(crate) use slot::flag;
pub use statics::StaticSlot;
pub(crate) use statics::Statics;
pub use tuning::{KEEP_ALIVE, Tuning};
pub use verbs::ConnMut;

use crate::error::{Code, ConnError};

/// A connection's callback. Its arguments are the application, the connection and the event.
///
/// Most applications implement a [`Protocol`] instead.
pub type OnConn<A> = fn(&mut A, &mut ConnMut<'_, '_, A>, ConnEvent);

/// An event of a connection. If several events are due, they are reported in the order of the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnEvent {
    /// The connection was accepted, or a connect has succeeded.
    Opened,
    /// Input has arrived. The number of bytes in the input ring is at least the [low mark](Settings::input_marks), or
    /// the number that [`ConnMut::wait_for_input`] requested.
    Readable,
    /// Reported in two cases. In the first case, output was sent, and the number of unsent bytes does not exceed the
    /// [low mark](Settings::output_marks), which is zero by default. In the second case, the output ring has the room
    /// that [`ConnMut::wait_for_room`] requested. Output counts as sent when the back end has taken it; the peer may
    /// not have received it yet.
    Writable,
    /// The timeout of a direction has passed ([`ConnMut::set_timeouts`]): no input arrived, no output could be sent, or
    /// a connect was not completed. The base has disabled the direction before it reports the timeout.
    Timeout(Direction),
    /// The [alarm](ConnMut::alarm_after) is due.
    Alarm,
    /// The peer has ended its stream. Reading is disabled; writing still works.
    Eof,
    /// The connection has ended. This is its last event. In the callback the application can read the remaining input,
    /// unless it has closed the connection.
    Ended(ConnEnd),
}

/// The way in which a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnEnd {
    /// The application closed the connection. The back end may still be sending the connection's output.
    Closed,
    /// The application aborted the connection.
    Aborted,
    /// The connection has failed, or could not be established.
    Failed(ConnError),
}

impl From<Code> for ConnEnd {
    fn from(code: Code) -> Self {
        match code {
            Code::CLOSED => Self::Closed,
            Code::ABORTED => Self::Aborted,
            error => Self::Failed(error.into()),
        }
    }
}

impl core::fmt::Display for ConnEnd {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Aborted => f.write_str("aborted"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// One of a connection's two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// Input, from the peer.
    Read,
    /// Output, to the peer.
    Write,
}
