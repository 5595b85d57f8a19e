//! (r) Taking a hundred secrets out of text: the product's own code, built into this program, beside an
//! automaton of the same patterns and a copy.

// `crate::domain` and `crate::secrets` are what that code calls its neighbours.
#[expect(dead_code, unused_imports, reason = "only a part of it is measured")]
#[path = "../../src/secrets/redact/mod.rs"]
mod redact;

use super::rig::{Rig, pairs};
use super::table::{Aim, Row, Unit};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use anyhow::{Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use redact::Redactor;
use std::fmt::Write as _;
use std::hint::black_box;

const SECRETS: usize = 100;
const ROUNDS: usize = 5;
const SIZE: usize = 64 << 20;
/// As much at once as the supervisor copies.
const STRETCH: usize = 1 << 20;
const SPEED: f64 = 200.0;
const WHOLE: f64 = 80.0;
const TABLES: f64 = 8.0;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 20) % sides as u64) as usize
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(alphabet[self.roll(alphabet.len())])).collect()
    }
}

const WORD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

pub fn measure(rig: &mut Rig) -> Result<()> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let secrets: Vec<String> = (0..SECRETS)
        .map(|at| format!("{}-{}", dice.text(b"abcdefgh", 4), dice.text(WORD, 20 + at % 60)))
        .collect();
    let redactor = Redactor::new(&secrets);
    let automaton = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(secrets.iter().flat_map(|secret| redact::forms::of(secret)))?;
    for (kind, text) in [
        ("records", records(&mut dice, &[])),
        ("prose", prose(&mut dice)),
        ("base64", base64(&mut dice)),
    ] {
        let ours = || clean(&redactor, &text);
        let floor = || Ok(speed(|part| black_box(automaton.is_match(part)), &text));
        let both = pairs(ROUNDS, ours, floor)?;
        let title = format!("(r) {SECRETS} secrets, clean {kind}");
        rig.rows.push(Row::of(&title, Unit::Speed, &both, "an automaton", Aim::Above(SPEED)));
    }
    // One line in ten holds one, so the whole path is gone: found, parsed, cleaned, written.
    let text = records(&mut dice, &secrets);
    let ours = || Ok(speed(|part| redactor.redact(part).len(), &text));
    let copied = || Ok(speed(<[u8]>::to_vec, &text));
    let both = pairs(ROUNDS, ours, copied)?;
    let title = format!("(r) {SECRETS} secrets, one in ten records has one");
    rig.rows.push(Row::of(&title, Unit::Speed, &both, "a copy", Aim::Above(WHOLE)));
    let tables = [&redactor.raw, &redactor.plain].map(|sieve| {
        let patterns = sieve.patterns.iter().map(|(_, pattern)| pattern.len() + 24);
        sieve.shifts.len() + patterns.sum::<usize>()
    });
    let size = tables.iter().sum::<usize>() as f64 / f64::from(1 << 20);
    let title = format!("(r) tables of {SECRETS} secrets");
    rig.rows.push(Row::alone(&title, Unit::MiB, size, Aim::Below(TABLES)));
    Ok(())
}

/// Megabytes a second of one core; fails where anything changed.
fn clean(redactor: &Redactor, text: &[u8]) -> Result<f64> {
    let mut changed = 0;
    let speed = speed(
        |part| {
            let borrowed = matches!(redactor.redact(part), std::borrow::Cow::Borrowed(_));
            changed += usize::from(!borrowed);
        },
        text,
    );
    ensure!(changed == 0, "clean text was changed");
    Ok(speed)
}

fn speed<T>(mut work: impl FnMut(&[u8]) -> T, text: &[u8]) -> f64 {
    let began = processor_time();
    for part in text.chunks(STRETCH) {
        black_box(work(black_box(part)));
    }
    text.len() as f64 / 1e6 / (processor_time() - began)
}

/// Of this process, in seconds: what other programs do meanwhile does not count.
fn processor_time() -> f64 {
    let used = getrusage(UsageWho::RUSAGE_SELF).map(|used| (used.user_time(), used.system_time()));
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    used.map_or(0.0, |(user, system)| seconds(user) + seconds(system))
}

fn records(dice: &mut Dice, secrets: &[String]) -> Vec<u8> {
    let mut text = String::new();
    while text.len() < SIZE {
        let words: Vec<String> = (0..40)
            .map(|_| {
                let length = 1 + dice.roll(9);
                dice.text(b"abcdefghijklmnopqrstuvwxyz", length)
            })
            .collect();
        let secret = match dice.roll(10) {
            0 if !secrets.is_empty() => secrets[dice.roll(secrets.len())].as_str(),
            _ => "nothing",
        };
        let id = dice.text(b"0123456789abcdef", 32);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{{\"type\":\"tool_result\",\"id\":\"{id}\",\"output\":\"{}\\n\\t{secret}\\n\",\"n\":{}}}",
            words.join(" "),
            dice.roll(10_000)
        );
    }
    text.into_bytes()
}

fn prose(dice: &mut Dice) -> Vec<u8> {
    let mut text = String::new();
    while text.len() < SIZE {
        let length = 1 + dice.roll(9);
        text.push_str(&dice.text(b"abcdefghijklmnopqrstuvwxyz", length));
        text.push(if dice.roll(12) == 0 { '\n' } else { ' ' });
    }
    text.into_bytes()
}

fn base64(dice: &mut Dice) -> Vec<u8> {
    let mut text = String::new();
    while text.len() < SIZE {
        let picture =
            dice.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 4000);
        let _ = writeln!(text, "{{\"image\":\"{picture}\"}}");
    }
    text.into_bytes()
}
