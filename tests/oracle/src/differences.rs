//! The complete list of intended differences between picoevent and libevent.
//!
//! The model of the loop has a switch for each entry. With all switches at libevent's side it must
//! write libevent's trace, with all at ours it must write ours. The switches are turned one after
//! the other, from ours to libevent's, in the order of this list. Each one that changes the trace
//! is counted: the program *uses* that difference. So a program that uses none has the same trace
//! on both sides. An entry that no program uses excuses nothing and is an error.
//!
//! The letters of the rules are explained in `docs/oracle.md`.

/// A switch; its number is its index in [`DIFFERENCES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// One difference.
pub struct Difference {
    pub switch: Switch,
    /// The name under which it is counted.
    pub name: &'static str,
    /// libevent's rule.
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
}

/// The side of each switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides(u32);

impl Sides {
    /// All switches at libevent's side.
    pub const LIBEVENT: Self = Self(0);
    /// All switches at picoevent's side.
    pub const OURS: Self = Self((1 << DIFFERENCES.len()) - 1);

    /// Returns whether the switch is at picoevent's side.
    pub fn ours(self, switch: Switch) -> bool {
        self.0 & 1 << switch as u8 != 0
    }

    /// Returns the sides with the switch at libevent's side.
    pub fn turned(self, switch: Switch) -> Self {
        Self(self.0 & !(1 << switch as u8))
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
