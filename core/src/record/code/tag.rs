//! The tags of the entries. A tag is the first byte of an entry, and determines how many fields follow it. A tag never
//! changes its meaning. The tags 1, 14, 22 and 33 were removed and are not used again. So an old recording can be read,
//! unless it contains one of these four tags.

/// Defines the tags, and the number of fields of each tag.
macro_rules! tags {
    ($($name:ident = $tag:literal, $fields:literal;)*) => {
        $(pub(super) const $name: u8 = $tag;)*

        /// Returns the number of fields of an entry with this tag; `None` for an undefined tag.
        pub(super) const fn fields(tag: u8) -> Option<usize> {
            match tag {
                $($tag => Some($fields),)*
                _ => None,
            }
        }
    };
}

tags! {
    BEGIN = 2, 1;
    PREPARE = 3, 0;
    SETTLED = 4, 0;
    WAIT = 5, 0;
    ENDED = 6, 1;
    ACCEPTED_V4 = 7, 7;
    ACCEPTED_V6 = 8, 10;
    CONNECTED = 9, 2;
    RECEIVED = 10, 3;
    SENT = 11, 4;
    PEER_FINISHED = 12, 2;
    FAILED = 13, 4;
    LISTEN_FAILED = 15, 4;
    READY = 16, 3;
    RAISED = 17, 2;
    TIME = 18, 1;
    TIME_IN_PASS = 19, 1;
    CALL_EVENT = 20, 2;
    CALL_CONN = 21, 2;
    CALL_LISTENER = 23, 2;
    PASSED = 24, 0;
    LISTEN_V4 = 25, 4;
    LISTEN_V6 = 26, 7;
    IGNORE = 27, 2;
    UNLISTEN = 28, 2;
    CONNECT_V4 = 29, 4;
    CONNECT_V6 = 30, 7;
    RECEIVE = 31, 2;
    SEND = 32, 2;
    CLOSE = 34, 2;
    RESET = 35, 2;
    INTEREST = 36, 3;
    FORGET = 37, 2;
    CATCH = 38, 1;
    RELEASE = 39, 1;
    TUNE = 40, 4;
    DELIVERED = 41, 2;
    END = 42, 2;
    END_LINGERING = 43, 0;
    CLOSE_ALL = 44, 0;
    OVERDUE = 45, 0;
    BASE = 46, 6;
    POOL = 47, 5;
    BASE_WITH_UDP = 48, 7;
    UDP_ACTION_V4 = 49, 5;
    UDP_ACTION_V6 = 50, 8;
    BOUND_V4 = 51, 4;
    BOUND_V6 = 52, 7;
    BIND_FAILED = 53, 4;
    DATAGRAM_WAITS = 54, 3;
    DATAGRAM_DROPPED = 55, 2;
    UDP_DONE = 56, 3;
    UDP_REFUSED = 57, 5;
    UDP_FAILED = 58, 4;
    DATAGRAM_V4 = 59, 5;
    DATAGRAM_V6 = 60, 8;
    CALL_UDP = 61, 2;
    SEED = 90, 4;
    NETWORK = 91, 1;
    LOCAL_V4 = 92, 4;
    LOCAL_V6 = 93, 7;
    DEADLINE = 94, 0;
}

/// Returns the number of fields of an entry with this tag, and whether a payload follows the fields; `None` for an
/// undefined tag. If a payload follows, the last field is the length of the payload.
pub(super) fn shape(tag: u8) -> Option<(usize, bool)> {
    Some((fields(tag)?, matches!(tag, RECEIVED | DATAGRAM_V4 | DATAGRAM_V6 | NETWORK)))
}
