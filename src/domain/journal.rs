//! The journal: numbered, timed lines that the supervisor writes in the sandbox.
//!
//! `{"n":412,"t":1795181123456,"turn":1,"s":"out","line":"..."}`: `n` starts at 1 and has no gaps,
//! `t` is Unix milliseconds, `s` is `out`, `err` or `sys`. Bytes that are not UTF-8 travel as `b64`
//! instead of `line`. A `sys` line carries `event` and, where there is more to say, `data`. A line
//! counts only when its newline was read. Lines longer than [`MAX_LINE`] are cut by the supervisor,
//! which says so in a [`Sys::Truncated`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The longest line of a harness that is kept whole, in bytes.
pub const MAX_LINE: usize = 64 << 20;

/// One line of the journal. Borrows what it can: a gigabyte of these passes through.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<'a> {
    pub n: u64,
    /// Unix milliseconds.
    pub t: i64,
    /// Counted from 1; 0 is what belongs to no turn.
    pub turn: u32,
    pub body: Body<'a>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body<'a> {
    /// The harness's standard output.
    Out(Cow<'a, str>),
    /// The harness's standard error.
    Err(Cow<'a, str>),
    /// The supervisor's own word.
    Sys(Sys),
}

/// What the supervisor says of itself and of a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Sys {
    /// A `setup` command begins; its output follows as `out` and `err` lines of turn 0.
    SetupStarted {
        command: String,
    },
    SetupExited {
        command: String,
        exit: Exit,
    },
    TurnStarted {
        argv: Vec<String>,
    },
    /// What the turn left, as an archive in base64, where it is small. It saves the way back for it.
    Artifacts {
        tar: String,
    },
    /// The exit record, as it was renamed into place.
    TurnExited(Exit),
    /// Something was longer than it may be, and how many bytes were left out.
    Truncated {
        what: String,
        bytes: u64,
    },
    /// A limit ended the turn.
    Limit(Limit),
    /// Somebody asked for the turn to end.
    Interrupted,
    /// The harness's own output file shrank or was replaced under the supervisor's eyes.
    Tampered {
        detail: String,
    },
    /// The supervisor ends, and why.
    Ended {
        reason: String,
    },
}

/// Which limit ended a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Wall time of the turn.
    Time,
    /// No output and no processor use for too long.
    Quiet,
    /// Bytes of output.
    Output,
}

/// How a process ended. Known only from the exit record; there is no guessing from a stream's end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why it never ran, where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spawn_error: Option<String>,
    /// Bytes written to standard output.
    #[serde(default)]
    pub out_bytes: u64,
    #[serde(default)]
    pub err_bytes: u64,
    /// How many processes of the sandbox the kernel killed for memory during the turn.
    #[serde(default)]
    pub oom_kills: u64,
    #[serde(default)]
    pub duration_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    #[serde(default)]
    pub interrupted: bool,
    /// Whether the supervisor itself was told to end: then it was nobody's wish for this turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub terminated: bool,
}

impl Exit {
    pub fn is_clean(&self) -> bool {
        self.code == Some(0) && self.spawn_error.is_none()
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The shape on the wire, flat so that reading it allocates nothing.
#[derive(Deserialize)]
struct Wire<'a> {
    n: u64,
    t: i64,
    #[serde(default)]
    turn: u32,
    #[serde(borrow)]
    s: Cow<'a, str>,
    #[serde(borrow, default)]
    line: Option<Text<'a>>,
    #[serde(borrow, default)]
    b64: Option<Text<'a>>,
    #[serde(borrow, default)]
    event: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<&'a serde_json::value::RawValue>,
}

impl<'a> Line<'a> {
    /// Reads one line, without its newline. `None` where it is not a journal line.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let wire: Wire<'a> = serde_json::from_slice(bytes).ok()?;
        let body = match &*wire.s {
            "sys" => Body::Sys(sys(&wire.event?.0, wire.data)?),
            "out" => Body::Out(text(wire.line, wire.b64)?),
            "err" => Body::Err(text(wire.line, wire.b64)?),
            _ => return None,
        };
        Some(Line { n: wire.n, t: wire.t, turn: wire.turn, body })
    }

    /// Only the number of a line: enough to find one's place.
    pub fn number(bytes: &[u8]) -> Option<u64> {
        let rest = bytes.strip_prefix(b"{\"n\":")?;
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
    }
}

fn text<'a>(line: Option<Text<'a>>, b64: Option<Text<'a>>) -> Option<Cow<'a, str>> {
    if let Some(line) = line {
        return Some(line.0);
    }
    let bytes = BASE64.decode(b64?.0.as_bytes()).ok()?;
    Some(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
}

fn sys(event: &str, data: Option<&serde_json::value::RawValue>) -> Option<Sys> {
    let data = data.map_or(Ok(serde_json::Value::Null), |raw| serde_json::from_str(raw.get()));
    let whole = match data.ok()? {
        serde_json::Value::Null => serde_json::json!({ "event": event }),
        data => serde_json::json!({ "event": event, "data": data }),
    };
    serde_json::from_value(whole).ok()
}

/// Writes a line of the harness's output, newline included, to the end of `into`.
pub fn write_output(into: &mut Vec<u8>, head: Head, stream: Stream, bytes: &[u8]) {
    head.write(into, stream.name());
    if let Ok(text) = std::str::from_utf8(bytes) {
        into.extend_from_slice(b",\"line\":");
        // Writing JSON to memory cannot fail.
        let _ = serde_json::to_writer(&mut *into, text);
    } else {
        into.extend_from_slice(b",\"b64\":\"");
        into.extend_from_slice(BASE64.encode(bytes).as_bytes());
        into.push(b'"');
    }
    into.extend_from_slice(b"}\n");
}

/// Writes the beginning of a line of output whose text comes in pieces: what follows is the text as
/// it stands between the quotes of a JSON string (`text`), or base64.
pub fn write_start(into: &mut Vec<u8>, head: Head, stream: Stream, text: bool) {
    head.write(into, stream.name());
    into.extend_from_slice(if text { b",\"line\":\"" } else { b",\"b64\":\"" });
}

/// Writes a word of the supervisor's, newline included, to the end of `into`.
pub fn write_sys(into: &mut Vec<u8>, head: Head, sys: &Sys) {
    head.write(into, "sys");
    let whole = serde_json::to_string(sys).unwrap_or_default();
    into.push(b',');
    into.extend_from_slice(whole.trim_start_matches('{').as_bytes());
    into.push(b'\n');
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

impl Stream {
    fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
        }
    }
}

/// The beginning of every line.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    pub n: u64,
    pub t: i64,
    pub turn: u32,
}

impl Head {
    fn write(self, into: &mut Vec<u8>, stream: &str) {
        use std::io::Write as _;
        let Self { n, t, turn } = self;
        let _ = write!(into, "{{\"n\":{n},\"t\":{t},\"turn\":{turn},\"s\":\"{stream}\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = Head { n: 412, t: 1_795_181_123_456, turn: 1 };

    fn there_and_back(bytes: &[u8]) -> String {
        let mut wire = Vec::new();
        write_output(&mut wire, HEAD, Stream::Out, bytes);
        assert_eq!(wire.iter().filter(|b| **b == b'\n').count(), 1);
        assert_eq!(Line::number(&wire), Some(412));
        match Line::read(wire.trim_ascii_end()).unwrap().body {
            Body::Out(text) => text.into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn output_survives() {
        assert_eq!(there_and_back(b"{\"a\":\"b\\n\"}"), "{\"a\":\"b\\n\"}");
        assert_eq!(there_and_back("ü \u{1b}[31m \0".as_bytes()), "ü \u{1b}[31m \0");
        assert_eq!(there_and_back(b"\xff\xfeab"), "\u{fffd}\u{fffd}ab");
    }

    #[test]
    fn plain_text_is_borrowed() {
        let wire = br#"{"n":1,"t":2,"turn":1,"s":"out","line":"plain"}"#;
        assert!(matches!(Line::read(wire).unwrap().body, Body::Out(Cow::Borrowed("plain"))));
    }

    #[test]
    fn every_word_of_the_supervisor_survives() {
        let exit = Exit { code: Some(3), limit: Some(Limit::Quiet), ..Exit::default() };
        for sys in [
            Sys::TurnStarted { argv: vec!["claude".into()] },
            Sys::TurnExited(exit.clone()),
            Sys::SetupStarted { command: "npm ci".into() },
            Sys::SetupExited { command: "npm ci".into(), exit },
            Sys::Truncated { what: "line".into(), bytes: 7 },
            Sys::Artifacts { tar: "aGVsbG8=".into() },
            Sys::Limit(Limit::Output),
            Sys::Interrupted,
            Sys::Tampered { detail: "shrank".into() },
            Sys::Ended { reason: "idle".into() },
        ] {
            let mut wire = Vec::new();
            write_sys(&mut wire, HEAD, &sys);
            assert_eq!(Line::read(wire.trim_ascii_end()).unwrap().body, Body::Sys(sys));
        }
    }

    #[test]
    fn a_torn_line_is_no_line() {
        let mut wire = Vec::new();
        write_output(&mut wire, HEAD, Stream::Err, b"whole");
        for cut in 0..wire.len() - 1 {
            assert!(Line::read(&wire[..cut]).is_none(), "cut at {cut}");
        }
    }
}
