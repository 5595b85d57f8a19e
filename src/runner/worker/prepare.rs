//! From a launch plan to what a provider and the supervisor are given.
//!
//! Here, and only here, secrets become values: in the turn's specification, which goes to the
//! supervisor's standard input and nowhere else.

use super::super::{evidence, repository};
use super::{Sandboxed, Task};
use crate::domain::preset::{Network, SandboxSettings};
use crate::domain::turn::{BootSpec, FileSpec, TurnLimits, TurnSpec};
use crate::domain::{places, refname};
use crate::error::{Failure, Kind, Result};
use crate::forge::Pack;
use crate::harness::{self, Ask, Invocation, Native, Paths, preamble};
use crate::sandbox::SandboxSpec;
use crate::secrets;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A harness's program that has to be had on this machine.
pub struct Program {
    pub native: Native,
}

/// Everything a sandbox is made from, owned.
pub(super) struct Prepared {
    session: String,
    settings: SandboxSettings,
    bare: bool,
    program: Option<PathBuf>,
    snapshot: Option<PathBuf>,
    repository: Option<PathBuf>,
    ca_bundle: Option<PathBuf>,
    boot: BootSpec,
}

impl Prepared {
    pub(super) fn spec(&self) -> SandboxSpec<'_> {
        SandboxSpec {
            session: &self.session,
            image: &self.settings.image,
            base_image: &self.settings.base_image,
            bare: self.bare,
            program: self.program.as_deref(),
            snapshot: self.snapshot.as_deref(),
            repository: self.repository.as_deref(),
            ca_bundle: self.ca_bundle.as_deref(),
            network: has_way_out(&self.settings.network, self.bare),
            cpus: self.settings.cpus,
            memory_bytes: self.settings.memory_bytes,
            boot: self.boot.clone(),
        }
    }
}

/// What is built into this program talks to nobody.
fn has_way_out(network: &Network, bare: bool) -> bool {
    match network {
        Network::None => false,
        Network::Default => !bare,
        Network::Open | Network::Hosts(_) => true,
    }
}

impl Sandboxed {
    /// All that a sandbox is made from, with the harness's program fetched where it has to be.
    pub(super) fn prepare(&self, task: &mut Task) -> Result<Prepared> {
        let first = self.turn_spec(task)?;
        if first.secrets.iter().any(|secret| secret.len() < secrets::MIN_LENGTH) {
            task.reporter.warn("a secret is too short to be kept out of the transcript safely");
        }
        let program = match self.harness.program() {
            harness::Program::Native(native) => {
                let reporter = &mut *task.reporter;
                let path = (task.outside.program)(&Program { native }, &mut |step| {
                    reporter.step(step);
                })?;
                path.parent().map(Path::to_owned)
            }
            _ => None,
        };
        let settings = task.session.plan.sandbox.clone();
        let dir = task.store.dir(&task.session.id);
        Ok(Prepared {
            session: task.session.id.clone(),
            bare: self.harness.program() == harness::Program::Builtin,
            program,
            snapshot: task.session.evidence.map(|_| dir.snapshot()),
            repository: Some(dir.bundle()).filter(|bundle| bundle.exists()),
            ca_bundle: task.ca_bundle(),
            boot: BootSpec {
                idle_ms: settings.idle_timeout_ms,
                first: Some(first),
                ..BootSpec::default()
            },
            settings,
        })
    }

    /// One turn as the supervisor is told it.
    pub(super) fn turn_spec(&self, task: &Task) -> Result<TurnSpec> {
        let (plan, turn) = (&task.session.plan, task.turn);
        let paths = self.paths();
        let instructions = task.instructions(&paths);
        let turns = task.store.turns(&task.session.id)?;
        let conversation = turns
            .iter()
            .filter(|before| before.turn < turn.turn)
            .filter_map(|before| before.conversation.as_ref())
            .next_back();
        let invocation = self.harness.invocation(&Ask {
            prompt: &turn.prompt,
            instructions: &instructions,
            model: plan.model.as_deref(),
            conversation,
            is_follow_up: turn.turn > 1,
            session_uuid: &task.session.uuid,
            limits: &plan.limits,
            provider: plan.provider.as_ref(),
            command: &plan.command,
            paths: &paths,
            ca_bundle: task.ca_bundle().is_some(),
        });
        let dir = task.store.dir(&task.session.id);
        let [prepare, conclude] = repository::verbs(&task.session.id, &dir, turn.turn)?;
        let mut secrets = Vec::new();
        let env = task.environment(&invocation, &mut secrets)?;
        Ok(TurnSpec {
            turn: turn.turn,
            argv: invocation.argv,
            env,
            cwd: paths.workspace,
            files: invocation
                .files
                .into_iter()
                .chain(self.skill_files(task, &paths.home)?)
                .collect(),
            stdin: invocation.stdin,
            prepare,
            conclude,
            setup: if turn.turn == 1 { plan.sandbox.setup.clone() } else { Vec::new() },
            limits: TurnLimits {
                wall_ms: plan.limits.timeout_ms,
                quiet_ms: plan.limits.quiet_ms,
                output_bytes: plan.limits.output_bytes,
            },
            secrets,
        })
    }

    /// What custom skills install, where the harness looks for it.
    fn skill_files(&self, task: &Task, home: &str) -> Result<Vec<FileSpec>> {
        let folder = format!("{home}/{}", self.harness.skills());
        let mut files = Vec::new();
        for (_, pack) in task.packs()? {
            files.extend(pack.files.into_iter().map(|file| FileSpec {
                path: format!("{folder}/{}", file.path),
                content: file.text,
                executable: file.executable,
            }));
        }
        Ok(files)
    }

    fn paths(&self) -> Paths {
        let program = match self.harness.program() {
            harness::Program::Native(native) => format!("{}/{}", places::HARNESS, native.name),
            harness::Program::InImage(name) => name.to_owned(),
            harness::Program::Builtin | harness::Program::Preset => String::new(),
        };
        Paths { program, ..Paths::default() }
    }
}

impl Task<'_> {
    /// What custom skills install, each by its name.
    pub(super) fn packs(&self) -> Result<Vec<(&str, Pack)>> {
        let kept = self.store.root().join("skills");
        let mut packs = Vec::new();
        for skill in &self.session.plan.skills {
            let Some(digest) = &skill.pinned else { continue };
            let pack = Pack::of_digest(&kept, digest).ok_or_else(|| {
                let sentence = format!("the files of the skill `{}` are gone", skill.name);
                Failure::new(Kind::Config, sentence)
                    .hint(format!("install it again: `loop skill install {}`", skill.name))
            })?;
            packs.push((skill.name.as_str(), pack));
        }
        Ok(packs)
    }

    fn ca_bundle(&self) -> Option<PathBuf> {
        let named = self.session.plan.sandbox.ca_bundle.as_ref().map(PathBuf::from);
        named.or_else(|| self.outside.ca_bundle.clone())
    }

    /// The preset's own words, and what every worker is told.
    fn instructions(&self, paths: &Paths) -> String {
        let told = self.preamble(paths);
        match &self.session.plan.system_prompt {
            Some(own) => format!("{own}\n\n{told}"),
            None => told,
        }
    }

    /// What every worker is told.
    pub(super) fn preamble(&self, paths: &Paths) -> String {
        let plan = &self.session.plan;
        let skills: Vec<_> = plan
            .skills
            .iter()
            .map(|skill| (skill.name.as_str(), skill.instructions.as_str()))
            .collect();
        let (traces, spans, failing) = self.session.evidence.unwrap_or_default();
        let (since, until) = evidence::window_text(plan.window);
        let branch = refname::of_session(&self.session.id);
        preamble::preamble(&preamble::About {
            project: plan.project.as_ref().map_or("", |project| &project.name),
            source: plan.project.as_ref().map_or("", |project| &project.source),
            traces,
            spans,
            failing,
            since: since.as_deref(),
            until: until.as_deref(),
            branch: plan.repo.as_ref().map(|_| branch.as_str()),
            pull_request: plan.pull_request,
            skills: &skills,
            paths,
        })
    }

    /// The whole environment of a turn; the values that must not show are also put aside.
    fn environment(
        &self,
        invocation: &Invocation,
        secrets: &mut Vec<String>,
    ) -> Result<BTreeMap<String, String>> {
        let plan = &self.session.plan;
        let mut env = base_environment(self.ca_bundle().is_some());
        env.extend(repository::committer(plan));
        for skill in &plan.skills {
            env.extend(skill.env.clone());
        }
        env.extend(plan.env.clone());
        env.extend(invocation.env.clone());
        // Where this machine opens the pull request, the worker has no need to.
        let kept = plan.pull_request.then(|| repository::token_name(plan)).flatten();
        let of_skills = plan.skills.iter().flat_map(|skill| skill.secrets.keys());
        let of_skills = of_skills.filter(|name| Some(name.as_str()) != kept);
        let wanted = invocation
            .secret_env
            .iter()
            .map(|(variable, secret)| (variable, secret.as_str()))
            .chain(of_skills.map(|name| (name, name.as_str())));
        for (variable, secret) in wanted {
            let value = (self.outside.secret)(secret)?.expose().to_owned();
            secrets.push(value.clone());
            env.insert(variable.clone(), value);
        }
        Ok(env)
    }
}

fn base_environment(ca_bundle: bool) -> BTreeMap<String, String> {
    let path =
        "/loop/bin:/loop/harness:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let mut env: BTreeMap<String, String> = [
        ("HOME", places::HOME),
        ("PATH", path),
        ("USER", "worker"),
        ("LOGNAME", "worker"),
        ("SHELL", "/bin/sh"),
        ("LANG", "C.UTF-8"),
        ("TERM", "dumb"),
        ("TMPDIR", "/tmp"),
        // The workspace belongs to the supervisor's user, which git would call dubious.
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "safe.directory"),
        ("GIT_CONFIG_VALUE_0", "*"),
        ("GIT_TERMINAL_PROMPT", "0"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    if ca_bundle {
        for variable in [
            "SSL_CERT_FILE",
            "NODE_EXTRA_CA_CERTS",
            "CURL_CA_BUNDLE",
            "GIT_SSL_CAINFO",
            "REQUESTS_CA_BUNDLE",
            "PIP_CERT",
        ] {
            env.insert(variable.to_owned(), places::CA_BUNDLE.to_owned());
        }
    }
    env
}
