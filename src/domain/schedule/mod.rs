//! When a cron expression comes, exactly, in any time zone.
//!
//! The expression is matched against the clock on the wall, which a zone sets forward and back. Two
//! rules make that exact:
//!
//! - A schedule that names hours (`0 2 * * *`, `*/30 8-18 * * 1-5`) comes at each named time once:
//!   at the first instant at which the clock shows that time or a later one. A time that the clock
//!   leaves out comes when the clock goes on; one that it shows twice comes the first time.
//! - A schedule of every hour (`*/15 * * * *`) follows real time: it comes whenever the clock shows a
//!   time of it, in a repeated hour again, so the steps between two of them stay as they are.
//!
//! Times of a day that a zone left out of its calendar altogether do not come. Instants are Unix
//! milliseconds; what is returned is always later than what was asked about.

use super::words::did_you_mean;
use croner::errors::CronError;
use croner::{CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use std::cmp::Ordering;

/// How many transitions of a zone may lie at a time that it leaves out.
const NEAR: usize = 4;

const HOUR_MS: i64 = 3_600_000;

/// Just before the year 5000, where calendars end.
const LAST: i64 = 95_617_500_000_000;

#[derive(Clone, PartialEq, Eq)]
pub struct Schedule {
    /// As it was written.
    pub text: String,
    /// The zone's name.
    pub zone: String,
    cron: Cron,
    tz: TimeZone,
    every_hour: bool,
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Schedule({} {})", self.text, self.zone)
    }
}

impl Schedule {
    /// Reads an expression of five fields and a zone.
    #[cfg(test)]
    pub fn parse(text: &str, zone: &str) -> Result<Self, String> {
        Ok(Self::new(cron(text)?, text, (zone, self::zone(zone)?)))
    }

    /// Of parts that were read apart.
    pub fn new(cron: Cron, text: &str, (zone, tz): (&str, TimeZone)) -> Self {
        let every_hour = cron.pattern.hours.values().len() == 24;
        Self { text: text.trim().to_owned(), zone: zone.to_owned(), cron, tz, every_hour }
    }

    /// The first time after an instant.
    pub fn next_after(&self, after: i64) -> Option<i64> {
        let after = Timestamp::from_millisecond(after).ok()?;
        let at = if self.every_hour { self.next_real(after) } else { self.next_named(after) };
        at.map(Timestamp::as_millisecond)
    }

    /// The last time in a stretch that ends with `until` and begins after `after`.
    pub fn last_in(&self, after: i64, until: i64) -> Option<i64> {
        let until = until.min(LAST);
        // Farther and farther back, so that dense and rare schedules are both found quickly.
        let mut back = 2 * HOUR_MS;
        loop {
            let from = until.saturating_sub(back).max(after);
            let mut last = None;
            let mut at = from;
            while let Some(next) = self.next_after(at).filter(|next| *next <= until) {
                last = Some(next);
                at = next;
            }
            if last.is_some() || from == after || back == i64::MAX {
                return last;
            }
            back = back.saturating_mul(24);
        }
    }

    fn next_named(&self, after: Timestamp) -> Option<Timestamp> {
        let mut civil = self.tz.to_datetime(after);
        loop {
            civil = self.next_civil(civil, false)?;
            if let Some(at) = self.instant(civil).filter(|at| *at > after) {
                return Some(at);
            }
        }
    }

    /// The first instant at which the clock shows a time or a later one.
    fn instant(&self, civil: DateTime) -> Option<Timestamp> {
        match self.tz.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(civil).ok(),
            AmbiguousOffset::Gap { before, after } => self.end_of_gap(civil, before, after),
        }
    }

    fn end_of_gap(&self, civil: DateTime, before: Offset, after: Offset) -> Option<Timestamp> {
        // With the later offset the time lies just before the gap.
        let just_before = after.to_timestamp(civil).ok()?;
        let changes = self.tz.following(just_before).take(NEAR).map(|change| change.timestamp());
        let end = changes.into_iter().find(|at| self.tz.to_datetime(*at) >= civil)?;
        let day = civil.date().to_datetime(jiff::civil::Time::midnight());
        let next_day = day.checked_add(1.day()).ok()?;
        let whole_day = before.to_datetime(end) <= day && after.to_datetime(end) >= next_day;
        (!whole_day).then_some(end)
    }

    fn next_real(&self, after: Timestamp) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let offset = self.tz.to_offset(from);
            let civil = self.next_civil(offset.to_datetime(from), inclusive)?;
            let at = offset.to_timestamp(civil).ok()?;
            match self.tz.following(from).next().map(|change| change.timestamp()) {
                // From the change on, the clock shows something else.
                Some(change) if change <= at => (from, inclusive) = (change, true),
                _ => return Some(at),
            }
        }
    }

    fn next_civil(&self, from: DateTime, inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&Wall(from), inclusive).ok().map(|found| found.0)
    }
}

/// Reads a cron expression of five fields, or one of the names such as `@daily`.
pub fn cron(text: &str) -> Result<Cron, String> {
    let fields = "minute, hour, day of month, month, day of week";
    let parser = croner::parser::CronParser::builder()
        .seconds(croner::parser::Seconds::Disallowed)
        .year(croner::parser::Year::Disallowed)
        .build();
    let count = text.split_whitespace().count();
    if count != 5 && !text.trim().starts_with('@') {
        return Err(format!(
            "`{text}` has {count} fields, and a cron expression has five; \
             write it as `0 2 * * *`: {fields}"
        ));
    }
    let cron = parser.parse(text).map_err(|error| {
        let reason = reason(&error);
        format!("`{text}` is no cron expression: {reason}; write it as `0 2 * * *`: {fields}")
    })?;
    let some_day = Wall(jiff::civil::date(2000, 1, 1).at(0, 0, 0, 0));
    cron.find_next_occurrence(&some_day, true)
        .map_err(|_| format!("`{text}` never comes; there is no such day"))?;
    Ok(cron)
}

fn reason(error: &CronError) -> String {
    match error {
        CronError::InvalidPattern(text)
        | CronError::IllegalCharacters(text)
        | CronError::ComponentError(text) => {
            let text = text.trim_end_matches('.').replace("; ", ", ");
            text.chars()
                .enumerate()
                .map(|(at, c)| if at == 0 { c.to_ascii_lowercase() } else { c })
                .collect()
        }
        CronError::EmptyPattern
        | CronError::InvalidDate
        | CronError::InvalidTime
        | CronError::TimeSearchLimitExceeded => "it cannot be read".to_owned(),
    }
}

/// Finds a zone by its name in the database of time zones.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    if let Ok(zone) = TimeZone::get(name) {
        return Ok(zone);
    }
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let hint = match did_you_mean(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write it as `Europe/Berlin` or `UTC`".to_owned(),
    };
    Err(format!("no time zone is called `{name}`; {hint}"))
}

/// What a clock on a wall shows, without a zone.
#[derive(Debug, Clone, Copy)]
struct Wall(DateTime);

impl CronDateTime for Wall {
    fn to_civil(&self) -> CivilDateTime {
        let at = self.0;
        let (year, month, day) = (i32::from(at.year()), at.month() as u32, at.day() as u32);
        let (hour, minute, second) = (at.hour() as u32, at.minute() as u32, at.second() as u32);
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(year, month, day),
            CivilTime::from_parts_unchecked(hour, minute, second),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(days as u32)
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let (date, time) = (civil.date(), civil.time());
        let part = |value: u32| i8::try_from(value).map_err(|_| CronError::InvalidTime);
        let year = i16::try_from(date.year()).map_err(|_| CronError::InvalidDate)?;
        DateTime::new(
            year,
            part(date.month())?,
            part(date.day())?,
            part(time.hour())?,
            part(time.minute())?,
            part(time.second())?,
            0,
        )
        .map(|at| Resolution::Single(Self(at)))
        .map_err(|_| CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests;
