//! The state of the client.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use picoevent::{Backoff, Conn, ConnEnd, ConnMut, Cx, Instant};

use crate::aliases::Alias;
use crate::event::{Down, MqttEvent};
use crate::message::{Message, OnMessage};
use crate::options::Options;
use crate::slots::Slot;
use crate::wire::{Kind, Properties, Qos, Reason, Version};

/// An application that has an MQTT client. Only the first two functions must be implemented.
pub trait HasMqtt: Sized {
    /// Returns the application's client with [`Client::as_mut`].
    fn mqtt(&mut self) -> ClientMut<'_, Self>;

    /// Returns the options of the connection. Called before each attempt.
    fn options(&self) -> Options<'_>;

    /// Called with each event of the client.
    fn event(&mut self, cx: &mut Cx<'_, Self>, event: MqttEvent) {
        let _ = (cx, event);
    }

    /// Called when a message arrives that matches no subscription, for example a message for a subscription of an
    /// earlier run of the program.
    fn message(&mut self, message: &mut Message<'_, '_, Self>) {
        let _ = message;
    }

    /// Called when a packet from the broker has properties. If the packet also causes an [event](Self::event), this
    /// function is called before `event`. The properties of messages are not reported here: see
    /// [`Message::properties`].
    fn properties(&mut self, kind: Kind, properties: Properties<'_>) {
        let _ = (kind, properties);
    }

    /// Connects `conn` after a delay. `conn` is new, or has just ended. By default this function connects to
    /// [`Options::broker`]. An application with a resolver can look up the broker's name instead:
    /// `picoevent_dns::connect_again(self, conn, delay, "broker.example", 1883).is_ok()`. Returns whether the connect
    /// was scheduled. If the connect was not scheduled, the client calls this function again later.
    fn connect(&mut self, conn: &mut ConnMut<'_, '_, Self>, delay: Duration) -> bool {
        let broker = self.options().broker;
        conn.connect_after(delay, broker).is_ok()
    }
}

/// An MQTT client. It has `SLOTS` slots. Each slot holds a subscription, or a published message with [`Qos::One`] or
/// [`Qos::Two`] that the broker has not completely acknowledged. The content of the slots is stored in `STORE` bytes.
/// In each direction, the client has `ALIASES` topic aliases for topics of at most 63 bytes. To the broker, it uses
/// aliases only for topics of at least 4 bytes.
///
/// On a 32-bit target, a client takes 120 bytes, plus 14 bytes for each slot, plus `STORE` bytes, plus 128 bytes for
/// each alias.
///
/// A subscription takes as many bytes of the store as its filter is long, plus one byte. A message takes the bytes of
/// its topic, its properties and its payload, plus 4 bytes, until the broker has acknowledged the message.
pub struct Client<A, const SLOTS: usize, const STORE: usize, const ALIASES: usize = 0> {
    state: ClientState<A>,
    slots: [Slot<A>; SLOTS],
    received_ids: [u16; SLOTS],
    store: [u8; STORE],
    aliases: [[Alias; ALIASES]; 2],
}

/// A reference to a [`Client`], with a type that does not contain the client's capacities.
pub struct ClientMut<'r, A> {
    pub(crate) state: &'r mut ClientState<A>,
    /// Subscriptions and unacknowledged messages, in order: see the module `slots`.
    pub(crate) slots: &'r mut [Slot<A>],
    /// The identifiers of received messages with [`Qos::Two`] that are not released yet; 0 for an unused entry.
    pub(crate) received_ids: &'r mut [u16],
    /// The bytes of the slots, in the order of the slots, without gaps.
    pub(crate) store: &'r mut [u8],
    /// The topics of the aliases in messages from the broker.
    pub(crate) received_aliases: &'r mut [Alias],
    /// The topics of the aliases in messages to the broker.
    pub(crate) sent_aliases: &'r mut [Alias],
}

/// The state of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnState {
    /// The connection is not open.
    Down,
    /// A CONNECT was sent, but not answered.
    AwaitingConnAck,
    Up,
    /// The client is ending the connection.
    Ending,
}

/// The part of a client's state that does not depend on its capacities: everything except slots, store and aliases.
pub(crate) struct ClientState<A> {
    pub(crate) conn: Option<Conn>,
    /// The delays before a reconnect. If this field is `None`, the default delays are used.
    pub(crate) backoff: Option<Backoff>,
    /// The time at which the last packet was sent.
    pub(crate) sent_at: Instant,
    /// The time of the last input.
    pub(crate) received_at: Instant,
    /// The time of the broker's CONNACK on this connection; [`Instant::ZERO`] before the CONNACK.
    pub(crate) up_at: Instant,
    /// The time of a PINGREQ that is not answered; [`Instant::ZERO`] if there is no such PINGREQ.
    pub(crate) pinged_at: Instant,
    /// The message that is being received in chunks.
    pub(crate) partial: PartialMessage<A>,
    /// The reason why the client ends the connection.
    pub(crate) end_reason: EndReason,
    pub(crate) longest_packet: u32,
    pub(crate) limits: Limits,
    /// The keep-alive time in seconds, 0 for none.
    pub(crate) keep_alive: u16,
    /// The number of slots in use.
    pub(crate) used: u16,
    /// The last identifier that was assigned.
    pub(crate) last_id: u16,
    pub(crate) version: Version,
    pub(crate) conn_state: ConnState,
    pub(crate) is_stopping: bool,
    /// The application waits for a free slot or for room in the store.
    pub(crate) waits_for_slot: bool,
    /// The application waits for room in the output ring.
    pub(crate) waits_for_output: bool,
    /// The broker has accepted the client since the program began. So the client has the state of a session, which
    /// may be an empty state.
    pub(crate) has_session: bool,
    /// The last CONNECT has requested the broker to discard the session.
    pub(crate) clean_start: bool,
    /// A topic was too long to be stored for its alias. So the next CONNECT does not allow the broker to use aliases.
    pub(crate) has_unstored_alias: bool,
}

/// The reason why the client ends a connection: like [`Down`], but only two bytes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// The client did not end the connection.
    Unknown,
    Stopped,
    Refused(Reason),
    Disconnected(Reason),
    InvalidPacket(Reason),
    Silent,
    Options,
}

impl EndReason {
    /// Returns the reason that is reported to the application for a connection that ended with `end`.
    pub(crate) const fn down(self, end: ConnEnd) -> Down {
        match self {
            Self::Unknown => match end {
                ConnEnd::Failed(error) => Down::Failed(error),
                ConnEnd::Closed | ConnEnd::Aborted => Down::Closed,
            },
            Self::Stopped => Down::Stopped,
            Self::Refused(reason) => Down::Refused(reason),
            Self::Disconnected(reason) => Down::Disconnected(reason),
            Self::InvalidPacket(reason) => Down::InvalidPacket(reason),
            Self::Silent => Down::Silent,
            Self::Options => Down::Options,
        }
    }
}

impl<A> ClientState<A> {
    /// Returns the delays before a reconnect.
    #[inline(never)]
    pub(crate) fn backoff(&mut self) -> &mut Backoff {
        self.backoff.get_or_insert(Backoff::new(DEFAULT_BACKOFF.0, DEFAULT_BACKOFF.1))
    }
}

/// The broker's limits (MQTT 5, section 3.2.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) packet_size: u32,
    pub(crate) receive_maximum: u16,
    pub(crate) alias_maximum: u16,
    pub(crate) maximum_qos: Qos,
    pub(crate) retain_available: bool,
}

impl Limits {
    /// The limits before the broker has answered.
    const UNKNOWN: Self = Self {
        packet_size: 0,
        receive_maximum: 0,
        alias_maximum: 0,
        maximum_qos: Qos::Zero,
        retain_available: false,
    };

    /// The limits of a broker that has not stated any limits.
    pub(crate) const NONE: Self = Self {
        packet_size: u32::MAX,
        receive_maximum: u16::MAX,
        alias_maximum: 0,
        maximum_qos: Qos::Two,
        retain_available: true,
    };

    /// Returns the reason why the broker does not accept a message with this quality of service and retain flag, or
    /// `None` if the broker accepts the message.
    #[inline(never)]
    pub(crate) fn refusal(&self, qos: Qos, is_retained: bool) -> Option<Reason> {
        if qos > self.maximum_qos {
            return Some(Reason::QOS_NOT_SUPPORTED);
        }
        (is_retained && !self.retain_available).then_some(Reason::RETAIN_NOT_SUPPORTED)
    }
}

/// The state of a message that is received in chunks.
pub(crate) struct PartialMessage<A> {
    pub(crate) call: Option<OnMessage<A>>,
    pub(crate) total: u32,
    /// The number of payload bytes that were not read yet; 0 if no message is being received in chunks.
    pub(crate) remaining: u32,
    /// The identifier; 0 with [`Qos::Zero`] and after the message was acknowledged.
    pub(crate) id: u16,
    pub(crate) flags: u8,
    /// The message was delivered before, so its payload is skipped.
    pub(crate) is_skipped: bool,
}

impl<A> PartialMessage<A> {
    pub(crate) const NONE: Self =
        Self { call: None, total: 0, remaining: 0, id: 0, flags: 0, is_skipped: false };
}

/// The default delays before a reconnect: the first and the longest.
const DEFAULT_BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

impl<A, const SLOTS: usize, const STORE: usize, const ALIASES: usize>
    Client<A, SLOTS, STORE, ALIASES>
{
    const SIZES: () = assert!(
        SLOTS < u16::MAX as usize && STORE <= u16::MAX as usize && ALIASES < u16::MAX as usize,
        "SLOTS and ALIASES must be less than 65535, and STORE at most 65535"
    );

    /// Makes a client that is not started. The first delay before a reconnect is half a second. The delays grow to at
    /// most a minute. Each delay is varied at random by up to a quarter.
    pub const fn new() -> Self {
        let () = Self::SIZES;
        Self {
            state: ClientState {
                conn: None,
                backoff: None,
                sent_at: Instant::ZERO,
                received_at: Instant::ZERO,
                up_at: Instant::ZERO,
                pinged_at: Instant::ZERO,
                partial: PartialMessage::NONE,
                end_reason: EndReason::Unknown,
                longest_packet: 0,
                limits: Limits::UNKNOWN,
                keep_alive: 0,
                used: 0,
                last_id: 0,
                version: Version::V3,
                conn_state: ConnState::Down,
                is_stopping: false,
                waits_for_slot: false,
                waits_for_output: false,
                has_session: false,
                clean_start: false,
                has_unstored_alias: false,
            },
            slots: [const { Slot::FREE }; SLOTS],
            received_ids: [0; SLOTS],
            store: [0; STORE],
            aliases: [[const { Alias::NONE }; ALIASES]; 2],
        }
    }

    /// Sets the delays before a reconnect.
    pub const fn set_backoff(&mut self, backoff: Backoff) {
        self.state.backoff = Some(backoff);
    }

    /// Returns a reference whose type does not contain the capacities, for [`HasMqtt::mqtt`].
    #[inline(never)]
    pub const fn as_mut(&mut self) -> ClientMut<'_, A> {
        let [received_aliases, sent_aliases] = &mut self.aliases;
        ClientMut {
            state: &mut self.state,
            slots: &mut self.slots,
            received_ids: &mut self.received_ids,
            store: &mut self.store,
            received_aliases,
            sent_aliases,
        }
    }
}

impl<A, const SLOTS: usize, const STORE: usize, const ALIASES: usize> Default
    for Client<A, SLOTS, STORE, ALIASES>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<A> ClientMut<'_, A> {
    /// Returns whether the broker has accepted the client and the connection is open.
    pub fn is_up(&self) -> bool {
        self.state.conn_state == ConnState::Up
    }

    /// Returns whether the client is started. After [`stop`](crate::stop), the client stays started until its event
    /// [`Down`](MqttEvent::Down) is handled.
    pub const fn is_started(&self) -> bool {
        self.state.conn.is_some()
    }

    /// Returns the number of slots in use, by subscriptions and by messages that are not completely acknowledged.
    pub fn used(&self) -> usize {
        self.state.used.into()
    }

    /// Returns the number of bytes of the store that are in use.
    pub fn stored(&self) -> usize {
        self.stored_before(self.used())
    }
}

/// An address to which no back end connects. A connection to this address ends with an error.
pub(crate) const UNREACHABLE_ADDRESS: SocketAddr =
    SocketAddr::V4(core::net::SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

/// Checks the sizes that are given in the documentation.
#[cfg(target_pointer_width = "32")]
const _: () = {
    assert!(size_of::<Client<(), 0, 0>>() <= 120);
    assert!(size_of::<Client<(), 8, 512, 2>>() <= 120 + 8 * 14 + 512 + 2 * 128);
};
