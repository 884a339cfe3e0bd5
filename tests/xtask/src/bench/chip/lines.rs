//! Checks the cost of searching for the end of a line. For a line that arrives byte by byte, the searches may take at
//! most three times as many instructions as for a line that arrives all at once.
//!
//! A line has 1,024 bytes, so 1,024 calls search a line that arrives byte by byte. The cost of 1,024 calls that find no
//! new byte is subtracted. This is the cost of the calls themselves, because each call checks its handle and looks up
//! its ring.

use anyhow::{Result, ensure};

use super::{Counts, count};
use crate::table::{Table, thousands};

/// The largest allowed result of [`Searches::ratio`].
const ALLOWED: f64 = 3.0;

/// Where the line is stored.
const LOCATIONS: [&str; 2] = ["in a ring", "of a connection"];

/// The instructions of all searches for the end of one line.
struct Searches {
    /// For a line that arrives all at once.
    whole: f64,
    /// For a line that arrives byte by byte.
    bytes: f64,
    /// For the same number of searches as in `bytes`, without a new byte.
    calls: f64,
}

impl Searches {
    fn of(counts: &Counts, location: &str) -> Result<Self> {
        let count = |way: &str| count(counts, &format!("end of a line {location}, {way}"));
        let (whole, bytes) = (count("all at once")?, count("byte by byte")?);
        Ok(Self { whole, bytes, calls: count("no byte")? })
    }

    /// Returns the instructions for a line that arrives byte by byte, minus the cost of the calls themselves, divided
    /// by the instructions for a line that arrives all at once.
    fn ratio(&self) -> f64 {
        (self.bytes - self.calls) / self.whole
    }
}

/// Checks that a line that arrives byte by byte is searched only once.
///
/// # Errors
/// If the searches take more instructions than allowed, or were not counted.
pub fn check(counts: &Counts) -> Result<()> {
    for location in LOCATIONS {
        let ratio = Searches::of(counts, location)?.ratio();
        ensure!(
            ratio <= ALLOWED,
            "the end of a line {location} that arrives byte by byte takes {ratio:.1} times the \
             instructions of a line that arrives at once: more than {ALLOWED}"
        );
    }
    Ok(())
}

/// Makes the table.
pub fn table(profiles: [&Counts; 2]) -> Result<Table> {
    let columns = " | all at once | byte by byte | its calls alone | all at once, for size | \
                   byte by byte, for size | its calls alone, for size";
    let mut table = Table::new("The searches for the end of a line of 1,024 bytes", columns);
    for location in LOCATIONS {
        let mut cells = Vec::new();
        for counts in profiles {
            let Searches { whole, bytes, calls } = Searches::of(counts, location)?;
            cells.extend([whole, bytes, calls].map(thousands));
        }
        table.row(location, cells);
    }
    table.remark(
        "`find_eol` after each part that arrives; storing the bytes in the ring is not counted. \
         *Its calls alone*: 1,024 calls while no further byte arrives.",
    );
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(bytes: u64) -> Counts {
        let counts = LOCATIONS.into_iter().flat_map(|location| {
            [("all at once", 1_000), ("byte by byte", bytes), ("no byte", 5_000)]
                .map(|(way, count)| (format!("end of a line {location}, {way}"), count * 1_000))
        });
        counts.collect()
    }

    #[test]
    fn searches_may_take_three_times_as_much_byte_by_byte() {
        check(&counts(8_000)).unwrap();
        let error = check(&counts(8_100)).unwrap_err().to_string();
        assert!(error.contains("in a ring") && error.contains("3.1 times"), "{error}");
        assert!(check(&Counts::new()).is_err(), "nothing was counted");
    }

    #[test]
    fn the_table_has_a_row_for_each_location() {
        let counts = counts(8_000);
        let rows = table([&counts, &counts]).unwrap().rows;
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0][..4], ["in a ring", "1,000", "8,000", "5,000"]);
    }
}
