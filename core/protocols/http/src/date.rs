//! The `Date` field of an answer (RFC 9110, 5.6.7).

/// A date and time, and the function that formats them. Only sites with a clock make a `Date`, so programs without a
/// clock do not link the function.
#[derive(Clone, Copy)]
pub(crate) struct Date {
    /// Seconds since 1970-01-01.
    unix: u64,
    write: fn(u64) -> [u8; 29],
}

impl Date {
    pub(crate) const fn new(unix: u64) -> Self {
        Self { unix, write: text }
    }

    pub(crate) fn text(self) -> [u8; 29] {
        (self.write)(self.unix)
    }
}

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// Formats a date and time as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn text(unix: u64) -> [u8; 29] {
    let unix = unix.min(LAST);
    let (days, second) = ((unix / 86_400) as u32, (unix % 86_400) as u32);
    let (year, month, day) = civil(days);
    let mut text = *b"Thu, 00 Jan 0000 00:00:00 GMT";
    let mut put = |at: usize, bytes: &[u8]| {
        for (target, byte) in text.iter_mut().skip(at).zip(bytes) {
            *target = *byte;
        }
    };
    let short_name = |names: &'static [u8], number: u32| {
        names.chunks(3).nth(number as usize).unwrap_or_default()
    };
    put(0, short_name(b"ThuFriSatSunMonTueWed", days % 7));
    put(5, &two_digits(day));
    put(8, short_name(b"JanFebMarAprMayJunJulAugSepOctNovDec", month.wrapping_sub(1)));
    put(12, &two_digits(year / 100));
    put(14, &two_digits(year % 100));
    put(17, &two_digits(second / 3_600));
    put(20, &two_digits(second / 60 % 60));
    put(23, &two_digits(second % 60));
    text
}

/// Returns the last two decimal digits of `number` as text.
const fn two_digits(number: u32) -> [u8; 2] {
    [b'0' | (number / 10 % 10) as u8, b'0' | (number % 10) as u8]
}

/// Returns the year, the month and the day of the date that is `days` days after 1970-01-01. The calculation uses years
/// that begin in March, so that a leap day is the last day of such a year.
const fn civil(days: u32) -> (u32, u32, u32) {
    let days = days.wrapping_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let leap = day.wrapping_sub(day / 1_460).wrapping_add(day / 36_524);
    let year = leap.wrapping_sub(day / 146_096) / 365;
    let before = year.wrapping_mul(365).wrapping_add(year / 4).wrapping_sub(year / 100);
    let day = day.wrapping_sub(before);
    let month = day.wrapping_mul(5).wrapping_add(2) / 153;
    let first = month.wrapping_mul(153).wrapping_add(2) / 5;
    let day = day.wrapping_sub(first).wrapping_add(1);
    let is_next = month >= 10;
    let month = if is_next { month.wrapping_sub(9) } else { month.wrapping_add(3) };
    let year = era.wrapping_mul(400).wrapping_add(year);
    (year.wrapping_add(is_next as u32), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(unix: u64) -> std::string::String {
        std::string::String::from_utf8(text(unix).to_vec()).unwrap()
    }

    #[test]
    fn the_example_of_the_standard_holds() {
        assert_eq!(date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(1_709_164_800), "Thu, 29 Feb 2024 00:00:00 GMT");
        assert_eq!(date(4_107_542_399), "Sun, 28 Feb 2100 23:59:59 GMT");
        assert_eq!(date(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT");
        assert_eq!(date(LAST), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(date(u64::MAX), date(LAST));
    }

    #[test]
    fn every_date_until_9999_is_correct() {
        const LENGTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..=(LAST / 86_400) as u32 {
            assert_eq!(civil(days), (year, month, day));
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = LENGTHS[month as usize - 1] + u32::from(is_leap && month == 2);
            (month, day) = if day == length { (month + 1, 1) } else { (month, day + 1) };
            (year, month) = if month == 13 { (year + 1, 1) } else { (year, month) };
        }
    }
}
