//! Choice points: what can be decided in a simulation, by the words of a choice log.

/// Makes an enum whose variants have names in text.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $count:ident, $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        /// How many there are.
        pub(crate) const $count: usize = $name::ALL.len();

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its word.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The one of this word.
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// What a choice belongs to. Each stream has random numbers of its own, so that one more choice in
    /// one leaves the others as they were.
    Stream, STREAMS,
    /// The configuration of the whole simulation.
    Setup = "setup",
    /// A client, by its number.
    Client = "client",
    /// A fault, by its number.
    Fault = "fault",
    /// A frame on its way to the device.
    ToDevice = "to-device",
    /// A frame on its way to the peers.
    ToPeer = "to-peer",
    /// The order in which tasks run.
    Schedule = "schedule",
    /// What the attacker sends.
    Attacker = "attacker",
    /// What an application's own script wants to know.
    Script = "script",
}

/// Faults, clients and attacks a choice log can have at most.
pub(crate) const MOST: u64 = 8;

impl Stream {
    /// Whether its choices are made before the simulation begins.
    pub(crate) const fn is_of_plan(self) -> bool {
        matches!(self, Self::Setup | Self::Client | Self::Fault | Self::Attacker)
    }
}

words! {
    /// What is decided. The doc of each says what its answer counts; zero is the default.
    ChoicePoint, CHOICE_POINTS,
    /// Which storage the device has, of the list of sizes.
    Size = "size",
    /// How many clients there are beside the first.
    MoreClients = "more-clients",
    /// How many clients connect at once to each listener when all is over, to find leaked sockets.
    SocketCheck = "socket-check",
    /// How many faults there may be.
    Faults = "faults",
    /// When the faults end and the quiet phase begins, in microseconds after 2 s.
    QuietAfter = "quiet-after-us",
    /// What a frame's way takes beside 100 microseconds.
    Latency = "latency-us",
    /// From what the stacks draw their ports and sequence numbers.
    Numbers = "numbers-from",
    /// Where the device's clock begins, in microseconds.
    ClockStart = "clock-start-us",
    /// For how many seconds the device's address is leased; zero for an address that is its own.
    Lease = "lease-s",
    /// From when on the DHCP server answers, in microseconds.
    ServerStart = "server-start-us",
    /// How wrong the device's clock runs: parts per million fast, or 1,000,000 more for slow.
    Drift = "drift-ppm",
    /// Per mille of the turns that a task has to wait for.
    Postpone = "postpone-per-mille",
    /// At which preemption point the interrupt comes.
    Interrupt = "interrupt-at-point",
    /// How many attacks there are.
    Attacks = "attacks",
    /// Which kind of client, fault or attack.
    Kind = "kind",
    /// When it begins, in microseconds.
    Start = "start-us",
    /// How long it lasts, in microseconds.
    Life = "life-us",
    /// How bad it is; the kind says in what.
    Severity = "severity",
    /// Whom it strikes: both directions, to the device, to the peer.
    Side = "side",
    /// A frame is lost.
    Lost = "lost",
    /// A frame comes twice, the second one so many microseconds later.
    Duplicated = "duplicated-us",
    /// A frame is overtaken, by so many microseconds.
    Late = "late-us",
    /// A frame takes so many microseconds more, and those behind it too.
    Jitter = "jitter-us",
    /// A bit of a frame is flipped; one more than its place.
    Flipped = "flipped",
    /// A byte of a segment is changed so that no checksum sees it; one more than its place.
    Forged = "forged",
    /// A task waits for another turn.
    Postponed = "postponed",
    /// A number that a script or an attack draws.
    Number = "number",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back() {
        for stream in Stream::ALL {
            assert_eq!(Stream::of_word(stream.word()), Some(*stream));
        }
        for point in ChoicePoint::ALL {
            assert_eq!(ChoicePoint::of_word(point.word()), Some(*point));
        }
    }
}
