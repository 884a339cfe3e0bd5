//! Resources that this process has used: processor time and memory.
//!
//! This is the only file with unsafe code: it calls two functions of the C library. The servers in C call the same
//! functions. The sum of user time and system time is exact, because the scheduler measures this sum and does not
//! estimate it from timer ticks.

#![allow(unsafe_code, reason = "getrusage and mallinfo2 are functions of the C library")]

use std::{fs, io, mem::MaybeUninit};

/// Processor time in microseconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) user: i64,
    pub(crate) system: i64,
}

/// Memory in bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Resident memory, as the system counts it.
    pub(crate) rss: i64,
    /// Memory that the allocator has handed out.
    pub(crate) heap: i64,
}

impl Time {
    /// Returns the time used so far.
    pub(crate) fn now() -> Self {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the pointer is to memory with the size and the alignment of an rusage. The call fills this memory. If
        // the call fails, the memory contains zeros, which are a valid rusage.
        let usage = unsafe {
            libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
            usage.assume_init()
        };
        let micros = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
        Self { user: micros(usage.ru_utime), system: micros(usage.ru_stime) }
    }
}

impl Memory {
    /// Returns the memory in use.
    pub(crate) fn now() -> io::Result<Self> {
        // SAFETY: the call has no arguments and returns a value.
        let heap = unsafe { libc::mallinfo2() };
        let heap = (heap.uordblks + heap.hblkhd) as i64;
        let text = fs::read_to_string("/proc/self/statm")?;
        let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<i64>().ok());
        let pages = pages.ok_or_else(|| io::Error::other("cannot parse /proc/self/statm"))?;
        Ok(Self { rss: pages * rustix::param::page_size() as i64, heap })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_written_to_counts_as_used() {
        let before = Memory::now().unwrap();
        let held = vec![1_u8; 64 << 20];
        let after = Memory::now().unwrap();
        // Other tests may free memory meanwhile.
        assert!(after.heap - before.heap >= 32 << 20, "{before:?} {after:?}");
        assert!(after.rss - before.rss >= 32 << 20, "{before:?} {after:?}");
        drop(held);
    }

    #[test]
    fn used_time_never_decreases() {
        let before = Time::now();
        let mut now = before;
        while now.user + now.system == before.user + before.system {
            now = Time::now();
        }
        assert!(now.user >= before.user && now.system >= before.system, "{before:?} {now:?}");
    }
}
