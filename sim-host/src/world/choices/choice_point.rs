//! Choice points: the decisions in a simulation, and their names in a choice log.

/// Makes an enum whose variants have names in text.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $count:ident, $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        /// The number of variants.
        pub(crate) const $count: usize = $name::ALL.len();

        impl $name {
            /// All variants, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the word of the variant.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Returns the variant with this word, or `None` if there is no such variant.
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// The part of a simulation that a choice belongs to. Each stream has its own random numbers, so an additional
    /// choice in one stream does not change the other streams.
    Stream, STREAMS,
    /// The configuration of the whole simulation.
    Setup = "setup",
    /// A client. The number in a line is the client's number.
    Client = "client",
    /// A fault. The number in a line is the fault's number.
    Fault = "fault",
    /// A frame to the device.
    ToDevice = "to-device",
    /// A frame to the peers.
    ToPeer = "to-peer",
    /// The order in which tasks run.
    Schedule = "schedule",
    /// The frames of the attacker.
    Attacker = "attacker",
    /// The random numbers for the scripts and programs of a test case.
    Script = "script",
    /// A server and its server faults.
    Server = "server",
    /// The runs of the test case's interrupt handlers.
    Interrupt = "interrupt",
    /// A UDP client. The number in a line is the UDP client's number.
    UdpClient = "udp-client",
    /// A datagram of a UDP client, before it is sent on the cable.
    Datagram = "datagram",
}

/// The maximum number of faults in a choice log. The same limit applies to clients, to attacks, and to the server
/// faults of each server.
pub(crate) const MOST: u64 = 8;

/// The minimum latency of a frame, in microseconds.
pub(crate) const LATENCY: u64 = 100;

// A choice log may contain any number, so a simulation replaces a number that is too large by the maximum. A scenario
// with such a number is refused. The times are in microseconds.

/// The maximum of [`ChoicePoint::Latency`].
pub(crate) const MAX_LATENCY: u64 = 1_000_000;
/// The earliest time at which the quiet phase begins.
pub(crate) const MIN_QUIET: u64 = 2_000_000;
/// The latest time at which the quiet phase begins.
pub(crate) const MAX_QUIET: u64 = MIN_QUIET + 60_000_000;
/// The latest time at which a client starts.
pub(crate) const MAX_START: u64 = 60_000_000;
/// The longest delay of a frame by one fault.
pub(crate) const MAX_DELAY: u64 = 60_000_000;
/// The largest step of the device's clock.
pub(crate) const MAX_CLOCK_STEP: u64 = 86_400_000_000;
/// The latest time at which the DHCP server starts.
pub(crate) const MAX_DHCP_START: u64 = 10_000_000;
/// The shortest and the longest lease time of the device's address, in seconds.
pub(crate) const LEASES: std::ops::RangeInclusive<u64> = 10..=86_400;
/// The largest error of a slow clock, in parts per million.
pub(crate) const MAX_SLOW: u64 = 500_000;
/// The highest probability that a task is postponed, in thousandths.
pub(crate) const MAX_POSTPONE: u64 = 900;

impl Stream {
    /// Returns whether the choices of the stream are made before the simulation begins.
    pub(crate) const fn is_of_plan(self) -> bool {
        matches!(
            self,
            Self::Setup
                | Self::Client
                | Self::Fault
                | Self::Attacker
                | Self::Server
                | Self::Interrupt
                | Self::UdpClient
        )
    }
}

words! {
    /// A decision. Each variant's comment explains the answer, which is a number. Zero is the default.
    ChoicePoint, CHOICE_POINTS,
    /// The index of the device's size in the list of sizes.
    Size = "size",
    /// The number of clients, or UDP clients, in addition to the first.
    MoreClients = "more-clients",
    /// At the end of the simulation, up to this number of clients connect to each listener at the same time, to find
    /// leaked sockets. Zero means that no clients connect for this purpose.
    SocketLeakCheck = "socket-leak-check",
    /// The number of faults.
    Faults = "faults",
    /// The time at which the faults end and the quiet phase begins. The unit is microseconds, and zero means two
    /// seconds after the start of the simulation.
    QuietAfter = "quiet-after-us",
    /// A frame's latency beyond 100 microseconds, in microseconds.
    Latency = "latency-us",
    /// The seed of the stacks' ports and sequence numbers.
    Numbers = "numbers-from",
    /// The initial value of the device's clock, in microseconds.
    ClockStart = "clock-start-us",
    /// The lease time of the device's address in seconds. Zero means a static address.
    Lease = "lease-s",
    /// The time at which the DHCP server begins to answer, in microseconds.
    DhcpStart = "dhcp-start-us",
    /// The error of the device's clock in parts per million. For a slow clock, the answer is 1,000,000 plus the size of
    /// the error.
    Drift = "drift-ppm",
    /// The probability, in thousandths, that a task that is ready to run is postponed.
    Postpone = "postpone-per-mille",
    /// The number of the preemption point at which the interrupt that ends the application is raised, counted from 1. A
    /// preemption point is a point in the device's program, such as a reading of the clock, at which an interrupt can
    /// occur. Zero means that the interrupt is raised at the end of the simulation.
    Interrupt = "interrupt-at-point",
    /// The number of attacks.
    Attacks = "attacks",
    /// The kind of client, fault, attack or server fault.
    Kind = "kind",
    /// The start time of a client, a fault, an attack, a server fault or a run of an interrupt handler, in
    /// microseconds.
    Start = "start-us",
    /// The duration of a fault or a server fault, in microseconds.
    Life = "life-us",
    /// The severity of a fault, of a server fault or of a client's behaviour. The unit depends on the kind of fault,
    /// server fault or behaviour.
    Severity = "severity",
    /// The direction that the fault affects: both, to the device only, or to the peer only.
    Direction = "direction",
    /// A frame is lost if the answer is 1.
    Lost = "lost",
    /// A frame arrives twice. The answer is the delay of the second copy, in microseconds.
    Duplicated = "duplicated-us",
    /// A frame arrives late, so later frames overtake it. The answer is the delay, in microseconds.
    Late = "late-us",
    /// A frame and all frames after it are delayed. The answer is the delay, in microseconds.
    Jitter = "jitter-us",
    /// A bit of a frame is flipped. The answer is the number of the bit plus one.
    Flipped = "flipped",
    /// A byte of a segment is changed, and the segment's checksum is corrected. The answer is the number of the byte
    /// plus one.
    Forged = "forged",
    /// A task is postponed if the answer is 1.
    Postponed = "postponed",
    /// A random number for a script, an attack or an interrupt handler.
    Number = "number",
    /// The number of a server's faults.
    ServerFaults = "server-faults",
    /// The number of times an interrupt handler runs.
    Runs = "runs",
    /// The number of preemption points between the start time of an interrupt handler and its run.
    Points = "after-points",
    /// A client connects over IPv6 if the answer is 1.
    OverIpv6 = "over-ipv6",
    /// The datagram is affected by the behaviour of its UDP client. For example, the datagram is lost or delayed. The
    /// meaning of the answer depends on the behaviour.
    Affected = "affected",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_identifies_its_variant() {
        for stream in Stream::ALL {
            assert_eq!(Stream::of_word(stream.word()), Some(*stream));
        }
        for point in ChoicePoint::ALL {
            assert_eq!(ChoicePoint::of_word(point.word()), Some(*point));
        }
    }
}
