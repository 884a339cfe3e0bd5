//! The client: what it keeps.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use picoevent::{Backoff, Conn, ConnEnd, ConnMut, Cx, Instant};

use crate::aliases::Alias;
use crate::event::{Down, MqttEvent};
use crate::message::{Message, OnMessage};
use crate::options::Options;
use crate::slots::Slot;
use crate::wire::{Kind, Properties, Qos, Reason, Version};

/// An application that has an MQTT client. All but the first two functions have defaults.
pub trait HasMqtt: Sized {
    /// Returns the client: [`Client::as_mut`] of the one that the application has.
    fn mqtt(&mut self) -> ClientMut<'_, Self>;

    /// Returns how to connect. Called before each attempt.
    fn options(&self) -> Options<'_>;

    /// Something has happened to the client.
    fn event(&mut self, cx: &mut Cx<'_, Self>, event: MqttEvent) {
        let _ = (cx, event);
    }

    /// A message has arrived that no subscription matches: one of an earlier session of the client, for instance.
    fn message(&mut self, message: &mut Message<'_, '_, Self>) {
        let _ = message;
    }

    /// A packet of the broker has properties. It comes before the [event](Self::event) of the packet, if that has
    /// one. Those of a message are with the [message](Message::properties).
    fn properties(&mut self, kind: Kind, properties: Properties<'_>) {
        let _ = (kind, properties);
    }

    /// Connects a connection that is at rest, or has just ended, after a delay. By default to
    /// [`Options::broker`]. An application with a resolver looks up the broker's name instead, with
    /// `picoevent_dns::connect_again(self, conn, delay, "broker.example", 1883).is_ok()`. Returns whether it can; if
    /// not, it is called again later.
    fn connect(&mut self, conn: &mut ConnMut<'_, '_, Self>, delay: Duration) -> bool {
        let broker = self.options().broker;
        conn.connect_after(delay, broker).is_ok()
    }
}

/// An MQTT client: `SLOTS` subscriptions, and messages with [`Qos::One`] or [`Qos::Two`] under way; `STORE` bytes for
/// them; and `ALIASES` topics of at most 63 bytes in each direction that have numbers.
///
/// On a 32-bit target it takes 120 bytes, 14 for a slot, `STORE`, and 128 for an alias.
///
/// A subscription takes its filter and a byte of the store as long as it lasts. A message takes its topic, its
/// properties, its payload and 4 bytes until the broker has acknowledged it.
pub struct Client<A, const SLOTS: usize, const STORE: usize, const ALIASES: usize = 0> {
    session: Session<A>,
    slots: [Slot<A>; SLOTS],
    received: [u16; SLOTS],
    store: [u8; STORE],
    aliases: [[Alias; ALIASES]; 2],
}

/// A client whose capacities are no longer in its type.
pub struct ClientMut<'r, A> {
    pub(crate) session: &'r mut Session<A>,
    /// Subscriptions and messages under way, in order.
    pub(crate) slots: &'r mut [Slot<A>],
    /// The identifiers of messages with [`Qos::Two`] that have arrived, and are not released; zeros for no message.
    pub(crate) received: &'r mut [u16],
    /// What belongs to the slots, in the same order, without gaps.
    pub(crate) store: &'r mut [u8],
    /// The topics that the broker has given numbers.
    pub(crate) heard: &'r mut [Alias],
    /// The topics that the client has given numbers.
    pub(crate) given: &'r mut [Alias],
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// It is not open.
    Down,
    /// A CONNECT was sent.
    Greeting,
    Up,
    /// The client has ended it.
    Ending,
}

/// What a client has once.
pub(crate) struct Session<A> {
    pub(crate) conn: Option<Conn>,
    /// The usual delays if there is none.
    pub(crate) backoff: Option<Backoff>,
    /// When a packet was last sent, when something last came, and when the link came up.
    pub(crate) sent_at: Instant,
    pub(crate) heard_at: Instant,
    pub(crate) up_at: Instant,
    /// When a PINGREQ was sent that is not answered; the origin of the clock if none was.
    pub(crate) pinged_at: Instant,
    /// The message that comes in pieces.
    pub(crate) piece: Piece<A>,
    /// Why the client ends the connection.
    pub(crate) why: Why,
    pub(crate) longest_packet: u32,
    pub(crate) limits: Limits,
    /// In seconds, 0 for none.
    pub(crate) keep_alive: u16,
    /// Slots in use.
    pub(crate) used: u16,
    /// The last identifier that was given.
    pub(crate) last_id: u16,
    pub(crate) version: Version,
    pub(crate) link: Link,
    pub(crate) is_stopping: bool,
    /// Someone waits for room among the slots, or in the output ring.
    pub(crate) wants_room: bool,
    pub(crate) wants_output: bool,
    /// The broker has not taken the client since its start.
    pub(crate) is_first: bool,
    /// The broker was asked to forget the session.
    pub(crate) is_clean: bool,
    /// A topic was too long to be kept for its alias.
    pub(crate) cannot_keep: bool,
}

/// Why the client ends a connection: as [`Down`], in two bytes that are zero at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It does not: the connection ends otherwise.
    Unknown,
    Stopped,
    Refused(Reason),
    Disconnected(Reason),
    Broken(Reason),
    Silent,
    Options,
}

impl Why {
    /// Returns what the application is told, if the connection has ended so.
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
    /// Returns the delays before connecting again.
    #[inline(never)]
    pub(crate) fn backoff(&mut self) -> &mut Backoff {
        self.backoff.get_or_insert(Backoff::new(BACKOFF.0, BACKOFF.1))
    }
}

/// What the broker takes (5, 3.2.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) packet: u32,
    pub(crate) receive: u16,
    pub(crate) aliases: u16,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
}

impl Limits {
    /// Before the broker has said anything.
    const UNKNOWN: Self = Self { packet: 0, receive: 0, aliases: 0, qos: Qos::Zero, retain: false };

    /// What it takes unless it says otherwise.
    pub(crate) const NONE: Self =
        Self { packet: u32::MAX, receive: u16::MAX, aliases: 0, qos: Qos::Two, retain: true };

    /// Returns why a message may not be published, if it may not.
    #[inline(never)]
    pub(crate) fn refuse(&self, qos: Qos, is_retained: bool) -> Option<Reason> {
        if qos > self.qos {
            return Some(Reason::QOS_NOT_SUPPORTED);
        }
        (is_retained && !self.retain).then_some(Reason::RETAIN_NOT_SUPPORTED)
    }
}

/// The rest of a message that comes in pieces.
pub(crate) struct Piece<A> {
    pub(crate) call: Option<OnMessage<A>>,
    pub(crate) total: u32,
    /// Zero if there is none.
    pub(crate) left: u32,
    pub(crate) id: u16,
    pub(crate) flags: u8,
    /// It was delivered before: the payload is skipped.
    pub(crate) is_skipped: bool,
}

impl<A> Piece<A> {
    pub(crate) const NONE: Self =
        Self { call: None, total: 0, left: 0, id: 0, flags: 0, is_skipped: false };
}

/// The delays before connecting again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

impl<A, const SLOTS: usize, const STORE: usize, const ALIASES: usize>
    Client<A, SLOTS, STORE, ALIASES>
{
    const SIZES: () = assert!(
        SLOTS < u16::MAX as usize && STORE <= u16::MAX as usize && ALIASES < u16::MAX as usize,
        "capacities have two bytes"
    );

    /// Makes a client that is not started. It connects again after half a second at first, after a minute at
    /// most, changed at random by a quarter.
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

    /// Sets the delays before connecting again.
    pub const fn set_backoff(&mut self, backoff: Backoff) {
        self.session.backoff = Some(backoff);
    }

    /// Returns the client without its capacities, for [`HasMqtt`].
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
    /// Returns whether the broker has taken the client, and the connection is up.
    pub fn is_up(&self) -> bool {
        self.session.link == Link::Up
    }

    /// Returns whether the client was started, and has not ended.
    pub const fn is_started(&self) -> bool {
        self.session.conn.is_some()
    }

    /// Returns how many slots are in use: by subscriptions, and by messages under way.
    pub fn used(&self) -> usize {
        self.session.used.into()
    }

    /// Returns how many bytes of the store are in use.
    pub fn stored(&self) -> usize {
        self.stored_before(self.used())
    }
}

/// An address that nobody can connect to.
pub(crate) const NOWHERE: SocketAddr =
    SocketAddr::V4(core::net::SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

/// The sizes that the documents name.
#[cfg(target_pointer_width = "32")]
const _: () = {
    assert!(size_of::<Client<(), 0, 0>>() <= 120);
    assert!(size_of::<Client<(), 8, 512, 2>>() <= 120 + 8 * 14 + 512 + 2 * 128);
};
