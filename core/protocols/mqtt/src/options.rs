//! Options of the connection, messages to publish, and subscriptions.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use crate::message::OnMessage;
use crate::wire::{Qos, Version};

/// The options of a connection. The application returns them from [`HasMqtt::options`](crate::HasMqtt::options)
/// before each attempt to connect. So the application can store the texts where it wants, and can change the
/// password between two attempts.
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
    /// The broker's address. Not used if the application implements [`connect`](crate::HasMqtt::connect).
    pub broker: SocketAddr,
    /// The version of the protocol. Reconnects use the version that was set at [`start`](crate::start). If this field
    /// has changed while slots are in use, `start` returns an error.
    pub version: Version,
    /// The client identifier, which must be unique at the broker. If this text is empty, the broker chooses an
    /// identifier: see [`Properties::assigned_client_id`](crate::wire::Properties::assigned_client_id).
    pub client_id: &'o str,
    /// The user name.
    pub user: Option<&'o str>,
    /// The password. In MQTT 3.1.1, a password needs a user name, so an empty user name is sent if `user` is `None`.
    pub password: Option<&'o [u8]>,
    /// Whether a client that has no state of a session requests a new session. The client has this state from the first
    /// CONNACK until the program ends, even while the client is stopped. So by default, a program that restarts does
    /// not get the messages that were published while it did not run. If this field is `false`, the program takes over
    /// the session of an earlier run. Messages that were not completely acknowledged in that run may then be lost, or
    /// may arrive twice, also with [`Qos::Two`]. If `session_expiry` is 0, every connection begins a new session.
    ///
    /// Version 5 only. In MQTT 3.1.1, a request for a new session would also end the session with the connection. So
    /// the client takes over the session of an earlier run, which section 3.2.2.2 permits.
    pub clean_start: bool,
    /// The number of seconds for which the broker keeps the session after the connection has ended. The session
    /// contains the subscriptions, and messages that are published in this time. In MQTT 3.1.1, every number other than
    /// zero means that there is no limit.
    pub session_expiry: u32,
    /// The keep-alive time in seconds. The client sends a PINGREQ if it has sent nothing, or received nothing, for this
    /// time. If this field is 0, the client sends no PINGREQ. A broker of version 5 can set another time.
    pub keep_alive: u16,
    /// The length in bytes of the longest packet that the client accepts; 0 for no limit. The client sends this limit
    /// to the broker in version 5 only.
    pub longest_packet: u32,
    /// The message that the broker publishes if the client disappears without a DISCONNECT.
    pub will: Option<Publish<'o>>,
    /// The delay in seconds before the broker publishes the will. The broker does not publish the will if the client
    /// reconnects earlier. Version 5 only.
    pub will_delay: u32,
}

impl Options<'_> {
    /// Returns options for a broker: version 5, a keep-alive of 60 seconds, a session that ends with the
    /// connection, an identifier that the broker chooses, no credentials, and no will.
    pub const fn new(broker: SocketAddr) -> Self {
        Self {
            broker,
            version: Version::V5,
            client_id: "",
            user: None,
            password: None,
            clean_start: true,
            session_expiry: 0,
            keep_alive: 60,
            longest_packet: 0,
            will: None,
            will_delay: 0,
        }
    }

    /// Like [`new`](Self::new), for an application that [connects](crate::HasMqtt::connect) by name.
    pub const fn by_name() -> Self {
        Self::new(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)))
    }
}

/// A message to publish, or a will. The properties are sent in version 5 only.
#[derive(Clone, Copy, Debug)]
pub struct Publish<'p> {
    /// The topic, without wildcards.
    pub topic: &'p str,
    /// The content.
    pub payload: &'p [u8],
    /// The quality of service.
    pub qos: Qos,
    /// Whether the broker retains the message for later subscribers.
    pub retain: bool,
    /// The lifetime of the message in seconds.
    pub message_expiry: Option<u32>,
    /// The content type.
    pub content_type: Option<&'p str>,
    /// The topic for answers.
    pub response_topic: Option<&'p str>,
    /// Data that the sender of an answer copies into the answer.
    pub correlation_data: Option<&'p [u8]>,
    /// User properties: names and values.
    pub user: &'p [(&'p str, &'p str)],
}

impl<'p> Publish<'p> {
    /// Returns a message with [`Qos::Zero`] that is not retained.
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

    /// Sets the quality of service.
    #[must_use]
    pub const fn qos(self, qos: Qos) -> Self {
        Self { qos, ..self }
    }

    /// Makes the broker retain the message for later subscribers.
    #[must_use]
    pub const fn retained(self) -> Self {
        Self { retain: true, ..self }
    }
}

/// A subscription: its filter, and the function that gets the messages.
pub struct Subscription<'f, A> {
    /// The topic filter, which can have wildcards: see [`matches`](crate::matches).
    pub filter: &'f str,
    /// The highest quality of service for messages to the client.
    pub qos: Qos,
    /// Whether the broker leaves out messages that this client has published. Version 5 only. A shared subscription,
    /// whose filter begins with `$share/`, must not have this option.
    pub no_local: bool,
    /// Whether the broker sends each message with the retain flag that the publisher has set. Version 5 only.
    pub retain_as_published: bool,
    /// Whether the broker leaves out the messages that were retained before the SUBSCRIBE. Version 5 only.
    pub no_retained: bool,
    /// The function that is called with each message.
    pub call: OnMessage<A>,
}

impl<'f, A> Subscription<'f, A> {
    /// Returns a subscription with the other options set to `false`.
    pub const fn new(filter: &'f str, qos: Qos, call: OnMessage<A>) -> Self {
        Self { filter, qos, no_local: false, retain_as_published: false, no_retained: false, call }
    }

    /// Returns the subscription options as a byte (MQTT 5, section 3.8.3.1). In MQTT 3.1.1, the byte has only the
    /// quality of service.
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
