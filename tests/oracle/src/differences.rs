//! The complete list of intended differences between picoevent and libevent.
//!
//! The model of the loop has a switch for each entry of the list. A switch selects libevent's behaviour (libevent's
//! side) or picoevent's behaviour (our side). With all switches at libevent's side, the model must write libevent's
//! trace. With all switches at our side, the model must write picoevent's trace.
//!
//! For each program, the switches are turned one after another from our side to libevent's side, in the order of the
//! list. If a turned switch changes the trace, the program *uses* the difference of this switch. A program that uses no
//! difference has the same trace on libevent and on picoevent. An entry that no program uses is an error.
//!
//! Each entry names the rules of libevent to which the difference belongs. A rule is a letter and a number, for example
//! `A7`. `docs/oracle.md` explains the letters.

use crate::generate::Kind;

/// A switch of the model. Its value is the index of its entry in [`DIFFERENCES`]. The switches for connections follow
/// the switches for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
#[repr(u8)]
pub enum Switch {
    MixedTriggering,
    Peaks,
    WatchersStop,
    WatchersWait,
    FreshWait,
    LimitClock,
    BreakBefore,
    ExitFlag,
    CommonTimeoutEvent,
    TimerOrder,
    EventOrder,
    StaleInterval,
    ZeroInterval,
    AddActive,
    SignalInterval,
    Raises,
    Repeats,
    SignalTimer,
    SignalsBeforePass,
    ExpiryActive,
    ExpiryStays,
    OncePerPass,
    ReadsFromStart,
    OpenKeepsLoop,
    ConnCounts,
    OutputBound,
    InputWaitsForRoom,
    FullInput,
    EndOnce,
    NothingToWrite,
    RoomOnce,
    HeldBackInput,
    MarksRefused,
    DueChecked,
    ConsumeRestarts,
    OneMask,
    Failure,
    EndReported,
    PairFree,
    PairFinish,
    PairPriority,
    ConnPass,
}

/// One difference.
pub struct Difference {
    pub switch: Switch,
    /// The name of the difference in the output.
    pub name: &'static str,
    /// The rules of libevent to which the difference belongs, for example `E5, E6`.
    pub rule: &'static str,
    pub libevent: &'static str,
    pub ours: &'static str,
}

macro_rules! differences {
    ($($switch:ident $name:literal $rule:literal: $libevent:literal => $ours:literal;)*) => {
        /// All differences, in the order in which their switches are turned.
        pub const DIFFERENCES: [Difference; [$(Switch::$switch),*].len()] = [$(Difference {
            switch: Switch::$switch,
            name: $name,
            rule: $rule,
            libevent: $libevent,
            ours: $ours,
        }),*];
    };
}

differences! {
    MixedTriggering "edge and level on one source" "A7":
        "edge-triggered and level-triggered events on one source are accepted; the last change \
         decides for all of them"
        => "an event of the second kind is refused";
    Peaks "clearing the peaks" "C3":
        "clearing the peaks sets them to zero"
        => "clearing the peaks sets them to the current counts";
    WatchersStop "break by a watcher" "E5, E6":
        "after a break or a continue in a watcher, one more callback runs"
        => "a break in a watcher ends the loop before the pass; a continue has no effect there";
    WatchersWait "wait after the prepare watchers" "W2":
        "the length of the wait, and whether the loop ends, are decided before the prepare \
         watchers run"
        => "both are decided after the prepare watchers have run";
    FreshWait "start of the wait" "L-f":
        "the wait counts from the last poll"
        => "the wait counts from its own start";
    LimitClock "clock of the time limit" "P5":
        "with a time limit, the time is updated after each callback of the priorities that the \
         limit applies to"
        => "the time is updated after each callback of any priority, and after each repeat of a \
            signal's callback";
    BreakBefore "break before the loop runs" "E4":
        "a break that is requested outside of the loop is cleared when the loop begins"
        => "it ends the loop at once";
    ExitFlag "exit flag" "E1, E3":
        "an exit is an event with the middle priority, so it waits until this priority runs"
        => "an exit is a flag that is checked at the end of the pass";
    CommonTimeoutEvent "event of a common timeout" "P9":
        "a common timeout has an internal event with priority 0 that activates its members"
        => "the members of a common timeout are ordinary timers";
    TimerOrder "equal deadlines" "P7":
        "events with equal deadlines run in the order of the heap"
        => "they run in the order in which the deadlines were set";
    EventOrder "order on a source" "P6":
        "of several events on one source or signal, the newest runs first"
        => "the oldest runs first";
    StaleInterval "stale interval" "A6":
        "a deleted event keeps its interval, and starts it again when it fires"
        => "deleting the event, or removing its timeout, ends the interval";
    ZeroInterval "zero interval" "T5":
        "a persistent event with a timeout of zero fires once, and then is no longer pending"
        => "it fires once per pass";
    AddActive "add while active" "A2":
        "adding an event that is active and not registered does not register it"
        => "adding it registers it";
    SignalInterval "interval of a signal event" "T1":
        "the timeout of a persistent signal event is not set again"
        => "it is set again, as for any persistent event";
    Raises "count of raises" "V1, S1":
        "a raise of a signal whose event is already active is not counted"
        => "each raise is one more callback";
    Repeats "repeats of a signal" "S2":
        "activating a signal event in its own callback interferes with its remaining repeats"
        => "the remaining repeats continue, with SIGNAL only, and the activation is a separate \
            callback";
    SignalTimer "removed timeout of a signal event" "A6":
        "removing the timeout of an active signal event removes its callback"
        => "the callback stays due";
    SignalsBeforePass "signals before the pass" "S1, P9":
        "an internal event with priority 0 reads the signals, during the pass"
        => "signals activate their events before the timers of the iteration do";
    ExpiryActive "expiry while active" "V5":
        "if the timeout of an active event expires, TIMEOUT replaces the event's flags, and the \
         event moves to the end of its queue"
        => "TIMEOUT is added to the flags; the event keeps its position in the queue, and stays \
            registered";
    ExpiryStays "expiry of a persistent event" "V4":
        "a persistent event whose timeout expires is not registered until its callback"
        => "it stays registered all the time";
    OncePerPass "once per pass" "P2":
        "an event that is activated again during a pass runs again in the same pass"
        => "a pass runs each event once; an event that is activated again waits for the next pass";
    ReadsFromStart "reading from the start" "B1":
        "a new connection has only writing enabled"
        => "a new connection has reading and writing enabled";
    OpenKeepsLoop "open connection keeps the loop running" "C2":
        "a connection keeps the loop running while it waits for input or for room"
        => "a connection keeps the loop running as long as it is open";
    ConnCounts "count of a connection" "C1":
        "each condition that a connection waits for is counted: input, room, and a timeout for \
         each of them"
        => "a connection is counted while one of its callbacks is due";
    OutputBound "full output" "M1":
        "the output buffer has no limit"
        => "output that does not fit is refused";
    InputWaitsForRoom "input while the output is full" "R4":
        "input and its end are reported even if the output is full"
        => "input and its end are reported when the output has room";
    FullInput "full input" "M2":
        "the read callback is called again and again while the input is full"
        => "the read callback is called for new input, or when it is requested";
    EndOnce "repeated end of stream" "B6":
        "enabling reading after the end of stream reports the end again"
        => "the end is reported once, and reading stays disabled";
    NothingToWrite "nothing to write" "B5":
        "enabling writing without output calls the write callback, or times out"
        => "the write callback is called only when output was sent";
    RoomOnce "requested room" "B4":
        "the write callback is called after each transfer that leaves no more output than the low \
         mark"
        => "requested room is reported once, and immediately if the room is already free";
    HeldBackInput "input below the low mark" "B9":
        "input below the low mark is not reported when the mark is lowered"
        => "lowering the mark reports the input";
    MarksRefused "invalid marks" "M4":
        "all marks are accepted"
        => "a low mark above the high mark is refused, and a high mark below the number of \
            buffered bytes";
    DueChecked "check before a callback" "B2, B3, M6":
        "a deferred callback runs even if its reason no longer holds"
        => "a callback runs only if its reason still holds and its direction is enabled";
    ConsumeRestarts "consuming restarts the timeout" "M3":
        "taking input restarts the timeout for reading, if there is a high mark"
        => "only taking from a full input restarts it";
    OneMask "one mask for several events" "R2":
        "several events other than input and output are reported in one callback, with a mask"
        => "each event has a separate callback";
    Failure "failed connection" "B7":
        "an error disables the direction in which it was found"
        => "an error ends the connection";
    EndReported "callback for the end" "R5":
        "freeing a connection calls no callback"
        => "a callback reports the end of the connection";
    PairFree "freed connection of a pair" "Q1":
        "if one connection of a pair is freed, the other connection gets no callback, and its \
         output stays in its buffer"
        => "the other connection is reset";
    PairFinish "end of stream in a pair" "Q2":
        "finishing moves all output even above the high mark, and is reported at once; the \
         connection can still write"
        => "the end of the stream follows the output, and the connection can no longer write";
    PairPriority "priority of a pair" "Q3":
        "the connections of a pair always have the middle priority"
        => "the connections of a pair have the priorities that the program sets";
    ConnPass "callbacks of a connection" "B8":
        "bytes move in callbacks of the loop; the callbacks that this makes due are queued behind \
         all other due callbacks"
        => "bytes move before the pass; in the pass, the callbacks of a connection run one after \
            the other, at its position in the queue";
}

impl Difference {
    /// Returns the kind of programs in which this difference must occur: in a long run, at least one program of this
    /// kind uses it.
    pub fn kind(&self) -> Kind {
        match self.switch {
            Switch::PairFree | Switch::PairFinish | Switch::PairPriority => Kind::Pairs,
            switch if switch < Switch::ReadsFromStart => Kind::Events,
            _ => Kind::Conns,
        }
    }
}

/// The setting of all switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides(u64);

impl Sides {
    /// All switches at libevent's side.
    pub const LIBEVENT: Self = Self(0);
    /// All switches at picoevent's side.
    pub const OURS: Self = Self((1 << DIFFERENCES.len()) - 1);

    /// Returns whether the switch is at picoevent's side.
    pub fn ours(self, switch: Switch) -> bool {
        self.0 & 1 << switch as u64 != 0
    }

    /// Returns this setting with one more switch at libevent's side.
    pub fn turned(self, switch: Switch) -> Self {
        Self(self.0 & !(1 << switch as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    #[test]
    fn every_switch_has_its_entry_at_its_index() {
        for (index, difference) in DIFFERENCES.iter().enumerate() {
            assert_eq!(difference.switch as usize, index, "{}", difference.name);
        }
    }

    #[test]
    fn the_page_names_every_difference_and_every_bug() {
        let page = include_str!("../../../docs/oracle.md");
        for Difference { name, rule, .. } in &DIFFERENCES {
            assert!(page.contains(&format!("| {name} ({rule}) |")), "{name}");
        }
        let bugs = Path::new(env!("CARGO_MANIFEST_DIR")).join("bugs");
        for bug in fs::read_dir(bugs).unwrap() {
            let path = bug.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(page.contains(&format!("| {name} |")), "{name}");
        }
    }
}
