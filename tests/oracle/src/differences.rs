//! The complete list of intended differences between picoevent and libevent.
//!
//! The model of the loop has a switch for each entry. With all switches at libevent's side, it must write libevent's
//! trace. With all switches at our side, it must write picoevent's trace. The switches are turned one after another
//! from our side to libevent's side, in the order of this list. Each switch that changes the trace is counted: the
//! program *uses* that difference. So a program that uses no difference has the same trace on libevent and on
//! picoevent. An entry that no program uses is an error.
//!
//! The letters of the rules are explained in `docs/oracle.md`.

use crate::generate::Kind;

/// A switch. Its number is its index in [`DIFFERENCES`]. The switches of connections follow those of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
#[repr(u8)]
pub enum Switch {
    Mixing,
    Peaks,
    WatchersStop,
    WatchersWait,
    FreshWait,
    LimitClock,
    BreakBefore,
    ExitFlag,
    CommonHead,
    TimerOrder,
    EventOrder,
    StaleInterval,
    ZeroInterval,
    AddActive,
    SignalInterval,
    Raises,
    Repeats,
    SignalTimer,
    SignalFeed,
    ExpiryActive,
    ExpiryStays,
    OncePerPass,
    ReadsAtFirst,
    OpenHolds,
    ConnCounts,
    OutputBound,
    AnswerRoom,
    FullInput,
    EndOnce,
    NothingToWrite,
    RoomOnce,
    HeldBack,
    MarksRefused,
    DueChecked,
    ConsumeRestarts,
    OneMask,
    Failure,
    EndReported,
    PairFree,
    PairFinish,
    PairPriority,
    Turn,
}

/// One difference.
pub struct Difference {
    pub switch: Switch,
    /// The name under which it is counted.
    pub name: &'static str,
    /// The letters and numbers of libevent's rules.
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
    Mixing "mixed edge" "A7":
        "events by edge and by level on one source are accepted; the kind of the last report holds"
        => "the second kind is refused";
    Peaks "peaks" "C3":
        "clearing the peaks sets them to zero"
        => "it sets them to the current counts";
    WatchersStop "watchers and the end" "E5, E6":
        "after a break or a continue by a watcher one more callback runs"
        => "a break by a watcher ends the loop before the pass; a continue has no effect there";
    WatchersWait "watchers and the wait" "W2":
        "the wait, and whether the loop ends, is decided before the prepare watchers run"
        => "it is decided after them";
    FreshWait "fresh wait" "L-f":
        "the wait is counted from the last poll"
        => "it is counted from its beginning";
    LimitClock "limit clock" "P5":
        "a time limit refreshes the time after callbacks of the levels it holds for"
        => "it does so after every callback, a signal's repeats included";
    BreakBefore "break before" "E4":
        "a break asked for outside of the loop is forgotten when the loop begins"
        => "it ends the loop at once";
    ExitFlag "exit flag" "E1, E3":
        "an exit is an event of the middle priority, and waits for its turn"
        => "an exit is a flag that is checked at the end of the pass";
    CommonHead "common head" "P9":
        "a common timeout has an event of its own at level 0 that makes its members active"
        => "its members are due like any timer";
    TimerOrder "equal deadlines" "P7":
        "equal deadlines come in the order of the heap"
        => "they come in the order in which they were set";
    EventOrder "order on a source" "P6":
        "among several events on one source or signal the newest is first"
        => "the oldest is first";
    StaleInterval "stale interval" "A6":
        "a deleted event remembers its interval, and starts it again when it fires"
        => "deleting the event, or removing its timeout, ends the interval";
    ZeroInterval "zero interval" "T5":
        "a persistent event with a timeout of zero fires once and is not pending any more"
        => "it fires once a pass";
    AddActive "add while active" "A2":
        "adding an event that is active and not registered does not register it"
        => "it does";
    SignalInterval "signal interval" "T1":
        "the timeout of a persistent signal event is not set again"
        => "it is set again, as for any persistent event";
    Raises "raises add up" "V1, S1":
        "a raise of a signal whose event is active already is not counted"
        => "each raise is one more callback";
    Repeats "repeats" "S2":
        "activating a signal event in its own callback mixes up its repeats with the ones under way"
        => "the repeats under way go on, with SIGNAL only, and the activation is its own callback";
    SignalTimer "signal timer" "A6":
        "removing the timeout of an active signal event removes its callback"
        => "the callback stays due";
    SignalFeed "signal pass" "S1, P9":
        "signals are read by an internal event at level 0, during the pass"
        => "they make their events active before the turn's timers";
    ExpiryActive "expiry while active" "V5":
        "an active event whose timeout expires loses its flags for TIMEOUT, and its place"
        => "it keeps both, and TIMEOUT is added; it stays registered";
    ExpiryStays "expiry of a persistent event" "V4":
        "a persistent event whose timeout expires is not registered until its callback"
        => "it stays registered all the time";
    OncePerPass "once a pass" "P2":
        "an event that is activated again in a pass runs again in it"
        => "a pass runs each event once; an event that is activated again waits for the next pass";
    ReadsAtFirst "reading at first" "B1":
        "a connection writes at first, and reads when that is enabled"
        => "it does both";
    OpenHolds "open connection" "C2":
        "a connection keeps the loop running while it waits for input or for room"
        => "it does as long as it is open";
    ConnCounts "count of a connection" "C1":
        "a connection counts for what it waits for: input, room, and a timeout for each"
        => "it counts while a callback of it is due";
    OutputBound "full output" "M1":
        "output grows without bound"
        => "what does not fit is refused";
    AnswerRoom "room for an answer" "R4":
        "input and its end are told however much output waits"
        => "they wait for room in the output";
    FullInput "full input" "M2":
        "the read callback comes again and again while the input is full"
        => "it comes for new input, or when it is requested";
    EndOnce "one end of stream" "B6":
        "enabling reading after the end of stream reports the end again"
        => "the end is reported once, and reading stays disabled";
    NothingToWrite "nothing to write" "B5":
        "enabling writing without output calls the write callback, or times out"
        => "only output that was sent calls it";
    RoomOnce "room for output" "B4":
        "a low mark calls the write callback after each write that leaves no more output than that"
        => "the room that was asked for is reported once, at once if it is there";
    HeldBack "held back" "B9":
        "input below the low mark is not reported when the mark is lowered"
        => "it is";
    MarksRefused "marks refused" "M4":
        "any marks are taken"
        => "those the wrong way round are refused, and a high mark below what is held";
    DueChecked "due is checked" "B2, B3, M6":
        "a deferred callback runs, whatever has changed since"
        => "it runs if its reason holds, and its direction is enabled";
    ConsumeRestarts "consuming restarts" "M3":
        "taking input restarts the timeout for reading, if there is a high mark"
        => "only taking from a full input does";
    OneMask "one mask" "R2":
        "what is neither input nor output is reported in one callback, with a mask"
        => "each has a callback of its own";
    Failure "failure" "B7":
        "a failure disables the direction that found it"
        => "it ends the connection";
    EndReported "end is reported" "R5":
        "no callback follows when a connection is freed"
        => "one does, for its end";
    PairFree "end of a pair" "Q1":
        "the other end of a pair is told nothing when one is freed, and keeps what it writes"
        => "it is reset";
    PairFinish "finish of a pair" "Q2":
        "finishing moves all output, whatever the marks, and is told at once; the end can write on"
        => "the end of the stream comes behind the output, and nothing can be written after it";
    PairPriority "priority of a pair" "Q3":
        "the ends of a pair have the middle priority, whatever is set"
        => "they have priorities as any connection";
    Turn "turn of a connection" "B8":
        "bytes move in callbacks of the loop, and what they make due comes behind everything else that is due"
        => "bytes move before the pass; a connection has one turn in it, at the place of the news";
}

impl Difference {
    /// Returns the kind of programs that use it.
    pub fn kind(&self) -> Kind {
        match self.switch {
            Switch::PairFree | Switch::PairFinish | Switch::PairPriority => Kind::Pairs,
            switch if switch < Switch::ReadsAtFirst => Kind::Events,
            _ => Kind::Conns,
        }
    }
}

/// The side of each switch.
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

    /// Returns the sides with the switch at libevent's side.
    pub fn turned(self, switch: Switch) -> Self {
        Self(self.0 & !(1 << switch as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    #[test]
    fn every_switch_has_its_entry_at_its_place() {
        for (place, difference) in DIFFERENCES.iter().enumerate() {
            assert_eq!(difference.switch as usize, place, "{}", difference.name);
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
