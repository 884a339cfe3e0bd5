//! Connections: byte streams with a ring for input and one for output (libevent's bufferevents).
//!
//! ```text
//!            back end                    application
//!   wire ──▶ input() received(n) ──▶ ring ──▶ peek / read / consume     Readable
//!   wire ◀── output() sent(n)    ◀── ring ◀── write                     Writable
//!            finished / failed / timeout ─────────────────────────────▶ Eof, Ended, Timeout
//! ```
//!
//! * Reading and writing are enabled once the connection is open.
//! * `Readable` comes after input arrived, when there is as much as its low mark; `Writable` after output was
//!   sent, when no more is left than its low mark: none, at first.
//! * A due callback is checked again before it is called: `Readable` only while reading is enabled
//!   and there is input, `Writable` only while writing is enabled and no output is left, a timeout only
//!   if the direction made no progress since. Callbacks that a disabled direction holds back are called
//!   when it is enabled again.
//! * With less room for output than an answer takes, `Readable` and `Eof` wait.
//! * The end of stream is reported in a later pass than the input before it: what the callback for the
//!   input wrote has been offered to the back end by then.
//! * Output that does not fit in the ring, or below its high mark, is refused, never dropped; a full input ring
//!   makes the peer wait.
//! * After the peer's end of stream the input ring can still be read, and output is still sent.
//! * `Ended` comes last, once.
//!
//! | file | holds |
//! |---|---|
//! | `slot.rs` | what a connection's slot keeps |
//! | `protocol.rs`, `settings.rs` | what a kind of connection does, and begins with |
//! | `verbs.rs`, `tuning.rs` | what an application does with a connection, with its socket |
//! | `bytes.rs`, `lines.rs`, `moving.rs`, `statics.rs` | what it does with its bytes; with messages in its input; with bytes of others; with bytes in flash |
//! | `outgoing.rs` | outgoing connections: at rest, connecting, connecting again |
//! | `pair.rs`, `filter.rs` | connections in memory: two that are each other's peers; one above a filter |
//! | `closing.rs` | how a connection ends: output, our end of stream, the peer's, or a reset |
//! | `feed.rs` | what a back end reports of it, and how it reads and writes its bytes |
//! | `firing.rs` | which callbacks are due, and which of them runs next |
//! | `marks.rs` | how much input a callback waits for, and how much the rings hold |
//! | `local.rs` | its local address, with the feature `local-address` |
//! | `timeouts.rs` | when a timeout begins, goes on and passes |

mod bytes;
mod closing;
mod feed;
mod filter;
mod firing;
mod lines;
mod local;
mod marks;
mod moving;
mod outgoing;
mod pair;
mod protocol;
mod settings;
mod slot;
mod statics;
mod timeouts;
mod tuning;
mod verbs;

pub(crate) use closing::CloseLimits;
pub use closing::{FIN_WAIT, LINGER};
pub use filter::Filter;
pub(crate) use firing::ConnTurn;
pub use protocol::Protocol;
pub use settings::Settings;
pub use slot::ConnSlot;
pub(crate) use slot::flag;
pub use statics::StaticSlot;
pub(crate) use statics::Statics;
pub use tuning::{KEEP_ALIVE, Tuning};
pub use verbs::ConnMut;

use crate::error::{Code, ConnError};

/// A connection's callback: the application, the connection, and what has happened to it.
///
/// It is what the loop calls. Most applications write a [`Protocol`] instead, which is made into one.
pub type OnConn<A> = fn(&mut A, &mut ConnMut<'_, '_, A>, ConnEvent);

/// What happens to a connection, in the order in which it is reported when several things are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnEvent {
    /// It was accepted, or a connect has succeeded.
    Opened,
    /// Input arrived, and there is as much as the [low mark](Settings::input_marks), or as
    /// [`ConnMut::wait_for_input`] asked for.
    Readable,
    /// All output was sent, or all but the [low mark](Settings::output_marks): the back end has it, the peer may
    /// not have it yet. Or there is the room that
    /// [`ConnMut::wait_for_room`] asked for.
    Writable,
    /// No input came, or no output could be sent, for the time set with
    /// [`ConnMut::set_timeouts`]. That direction is disabled.
    Timeout(Direction),
    /// The [alarm](ConnMut::alarm_after) is due.
    Alarm,
    /// The peer will send no more. Reading is disabled; writing still works.
    Eof,
    /// It has ended for the application, which gets no further callback for it. Input that is left can be
    /// read in this callback.
    Ended(ConnEnd),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnEnd {
    /// The application closed it. Its output is still being sent.
    Closed,
    /// The application aborted it.
    Aborted,
    /// It has failed, or could not be established.
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
    /// From the peer.
    Read,
    /// To the peer.
    Write,
}
