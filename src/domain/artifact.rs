//! What a session leaves for people to review.

use serde::{Deserialize, Serialize};

/// The parts an investigation must have, as headings of any level.
pub const HEADINGS: [&str; 3] = ["Overview", "Evidence", "Proposed fix"];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Artifact {
    pub kind: ArtifactKind,
    /// Where it is on this machine; relative to the session's artifact folder in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub title: String,
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    Investigation,
    Issues,
    Evals,
    Branch,
    Patch,
    PullRequest,
    Report,
    File,
}

impl ArtifactKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Investigation => "investigation",
            Self::Issues => "issues",
            Self::Evals => "evals",
            Self::Branch => "branch",
            Self::Patch => "patch",
            Self::PullRequest => "pull request",
            Self::Report => "issue",
            Self::File => "file",
        }
    }

    /// What a file that a worker left is, by the name the contract gives it.
    pub fn of_file(path: &str) -> Self {
        match path {
            "investigation.md" => Self::Investigation,
            "issues.json" => Self::Issues,
            "evals.jsonl" => Self::Evals,
            "uncommitted.patch" => Self::Patch,
            _ => Self::File,
        }
    }
}

/// One thing that was checked of an artifact, since nothing a worker says is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Check {
    pub name: String,
    pub passed: bool,
    /// One line for people: `7 of 7 cited traces exist`.
    pub detail: String,
}
