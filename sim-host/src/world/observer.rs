//! Those who look on: what a capture file, a timeline or a person at a terminal gets to see.
//!
//! A world without an observer pays one comparison for each of these.

use super::fault::Fault;

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the peers to the device.
    ToDevice,
    /// From the device to the peers.
    ToPeer,
}

/// What the cable does with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It will arrive at this time, in microseconds of the world.
    Arrives(u64),
    /// It is lost by chance.
    Lost,
    /// Nothing passes in its direction.
    Partitioned,
    /// The device's link is down.
    LinkDown,
    /// It is longer than what passes.
    TooLong,
    /// Too much is waiting before it.
    QueueFull,
}

/// What was done to a frame that arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Treatment {
    /// It is the second copy.
    pub doubled: bool,
    /// It is overtaken.
    pub late: bool,
    /// A bit is flipped.
    pub flipped: bool,
    /// A byte was changed, and the checksum made to fit.
    pub forged: bool,
}

/// A callback of the application, by what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// What kind of object it belongs to, and why it is called: `conn data`, `conn eof`.
    pub name: &'static str,
    /// The object's slot in its table.
    pub slot: usize,
}

/// Sees what happens in a world. Every method does nothing unless it is written; times are in
/// microseconds of the world.
pub trait Observer {
    /// A frame is sent, as its sender sent it.
    fn frame(&mut self, _at: u64, _way: Direction, _frame: &[u8], _fate: Fate, _how: Treatment) {}

    /// A frame has arrived, as it arrived.
    fn arrived(&mut self, _at: u64, _way: Direction, _frame: &[u8]) {}

    /// A callback begins.
    fn callback_begins(&mut self, _at: u64, _callback: Callback) {}

    /// The callback that began last has returned.
    fn callback_ends(&mut self, _at: u64) {}

    /// A fault begins or ends.
    fn fault(&mut self, _at: u64, _fault: &Fault, _begins: bool) {}

    /// Something else worth a line: a client's progress, the end of the faults, the verdict.
    fn mark(&mut self, _at: u64, _line: &str) {}
}
