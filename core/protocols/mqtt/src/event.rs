//! What happens to a client, and why a verb has failed.

use core::fmt;

use picoevent::{ConnError, SetupError};

use crate::wire::Reason;

/// What happens to a client, besides messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MqttEvent {
    /// The broker has taken the client. What was subscribed to, and what was not acknowledged, is sent again without
    /// further ado.
    Up {
        /// The broker has kept the session.
        session_present: bool,
    },
    /// The connection has ended, or could not be made. The client connects again, unless it was
    /// [stopped](crate::stop).
    Down(Down),
    /// The broker has answered a publish with [`Qos::One`](crate::Qos::One) or [`Two`](crate::Qos::Two), a subscribe
    /// or an unsubscribe. If the reason is a [failure](Reason::is_failure), it has not done it: a message that it
    /// cannot take is not sent at all.
    Acked(PacketId, Reason),
    /// The broker has lost the session while this message with [`Qos::Two`](crate::Qos::Two) was under way. It is not
    /// known whether it was delivered; sent again, it might be delivered twice.
    Lost(PacketId),
    /// There is room again, after [`PublishError::Full`] or [`SubscribeError::Full`].
    Room,
}

/// The number of a message, a subscribe or an unsubscribe that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PacketId(pub(crate) u16);

impl PacketId {
    /// Returns the number on the wire.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// Why a client is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Down {
    /// The application has stopped it.
    Stopped,
    /// The connection has failed.
    Failed(ConnError),
    /// The broker has ended the connection without a word.
    Closed,
    /// The broker has not taken the client.
    Refused(Reason),
    /// The broker has ended the connection, and said why.
    Disconnected(Reason),
    /// The broker has sent what it must not, or what the client has no room for.
    Broken(Reason),
    /// The broker has not answered in time.
    Silent,
    /// The [options](crate::HasMqtt::options) make no CONNECT, or one that is longer than the output ring.
    Options,
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::Failed(error) => error.fmt(f),
            Self::Closed => f.write_str("the broker has closed the connection"),
            Self::Refused(reason) => write!(f, "the broker has refused: {reason}"),
            Self::Disconnected(reason) => write!(f, "the broker has disconnected: {reason}"),
            Self::Broken(reason) => write!(f, "the broker has broken the protocol: {reason}"),
            Self::Silent => f.write_str("the broker does not answer"),
            Self::Options => f.write_str("the options make no packet, or one that is too long"),
        }
    }
}

/// Why a client was not started. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StartError {
    /// It is started already.
    Started,
    /// The options are not possible: a topic with wildcards, a text that no packet can hold.
    Options,
    /// The CONNECT is longer than the output rings of the pool.
    TooLong {
        /// The bytes that it takes.
        length: usize,
    },
    /// The base has no connection for it.
    Setup(SetupError),
}

impl From<SetupError> for StartError {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("the client is started already"),
            Self::Options => f.write_str("the options make no packet"),
            Self::TooLong { length } => {
                write!(
                    f,
                    "a CONNECT takes {length} bytes: make the output rings of the pool longer"
                )
            }
            Self::Setup(error) => error.fmt(f),
        }
    }
}

/// Why a message was not published. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PublishError {
    /// There is no room for it now: the event [`Room`](MqttEvent::Room) says when there is.
    Full,
    /// It is longer than the store, the output ring, or what the broker takes.
    TooLong,
    /// The topic is empty, or has wildcards; or a text is none that a packet can hold.
    Invalid,
    /// The client is not connected, and a message with [`Qos::Zero`](crate::Qos::Zero) is not kept.
    Down,
    /// The broker does not take this quality of service, or messages to be kept.
    Refused(Reason),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "no room for the message now: wait for the event Room",
            Self::TooLong => "the message is too long for the store, the output ring or the broker",
            Self::Invalid => "not a topic to publish to, or a text that no packet can hold",
            Self::Down => "not connected",
            Self::Refused(reason) => return reason.fmt(f),
        })
    }
}

/// Why a subscribe or an unsubscribe was not begun. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SubscribeError {
    /// There is no room for it now: the event [`Room`](MqttEvent::Room) says when there is.
    Full,
    /// The filter is longer than the store or the output ring.
    TooLong,
    /// It is no filter: a wildcard is not a whole level, or `#` is not the last one.
    Invalid,
    /// There is no such subscription, or it is being ended already.
    Unknown,
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "no room for the subscription now: wait for the event Room",
            Self::TooLong => "the filter is too long for the store or the output ring",
            Self::Invalid => "not a filter: wildcards stand for whole levels, and # comes last",
            Self::Unknown => "there is no such subscription",
        })
    }
}

impl core::error::Error for Down {}
impl core::error::Error for StartError {}
impl core::error::Error for PublishError {}
impl core::error::Error for SubscribeError {}
