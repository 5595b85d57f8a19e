//! Issues that are remembered, how Signal stands, and what a run came to, as documents.

use super::session::Issue;
use super::{At, session};
use crate::domain::issue::{self, Event};
use crate::domain::signal::Run;
use crate::output::view::{KnownIssue, RunView, SignalView};
use schemars::JsonSchema;
use serde::Serialize;

/// What is remembered of an issue from run to run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Life<'a> {
    project: &'a str,
    /// `open`, `investigating`, `fix proposed`, `merged`, `verified gone`, `regressed`, `resolved` or
    /// `muted`.
    state: &'static str,
    found_at: At,
    /// Traces that show it and traces that could have, over all runs, each counted once.
    traces: u64,
    chances: u64,
    severity_arithmetic: &'a str,
    /// Where it goes wrong first: names of spans, from the root.
    path: &'a [String],
    facts: &'a [String],
    leads_to: &'a [String],
    advice: &'a str,
    example: &'a str,
    /// Sessions that looked into it, oldest first.
    sessions: &'a [String],
    /// The file of its investigation, absolute.
    investigation: Option<&'a str>,
    pull_request: Option<&'a str>,
    /// Of an issue that is gone, or may be.
    watch: Option<Watch>,
    /// Why the next run has it looked into, where it has.
    next: Option<&'static str>,
    history: Vec<Happened<'a>>,
    /// What runs counted; empty in lists.
    runs: Vec<Counted>,
}

/// Since when it is watched whether it stays away.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Watch {
    since: At,
    /// So many comparable traces without it show that it is gone; `null` where a person said so.
    needed: Option<u64>,
    without: u64,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Happened<'a> {
    at: At,
    /// The state it came to, where that changed.
    state: Option<&'static str>,
    what: &'a str,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Counted {
    at: At,
    traces: u64,
    chances: u64,
}

/// How Signal stands on a project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "signal")]
pub struct Signal<'a> {
    /// The version of this format.
    v: u8,
    project: &'a str,
    enabled: bool,
    /// The automation's file, where there is one.
    file: Option<&'a str>,
    /// When it runs, in a line.
    when: Option<&'a str>,
    next_at: Option<At>,
    preset: Option<&'a str>,
    harness: Option<&'a str>,
    repo: Option<&'a str>,
    context: Option<&'a str>,
    /// Issues that a run has looked into, at most.
    top: u32,
    budget_usd_per_day: f64,
    /// What sessions cost in the last 24 hours, as far as it is known.
    spent_usd: f64,
    /// The newest first.
    runs: Vec<SignalRun<'a>>,
    /// The worst first.
    issues: Vec<Issue<'a>>,
}

/// A run of Signal.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "signal_run")]
pub struct SignalRun<'a> {
    /// The version of this format.
    v: u8,
    project: &'a str,
    /// Counted from 1, of its project.
    run: i64,
    started_at: At,
    /// `null` of one that goes on, or was cut off.
    ended_at: Option<At>,
    /// The window of traces; `null` where all were looked at.
    since: Option<At>,
    until: At,
    /// Traces in it, and those that no run had seen.
    traces: u64,
    fresh: u64,
    /// Sessions that looked into an issue.
    sessions: u32,
    changes: Vec<Changed<'a>>,
    /// Sentences on what was not done.
    notes: &'a [String],
}

/// An issue that a run changed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Changed<'a> {
    /// The issue's id.
    issue: &'a str,
    /// The state it came to.
    state: &'a str,
    title: Option<&'a str>,
}

impl<'a> Life<'a> {
    pub fn of(known: &'a KnownIssue) -> Self {
        let issue = &known.issue;
        let told = &issue.told;
        Self {
            project: &issue.project,
            state: issue.life.state.name(),
            found_at: At(issue.found_at),
            traces: issue.hits,
            chances: issue.chances,
            severity_arithmetic: &told.arithmetic,
            path: &told.path,
            facts: &told.facts,
            leads_to: &told.leads_to,
            advice: &told.advice,
            example: &told.example,
            sessions: &issue.sessions,
            investigation: known.investigation.as_deref(),
            pull_request: issue.pull_request.as_ref().map(|one| one.url.as_str()),
            watch: issue.life.watch.map(Watch::of),
            next: known.next,
            history: issue.history.iter().map(Happened::of).collect(),
            runs: known
                .seen
                .iter()
                .map(|(at, traces, chances)| Counted {
                    at: At(*at),
                    traces: *traces,
                    chances: *chances,
                })
                .collect(),
        }
    }
}

impl Watch {
    fn of(watch: issue::Watch) -> Self {
        let issue::Watch { since_us, needed, without } = watch;
        Self { since: At(since_us / 1_000), needed, without }
    }
}

impl<'a> Happened<'a> {
    fn of(event: &'a Event) -> Self {
        Self { at: At(event.at), state: event.state.map(issue::State::name), what: &event.what }
    }
}

impl<'a> Signal<'a> {
    pub fn of(view: &'a SignalView) -> Self {
        let run = |run: &'a Run| SignalRun::of(&RunView { run, issues: &view.issues });
        Self {
            v: 1,
            project: &view.project,
            enabled: view.enabled,
            file: view.file.as_deref(),
            when: view.when.as_deref(),
            next_at: view.next_at.map(At),
            preset: view.preset.as_deref(),
            harness: view.harness.as_deref(),
            repo: view.signal.repo.as_deref(),
            context: view.signal.context.as_deref(),
            top: view.signal.top,
            budget_usd_per_day: view.signal.budget_usd_per_day,
            spent_usd: view.spent_usd,
            runs: view.runs.iter().map(run).collect(),
            issues: session::Issue::all_known(&view.issues),
        }
    }

    pub fn all(views: &'a [SignalView]) -> Vec<Self> {
        views.iter().map(Self::of).collect()
    }
}

impl<'a> SignalRun<'a> {
    pub fn of(view: &RunView<'a>) -> Self {
        let run = view.run;
        let title = |id: &str| {
            let known = view.issues.iter().find(|known| known.issue.id == id);
            known.map(|known| known.issue.told.title.as_str())
        };
        Self {
            v: 1,
            project: &run.project,
            run: run.run,
            started_at: At(run.started_at),
            ended_at: run.ended_at.map(At),
            since: run.since.map(At),
            until: At(run.until),
            traces: run.traces,
            fresh: run.fresh,
            sessions: run.sessions,
            changes: run
                .changes
                .iter()
                .map(|(issue, state)| Changed { issue, state, title: title(issue) })
                .collect(),
            notes: &run.notes,
        }
    }
}
