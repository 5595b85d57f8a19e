//! What is to be shown, as values: the store's records and the checked artifacts, made ready by
//! whoever has them. Text in here is still untrusted.

use crate::domain::artifact::{Artifact, ArtifactKind, Check};
use crate::domain::automation::Automation;
use crate::domain::automation::fire::Fire;
use crate::domain::automation::watch::Watched;
use crate::domain::issue::Issue;
use crate::domain::provider::About;
use crate::domain::session::Phase;
use crate::domain::signal::{Run, Signal};
use crate::domain::transcript::Usage;
use crate::domain::turn::Outcome;
use std::collections::BTreeMap;
use std::path::Path;

/// A session as it is known now. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionView {
    pub id: String,
    pub name: Option<String>,
    /// None where the start was ad hoc.
    pub preset: Option<String>,
    pub harness: String,
    /// The provider's name.
    pub sandbox: String,
    /// The provider's own name of the sandbox, once there is one.
    pub sandbox_id: Option<String>,
    pub project: Option<String>,
    pub phase: Phase,
    /// Of the newest turn that is over.
    pub outcome: Option<Outcome>,
    /// One sentence, where it is not a plain success.
    pub reason: Option<String>,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    /// Empty in lists, as are the artifacts; the counts are always there.
    pub turns: Vec<TurnView>,
    pub turn_count: u32,
    pub artifact_count: u32,
    pub usage: Usage,
    pub cost_usd: Option<f64>,
    pub artifacts: Vec<ArtifactView>,
    pub labels: BTreeMap<String, String>,
}

impl SessionView {
    /// From its record to its end, or to the end of its last turn.
    pub fn duration_ms(&self) -> Option<u64> {
        let end = self.finished_at.or_else(|| self.turns.last().and_then(|turn| turn.ended_at))?;
        u64::try_from(end - self.created_at).ok()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct TurnView {
    /// Counted from 1.
    pub turn: u32,
    pub prompt: String,
    /// None while it runs.
    pub outcome: Option<Outcome>,
    pub reason: Option<String>,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    pub usage: Usage,
    pub cost_usd: Option<f64>,
}

/// An artifact and where to open it.
#[derive(Debug, Clone, PartialEq)]
pub struct ArtifactView {
    pub kind: ArtifactKind,
    pub title: String,
    /// Absolute, on this machine.
    pub path: Option<String>,
    pub url: Option<String>,
    pub checks: Vec<Check>,
    /// What is in it, where it is a list of issues.
    pub issues: Vec<IssueView>,
}

impl ArtifactView {
    /// `folder` is what the artifact's path is relative to.
    pub fn of(artifact: &Artifact, folder: &Path) -> Self {
        let path = artifact.path.as_ref();
        Self {
            kind: artifact.kind,
            title: artifact.title.clone(),
            path: path.map(|path| folder.join(path).to_string_lossy().into_owned()),
            url: artifact.url.clone(),
            checks: artifact.checks.clone(),
            issues: Vec::new(),
        }
    }
}

/// A preset, skill or project and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    pub value: T,
    /// A file, or `bundled`.
    pub origin: String,
    /// What it hides: places of the same name that come later.
    pub hides: Vec<String>,
}

/// An automation and how it stands. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct AutomationView {
    pub listed: Listed<Automation>,
    /// When it is due, or is looked at; `None` where it does not run by itself.
    pub next_at: Option<i64>,
    pub watched: Watched,
    pub last: Option<Fire>,
}

/// One recurring failure, as `issues.json` tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IssueView {
    /// Counted from 1.
    pub rank: u32,
    pub id: Option<String>,
    pub title: String,
    pub traces: u64,
    /// Of all traces of the window, 0 to 1.
    pub share: Option<f64>,
    /// Ids of traces that show it, the most telling one first.
    pub examples: Vec<String>,
    /// Ids of traces that did the same and went well.
    pub healthy: Vec<String>,
    /// `high`, `medium` or `low`.
    pub severity: Option<String>,
    /// How it compares with the time before: `new`, `rising`, `steady`, …
    pub trend: Option<String>,
    pub users: Option<u64>,
    /// What kind of failure it is: `error`, `loop`, …
    pub pattern: Option<String>,
    /// Kind and name of what failed.
    pub entity: Option<(String, String)>,
    /// RFC 3339.
    pub first_seen: Option<String>,
    pub last_seen: Option<String>,
}

/// An issue that is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownIssue {
    pub issue: Issue,
    /// Among those of its list, counted from 1.
    pub rank: u32,
    /// The file of its investigation, absolute.
    pub investigation: Option<String>,
    /// What that says in its overview.
    pub overview: Option<String>,
    /// What runs counted: when each began, traces that show it, traces that could. Empty in lists.
    pub seen: Vec<(i64, u64, u64)>,
    /// Why the next run has it looked into, where it has.
    pub next: Option<&'static str>,
}

/// A run of Signal, and the issues of its project as they are after it.
#[derive(Debug, Clone, Copy)]
pub struct RunView<'a> {
    pub run: &'a Run,
    pub issues: &'a [KnownIssue],
}

/// How Signal stands on a project. Times are Unix milliseconds.
#[derive(Debug, Clone, Default)]
pub struct SignalView {
    pub project: String,
    /// The automation's file, where there is one.
    pub file: Option<String>,
    pub enabled: bool,
    /// When it runs, in a line.
    pub when: Option<String>,
    pub next_at: Option<i64>,
    pub preset: Option<String>,
    pub harness: Option<String>,
    pub signal: Signal,
    /// What sessions cost in the last 24 hours, as far as it is known.
    pub spent_usd: f64,
    /// The newest first.
    pub runs: Vec<Run>,
    pub issues: Vec<KnownIssue>,
}

/// Where workers can run.
#[derive(Debug, Clone)]
pub struct ProviderView {
    pub about: About,
    /// What it needs here.
    pub needs: Vec<DoctorRow>,
}

impl ProviderView {
    /// Whether a session can start there.
    pub fn is_ready(&self) -> bool {
        self.needs.iter().all(|need| need.state == DoctorState::Ready)
    }
}

/// One requirement that `doctor` looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorRow {
    pub requirement: String,
    pub state: DoctorState,
    pub detail: String,
    /// What to type to mend it.
    pub mend: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoctorState {
    Ready,
    /// Missing, but only some things need it.
    Optional,
    Missing,
}

impl DoctorState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Optional => "optional",
            Self::Missing => "missing",
        }
    }
}

/// A secret by its name, and never with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    pub name: String,
    /// Where it was found: `environment`, a store, or a reference. `None` where it is not set.
    pub place: Option<String>,
    /// What wants it: "skill `github`".
    pub wanted_by: Vec<String>,
    /// Why it is not to be had, where that is known.
    pub reason: Option<String>,
}

/// A store of secrets that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreRow {
    pub name: String,
    /// `here`, `locked`, `absent`, `hanging` or `broken`.
    pub state: &'static str,
    pub detail: String,
    /// What to type to mend it.
    pub mend: Option<String>,
    /// How long it took to find out.
    pub took_ms: u64,
}

/// What came of trying a skill's secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillCheckView {
    pub skill: String,
    pub secrets: Vec<SecretRow>,
    pub outcome: CheckOutcome,
    pub detail: String,
    /// Whose they are, where the service tells.
    pub account: Option<String>,
    pub scopes: Option<Vec<String>>,
    /// As the service writes it.
    pub expires: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    Works,
    Refused,
    /// A secret is not set.
    Missing,
    /// The service could not be asked, or said nothing that tells.
    Unknown,
    /// The skill does not say how to try it.
    Untried,
}

impl CheckOutcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Refused => "refused",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Untried => "untried",
        }
    }
}

/// What a custom skill installs, and what was agreed to before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackView {
    pub skill: String,
    pub git: String,
    pub rev: Option<String>,
    pub path: Option<String>,
    pub commit: Option<String>,
    pub digest: String,
    /// The digest that was agreed to.
    pub agreed: Option<String>,
    pub skills: Vec<SkillPack>,
    pub files: Vec<String>,
}

/// One folder with a `SKILL.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillPack {
    pub folder: String,
    pub description: String,
    pub files: usize,
    pub bytes: usize,
}
