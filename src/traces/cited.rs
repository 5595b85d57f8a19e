//! The ids that a text cites, so that they can be looked up: nothing a worker says is believed.
//!
//! A whole word of 32 hexadecimal digits (or a UUID) counts as a trace id, one of 16 as a span id.
//! Words of digits only count too: ids may look so. Shortened ids are deliberately not taken: they
//! prove little, and workers are told to cite whole ones.

use std::collections::BTreeSet;

/// In lower case, without dashes, sorted, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Citations {
    pub traces: BTreeSet<String>,
    pub spans: BTreeSet<String>,
}

/// What became of citations: traces first, then spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    pub found: Vec<String>,
    pub missing: Vec<String>,
}

/// The ids in a text of any kind: Markdown, JSON, plain.
pub fn cited(text: &str) -> Citations {
    let mut citations = Citations::default();
    let is_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    for word in text.split(|c| !is_word(c)) {
        let word = word.trim_matches(['-', '_']);
        if is_uuid(word) {
            citations.traces.insert(word.replace('-', "").to_ascii_lowercase());
            continue;
        }
        for part in word.split(['-', '_']) {
            if !part.bytes().all(|b| b.is_ascii_hexdigit()) || part.bytes().all(|b| b == b'0') {
                continue;
            }
            match part.len() {
                32 => citations.traces.insert(part.to_ascii_lowercase()),
                16 => citations.spans.insert(part.to_ascii_lowercase()),
                _ => false,
            };
        }
    }
    citations
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36
        && word.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, traces: &[&str], spans: &[&str]) {
        let citations = cited(text);
        assert_eq!(citations.traces.iter().collect::<Vec<_>>(), traces, "{text}");
        assert_eq!(citations.spans.iter().collect::<Vec<_>>(), spans, "{text}");
    }

    #[test]
    fn whole_words_of_the_right_length() {
        let trace = "5b8efff798038103d269b633813fc60c";
        check(&format!("see `{trace}`, {}.", trace.to_uppercase()), &[trace], &[]);
        check(
            &format!("{{\"trace_ids\":[\"{trace}\"],\"span_id\":\"eee19b7ec3c1b174\"}}"),
            &[trace],
            &["eee19b7ec3c1b174"],
        );
        check("5b8efff7-9803-8103-d269-b633813fc60c", &[trace], &[]);
        check(&format!("trace-{trace}/span_eee19b7ec3c1b174"), &[trace], &["eee19b7ec3c1b174"]);
        check(&format!("{trace}0 x{trace} 5b8efff7 00000000000000000000000000000000"), &[], &[]);
        check("1234567890123456 é5b8efff798038103d269b633813fc60c", &[], &["1234567890123456"]);
    }
}
