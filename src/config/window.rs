//! `--since` and `--until`: what part of a project's traces is looked at.
//!
//! A bound is a time back from now (`24h`), a moment (`2026-11-20T08:00:00Z`), or a day or time
//! without a zone, which is UTC: a run must mean the same wherever it is repeated.

use crate::domain::measure;
use crate::domain::plan::Window;
use crate::error::{Failure, Kind, Result};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What is looked at where nobody says: the last day, for sources that grow.
const USUAL: &str = "24h";

/// The window, and how a prompt says it. `now` is Unix milliseconds.
pub fn window(
    since: Option<&str>,
    until: Option<&str>,
    is_recorded: bool,
    now: i64,
) -> Result<(Window, String)> {
    let usual = (!is_recorded && until.is_none()).then_some(USUAL);
    let since = since.or(usual);
    let window = Window {
        since: since.map(|text| bound("since", text, now)).transpose()?,
        until: until.map(|text| bound("until", text, now)).transpose()?,
    };
    let to = window.until.unwrap_or(now);
    if let Some(from) = window.since.filter(|from| *from >= to) {
        let shown = format!("the window from {} to {} is empty", moment(from), moment(to));
        return Err(Failure::new(Kind::Usage, shown)
            .hint("`--since` comes before `--until`; times without a zone are UTC"));
    }
    let said = match (since, window.since, window.until) {
        (_, None, None) => "the whole trace set".to_owned(),
        (_, None, Some(to)) => format!("everything before {}", moment(to)),
        (Some(text), Some(_), None) if measure::duration(text).is_ok() => {
            format!("the last {}", text.trim())
        }
        (_, Some(from), None) => format!("everything since {}", moment(from)),
        (_, Some(from), Some(to)) => format!("{} to {}", moment(from), moment(to)),
    };
    Ok((window, said))
}

/// A point in time, as a flag gives it. `now` is Unix milliseconds.
pub fn bound(flag: &str, text: &str, now: i64) -> Result<i64> {
    let text = text.trim();
    if let Ok(back) = measure::duration(text) {
        let back = i64::try_from(back.as_millis()).unwrap_or(i64::MAX);
        return Ok(now.saturating_sub(back));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_millisecond());
    }
    // A civil time takes a day alone as its midnight.
    let at = text.parse::<DateTime>().ok().and_then(|at| TimeZone::UTC.to_timestamp(at).ok());
    at.map(Timestamp::as_millisecond).ok_or_else(|| {
        Failure::new(Kind::Usage, format!("`--{flag} {text}` is no time")).hint(format!(
            "write it as `--{flag} 24h`, `--{flag} 2026-11-20` or `--{flag} 2026-11-20T08:00:00Z`"
        ))
    })
}

fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T12:00:00Z
    const NOW: i64 = 1_795_176_000_000;
    const HOUR: i64 = 3_600_000;

    #[track_caller]
    fn check(
        given: (&str, &str),
        is_recorded: bool,
        wanted: (Option<i64>, Option<i64>),
        said: &str,
    ) {
        let flag = |text: &'static str| (!text.is_empty()).then_some(text);
        let given = (given.0.to_owned().leak(), given.1.to_owned().leak());
        let (window, text) = window(flag(given.0), flag(given.1), is_recorded, NOW).unwrap();
        assert_eq!((window.since, window.until), wanted, "{given:?}");
        assert_eq!(text, said);
    }

    #[test]
    fn windows() {
        check(("", ""), false, (Some(NOW - 24 * HOUR), None), "the last 24h");
        check(("", ""), true, (None, None), "the whole trace set");
        check(("2h", ""), true, (Some(NOW - 2 * HOUR), None), "the last 2h");
        check(
            ("3h", "1h"),
            false,
            (Some(NOW - 3 * HOUR), Some(NOW - HOUR)),
            "2026-11-20T09:00:00Z to 2026-11-20T11:00:00Z",
        );
        check(
            ("2026-11-20", ""),
            false,
            (Some(NOW - 12 * HOUR), None),
            "everything since 2026-11-20T00:00:00Z",
        );
        check(
            ("", "2026-11-20T13:00:00+02:00"),
            false,
            (None, Some(NOW - HOUR)),
            "everything before 2026-11-20T11:00:00Z",
        );
        check(
            ("2026-11-20 10:00", ""),
            true,
            (Some(NOW - 2 * HOUR), None),
            "everything since 2026-11-20T10:00:00Z",
        );
    }

    #[test]
    fn no_windows() {
        for (since, until, sentence) in [
            ("yesterday", None, "`--since yesterday` is no time"),
            (
                "1h",
                Some("2h"),
                "the window from 2026-11-20T11:00:00Z to 2026-11-20T10:00:00Z is empty",
            ),
            (
                "2026-11-21",
                None,
                "the window from 2026-11-21T00:00:00Z to 2026-11-20T12:00:00Z is empty",
            ),
            ("0s", None, "the window from 2026-11-20T12:00:00Z to 2026-11-20T12:00:00Z is empty"),
        ] {
            let failure = window(Some(since), until, false, NOW).unwrap_err();
            assert_eq!(failure.to_string(), sentence);
            assert_eq!(failure.kind, Kind::Usage);
        }
    }
}
