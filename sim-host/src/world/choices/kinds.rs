//! The kinds of faults, clients, UDP clients, server faults and attacks. Each kind has a word for choice logs and
//! scenarios.

macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident, $($(#[$kind_doc:meta])* $kind:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$kind_doc])* $kind,)* }

        impl $name {
            /// All kinds; the first is the default.
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
    /// Nothing.
    None = "none",
    /// Frames are lost. Severity: per mille.
    Loss = "loss",
    /// Frames arrive twice. Severity: per mille.
    Duplication = "duplication",
    /// Frames are overtaken by later frames. Severity: per mille.
    Reordering = "reordering",
    /// A bit of a frame is flipped; checksums detect it. Severity: per mille of the frames.
    Corruption = "corruption",
    /// A byte of a segment is changed and the checksums corrected. Later events on that connection
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
    /// No frame passes; all frames are delivered when the fault ends.
    Clog = "clog",
    /// The device's link is down.
    LinkDown = "link-down",
    /// The device's address is removed, and later restored.
    AddressLost = "address-lost",
    /// The device's address is removed, and the device gets another one.
    AddressChanged = "address-changed",
    /// The peers' host restarts and has lost all connections.
    Reboot = "reboot",
    /// The device's clock steps forward. Severity: microseconds.
    ClockStep = "clock-step",
}

kinds! {
    /// Client behaviour.
    Behaviour,
    /// Follows its script.
    Normal = "normal",
    /// Reads a few bytes at a time, until the faults end.
    SlowReader = "slow-reader",
    /// Sends one byte at a time, until the faults end.
    SlowWriter = "slow-writer",
    /// Connects twice. The second connect follows at once and uses the same port.
    PortReuse = "port-reuse",
    /// Disappears after a number of bytes, without closing or resetting its connection.
    HalfOpen = "half-open",
    /// Resets the connection after a number of bytes.
    Reset = "reset",
    /// Never reads, so its window stays at zero.
    ZeroWindow = "zero-window",
    /// Closes its sending side at once.
    EarlyEnd = "early-end",
}

kinds! {
    /// What a UDP client does with some of its own datagrams, until the faults end. The severity is the share of these
    /// datagrams, in thousandths.
    UdpBehaviour,
    /// Nothing.
    Normal = "normal",
    /// It does not send some of them.
    Loss = "loss",
    /// It sends some of them twice.
    Duplication = "duplication",
    /// It delays some of them, so later ones overtake them.
    Reordering = "reordering",
    /// It sends only the beginning of some of them.
    Cut = "cut",
    /// The checksum of some of them is wrong.
    BadChecksum = "bad-checksum",
    /// It sends some of them many times at once.
    Flood = "flood",
}

kinds! {
    /// What a server does for a limited time instead of serving.
    ServerFaultKind,
    /// Nothing.
    None = "none",
    /// Its port is closed, so it resets new connections at once. Open connections stay.
    Refuses = "refuses",
    /// Its stack completes handshakes, but its program does not accept the connections until the server fault ends.
    AcceptsLate = "accepts-late",
    /// Its stack works, but its program neither reads nor answers.
    Hangs = "hangs",
    /// Its host is off: it answers nothing, and its connections are lost without a reset.
    Silent = "silent",
    /// It resets each connection after a number of bytes. Severity: bytes.
    Resets = "resets",
    /// It closes its side of each connection after a number of bytes, and discards what it receives
    /// afterwards. Severity: bytes.
    EndsEarly = "ends-early",
    /// Its program stops, and starts again when the server fault is over. Until then it refuses
    /// connections. Severity: if odd, its open connections are lost without a reset; if even, they
    /// are reset.
    Restarts = "restarts",
    /// It reads a few bytes at a time. Severity: the number of bytes is 1 + severity % 16.
    SlowReader = "slow-reader",
}

kinds! {
    /// The attacks.
    AttackKind,
    /// Nothing.
    None = "none",
    /// Opens many connections at once and never answers.
    SynFlood = "syn-flood",
    /// Sends frames of random bytes.
    Garbage = "garbage",
    /// Sends many echo requests at once.
    PingFlood = "ping-flood",
    /// Opens a connection, ends its side, and continues to send.
    DataAfterFin = "data-after-fin",
    /// Opens a connection and sends segments that are slightly wrong.
    MalformedSegments = "malformed-segments",
    /// Sends segments of connections that do not exist.
    StraySegments = "stray-segments",
}
