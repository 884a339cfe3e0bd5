//! Reason codes.

use core::fmt;

/// A reason code of MQTT 5 (section 2.4): the result of a request, or the reason of its failure. A return code of MQTT
/// 3.1.1 is translated to the reason code of MQTT 5 with the same meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reason(pub u8);

/// Defines the reason codes and their names.
macro_rules! reasons {
    ($($code:literal $name:ident $text:literal)*) => {
        impl Reason {
            $(#[doc = concat!("0x", stringify!($code), ": ", $text, ".")]
            pub const $name: Self = Self($code);)*

            const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    _ => "unknown reason",
                }
            }
        }
    };
}

reasons! {
    0x00 SUCCESS "success"
    0x01 GRANTED_QOS_1 "granted with QoS 1"
    0x02 GRANTED_QOS_2 "granted with QoS 2"
    0x04 DISCONNECT_WITH_WILL "disconnect with the will"
    0x10 NO_SUBSCRIBERS "no subscribers"
    0x11 NO_SUBSCRIPTION "no such subscription"
    0x80 UNSPECIFIED "unspecified error"
    0x81 MALFORMED_PACKET "malformed packet"
    0x82 PROTOCOL_ERROR "protocol error"
    0x83 IMPLEMENTATION_ERROR "implementation specific error"
    0x84 UNSUPPORTED_VERSION "unsupported protocol version"
    0x85 CLIENT_ID_NOT_VALID "client identifier not valid"
    0x86 BAD_CREDENTIALS "bad user name or password"
    0x87 NOT_AUTHORIZED "not authorized"
    0x88 SERVER_UNAVAILABLE "server unavailable"
    0x89 SERVER_BUSY "server busy"
    0x8a BANNED "banned"
    0x8b SERVER_SHUTTING_DOWN "server shutting down"
    0x8c BAD_AUTHENTICATION_METHOD "bad authentication method"
    0x8d KEEP_ALIVE_TIMEOUT "keep-alive timeout"
    0x8e SESSION_TAKEN_OVER "session taken over"
    0x8f TOPIC_FILTER_INVALID "topic filter invalid"
    0x90 TOPIC_NAME_INVALID "topic name invalid"
    0x91 PACKET_ID_IN_USE "packet identifier in use"
    0x92 PACKET_ID_NOT_FOUND "packet identifier not found"
    0x93 RECEIVE_MAXIMUM_EXCEEDED "receive maximum exceeded"
    0x94 TOPIC_ALIAS_INVALID "topic alias invalid"
    0x95 PACKET_TOO_LARGE "packet too large"
    0x96 MESSAGE_RATE_TOO_HIGH "message rate too high"
    0x97 QUOTA_EXCEEDED "quota exceeded"
    0x98 ADMINISTRATIVE_ACTION "administrative action"
    0x99 PAYLOAD_FORMAT_INVALID "payload format invalid"
    0x9a RETAIN_NOT_SUPPORTED "retain not supported"
    0x9b QOS_NOT_SUPPORTED "QoS not supported"
    0x9c USE_ANOTHER_SERVER "use another server"
    0x9d SERVER_MOVED "server moved"
    0x9e SHARED_SUBSCRIPTIONS_NOT_SUPPORTED "shared subscriptions not supported"
    0x9f CONNECTION_RATE_EXCEEDED "connection rate exceeded"
    0xa0 MAXIMUM_CONNECT_TIME "maximum connect time"
    0xa1 SUBSCRIPTION_IDS_NOT_SUPPORTED "subscription identifiers not supported"
    0xa2 WILDCARDS_NOT_SUPPORTED "wildcard subscriptions not supported"
}

impl Reason {
    /// Returns whether the reason is a failure.
    pub const fn is_failure(self) -> bool {
        self.0 >= 0x80
    }

    /// Returns the reason for the return code in a CONNACK of MQTT 3.1.1 (section 3.2.2.3).
    pub(crate) const fn of_return_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::SUCCESS,
            1 => Self::UNSUPPORTED_VERSION,
            2 => Self::CLIENT_ID_NOT_VALID,
            3 => Self::SERVER_UNAVAILABLE,
            4 => Self::BAD_CREDENTIALS,
            5 => Self::NOT_AUTHORIZED,
            _ => return None,
        })
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x} ({})", self.0, self.text())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
