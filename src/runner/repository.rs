//! A session's repository: taken in before the sandbox is made, taken back after each turn.

use super::{Outside, Runner};
use crate::domain::artifact::{Artifact, ArtifactKind, Check};
use crate::domain::plan::LaunchPlan;
use crate::domain::preset::GITHUB;
use crate::domain::words::or;
use crate::domain::{places, refname};
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::forge::sandboxed::{BUNDLE, FOLDER, TROUBLE};
use crate::forge::{Base, Git, Identity, Incoming, Mirrors, Remote, SECRETS, Taken, Wanted};
use crate::harness::{self, Harness, Program};
use crate::output::Step;
use crate::secrets::{Redactor, Secret};
use crate::store::{RepositoryRecord, SessionDir, SessionRecord};
use std::path::Path;

/// What is left uncommitted beside commits.
const PATCH: &str = "uncommitted.patch";
/// More of what the sandbox says went wrong is not told.
const SAID: usize = 500;

impl Runner<'_> {
    /// Takes the repository in, once.
    pub(super) fn take_repository(&mut self) -> Result<()> {
        let plan = &self.session.plan;
        let Some(repo) = plan.repo.as_deref() else { return Ok(()) };
        let builtin = |harness: &dyn Harness| harness.program() == Program::Builtin;
        if harness::by_name(&plan.harness).is_some_and(builtin) {
            self.reporter.warn("this harness does not look at repositories; it gets none");
            return Ok(());
        }
        let dir = self.store.dir(&self.session.id);
        if RepositoryRecord::read(&dir)?.is_some() && dir.bundle().exists() {
            return Ok(());
        }
        let remote = remote(plan, repo)?;
        let token = token(plan, &remote, self.outside)?;
        self.reporter.step(Step::doing(&format!("fetching {}", remote.shown())));
        let git = git(self.outside);
        let mirrors = Mirrors { root: self.store.root().join("mirrors"), git: &git };
        let wanted = Wanted {
            remote: &remote,
            token: token.as_ref(),
            branch: plan.branch.as_deref(),
            depth: plan.depth,
        };
        let base = mirrors.take(&wanted, &dir.bundle())?;
        record(&remote, &base).write(&dir)?;
        for missing in missing(&base) {
            self.reporter.warn(missing);
        }
        Ok(())
    }

    /// Takes what the sandbox packed out of the collected files, and the commits out of that.
    pub(super) fn take_commits(&mut self, staged: &Path) -> Result<()> {
        let dir = self.store.dir(&self.session.id);
        let packed = staged.join(FOLDER);
        let Some(mut record) = RepositoryRecord::read(&dir)? else { return Ok(()) };
        if !packed.is_dir() {
            return Ok(());
        }
        let doing = || format!("keep the commits in `{}`", dir.commits().display());
        super::collect::clear(&dir.commits())?;
        std::fs::rename(&packed, dir.commits()).cannot(Kind::Config, doing)?;
        match self.incoming(&dir, &record) {
            Ok(taken) => {
                if let Some(patch) = &taken.patch {
                    std::fs::write(staged.join(PATCH), patch).cannot(Kind::Config, doing)?;
                }
                record.head = taken.head;
                record.subject = taken.subject;
                record.checks = taken.checks;
                record.trouble = None;
            }
            Err(failed) => {
                self.reporter.warn(&failed.to_string());
                record.trouble = Some(failed.to_string());
            }
        }
        record.write(&dir)
    }

    fn incoming(&self, dir: &SessionDir, record: &RepositoryRecord) -> Result<Taken> {
        let trouble = dir.commits().join(TROUBLE);
        if let Ok(said) = std::fs::read(&trouble) {
            let said = String::from_utf8_lossy(&said[..said.len().min(SAID)]).into_owned();
            let sentence = "the worker's commits could not be packed in the sandbox";
            return Err(Failure::new(Kind::Sandbox, sentence).because(said.trim()));
        }
        let bundle = dir.commits().join(BUNDLE);
        if !bundle.exists() {
            return Ok(Taken::default());
        }
        take(&self.session, dir, record, self.outside)
    }
}

/// What the supervisor runs before the first turn and after each.
pub(super) fn verbs(session: &str, dir: &SessionDir, turn: u32) -> Result<[Vec<String>; 2]> {
    let Some(record) = RepositoryRecord::read(dir)? else {
        return Ok([Vec::new(), Vec::new()]);
    };
    let branch = refname::of_session(session);
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let conclude: Vec<String> = words(&[
        "hand-over",
        "--base",
        &record.base,
        "--branch",
        &branch,
        "--artifacts",
        places::ARTIFACTS,
    ]);
    if turn > 1 {
        return Ok([Vec::new(), conclude]);
    }
    let mut prepare: Vec<String> = words(&["checkout", "--bundle", places::REPOSITORY]);
    prepare.extend(words(&["--base", &record.base_branch, "--branch", &branch]));
    for (flag, values) in [("--origin", record.origin.as_slice()), ("--shallow", &record.shallow)] {
        prepare.extend(values.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
    }
    Ok([prepare, conclude])
}

/// Checks the commits that were collected last, and writes them anew.
pub(super) fn take(
    session: &SessionRecord,
    dir: &SessionDir,
    record: &RepositoryRecord,
    outside: &Outside,
) -> Result<Taken> {
    let plan = &session.plan;
    let (secrets, unknown) = super::clean::values(plan, outside);
    let incoming = Incoming {
        git: &git(outside),
        dir: &dir.repository(),
        mirror: &record.mirror,
        base: &record.base,
        session: &session.id,
        identity: &identity(plan),
        redactor: &Redactor::new(&secrets),
    };
    let mut taken = incoming.take(&dir.commits().join(BUNDLE))?;
    if taken.head.is_some() && !unknown.is_empty() {
        let detail = format!("not searched for {}, which is not to be had now", or(&unknown));
        taken.checks.push(Check { name: SECRETS.to_owned(), passed: false, detail });
    }
    Ok(taken)
}

fn record(remote: &Remote, base: &Base) -> RepositoryRecord {
    let mut record = RepositoryRecord::new(remote.shown());
    record.base_branch.clone_from(&base.branch);
    record.base.clone_from(&base.commit);
    record.mirror.clone_from(&base.mirror);
    record.shallow.clone_from(&base.shallow);
    record.origin = remote.origin().map(str::to_owned);
    record
}

/// What of the tree the worker does not get, a sentence each.
fn missing(base: &Base) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if base.shape.submodules {
        missing.push("the repository has submodules, which the worker does not get");
    }
    if base.shape.lfs {
        missing.push("the repository keeps files by LFS; the worker gets their pointers");
    }
    missing
}

/// What a session's branch, and the pull requests about it, are as artifacts.
pub(super) fn artifacts(record: &RepositoryRecord, session: &str) -> Vec<Artifact> {
    let mut artifacts = Vec::new();
    for one in record.pull_request.iter().chain(&record.found) {
        artifacts.push(Artifact {
            kind: ArtifactKind::PullRequest,
            path: None,
            url: Some(one.url.clone()),
            title: format!("{}#{} {}", record.name, one.number, one.title),
            checks: Vec::new(),
        });
    }
    if record.head.is_some() {
        let mut checks = record.checks.clone();
        checks.extend(record.unpublished.as_ref().map(|why| Check {
            name: "published".to_owned(),
            passed: false,
            detail: format!("no pull request yet: {why}; `loop session publish {session}`"),
        }));
        artifacts.push(Artifact {
            kind: ArtifactKind::Branch,
            path: None,
            url: None,
            title: format!("{}: {}", refname::of_session(session), record.subject),
            checks,
        });
    }
    artifacts
}

/// The plan's repository, with the GitHub skill's variables.
pub(super) fn remote(plan: &LaunchPlan, repo: &str) -> Result<Remote> {
    Remote::of(repo, &|name| variable(plan, name).map(str::to_owned))
}

/// A variable as the worker would see it.
fn variable<'p>(plan: &'p LaunchPlan, name: &str) -> Option<&'p str> {
    let of_skills = plan.skills.iter().rev().find_map(|skill| skill.env.get(name));
    plan.env.get(name).or(of_skills).map(String::as_str)
}

/// The name of the secret that opens the plan's repository.
pub(super) fn token_name(plan: &LaunchPlan) -> Option<&str> {
    let skill = plan.skills.iter().find(|skill| skill.kind == GITHUB)?;
    skill.secrets.keys().next().map(String::as_str)
}

/// The credential for a repository, where it is one that a credential is for.
pub(super) fn token(
    plan: &LaunchPlan,
    remote: &Remote,
    outside: &Outside,
) -> Result<Option<Secret>> {
    match token_name(plan).filter(|_| remote.github.is_some()) {
        Some(name) => (outside.secret)(name).map(Some),
        None => Ok(None),
    }
}

pub(super) fn git(outside: &Outside) -> Git {
    Git::new(&outside.git_env, outside.ca_bundle.as_deref())
}

pub(super) fn identity(plan: &LaunchPlan) -> Identity {
    Identity::of(variable(plan, Identity::NAME), variable(plan, Identity::EMAIL))
}

/// In whose name the worker commits, so that it need not set a name.
pub(super) fn committer(plan: &LaunchPlan) -> [(String, String); 4] {
    let Identity { name, email } = identity(plan);
    [
        ("GIT_AUTHOR_NAME", &name),
        ("GIT_AUTHOR_EMAIL", &email),
        ("GIT_COMMITTER_NAME", &name),
        ("GIT_COMMITTER_EMAIL", &email),
    ]
    .map(|(name, value)| (name.to_owned(), value.clone()))
}
