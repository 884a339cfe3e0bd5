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

    /// Called when a message arrives that matches no subscription, for example from an earlier session of the
    /// client.
    fn message(&mut self, message: &mut Message<'_, '_, Self>) {
        let _ = message;
    }

    /// Called when a packet from the broker has properties, before the [event](Self::event) of the packet, if it
    /// has one. Does not report the properties of messages: see [`Message::properties`].
    fn properties(&mut self, kind: Kind, properties: Properties<'_>) {
        let _ = (kind, properties);
    }

    /// Connects `conn` after a delay. `conn` is new, or has just ended. By default this function connects to
    /// [`Options::broker`]. An application with a resolver can look up the broker's name instead:
    /// `picoevent_dns::connect_again(self, conn, delay, "broker.example", 1883).is_ok()`. Returns whether the connect
    /// was scheduled. If it was not scheduled, this function is called again later.
    fn connect(&mut self, conn: &mut ConnMut<'_, '_, Self>, delay: Duration) -> bool {
        let broker = self.options().broker;
        conn.connect_after(delay, broker).is_ok()
    }
}

/// An MQTT client with `SLOTS` slots for subscriptions and for messages under way ([`Qos::One`] or [`Qos::Two`]),
/// `STORE` bytes for their content, and `ALIASES` topic aliases in each direction, for topics of at most 63 bytes.
///
/// On a 32-bit target it takes 120 bytes, plus 14 for each slot, plus `STORE`, plus 128 for each alias.
///
/// A subscription needs room in the store for its filter and one more byte while it exists. A message needs room for
/// its topic, its properties, its payload and 4 more bytes until the broker has acknowledged it.
pub struct Client<A, const SLOTS: usize, const STORE: usize, const ALIASES: usize = 0> {
    session: Session<A>,
    slots: [Slot<A>; SLOTS],
    received: [u16; SLOTS],
    store: [u8; STORE],
    aliases: [[Alias; ALIASES]; 2],
}

/// A reference to a [`Client`], with a type that does not contain the client's capacities.
pub struct ClientMut<'r, A> {
    pub(crate) session: &'r mut Session<A>,
    /// Subscriptions and messages under way, in order.
    pub(crate) slots: &'r mut [Slot<A>],
    /// The identifiers of received messages with [`Qos::Two`] that are not released yet; 0 for an unused entry.
    pub(crate) received: &'r mut [u16],
    /// The bytes of the slots, in the same order, without gaps.
    pub(crate) store: &'r mut [u8],
    /// The topics of the broker's aliases.
    pub(crate) heard: &'r mut [Alias],
    /// The topics of the client's aliases.
    pub(crate) given: &'r mut [Alias],
}

/// The state of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// The connection is not open.
    Down,
    /// A CONNECT was sent, but not answered.
    Greeting,
    Up,
    /// The client is ending the connection.
    Ending,
}

/// The state of a client without its slots, its store and its aliases.
pub(crate) struct Session<A> {
    pub(crate) conn: Option<Conn>,
    /// The default delays are used if this is `None`.
    pub(crate) backoff: Option<Backoff>,
    /// The times of the last packet sent, of the last input, and of the accepted CONNECT.
    pub(crate) sent_at: Instant,
    pub(crate) heard_at: Instant,
    pub(crate) up_at: Instant,
    /// The time of a PINGREQ that is not answered; the origin of the clock if there is none.
    pub(crate) pinged_at: Instant,
    /// The message that is being received in pieces.
    pub(crate) piece: Piece<A>,
    /// The reason why the client ends the connection.
    pub(crate) why: Why,
    pub(crate) longest_packet: u32,
    pub(crate) limits: Limits,
    /// The keep-alive time in seconds, 0 for none.
    pub(crate) keep_alive: u16,
    /// Slots in use.
    pub(crate) used: u16,
    /// The last identifier that was assigned.
    pub(crate) last_id: u16,
    pub(crate) version: Version,
    pub(crate) link: Link,
    pub(crate) is_stopping: bool,
    /// The application waits for a free slot, and for room in the store.
    pub(crate) wants_room: bool,
    /// The application waits for room in the output ring.
    pub(crate) wants_output: bool,
    /// The broker has not accepted the client since its start.
    pub(crate) is_first: bool,
    /// The broker was told to discard the session.
    pub(crate) is_clean: bool,
    /// A topic was too long to be stored for its alias.
    pub(crate) cannot_keep: bool,
}

/// The reason why the client ends a connection: like [`Down`], but only two bytes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The client did not end the connection.
    Unknown,
    Stopped,
    Refused(Reason),
    Disconnected(Reason),
    Broken(Reason),
    Silent,
    Options,
}

impl Why {
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
            Self::Broken(reason) => Down::Broken(reason),
            Self::Silent => Down::Silent,
            Self::Options => Down::Options,
        }
    }
}

impl<A> Session<A> {
    /// Returns the delays before a reconnect.
    #[inline(never)]
    pub(crate) fn backoff(&mut self) -> &mut Backoff {
        self.backoff.get_or_insert(Backoff::new(BACKOFF.0, BACKOFF.1))
    }
}

/// The broker's limits (5, 3.2.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) packet: u32,
    pub(crate) receive: u16,
    pub(crate) aliases: u16,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
}

impl Limits {
    /// The limits before the broker has answered.
    const UNKNOWN: Self = Self { packet: 0, receive: 0, aliases: 0, qos: Qos::Zero, retain: false };

    /// The limits if the broker does not send any.
    pub(crate) const NONE: Self =
        Self { packet: u32::MAX, receive: u16::MAX, aliases: 0, qos: Qos::Two, retain: true };

    /// Returns the reason if a message may not be published.
    #[inline(never)]
    pub(crate) fn refuse(&self, qos: Qos, is_retained: bool) -> Option<Reason> {
        if qos > self.qos {
            return Some(Reason::QOS_NOT_SUPPORTED);
        }
        (is_retained && !self.retain).then_some(Reason::RETAIN_NOT_SUPPORTED)
    }
}

/// The state of a message that is received in pieces.
pub(crate) struct Piece<A> {
    pub(crate) call: Option<OnMessage<A>>,
    pub(crate) total: u32,
    /// The number of payload bytes still to come; 0 if there is no such message.
    pub(crate) left: u32,
    pub(crate) id: u16,
    pub(crate) flags: u8,
    /// The message was delivered before, so its payload is skipped.
    pub(crate) is_skipped: bool,
}

impl<A> Piece<A> {
    pub(crate) const NONE: Self =
        Self { call: None, total: 0, left: 0, id: 0, flags: 0, is_skipped: false };
}

/// The default delays before a reconnect: the first and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

impl<A, const SLOTS: usize, const STORE: usize, const ALIASES: usize>
    Client<A, SLOTS, STORE, ALIASES>
{
    const SIZES: () = assert!(
        SLOTS < u16::MAX as usize && STORE <= u16::MAX as usize && ALIASES < u16::MAX as usize,
        "capacities have two bytes"
    );

    /// Makes a client that is not started. Its first reconnect follows after half a second. The delays grow to at
    /// most a minute, and each is varied at random by up to a quarter.
    pub const fn new() -> Self {
        let () = Self::SIZES;
        Self {
            session: Session {
                conn: None,
                backoff: None,
                sent_at: Instant::ZERO,
                heard_at: Instant::ZERO,
                up_at: Instant::ZERO,
                pinged_at: Instant::ZERO,
                piece: Piece::NONE,
                why: Why::Unknown,
                longest_packet: 0,
                limits: Limits::UNKNOWN,
                keep_alive: 0,
                used: 0,
                last_id: 0,
                version: Version::V3,
                link: Link::Down,
                is_stopping: false,
                wants_room: false,
                wants_output: false,
                is_first: false,
                is_clean: false,
                cannot_keep: false,
            },
            slots: [const { Slot::FREE }; SLOTS],
            received: [0; SLOTS],
            store: [0; STORE],
            aliases: [[const { Alias::NONE }; ALIASES]; 2],
        }
    }

    /// Sets the delays before a reconnect.
    pub const fn set_backoff(&mut self, backoff: Backoff) {
        self.session.backoff = Some(backoff);
    }

    /// Returns a reference whose type does not contain the capacities, for [`HasMqtt::mqtt`].
    #[inline(never)]
    pub const fn as_mut(&mut self) -> ClientMut<'_, A> {
        let [heard, given] = &mut self.aliases;
        ClientMut {
            session: &mut self.session,
            slots: &mut self.slots,
            received: &mut self.received,
            store: &mut self.store,
            heard,
            given,
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
        self.session.link == Link::Up
    }

    /// Returns whether the client was started and has not ended.
    pub const fn is_started(&self) -> bool {
        self.session.conn.is_some()
    }

    /// Returns the number of slots in use, by subscriptions and by messages under way.
    pub fn used(&self) -> usize {
        self.session.used.into()
    }

    /// Returns the number of bytes of the store in use.
    pub fn stored(&self) -> usize {
        self.stored_before(self.used())
    }
}

/// An address to which every connect fails.
pub(crate) const NOWHERE: SocketAddr =
    SocketAddr::V4(core::net::SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

/// Checks the sizes that are given in the documentation.
#[cfg(target_pointer_width = "32")]
const _: () = {
    assert!(size_of::<Client<(), 0, 0>>() <= 120);
    assert!(size_of::<Client<(), 8, 512, 2>>() <= 120 + 8 * 14 + 512 + 2 * 128);
};
