//! The time of day, as the journal tells it. Intervals are measured on the monotonic clock.

/// Unix milliseconds.
#[expect(clippy::disallowed_methods, reason = "the supervisor stamps the journal")]
pub fn unix_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
