//! The launch plan: everything a session is started with, decided before anything exists.
//!
//! It names secrets and never holds one, so it can be printed, stored, and used again by a later
//! command that finds the session half started.

use super::limits::Limits;
use super::preset::{Credentials, ModelProvider, Project, SandboxSettings, Skill};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LaunchPlan {
    /// None where the start was ad hoc.
    pub preset: Option<String>,
    pub harness: String,
    pub model: Option<String>,
    pub system_prompt: Option<String>,
    pub prompt: String,
    pub command: Vec<String>,
    pub project: Option<Project>,
    pub window: Window,
    pub skills: Vec<Skill>,
    pub repo: Option<String>,
    pub branch: Option<String>,
    /// How many commits of history the worker gets; all where none is said.
    pub depth: Option<u32>,
    pub pull_request: bool,
    /// Whether it is opened as a draft.
    #[serde(default)]
    pub draft: bool,
    pub credentials: Credentials,
    pub provider: Option<ModelProvider>,
    pub sandbox: SandboxSettings,
    pub limits: Limits,
    pub env: BTreeMap<String, String>,
    pub name: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// Whether its spans are to be sent: the settings of the moment say where.
    #[serde(default)]
    pub traced: bool,
}

/// Unix milliseconds; `None` is no bound on that side. The start is included, the end is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub since: Option<i64>,
    pub until: Option<i64>,
}
