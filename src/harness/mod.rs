//! Harnesses: the agent programs that do a worker's looking.
//!
//! A harness is pure. It builds the invocation of one turn and reads the lines the program writes
//! into events; it touches no file, clock or network. Whatever it does not understand it keeps whole
//! as `unread`, and the outcome it tells is the worker's, not the process's: a run that exits 0
//! without a final event or without an answer did not succeed.

use crate::domain::journal::Exit;
use crate::domain::limits::Limits;
use crate::domain::places;
use crate::domain::preset::ModelProvider;
use crate::domain::transcript::{Counting, EventKind};
use crate::domain::turn::{Conversation, FileSpec, Verdict};
use std::collections::BTreeMap;

mod claude_code;
mod codex;
mod command;
mod cursor;
mod gemini;
mod invoking;
mod key;
mod opencode;
pub mod preamble;
mod reading;
mod triage;

pub use key::Key;

#[cfg(test)]
mod tests;

/// The names, as presets use them.
pub const NAMES: &[&str] =
    &["triage", "claude-code", "codex", "opencode", "gemini", "cursor", "command"];

/// Every harness there is.
pub fn all() -> &'static [&'static dyn Harness] {
    &[
        &triage::Triage,
        &claude_code::ClaudeCode,
        &codex::Codex,
        &opencode::OpenCode,
        &gemini::Gemini,
        &cursor::Cursor,
        &command::Command,
    ]
}

pub fn by_name(name: &str) -> Option<&'static dyn Harness> {
    all().iter().copied().find(|harness| harness.name() == name)
}

/// One agent program.
pub trait Harness: Sync {
    /// The name presets use.
    fn name(&self) -> &'static str;

    /// Where its program comes from.
    fn program(&self) -> Program;

    /// Its model API's key, where the preset names no provider.
    fn key(&self) -> Option<Key>;

    /// How one turn is run.
    fn invocation(&self, ask: &Ask) -> Invocation;

    /// Where it looks for skills, below the home folder.
    fn skills(&self) -> &'static str {
        ".agents/skills"
    }

    /// What its `usage` events count.
    fn counting(&self) -> Counting {
        Counting::Each
    }

    /// Reads one turn's output. `before` is the conversation as the last turn left it.
    fn reader(&self, before: Option<&Conversation>) -> Box<dyn Reader>;
}

/// Reads the output of one turn, line by line.
pub trait Reader: Send {
    /// A line of standard output, without its newline.
    fn out(&mut self, line: &str) -> Vec<EventKind>;

    /// A line of standard error. Most say nothing that a transcript needs.
    fn err(&mut self, line: &str) -> Vec<EventKind>;

    /// What was read and not told yet. Asked once, when the output is over, before [`Self::end`].
    fn rest(&mut self) -> Vec<EventKind> {
        Vec::new()
    }

    /// The turn is over. `exit` is the process's own end, by itself: limits and interruptions are
    /// judged before this is asked (see [`Verdict::forced`]), but its usage and conversation count.
    fn end(&mut self, exit: &Exit) -> Verdict;
}

/// Where a harness's program comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// This program itself.
    Builtin,
    /// A native file out of a registry package, pinned, put into the sandbox read-only.
    Native(Native),
    /// It must be in the image, under this name.
    InImage(&'static str),
    /// The preset's `command`.
    Preset,
}

/// A native program as its makers publish it: one package a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native {
    /// What it is called in the sandbox.
    pub name: &'static str,
    pub version: &'static str,
    pub builds: &'static [Build],
}

/// One platform's package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// `x86_64` or `aarch64`.
    pub arch: &'static str,
    /// `glibc`, `musl`, or `any` for a static program.
    pub libc: &'static str,
    /// The package, and the version it has in the registry (some put the platform there).
    pub package: &'static str,
    pub package_version: &'static str,
    /// The file's path in the archive.
    pub path: &'static str,
    /// Paths of other files in the archive that it needs in its own folder, under their own names.
    pub beside: &'static [&'static str],
    /// The registry's integrity string of the archive (`sha512-…`).
    pub integrity: &'static str,
}

/// What one turn is asked to do.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub prompt: &'a str,
    /// What the worker must know beyond the prompt: the preset's system prompt and our preamble.
    pub instructions: &'a str,
    pub model: Option<&'a str>,
    /// The conversation to resume; none in the first turn, or where no turn got as far as to say.
    pub conversation: Option<&'a Conversation>,
    /// Whether a turn ran before this one in the same sandbox.
    pub is_follow_up: bool,
    /// A UUID of the session, for harnesses that let the caller choose.
    pub session_uuid: &'a str,
    pub limits: &'a Limits,
    pub provider: Option<&'a ModelProvider>,
    /// For the harness `command`.
    pub command: &'a [String],
    pub paths: &'a Paths,
    /// Whether there is a certificate bundle at `paths.ca_bundle`.
    pub ca_bundle: bool,
}

/// Where things are in the sandbox. The same in every provider.
#[derive(Debug, Clone)]
pub struct Paths {
    /// This program.
    pub loop_bin: String,
    /// The harness's program, where it is put there.
    pub program: String,
    pub home: String,
    pub workspace: String,
    pub snapshot: String,
    pub artifacts: String,
    pub ca_bundle: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            loop_bin: places::PROGRAM.to_owned(),
            program: String::new(),
            home: places::HOME.to_owned(),
            workspace: places::WORKSPACE.to_owned(),
            snapshot: places::SNAPSHOT.to_owned(),
            artifacts: places::ARTIFACTS.to_owned(),
            ca_bundle: places::CA_BUNDLE.to_owned(),
        }
    }
}

/// How a turn is run. Secrets by name only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Invocation {
    pub argv: Vec<String>,
    /// Plain variables. `HOME`, `PATH` and the like are added for every harness alike.
    pub env: BTreeMap<String, String>,
    /// Variable -> the name of the secret that is its value.
    pub secret_env: BTreeMap<String, String>,
    /// Written into the sandbox before the turn, as the worker.
    pub files: Vec<FileSpec>,
    /// Standard input, which is then closed.
    pub stdin: String,
}
