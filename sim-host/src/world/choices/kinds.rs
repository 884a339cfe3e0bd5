//! The kinds of faults, clients and attacks, by the words that stand for them in texts.

macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident, $($(#[$kind_doc:meta])* $kind:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$kind_doc])* $kind,)* }

        impl $name {
            /// All of them; the first one is the default.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Returns its word in choice logs and scenarios.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)* }
            }

            /// Returns the kind of this number; beyond the last one it is the default.
            pub(crate) fn of_answer(answer: u64) -> Self {
                let index = usize::try_from(answer).ok();
                index.and_then(|index| Self::ALL.get(index)).copied().unwrap_or(Self::ALL[0])
            }

            /// Returns the kind of this word.
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
    /// Frames are lost: so many per mille.
    Loss = "loss",
    /// Frames come twice: so many per mille.
    Duplication = "duplication",
    /// Frames are overtaken by later ones: so many per mille.
    Reordering = "reordering",
    /// A bit is flipped in so many frames per mille; checksums find it.
    Corruption = "corruption",
    /// A byte is changed in so many segments per mille, and no checksum finds it. Whoever talks on
    /// that connection cannot be blamed for what follows.
    Forgery = "forgery",
    /// Frames take up to so many microseconds more.
    Jitter = "jitter",
    /// So many bytes pass in a second; what waits longer than 200 ms is dropped.
    Rate = "rate",
    /// Frames of more than so many bytes vanish.
    Mtu = "mtu",
    /// Nothing passes.
    Partition = "partition",
    /// Nothing passes, but what would have passed comes when the clog is gone.
    Clog = "clog",
    /// The device's link is down.
    LinkDown = "link-down",
    /// The device's address is taken away, and given back.
    AddressLost = "address-lost",
    /// The device's address is taken away, and it gets another.
    AddressChanged = "address-changed",
    /// The peers' machine starts again and knows no connection.
    Reboot = "reboot",
    /// The device's clock steps forward by so many microseconds.
    ClockStep = "clock-step",
}

kinds! {
    /// How a client behaves.
    Behaviour,
    /// It does what its script says.
    Normal = "normal",
    /// It reads a few bytes at a time, until the faults end.
    SlowReader = "slow-reader",
    /// It sends a byte at a time, until the faults end.
    SlowWriter = "slow-writer",
    /// It connects twice, the second time from the same port at once.
    PortReuse = "port-reuse",
    /// It vanishes without a word after so many bytes.
    HalfOpen = "half-open",
    /// It resets the connection after so many bytes.
    Reset = "reset",
    /// It never reads, and its window stays closed forever.
    ZeroWindow = "zero-window",
    /// It ends its side at once.
    EarlyEnd = "early-end",
}

kinds! {
    /// What the attacker does.
    AttackKind,
    /// Nothing.
    None = "none",
    /// Begins many connections at once, and answers nothing.
    SynFlood = "syn-flood",
    /// Sends frames of random bytes.
    Garbage = "garbage",
    /// Sends many echo requests at once.
    PingFlood = "ping-flood",
    /// Opens a connection, ends its side, and sends on.
    DataAfterFin = "data-after-fin",
    /// Opens a connection, and sends segments that are nearly right.
    MalformedSegments = "malformed-segments",
    /// Sends segments of connections that never were.
    StraySegments = "stray-segments",
}
