//! A capture of the cable as the device sees it, for Wireshark.
//!
//! ```text
//!            to-device │ at its arrival, as it arrives; a dropped frame when it was sent
//!   peers  ────────────┼───────────▶  device
//!          ◀───────────┼────────────
//!            to-peers  │ when it is sent, as it is sent
//! ```
//!
//! The comment of a frame states what happened to the frame: why it was dropped, why it is late, or what was changed.
//! The beginning and the end of a fault, and the events of clients and servers, are comments of the next frame. So the
//! filter `frame.comment contains "dropped"` shows the frames that did not arrive.

use std::collections::HashMap;

use super::pcapng::{self, Flow};
use super::words;
use crate::world::{
    ClientEvent, Direction, Fate, Fault, Frame, Observer, ServerEvent, ServerFault, Treatment,
    UdpClientEvent,
};

/// The maximum length of a frame in bytes, as declared for the file's interfaces.
const LONGEST: u32 = 1514;

/// An observer that captures the frames of one simulation.
pub struct Capture {
    title: String,
    packets: Vec<u8>,
    /// The frames to the device that are in transit, by frame number: the time at which the frame was sent, and what
    /// was done to the frame.
    under_way: HashMap<u64, (u64, String)>,
    /// Comments that are added to the next frame.
    lines: Vec<String>,
    last: String,
}

impl Capture {
    /// Makes a capture. Its file begins with the comment `title`.
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            packets: Vec::new(),
            under_way: HashMap::new(),
            lines: Vec::new(),
            last: String::new(),
        }
    }

    /// Returns the capture as a pcapng file. Frames that were in transit when the simulation ended
    /// are left out.
    pub fn file(&self) -> Vec<u8> {
        let Self { title, last, .. } = self;
        let application = concat!("picoevent-sim ", env!("CARGO_PKG_VERSION"));
        let mut file = pcapng::section(application, &format!("{title}: {last}"));
        for (direction, seen) in [
            (Direction::ToDevice, "frames to the device, as and when they arrive there"),
            (Direction::ToPeer, "frames from the device, as and when it sends them"),
        ] {
            file.extend(pcapng::interface(name(direction), seen, LONGEST));
        }
        file.extend(&self.packets);
        file
    }

    fn take(&mut self, at: u64, frame: Frame<'_>, comment: String) {
        let mut comments: Vec<_> = self.lines.drain(..).collect();
        if !comment.is_empty() {
            comments.push(comment);
        }
        let flow = match frame.direction {
            Direction::ToDevice => Flow::Inbound,
            Direction::ToPeer => Flow::Outbound,
        };
        self.packets.extend(pcapng::packet(
            frame.direction as u32,
            at,
            flow,
            frame.bytes,
            &comments,
        ));
    }

    fn add_comment(&mut self, at: u64, text: &str) {
        self.lines.push(format!("before, at {:.6} s: {text}", at as f64 / 1e6));
    }
}

const fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::ToDevice => "to-device",
        Direction::ToPeer => "to-peers",
    }
}

impl Observer for Capture {
    fn frame(&mut self, at: u64, frame: Frame<'_>, fate: Fate, how: Treatment) {
        let how = words::treatment(how);
        match (fate, frame.direction) {
            (Fate::Arrives(_), Direction::ToDevice) => {
                self.under_way.insert(frame.number, (at, how));
            }
            (Fate::Arrives(when), Direction::ToPeer) if !how.is_empty() => {
                let takes = words::time(when.saturating_sub(at));
                self.take(at, frame, format!("{how}; takes {takes}"));
            }
            _ => self.take(at, frame, words::loss(fate).unwrap_or_default().to_owned()),
        }
    }

    fn arrived(&mut self, at: u64, frame: Frame<'_>) {
        let Some((sent, how)) = self.under_way.remove(&frame.number) else { return };
        let comment = match how.is_empty() {
            true => how,
            false => format!("{how}; took {}", words::time(at.saturating_sub(sent))),
        };
        self.take(at, frame, comment);
    }

    fn lost_in_transit(&mut self, at: u64, frame: Frame<'_>) {
        match frame.direction {
            Direction::ToDevice => {
                self.under_way.remove(&frame.number);
                self.take(at, frame, words::LOST_IN_TRANSIT.to_owned());
            }
            // A frame to the peers is captured when the device sends it, so the capture already has this frame.
            Direction::ToPeer => {
                self.add_comment(
                    at,
                    &format!("a frame to the peers is {}", words::LOST_IN_TRANSIT),
                );
            }
        }
    }

    fn fault(&mut self, at: u64, fault: &Fault, begins: bool) {
        let verb = if begins { "begins" } else { "ends" };
        self.add_comment(at, &format!("{} {verb}", words::fault(fault)));
    }

    fn client(&mut self, at: u64, client: u32, event: ClientEvent) {
        self.add_comment(at, &format!("client {client} {}", words::client_event(event)));
    }

    fn udp_client(&mut self, at: u64, client: u32, event: UdpClientEvent) {
        self.add_comment(at, &format!("UDP client {client} {}", words::udp_client_event(event)));
    }

    fn server(&mut self, at: u64, port: u16, connection: u32, event: ServerEvent) {
        self.add_comment(at, &format!("server {port} {}", words::server_event(connection, event)));
    }

    fn server_fault(&mut self, at: u64, port: u16, fault: &ServerFault, begins: bool) {
        let verb = if begins { "begins" } else { "ends" };
        self.add_comment(at, &format!("{} {verb}", words::server_fault(port, fault)));
    }

    fn mark(&mut self, at: u64, line: &str) {
        self.add_comment(at, line);
        line.clone_into(&mut self.last);
    }
}
