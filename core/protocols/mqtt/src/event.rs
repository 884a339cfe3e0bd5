//! Events of a client, and errors of its functions.

use core::fmt;

use picoevent::{ConnError, SetupError};

use crate::wire::Reason;

/// An event of a client. A received message is not an event: it is passed to the function of its subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MqttEvent {
    /// The broker has accepted the client. The client then renews its subscriptions if the session was lost, and
    /// retransmits messages that were not acknowledged.
    Up {
        /// Whether the broker has kept the session.
        session_present: bool,
    },
    /// The connection has ended, or could not be made. The client reconnects, unless it was
    /// [stopped](crate::stop).
    Down(Down),
    /// The broker has acknowledged a message with [`Qos::One`](crate::Qos::One) or [`Two`](crate::Qos::Two), a
    /// SUBSCRIBE, or an UNSUBSCRIBE. If the reason is a [failure](Reason::is_failure), the broker has refused the
    /// request. If a stored message exceeds the broker's limits, the client does not send the message, and reports this
    /// event with a failure.
    Acked(PacketId, Reason),
    /// The broker has lost the session before it has completely acknowledged this message with
    /// [`Qos::Two`](crate::Qos::Two). The broker may have delivered the message or not. The message is not
    /// retransmitted, because the broker might then deliver the message twice.
    Lost(PacketId),
    /// There is room again, after [`PublishError::Full`] or [`SubscribeError::Full`].
    Room,
}

/// The packet identifier of a message, a SUBSCRIBE or an UNSUBSCRIBE that is not completely acknowledged.
///
/// If the base is seeded, the identifiers begin at a random number after each [`start`](crate::start). Otherwise, a
/// program that takes over the session of an earlier run may use an identifier that is still in use in the session at
/// the broker. In this case, the broker may take a new message with [`Qos::Two`](crate::Qos::Two) for a repeated
/// message. See [`Options::clean_start`](crate::Options::clean_start).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PacketId(pub(crate) u16);

impl PacketId {
    /// Returns the identifier as a number, as in the packets.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// The reason why a client is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Down {
    /// The application has stopped the client.
    Stopped,
    /// The connection failed.
    Failed(ConnError),
    /// The broker has ended the connection without a DISCONNECT.
    Closed,
    /// The broker has refused the client.
    Refused(Reason),
    /// The broker has ended the connection with a DISCONNECT and this reason.
    Disconnected(Reason),
    /// The broker has violated the protocol, or has sent a packet that is too large for the client.
    InvalidPacket(Reason),
    /// The broker did not answer in time.
    Silent,
    /// The [options](crate::HasMqtt::options) do not make a valid CONNECT, or the CONNECT is longer
    /// than the output ring.
    Options,
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::Failed(error) => error.fmt(f),
            Self::Closed => f.write_str("the broker has closed the connection"),
            Self::Refused(reason) => write!(f, "the broker has refused the client: {reason}"),
            Self::Disconnected(reason) => {
                write!(f, "the broker has ended the connection: {reason}")
            }
            Self::InvalidPacket(reason) => {
                write!(f, "the broker has sent an invalid packet: {reason}")
            }
            Self::Silent => f.write_str("the broker does not answer"),
            Self::Options => f.write_str(
                "the options are not valid, or the CONNECT is longer than the output ring",
            ),
        }
    }
}

/// The reason why a client was not started. The state of the client has not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StartError {
    /// The client is already started.
    Started,
    /// The options are not valid. For example, a topic has wildcards, or a text does not fit into a packet. This error
    /// is also returned if the client has stored subscriptions or messages, and
    /// [`Options::version`](crate::Options::version) has changed since they were stored.
    Options,
    /// The CONNECT is longer than the output rings of the pool.
    TooLong {
        /// The length of the CONNECT in bytes.
        length: usize,
    },
    /// The base has no connection for the client.
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
            Self::Started => f.write_str("the client is already started"),
            Self::Options => f.write_str(
                "the options are not valid, or the stored messages have another version",
            ),
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

/// The reason why a message was not published. No state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PublishError {
    /// There is no free slot now, or not enough room in the store or in the output ring. The event
    /// [`Room`](MqttEvent::Room) follows when there is room.
    Full,
    /// The message is longer than the store, the output ring, or the broker's limit.
    TooLong,
    /// The topic is empty or has wildcards, or a text is too long for a packet or contains U+0000.
    Invalid,
    /// The client is not started, or is being stopped. For a message with [`Qos::Zero`](crate::Qos::Zero), this error
    /// is also returned while the client is not connected, because the message cannot be stored.
    Down,
    /// The broker does not accept this quality of service, or retained messages.
    Refused(Reason),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "no room for the message now: wait for the event Room",
            Self::TooLong => "the message is too long for the store, the output ring or the broker",
            Self::Invalid => "the topic is not valid, or a text does not fit into a packet",
            Self::Down => "the client is stopped, or not connected for a message with QoS 0",
            Self::Refused(reason) => return reason.fmt(f),
        })
    }
}

/// The reason why [`subscribe`](crate::subscribe) or [`unsubscribe`](crate::unsubscribe) has failed. No state has
/// changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SubscribeError {
    /// There is no free slot now, or not enough room in the store. The event [`Room`](MqttEvent::Room) follows when
    /// there is room.
    Full,
    /// The filter is longer than the store or the output ring.
    TooLong,
    /// The filter is not valid: a wildcard is only a part of a level, or `#` is not the last level. In version 5, this
    /// error is also returned for a shared subscription with [`no_local`](crate::Subscription::no_local).
    Invalid,
    /// There is no subscription with this filter, or the subscription is already being ended.
    Unknown,
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "no room for the subscription now: wait for the event Room",
            Self::TooLong => "the filter is too long for the store or the output ring",
            Self::Invalid => {
                "invalid filter: wildcards must be whole levels, # must be the last level, \
                 and a shared subscription must not have no_local"
            }
            Self::Unknown => "there is no such subscription",
        })
    }
}

impl core::error::Error for Down {}
impl core::error::Error for StartError {}
impl core::error::Error for PublishError {}
impl core::error::Error for SubscribeError {}
