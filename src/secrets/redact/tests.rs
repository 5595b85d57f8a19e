//! What redaction is held to: the table of forms, cut everywhere; records that stay valid; text that
//! stays as it is. The large counts are those of `tests/redaction`, which runs the same code for longer.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A generator of numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 20) % sides as u64) as usize
    }

    fn text(&mut self, alphabet: &[char], length: usize) -> String {
        (0..length).map(|_| alphabet[self.roll(alphabet.len())]).collect()
    }
}

/// Secrets of many shapes; half of them begin as they end, so that they overlap themselves.
fn shapes(count: usize) -> Vec<String> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let word: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    let sign: Vec<char> = word.iter().copied().chain("-_./+=~!@#$^*(){}[];:,?|".chars()).collect();
    let hard: Vec<char> = sign.iter().copied().chain("\"'\\<>&%\\\"'& ".chars()).collect();
    let wide: Vec<char> = hard.iter().copied().chain("äßéπ漢😀".chars()).collect();
    (0..count)
        .map(|at| {
            let alphabet = [&word, &sign, &hard, &wide][at % 4];
            let length = 12 + dice.roll(if at % 10 == 0 { 200 } else { 50 });
            if at % 8 < 4 {
                return dice.text(alphabet, length).trim().to_owned() + "Zq7";
            }
            let edge = 2 + dice.roll(6);
            let border = dice.text(&word, edge);
            let middle = dice.text(alphabet, length);
            format!("{border}{middle}{border}")
        })
        .collect()
}

const VARIANTS: usize = 24;

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn each(secret: &str, write: impl Fn(char) -> String) -> String {
    secret.chars().map(write).collect()
}

fn bytes(secret: &str, write: impl Fn(u8) -> String) -> String {
    secret.bytes().map(write).collect()
}

fn utf16(secret: &str) -> String {
    each(secret, |c| {
        let mut units = [0; 2];
        c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

fn percent(secret: &str, upper: bool, form: bool) -> String {
    bytes(secret, |b| match b {
        b' ' if form => "+".to_owned(),
        b if b.is_ascii_alphanumeric() || b"-._".contains(&b) => char::from(b).to_string(),
        b if upper => format!("%{b:02X}"),
        b => format!("%{b:02x}"),
    })
}

/// Base64 of the secret behind so many other bytes, less what those decide.
fn aligned(secret: &str, lead: usize, url: bool) -> String {
    let whole = format!("{}{secret}", &"zyx"[..lead]);
    let encoded = if url { URL_SAFE_NO_PAD.encode(&whole) } else { STANDARD.encode(whole) };
    encoded.trim_end_matches('=').to_owned()
}

fn wrapped(text: &str, width: usize, between: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let lines: Vec<String> = chars.chunks(width).map(|line| line.iter().collect()).collect();
    lines.join(between)
}

/// One of the 24 forms of a secret; `dice` chooses where there is a choice.
fn variant(number: usize, secret: &str, dice: &mut Dice) -> Vec<u8> {
    let text = match number {
        1 => secret.to_owned(),
        2 => json(secret),
        3 => json(&json(secret)),
        4 => json(&json(&json(secret))),
        5 if dice.roll(2) == 0 => utf16(secret),
        5 => each(secret, |c| match c {
            '&' | '<' | '>' | '\'' => format!("\\u{:04x}", c as u32),
            c if c.is_ascii() => json(&c.to_string()),
            c => utf16(&c.to_string()),
        }),
        6 => percent(secret, true, false),
        7 => percent(secret, false, false),
        8 => percent(secret, true, true),
        9..=11 => aligned(secret, number - 9, false),
        12..=14 => aligned(secret, number - 12, true),
        15 => wrapped(&aligned(secret, 0, false), 16, ["\n", "\\n", "\r\n"][dice.roll(3)]),
        16 => {
            let between = ["", ":", " "][dice.roll(3)];
            let upper = dice.roll(2) == 0;
            let digits: Vec<String> = secret
                .bytes()
                .map(|b| if upper { format!("{b:02X}") } else { format!("{b:02x}") })
                .collect();
            digits.join(between)
        }
        17 => each(secret, |c| match (c, dice_of(c)) {
            ('&', 0) => "&amp;".to_owned(),
            ('<', 0) => "&lt;".to_owned(),
            ('>', 0) => "&gt;".to_owned(),
            ('"', 0) => "&quot;".to_owned(),
            ('&' | '<' | '>' | '"' | '\'', 1) => format!("&#{};", c as u32),
            ('&' | '<' | '>' | '"' | '\'', _) => format!("&#x{:x};", c as u32),
            (c, _) if !c.is_ascii() => format!("&#{};", c as u32),
            (c, _) => c.to_string(),
        }),
        18 => match dice.roll(3) {
            0 => format!("'{}'", secret.replace('\'', r"'\''")),
            1 => format!("$'{}'", secret.replace('\\', r"\\").replace('\'', r"\'")),
            _ => each(secret, |c| match c {
                c if c.is_ascii_alphanumeric() || !c.is_ascii() => c.to_string(),
                c => format!("\\{c}"),
            }),
        },
        19 => match dice.roll(3) {
            0 => format!("{secret:?}"),
            1 => each(secret, |c| match c {
                '\'' | '\\' => format!("\\{c}"),
                c if c.is_ascii() => c.to_string(),
                c if (c as u32) < 0x100 => format!("\\x{:02x}", c as u32),
                c if (c as u32) < 0x1_0000 => format!("\\u{:04x}", c as u32),
                c => format!("\\U{:08x}", c as u32),
            }),
            _ => bytes(secret, |b| match b {
                b'"' | b'\\' => format!("\\{}", char::from(b)),
                b if b.is_ascii() => char::from(b).to_string(),
                b => format!("\\x{b:02x}"),
            }),
        },
        20 => {
            let run = [" ", "\n", "\r\n", "\r\r\n", "  \n  ", "\t"][dice.roll(6)];
            let at = dice.roll(secret.chars().count() - 2) + 1;
            wrapped(secret, at, run)
        }
        21 => {
            let color = ["\u{1b}[31m", "\u{1b}[1;38;5;12m", "\\u001b[0m", "\\x1b[0;1m", "\\033[m"];
            let color = color[dice.roll(5)];
            wrapped(secret, 1 + dice.roll(8), color)
        }
        22 => wrapped(secret, 20, "\n"),
        23 => {
            let units = secret.encode_utf16();
            return match dice.roll(2) {
                0 => units.flat_map(u16::to_le_bytes).collect(),
                _ => units.flat_map(u16::to_be_bytes).collect(),
            };
        }
        _ => secret.to_owned(),
    };
    text.into_bytes()
}

/// Chooses by the character, since a closure cannot roll.
fn dice_of(c: char) -> u32 {
    (c as u32) % 3
}

/// As the supervisor copies output: whole lines, as they come, and the last of them held back where
/// they may not be whole.
fn streamed(redactor: &Redactor, writes: &[&[u8]]) -> Vec<u8> {
    let (mut out, mut before, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    for (at, write) in writes.iter().enumerate() {
        waiting.extend_from_slice(write);
        let last = at + 1 == writes.len();
        let whole = match last {
            true => waiting.len(),
            false => memchr::memrchr(b'\n', &waiting).map_or(0, |newline| newline + 1),
        };
        if whole == 0 {
            continue;
        }
        let lines = &waiting[..whole];
        let text = lines.strip_suffix(b"\n").unwrap_or(lines);
        let held = if last { 0 } else { redactor.unfinished(&before, text) };
        let ready = whole - if held == 0 { 0 } else { held + lines.len() - text.len() };
        out.extend_from_slice(&redactor.redact_after(&before, &waiting[..ready]));
        before.extend_from_slice(&waiting[..ready]);
        waiting.drain(..ready);
    }
    out
}

/// Whether something of the secret is left: eight bytes in a row of the form that it had.
fn leak(out: &[u8], form: &[u8]) -> Option<String> {
    let spaces = |b: &&u8| !b.is_ascii_whitespace();
    let out: Vec<u8> = out.iter().filter(spaces).copied().collect();
    let form: Vec<u8> = form.iter().filter(spaces).copied().collect();
    let window = 8.min(form.len());
    let found = form.windows(window).find(|part| memchr::memmem::find(&out, part).is_some());
    found.map(|part| String::from_utf8_lossy(part).into_owned())
}

/// Cases of the table: every form of every secret, whole and cut once and twice into writes, in a line
/// of its own, in prose and in a JSON record; the 24th form as pieces of streamed text.
fn misses(cases: usize) -> Vec<String> {
    let secrets = shapes(200);
    let redactors: Vec<Redactor> = secrets.iter().map(|s| Redactor::new(&[s])).collect();
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let mut misses = Vec::new();
    for case in 0..cases {
        let (which, number) = (case % 200, (case / 200) % VARIANTS + 1);
        let (secret, redactor) = (&secrets[which], &redactors[which]);
        let form = variant(number, secret, &mut dice);
        let (text, shown) = match number {
            24 => pieces(secret, &mut dice),
            _ => (around(&form, &mut dice), form.clone()),
        };
        let mut cuts = [dice.roll(text.len() + 1), dice.roll(text.len() + 1)];
        cuts.sort_unstable();
        let writes = [&text[..cuts[0]], &text[cuts[0]..cuts[1]], &text[cuts[1]..]];
        let out = streamed(redactor, &writes);
        let (said, shown) = match number {
            21 => (plain::plain(&out), plain::plain(secret.as_bytes())),
            24 => (said(&out), shown),
            _ => (out.clone(), shown),
        };
        if let Some(left) = leak(&said, &shown) {
            let (text, out) = (String::from_utf8_lossy(&text), String::from_utf8_lossy(&out));
            misses.push(format!(
                "{number} of {secret:?}, cut at {cuts:?}: {left:?}\n in {text:?}\nout {out:?}"
            ));
        }
    }
    misses
}

/// Something that a worker may write with the form in it.
fn around(form: &[u8], dice: &mut Dice) -> Vec<u8> {
    let json = std::str::from_utf8(form).ok().map(|form| serde_json::to_string(form).unwrap());
    match (dice.roll(4), json) {
        (0, _) => [form, b"\n"].concat(),
        (1, _) => [b"the key is (", form, b"), do not tell\nnext line\n"].concat(),
        (2, Some(json)) => {
            format!("{{\"type\":\"x\",\"text\":{json}}}\n{{\"n\":1}}\n").into_bytes()
        }
        (3, Some(json)) => {
            let inner = format!("{{\"out\":{json},\"code\":0}}");
            let inner = serde_json::to_string(&inner).unwrap();
            format!("{{\"result\":[{inner}],{json}:1.50}}\n").into_bytes()
        }
        _ => [b"\n> ", form, b"\n\n"].concat(),
    }
}

/// The secret streamed in up to four pieces, beside another text.
fn pieces(secret: &str, dice: &mut Dice) -> (Vec<u8>, Vec<u8>) {
    let chars: Vec<char> = format!("say {secret} now").chars().collect();
    let mut cuts: Vec<usize> = (0..3).map(|_| dice.roll(chars.len() + 1)).collect();
    cuts.extend([0, chars.len()]);
    cuts.sort_unstable();
    let lines = cuts.windows(2).map(|cut| {
        let part: String = chars[cut[0]..cut[1]].iter().collect();
        let part = serde_json::to_string(&part).unwrap();
        format!(
            "{{\"type\":\"delta\",\"index\":1,\"delta\":{{\"text\":{part}}}}}\n\
             {{\"type\":\"delta\",\"index\":2,\"delta\":{{\"text\":\"other\"}}}}\n"
        )
    });
    (lines.collect::<String>().into_bytes(), secret.as_bytes().to_vec())
}

/// The streamed text, put together.
fn said(out: &[u8]) -> Vec<u8> {
    let lines = std::str::from_utf8(out).unwrap().lines();
    let texts = lines.filter_map(|line| {
        let value: serde_json::Value = serde_json::from_str(line).expect(line);
        (value["index"] == 1).then(|| value["delta"]["text"].as_str().unwrap().to_owned())
    });
    texts.collect::<String>().into_bytes()
}

#[test]
fn no_form_of_no_secret_is_missed_wherever_it_is_cut() {
    let misses = misses(30_000);
    assert!(
        misses.is_empty(),
        "{} misses:\n{}",
        misses.len(),
        misses[..misses.len().min(12)].join("\n")
    );
}
