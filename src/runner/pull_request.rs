//! From a session's branch to a pull request, exactly once.
//!
//! What is about to be done is written down before it is done: the commit before the push, the pull
//! request as soon as it is known. Whoever comes after a crash does the same again, and every step
//! finds what is there already. Nothing is pushed whose checks failed, unless a person says so, and
//! a branch that holds a secret never is.

use super::Outside;
use super::clean::values;
use super::repository::{git, remote, take, token};
use crate::domain::artifact::Check;
use crate::domain::plan::LaunchPlan;
use crate::domain::preset::Project;
use crate::domain::refname;
use crate::domain::words::Count;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::forge::{
    self, Forge, GitHub, Investigation, PullRequest, Push, Pushed, Remote, SECRETS, State,
    WantedPullRequest,
};
use crate::output::{Reporter, Step};
use crate::secrets::{Redactor, Secret};
use crate::store::{PullRequestRecord, RepositoryRecord, SessionDir, SessionRecord, Store};
use crate::traces;
use std::io::{BufRead as _, BufReader};

/// More of the links in a transcript are not looked up.
const LOOKED_UP: usize = 5;
/// Clocks differ; a pull request this much older than the session may still be its own.
const SKEW_MS: i64 = 120_000;

/// Publishes the branch of one session. Whoever has one holds the session's lock.
pub struct Publisher<'a> {
    pub store: &'a mut Store,
    pub session: &'a SessionRecord,
    pub outside: &'a Outside<'a>,
    pub reporter: &'a mut dyn Reporter,
}

impl Publisher<'_> {
    /// Pushes the branch and opens its pull request, or finds that done. `reviewed` says that a
    /// person looked at what the checks found.
    pub fn publish(&mut self, reviewed: bool) -> Result<()> {
        let dir = self.store.dir(&self.session.id);
        let mut record = self.record(&dir)?;
        let (remote, github, token) = self.reach()?;
        if record.checks.iter().any(|check| !check.passed) {
            // A secret that could not be had may be there by now.
            record.checks = take(self.session, &dir, &record, self.outside)?.checks;
            record.write(&dir)?;
        }
        self.refuse(&record, reviewed)?;
        self.push(&dir, &mut record, &remote, &token)?;
        let forge = Forge::new(&github, &token, self.outside.ca_bundle.as_deref())?;
        let text = self.text(&dir, &record.subject, &record.checks)?;
        self.reporter.step(Step::doing("opening the pull request"));
        let branch = refname::of_session(&self.session.id);
        let wanted = WantedPullRequest {
            title: &text.title,
            body: &text.body,
            head: &branch,
            base: &record.base_branch,
            draft: self.session.plan.draft,
        };
        let reporter = &mut *self.reporter;
        let opened =
            forge.open(&wanted, self.outside.now, &mut |why| reporter.step(Step::doing(why)))?;
        if opened.state != State::Open {
            let state = opened.state.name();
            self.reporter.warn(&format!("the pull request of this session was {state} meanwhile"));
        }
        record.pull_request = Some(told(opened));
        record.unpublished = None;
        record.write(&dir)
    }

    /// Writes down why there is no pull request, for whoever looks later.
    pub fn give_up(&mut self, why: &Failure) -> Result<()> {
        let dir = self.store.dir(&self.session.id);
        let Some(mut record) = RepositoryRecord::read(&dir)? else { return Ok(()) };
        record.unpublished = Some(why.to_string());
        record.write(&dir)
    }

    fn record(&self, dir: &SessionDir) -> Result<RepositoryRecord> {
        let id = &self.session.id;
        let record = RepositoryRecord::read(dir)?;
        let record = record.ok_or_else(|| {
            Failure::new(Kind::Usage, format!("session `{id}` has no repository"))
                .hint("start one with `--repo owner/name`")
        })?;
        match (&record.head, &record.trouble) {
            (Some(_), _) => Ok(record),
            (None, Some(trouble)) => Err(Failure::new(Kind::Worker, trouble.clone())),
            (None, None) => {
                Err(Failure::new(Kind::Worker, format!("session `{id}` left no commits")))
            }
        }
    }

    fn reach(&self) -> Result<(Remote, GitHub, Secret)> {
        let plan = &self.session.plan;
        let remote = remote(plan, plan.repo.as_deref().unwrap_or_default())?;
        let github = remote.github.clone().ok_or_else(|| {
            let name = remote.shown();
            Failure::new(Kind::Usage, format!("`{name}` is at no forge that takes pull requests"))
                .hint(format!("take the branch: `loop session apply {}`", self.session.id))
        })?;
        let token = token(plan, &remote, self.outside)?.ok_or_else(|| {
            Failure::new(Kind::Credential, "there is no credential for the repository")
                .hint("add `--skill github`")
        })?;
        Ok((remote, github, token))
    }

    /// Checks that stand against it.
    fn refuse(&self, record: &RepositoryRecord, reviewed: bool) -> Result<()> {
        let id = &self.session.id;
        let failed: Vec<&Check> = record.checks.iter().filter(|check| !check.passed).collect();
        let secret = failed.iter().any(|check| check.name == SECRETS);
        if failed.is_empty() || (reviewed && !secret) {
            return Ok(());
        }
        let mut failure =
            Failure::new(Kind::Worker, "the branch is not pushed: it must be looked at first");
        for check in failed {
            failure = failure.because(&check.detail);
        }
        let failure = failure.hint(format!("look at it: `loop session diff {id}`"));
        Err(match secret {
            true => failure,
            false => failure.hint(format!("then push it: `loop session publish {id} --reviewed`")),
        })
    }

    fn push(
        &mut self,
        dir: &SessionDir,
        record: &mut RepositoryRecord,
        remote: &Remote,
        token: &Secret,
    ) -> Result<()> {
        let Some(head) = record.head.clone() else { return Ok(()) };
        let branch = refname::of_session(&self.session.id);
        self.reporter.step(Step::doing(&format!("pushing {branch}")));
        // Where it stands, if we left it there: at one that we pushed, or nowhere yet.
        let mut ours: Vec<Option<String>> = record.pushed.iter().rev().cloned().map(Some).collect();
        ours.push(None);
        if !record.pushed.contains(&head) {
            record.pushed.push(head.clone());
            record.write(dir)?;
        }
        for last in ours {
            let (token, commit, last) = (Some(token), head.as_str(), last.as_deref());
            let wanted = Push { remote, token, branch: &branch, commit, last };
            if forge::push(&git(self.outside), &dir.repository(), &wanted)? == Pushed::Done {
                return Ok(());
            }
        }
        let name = remote.shown();
        let sentence = format!("somebody moved `{branch}` of `{name}`, so it is left as it is");
        let id = &self.session.id;
        Err(Failure::new(Kind::Network, sentence)
            .hint(format!("take the branch here: `loop session apply {id}`")))
    }

    /// What people at the forge read.
    pub(super) fn text(
        &self,
        dir: &SessionDir,
        subject: &str,
        checks: &[Check],
    ) -> Result<forge::Text> {
        let plan = &self.session.plan;
        let text = std::fs::read(dir.artifacts().join("investigation.md")).ok();
        let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
        let turns = self.store.turns(&self.session.id)?;
        let answer = turns.iter().rev().find_map(|turn| turn.answer.as_deref());
        let (secrets, _) = values(plan, self.outside);
        let about = Investigation {
            text: text.as_deref(),
            subject,
            session: &self.session.id,
            preset: plan.preset.as_deref(),
            harness: &plan.harness,
            answer,
            checks,
            trace_link: &|id| trace_link(plan.project.as_ref(), id),
        };
        Ok(forge::compose(&about, &Redactor::new(&secrets)))
    }

    /// Pull requests that the worker opened by itself: what its transcript names, where the forge says
    /// that it is so.
    pub fn find(&mut self) -> Result<()> {
        let dir = self.store.dir(&self.session.id);
        let Some(mut record) = RepositoryRecord::read(&dir)? else { return Ok(()) };
        let plan = &self.session.plan;
        let remote = remote(plan, plan.repo.as_deref().unwrap_or_default())?;
        let Some(github) = remote.github else { return Ok(()) };
        let known: Vec<u64> =
            record.pull_request.iter().chain(&record.found).map(|one| one.number).collect();
        let named = self.named(&dir, &github)?;
        let new: Vec<u64> = named.into_iter().filter(|number| !known.contains(number)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let (_, github, token) = self.reach()?;
        let forge = Forge::new(&github, &token, self.outside.ca_bundle.as_deref())?;
        for number in new.into_iter().rev().take(LOOKED_UP) {
            let ours = forge.get_one(number)?;
            // One that was there before is one that it read about.
            let ours = ours.filter(|one| one.created_at >= self.session.created_at - SKEW_MS);
            record.found.extend(ours.map(told));
        }
        record.write(&dir)
    }

    /// The pull requests that its transcript names, oldest first.
    fn named(&self, dir: &SessionDir, github: &GitHub) -> Result<Vec<u64>> {
        let doing = || "read the transcript".to_owned();
        let path = dir.transcript();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let file = std::fs::File::open(path).cannot(Kind::Config, doing)?;
        let mut named: Vec<u64> = Vec::new();
        for line in BufReader::with_capacity(256 << 10, file).split(b'\n') {
            let line = line.cannot(Kind::Config, doing)?;
            if memchr::memmem::find(&line, b"/pull/").is_some() {
                for number in forge::links(&String::from_utf8_lossy(&line), github) {
                    if !named.contains(&number) {
                        named.push(number);
                    }
                }
            }
        }
        Ok(named)
    }
}

fn told(one: forge::PullRequest) -> PullRequestRecord {
    let forge::PullRequest { number, url, title, draft, .. } = one;
    PullRequestRecord { number, url, title, draft }
}

/// Where people see a trace, for sources that have pages.
fn trace_link(project: Option<&Project>, id: &str) -> Option<String> {
    traces::page(project?, id)
}

/// What became of a session's pull requests, by their addresses, as the forge tells it now. Where it
/// cannot be asked, or not in time, that is said.
pub fn standing(
    session: &SessionRecord,
    record: &RepositoryRecord,
    outside: &Outside,
) -> Vec<(String, Check)> {
    let all: Vec<&PullRequestRecord> = record.pull_request.iter().chain(&record.found).collect();
    let plan = &session.plan;
    let forge = || -> Result<Forge> {
        let remote = remote(plan, plan.repo.as_deref().unwrap_or_default())?;
        let token = token(plan, &remote, outside)?;
        match (remote.github, token) {
            (Some(github), Some(token)) => {
                Forge::hasty(&github, &token, outside.ca_bundle.as_deref())
            }
            _ => Err(Failure::new(Kind::Credential, "there is no credential for the repository")),
        }
    };
    if all.is_empty() {
        return Vec::new();
    }
    let mut forge = forge();
    let mut told = Vec::new();
    for one in all {
        let stands =
            forge.as_ref().map_err(Clone::clone).and_then(|forge| stands(forge, one.number));
        let (passed, detail) = match stands {
            Ok(detail) => (true, detail),
            Err(failed) => {
                let detail = format!("its state is unknown: {}", failed.sentence);
                // One that does not answer is not asked again.
                forge = Err(failed);
                (false, detail)
            }
        };
        told.push((one.url.clone(), Check { name: "state".to_owned(), passed, detail }));
    }
    told
}

/// A pull request of the plan's repository, by its address, as the forge tells it now. None where it is
/// of another repository, or not there.
pub fn look_up(plan: &LaunchPlan, url: &str, outside: &Outside) -> Result<Option<PullRequest>> {
    let remote = remote(plan, plan.repo.as_deref().unwrap_or_default())?;
    let Some(github) = &remote.github else { return Ok(None) };
    let Some(number) = forge::links(url, github).first().copied() else { return Ok(None) };
    let Some(token) = token(plan, &remote, outside)? else { return Ok(None) };
    Forge::new(github, &token, outside.ca_bundle.as_deref())?.get_one(number)
}

/// `open, draft; 2 of 3 checks passed, 1 failed`.
fn stands(forge: &Forge, number: u64) -> Result<String> {
    let Some(found) = forge.get_one(number)? else {
        return Ok("it is not there any more".to_owned());
    };
    let mut text = found.state.name().to_owned();
    if found.draft && found.state == State::Open {
        text.push_str(", draft");
    }
    let (passed, failed, all) = forge.checks(&found.head_commit)?;
    if all > 0 {
        text.push_str(&format!("; {passed} of {} passed", Count::of(all, "check")));
        if failed > 0 {
            text.push_str(&format!(", {failed} failed"));
        }
    }
    Ok(text)
}
