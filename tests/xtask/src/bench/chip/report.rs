//! Reads the report of a program on the chip, and converts it to instructions.
//!
//! `tests/bench/chip/src/meter.rs` writes the lines and describes them. The whole report is refused if its
//! end is missing, if the clock does not count instructions, or if a line is invalid.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail, ensure};

/// 5 instructions take 8 ticks of the meter (SysTick). `image.rs` chooses the option `-icount` of each machine so that
/// this is true.
const INSTRUCTIONS: f64 = 5.0;
const TICKS: f64 = 8.0;

/// The allowed error of the calibration: one instruction in this number of instructions.
const PRECISION: f64 = 1_000.0;

/// The name of the harness (code around the measured work) that only reads the meter before and after the work. Its
/// cost is subtracted once for each pair of readings, not once for each repetition.
const METER: &str = "meter";

/// A complete report.
#[derive(Debug, Default)]
pub struct Report {
    calibration: Option<Calibration>,
    harnesses: BTreeMap<String, Work>,
    counts: Vec<(String, Work)>,
    frames: Vec<(String, u64)>,
}

/// A run of a known number of instructions.
#[derive(Debug)]
struct Calibration {
    instructions: f64,
    ticks: f64,
    readings: f64,
}

/// Work that was repeated many times.
#[derive(Debug)]
struct Work {
    times: f64,
    parts: f64,
    ticks: f64,
    readings: f64,
    less: String,
}

impl Report {
    /// Reads a program's output. Ignores text after the report's last line, because this text is from QEMU.
    pub fn read(text: &str) -> Result<Self> {
        let mut report = Self::default();
        for (number, line) in text.lines().enumerate() {
            let fields: Vec<_> = line.split('\t').collect();
            if let ["end", lines] = *fields {
                ensure!(
                    lines.parse() == Ok(number),
                    "it ends with {line:?} after {number} lines: some lines are lost"
                );
                return Ok(report);
            }
            report.take(&fields).ok_or_else(|| anyhow!("it has an invalid line {line:?}"))?;
        }
        bail!("it is cut off: after {:?} there is no end", text.lines().next_back().unwrap_or(""))
    }

    fn take(&mut self, fields: &[&str]) -> Option<()> {
        match *fields {
            ["calibrate", instructions, ticks, readings] => {
                let [instructions, ticks, readings] = numbers([instructions, ticks, readings])?;
                self.calibration = Some(Calibration { instructions, ticks, readings });
            }
            [what @ ("harness" | "count"), name, times, parts, ticks, readings, less] => {
                let [times, parts, ticks, readings] = numbers([times, parts, ticks, readings])?;
                let less = less.to_owned();
                let work = Work { times, parts, ticks, readings, less };
                match what {
                    "count" => self.counts.push((name.to_owned(), work)),
                    _ => drop(self.harnesses.insert(name.to_owned(), work)),
                }
            }
            ["frames", name, times, frames] => {
                let [times, frames] = numbers([times, frames])?;
                self.frames.push((name.to_owned(), thousandths(frames / times)?));
            }
            _ => return None,
        }
        Some(())
    }

    /// Returns the counts in thousandths of an instruction, and the numbers of frames in
    /// thousandths of a frame.
    ///
    /// # Errors
    /// If the clock did not count instructions, or a count is impossible.
    pub fn counts(&self) -> Result<Vec<(String, u64)>> {
        self.check_calibration()?;
        let counts = self.counts.iter().map(|(name, work)| {
            let instructions = self.each_time(work)? / work.parts;
            let count = thousandths(instructions);
            let count =
                count.with_context(|| format!("{name} took {instructions} instructions"))?;
            Ok((name.clone(), count))
        });
        counts.chain(self.frames.iter().cloned().map(Ok)).collect()
    }

    fn check_calibration(&self) -> Result<()> {
        let calibration = self.calibration.as_ref().context("it has no calibration")?;
        let counted = instructions(calibration.ticks - calibration.readings * self.reading()?);
        let deviation = (counted - calibration.instructions).abs();
        ensure!(
            deviation * PRECISION <= calibration.instructions,
            "its clock counts no instructions: it counted {counted} instead of {}. Start QEMU with \
             -icount and the shift of the machine",
            calibration.instructions
        );
        Ok(())
    }

    /// Returns the instructions of one repetition, without the instructions of the harness.
    fn each_time(&self, work: &Work) -> Result<f64> {
        let own = instructions(work.ticks - work.readings * self.reading()?) / work.times;
        if work.less == METER {
            return Ok(own);
        }
        let harness = self.harnesses.get(&work.less);
        let harness = harness.with_context(|| format!("it has no harness {:?}", work.less))?;
        Ok(own - self.each_time(harness)?)
    }

    /// Returns the ticks that a pair of readings of the meter takes.
    fn reading(&self) -> Result<f64> {
        let meter = self.harnesses.get(METER).context("it has no cost of the meter")?;
        Ok(meter.ticks / meter.readings)
    }
}

fn instructions(ticks: f64) -> f64 {
    ticks * INSTRUCTIONS / TICKS
}

/// Returns a number in thousandths, or `None` if the number is negative or not finite.
fn thousandths(number: f64) -> Option<u64> {
    let is_valid = number.is_finite() && number >= 0.0;
    is_valid.then(|| (number * 1_000.0).round() as u64)
}

fn numbers<const N: usize>(fields: [&str; N]) -> Option<[f64; N]> {
    let mut numbers = [0.0; N];
    for (number, field) in numbers.iter_mut().zip(fields) {
        *number = field.parse::<u64>().ok()? as f64;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pair of readings takes 8 ticks, which are 5 instructions. The harness `loop` takes 4 instructions per
    /// repetition.
    const HEAD: &str = "harness\tmeter\t1000\t1\t8000\t1000\tmeter\n\
                        calibrate\t10000\t16008\t1\n\
                        harness\tloop\t100\t1\t648\t1\tmeter\n";

    fn counts(text: &str) -> Result<Vec<(String, u64)>> {
        Report::read(text)?.counts()
    }

    fn refusal(text: &str) -> String {
        format!("{:#}", counts(text).unwrap_err())
    }

    #[test]
    fn readings_and_harness_are_subtracted_and_the_rest_is_divided_by_the_parts() {
        // A repetition takes 4 instructions for the loop and 80 for the work. 100 repetitions take 8,400 instructions,
        // which are 13,440 ticks. A repetition contains two operations, so an operation takes 40 instructions.
        let text =
            format!("{HEAD}count\tE1\t100\t2\t13448\t1\tloop\nframes\tof E1\t50\t305\nend\t5\n");
        let expected = [("E1".to_owned(), 40_000), ("of E1".to_owned(), 6_100)];
        assert_eq!(counts(&text).unwrap(), expected);
    }

    #[test]
    fn a_harness_may_have_a_harness() {
        let text = format!(
            "{HEAD}harness\tperiod\t100\t1\t1608\t1\tloop\ncount\tT1\t10\t1\t336\t10\tperiod\nend\t5\n"
        );
        // The harness `period` takes 10 instructions, 4 of them for the loop. So the period itself takes 6
        // instructions. T1 took 336 ticks for 10 repetitions, 8 ticks of them for each of its 10 readings. 8 ticks are
        // 5 instructions. So a repetition takes (336 - 80) × 5 / 8 / 10 = 16 instructions, 6 of them for the period.
        assert_eq!(counts(&text).unwrap(), [("T1".to_owned(), 10_000)]);
    }

    #[test]
    fn a_clock_that_counts_no_instructions_is_refused() {
        for ticks in ["16008", "16024", "15992"] {
            assert!(
                counts(&format!("{}end\t3\n", HEAD.replace("16008", ticks))).is_ok(),
                "{ticks}"
            );
        }
        for ticks in ["16026", "15990", "8", "32016"] {
            let text = refusal(&format!("{}end\t3\n", HEAD.replace("16008", ticks)));
            assert!(text.contains("its clock counts no instructions"), "{text}");
        }
        assert_eq!(refusal("end\t0\n"), "it has no calibration");
        assert_eq!(refusal("calibrate\t1\t1\t1\nend\t1\n"), "it has no cost of the meter");
    }

    #[test]
    fn a_report_that_is_cut_off_is_refused() {
        let whole = format!("{HEAD}count\tE1\t100\t1\t13448\t1\tloop\nend\t4\n");
        assert!(counts(&whole).is_ok());
        assert!(counts(&format!("{whole}qemu: a warning\n")).is_ok());
        for length in 0..whole.len() - 1 {
            assert!(counts(&whole[..length]).is_err(), "cut after {length} bytes");
        }
        assert!(refusal(HEAD).starts_with("it is cut off: after \"harness"));
        let lost = whole.replace("count\tE1\t100\t1\t13448\t1\tloop\n", "");
        assert!(refusal(&lost).contains("some lines are lost"));
    }

    #[test]
    fn an_invalid_line_is_refused() {
        assert_eq!(
            refusal("error: panicked\nend\t1\n"),
            "it has an invalid line \"error: panicked\""
        );
        assert!(refusal("frames\tof E1\t0\t0\nend\t1\n").starts_with("it has an invalid line"));
        let unknown = format!("{HEAD}count\tE1\t1\t1\t100\t1\tnone\nend\t4\n");
        assert_eq!(refusal(&unknown), "it has no harness \"none\"");
        let less_than_nothing = format!("{HEAD}count\tE1\t1\t1\t1\t1\tloop\nend\t4\n");
        assert!(refusal(&less_than_nothing).starts_with("E1 took -"), "{less_than_nothing}");
    }
}
