//! The texts for events. Captures, timelines and the terminal show the same texts.

use crate::world::{
    About, ClientEvent, Fate, Fault, FaultDirection, FaultKind, Object, ServerEvent, ServerFault,
    ServerFaultKind, Treatment, UdpClientEvent,
};

/// Returns the reason why a frame does not arrive, or `None` if it arrives.
pub(crate) const fn loss(fate: Fate) -> Option<&'static str> {
    match fate {
        Fate::Arrives(_) => None,
        Fate::Lost => Some("dropped by chance"),
        Fate::Partitioned => Some("dropped, nothing passes in this direction"),
        Fate::LinkDown => Some("dropped, the link is down"),
        Fate::TooLong => Some("dropped, longer than the MTU"),
        Fate::QueueFull => Some("dropped, too much is waiting before it"),
    }
}

/// The text for a frame that is dropped because the link goes down while the frame is in transit.
pub(crate) const LOST_IN_TRANSIT: &str = "dropped in transit, the link went down";

/// Returns what was done to a frame, or an empty text if nothing was done.
pub(crate) fn treatment(how: Treatment) -> String {
    let done = [
        (how.duplicated, "a second copy"),
        (how.late, "overtaken by later ones"),
        (how.slowed, "waits on a slow link"),
        (how.jittered, "jitter"),
        (how.held, "waits for a clog to end"),
        (how.flipped, "a bit is flipped"),
        (how.forged, "a byte is changed and the checksum corrected"),
    ];
    let done: Vec<_> = done.iter().filter(|(done, _)| *done).map(|(_, word)| *word).collect();
    done.join(", ")
}

/// Describes a fault: its kind, severity and direction.
pub(crate) fn fault(fault: &Fault) -> String {
    let Fault { kind, severity, .. } = *fault;
    let how = match kind {
        FaultKind::Loss | FaultKind::Duplication | FaultKind::Reordering => permille(severity),
        FaultKind::Corruption | FaultKind::Forgery => permille(severity),
        FaultKind::Jitter => format!(" of up to {}", time(severity)),
        FaultKind::ClockStep => format!(" of {}", time(severity)),
        FaultKind::Rate => format!(" of {severity} bytes per second"),
        FaultKind::Mtu => format!(" of {severity} bytes"),
        _ => String::new(),
    };
    let direction = match fault.direction {
        _ if !(kind.is_of_frames() || kind == FaultKind::Clog) => "",
        FaultDirection::Both => ", both ways",
        FaultDirection::ToDevice => ", to the device",
        FaultDirection::ToPeer => ", to the peers",
    };
    format!("{}{how}{direction}", kind.word())
}

fn permille(severity: u64) -> String {
    match severity % 10 {
        0 => format!(" of {} %", severity / 10),
        tenths => format!(" of {}.{tenths} %", severity / 10),
    }
}

/// Describes what happened to a client.
pub(crate) fn client_event(event: ClientEvent) -> String {
    match event {
        ClientEvent::Connects(port) => format!("connects from port {port}"),
        ClientEvent::IsServed(after) => format!("is served, after {}", time(after)),
        ClientEvent::IsRefused => "was refused, or lost its connection".to_owned(),
        ClientEvent::IsGone => "is gone".to_owned(),
    }
}

/// Describes what happened to a UDP client.
pub(crate) fn udp_client_event(event: UdpClientEvent) -> String {
    match event {
        UdpClientEvent::Requests { port, length, again } => {
            let again = if again { " again" } else { "" };
            format!("sends a request{again}, from port {port}, of {length} bytes")
        }
        UdpClientEvent::IsServed(after) => format!("has all its answers, after {}", time(after)),
    }
}

/// Describes what happened to a connection to a server.
pub(crate) fn server_event(connection: u32, event: ServerEvent) -> String {
    match event {
        ServerEvent::Accepted(port) => format!("accepts connection {connection}, from port {port}"),
        ServerEvent::Ended => format!("has ended connection {connection}"),
    }
}

/// Describes a server fault.
pub(crate) fn server_fault(port: u16, fault: &ServerFault) -> String {
    let ServerFault { kind, severity, .. } = *fault;
    let how = match kind {
        ServerFaultKind::Resets | ServerFaultKind::EndsEarly => format!(", after {severity} bytes"),
        ServerFaultKind::SlowReader => format!(", {} bytes at a time", 1 + severity % 16),
        ServerFaultKind::Restarts if severity % 2 == 1 => ", connections are forgotten".to_owned(),
        ServerFaultKind::Restarts => ", connections are reset".to_owned(),
        _ => String::new(),
    };
    format!("server {port} {}{how}", kind.word())
}

/// Describes the state of an object.
pub(crate) fn about(about: About) -> String {
    match about {
        About::Waits(what, _) => format!("waits for {what:?}"),
        About::With(peer) => format!("with {peer}"),
        About::At(address) => format!("listens on {address}"),
    }
}

/// Names an object by its kind and slot.
pub(crate) fn object(object: Object) -> String {
    format!("{} {}", object.word(), object.slot())
}

/// Formats a time in microseconds with about three significant digits.
pub(crate) fn time(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.2} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{:.0} ms", micros as f64 / 1e3),
        1_000_000..10_000_000 => format!("{:.2} s", micros as f64 / 1e6),
        10_000_000..600_000_000 => format!("{:.1} s", micros as f64 / 1e6),
        _ => format!("{:.0} min", micros as f64 / 6e7),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_about_three_significant_digits() {
        let spans = [0, 999, 1_100, 99_500, 1_000_000, 74_801_937, 3_600_000_000];
        let words = ["0 µs", "999 µs", "1.10 ms", "100 ms", "1.00 s", "74.8 s", "60 min"];
        assert_eq!(spans.map(time), words.map(str::to_owned));
    }

    #[test]
    fn faults_are_described_with_severity_and_direction() {
        let words = |kind, severity, direction| {
            fault(&Fault { kind, direction, from: 0, until: 1, severity })
        };
        assert_eq!(
            words(FaultKind::Loss, 205, FaultDirection::ToDevice),
            "loss of 20.5 %, to the device"
        );
        assert_eq!(words(FaultKind::Partition, 0, FaultDirection::Both), "partition, both ways");
        assert_eq!(
            words(FaultKind::ClockStep, 1_500, FaultDirection::Both),
            "clock-step of 1.50 ms"
        );
        assert_eq!(words(FaultKind::Reboot, 0, FaultDirection::ToPeer), "reboot");
    }

    #[test]
    fn server_faults_are_described_with_their_severity() {
        let words = |kind, severity| {
            server_fault(70, &ServerFault { server: 0, kind, from: 0, until: 1, severity })
        };
        assert_eq!(words(ServerFaultKind::Silent, 9), "server 70 silent");
        assert_eq!(words(ServerFaultKind::Resets, 9), "server 70 resets, after 9 bytes");
        assert_eq!(
            words(ServerFaultKind::SlowReader, 17),
            "server 70 slow-reader, 2 bytes at a time"
        );
        assert_eq!(
            words(ServerFaultKind::Restarts, 1),
            "server 70 restarts, connections are forgotten"
        );
    }

    #[test]
    fn treatments_are_listed() {
        let how = Treatment { late: true, flipped: true, ..Treatment::default() };
        assert_eq!(treatment(how), "overtaken by later ones, a bit is flipped");
        assert_eq!(treatment(Treatment::default()), "");
    }
}
