//! Measures how busy the processors were with other programs while a workload was measured.
//!
//! The figures are processor time, which does not include the time of other programs. But other programs evict cache
//! lines and slow down a shared processor. So the share of other programs is reported with the figures.

use std::thread;

use procfs::{CpuTime, CurrentSI as _, KernelStats, process::Process};

/// If other programs take more than this share of the processor time, the figures should not be quoted.
const TOO_MUCH: f64 = 0.08;

/// The ticks (units of processor time) from the start of the system to one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Ticks {
    /// Ticks of all processors, including idle time.
    all: f64,
    /// Busy ticks.
    busy: f64,
    /// Busy ticks of this process and its children.
    own: f64,
}

/// The beginning of an observation of other programs.
#[derive(Debug)]
pub struct Others {
    since: Option<Ticks>,
}

impl Others {
    /// Begins to observe.
    pub fn watch() -> Self {
        Self { since: Ticks::now() }
    }

    /// Returns a sentence with the processor time that other programs took since [`Others::watch`] was called.
    pub fn describe(&self) -> String {
        let share = self.since.zip(Ticks::now()).and_then(|(since, now)| share(since, now));
        let Some(share) = share else {
            return "What else the processors did is unknown.".to_owned();
        };
        let percent = share * 100.0;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let advice = if share > TOO_MUCH { ", too much for figures to be quoted" } else { "" };
        format!("Other programs took {percent:.0} % of the {cores} processors meanwhile{advice}.")
    }
}

impl Ticks {
    fn now() -> Option<Self> {
        let CpuTime { user, nice, system, idle, iowait, irq, softirq, steal, .. } =
            KernelStats::current().ok()?.total;
        // The counts for guests (virtual machines) are not added, because `user` and `nice` already contain them.
        let more = [irq, softirq, steal].map(Option::unwrap_or_default);
        let busy = user + nice + system + more.iter().sum::<u64>();
        let all = busy + idle + iowait.unwrap_or(0);
        let own = Process::myself().ok()?.stat().ok()?;
        let own = (own.utime + own.stime) as i64 + own.cutime + own.cstime;
        Some(Self { all: all as f64, busy: busy as f64, own: own as f64 })
    }
}

fn share(since: Ticks, now: Ticks) -> Option<f64> {
    let all = now.all - since.all;
    let others = (now.busy - since.busy) - (now.own - since.own);
    (all > 0.0).then(|| (others / all).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_others_is_the_busy_time_minus_our_own() {
        let before = Ticks { all: 1000.0, busy: 200.0, own: 100.0 };
        let now = Ticks { all: 2000.0, busy: 700.0, own: 500.0 };
        assert_eq!(share(before, now), Some(0.1));
        assert_eq!(share(now, now), None);
    }

    #[test]
    fn the_load_of_this_system_can_be_read() {
        assert!(Ticks::now().is_some());
        assert!(Others { since: None }.describe().contains("unknown"));
    }
}
