//! Measuring, cutting and wrapping by columns of a terminal; times and counts as people say them.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// At most `columns` wide; what is cut ends in `…`.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if text.len() <= columns || width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let end = fitting(text, columns.saturating_sub(1));
    Cow::Owned(format!("{}…", text[..end].trim_end()))
}

/// How many bytes of `text` fit into `columns`.
fn fitting(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return at;
        }
    }
    text.len()
}

/// Tabs as spaces, so that columns can be counted.
pub fn untab(line: &str) -> Cow<'_, str> {
    if !line.contains('\t') {
        return Cow::Borrowed(line);
    }
    let (mut out, mut column) = (String::with_capacity(line.len() + 16), 0);
    let mut parts = line.split('\t').peekable();
    while let Some(part) = parts.next() {
        out.push_str(part);
        column += width(part);
        if parts.peek().is_some() {
            let spaces = 4 - column % 4;
            out.push_str(&"    "[..spaces]);
            column += spaces;
        }
    }
    Cow::Owned(out)
}

/// Breaks one line (without tabs) at spaces, so that every piece fits into `columns`. Words that do
/// not fit at all are broken. Follow-on lines keep the indentation of the first, and that of the
/// text of a list item; how deep it is comes with each piece.
pub fn wrap(line: &str, columns: usize) -> Vec<(usize, &str)> {
    let line = line.trim_end();
    if line.len() <= columns || width(line) <= columns {
        return vec![(0, line)];
    }
    let hang = hanging(line);
    let hang = if hang * 2 > columns || hang + 2 > columns { 0 } else { hang };
    let (mut pieces, mut rest, mut indent) = (Vec::new(), line, 0);
    while !rest.is_empty() {
        let room = columns.saturating_sub(indent).max(1);
        let mut end = fitting(rest, room);
        if end < rest.len() {
            let text_from = rest.len() - rest.trim_start().len();
            end = match rest[..end].rfind(' ') {
                _ if rest[end..].starts_with(' ') => end,
                Some(space) if space > text_from => space,
                _ => joint(rest, text_from, end),
            };
        }
        pieces.push((indent, rest[..end].trim_end()));
        rest = rest[end..].trim_start();
        indent = hang;
    }
    pieces
}

/// Where a word that is too long is broken: after a sign that joins parts of names and paths, if
/// there is one in the second half of what fits.
fn joint(word: &str, from: usize, end: usize) -> usize {
    let least = word.chars().next().map_or(1, char::len_utf8);
    match word[..end].rfind(['/', '-', '_']) {
        Some(at) if at + 1 > from + (end - from) / 2 => at + 1,
        _ => end.max(least),
    }
}

/// Where the text of a line begins: after its indentation and its list mark.
fn hanging(line: &str) -> usize {
    let body = line.trim_start_matches(' ');
    let indent = line.len() - body.len();
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let mark = match body.as_bytes() {
        [b'-' | b'*' | b'+' | b'>', b' ', ..] => 2,
        [..] if (1..4).contains(&digits) && body[digits..].starts_with(". ") => digits + 2,
        _ => 0,
    };
    indent + mark
}

/// How long ago: `3 m ago`.
pub fn ago(now: i64, then: i64) -> String {
    let seconds = now.saturating_sub(then) / 1000;
    match seconds {
        ..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} m ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// A length of time without parts that say nothing: `15 m`, not `15 m 0 s`.
pub fn span(ms: u64) -> String {
    let span = crate::domain::measure::show_duration(ms);
    let short = [" 0 s", " 0 m", " 0 h"].iter().find_map(|part| span.strip_suffix(part));
    short.map(str::to_owned).unwrap_or(span)
}

/// What stands for lines that are left out.
pub fn more_lines(number: usize) -> String {
    format!("… {number} more {}", if number == 1 { "line" } else { "lines" })
}

/// How long into something: `0:05`, `12:30`, `1:02:03`.
pub fn offset(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A point in time for people: `2026-11-20 11:52:52 UTC`.
pub fn moment(ms: i64) -> String {
    let stamp = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    stamp.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A count that may be large: `950`, `12.4k`, `1.2M`.
pub fn large(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{}.{}k", number / 1_000, number % 1_000 / 100),
        _ => format!("{}.{}M", number / 1_000_000, number % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wrapping() {
        #[track_caller]
        fn check(line: &str, columns: usize, expected: &[&str]) {
            let pieces: Vec<String> = wrap(line, columns)
                .into_iter()
                .map(|(indent, piece)| format!("{}{piece}", " ".repeat(indent)))
                .collect();
            assert_eq!(pieces, expected);
        }
        check("", 10, &[""]);
        check("one two three", 20, &["one two three"]);
        check("one two three", 8, &["one two", "three"]);
        check("one two three", 7, &["one two", "three"]);
        check("- one two three", 9, &["- one two", "  three"]);
        check("  12. one two", 12, &["  12. one", "      two"]);
        check("    code that is long", 12, &["    code", "    that is", "    long"]);
        check("/home/me/presets/fix.toml", 18, &["/home/me/presets/", "fix.toml"]);
        check("claude-code-x", 9, &["claude-", "code-x"]);
        check("abcdefghij", 4, &["abcd", "efgh", "ij"]);
        check("漢字漢字 x", 5, &["漢字", "漢字", "x"]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_and_nothing_is_lost(line in "[a-z漢é ]{0,80}", columns in 2_usize..40) {
            let pieces = wrap(&line, columns);
            for (indent, piece) in &pieces {
                prop_assert!(indent + width(piece) <= columns);
            }
            let squeeze = |text: &str| text.replace(' ', "");
            let all: String = pieces.iter().map(|(_, piece)| squeeze(piece)).collect();
            prop_assert_eq!(all, squeeze(&line));
        }

        #[test]
        fn a_cut_fits(line in "[a-z漢é ]{0,80}", columns in 2_usize..40) {
            prop_assert!(width(&cut(&line, columns)) <= columns);
        }
    }

    #[test]
    fn times_and_counts() {
        assert_eq!(ago(200_000, 20_000), "3 m ago");
        assert_eq!(ago(0, 20_000), "just now");
        assert_eq!((span(900_000), span(10_000)), ("15 m".into(), "10.0 s".into()));
        assert_eq!(offset(3_723_000), "1:02:03");
        assert_eq!(offset(65_000), "1:05");
        assert_eq!(large(12_499), "12.4k");
        assert_eq!(large(1_250_000), "1.2M");
        assert_eq!(untab("a\tb\t\tc"), "a   b       c");
        assert_eq!(moment(0), "1970-01-01 00:00:00 UTC");
    }
}
