//! The log observer: one line for each event, shown at the end of a failure's report.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::world::choices::fault::Fault;
use crate::world::choices::server_fault::ServerFault;
use crate::world::network::segment;
use crate::world::observe::observer::{
    Callback, Direction, Fate, Frame, Observer, Treatment, UdpClientEvent,
};

/// An observer that writes a line for each event and keeps the last lines.
pub struct LogObserver {
    lines: Rc<RefCell<VecDeque<String>>>,
    most: usize,
}

impl LogObserver {
    /// Makes an observer that keeps the last `most` lines. Returns the observer and its lines.
    pub fn new(most: usize) -> (Self, Rc<RefCell<VecDeque<String>>>) {
        let lines = Rc::new(RefCell::new(VecDeque::new()));
        (Self { lines: lines.clone(), most }, lines)
    }

    fn add_line(&mut self, at: u64, line: &str) {
        let mut lines = self.lines.borrow_mut();
        lines.push_back(format!("{:>12.6}  {line}", at as f64 / 1e6));
        if lines.len() > self.most {
            lines.pop_front();
        }
    }
}

impl Observer for LogObserver {
    fn frame(&mut self, at: u64, frame: Frame<'_>, fate: Fate, how: Treatment) {
        let direction = match frame.direction {
            Direction::ToDevice => "to-device",
            Direction::ToPeer => "to-peer",
        };
        let fate = match fate {
            Fate::Arrives(_) => String::new(),
            other => format!("  [{other:?}]"),
        };
        let done = [
            (how.duplicated, " duplicated"),
            (how.late, " late"),
            (how.flipped, " flipped"),
            (how.forged, " forged"),
        ];
        let how: String = done.iter().filter(|(done, _)| *done).map(|(_, word)| *word).collect();
        self.add_line(at, &format!("{direction} {}{fate}{how}", segment::describe(frame.bytes)));
    }

    fn callback_begins(&mut self, at: u64, callback: Callback) {
        self.add_line(at, &format!("callback {} {}", callback.name, callback.object.slot()));
    }

    fn fault(&mut self, at: u64, fault: &Fault, begins: bool) {
        let verb = if begins { "begins" } else { "ends" };
        self.add_line(at, &format!("{} {verb}", fault.kind.word()));
    }

    fn server_fault(&mut self, at: u64, port: u16, fault: &ServerFault, begins: bool) {
        let verb = if begins { "begins" } else { "ends" };
        self.add_line(at, &format!("server {port}: {} {verb}", fault.kind.word()));
    }

    fn udp_client(&mut self, at: u64, client: u32, event: UdpClientEvent) {
        if let UdpClientEvent::Requests { again: true, .. } = event {
            self.add_line(at, &format!("UDP client {client} sends a request again"));
        }
    }

    fn mark(&mut self, at: u64, line: &str) {
        self.add_line(at, line);
    }
}
