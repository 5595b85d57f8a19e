//! Text without what writers and terminals put into it.
//!
//! Programs escape, quote, colour and wrap what they print, alone and one in the other, and a value
//! that came through them is still the value. Taking all of that away gives one form for most of the
//! others: escapes of JSON at any depth, of Python, Rust, Go and shells, `%xx`, entities, terminal
//! colours, white space of any kind, quotes, and all that is not ASCII, for which there are most ways.
//! The same is done to the values, so both lose the same.
//! Only searching uses this form; what is shown is the text as it was, less the places that were found.

use std::ops::Range;

/// How often a place of the one text is remembered for one of the other.
const STRIDE: usize = 2048;
/// The longest entity: `&#x10ffff;`.
const ENTITY: usize = 10;

/// A text in its plain form, and where what came from.
pub struct Plain<'t> {
    from: &'t [u8],
    pub text: Vec<u8>,
    /// Places in `from` and in `text` that belong together.
    stations: Vec<(usize, usize)>,
}

/// What is done with a byte.
const KEPT: u8 = 0;
const DROPPED: u8 = 1;
/// It may begin something longer.
const SPECIAL: u8 = 2;

const fn kinds() -> [u8; 256] {
    let mut kinds = [KEPT; 256];
    let dropped = b" \t\r\n\x0b\x0c\0\"'";
    let mut at = 0;
    while at < dropped.len() {
        kinds[dropped[at] as usize] = DROPPED;
        at += 1;
    }
    at = 0x80;
    while at < kinds.len() {
        kinds[at] = DROPPED;
        at += 1;
    }
    let special = b"\\%&\x1b";
    at = 0;
    while at < special.len() {
        kinds[special[at] as usize] = SPECIAL;
        at += 1;
    }
    kinds
}

static KINDS: [u8; 256] = kinds();

impl<'t> Plain<'t> {
    pub fn of(from: &'t [u8]) -> Self {
        // Nothing gets longer by being made plain; a byte more lets the last write go anywhere.
        let mut text = vec![0; from.len() + 1];
        let mut stations = vec![(0, 0)];
        let (mut at, mut to) = (0, 0);
        while at < from.len() {
            let until = from.len().min(at + STRIDE);
            while at < until {
                let byte = from[at];
                let kind = KINDS[byte as usize];
                if kind == SPECIAL {
                    let token = Token::read(&from[at..]);
                    to += token.write(&mut text[to..]);
                    at += token.len;
                    continue;
                }
                text[to] = byte;
                to += usize::from(kind == KEPT);
                at += 1;
            }
            stations.push((at, to));
        }
        text.truncate(to);
        Self { from, text, stations }
    }

    /// The part of the original that a part of the plain text came from.
    pub fn origin(&self, place: &Range<usize>) -> Range<usize> {
        let near = self.stations.partition_point(|(_, to)| *to <= place.start) - 1;
        let (mut at, mut to) = self.stations[near];
        let mut start = None;
        let mut scratch = [0; 8];
        while at < self.from.len() {
            let token = Token::read(&self.from[at..]);
            let wrote = token.write(&mut scratch);
            if wrote > 0 && to + wrote > place.start {
                start = start.or(Some(at));
            }
            at += token.len;
            to += wrote;
            if to >= place.end {
                break;
            }
        }
        start.unwrap_or(at)..at
    }
}

/// The plain form of a text that is all there is.
pub fn plain(text: &[u8]) -> Vec<u8> {
    Plain::of(text).text
}

/// The smallest part of a text that means something by itself.
struct Token {
    len: usize,
    /// What it stands for, where that counts.
    means: Option<u8>,
}

impl Token {
    /// `text` is not empty.
    fn read(text: &[u8]) -> Self {
        let token = match text[0] {
            b'\\' => Some(escape(text)),
            b'%' => text.get(1..3).and_then(number::<16>).map(|n| Self::of(3, n)),
            b'&' => entity(text),
            0x1b => Some(Self { len: sequence(text), means: None }),
            _ => None,
        };
        token.unwrap_or(Self::of(1, text[0].into()))
    }

    fn of(len: usize, code: u32) -> Self {
        let byte = u8::try_from(code).ok();
        let means = byte.filter(|b| KINDS[usize::from(*b)] != DROPPED && *b != b'\\');
        Self { len, means }
    }

    /// Writes what it stands for, and says how many bytes that are.
    fn write(&self, to: &mut [u8]) -> usize {
        match self.means {
            None => 0,
            Some(byte) => {
                to[0] = byte;
                1
            }
        }
    }
}

/// One or more backslashes, each but the last of which escapes one after it, and what they escape.
fn escape(text: &[u8]) -> Token {
    let run = text.iter().take_while(|byte| **byte == b'\\').count();
    let rest = &text[run..];
    let nothing = |more: usize| Token { len: run + more, means: None };
    match rest.first() {
        Some(b'n' | b'r' | b't') => nothing(1),
        Some(b'e') if rest.get(1) == Some(&b'[') => nothing(1 + sequence_after(&rest[1..])),
        Some(b'x') => match rest.get(1..3).and_then(number::<16>) {
            Some(0x1b) => nothing(3 + sequence_after(&rest[3..])),
            Some(n) => Token::of(run + 3, n),
            None => nothing(0),
        },
        Some(b'0'..=b'3') => match rest.get(..3).and_then(number::<8>) {
            Some(0x1b) => nothing(3 + sequence_after(&rest[3..])),
            Some(n) => Token::of(run + 3, n),
            None => nothing(0),
        },
        Some(b'u') => match unicode(&rest[1..]) {
            Some((len, 0x1b)) => nothing(1 + len + sequence_after(&rest[1 + len..])),
            Some((len, n)) => Token::of(run + 1 + len, n),
            None => nothing(0),
        },
        Some(b'U') => match rest.get(1..9).and_then(number::<16>) {
            Some(n) => Token::of(run + 9, n),
            None => nothing(0),
        },
        _ => nothing(0),
    }
}

/// What follows `\u`: four digits, or digits in braces. Half a surrogate is not ASCII either.
fn unicode(text: &[u8]) -> Option<(usize, u32)> {
    if text.first() == Some(&b'{') {
        let close = text.iter().take(9).position(|byte| *byte == b'}')?;
        return Some((close + 1, number::<16>(&text[1..close])?));
    }
    Some((4, number::<16>(text.get(..4)?)?))
}

fn entity(text: &[u8]) -> Option<Token> {
    let end = text.iter().take(ENTITY).position(|byte| *byte == b';')?;
    let code = match &text[1..end] {
        b"amp" => u32::from(b'&'),
        b"lt" => u32::from(b'<'),
        b"gt" => u32::from(b'>'),
        b"quot" => u32::from(b'"'),
        b"apos" => u32::from(b'\''),
        [b'#', b'x' | b'X', digits @ ..] => number::<16>(digits)?,
        [b'#', digits @ ..] => number::<10>(digits)?,
        _ => return None,
    };
    Some(Token::of(end + 1, code))
}

/// The length of a terminal's control sequence that begins with an escape.
fn sequence(text: &[u8]) -> usize {
    1 + sequence_after(&text[1..])
}

/// The length of the rest of it: `[`, parameters, a letter.
fn sequence_after(text: &[u8]) -> usize {
    if text.first() != Some(&b'[') {
        return 0;
    }
    let parameters = text[1..].iter().take_while(|byte| matches!(byte, b' '..=b'?')).count();
    let last = text.get(1 + parameters).is_some_and(|byte| matches!(byte, b'@'..=b'~'));
    1 + parameters + usize::from(last)
}

fn number<const RADIX: u32>(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |n, digit| {
        Some(n * u64::from(RADIX) + u64::from(char::from(*digit).to_digit(RADIX)?))
    })?;
    u32::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_writers_add_goes() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(String::from_utf8_lossy(&plain(text.as_bytes())), expected, "{text:?}");
        }
        check("a b\nc", "abc");
        check(r#"{"a":"x\ny\\\"z"}"#, "{a:xyz}");
        check(r"p\u0061ss \\u0026 \u{fc}\u{7a} \xe4ä\U00000041", "pass&zA");
        check(r"\ud83d\ude00 \\ud83d\\ude00x", "x");
        check("p%40ss%2Fw%zz", "p@ss/w%zz");
        check("&lt;a&#38;b&#x26;&amp;c&d;", "<a&b&&c&d;");
        check("\u{1b}[31mre\u{1b}[0md \\u001b[1mx\\x1b[0my\\033[0mz\\e[0m", "redxyz");
        check(r"it'\''s $'q\101'", "its$qA");
        check("s\0e\0c\0", "sec");
        check("100% \\", "100%");
    }

    proptest! {
        #[test]
        fn places_lead_back(text in r#"([a-z%&;#\\"' \n]|\\u00e4|\\n|ä|\x1b\[1m){0,80}"#) {
            let plain = Plain::of(text.as_bytes());
            for start in 0..plain.text.len() {
                for end in start + 1..=plain.text.len() {
                    let origin = plain.origin(&(start..end));
                    // Cut out alone, it means the same, unless it was cut within a character.
                    let part = super::plain(&text.as_bytes()[origin.clone()]);
                    let wanted = &plain.text[start..end];
                    prop_assert!(
                        part.windows(wanted.len()).any(|window| window == wanted),
                        "{:?} {:?} {:?}", &text[..], origin, wanted
                    );
                }
            }
        }
    }
}
