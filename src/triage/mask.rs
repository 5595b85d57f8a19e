//! Masks what varies in an error message, so that the same failure reads the same every time.
//!
//! Masked are quoted text, addresses, paths, ids and numbers. Short names that merely contain a digit
//! or two (`eu-3`, `utf-8`, `claude-sonnet-4-5`) are kept: they are what a message is about.

use std::fmt::Write as _;

/// How much of a message is looked at, in characters; what comes later is detail.
const MOST: usize = 300;

/// A quotation longer than this is more likely two apostrophes.
const LONGEST_QUOTE: usize = 200;

pub(super) fn mask(message: &str) -> String {
    let message: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let chars: Vec<char> = message.chars().take(MOST).collect();
    let mut masked = String::with_capacity(chars.len());
    let mut at = 0;
    while at < chars.len() {
        if let Some(end) = quote(&chars, at) {
            let _ = write!(masked, "{0}<text>{0}", chars[at]);
            at = end + 1;
        } else if is_break(chars[at]) {
            masked.push(chars[at]);
            at += 1;
        } else {
            let end = end_of_word(&chars, at);
            let whole: String = chars[at..end].iter().collect();
            let kept = whole.trim_end_matches(['.', ':', '!', '?']);
            masked.push_str(&word(kept));
            masked.push_str(&whole[kept.len()..]);
            at = end;
        }
    }
    masked
}

/// The text without any digit that [`mask`] kept, so that names that differ in theirs read the same.
pub(super) fn without_digits(masked: &str) -> String {
    numbers(masked).replace("<id>", "<n>")
}

fn is_break(c: char) -> bool {
    c.is_whitespace() || "\"'`()[]{}<>,;=|".contains(c)
}

/// An address may hold what else ends a word.
fn end_of_word(chars: &[char], at: usize) -> usize {
    let until = |ends: &dyn Fn(char) -> bool| {
        chars[at..].iter().position(|c| ends(*c)).map_or(chars.len(), |n| at + n)
    };
    let wide = until(&|c| c.is_whitespace() || "\"'`()<>".contains(c));
    let is_address = chars[at..wide].windows(3).any(|three| three == [':', '/', '/']);
    if is_address { wide } else { until(&is_break) }
}

/// Where the quotation that opens here closes.
fn quote(chars: &[char], at: usize) -> Option<usize> {
    let mark = chars[at];
    let after_word = at > 0 && chars[at - 1].is_alphanumeric();
    if !matches!(mark, '"' | '\'' | '`') || after_word {
        return None;
    }
    let upto = chars.len().min(at + LONGEST_QUOTE);
    (at + 2..upto).find(|end| {
        chars[*end] == mark && chars.get(end + 1).is_none_or(|next| !next.is_alphanumeric())
    })
}

fn word(word: &str) -> String {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    // Of digits alone a count or a time has at most eleven.
    let is_hex = |part: &str| {
        part.len() >= if letters == 0 { 12 } else { 8 }
            && part.chars().all(|c| c.is_ascii_hexdigit())
    };
    if word.contains("://") {
        "<url>".to_owned()
    } else if word.contains('@') && word.contains('.') {
        "<email>".to_owned()
    } else if is_path(word) {
        "<path>".to_owned()
    } else if digits == 0 {
        word.to_owned()
    } else if word.starts_with("0x") || is_hex(&word.replace('-', "")) {
        "<id>".to_owned()
    } else if letters == 0 || letters <= 2 && word.starts_with(|c: char| c.is_ascii_digit()) {
        numbers(word)
    } else if digits >= 3 {
        "<id>".to_owned()
    } else {
        word.to_owned()
    }
}

/// `/etc/hosts`, `src/a.rs`, `C:\x`; but not `3/5` or `and/or`.
fn is_path(word: &str) -> bool {
    let slashes = word.matches(['/', '\\']).count();
    let starts = word.starts_with(['/', '~', '.']) || word.get(1..3) == Some(":\\");
    word.len() > 2
        && slashes > 0
        && word.chars().any(char::is_alphabetic)
        && (starts || slashes > 1)
}

/// Each run of digits (with its decimal point) becomes `<n>`; what is around it stays (`<n>ms`).
fn numbers(word: &str) -> String {
    let mut text = String::new();
    let mut within = false;
    let chars: Vec<char> = word.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let point = *c == '.' && within && chars.get(at + 1).is_some_and(char::is_ascii_digit);
        if c.is_ascii_digit() || point {
            if !within {
                text.push_str("<n>");
            }
            within = true;
        } else {
            text.push(*c);
            within = false;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) {
        assert_eq!(mask(message), expected, "{message}");
        assert_eq!(mask(expected), expected, "masking twice changes nothing");
    }

    #[test]
    fn what_varies_is_masked() {
        check(
            "order id 'NL-586729-B' does not match '^NL-[0-9]{6}$'",
            "order id '<text>' does not match '<text>'",
        );
        check(
            "Error code: 429 - (request_id: req_f0e6a83db5b7)",
            "Error code: <n> - (request_id: <id>)",
        );
        check("line 1 column 964 (char 963).", "line <n> column <n> (char <n>).");
        check("Read timed out. (read timeout=10.0)", "Read timed out. (read timeout=<n>)");
        check("after 2400ms at 10:42:07", "after <n>ms at <n>:<n>:<n>");
        check("no user 5b8efff7-9803-8103-d269-b633813fc60c", "no user <id>");
        check("deadbeef00 and 0x7ffe and cus_799692", "<id> and <id> and <id>");
        check("cannot open /var/lib/app/x.json: denied", "cannot open <path>: denied");
        check("mail to jo.doe@shop.example bounced", "mail to <email> bounced");
        check("GET https://a.example/x?y=1 failed", "GET <url> failed");
        check("two\n  lines", "two lines");
    }

    #[test]
    fn a_number_is_one_whatever_its_length() {
        for number in ["7", "1234567", "12345678", "99999999999"] {
            assert_eq!(mask(&format!("row {number}")), "row <n>", "{number}");
        }
        check("batch 123456789012 is gone", "batch <id> is gone");
    }

    #[test]
    fn what_does_not_vary_stays() {
        for message in [
            "can't reach it, isn't there",
            "warehouse eu-3 speaks utf-8 and/or http2",
            "model claude-sonnet-4-5 is overloaded",
            "",
        ] {
            check(message, message);
        }
    }
}
