//! The lines of `session start --json` and of every other command that follows.

use super::session::{ArtifactKind, Check};
use super::{Artifact, At, Outcome, Phase, Usage};
use crate::domain::transcript::{Event, EventKind};
use crate::error::Failure;
use crate::output::failure::causes;
use crate::output::json;
use crate::output::view::{ArtifactView, SessionView};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// One line.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(title = "event", description = "One line of a stream of JSON lines.")]
pub enum Line<'a> {
    /// The session is recorded.
    SessionStarted {
        /// The version of this format.
        v: u8,
        /// The session's id.
        session: &'a str,
        preset: Option<&'a str>,
        harness: &'a str,
        /// The sandbox provider.
        sandbox: &'a str,
        project: Option<&'a str>,
        started_at: At,
    },
    /// One event of the transcript.
    Event(EventLine<'a>),
    /// Something that the session left, collected and checked.
    Artifact {
        session: &'a str,
        kind: ArtifactKind,
        /// Absolute, on this machine.
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<&'a str>,
        title: &'a str,
        checks: Vec<Check<'a>>,
    },
    /// The last line of a session.
    SessionFinished {
        session: &'a str,
        phase: Phase,
        /// Of the last turn.
        outcome: Option<Outcome>,
        /// One sentence, where it is not a plain success.
        reason: Option<&'a str>,
        /// How many there were.
        turns: usize,
        usage: Usage,
        cost_usd: Option<f64>,
        duration_ms: Option<u64>,
        artifacts: Vec<Artifact<'a>>,
    },
    /// The command failed; always the last line.
    Error(ErrorLine<'a>),
}

/// One event of the transcript.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EventLine<'a> {
    session: &'a str,
    /// Counted from 1 over the whole session, without gaps.
    seq: u64,
    /// Counted from 1; 0 is what belongs to no turn.
    turn: u32,
    /// When the sandbox's supervisor read it.
    at: At,
    #[serde(flatten)]
    kind: Kind<'a>,
}

/// What happened.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind<'a> {
    /// What is going on: a turn begins or ends, a model call is retried, a limit is near.
    Status {
        text: &'a str,
    },
    /// What the worker was asked.
    User {
        text: &'a str,
    },
    /// What it said.
    Assistant {
        text: &'a str,
    },
    Thinking {
        text: &'a str,
    },
    ToolCall {
        /// Shared with the result.
        id: &'a str,
        name: &'a str,
        input: &'a Value,
    },
    ToolResult {
        id: &'a str,
        output: &'a str,
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
    },
    /// Tokens and cost of the turn so far, or of one step, as the harness tells it.
    Usage {
        input_tokens: u64,
        output_tokens: u64,
        cache_read_tokens: u64,
        cache_write_tokens: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        cost_usd: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<&'a str>,
    },
    /// Something went wrong; not every error ends a turn.
    Error {
        text: &'a str,
    },
    /// A line of the harness that its adapter does not understand, whole.
    Unread {
        line: &'a str,
    },
}

/// A failure.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ErrorLine<'a> {
    /// `worker`, `usage`, `config`, `credential`, `sandbox`, `network`, `limit`, `bug` or
    /// `interrupted`.
    kind: &'a str,
    message: &'a str,
    causes: Vec<&'a str>,
    hints: Vec<&'a str>,
    /// Where in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place<'a>>,
    /// Further failures of the same pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<ErrorLine<'a>>,
}

/// A place in a text file, counted from 1, in characters.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    width: usize,
}

/// Writes one event as a line. Nothing is built in between: a transcript of 100 MB passes here.
pub fn write_event(
    out: &mut (impl Write + ?Sized),
    session: &str,
    event: &Event,
) -> io::Result<()> {
    json::write_line(out, &Line::of_event(session, event))
}

/// An event that is still text, as it is stored. Its head is read and the rest passes through.
pub struct EventText<'a> {
    pub seq: u64,
    pub turn: u32,
    at: i64,
    rest: &'a str,
}

impl<'a> EventText<'a> {
    /// Of a whole line: `{"n":1,"seq":1,"turn":1,"at":1,"kind":…}`, where `n` may be left out.
    /// `None` where it begins otherwise; then it has to be read.
    pub fn of(line: &'a str) -> Option<Self> {
        let line = line.trim_end();
        let line = match line.strip_prefix("{\"n\":") {
            Some(rest) => rest.split_once(',')?.1,
            None => line.strip_prefix('{')?,
        };
        let (seq, rest) = line.strip_prefix("\"seq\":")?.split_once(',')?;
        let (turn, rest) = rest.strip_prefix("\"turn\":")?.split_once(',')?;
        let (at, rest) = rest.strip_prefix("\"at\":")?.split_once(',')?;
        let whole = rest.starts_with("\"kind\":\"") && rest.ends_with('}');
        let (seq, turn, at) = (seq.parse().ok()?, turn.parse().ok()?, at.parse().ok()?);
        whole.then_some(Self { seq, turn, at, rest })
    }
}

/// Writes an event without reading it.
pub fn write_event_text(
    out: &mut (impl Write + ?Sized),
    session: &str,
    event: &EventText,
) -> io::Result<()> {
    let EventText { seq, turn, at, rest } = *event;
    out.write_all(b"{\"type\":\"event\",\"session\":")?;
    json::write_part(out, &session)?;
    write!(out, ",\"seq\":{seq},\"turn\":{turn},\"at\":")?;
    json::write_part(out, &At(at))?;
    out.write_all(b",")?;
    json::harmless(out, rest)?;
    out.write_all(b"\n")
}

impl<'a> Line<'a> {
    pub fn started(session: &'a SessionView) -> Self {
        Self::SessionStarted {
            v: 1,
            session: &session.id,
            preset: session.preset.as_deref(),
            harness: &session.harness,
            sandbox: &session.sandbox,
            project: session.project.as_deref(),
            started_at: At(session.created_at),
        }
    }

    pub fn of_event(session: &'a str, event: &'a Event) -> Self {
        let Event { seq, turn, at, kind } = event;
        Self::Event(EventLine {
            session,
            seq: *seq,
            turn: *turn,
            at: At(*at),
            kind: Kind::of(kind),
        })
    }

    pub fn of_artifact(session: &'a str, artifact: &'a ArtifactView) -> Self {
        Self::Artifact {
            session,
            kind: ArtifactKind::of(artifact.kind),
            path: artifact.path.as_deref(),
            url: artifact.url.as_deref(),
            title: &artifact.title,
            checks: Check::all(&artifact.checks),
        }
    }

    pub fn finished(session: &'a SessionView) -> Self {
        Self::SessionFinished {
            session: &session.id,
            phase: Phase::of(session.phase),
            outcome: session.outcome.map(Outcome::of),
            reason: session.reason.as_deref(),
            turns: session.turns.len(),
            usage: Usage::of(&session.usage),
            cost_usd: session.cost_usd,
            duration_ms: session.duration_ms(),
            artifacts: Artifact::all(session),
        }
    }

    pub fn of_failure(failure: &'a Failure) -> Self {
        Self::Error(ErrorLine::of(failure))
    }
}

impl<'a> Kind<'a> {
    fn of(kind: &'a EventKind) -> Self {
        match kind {
            EventKind::Status { text } => Self::Status { text },
            EventKind::User { text } => Self::User { text },
            EventKind::Assistant { text } => Self::Assistant { text },
            EventKind::Thinking { text } => Self::Thinking { text },
            EventKind::ToolCall { id, name, input, .. } => Self::ToolCall { id, name, input },
            EventKind::ToolResult { id, output, is_error, exit_code } => {
                Self::ToolResult { id, output, is_error: *is_error, exit_code: *exit_code }
            }
            EventKind::Usage { usage, cost_usd, model } => Self::Usage {
                input_tokens: usage.input_tokens,
                output_tokens: usage.output_tokens,
                cache_read_tokens: usage.cache_read_tokens,
                cache_write_tokens: usage.cache_write_tokens,
                cost_usd: *cost_usd,
                model: model.as_deref(),
            },
            EventKind::Error { text } => Self::Error { text },
            EventKind::Unread { line } => Self::Unread { line },
        }
    }
}

impl<'a> ErrorLine<'a> {
    fn of(failure: &'a Failure) -> Self {
        Self {
            kind: failure.kind.name(),
            message: &failure.sentence,
            causes: causes(failure),
            hints: failure.hints.iter().map(String::as_str).collect(),
            place: failure.place.as_ref().map(|place| Place {
                file: &place.file,
                line: place.line,
                column: place.column,
                width: place.width,
            }),
            also: failure.also.iter().map(Self::of).collect(),
        }
    }
}
