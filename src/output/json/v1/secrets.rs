//! Secrets by name, their stores, and what came of trying a skill's.

use crate::output::view::{PackView, SecretRow, SkillCheckView, SkillPack, StoreRow};
use schemars::JsonSchema;
use serde::Serialize;

/// A secret by its name. No document holds a value.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "secret")]
pub struct Secret<'a> {
    /// The version of this format.
    v: u8,
    name: &'a str,
    set: bool,
    /// `environment`, `keyring`, `file`, or the reference that names its place.
    place: Option<&'a str>,
    /// The presets, skills and projects that want it.
    wanted_by: &'a [String],
    /// Why it is not to be had, where that is known.
    reason: Option<&'a str>,
}

impl<'a> Secret<'a> {
    pub fn of(row: &'a SecretRow) -> Self {
        Self {
            v: 1,
            name: &row.name,
            set: row.place.is_some(),
            place: row.place.as_deref(),
            wanted_by: &row.wanted_by,
            reason: row.reason.as_deref(),
        }
    }

    pub fn all(rows: &'a [SecretRow]) -> Vec<Self> {
        rows.iter().map(Self::of).collect()
    }
}

/// Where secrets can be kept, and where those that are wanted were found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "secret_check")]
pub struct SecretCheck<'a> {
    /// The version of this format.
    v: u8,
    stores: Vec<SecretStore<'a>>,
    secrets: Vec<Secret<'a>>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct SecretStore<'a> {
    name: &'a str,
    /// `here`, `locked`, `absent`, `hanging` or `broken`.
    state: &'static str,
    detail: &'a str,
    /// What to type to mend it.
    mend: Option<&'a str>,
    /// How long it took to find out, in milliseconds.
    took_ms: u64,
}

impl<'a> SecretCheck<'a> {
    pub fn of(stores: &'a [StoreRow], secrets: &'a [SecretRow]) -> Self {
        let store = |row: &'a StoreRow| SecretStore {
            name: &row.name,
            state: row.state,
            detail: &row.detail,
            mend: row.mend.as_deref(),
            took_ms: row.took_ms,
        };
        Self { v: 1, stores: stores.iter().map(store).collect(), secrets: Secret::all(secrets) }
    }
}

/// What came of trying a skill's secrets.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "skill_check")]
pub struct SkillCheck<'a> {
    /// The version of this format.
    v: u8,
    skill: &'a str,
    secrets: Vec<Secret<'a>>,
    /// `works`, `refused`, `missing` (a secret is not set), `unknown` (the service could not be asked) or
    /// `untried` (the skill does not say how).
    outcome: &'static str,
    detail: &'a str,
    /// Whose they are, where the service tells.
    account: Option<&'a str>,
    scopes: Option<&'a [String]>,
    /// As the service writes it.
    expires: Option<&'a str>,
}

impl<'a> SkillCheck<'a> {
    pub fn of(view: &'a SkillCheckView) -> Self {
        Self {
            v: 1,
            skill: &view.skill,
            secrets: Secret::all(&view.secrets),
            outcome: view.outcome.name(),
            detail: &view.detail,
            account: view.account.as_deref(),
            scopes: view.scopes.as_deref(),
            expires: view.expires.as_deref(),
        }
    }
}

/// What a custom skill installs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "skill_install")]
pub struct SkillInstall<'a> {
    /// The version of this format.
    v: u8,
    skill: &'a str,
    git: &'a str,
    rev: Option<&'a str>,
    path: Option<&'a str>,
    /// `null` for a folder of this machine.
    commit: Option<&'a str>,
    /// SHA-256 of the files, in hexadecimal digits.
    digest: &'a str,
    /// The digest that was agreed to before.
    agreed: Option<&'a str>,
    /// Folders with a `SKILL.md`.
    folders: Vec<SkillFolder<'a>>,
    files: &'a [String],
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct SkillFolder<'a> {
    name: &'a str,
    /// As it speaks of itself.
    description: &'a str,
    files: usize,
    bytes: usize,
}

impl<'a> SkillInstall<'a> {
    pub fn of(view: &'a PackView) -> Self {
        let folder = |skill: &'a SkillPack| SkillFolder {
            name: &skill.folder,
            description: &skill.description,
            files: skill.files,
            bytes: skill.bytes,
        };
        Self {
            v: 1,
            skill: &view.skill,
            git: &view.git,
            rev: view.rev.as_deref(),
            path: view.path.as_deref(),
            commit: view.commit.as_deref(),
            digest: &view.digest,
            agreed: view.agreed.as_deref(),
            folders: view.skills.iter().map(folder).collect(),
            files: &view.files,
        }
    }
}
