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
        16 => hex(secret, dice),
        17 => each(secret, entity),
        18 => shell(secret, dice),
        19 => quoted(secret, dice),
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

fn hex(secret: &str, dice: &mut Dice) -> String {
    let between = ["", ":", " "][dice.roll(3)];
    let upper = dice.roll(2) == 0;
    let digit = |b| if upper { format!("{b:02X}") } else { format!("{b:02x}") };
    secret.bytes().map(digit).collect::<Vec<_>>().join(between)
}

fn entity(c: char) -> String {
    match (c, dice_of(c)) {
        ('&', 0) => "&amp;".to_owned(),
        ('<', 0) => "&lt;".to_owned(),
        ('>', 0) => "&gt;".to_owned(),
        ('"', 0) => "&quot;".to_owned(),
        ('&' | '<' | '>' | '"' | '\'', 1) => format!("&#{};", c as u32),
        ('&' | '<' | '>' | '"' | '\'', _) => format!("&#x{:x};", c as u32),
        (c, _) if !c.is_ascii() => format!("&#{};", c as u32),
        (c, _) => c.to_string(),
    }
}

fn shell(secret: &str, dice: &mut Dice) -> String {
    match dice.roll(3) {
        0 => format!("'{}'", secret.replace('\'', r"'\''")),
        1 => format!("$'{}'", secret.replace('\\', r"\\").replace('\'', r"\'")),
        _ => each(secret, |c| match c {
            c if c.is_ascii_alphanumeric() || !c.is_ascii() => c.to_string(),
            c => format!("\\{c}"),
        }),
    }
}

/// As Rust, Python and Go write it.
fn quoted(secret: &str, dice: &mut Dice) -> String {
    match dice.roll(3) {
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
    }
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

/// A record of a session with a secret in it, in whichever form and place.
fn record(secret: &str, dice: &mut Dice) -> String {
    let number = 1 + dice.roll(22);
    let form = variant(number, secret, dice);
    let form = serde_json::to_string(&String::from_utf8_lossy(&form)).unwrap();
    let nested = serde_json::to_string(&format!("{{\"a\":[{form}]}}")).unwrap();
    match dice.roll(6) {
        0 => format!("{{{form}:{{\"x\":1e400,\"y\":null}}}}"),
        1 => format!("{{\"type\":\"delta\",\"delta\":{form},\"n\":0.10}}"),
        2 => format!("[{form},{form},-0,{nested}]"),
        3 => format!("{{\"out\":{nested},\"out\":{form}}}"),
        4 => {
            let number: String = secret.bytes().map(|b| (b % 10).to_string()).collect();
            format!("{{\"id\":1{number},\"text\":\"\\ud800 {}\"}}", &form[1..form.len() - 1])
        }
        _ => format!(" {{ \"deep\" : [[[[{nested}]]]] , \"e\" : {form} }} "),
    }
}

/// How many of so many records are no JSON any more, or tell the secret still, or were changed in
/// number.
fn spoilt(count: usize) -> Vec<String> {
    let secrets = shapes(200);
    let redactors: Vec<Redactor> = secrets.iter().map(|s| Redactor::new(&[s])).collect();
    let mut dice = Dice(0x1234_5678_9abc_def1);
    let mut spoilt = Vec::new();
    for at in (0..count).step_by(4) {
        let (secret, redactor) = (&secrets[at % 200], &redactors[at % 200]);
        let records: Vec<String> = (0..4).map(|_| record(secret, &mut dice)).collect();
        let text = records.join("\n");
        let out = redactor.redact(text.as_bytes()).into_owned();
        let out = String::from_utf8(out).unwrap();
        let valid = |line: &str| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
        if out.lines().count() != 4 || !out.lines().all(valid) || redactor.holds(out.as_bytes()) {
            spoilt.push(format!("{text}\n -> {out}"));
        }
    }
    spoilt
}

/// Text of every kind that agents and tools write, without any secret in it.
fn clean_text(bytes: usize, dice: &mut Dice) -> Vec<u8> {
    let word: Vec<char> = ('a'..='z').collect();
    let any: Vec<char> = (' '..='~').collect();
    let digits: Vec<char> = "0123456789abcdef".chars().collect();
    let mut text = Vec::with_capacity(bytes + 4096);
    while text.len() < bytes {
        let line = match dice.roll(6) {
            0 => {
                let length = dice.roll(300);
                dice.text(&any, length)
            }
            1 => {
                let said: Vec<String> = (0..20)
                    .map(|_| {
                        let length = 1 + dice.roll(9);
                        dice.text(&word, length)
                    })
                    .collect();
                let said = serde_json::to_string(&format!("{}\n\t\"x\"", said.join(" "))).unwrap();
                format!("{{\"type\":\"assistant\",\"text\":{said}}}")
            }
            2 => {
                format!("{{\"trace_id\":\"{}\",\"n\":{}}}", dice.text(&digits, 32), dice.roll(9999))
            }
            3 => {
                let length = 200 + dice.roll(2000);
                let noise: Vec<u8> = (0..length).map(|_| dice.roll(256) as u8).collect();
                format!("{{\"image\":\"{}\"}}", STANDARD.encode(noise))
            }
            4 => format!(
                "\u{1b}[32m+{}\u{1b}[0m %2F {}",
                dice.text(&any, 60),
                dice.text(&digits, 40)
            ),
            _ => format!(
                "/usr/lib/{}/{}.rs:{}: {}",
                dice.text(&word, 8),
                dice.text(&word, 12),
                dice.roll(900),
                "漢字 äöü"
            ),
        };
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    text
}

/// How many bytes of so much text change, with a hundred secrets looked for.
fn changed(bytes: usize) -> usize {
    let redactor = Redactor::new(&shapes(100));
    let mut dice = Dice(0xfeed_beef_cafe_0001);
    let mut changed = 0;
    let mut left = bytes;
    while left > 0 {
        let text = clean_text(left.min(1 << 20), &mut dice);
        left -= left.min(1 << 20);
        if let Cow::Owned(out) = redactor.redact(&text) {
            let differ = out.iter().zip(&text).filter(|(a, b)| a != b).count();
            changed += differ + out.len().abs_diff(text.len());
        }
    }
    changed
}

#[test]
fn no_form_of_no_secret_is_missed_wherever_it_is_cut() {
    let misses = misses(300_000);
    let first = &misses[..misses.len().min(12)];
    assert!(misses.is_empty(), "{} misses:\n{}", misses.len(), first.join("\n"));
}

#[test]
#[ignore = "takes minutes: cargo test --release --lib redact -- --ignored"]
fn no_form_is_missed_in_thirty_million_cases() {
    let misses = misses(30_000_000);
    assert!(misses.is_empty(), "{} misses:\n{}", misses.len(), misses[0]);
}

#[test]
fn a_record_stays_a_record() {
    let spoilt = spoilt(40_000);
    let first = &spoilt[..spoilt.len().min(5)];
    assert!(spoilt.is_empty(), "{} spoilt:\n{}", spoilt.len(), first.join("\n"));
}

#[test]
#[ignore = "takes minutes: cargo test --release --lib redact -- --ignored"]
fn a_million_records_stay_records() {
    let spoilt = spoilt(1_000_000);
    assert!(spoilt.is_empty(), "{} spoilt:\n{}", spoilt.len(), spoilt[0]);
}

#[test]
fn clean_text_stays_as_it_is() {
    assert_eq!(changed(64 << 20), 0);
}

#[test]
#[ignore = "takes minutes: cargo test --release --lib redact -- --ignored"]
fn a_gigabyte_of_clean_text_stays_as_it_is() {
    assert_eq!(changed(1 << 30), 0);
}

#[test]
fn what_is_left_in_place_of_what() {
    #[track_caller]
    fn check(values: &[&str], text: &str, expected: &str) {
        let redactor = Redactor::new(values);
        assert_eq!(String::from_utf8_lossy(&redactor.redact(text.as_bytes())), expected);
    }
    check(&["s3cret-value"], "a s3cret-value b", "a [redacted] b");
    check(&["pass\"word\\1"], r#"{"a":"pass\"word\\1"}"#, r#"{"a":"[redacted]"}"#);
    check(&["p@ss/word+1"], "q=p%40ss%2Fword%2B1&", "q=[redacted]&");
    check(&["sk-ant-sk-ant-Z9"], "sk-ant-sk-ant-sk-ant-Z9", "sk-ant-[redacted]");
    check(&["aabaabaa"], "aabaabaabaa", "[redacted]");
    check(&["1234567890"], r#"{"n":1234567890,"m":2}"#, r#"{"n":"[redacted]","m":2}"#);
    check(&["short"], "short stays", "short stays");
    check(&[], "nothing", "nothing");
    let github = ["ghp", "_aB3dE6gH9jK2mN5pQ8sT"].concat();
    check(&[], &format!("a {github} b"), "a [redacted: a GitHub token] b");
    check(&[&github], &format!("a {github} b"), "a [redacted] b");
    check(&[], &format!(r#"{{"a":"x\n{github}"}}"#), r#"{"a":"x\n[redacted: a GitHub token]"}"#);
}
