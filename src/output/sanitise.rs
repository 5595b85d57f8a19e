//! The one door for text we did not write: worker output, prompts, file names, other programs'
//! messages.
//!
//! An allow-list. What comes out holds only printable Unicode, spaces, newlines and tabs; anything
//! else is shown as `\x1b` or `\u{202e}` instead of being obeyed: control characters of both sets,
//! overrides of the writing direction, characters without a shape (zero-width ones, tags, fillers,
//! variation selectors that select nothing), private and unassigned ones. Joiners inside emoji are
//! shown too: a terminal cannot be trusted to agree with us on how wide the joined sign is. Of marks
//! that stand on one character only so many are let through, since a heap of them covers the lines
//! above. Going through the door twice changes nothing.

use std::borrow::Cow;

/// The most marks on one character; no writing system needs more.
const MARKS: usize = 4;

/// Text of several lines: newlines and tabs stay, `\r\n` becomes a newline.
pub fn text(untrusted: &str) -> Cow<'_, str> {
    clean(untrusted, Lines::Many)
}

/// A field of one line: newlines and tabs are shown as well.
pub fn line(untrusted: &str) -> Cow<'_, str> {
    clean(untrusted, Lines::One)
}

/// Whether a character has a shape of its own that every terminal merely draws.
pub fn is_shown(c: char) -> bool {
    match c {
        // The common ranges without a hole, so that ordinary text never reaches the tables.
        ' '..='~'
        | '\u{a1}'..='\u{ac}'
        | '\u{ae}'..='\u{24f}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' => true,
        // Printable by their category, yet nothing is to be seen of them: fillers, joiners,
        // variation selectors; and the separators that some take for a newline.
        '\u{34f}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{2028}'..='\u{2029}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}'
        | '\u{e0100}'..='\u{e01ef}' => false,
        c if c.is_whitespace() => !c.is_control(),
        c => has_shape(c),
    }
}

/// The standard library's own table, which leaves out everything of the categories C and Z. It is
/// reached through `escape_debug` of a second character, because a combining mark in first place is
/// escaped whatever it is.
fn has_shape(c: char) -> bool {
    let mut buffer = [b'a'; 5];
    let length = c.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..=length]).is_ok_and(|text| text.escape_debug().nth(2).is_none())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

fn clean(text: &str, lines: Lines) -> Cow<'_, str> {
    let mut before = None;
    let Some(first) = next_bad(text, lines, &mut before) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 16);
    let (mut rest, mut at) = (text, first);
    loop {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(bad) = rest.chars().next() else { break };
        // A carriage return before a newline is only another way of ending the line.
        if !(bad == '\r' && rest[1..].starts_with('\n') && lines == Lines::Many) {
            escape(bad, &mut out);
        }
        rest = &rest[bad.len_utf8()..];
        before = None;
        let Some(next) = next_bad(rest, lines, &mut before) else {
            out.push_str(rest);
            break;
        };
        at = next;
    }
    Cow::Owned(out)
}

/// Where the next character is that must not go out as it is. `before` is what stood in front.
fn next_bad(text: &str, lines: Lines, before: &mut Option<char>) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut marks) = (0, 0);
    while at < bytes.len() {
        let plain = bytes[at..].iter().take_while(|b| matches!(b, b' '..=b'~')).count();
        if plain > 0 {
            at += plain;
            marks = 0;
            *before = Some(char::from(bytes[at - 1]));
            continue;
        }
        let c = text[at..].chars().next()?;
        let fine = match c {
            '\n' | '\t' => lines == Lines::Many,
            // Text or emoji style, once, for a sign that may have both.
            '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(takes_style),
            c => is_shown(c),
        };
        marks = if unicode_width::UnicodeWidthChar::width(c) == Some(0) { marks + 1 } else { 0 };
        if !fine || marks > MARKS {
            return Some(at);
        }
        *before = Some(c);
        at += c.len_utf8();
    }
    None
}

fn takes_style(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*' | '\u{a9}' | '\u{ae}')
        || matches!(c, '\u{203c}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

fn escape(c: char, out: &mut String) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = match c {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\0'..='\u{9f}' => write!(out, "\\x{:02x}", u32::from(c)),
        _ => write!(out, "\\u{{{:x}}}", u32::from(c)),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a terminal does with text, as far as it matters here: does it obey anything?
    fn obeys(text: &str) -> Option<char> {
        text.chars().find(|&c| {
            let code = u32::from(c);
            let c0 = code < 0x20 && c != '\n' && c != '\t';
            let c1 = (0x7f..=0x9f).contains(&code);
            let direction =
                matches!(code, 0x61c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069);
            let unseen = matches!(code, 0xad | 0x180e | 0x200b..=0x200d | 0x2060..=0x2064 | 0xfeff);
            let lines = matches!(code, 0x2028 | 0x2029);
            let private = matches!(code, 0xe000..=0xf8ff | 0xf0000..);
            let tags = (0xe0000..=0xe0fff).contains(&code);
            c0 || c1 || direction || unseen || lines || private || tags
        })
    }

    fn hostile() -> impl Strategy<Value = String> {
        let sign = prop_oneof![
            any::<char>(),
            proptest::char::range('\0', '\u{ff}'),
            proptest::char::range('\u{2000}', '\u{20ff}'),
            proptest::char::range('\u{fe00}', '\u{feff}'),
            proptest::char::range('\u{e0000}', '\u{e01ff}'),
            Just('\r'),
            Just('\n'),
            Just('\u{1b}'),
            Just('\u{2764}'),
        ];
        prop::collection::vec(sign, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_comes_out(untrusted in hostile()) {
            let shown = text(&untrusted);
            prop_assert_eq!(obeys(&shown), None);
            prop_assert_eq!(text(&shown), shown.clone(), "twice is once");
            let one = line(&untrusted);
            prop_assert_eq!(obeys(&one), None);
            prop_assert!(!one.contains(['\n', '\t']));
            prop_assert_eq!(line(&one), one.clone());
        }

        #[test]
        fn ordinary_text_is_lent(ordinary in "[ -~äöü漢字€✓…\n\t]{0,60}") {
            prop_assert!(matches!(text(&ordinary), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn every_character_there_is() {
        for c in '\0'..=char::MAX {
            let mut buffer = [0; 4];
            let shown = text(c.encode_utf8(&mut buffer));
            assert_eq!(obeys(&shown), None, "{:x}", u32::from(c));
            assert_eq!(text(&shown), shown);
        }
    }

    #[test]
    fn what_is_seen() {
        #[track_caller]
        fn check(untrusted: &str, many: &str, one: &str) {
            assert_eq!(text(untrusted), many);
            assert_eq!(line(untrusted), one);
        }
        check("plain", "plain", "plain");
        check("\u{1b}[31mred", "\\x1b[31mred", "\\x1b[31mred");
        check("\u{1b}]8;;http://e\u{7}x", "\\x1b]8;;http://e\\x07x", "\\x1b]8;;http://e\\x07x");
        check("a\r\nb\rc", "a\nb\\rc", "a\\r\\nb\\rc");
        check("a\tb", "a\tb", "a\\tb");
        check("\u{9b}2J\u{7f}", "\\x9b2J\\x7f", "\\x9b2J\\x7f");
        check("user\u{202e}txt.exe", "user\\u{202e}txt.exe", "user\\u{202e}txt.exe");
        check("pass\u{200b}word", "pass\\u{200b}word", "pass\\u{200b}word");
        check("x\u{e0041}", "x\\u{e0041}", "x\\u{e0041}");
        check(
            "❤\u{fe0f}\u{fe0f} a\u{fe0f}",
            "❤\u{fe0f}\\u{fe0f} a\\u{fe0f}",
            "❤\u{fe0f}\\u{fe0f} a\\u{fe0f}",
        );
        check("e\u{301} 漢字 \u{a0}¡", "e\u{301} 漢字 \u{a0}¡", "e\u{301} 漢字 \u{a0}¡");
        check("\u{feff}{", "\\u{feff}{", "\\u{feff}{");
        let heap = format!("a{}b", "\u{301}".repeat(6));
        // What comes after one that is shown stands on that.
        let shown = format!("a{}\\u{{301}}\u{301}b", "\u{301}".repeat(4));
        check(&heap, &shown, &shown);
    }
}
