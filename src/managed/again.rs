//! When a call is tried again, and how long that is put off. Pure.

use crate::http::Answer;
use std::time::Duration;

/// When a call is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Whenever that may help: asking twice does no harm.
    Always,
    /// Only where the first one was certainly not taken.
    Refused,
}

/// Whether the same call may go well later. Of a call that must not be taken twice, only where it
/// was turned away at the door.
pub(super) fn is_passing(answer: &Answer, again: Again) -> bool {
    if answer.header("x-should-retry") == Some("false") {
        return false;
    }
    match again {
        Again::Refused => matches!(answer.status, 429 | 529),
        Again::Always => matches!(answer.status, 408 | 429 | 500..=599),
    }
}

/// Whether a call that is not to be repeated may have been taken all the same.
pub(super) fn is_open(answer: &Answer) -> bool {
    matches!(answer.status, 408 | 500..=528 | 530..=599)
}

pub(super) fn retry_after(answer: &Answer) -> Option<Duration> {
    let number = |name| answer.header(name)?.trim().parse::<f64>().ok();
    let millis = number("retry-after-ms").or(number("retry-after").map(|seconds| seconds * 1e3))?;
    // A date would need a clock, and is waited for as any other failure.
    Duration::try_from_secs_f64(millis / 1e3).ok()
}

/// When the server says that it answered, in Unix milliseconds.
pub(super) fn date(headers: &reqwest::header::HeaderMap) -> Option<i64> {
    let text = headers.get("date")?.to_str().ok()?;
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(time.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| {
            (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())
        });
        Answer { status, headers: headers.collect(), body: Vec::new() }
    }

    #[test]
    fn what_is_tried_again() {
        for (status, always, refused, open) in [
            (200, false, false, false),
            (400, false, false, false),
            (404, false, false, false),
            (408, true, false, true),
            (409, false, false, false),
            (429, true, true, false),
            (500, true, false, true),
            (504, true, false, true),
            (529, true, true, false),
        ] {
            let answer = answer(status, &[]);
            assert_eq!(is_passing(&answer, Again::Always), always, "{status}");
            assert_eq!(is_passing(&answer, Again::Refused), refused, "{status}");
            assert_eq!(is_open(&answer), open, "{status}");
        }
        let told = answer(529, &[("x-should-retry", "false")]);
        assert!(!is_passing(&told, Again::Always));
    }

    #[test]
    fn what_the_server_asks_for_is_read() {
        let after = |headers: &[_]| retry_after(&answer(429, headers));
        assert_eq!(after(&[("retry-after", "2")]), Some(Duration::from_secs(2)));
        assert_eq!(
            after(&[("retry-after", "2"), ("retry-after-ms", "150")]),
            Some(Duration::from_millis(150))
        );
        for odd in ["-1", "x", "Thu, 01 Jan 2026 00:00:00 GMT", "nan", "1e300"] {
            let answer = Answer {
                headers: [(reqwest::header::RETRY_AFTER, odd.parse().unwrap())]
                    .into_iter()
                    .collect(),
                ..answer(429, &[])
            };
            assert_eq!(retry_after(&answer), None, "{odd}");
        }
        let dated = answer(200, &[("date", "Sat, 01 Aug 2026 10:00:00 GMT")]);
        assert_eq!(date(&dated.headers), Some(1_785_578_400_000));
    }
}
