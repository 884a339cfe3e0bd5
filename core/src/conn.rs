//! Connections: byte streams with a ring for input and one for output (libevent's bufferevents).
//!
//! ```text
//!            back end                    application
//!   wire ──▶ input() received(n) ──▶ ring ──▶ peek / read / consume     on_read
//!   wire ◀── output() sent(n)    ◀── ring ◀── write                     on_write
//!            finished / failed / timeout ─────────────────────────────▶ on_event
//! ```
//!
//! * Nothing is read until reading is enabled; writing is enabled from the start (rule B1).
//! * `on_read` runs after input arrived, `on_write` after output was sent and none is left.
//! * A due callback is checked again before it is called: `on_read` runs only while reading is enabled
//!   and there is input, `on_write` only while writing is enabled and no output is left, a timeout only
//!   if the direction made no progress since. Callbacks that a disabled direction holds back are called
//!   when it is enabled again.
//! * The end of stream is reported in a later pass than the input before it: what `on_read` wrote has
//!   been offered to the back end by then.
//! * Output that does not fit in the ring is refused, never dropped; a full input ring makes the
//!   peer wait.
//! * After the peer's end of stream the input ring can still be read, and output is still sent.
//!
//! | file | holds |
//! |---|---|
//! | `slot.rs` | what a connection's slot keeps |
//! | `verbs.rs`, `tuning.rs` | what an application does with a connection |
//! | `closing.rs` | how a connection ends: output, our end of stream, the peer's, or a reset |
//! | `feed.rs` | what a back end reports of it, and how it reads and writes its bytes |
//! | `firing.rs` | which callbacks are due, and which of them runs next |
//! | `timeouts.rs` | when a timeout begins, goes on and passes |

mod closing;
mod feed;
mod firing;
mod slot;
mod timeouts;
mod tuning;
mod verbs;

pub(crate) use closing::CloseLimits;
pub use closing::{FIN_WAIT, LINGER};
pub use slot::ConnSlot;
pub(crate) use slot::flag;
pub use tuning::{KEEP_ALIVE, Tuning};
pub use verbs::ConnMut;

use crate::Cx;
use crate::error::ConnError;
use crate::handle::Conn;

/// A connection's callback: the application, the loop, the connection.
pub type OnConn<A> = fn(&mut A, &mut Cx<'_, A>, Conn);

/// A connection's callback for everything except data.
pub type OnConnEvent<A> = fn(&mut A, &mut Cx<'_, A>, Conn, ConnEvent);

/// What happens to a connection besides data (`BEV_EVENT_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnEvent {
    /// An outgoing connection is established.
    Connected,
    /// The peer will send no more. Reading is disabled; writing still works.
    Eof,
    /// No input came, or no output could be sent, for the time set with
    /// [`ConnMut::set_timeouts`]. That direction is disabled.
    Timeout(Direction),
    /// The connection has failed; its input can still be read, and it can be freed.
    Failed(ConnError),
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
