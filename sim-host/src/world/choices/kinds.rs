//! The kinds of faults, clients and UDP clients, troubles of servers, and attacks, with their words in texts.

macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident, $($(#[$kind_doc:meta])* $kind:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$kind_doc])* $kind,)* }

        impl $name {
            /// All kinds; the first is the default.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Returns its word in choice logs and scenarios.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)* }
            }

            /// Returns the kind of this number, or the default if the number is too large.
            pub(crate) fn of_answer(answer: u64) -> Self {
                let index = usize::try_from(answer).ok();
                index.and_then(|index| Self::ALL.get(index)).copied().unwrap_or(Self::ALL[0])
            }

            /// Returns the kind with this word.
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.word() == word)
            }
        }
    };
}

kinds! {
    /// What can go wrong.
    FaultKind,
    /// Nothing.
    None = "none",
    /// Frames are lost. Severity: per mille.
    Loss = "loss",
    /// Frames come twice. Severity: per mille.
    Duplication = "duplication",
    /// Frames are overtaken by later ones. Severity: per mille.
    Reordering = "reordering",
    /// A bit of a frame is flipped; checksums detect it. Severity: per mille of the frames.
    Corruption = "corruption",
    /// A byte of a segment is changed and the checksums corrected. Nothing that happens on that
    /// connection afterwards counts as a failure. Severity: per mille of the segments.
    Forgery = "forgery",
    /// Frames are delayed. Severity: the longest delay in microseconds.
    Jitter = "jitter",
    /// The link is slow, and frames that would wait longer than 200 ms are dropped. Severity: bytes
    /// per second.
    Rate = "rate",
    /// Longer frames are dropped. Severity: the longest frame in bytes.
    Mtu = "mtu",
    /// No frame passes.
    Partition = "partition",
    /// No frame passes; all of them are delivered when the fault ends.
    Clog = "clog",
    /// The device's link is down.
    LinkDown = "link-down",
    /// The device's address is removed, and given back.
    AddressLost = "address-lost",
    /// The device's address is removed, and the device gets another one.
    AddressChanged = "address-changed",
    /// The peers' machine restarts and has lost all connections.
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
    /// Connects twice, the second time from the same port at once.
    PortReuse = "port-reuse",
    /// Vanishes silently after so many bytes.
    HalfOpen = "half-open",
    /// Resets the connection after so many bytes.
    Reset = "reset",
    /// Never reads, so its window stays closed.
    ZeroWindow = "zero-window",
    /// Ends its side at once.
    EarlyEnd = "early-end",
}

kinds! {
    /// What a UDP client does to its own datagrams, until the faults end. Its severity is the share of them.
    UdpBehaviour,
    /// Nothing.
    Normal = "normal",
    /// It sends some of them not at all.
    Loss = "loss",
    /// It sends some of them twice.
    Duplication = "duplication",
    /// It sends some of them later, behind others.
    Reordering = "reordering",
    /// It sends only the beginning of some of them.
    Cut = "cut",
    /// The checksum of some of them is wrong.
    BadChecksum = "bad-checksum",
    /// It sends some of them many times at once.
    Flood = "flood",
}

kinds! {
    /// What a server does for a time instead of serving.
    TroubleKind,
    /// Nothing.
    None = "none",
    /// Its port is closed, so it resets connections at once. Those that are open stay.
    Refuses = "refuses",
    /// Its stack accepts connections, but its program takes none.
    AcceptsLate = "accepts-late",
    /// Its stack works, but its program neither reads nor answers.
    Hangs = "hangs",
    /// Its machine is off: nothing is answered, and its connections are forgotten.
    Silent = "silent",
    /// It resets each connection after so many bytes. Severity: bytes.
    Resets = "resets",
    /// It ends its side of each connection after so many bytes, and discards what comes then. Severity:
    /// bytes.
    EndsEarly = "ends-early",
    /// Its program ends, and starts again when the trouble is over. Until then it refuses. Severity: odd if
    /// its connections are forgotten instead of reset.
    Restarts = "restarts",
    /// It reads a few bytes at a time. Severity: how many.
    SlowReader = "slow-reader",
}

kinds! {
    /// The attacks.
    AttackKind,
    /// Nothing.
    None = "none",
    /// Begins many connections at once and never answers.
    SynFlood = "syn-flood",
    /// Sends frames of random bytes.
    Garbage = "garbage",
    /// Sends many echo requests at once.
    PingFlood = "ping-flood",
    /// Opens a connection, ends its side, and goes on sending.
    DataAfterFin = "data-after-fin",
    /// Opens a connection and sends segments that are slightly wrong.
    MalformedSegments = "malformed-segments",
    /// Sends segments of connections that do not exist.
    StraySegments = "stray-segments",
}
