//! The kinds of faults, clients, UDP clients, server faults and attacks. Each kind has a word for choice logs and
//! scenarios.

macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident, $($(#[$kind_doc:meta])* $kind:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$kind_doc])* $kind,)* }

        impl $name {
            /// All kinds. The first kind is the default.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Returns the word of the kind in choice logs and scenarios.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)* }
            }

            /// Returns the kind of this number, or the default if the number is too large.
            pub(crate) fn of_answer(answer: u64) -> Self {
                let index = usize::try_from(answer).ok();
                index.and_then(|index| Self::ALL.get(index)).copied().unwrap_or(Self::ALL[0])
            }

            /// Returns the kind with this word, or `None` if there is no such kind.
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.word() == word)
            }
        }
    };
}

kinds! {
    /// The kinds of faults.
    FaultKind,
    /// No fault.
    None = "none",
    /// Frames are lost. Severity: per mille.
    Loss = "loss",
    /// Frames arrive twice. Severity: per mille.
    Duplication = "duplication",
    /// Frames are overtaken by later frames. Severity: per mille.
    Reordering = "reordering",
    /// A bit of a frame is flipped. A checksum detects the change. Severity: per mille of the frames.
    Corruption = "corruption",
    /// A byte of a segment is changed, and the checksums are corrected. Later events on the connection of this segment
    /// do not count as failures. Severity: per mille of the segments.
    Forgery = "forgery",
    /// Frames are delayed. Severity: the longest delay in microseconds.
    Jitter = "jitter",
    /// The link is slow, and frames that would wait longer than 200 ms are dropped. Severity: bytes
    /// per second.
    Rate = "rate",
    /// Frames longer than the limit are dropped. Severity: the longest frame in bytes.
    Mtu = "mtu",
    /// No frame passes.
    Partition = "partition",
    /// Frames that are sent during the fault arrive only when the fault ends.
    Clog = "clog",
    /// The device's link is down.
    LinkDown = "link-down",
    /// The device's address is removed, and restored when the fault ends.
    AddressLost = "address-lost",
    /// The device's address is removed, and the device gets another address when the fault ends.
    AddressChanged = "address-changed",
    /// The peers' host restarts and has lost all connections.
    Reboot = "reboot",
    /// The device's clock steps forward. Severity: microseconds.
    ClockStep = "clock-step",
}

kinds! {
    /// The behaviour of a client.
    Behaviour,
    /// Follows its script.
    Normal = "normal",
    /// Reads a few bytes at a time, until the faults end.
    SlowReader = "slow-reader",
    /// Sends one byte at a time, until the faults end.
    SlowWriter = "slow-writer",
    /// Connects twice, from the same port. The second connect follows immediately after the first connection has ended.
    PortReuse = "port-reuse",
    /// Disappears after a number of bytes, without closing or resetting its connection.
    HalfOpen = "half-open",
    /// Resets the connection after a number of bytes.
    Reset = "reset",
    /// Never reads, so its receive window fills up and stays at zero.
    ZeroWindow = "zero-window",
    /// Closes its sending side as soon as it is connected.
    EarlyEnd = "early-end",
}

kinds! {
    /// What a UDP client does with some of its own datagrams, until the faults end. The severity is the share of these
    /// datagrams, in thousandths.
    UdpBehaviour,
    /// Sends each datagram once and unchanged.
    Normal = "normal",
    /// The client does not send some datagrams.
    Loss = "loss",
    /// The client sends some datagrams twice.
    Duplication = "duplication",
    /// The client delays some datagrams, so later datagrams overtake them.
    Reordering = "reordering",
    /// The client sends only the beginning of some datagrams.
    Cut = "cut",
    /// The checksum of some datagrams is wrong.
    BadChecksum = "bad-checksum",
    /// The client sends many copies of some datagrams at the same time.
    Flood = "flood",
}

kinds! {
    /// What a server does for a limited time instead of serving.
    ServerFaultKind,
    /// No server fault.
    None = "none",
    /// The server's port is closed, so the server's host resets new connections immediately. Open connections stay
    /// open.
    Refuses = "refuses",
    /// The server's stack completes handshakes, but the server's program does not accept the connections until the
    /// server fault ends.
    AcceptsLate = "accepts-late",
    /// The server's stack works, but the server's program neither reads nor answers.
    Hangs = "hangs",
    /// The server's host is off: it answers nothing, and its connections are lost without a reset.
    Silent = "silent",
    /// The server resets each connection after a number of bytes. Severity: bytes.
    Resets = "resets",
    /// The server closes its side of each connection after a number of bytes, and discards the bytes that it receives
    /// afterwards. Severity: bytes.
    EndsEarly = "ends-early",
    /// The server's program stops, and starts again when the server fault ends. Until then, the server refuses
    /// connections. Severity: if the number is odd, open connections are lost without a reset. If the number is even,
    /// open connections are reset.
    Restarts = "restarts",
    /// The server reads a few bytes at a time. Severity: the number of bytes is 1 + severity % 16.
    SlowReader = "slow-reader",
}

kinds! {
    /// The attacks.
    AttackKind,
    /// No attack.
    None = "none",
    /// Opens many connections at once and never answers.
    SynFlood = "syn-flood",
    /// Sends frames of random bytes.
    Garbage = "garbage",
    /// Sends many echo requests at once.
    PingFlood = "ping-flood",
    /// Opens a connection, sends a FIN, and then sends more data.
    DataAfterFin = "data-after-fin",
    /// Opens a connection and sends segments that are slightly wrong.
    MalformedSegments = "malformed-segments",
    /// Sends segments of connections that do not exist.
    StraySegments = "stray-segments",
}
