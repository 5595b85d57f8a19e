//! What sessions are and leave, as documents.

use super::signal::Life;
use super::{At, Outcome, Phase, Usage, rfc3339};
use crate::domain;
use crate::output::view::{ArtifactView, IssueView, KnownIssue, SessionView, TurnView};
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One session.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "session")]
pub struct Session<'a> {
    /// The version of this format.
    v: u8,
    id: &'a str,
    name: Option<&'a str>,
    preset: Option<&'a str>,
    harness: &'a str,
    /// The sandbox provider.
    sandbox: &'a str,
    /// The provider's own name of the sandbox.
    sandbox_id: Option<&'a str>,
    project: Option<&'a str>,
    phase: Phase,
    /// Of the newest turn that is over.
    outcome: Option<Outcome>,
    /// One sentence, where it is not a plain success.
    reason: Option<&'a str>,
    created_at: At,
    finished_at: Option<At>,
    duration_ms: Option<u64>,
    turns: Vec<Turn<'a>>,
    usage: Usage,
    cost_usd: Option<f64>,
    artifacts: Vec<Artifact<'a>>,
    labels: &'a BTreeMap<String, String>,
}

/// One run of the harness.
#[expect(clippy::struct_field_names, reason = "the field's name is frozen")]
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Turn<'a> {
    /// Counted from 1.
    turn: u32,
    prompt: &'a str,
    /// `null` while it runs.
    outcome: Option<Outcome>,
    reason: Option<&'a str>,
    started_at: At,
    ended_at: Option<At>,
    usage: Usage,
    cost_usd: Option<f64>,
}

/// Something that a session left for people to review.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "artifact")]
pub struct Artifact<'a> {
    /// The session's id.
    session: &'a str,
    kind: ArtifactKind,
    /// Absolute, on this machine.
    path: Option<&'a str>,
    url: Option<&'a str>,
    title: &'a str,
    checks: Vec<Check<'a>>,
    /// What is in it, where it is a list of issues.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    issues: Vec<Issue<'a>>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    Investigation,
    Issues,
    Evals,
    Branch,
    Patch,
    PullRequest,
    /// An issue at the forge.
    Report,
    File,
}

/// One thing that was checked of an artifact.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Check<'a> {
    name: &'a str,
    passed: bool,
    /// One line for people.
    detail: &'a str,
}

/// One recurring failure.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "issue")]
pub struct Issue<'a> {
    /// The version of this format.
    v: u8,
    /// Counted from 1; 1 is the worst.
    rank: u32,
    id: Option<&'a str>,
    title: &'a str,
    /// How many traces show it.
    traces: u64,
    /// Of all traces of the window, 0 to 1.
    share: Option<f64>,
    /// Ids of traces that show it, the most telling one first.
    examples: Vec<&'a str>,
    /// Ids of traces that did the same and went well.
    healthy: Vec<&'a str>,
    /// `high`, `medium` or `low`.
    severity: Option<&'a str>,
    /// Against the time before: `new`, `rising`, `steady`, `fading`, `stopped`, `a burst` or `unclear`.
    trend: Option<&'a str>,
    /// How many users are affected, where traces say whose they are.
    users: Option<u64>,
    /// What kind of failure it is: `error`, `loop`, `regression` and others.
    pattern: Option<&'a str>,
    /// What failed.
    entity: Option<IssueEntity<'a>>,
    /// RFC 3339.
    first_seen: Option<Cow<'a, str>>,
    last_seen: Option<Cow<'a, str>>,
    /// What is remembered of it from run to run, where it is.
    life: Option<Life<'a>>,
}

/// What failed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct IssueEntity<'a> {
    /// `tool`, `model`, `agent`, `retriever`, `evaluator` or `span`.
    kind: &'a str,
    name: &'a str,
}

impl<'a> Session<'a> {
    pub fn of(session: &'a SessionView) -> Self {
        Self {
            v: 1,
            id: &session.id,
            name: session.name.as_deref(),
            preset: session.preset.as_deref(),
            harness: &session.harness,
            sandbox: &session.sandbox,
            sandbox_id: session.sandbox_id.as_deref(),
            project: session.project.as_deref(),
            phase: Phase::of(session.phase),
            outcome: session.outcome.map(Outcome::of),
            reason: session.reason.as_deref(),
            created_at: At(session.created_at),
            finished_at: session.finished_at.map(At),
            duration_ms: session.duration_ms(),
            turns: session.turns.iter().map(Turn::of).collect(),
            usage: Usage::of(&session.usage),
            cost_usd: session.cost_usd,
            artifacts: Artifact::all(session),
            labels: &session.labels,
        }
    }

    pub fn all(sessions: &'a [SessionView]) -> Vec<Self> {
        sessions.iter().map(Self::of).collect()
    }
}

impl<'a> Turn<'a> {
    fn of(turn: &'a TurnView) -> Self {
        Self {
            turn: turn.turn,
            prompt: &turn.prompt,
            outcome: turn.outcome.map(Outcome::of),
            reason: turn.reason.as_deref(),
            started_at: At(turn.started_at),
            ended_at: turn.ended_at.map(At),
            usage: Usage::of(&turn.usage),
            cost_usd: turn.cost_usd,
        }
    }
}

impl<'a> Artifact<'a> {
    pub fn of(session: &'a str, artifact: &'a ArtifactView) -> Self {
        Self {
            session,
            kind: ArtifactKind::of(artifact.kind),
            path: artifact.path.as_deref(),
            url: artifact.url.as_deref(),
            title: &artifact.title,
            checks: Check::all(&artifact.checks),
            issues: Issue::all(&artifact.issues),
        }
    }

    pub fn all(session: &'a SessionView) -> Vec<Self> {
        session.artifacts.iter().map(|artifact| Self::of(&session.id, artifact)).collect()
    }
}

impl ArtifactKind {
    pub fn of(kind: domain::artifact::ArtifactKind) -> Self {
        use domain::artifact::ArtifactKind as K;
        match kind {
            K::Investigation => Self::Investigation,
            K::Issues => Self::Issues,
            K::Evals => Self::Evals,
            K::Branch => Self::Branch,
            K::Patch => Self::Patch,
            K::PullRequest => Self::PullRequest,
            K::Report => Self::Report,
            K::File => Self::File,
        }
    }
}

impl<'a> Check<'a> {
    pub fn all(checks: &'a [domain::artifact::Check]) -> Vec<Self> {
        checks
            .iter()
            .map(|check| Self { name: &check.name, passed: check.passed, detail: &check.detail })
            .collect()
    }
}

impl<'a> Issue<'a> {
    pub fn of(issue: &'a IssueView) -> Self {
        Self {
            v: 1,
            rank: issue.rank,
            id: issue.id.as_deref(),
            title: &issue.title,
            traces: issue.traces,
            share: issue.share,
            examples: issue.examples.iter().map(String::as_str).collect(),
            healthy: issue.healthy.iter().map(String::as_str).collect(),
            severity: issue.severity.as_deref(),
            trend: issue.trend.as_deref(),
            users: issue.users,
            pattern: issue.pattern.as_deref(),
            entity: issue.entity.as_ref().map(|(kind, name)| IssueEntity { kind, name }),
            first_seen: issue.first_seen.as_deref().map(Cow::Borrowed),
            last_seen: issue.last_seen.as_deref().map(Cow::Borrowed),
            life: None,
        }
    }

    /// One that is remembered.
    pub fn of_known(known: &'a KnownIssue) -> Self {
        let issue = &known.issue;
        let told = &issue.told;
        let at = |us: i64| Some(Cow::Owned(rfc3339(us / 1_000)));
        Self {
            v: 1,
            rank: known.rank,
            id: Some(&issue.id),
            title: &told.title,
            traces: told.traces,
            share: Some(told.share),
            examples: told.examples.iter().map(|one| one.trace_id.as_str()).collect(),
            healthy: told.healthy.iter().map(String::as_str).collect(),
            severity: Some(&told.severity),
            trend: Some(&told.trend),
            users: told.users,
            pattern: Some(&told.pattern),
            entity: Some(IssueEntity { kind: &told.entity_kind, name: &told.entity_name }),
            first_seen: at(issue.first_us),
            last_seen: at(issue.last_us),
            life: Some(Life::of(known)),
        }
    }

    pub fn all_known(issues: &'a [KnownIssue]) -> Vec<Self> {
        issues.iter().map(Self::of_known).collect()
    }

    pub fn all(issues: &'a [IssueView]) -> Vec<Self> {
        issues.iter().map(Self::of).collect()
    }
}
