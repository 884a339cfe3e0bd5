//! What an application says: how to connect, what to publish, what to subscribe to.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use crate::message::OnMessage;
use crate::wire::{Qos, Version};

/// How a client connects. The application returns it from [`HasMqtt::options`](crate::HasMqtt::options) before each
/// attempt, so its texts may stand anywhere in the application, and a password may change.
///
/// ```
/// use picoevent_mqtt::{Options, Publish};
///
/// let options = Options {
///     client_id: "pump-7",
///     user: Some("pump"),
///     password: Some(b"secret"),
///     session_expiry: 3_600,
///     will: Some(Publish::new("pump-7/state", b"gone").retained()),
///     ..Options::new("192.0.2.1:1883".parse().unwrap())
/// };
/// assert_eq!(options.keep_alive, 60);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Options<'o> {
    /// Where the broker is, unless the application [connects](crate::HasMqtt::connect) itself.
    pub broker: SocketAddr,
    /// The version of the protocol. It stays the same while there are messages under way.
    pub version: Version,
    /// The name of the client, which no other client of the broker has. With an empty one the broker chooses, see
    /// [`Properties::assigned_client_id`](crate::wire::Properties::assigned_client_id).
    pub client_id: &'o str,
    /// The user name.
    pub user: Option<&'o str>,
    /// The password. In 3.1.1 an empty user name comes with it if there is none.
    pub password: Option<&'o [u8]>,
    /// The broker forgets an earlier session when the client connects for the first time after its
    /// [start](crate::start). In 3.1.1 it always does if the session does not outlive the connection, and otherwise
    /// never.
    pub clean_start: bool,
    /// For how many seconds the broker keeps the session after a connection: what was subscribed to, and what was
    /// published meanwhile. In 3.1.1 a number other than zero means forever.
    pub session_expiry: u32,
    /// After how many seconds of silence the client asks whether the broker is there; 0 for never. The broker can
    /// set another number.
    pub keep_alive: u16,
    /// The longest packet that the client takes, 0 for any. The broker is told in version 5.
    pub longest_packet: u32,
    /// What the broker publishes when the client is gone without saying so.
    pub will: Option<Publish<'o>>,
    /// After how many seconds it does, unless the client is back. Version 5 only.
    pub will_delay: u32,
}

impl Options<'_> {
    /// Returns the options for a broker: version 5, keep-alive of 60 seconds, a session that ends with the
    /// connection, an identifier that the broker chooses, no credentials, and no will.
    pub const fn new(broker: SocketAddr) -> Self {
        Self {
            broker,
            version: Version::V5,
            client_id: "",
            user: None,
            password: None,
            clean_start: false,
            session_expiry: 0,
            keep_alive: 60,
            longest_packet: 0,
            will: None,
            will_delay: 0,
        }
    }

    /// As [`new`](Self::new), for an application that [connects](crate::HasMqtt::connect) by a name.
    pub const fn by_name() -> Self {
        Self::new(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)))
    }
}

/// A message to publish, or a will. The properties are sent in version 5 only.
#[derive(Clone, Copy, Debug)]
pub struct Publish<'p> {
    /// The name of the topic, without wildcards.
    pub topic: &'p str,
    /// What it says.
    pub payload: &'p [u8],
    /// How often it is delivered.
    pub qos: Qos,
    /// The broker keeps it for later subscribers.
    pub retain: bool,
    /// For how many seconds it counts.
    pub message_expiry: Option<u32>,
    /// What kind of content it has.
    pub content_type: Option<&'p str>,
    /// The topic for answers.
    pub response_topic: Option<&'p str>,
    /// What an answer has to carry.
    pub correlation_data: Option<&'p [u8]>,
    /// Names and values of the application's own.
    pub user: &'p [(&'p str, &'p str)],
}

impl<'p> Publish<'p> {
    /// Returns a message that is delivered at most once, and not kept.
    pub const fn new(topic: &'p str, payload: &'p [u8]) -> Self {
        Self {
            topic,
            payload,
            qos: Qos::Zero,
            retain: false,
            message_expiry: None,
            content_type: None,
            response_topic: None,
            correlation_data: None,
            user: &[],
        }
    }

    /// Sets how often it is delivered.
    #[must_use]
    pub const fn qos(self, qos: Qos) -> Self {
        Self { qos, ..self }
    }

    /// Lets the broker keep it for later subscribers.
    #[must_use]
    pub const fn retained(self) -> Self {
        Self { retain: true, ..self }
    }
}

/// What to subscribe to, and what is called with the messages.
pub struct Subscription<'f, A> {
    /// The topics, with wildcards: see [`matches`](crate::matches).
    pub filter: &'f str,
    /// The most that messages are delivered with.
    pub qos: Qos,
    /// Messages of this client itself are left out. Version 5 only.
    pub no_local: bool,
    /// A message says whether it was published as one to be kept. Version 5 only.
    pub retain_as_published: bool,
    /// Messages that the broker had kept are left out. Version 5 only.
    pub no_retained: bool,
    /// What is called.
    pub call: OnMessage<A>,
}

impl<'f, A> Subscription<'f, A> {
    /// Returns a subscription without further options.
    pub const fn new(filter: &'f str, qos: Qos, call: OnMessage<A>) -> Self {
        Self { filter, qos, no_local: false, retain_as_published: false, no_retained: false, call }
    }

    /// Returns the options as a byte (3.8.3.1). In 3.1.1 there is only the quality of service.
    pub(crate) fn bits(&self, version: Version) -> u8 {
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let qos = self.qos as u8;
        match version {
            Version::V3 => qos,
            Version::V5 => {
                qos | flag(self.no_local, 0b100)
                    | flag(self.retain_as_published, 0b1000)
                    | flag(self.no_retained, 0b10_0000)
            }
        }
    }
}
