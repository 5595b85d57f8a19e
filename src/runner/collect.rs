//! What a turn left: taken out of the sandbox, checked, listed.
//!
//! The files are unpacked beside the folder they go to and put in its place in one step, so a
//! folder of artifacts is always whole. Nothing in them is believed: headings, schemas and every
//! cited trace id are checked against the evidence.

use super::watched::Watched;
use super::{Publisher, Runner};
use crate::domain::artifact::{Artifact, ArtifactKind, Check, HEADINGS};
use crate::domain::session::Input;
use crate::domain::turn::Outcome;
use crate::domain::words::Count;
use crate::error::{Cannot as _, Kind, Result};
use crate::output::Step;
use crate::retry::Patience;
use crate::sandbox::{Area, Quota, Status, unpack};
use crate::store::{RepositoryRecord, Store, TurnRecord, TurnState};
use crate::traces;
use crate::traces::cited::cited;
use crate::traces::evals::{Evals, Fault};
use crate::traces::snapshot::Snapshot;
use std::path::{Path, PathBuf};

/// More of a file than this is not read for its checks.
const CHECKED: u64 = 16 << 20;

impl Runner<'_> {
    /// Takes in what a turn left, and counts it as over.
    pub(super) fn collect(&mut self, turn: &mut TurnRecord) -> Result<()> {
        turn.collecting_at = Some((self.outside.now)());
        self.take_artifacts()?;
        let outcome = turn.outcome.unwrap_or(crate::domain::turn::Outcome::Interrupted);
        if self.session.plan.repo.is_some() {
            self.publish(outcome)?;
        }
        self.turn_over(turn, Input::TurnCollected(outcome))
    }

    /// Takes in the artifacts there are.
    pub(super) fn take_artifacts(&mut self) -> Result<()> {
        self.reporter.step(Step::doing("collecting what the worker left"));
        if let Err(failure) = self.fetch_artifacts() {
            // They are there still, and are lost once the sandbox is removed.
            if failure.kind == Kind::Network && self.is_there() {
                let again = format!("then go on: `loop session attach {}`", self.session.id);
                return Err(failure.hint(again));
            }
            self.reporter.warn(&format!("the artifacts were not collected: {failure}"));
        }
        self.list_artifacts()
    }

    /// Lists the files there are, and the branch and what became of it.
    fn list_artifacts(&mut self) -> Result<()> {
        self.session.artifacts = list_all(self.store, &self.session.id)?;
        Ok(())
    }

    /// The branch goes where it is to go. Where it cannot, that is told, and the turn ends all the
    /// same: nothing of it is lost, and it can be published later.
    fn publish(&mut self, outcome: Outcome) -> Result<()> {
        let id = self.session.id.clone();
        let changed = RepositoryRecord::read(&self.store.dir(&id))?
            .is_some_and(|record| record.head.is_some() || record.trouble.is_some());
        let wanted = self.session.plan.pull_request && outcome.is_success() && changed;
        let mut publisher = Publisher {
            store: &mut *self.store,
            session: &self.session,
            outside: self.outside,
            reporter: &mut *self.reporter,
        };
        if let Err(failed) = publisher.find() {
            publisher
                .reporter
                .warn(&format!("the worker's own pull requests are unknown: {failed}"));
        }
        let opened = if wanted { publisher.publish(false) } else { Ok(()) };
        if let Err(failed) = opened {
            publisher.give_up(&failed)?;
            self.reporter.warn(&format!("there is no pull request: {failed}"));
            self.reporter.warn(&format!("try again: `loop session publish {id}`"));
            self.unpublished = Some(failed);
        }
        self.list_artifacts()
    }

    /// Counts a turn as over, and the session on with it: nothing can come between.
    pub(super) fn turn_over(&mut self, turn: &mut TurnRecord, input: Input) -> Result<()> {
        turn.state = TurnState::Collected;
        turn.collected_at = Some((self.outside.now)());
        self.session.outcome = turn.outcome;
        self.session.reason.clone_from(&turn.reason);
        self.add_up(turn)?;
        self.advance_with(input, Some(turn))
    }

    fn fetch_artifacts(&mut self) -> Result<()> {
        let id = self.session.id.clone();
        let target = self.store.dir(&id).artifacts();
        let staged = self.store.dir(&id).path().join("artifacts.new");
        clear(&staged)?;
        let packed = self.packed.take();
        let was_packed = packed.is_some();
        let left_out = match packed {
            Some(archive) => unpack(&archive[..], &staged, Quota::default())?,
            None => Patience::CUT_OFF.through(|| {
                clear(&staged)?;
                let mut stream = Watched::of(self.worker.download(&id, Area::Artifacts)?);
                let unpacked = unpack(&mut stream, &staged, Quota::default());
                stream.end(unpacked)
            })?,
        };
        for left in left_out {
            self.reporter.warn(&format!("an artifact was left out: {left}"));
        }
        // A bundle is no file that could be cleaned; its commits are looked through as they are taken.
        self.take_commits(&staged)?;
        self.clean(&staged, was_packed)?;
        put_in_place(&staged, &target)
            .cannot(Kind::Config, || format!("keep the artifacts in `{}`", target.display()))?;
        clear(&staged)
    }

    /// Whether the sandbox is there, as far as can be told.
    fn is_there(&self) -> bool {
        !matches!(self.worker.status(&self.session.id), Ok(Status::Gone | Status::Lost { .. }))
    }

    /// Sums up the turns; one of them is newer than what is stored of it.
    fn add_up(&mut self, newest: &TurnRecord) -> Result<()> {
        let mut turns = self.store.turns(&self.session.id)?;
        for turn in turns.iter_mut().filter(|turn| turn.turn == newest.turn) {
            turn.clone_from(newest);
        }
        self.session.turns = turns.len() as u32;
        self.session.usage = crate::domain::transcript::Usage::default();
        self.session.cost_usd = None;
        for turn in turns {
            self.session.usage += turn.usage;
            if let Some(cost) = turn.cost_usd {
                *self.session.cost_usd.get_or_insert(0.0) += cost;
            }
        }
        Ok(())
    }
}

pub(super) fn clear(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).cannot(Kind::Config, || format!("remove `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// Lists what there is of a session and stores the list. How many there are.
pub fn list_all(store: &mut Store, id: &str) -> Result<u32> {
    let dir = store.dir(id);
    let mut artifacts = list(&dir.artifacts(), &dir.snapshot())?;
    if let Some(record) = RepositoryRecord::read(&dir)? {
        artifacts.extend(super::repository::artifacts(&record, id));
    }
    artifacts.extend(super::report::artifact(&dir)?);
    artifacts.sort_by_key(|artifact| order(artifact.kind));
    store.set_artifacts(id, &artifacts)?;
    Ok(artifacts.len() as u32)
}

/// Exchanges two folders in one step where there are two.
fn put_in_place(staged: &Path, target: &Path) -> std::io::Result<()> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    if !target.exists() {
        return std::fs::rename(staged, target);
    }
    renameat2(AT_FDCWD, staged, AT_FDCWD, target, RenameFlags::RENAME_EXCHANGE)
        .map_err(std::io::Error::from)
}

/// Every file there is, what the contract knows first, then by name.
fn list(root: &Path, snapshot: &Path) -> Result<Vec<Artifact>> {
    let mut files = Vec::new();
    walk(root, root, &mut files);
    files.sort_by_key(|path| (order(ArtifactKind::of_file(path)), path.clone()));
    let evidence = if snapshot.exists() { Some(Snapshot::open(snapshot)?) } else { None };
    files.iter().map(|path| artifact(root, path, evidence.as_ref())).collect()
}

fn order(kind: ArtifactKind) -> u8 {
    match kind {
        ArtifactKind::Investigation => 0,
        ArtifactKind::Issues => 1,
        ArtifactKind::Evals => 2,
        ArtifactKind::PullRequest => 3,
        ArtifactKind::Report => 4,
        ArtifactKind::Branch => 5,
        ArtifactKind::Patch => 6,
        ArtifactKind::File => 7,
    }
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(root, &path, files),
            Ok(kind) if kind.is_file() => {
                if let Ok(below) = path.strip_prefix(root) {
                    files.push(below.to_string_lossy().into_owned());
                }
            }
            _ => {}
        }
    }
}

fn artifact(root: &Path, path: &str, evidence: Option<&Snapshot>) -> Result<Artifact> {
    let kind = ArtifactKind::of_file(path);
    let file = root.join(path);
    let (title, checks) = match kind {
        ArtifactKind::Investigation => investigation(&file, evidence)?,
        ArtifactKind::Issues => issues(&file, evidence)?,
        ArtifactKind::Evals => evals(&file, evidence)?,
        _ => (path.to_owned(), Vec::new()),
    };
    Ok(Artifact { kind, path: Some(path.to_owned()), url: None, title, checks })
}

fn read(file: &PathBuf) -> Result<String> {
    use std::io::Read as _;
    let doing = || format!("read `{}`", file.display());
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .cannot(Kind::Config, doing)?
        .take(CHECKED)
        .read_to_end(&mut bytes)
        .cannot(Kind::Config, doing)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn check(name: &str, passed: bool, detail: String) -> Check {
    Check { name: name.to_owned(), passed, detail }
}

fn investigation(file: &PathBuf, evidence: Option<&Snapshot>) -> Result<(String, Vec<Check>)> {
    let text = read(file)?;
    let headings: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim())
        .collect();
    let missing: Vec<&str> = HEADINGS
        .into_iter()
        .filter(|wanted| !headings.iter().any(|heading| heading.eq_ignore_ascii_case(wanted)))
        .collect();
    let detail = if missing.is_empty() {
        format!("it has the headings {}", HEADINGS.join(", "))
    } else {
        format!("it lacks the heading {}", missing.join(", "))
    };
    let title = text
        .lines()
        .find_map(|line| line.strip_prefix("# "))
        .filter(|title| !HEADINGS.contains(title))
        .unwrap_or("investigation")
        .trim()
        .to_owned();
    let mut checks = vec![check("headings", missing.is_empty(), detail)];
    checks.extend(citations(&text, evidence)?);
    Ok((title, checks))
}

fn citations(text: &str, evidence: Option<&Snapshot>) -> Result<Option<Check>> {
    let Some(evidence) = evidence else { return Ok(None) };
    let found = evidence.check(&cited(text))?;
    let (there, all) = (found.found.len(), found.found.len() + found.missing.len());
    let detail = match found.missing.as_slice() {
        [] if all == 0 => "it cites no trace".to_owned(),
        [] => format!("{there} of {all} cited traces exist"),
        missing => {
            let shown: Vec<&str> = missing.iter().take(5).map(String::as_str).collect();
            format!("{there} of {all} cited traces exist; not {}", shown.join(", "))
        }
    };
    Ok(Some(check("citations", found.missing.is_empty() && all > 0, detail)))
}

fn issues(file: &PathBuf, evidence: Option<&Snapshot>) -> Result<(String, Vec<Check>)> {
    let text = read(file)?;
    let issues = serde_json::from_str::<serde_json::Value>(&text)
        .map_err(|error| format!("it is no JSON: {error}"))
        .and_then(|value| match value["issues"].as_array() {
            Some(issues) if value["version"] == 1 => Ok(issues.clone()),
            _ => Err("it must be an object with `version` 1 and a list `issues`".to_owned()),
        })
        .and_then(|issues| {
            let wrong = issues.iter().position(|issue| {
                issue["title"].as_str().is_none_or(str::is_empty)
                    || !issue["trace_ids"]
                        .as_array()
                        .is_some_and(|ids| ids.iter().all(|id| id.is_string()))
            });
            match wrong {
                Some(at) => Err(format!("issue {} lacks a `title` or `trace_ids`", at + 1)),
                None => Ok(issues.len()),
            }
        });
    let (title, schema) = match issues {
        Ok(count) => {
            let count = Count::of(count, "issue").to_string();
            (count.clone(), check("schema", true, format!("{count}, each with a title and traces")))
        }
        Err(reason) => ("issues".to_owned(), check("schema", false, reason)),
    };
    let mut checks = vec![schema];
    // Fingerprints and the like look as ids do, so only what is said to be an id is looked up.
    let ids: Vec<String> = serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .and_then(|value| value["issues"].as_array().cloned())
        .unwrap_or_default()
        .iter()
        .flat_map(|issue| issue["trace_ids"].as_array().cloned().unwrap_or_default())
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect();
    if !ids.is_empty() {
        checks.extend(citations(&ids.join(" "), evidence)?);
    }
    Ok((title, checks))
}

fn evals(file: &Path, evidence: Option<&Snapshot>) -> Result<(String, Vec<Check>)> {
    let Evals { good, mistakes, .. } = traces::evals::read(file, evidence)?;
    let title = Count::of(good.len() + mistakes.len(), "eval label").to_string();
    let of = |fault: Fault| mistakes.iter().filter(move |mistake| mistake.fault == fault);
    let detail = match of(Fault::Form).next() {
        None => format!("{title}, each of the right form"),
        Some(first) => {
            let more = of(Fault::Form).count() - 1;
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            format!("line {}: {}{more}", first.line, first.reason)
        }
    };
    let mut checks = vec![check("schema", of(Fault::Form).count() == 0, detail)];
    if evidence.is_some() {
        let missing = of(Fault::Unknown).count();
        let (there, all) = (good.len(), good.len() + missing);
        let mut detail = format!("{there} of {all} cited spans and traces exist");
        if let Some(first) = of(Fault::Unknown).next() {
            detail.push_str(&format!("; line {}: {}", first.line, first.reason));
        }
        checks.push(check("citations", missing == 0 && all > 0, detail));
    }
    Ok((title, checks))
}
