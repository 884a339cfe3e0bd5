//! The time of day.

use core::fmt;
use core::time::Duration;

const MICROS: u64 = 1_000_000;
const DAY: u64 = 86_400;

/// A time of day in UTC, and its maximum error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WallTime {
    /// Microseconds since the beginning of 1970.
    micros: u64,
    error: u64,
}

impl WallTime {
    /// Makes a time from the microseconds since the beginning of 1970, without leap seconds, and
    /// its maximum error in microseconds.
    pub const fn from_unix_micros(micros: u64, error: u64) -> Self {
        Self { micros, error }
    }

    /// Returns the microseconds since the beginning of 1970, without leap seconds.
    pub const fn unix_micros(self) -> u64 {
        self.micros
    }

    /// Returns the seconds since the beginning of 1970, without leap seconds.
    pub const fn unix(self) -> u64 {
        self.micros / MICROS
    }

    pub(crate) const fn error_micros(self) -> u64 {
        self.error
    }

    /// Returns the maximum error of the time, in each direction, if the server states its error correctly.
    pub const fn error(self) -> Duration {
        Duration::from_micros(self.error)
    }

    /// Returns the year, the month from 1 and the day from 1, in the Gregorian calendar.
    pub const fn date(self) -> (u32, u8, u8) {
        // In this calculation, a year begins in March, so the leap day is the last day of the year. The first day of a
        // month is at (153 * month + 2) / 5. The days are counted from 1 March of the year 0.
        let days = (self.unix() / DAY).wrapping_add(719_468);
        let (era, day) = (days / 146_097, days % 146_097);
        let leap_days = (day / 1_460).wrapping_sub(day / 36_524).wrapping_add(day / 146_096);
        let year = day.wrapping_sub(leap_days) / 365;
        let first = year.wrapping_mul(365).wrapping_add(year / 4).wrapping_sub(year / 100);
        let day = day.wrapping_sub(first);
        let month = day.wrapping_mul(5).wrapping_add(2) / 153;
        let of_month =
            day.wrapping_sub(month.wrapping_mul(153).wrapping_add(2) / 5).wrapping_add(1);
        let (month, is_next) =
            if month < 10 { (month.wrapping_add(3), 0) } else { (month.wrapping_sub(9), 1) };
        let year = year.wrapping_add(era.wrapping_mul(400)).wrapping_add(is_next);
        (year as u32, month as u8, of_month as u8)
    }

    /// Returns the hour, the minute and the second.
    pub const fn time(self) -> (u8, u8, u8) {
        let second = self.unix() % DAY;
        ((second / 3_600) as u8, (second / 60 % 60) as u8, (second % 60) as u8)
    }

    /// Returns the day of the week, from 0 for Sunday.
    pub const fn weekday(self) -> u8 {
        // The first of January 1970 was a Thursday.
        ((self.unix() / DAY).wrapping_add(4) % 7) as u8
    }

    /// Formats the time as ISO 8601, in whole seconds.
    ///
    /// ```
    /// let time = picoevent_sntp::WallTime::from_unix_micros(1_796_083_200_000_000, 0);
    /// assert_eq!(time.iso().to_string(), "2026-12-01T00:00:00Z");
    /// ```
    pub const fn iso(self) -> Iso {
        Iso(self)
    }

    /// Formats the time for HTTP header fields (RFC 9110, section 5.6.7).
    ///
    /// ```
    /// let time = picoevent_sntp::WallTime::from_unix_micros(784_111_777_000_000, 0);
    /// assert_eq!(time.http().to_string(), "Sun, 06 Nov 1994 08:49:37 GMT");
    /// ```
    pub const fn http(self) -> HttpDate {
        HttpDate(self)
    }
}

/// A time as text, from [`WallTime::iso`].
#[derive(Clone, Copy, Debug)]
pub struct Iso(WallTime);

impl fmt::Display for Iso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.date();
        let (hour, minute, second) = self.0.time();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// A time as text, from [`WallTime::http`].
#[derive(Clone, Copy, Debug)]
pub struct HttpDate(WallTime);

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (year, month, day) = self.0.date();
        let (hour, minute, second) = self.0.time();
        let weekday = WEEKDAYS.get(usize::from(self.0.weekday())).unwrap_or(&"");
        let month = MONTHS.get(usize::from(month).wrapping_sub(1)).unwrap_or(&"");
        write!(f, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn dates_and_times_are_equal_to_those_of_the_time_crate() {
        let mut random = fastrand::Rng::with_seed(1);
        let day = |number: u64| number * DAY;
        // Each day up to the year 2400, and random times up to the year 9999.
        let days = (0..157_054).map(day);
        let times = (0..100_000).map(|_| random.u64(..253_402_300_800));
        for unix in days.chain(times) {
            let ours = WallTime::from_unix_micros(unix * MICROS + 999_999, 0);
            let theirs = OffsetDateTime::from_unix_timestamp(unix as i64).unwrap();
            let (year, month, day) = theirs.to_calendar_date();
            assert_eq!(ours.date(), (year as u32, month.into(), day), "{unix}");
            assert_eq!(ours.time(), theirs.to_hms(), "{unix}");
            assert_eq!(ours.weekday(), theirs.weekday().number_days_from_sunday(), "{unix}");
        }
    }
}
