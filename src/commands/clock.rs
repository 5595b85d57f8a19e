//! The one place where commands read the time.

/// Unix milliseconds.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
