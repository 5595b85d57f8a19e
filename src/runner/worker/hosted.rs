//! A session on a vendor's own infrastructure.
//!
//! Where it is and what it is called there is in the session's folder ([`HostedRecord`]); the host's
//! copy of its journal is the only cursor. Whatever rests at the vendor's for longer than the plan's
//! idle time counts as stopped, since nobody there ends it by itself.

use super::super::repository;
use super::{After, Ending, Live, Task, Worker};
use crate::domain::journal::Exit;
use crate::domain::plan::LaunchPlan;
use crate::domain::preset::Network;
use crate::domain::transcript::EventKind;
use crate::domain::turn::{Conversation, FileSpec, Verdict};
use crate::domain::words::or;
use crate::error::{Failure, Kind, Result};
use crate::forge::Remote;
use crate::harness::{self, Paths, Reader};
use crate::managed::{
    self, Creation, Launched, Launcher, Managed, Repository, SkillFiles, Standing, Wanted,
};
use crate::output::{Reporter, Step};
use crate::sandbox::{Area, Created, Status};
use crate::secrets::Secret;
use crate::store::{HostedRecord, RepositoryRecord, SessionDir};
use crate::traces::snapshot::TABLES;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::time::Duration;

/// The one server whose repositories the vendor takes in.
const GITHUB: &str = "https://github.com";

/// Asks somebody whether something may be made in the account.
type Consent = Box<dyn Fn(&Creation) -> Result<bool>>;

pub struct Hosted {
    managed: Managed,
    plan: LaunchPlan,
    /// Values that must not be in the journal.
    secrets: Vec<Secret>,
    /// The folder of all sessions' folders.
    sessions: PathBuf,
    /// This program, where it is to be sent along.
    program: Option<PathBuf>,
    consent: Consent,
}

impl Hosted {
    /// `secrets` are what else the plan's worker is given.
    pub fn new(
        managed: Managed,
        plan: &LaunchPlan,
        secrets: Vec<Secret>,
        sessions: PathBuf,
        consent: Consent,
    ) -> Result<Self> {
        its_harness(&plan.harness)?;
        let plan = plan.clone();
        Ok(Self { managed, plan, secrets, sessions, program: None, consent })
    }

    /// Sends this program along with every session that has evidence.
    #[must_use]
    pub fn with_program(mut self, program: Option<PathBuf>) -> Self {
        self.program = program;
        self
    }

    fn dir(&self, session: &str) -> SessionDir {
        SessionDir::within(&self.sessions, session)
    }

    /// The vendor's id of a session, where one was made.
    fn id(&self, session: &str) -> Result<Option<String>> {
        Ok(HostedRecord::read(&self.dir(session))?.map(|record| record.id))
    }

    fn made(&self, session: &str) -> Result<String> {
        self.id(session)?.ok_or_else(|| {
            Failure::new(Kind::Sandbox, format!("session `{session}` was not made at the vendor"))
        })
    }

    /// Whether the worker ever spoke of the folder of outputs. What it leaves comes some seconds late,
    /// which need not be waited for where there is nothing.
    fn leaves_something(&self, session: &str) -> bool {
        let Ok(file) = File::open(self.dir(session).journal()) else { return false };
        let mut lines = BufReader::new(file).split(b'\n').map_while(std::result::Result::ok);
        lines.any(|line| {
            memchr::memmem::find(&line, b"agent.").is_some()
                && memchr::memmem::find(&line, b"outputs").is_some()
        })
    }

    fn take(&self, task: &mut Task, about: &About) -> Result<Launched> {
        let dir = task.store.dir(&task.session.id);
        let snapshot = task.session.evidence.map(|_| dir.snapshot());
        let hosts = hosts(&self.plan);
        let wanted = managed::Task {
            session: &task.session.id,
            recorded_at: task.session.created_at,
            title: self.plan.name.as_deref().unwrap_or(&task.turn.prompt),
            prompt: &task.turn.prompt,
            instructions: &about.instructions,
            system_prompt: self.plan.system_prompt.as_deref(),
            model: self.plan.model.as_deref(),
            repository: about.repository.as_ref().map(|(url, base, token)| Repository {
                url,
                base,
                token: token.as_ref(),
            }),
            snapshot: snapshot.as_deref(),
            tables: TABLES,
            program: self.program.as_deref(),
            skills: &about.skills,
            hosts: hosts.as_deref(),
        };
        let mut desk = Desk { reporter: &mut *task.reporter, consent: &self.consent, dir: &dir };
        self.managed.launch(&wanted, &mut desk)
    }

    fn about(&self, task: &Task) -> Result<About> {
        let repository = self.repository(task)?;
        let paths = Paths {
            workspace: repository
                .as_ref()
                .map_or_else(|| "/workspace".to_owned(), |(url, ..)| managed::workspace(url)),
            snapshot: managed::SNAPSHOT.to_owned(),
            artifacts: managed::OUTPUTS.to_owned(),
            ..Paths::default()
        };
        let skills = task.packs()?.into_iter().map(|(name, pack)| SkillFiles {
            name: name.to_owned(),
            files: pack
                .files
                .into_iter()
                .map(|file| FileSpec {
                    path: file.path,
                    content: file.text,
                    executable: file.executable,
                })
                .collect(),
        });
        let (instructions, skills) = (task.preamble(&paths), skills.collect());
        Ok(About { instructions, repository, skills })
    }

    /// The address, the commit that the worker begins at, and what opens it.
    fn repository(&self, task: &Task) -> Result<Option<(String, String, Option<Secret>)>> {
        let Some(repo) = self.plan.repo.as_deref() else { return Ok(None) };
        let Some(record) = RepositoryRecord::read(&task.store.dir(&task.session.id))? else {
            return Ok(None);
        };
        let remote = repository::remote(&self.plan, repo)?;
        let Some(url) = address(&remote) else {
            return Err(Failure::new(
                Kind::Config,
                format!("sessions of `{}` cannot work on `{}`", managed::NAME, remote.shown()),
            )
            .because("the vendor takes repositories in from github.com alone")
            .hint("run it in a sandbox: `--sandbox docker`"));
        };
        let token = repository::token(&self.plan, &remote, task.outside)?;
        Ok(Some((url, record.base, token)))
    }
}

/// What a task is made of, owned.
struct About {
    instructions: String,
    repository: Option<(String, String, Option<Secret>)>,
    skills: Vec<SkillFiles>,
}

impl Worker for Hosted {
    fn reader(&self, _: Option<&Conversation>) -> Box<dyn Reader> {
        Box::new(managed::Reader::default())
    }

    fn launch(&self, task: &mut Task) -> Result<Created> {
        let about = self.about(task)?;
        let launched = self.take(task, &about).map_err(|failure| {
            let id = &task.session.id;
            failure.while_doing(format!("cannot start session `{id}` at the vendor"))
        })?;
        let Launched { id, found } = launched;
        Ok(Created { id, live: None, found, notes: Vec::new() })
    }

    fn hand(&self, task: &Task) -> Result<()> {
        let (session, turn) = (&task.session.id, task.turn);
        self.managed.follow_up(&self.made(session)?, session, turn.turn, &turn.prompt)
    }

    fn journal(&self, session: &str, After { turn, follow, .. }: After) -> Result<Live> {
        let most = self.plan.limits.timeout_ms;
        self.managed.journal(&Wanted {
            id: &self.made(session)?,
            session,
            stored: &self.dir(session).journal(),
            turn,
            followed: follow,
            most: (most > 0).then(|| Duration::from_millis(most)),
            secrets: &self.secrets,
        })
    }

    fn status(&self, session: &str) -> Result<Status> {
        let Some(id) = self.id(session)? else { return Ok(Status::Gone) };
        let idle = Duration::from_millis(self.plan.sandbox.idle_timeout_ms);
        Ok(match self.managed.status(&id)? {
            Standing::Gone => Status::Gone,
            Standing::Over => Status::Stopped { oom_killed: false },
            Standing::Idle(since) if !idle.is_zero() && since > idle => {
                Status::Stopped { oom_killed: false }
            }
            Standing::Idle(_) | Standing::Running => Status::Running,
        })
    }

    fn download(&self, session: &str, what: Area) -> Result<Live> {
        match what {
            Area::Artifacts => {
                let expected = self.leaves_something(session);
                self.managed.artifacts(&self.made(session)?, expected)
            }
            // All of it was read where it is followed: there is no other copy.
            Area::Journal => Ok(Box::new(std::io::empty())),
        }
    }

    fn end(&self, session: &str, what: Ending) -> Result<()> {
        match (what, self.id(session)?) {
            (Ending::Turn, id) => match id {
                Some(id) => self.managed.interrupt(&id),
                None => self.made(session).map(drop),
            },
            // It rests, and costs nothing while it does.
            (Ending::Worker, _) => Ok(()),
            (Ending::Everything, Some(id)) => self.managed.remove(&id),
            // One may have been made all the same.
            (Ending::Everything, None) => {
                let all = self.managed.list()?;
                let ours = all.into_iter().filter(|found| found.session == session);
                ours.map(|found| found.id).try_for_each(|id| self.managed.remove(&id))
            }
        }
    }
}

impl Reader for managed::Reader {
    fn out(&mut self, line: &str) -> Vec<EventKind> {
        self.out(line)
    }

    fn err(&mut self, _: &str) -> Vec<EventKind> {
        Vec::new()
    }

    fn rest(&mut self) -> Vec<EventKind> {
        self.rest()
    }

    fn end(&mut self, exit: &Exit) -> Verdict {
        self.end(exit)
    }
}

/// Who is told how far a launch is.
struct Desk<'d> {
    reporter: &'d mut dyn Reporter,
    consent: &'d Consent,
    dir: &'d SessionDir,
}

impl Launcher for Desk<'_> {
    fn progress(&mut self, what: &str) {
        self.reporter.step(Step::doing(what));
    }

    fn consent(&mut self, creation: &Creation) -> Result<bool> {
        (self.consent)(creation)
    }

    fn record(&mut self, id: &str) -> Result<()> {
        HostedRecord { id: id.to_owned() }.write(self.dir)
    }

    fn note(&mut self, what: &str) {
        self.reporter.warn(what);
    }
}

/// A vendor runs its own harness and no other.
fn its_harness(name: &str) -> Result<()> {
    let is_its =
        |one: &&&dyn harness::Harness| one.key().is_some_and(|key| key.secret == managed::SECRET);
    let its: Vec<&str> = harness::all().iter().filter(is_its).map(|one| one.name()).collect();
    if its.contains(&name) {
        return Ok(());
    }
    let sentence = format!("sessions of `{}` do not run the harness `{name}`", managed::NAME);
    Err(Failure::new(Kind::Config, sentence).because("the vendor runs its own").hint(format!(
        "write `harness = \"{}\"`, or run it in a sandbox",
        or(&its).replace('`', "")
    )))
}

/// The address as the vendor wants it.
fn address(remote: &Remote) -> Option<String> {
    let github = remote.github.as_ref().filter(|github| github.server == GITHUB)?;
    Some(format!("{GITHUB}/{}/{}", github.owner, github.name))
}

/// What an environment that is made may reach; anything where none are said.
fn hosts(plan: &LaunchPlan) -> Option<Vec<String>> {
    match &plan.sandbox.network {
        Network::Open => None,
        Network::None => Some(Vec::new()),
        Network::Hosts(hosts) => Some(hosts.clone()),
        Network::Default => {
            Some(plan.skills.iter().flat_map(|skill| skill.hosts.clone()).collect())
        }
    }
}
