//! Known secret values are taken out of text, in the forms in which they turn up by accident.
//!
//! Every form of every value is one pattern of one automaton, so the speed does not fall with their
//! number. Matches that overlap are taken out as one, since a value may overlap itself. Redaction is
//! for accidents: a worker that wants to hide a value can encode it in a way that nobody lists here.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Shorter values would tear holes into ordinary text; they are refused with a warning instead.
pub const MIN_LENGTH: usize = 8;

const MARK: &[u8] = b"[redacted]";

#[derive(Default)]
pub struct Redactor {
    automaton: Option<AhoCorasick>,
}

impl Redactor {
    /// Values shorter than [`MIN_LENGTH`] are left out.
    pub fn new<S: AsRef<str>>(values: &[S]) -> Self {
        let mut forms: Vec<Vec<u8>> = values
            .iter()
            .map(AsRef::as_ref)
            .filter(|value| value.len() >= MIN_LENGTH)
            .flat_map(forms)
            .collect();
        forms.sort();
        forms.dedup();
        let automaton = (!forms.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(&forms)
                .ok()
        });
        Self { automaton: automaton.flatten() }
    }

    /// The text without the values. Borrowed when there was nothing to take out.
    pub fn redact<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let Some(automaton) = &self.automaton else { return Cow::Borrowed(text) };
        if !automaton.is_match(text) {
            return Cow::Borrowed(text);
        }
        let mut hits: Vec<(usize, usize)> =
            automaton.find_overlapping_iter(text).map(|hit| (hit.start(), hit.end())).collect();
        hits.sort_unstable();
        let mut clean = Vec::with_capacity(text.len());
        let mut done = 0;
        let mut hits = hits.into_iter().peekable();
        while let Some((start, mut end)) = hits.next() {
            while let Some((_, further)) = hits.next_if(|(next, _)| *next < end) {
                end = end.max(further);
            }
            clean.extend_from_slice(&text[done..start]);
            clean.extend_from_slice(MARK);
            done = end;
        }
        clean.extend_from_slice(&text[done..]);
        Cow::Owned(clean)
    }
}

/// The value as it is, as JSON writes it at one to three depths, percent-encoded, in hexadecimal,
/// and in base64 at each of the three alignments, less the edge characters that its neighbours
/// decide.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec()];
    let mut nested = value.to_owned();
    for _ in 0..3 {
        let quoted = serde_json::to_string(&nested).unwrap_or_default();
        nested = quoted[1..quoted.len() - 1].to_owned();
        forms.push(nested.clone().into_bytes());
    }
    let (mut upper, mut lower, mut hex) = (String::new(), String::new(), String::new());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            upper.push(byte as char);
            lower.push(byte as char);
        } else {
            let _ = write!(upper, "%{byte:02X}");
            let _ = write!(lower, "%{byte:02x}");
        }
        let _ = write!(hex, "{byte:02x}");
    }
    forms.extend([upper, lower, hex.to_uppercase(), hex].map(String::into_bytes));
    for lead in 0..3_usize {
        let mut padded = vec![0; lead];
        padded.extend_from_slice(value.as_bytes());
        // A character holds 6 bits: the first whole one of the value starts after the lead's, and
        // the last one may hold bits of what follows.
        let first = (lead * 8).div_ceil(6);
        let whole = padded.len() * 8 / 6;
        for engine in [STANDARD, URL_SAFE] {
            forms.push(engine.encode(&padded).as_bytes()[first..whole].to_vec());
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(values: &[&str], text: &str, expected: &str) {
        let redactor = Redactor::new(values);
        assert_eq!(String::from_utf8_lossy(&redactor.redact(text.as_bytes())), expected);
    }

    #[test]
    fn values_go_in_every_form() {
        check(&["s3cret-value"], "a s3cret-value b", "a [redacted] b");
        check(&["pass\"word\\1"], r#"{"a":"pass\"word\\1"}"#, r#"{"a":"[redacted]"}"#);
        check(&["p@ss/word+1"], "q=p%40ss%2Fword%2B1&", "q=[redacted]&");
        check(&["sk-ant-sk-ant-Z9"], "sk-ant-sk-ant-sk-ant-Z9", "sk-ant-[redacted]");
        check(&["aabaabaa"], "aabaabaabaa", "[redacted]");
        check(&["short"], "short stays", "short stays");
        check(&[], "nothing", "nothing");
    }

    proptest! {
        #[test]
        fn no_alignment_of_base64_keeps_it(
            value in "[A-Za-z0-9/+_-]{16,40}",
            before in "[a-z]{0,7}",
            after in "[a-z]{0,7}",
        ) {
            let encoded = STANDARD.encode(format!("{before}{value}{after}"));
            let redacted = Redactor::new(&[&value]).redact(encoded.as_bytes()).into_owned();
            prop_assert!(String::from_utf8_lossy(&redacted).contains("[redacted]"));
        }

        #[test]
        fn other_text_is_untouched(text in "[ -~]{0,200}") {
            let redactor = Redactor::new(&["\u{1}not-in-printable-text"]);
            prop_assert_eq!(&*redactor.redact(text.as_bytes()), text.as_bytes());
        }
    }
}
