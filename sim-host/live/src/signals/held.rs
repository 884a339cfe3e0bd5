//! The effect of a signal while no back end of the process catches it.
//!
//! An installed handler stays installed, because removing a handler needs unsafe code. So the handler emulates the
//! former effect of the signal:
//!
//! | before | when no back end catches it any more |
//! |---|---|
//! | the default | the default is emulated: the process ends, stops or continues |
//! | ignored, as SIGPIPE is in Rust programs and SIGHUP under `nohup` | nothing |
//! | a handler | that handler, which is also called while the signal is caught |
//!
//! The emulation differs in a program that this process starts: ignored signals stay ignored across exec(2), but
//! handled signals are reset to their default.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{array, fs, io};

use picoevent::Signal;
use signal_hook::flag;

/// The number of SIGPIPE. Rust's runtime ignores this signal in every program.
const PIPE: u8 = 13;

/// The number of back ends of the process that catch each signal.
static HOLDERS: Mutex<Option<[Holders; Signal::COUNT]>> = Mutex::new(None);

#[derive(Default)]
struct Holders {
    count: usize,
    /// Whether the handler emulates the default action. `None` until the first back end catches the signal.
    by_default: Option<Arc<AtomicBool>>,
}

/// The effect of a signal in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disposition {
    Default,
    Ignored,
    Handled,
}

/// Increments the number of back ends that catch the signal. The first call for a signal reads the former effect of the
/// signal.
///
/// # Errors
/// The system's error. The number is then unchanged.
pub(super) fn begin(signal: Signal) -> io::Result<()> {
    with_holders(signal, |holders| {
        if holders.by_default.is_none() {
            let by_default = Arc::new(AtomicBool::new(false));
            if disposition(signal)? == Disposition::Default {
                let number = i32::from(signal.number());
                flag::register_conditional_default(number, by_default.clone())?;
            }
            holders.by_default = Some(by_default);
        }
        holders.count += 1;
        holders.update();
        Ok(())
    })
}

/// Decrements the number of back ends that catch the signal. If no such back end is left, the signal has its former
/// effect again.
pub(super) fn end(signal: Signal) {
    with_holders(signal, |holders| {
        holders.count -= 1;
        holders.update();
    });
}

impl Holders {
    fn update(&self) {
        if let Some(by_default) = &self.by_default {
            by_default.store(self.count == 0, Ordering::SeqCst);
        }
    }
}

fn with_holders<R>(signal: Signal, work: impl FnOnce(&mut Holders) -> R) -> R {
    let mut all = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_with(|| array::from_fn(|_| Holders::default()));
    work(&mut all[usize::from(signal.number())])
}

/// Returns the current effect of the signal. sigaction(2) returns the effect, but a call of it needs unsafe code. So
/// this function reads `/proc/self/status`, if this file exists.
///
/// # Errors
/// The system's error, if no descriptor is left.
fn disposition(signal: Signal) -> io::Result<Disposition> {
    match fs::read_to_string("/proc/self/status") {
        Ok(status) => Ok(of_status(&status, signal)),
        Err(error) if crate::errno::is_exhaustion(&error) => Err(error),
        Err(_) if signal.number() == PIPE => Ok(Disposition::Ignored),
        Err(_) => Ok(Disposition::Default),
    }
}

/// Reads the masks of ignored and of handled signals (proc_pid_status(5)).
fn of_status(status: &str, signal: Signal) -> Disposition {
    let mask = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name));
        value.and_then(|value| u64::from_str_radix(value.trim(), 16).ok()).unwrap_or(0)
    };
    let bit = 1_u64 << (signal.number() - 1);
    match (mask("SigIgn:") & bit != 0, mask("SigCgt:") & bit != 0) {
        (true, _) => Disposition::Ignored,
        (false, true) => Disposition::Handled,
        (false, false) => Disposition::Default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signals_bit_is_one_below_its_number() {
        let status = "Name:\ttest\nSigIgn:\t0000000000001001\nSigCgt:\t0000000180004002\n";
        let of = |number| of_status(status, Signal::new(number).unwrap());
        assert_eq!((of(1), of(13)), (Disposition::Ignored, Disposition::Ignored));
        assert_eq!((of(2), of(15)), (Disposition::Handled, Disposition::Handled));
        assert_eq!((of(3), of(31)), (Disposition::Default, Disposition::Default));
        assert_eq!(of_status("", Signal::TERM), Disposition::Default);
    }
}
