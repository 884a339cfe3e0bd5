//! Checks the cost of searching for the end of a line. A line that arrives byte by byte may take at most
//! three times the instructions of a line that arrives in one piece.
//!
//! The cost of 1,024 calls that find no further byte is subtracted: every call checks its handle and finds
//! its ring, independent of how much it searches.

use anyhow::{Result, ensure};

use super::{Counts, count};
use crate::table::{Table, thousands};

/// The largest allowed ratio of the instructions byte by byte to the instructions in one piece.
const ALLOWED: f64 = 3.0;

/// Where the line is stored.
const PLACES: [&str; 2] = ["in a ring", "of a connection"];

/// The instructions to search for the end of one line, which arrives in one piece or byte by byte.
struct Searches {
    whole: f64,
    bytes: f64,
    calls: f64,
}

impl Searches {
    fn of(counts: &Counts, place: &str) -> Result<Self> {
        let count = |way: &str| count(counts, &format!("end of a line {place}, {way}"));
        let (whole, bytes) = (count("in one piece")?, count("byte by byte")?);
        Ok(Self { whole, bytes, calls: count("no byte")? })
    }

    /// Returns the ratio of the search byte by byte to the search in one piece, without the cost of the
    /// calls themselves.
    fn times(&self) -> f64 {
        (self.bytes - self.calls) / self.whole
    }
}

/// Checks that a line that arrives byte by byte is searched only once.
///
/// # Errors
/// If the searches take more than allowed, or were not counted.
pub fn check(counts: &Counts) -> Result<()> {
    for place in PLACES {
        let times = Searches::of(counts, place)?.times();
        ensure!(
            times <= ALLOWED,
            "the end of a line {place} that comes byte by byte takes {times:.1} times the \
             instructions of one piece: more than {ALLOWED}"
        );
    }
    Ok(())
}

/// Makes the table.
pub fn table(profiles: [&Counts; 2]) -> Result<Table> {
    let columns = " | one piece | byte by byte | its calls alone | one piece, for size | \
                   byte by byte, for size | its calls alone, for size";
    let mut table = Table::new("The searches for the end of a line of 1,024 bytes", columns);
    for place in PLACES {
        let mut cells = Vec::new();
        for counts in profiles {
            let Searches { whole, bytes, calls } = Searches::of(counts, place)?;
            cells.extend([whole, bytes, calls].map(thousands));
        }
        table.row(place, cells);
    }
    table.remark(
        "`find_eol` after each piece that comes; putting the bytes into the ring is not counted. The \
         calls alone: 1,024 of them while no further byte comes.",
    );
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(bytes: u64) -> Counts {
        let counts = PLACES.into_iter().flat_map(|place| {
            [("in one piece", 1_000), ("byte by byte", bytes), ("no byte", 5_000)]
                .map(|(way, count)| (format!("end of a line {place}, {way}"), count * 1_000))
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
    fn the_table_has_a_row_for_each_place() {
        let counts = counts(8_000);
        let rows = table([&counts, &counts]).unwrap().rows;
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0][..4], ["in a ring", "1,000", "8,000", "5,000"]);
    }
}
