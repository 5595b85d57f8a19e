//! JSON rewritten token by token: strings, keys among them, are cleaned in the form they mean, and
//! written anew only where something was taken out. All else stays as it was, to the last digit of a
//! number and the second of two equal keys; what comes out is valid where what came in was.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

/// A string or number of a document.
pub struct Token {
    pub range: Range<usize>,
    /// The keys that lead to it, as a hash; places in lists count as no key. 0 is a key itself.
    pub path: u64,
    /// The key it is the value of.
    pub key: Range<usize>,
}

/// Whether a text is one JSON object or list.
pub fn is_document(text: &[u8]) -> bool {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'['))
        && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// The strings and numbers of a document, in their order.
pub fn tokens(document: &str) -> Vec<Token> {
    let bytes = document.as_bytes();
    let mut tokens = Vec::new();
    // What is open: whether it is an object, and the path to it.
    let mut open: Vec<(bool, u64)> = Vec::new();
    let (mut key, mut path, mut expects_key) = (0..0, 1, false);
    let mut at = 0;
    while at < bytes.len() {
        let mut len = 1;
        match bytes[at] {
            start @ (b'{' | b'[') => {
                open.push((start == b'{', path));
                expects_key = start == b'{';
            }
            b'}' | b']' => path = open.pop().map_or(1, |(_, path)| path),
            b',' => {
                let (is_object, outer) = open.last().copied().unwrap_or((false, 1));
                (expects_key, path) = (is_object, outer);
            }
            b'"' if expects_key => {
                len = string(&bytes[at..]);
                key = at..at + len;
                let outer = open.last().map_or(1, |(_, path)| *path);
                path = joined(outer, &bytes[key.clone()]);
                expects_key = false;
                tokens.push(Token { range: key.clone(), path: 0, key: 0..0 });
            }
            b'"' => {
                len = string(&bytes[at..]);
                tokens.push(Token { range: at..at + len, path, key: key.clone() });
            }
            b'-' | b'0'..=b'9' => {
                len = bytes[at..].iter().take_while(|byte| is_of_number(**byte)).count();
                tokens.push(Token { range: at..at + len, path, key: key.clone() });
            }
            _ => {}
        }
        at += len;
    }
    tokens
}

fn joined(path: u64, key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (path, key).hash(&mut hasher);
    hasher.finish() | 1
}

/// What a token means; one that stands for no text, since half a surrogate is in it, as it is written.
pub fn meant(token: &str) -> Cow<'_, str> {
    match serde_json::from_str::<String>(token) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(token.trim_matches('"')),
    }
}

/// A document with some of its tokens, in their order, replaced by strings.
pub fn replaced(
    document: &str,
    tokens: impl IntoIterator<Item = (Range<usize>, String)>,
) -> String {
    let mut out = String::with_capacity(document.len());
    let mut copied = 0;
    for (range, text) in tokens {
        out.push_str(&document[copied..range.start]);
        // Text to JSON cannot fail.
        out.push_str(&serde_json::to_string(&text).unwrap_or_default());
        copied = range.end;
    }
    out.push_str(&document[copied..]);
    out
}

/// Cleans a document; `None` where it is clean. `clean` is given what each token means.
pub fn rewrite(document: &str, clean: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let changed: Vec<_> = tokens(document)
        .into_iter()
        .filter_map(|token| {
            let cleaned = clean(&meant(&document[token.range.clone()]))?;
            Some((token.range, cleaned))
        })
        .collect();
    (!changed.is_empty()).then(|| replaced(document, changed))
}

/// The length of a string with its quotes.
fn string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_cleaned_changes() {
        #[track_caller]
        fn check(document: &str, expected: Option<&str>) {
            let clean = |text: &str| text.contains("bad").then(|| text.replace("bad", "\"\n"));
            assert!(is_document(document.as_bytes()));
            let cleaned = rewrite(document, &clean);
            assert_eq!(cleaned.as_deref(), expected);
            assert!(cleaned.is_none_or(|cleaned| is_document(cleaned.as_bytes())));
        }
        check(r#"{"a": 1.50, "a": [true, "good"]}"#, None);
        check(r#" {"b\u0061d": 1E400, "x":"b\u0061d" }"#, Some(r#" {"\"\n": 1E400, "x":"\"\n" }"#));
        check(r#"["\ud800 bad"]"#, Some(r#"["\\ud800 \"\n"]"#));
        check(r#"["é\\","x"]"#, None);
    }

    #[test]
    fn tokens_know_their_path() {
        let document = r#"{"a":{"b":["x",1]},"b":"y","a":{"b":"z"}}"#;
        let all = tokens(document);
        let values: Vec<_> = all.iter().filter(|token| token.path != 0).collect();
        let text = |token: &Token| document[token.range.clone()].to_owned();
        assert_eq!(
            values.iter().map(|t| text(t)).collect::<Vec<_>>(),
            ["\"x\"", "1", "\"y\"", "\"z\""]
        );
        assert_eq!(values[0].path, values[3].path);
        assert_ne!(values[0].path, values[2].path);
        assert_eq!(&document[values[2].key.clone()], "\"b\"");
    }

    #[test]
    fn what_is_a_document() {
        for (text, is) in
            [("{}", true), (" [1]\n", true), ("\"x\"", false), ("{} {}", false), ("{", false)]
        {
            assert_eq!(is_document(text.as_bytes()), is, "{text}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(is_document(deep.as_bytes()), "depth is no matter");
        assert!(tokens(&deep).is_empty());
    }
}
