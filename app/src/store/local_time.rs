//! A moment as a clock on the user's wall shows it. Where the system does not tell its zone, that is UTC.

use std::time::SystemTime;

use jiff::{Timestamp, tz::TimeZone};

/// Date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    millis: i16,
}

impl LocalTime {
    /// Now.
    pub fn now() -> Self {
        Self::of(SystemTime::now())
    }

    /// Some moment; one that no calendar has counts as the start of 1970.
    pub fn of(at: SystemTime) -> Self {
        Self::in_zone(at, TimeZone::system())
    }

    fn in_zone(at: SystemTime, zone: TimeZone) -> Self {
        let time = Timestamp::try_from(at).unwrap_or_default().to_zoned(zone);
        Self {
            year: time.year(),
            month: time.month(),
            day: time.day(),
            hour: time.hour(),
            minute: time.minute(),
            second: time.second(),
            millis: time.millisecond(),
        }
    }

    /// `2026-11-20`.
    pub fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `14:05:02.123`.
    pub fn clock(&self) -> String {
        format!(
            "{:02}:{:02}:{:02}.{:03}",
            self.hour, self.minute, self.second, self.millis
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_moment_in_words() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_183_502_007);
        let time = LocalTime::in_zone(at, TimeZone::UTC);
        assert_eq!(
            (time.date().as_str(), time.clock().as_str()),
            ("2026-11-20", "14:05:02.007")
        );
        let east = TimeZone::fixed(jiff::tz::offset(10));
        assert_eq!(LocalTime::in_zone(at, east).date(), "2026-11-21");
    }
}
