//! What can be told from a text without understanding it. Only English is read: of another language
//! nothing is claimed.

use super::sketch::hash;
use serde_json::Value;
use std::collections::BTreeSet;

/// Words by which an answer admits that something is missing or went wrong.
const ADMITS: [&str; 50] = [
    "apolog",
    "as of",
    "at this time",
    "can not",
    "can't",
    "cannot",
    "cached",
    "could not",
    "couldn't",
    "couldn’t",
    "can’t",
    "currently unavailable",
    "did not find",
    "didn't find",
    "do not have",
    "do not know",
    "don't have",
    "don't know",
    "don’t have",
    "don’t know",
    "error",
    "fail",
    "i have no",
    "i was unable",
    "issue with",
    "last known",
    "may be out of date",
    "might be out of date",
    "no information",
    "no longer have",
    "no record",
    "no result",
    "not able",
    "not available",
    "not certain",
    "not find",
    "not found",
    "not possible",
    "not sure",
    "nothing about",
    "outdated",
    "problem",
    "sorry",
    "there is no",
    "there seems to be no",
    "try again",
    "unable",
    "unavailable",
    "unfortunately",
    "went wrong",
];

/// Words that hardly any English sentence does without.
const ENGLISH: [&str; 32] = [
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "for", "from", "have", "i", "in",
    "is", "it", "of", "on", "or", "our", "that", "the", "this", "to", "we", "will", "with",
    "within", "you", "your", "yes",
];

/// Whether it reads as English that admits nothing.
pub(super) fn is_assured(answer: &str) -> bool {
    let lower = answer.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let english = words.iter().filter(|word| ENGLISH.contains(word)).count();
    words.len() >= 4
        && english * 8 >= words.len()
        && !ADMITS.iter().any(|word| lower.contains(word))
}

/// Whether a tool or a retriever gave nothing: no text, an empty list, or an object whose lists are
/// all empty and that says nothing else but a count of zero.
pub(super) fn is_nothing(output: Option<&str>) -> bool {
    let Some(text) = output.map(str::trim).filter(|text| !text.is_empty()) else { return true };
    if !text.starts_with(['{', '[', '"', 'n']) {
        let lower = text.to_lowercase();
        let lower = lower.trim_end_matches('.');
        return matches!(
            lower,
            "none"
                | "no results"
                | "no results found"
                | "no matches"
                | "no matches found"
                | "nothing found"
                | "0 results"
                | "no documents found"
                | "()"
        );
    }
    serde_json::from_str(text).is_ok_and(|value| is_empty(&value))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(is_empty),
        Value::Object(object) => {
            let lists = object.values().filter(|value| value.is_array()).count();
            let silent = |(key, value): (&String, &Value)| match value {
                // What was asked for is often repeated, and numbers tell how much there is.
                Value::String(_) => {
                    is_empty(value) || matches!(key.as_str(), "query" | "q" | "input")
                }
                Value::Number(number) => number.as_f64() == Some(0.0) || key.as_str() != "total",
                Value::Bool(_) => true,
                other => is_empty(other),
            };
            (lists > 0 || object.is_empty()) && object.iter().all(silent)
        }
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The words of a text, whatever their order: hashed, once each.
pub(super) fn word_set(text: &str) -> BTreeSet<u64> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| hash(word.as_bytes())).collect()
}

/// How much of all their words two texts share, 0 to 1.
pub(super) fn alike(a: &BTreeSet<u64>, b: &BTreeSet<u64>) -> f64 {
    let both = a.intersection(b).count() as f64;
    let all = (a.len() + b.len()) as f64 - both;
    if all == 0.0 { 0.0 } else { both / all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_every_shape() {
        for text in [
            "",
            "  ",
            "null",
            "[]",
            "{}",
            "\"\"",
            "None",
            "No results found.",
            "[[], null]",
            r#"{"results":[],"total":0}"#,
            r#"{"documents":[],"query":"a tent"}"#,
        ] {
            assert!(is_nothing(Some(text)), "{text}");
        }
        assert!(is_nothing(None));
        for text in [
            "0",
            "false",
            "true",
            "not found: NL-1",
            r#"{"status":"not_found"}"#,
            r#"[{"a":1}]"#,
            r#"{"results":[{"id":1}],"total":1}"#,
            r#"{"available":0}"#,
            "{broken",
            r#"{"error":"no such order","results":[]}"#,
        ] {
            assert!(!is_nothing(Some(text)), "{text}");
        }
    }

    #[test]
    fn assured_answers() {
        for text in [
            "Yes, power banks up to 20,000 mAh ship by air to Iceland within 4 working days.",
            "The refund is on its way to your card.",
        ] {
            assert!(is_assured(text), "{text}");
        }
        for text in [
            "I am sorry, I cannot find that.",
            "Unfortunately we have no such thing.",
            "Ja, wir liefern nach Island innerhalb von vier Tagen ohne Aufpreis.",
            "Yes.",
            r#"{"label":"x"}"#,
        ] {
            assert!(!is_assured(text), "{text}");
        }
    }
}
