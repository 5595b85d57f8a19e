//! Transcripts, streams and output of a realistic shape, of any size.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

const WORDS: [&str; 24] = [
    "trace",
    "span",
    "checkout",
    "refund",
    "latency",
    "tool",
    "the",
    "call",
    "failed",
    "with",
    "a",
    "timeout",
    "after",
    "retry",
    "of",
    "payment",
    "gateway",
    "model",
    "answered",
    "in",
    "\"quoted\"",
    "src/agent/router.py",
    "line",
    "größer",
];

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % sides
    }

    fn text(&mut self, words: usize, line: usize) -> String {
        let mut text = String::new();
        for at in 0..words {
            text.push_str(WORDS[self.roll(WORDS.len())]);
            text.push(if at % line == line - 1 { '\n' } else { ' ' });
        }
        text
    }
}

/// A stored transcript of about so many bytes, in steps of a coding agent: it thinks, calls a tool,
/// reads its output, says something. Gives the number of events.
pub fn transcript(path: &Path, bytes: u64) -> Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    let (mut dice, mut seq, mut written) = (Dice(7), 0, 0);
    while written < bytes {
        let id = format!("toolu_{:012}", seq / 5);
        let kinds = [
            json!({"kind": "thinking", "text": dice.text(60, 20)}),
            json!({"kind": "tool_call", "id": id, "name": "Bash",
                   "input": {"command": format!("rg -n '{}' src", dice.text(3, 9)), "timeout": 120}}),
            json!({"kind": "tool_result", "id": id, "output": dice.text(900, 12), "is_error": false}),
            json!({"kind": "assistant", "text": dice.text(300, 18)}),
            json!({"kind": "usage", "input_tokens": 12_000, "output_tokens": dice.roll(900),
                   "cache_read_tokens": 90_000, "cache_write_tokens": 1_200, "cost_usd": 0.0312}),
        ];
        for kind in kinds {
            seq += 1;
            let mut event =
                json!({"n": seq, "seq": seq, "turn": 1, "at": 1_795_179_684_685_u64 + seq * 40});
            let (Value::Object(event), Value::Object(kind)) = (&mut event, kind) else { continue };
            event.extend(kind);
            let line = serde_json::to_string(event)?;
            written += line.len() as u64 + 1;
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    Ok(seq)
}

/// Plain lines of a program that talks much.
pub fn lines(path: &Path, bytes: u64) -> Result<u64> {
    let mut dice = Dice(11);
    let text: Vec<String> = (0..2000)
        .map(|_| {
            let words = 8 + dice.roll(24);
            dice.text(words, usize::MAX)
        })
        .collect();
    repeat(path, bytes, &text, &[], &[])
}

/// What Claude Code prints with `--output-format stream-json`: a recorded conversation over and
/// over, with tool output of a few kilobytes.
pub fn claude(path: &Path, bytes: u64) -> Result<u64> {
    const RECORDED: &str = include_str!("../../tests/streams/claude/first.jsonl");
    let mut dice = Dice(13);
    let (mut before, mut middle, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for line in RECORDED.lines() {
        let mut line: Value = serde_json::from_str(line)?;
        if line["type"] == "user" {
            let output = dice.text(400, 12);
            line["message"]["content"][0]["content"] = json!(output);
            line["tool_use_result"] = json!({"stdout": output, "stderr": "", "interrupted": false});
        }
        let text = serde_json::to_string(&line)?;
        match line["type"].as_str() {
            Some("assistant" | "user") => middle.push(text),
            Some("result") => after.push(text),
            _ if middle.is_empty() => before.push(text),
            _ => {}
        }
    }
    repeat(path, bytes, &middle, &before, &after)
}

/// Writes some lines once, others over and over, and some at the end; gives the size.
fn repeat(
    path: &Path,
    bytes: u64,
    lines: &[String],
    before: &[String],
    after: &[String],
) -> Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut written = 0;
    for line in before.iter().chain(lines.iter().cycle()) {
        if written >= bytes {
            break;
        }
        writeln!(out, "{line}")?;
        written += line.len() as u64 + 1;
    }
    for line in after {
        writeln!(out, "{line}")?;
    }
    out.into_inner().context("write the input")?;
    Ok(path.metadata()?.len())
}
