//! The meter: SysTick, read before and after the measured work.
//!
//! With QEMU's option `-icount`, an instruction takes a fixed virtual time. So the number of ticks of the core's clock
//! is the number of instructions times a fixed factor. `cargo xtask bench chip` reads the report and knows this factor.
//! The report goes to the semihosting console. Each line consists of fields, which are separated by tabs:
//!
//! ```text
//! calibrate  instructions  ticks  readings          a run of instructions that is known
//! harness    name  times  parts  ticks  readings  less
//! count      name  times  parts  ticks  readings  less
//! frames     name  times  frames
//! end        lines before this one
//! ```
//!
//! A harness is the code around the measured work, such as an empty loop. The harness is measured separately. `less`
//! names the harness whose cost is subtracted for each repetition. Each of the `times` repetitions contains `parts`
//! counted operations. `readings` is the number of times that the meter was read in pairs, before and after some work.
//! The cost of a pair of readings is measured as the harness `meter`, and is always subtracted.

use core::arch::asm;
use core::hint::black_box;
use core::sync::atomic::{Ordering, compiler_fence};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use semihosting::{println, process};

/// SysTick counts in 24 bits.
const MASK: u32 = 0x00FF_FFFF;

/// The number of repetitions between two readings. The number is small, so that SysTick wraps around at most once
/// between the readings: one repetition may take up to 100,000 instructions.
const CHUNK: u32 = 100;

/// The number of instructions that [`nops`] executes.
const KNOWN: u32 = 1 + 10 * 1_002;

/// The total time of one kind of work.
#[derive(Default)]
pub struct Stopwatch {
    ticks: u64,
    readings: u32,
}

impl Stopwatch {
    /// Makes a stopwatch at zero.
    pub const fn new() -> Self {
        Self { ticks: 0, readings: 0 }
    }

    /// Calls `work`, and adds the time that the call takes.
    #[inline(always)]
    pub fn time<R>(&mut self, work: impl FnOnce() -> R) -> R {
        compiler_fence(Ordering::SeqCst);
        let before = SYST::get_current();
        compiler_fence(Ordering::SeqCst);
        let result = work();
        compiler_fence(Ordering::SeqCst);
        let after = SYST::get_current();
        compiler_fence(Ordering::SeqCst);
        // SysTick counts down.
        self.ticks += u64::from(before.wrapping_sub(after) & MASK);
        self.readings += 1;
        result
    }
}

/// The harness whose cost is subtracted from a count.
#[derive(Clone, Copy)]
pub enum Harness {
    /// Only the readings of SysTick before and after the work.
    Meter,
    /// A loop that does nothing.
    Loop,
    /// A loop of the program, reported by [`Report::harness`] under this name.
    Named(&'static str),
}

/// The report of one program.
pub struct Report {
    suffix: &'static str,
    lines: u32,
}

impl Report {
    /// Starts SysTick, calibrates the meter, and writes the common part of the report. `suffix` is appended to the
    /// name of each count.
    ///
    /// # Panics
    /// If this function is called a second time.
    pub fn start(suffix: &'static str) -> Self {
        let mut core = cortex_m::Peripherals::take().expect("the report is started once");
        core.SYST.set_clock_source(SystClkSource::Core);
        core.SYST.set_reload(MASK);
        core.SYST.clear_current();
        core.SYST.enable_counter();
        let mut report = Self { suffix, lines: 0 };
        let mut watch = Stopwatch::new();
        for _ in 0..1_000 {
            watch.time(|| black_box(()));
        }
        report.line("harness", "meter", [1_000, 1], &watch, Harness::Meter);
        let mut watch = Stopwatch::new();
        watch.time(nops);
        println!("calibrate\t{KNOWN}\t{}\t{}", watch.ticks, watch.readings);
        report.lines += 1;
        report.harness("loop", Harness::Meter, 10_000, || {});
        report
    }

    /// Repeats `once`, and reports its cost as the cost of a harness. A count can name the harness, so that this cost
    /// is subtracted.
    pub fn harness(&mut self, name: &str, less: Harness, times: u32, once: impl FnMut()) {
        let watch = repeat(times, once);
        self.line("harness", name, [times, 1], &watch, less);
    }

    /// Repeats `once`, and reports its cost.
    pub fn count(&mut self, name: &str, less: Harness, times: u32, once: impl FnMut()) {
        self.count_of(name, less, times, 1, once);
    }

    /// Repeats `once`, and reports the cost of one operation. Each call of `once` performs `parts` operations.
    pub fn count_of(
        &mut self,
        name: &str,
        less: Harness,
        times: u32,
        parts: u32,
        once: impl FnMut(),
    ) {
        let watch = repeat(times, once);
        self.line("count", name, [times, parts], &watch, less);
    }

    /// Reports the time of a stopwatch that timed `times` repetitions.
    pub fn timed(&mut self, name: &str, less: Harness, times: u32, watch: &Stopwatch) {
        self.line("count", name, [times, 1], watch, less);
    }

    /// Reports the number of frames that were sent over a wire in `times` repetitions.
    pub fn frames(&mut self, name: &str, times: u32, frames: u32) {
        println!("frames\t{name}\t{times}\t{frames}");
        self.lines += 1;
    }

    /// Ends the report, and the program.
    pub fn end(self) -> ! {
        println!("end\t{}", self.lines);
        process::exit(0)
    }

    fn line(&mut self, what: &str, name: &str, work: [u32; 2], watch: &Stopwatch, less: Harness) {
        let [times, parts] = work;
        let less = match less {
            Harness::Meter => "meter",
            Harness::Loop => "loop",
            Harness::Named(name) => name,
        };
        let suffix = if what == "count" { self.suffix } else { "" };
        println!(
            "{what}\t{name}{suffix}\t{times}\t{parts}\t{}\t{}\t{less}",
            watch.ticks, watch.readings
        );
        self.lines += 1;
    }
}

/// Calls the function `once` repeatedly; `times` is the number of calls. The loop itself has the same instructions for
/// every function.
fn repeat(times: u32, mut once: impl FnMut()) -> Stopwatch {
    assert!(times.is_multiple_of(CHUNK), "a whole number of chunks");
    let mut watch = Stopwatch::new();
    for _ in 0..times / CHUNK {
        watch.time(|| {
            let mut left = CHUNK;
            while left > 0 {
                once();
                // The compiler does not know the number `left`, so it cannot unroll the loop.
                left = black_box(left) - 1;
            }
        });
    }
    watch
}

/// Executes [`KNOWN`] instructions.
#[inline(always)]
fn nops() {
    // SAFETY: the assembly changes only the register that it declares as an output, and the flags.
    unsafe {
        asm!(
            "movs {left}, #10",
            "2:",
            ".rept 1000",
            "nop",
            ".endr",
            "subs {left}, #1",
            "bne 2b",
            left = out(reg) _,
            options(nomem, nostack),
        );
    }
}
