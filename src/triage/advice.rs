//! What to look at, by what a failure calls itself. It names places to look and never a cause: that
//! takes somebody who reads the traces and the code.

use super::group::{Group, Key};
use super::issue::Entity;

/// Words of an exception's type or message, and what they are reason to look at. The first that fits
/// counts, so the narrower stand first.
const BY_WORDS: [(&[&str], &str); 7] = [
    (
        &["ratelimit", "rate limit", "too many requests", "quota", "throttl"],
        "how many calls were made in that hour and from where, which limit the provider sets, and whether calls are repeated with a growing pause or moved to another model",
    ),
    (
        &["timeout", "timed out", "deadline"],
        "how long the other side takes for such calls, whether its time limit fits that, and whether it is safe to repeat the call: one that timed out may still have taken effect",
    ),
    (
        &["jsondecode", "json", "parse", "unterminated", "syntaxerror"],
        "the text that could not be read, and the finish reason of the model call before it: text that was cut off by a token limit, or wrapped in prose, does not parse",
    ),
    (
        &["unavailable", "connection", "502", "503", "504", "unreachable", "refused"],
        "whether the other side was up at those times, and what the application answers when it is not: whether it says so, or goes on with something else",
    ),
    (
        &["permission", "forbidden", "unauthorized", "401", "403", "credential", "api key"],
        "which identity the call is made with and what it may do",
    ),
    (
        &["invalid", "validation", "does not match", "valueerror", "schema", "format", "missing"],
        "the arguments in the examples beside those of calls that went well: what they have in common, who wrote them, and whether the check or the caller is right",
    ),
    (
        &["notfound", "not found", "keyerror", "no such"],
        "whether what was asked for should exist, and whether its absence is an error at all or an answer",
    ),
];

pub(super) fn look_at(key: &Key, group: &Group) -> String {
    let said = format!("{} {}", key.part(0), key.part(1)).to_lowercase();
    let fitting = BY_WORDS.iter().find(|(words, _)| words.iter().any(|word| said.contains(word)));
    let advice = fitting.map_or(
        "the inputs in the examples beside those of calls that went well, and the code that raises this",
        |(_, advice)| *advice,
    );
    let mut text = format!("Look at {advice}.");
    if group.roots_failed == 0 {
        text.push_str(
            " No trace as a whole reports this failure, so also read what the user was answered.",
        );
    }
    if matches!(key.entity, Entity::Span(_)) {
        text.push_str(" Then look at the step before it, whose output it was given.");
    }
    text
}
