//! What a session is started with: flag over preset over default.
//!
//! [`resolve`] finds what the flags name; [`plan`] is a function of values and decides. Whatever it
//! refuses is refused before anything exists.

use super::layers::Layers;
use super::settings::Defaults;
use super::{Known, options, preset, runs, template, value, window};
use crate::domain::credential;
use crate::domain::limits::{Keep, Limits};
use crate::domain::measure;
use crate::domain::options::Options;
use crate::domain::plan::LaunchPlan;
use crate::domain::preset::{COMMAND, GITHUB, Image, Preset, Project, SandboxSettings, Skill};
use crate::domain::refname::is_branch;
use crate::domain::words::{did_you_mean, or};
use crate::error::{Failure, Kind, Result};
use std::collections::BTreeMap;

/// More than this is no prompt, and no model reads it.
const MAX_PROMPT: usize = 1 << 20;

/// What `{{issue}}` says where a session is not about one issue.
const ANY_ISSUE: &str = "the recurring failure that affects the most traces";

/// The flags of a start, as they were given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StartFlags {
    /// The prompt's text, wherever it was read from.
    pub prompt: Option<String>,
    pub preset: Option<String>,
    /// A name or a path.
    pub project: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
    /// What `{{issue}}` is filled in with.
    pub issue: Option<String>,
    pub harness: Option<String>,
    pub model: Option<String>,
    /// The sandbox's provider.
    pub sandbox: Option<String>,
    pub image: Option<String>,
    /// In addition to the preset's.
    pub skills: Vec<String>,
    pub repo: Option<String>,
    pub branch: Option<String>,
    /// Each `NAME=VALUE`.
    pub env: Vec<String>,
    pub timeout_ms: Option<u64>,
    pub max_turns: Option<u32>,
    pub budget_usd: Option<f64>,
    pub name: Option<String>,
    /// Each `NAME=VALUE`.
    pub labels: Vec<String>,
    pub keep: Option<Keep>,
}

/// Everything the flags name, and what stands around a start.
#[derive(Debug, Clone)]
pub struct Given<'a> {
    pub preset: Option<&'a Preset>,
    pub project: Option<Project>,
    /// The preset's and the flags', in this order.
    pub skills: Vec<Skill>,
    pub defaults: &'a Defaults,
    /// What `config.toml` says of sandbox providers.
    pub sandboxes: &'a BTreeMap<String, Options>,
    pub known: Known,
    /// The sandbox provider where nobody names one.
    pub provider: &'a str,
    /// Unix milliseconds.
    pub now: i64,
}

/// Finds what the flags and the defaults name, and plans. `provider` is the sandbox's where nobody
/// names one.
pub fn resolve(
    layers: &Layers,
    flags: &StartFlags,
    provider: &str,
    now: i64,
) -> Result<LaunchPlan> {
    let settings = layers.settings()?;
    // With a harness of its own a start is ad hoc, whatever preset is the usual one.
    let usual = settings.defaults.preset.as_ref().filter(|_| flags.harness.is_none());
    let preset = flags.preset.as_ref().or(usual).map(|name| layers.preset(name)).transpose()?;
    let preset = preset.map(|(preset, _)| preset);
    let project = flags.project.as_ref().or(settings.defaults.project.as_ref());
    let project = project.map(|name| layers.project(name)).transpose()?;
    let mut names: Vec<&String> = Vec::new();
    for name in preset.iter().flat_map(|preset| &preset.skills).chain(&flags.skills) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let skills = names.into_iter().map(|name| Ok(layers.skill(name)?.0)).collect::<Result<_>>()?;
    let mut flags = flags.clone();
    if let Some(repo) = flags.repo.as_mut().filter(|repo| value::repo_is_path(repo)) {
        let env = layers.env();
        *repo = env.expand(env.cwd(), repo).to_string_lossy().into_owned();
    }
    let given = Given {
        preset: preset.as_ref(),
        project: project.map(|(project, _)| project),
        skills,
        defaults: &settings.defaults,
        sandboxes: &settings.sandboxes,
        known: *layers.known(),
        provider,
        now,
    };
    let mut plan = plan(&flags, given)?;
    if let Some(telemetry) = &settings.telemetry {
        runs::separate(telemetry, plan.project.as_ref())?;
        plan.traced = true;
    }
    Ok(plan)
}

/// Decides everything a session is started with.
pub fn plan(flags: &StartFlags, given: Given) -> Result<LaunchPlan> {
    let preset = given.preset.cloned().unwrap_or_default();
    let harness = harness(flags, &given)?;
    let is_recorded = given.project.as_ref().is_some_and(Project::is_recorded);
    let (since, until) = (flags.since.as_deref(), flags.until.as_deref());
    let (window, said) = window::window(since, until, is_recorded, given.now)?;
    let env = env(flags, &given.skills)?;
    let plan = LaunchPlan {
        preset: given.preset.map(|preset| preset.name.clone()),
        prompt: prompt(flags, &given, &said)?,
        model: model(flags, &preset, &harness),
        command: if harness == COMMAND { preset.command } else { Vec::new() },
        provider: preset.provider.filter(|_| harness == preset.harness),
        sandbox: sandbox(flags, preset.sandbox, &given)?,
        limits: limits(flags, &preset.limits)?,
        harness,
        system_prompt: preset.system_prompt,
        project: given.project,
        window,
        skills: skills(given.skills, &env)?,
        repo: flags.repo.clone().or(preset.repo),
        branch: flags.branch.clone(),
        depth: preset.depth,
        pull_request: preset.pull_request,
        draft: preset.draft,
        credentials: preset.credentials,
        env,
        name: flags.name.clone(),
        labels: pairs("label", &flags.labels)?,
        traced: false,
    };
    check_command(&plan)?;
    check_repo(&plan)?;
    check_credentials(&plan)?;
    Ok(plan)
}

fn harness(flags: &StartFlags, given: &Given) -> Result<String> {
    let of_preset = given.preset.map(|preset| &preset.harness);
    let Some(name) = flags.harness.as_ref().or(of_preset).or(given.defaults.harness.as_ref())
    else {
        return Err(Failure::new(Kind::Usage, "nothing says which harness to run")
            .hint("name a preset: `--preset triage`; `loop preset list` shows them all")
            .hint("or name a harness: `--harness claude-code`"));
    };
    known("harness", name, given.known.harnesses)
}

/// A preset's model belongs to the preset's harness: another one has other names.
fn model(flags: &StartFlags, preset: &Preset, harness: &str) -> Option<String> {
    let of_preset = preset.model.clone().filter(|_| preset.harness == harness);
    flags.model.clone().or(of_preset)
}

fn known(noun: &str, name: &str, names: &[&str]) -> Result<String> {
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    let failure = Failure::new(Kind::Usage, format!("no {noun} is called `{name}`"));
    Err(match did_you_mean(name, names.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("use {}", or(names))),
    })
}

fn prompt(flags: &StartFlags, given: &Given, since: &str) -> Result<String> {
    let template = given.preset.and_then(|preset| preset.prompt.as_deref());
    let prompt = match (flags.prompt.as_deref(), template) {
        (Some(prompt), _) => prompt.to_owned(),
        (None, Some(template)) => fill(template, flags, given, since)?,
        (None, None) => String::new(),
    };
    if prompt.is_empty() && flags.prompt.is_none() {
        return Err(no_prompt("there is no prompt"));
    }
    check_prompt(&prompt)?;
    Ok(prompt)
}

fn no_prompt(what: &str) -> Failure {
    Failure::new(Kind::Usage, what)
        .hint("say what to do: `loop session start \"why do checkouts fail?\" …`")
        .hint("or read it from a file: `--prompt-file task.md`, `--prompt-file -`")
}

/// What every prompt is held against, the first one and follow-ups.
pub fn check_prompt(prompt: &str) -> Result<()> {
    if prompt.trim().is_empty() {
        return Err(no_prompt("the prompt is empty"));
    }
    check_credential("the prompt", prompt)?;
    if prompt.len() > MAX_PROMPT {
        let over = measure::show_size((prompt.len() - MAX_PROMPT) as u64);
        let most = measure::show_size(MAX_PROMPT as u64);
        return Err(Failure::new(
            Kind::Usage,
            format!("the prompt is too long: {over} over the most of {most}"),
        )
        .hint("put what is long into a file of the repository, and name the file in the prompt"));
    }
    if prompt.contains('\0') {
        return Err(Failure::new(Kind::Usage, "the prompt holds a NUL byte, so it is no text")
            .hint("check which file `--prompt-file` names"));
    }
    Ok(())
}

fn fill(template: &str, flags: &StartFlags, given: &Given, since: &str) -> Result<String> {
    let value = |name: &str| match name {
        "project" => given.project.as_ref().map(|project| format!("`{}`", project.name)),
        "since" => Some(since.to_owned()),
        "issue" => Some(flags.issue.clone().unwrap_or_else(|| ANY_ISSUE.to_owned())),
        _ => None,
    };
    template::fill(template, value).map_err(|name| {
        let preset = given.preset.map(|preset| preset.name.as_str()).unwrap_or_default();
        if name == "project" {
            let sentence = format!("preset `{preset}` looks at a project, and none is named");
            return Failure::new(Kind::Usage, sentence)
                .hint("name one: `--project demo`, or a file of traces; `loop project list` shows them")
                .hint("or set `project` under `[defaults]` in `config.toml`");
        }
        let sentence = format!("nothing is filled in for `{{{{{name}}}}}` in preset `{preset}`");
        Failure::new(Kind::Config, sentence).hint("`loop preset validate` lists all mistakes of a file")
    })
}

fn sandbox(
    flags: &StartFlags,
    mut sandbox: SandboxSettings,
    given: &Given,
) -> Result<SandboxSettings> {
    let of_preset = Some(&sandbox.provider).filter(|name| !name.is_empty());
    let named = flags.sandbox.as_ref().or(of_preset).or(given.defaults.sandbox.as_ref());
    sandbox.provider = match named {
        Some(name) => known("sandbox provider", name, given.known.providers)?,
        None => given.provider.to_owned(),
    };
    sandbox.image = match flags.image.as_deref() {
        None => sandbox.image,
        Some("auto") => Image::Auto,
        Some(text) => Image::Reference(preset::reference(text).map_err(value::usage)?),
    };
    sandbox.keep = flags.keep.unwrap_or(sandbox.keep);
    options::settle(&mut sandbox, given.sandboxes, &given.known)?;
    Ok(sandbox)
}

fn limits(flags: &StartFlags, limits: &Limits) -> Result<Limits> {
    let limits = Limits {
        timeout_ms: flags.timeout_ms.unwrap_or(limits.timeout_ms),
        max_turns: flags.max_turns.or(limits.max_turns),
        budget_usd: flags.budget_usd.or(limits.budget_usd),
        ..limits.clone()
    };
    let wrong = |flag: &str, example: &str| {
        Failure::new(Kind::Usage, format!("`--{flag}` is more than zero"))
            .hint(format!("write it as `--{flag} {example}`, or leave it out"))
    };
    if limits.timeout_ms == 0 {
        return Err(wrong("timeout", "30m"));
    }
    if limits.max_turns == Some(0) {
        return Err(wrong("max-turns", "50"));
    }
    if limits.budget_usd.is_some_and(|usd| !usd.is_finite() || usd <= 0.0) {
        return Err(wrong("budget", "5.0"));
    }
    Ok(limits)
}

/// The skills' variables, and the flags' over them.
fn env(flags: &StartFlags, skills: &[Skill]) -> Result<BTreeMap<String, String>> {
    let mut env: BTreeMap<_, _> = skills.iter().flat_map(|skill| skill.env.clone()).collect();
    for (name, value) in pairs("env", &flags.env)? {
        let name = value::variable(&name).map_err(value::usage)?;
        if let Some(skill) = skills.iter().find(|skill| skill.secrets.contains_key(&name)) {
            let sentence = format!(
                "`{name}` is a secret of skill `{}`, and flags are seen by all",
                skill.name
            );
            return Err(Failure::new(Kind::Usage, sentence).hint(format!(
                "leave `--env {name}` out, and set the variable where `loop` runs"
            )));
        }
        env.insert(name, value);
    }
    for skill in skills {
        if let Some(name) =
            skill.env.keys().find(|name| env.get(*name).is_none_or(String::is_empty))
        {
            let sentence = format!("skill `{}` needs the variable `{name}`", skill.name);
            return Err(Failure::new(Kind::Usage, sentence)
                .hint(format!("add `--env {name}=VALUE`, or a skill of your own with its value")));
        }
    }
    Ok(env)
}

/// The skills with the hosts that their variables make.
fn skills(skills: Vec<Skill>, env: &BTreeMap<String, String>) -> Result<Vec<Skill>> {
    let host = |skill: &str, text: &str| -> Result<String> {
        let mut host = text.to_owned();
        for name in value::references(text) {
            let value = env.get(name).map(|value| value::host_of_url(value)).unwrap_or_default();
            host = host.replace(&format!("${{{name}}}"), value);
        }
        value::host(&host).map_err(|reason| {
            value::usage(reason).because(format!("skill `{skill}` reaches `{text}`"))
        })
    };
    skills
        .into_iter()
        .map(|mut skill| {
            let hosts: Result<_> = skill.hosts.iter().map(|text| host(&skill.name, text)).collect();
            skill.hosts = hosts?;
            Ok(skill)
        })
        .collect()
}

fn pairs(flag: &str, texts: &[String]) -> Result<BTreeMap<String, String>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => {
            // What stands there may be a value whose name was forgotten.
            let shown = credential::cover(text);
            Err(Failure::new(Kind::Usage, format!("`--{flag} {shown}` names no value"))
                .hint(format!("write it as `--{flag} NAME=VALUE`")))
        }
    };
    texts.iter().map(pair).collect()
}

fn check_command(plan: &LaunchPlan) -> Result<()> {
    if plan.harness != COMMAND || !plan.command.is_empty() {
        return Ok(());
    }
    let sentence = format!("the harness `{COMMAND}` needs a preset that says which");
    Err(Failure::new(Kind::Usage, sentence).hint(
        "write a preset with `command = [\"./agent\", \"--json\"]`; `loop preset new` begins one",
    ))
}

fn check_repo(plan: &LaunchPlan) -> Result<()> {
    let Some(repo) = &plan.repo else {
        let wants = match (plan.pull_request, &plan.branch) {
            (true, _) => "a pull request",
            (false, Some(_)) => "`--branch`",
            (false, None) => return Ok(()),
        };
        return Err(Failure::new(
            Kind::Usage,
            format!("{wants} needs a repository, and none is named"),
        )
        .hint("name one: `--repo owner/name`"));
    };
    value::repo(repo).map_err(value::usage)?;
    if let Some(branch) = plan.branch.as_ref().filter(|branch| !is_branch(branch)) {
        return Err(Failure::new(Kind::Usage, format!("`{branch}` is no name of a branch"))
            .hint("write it as `--branch main`"));
    }
    if value::repo_is_path(repo) && plan.pull_request {
        let sentence =
            format!("a pull request needs a repository at a forge, and `{repo}` is a path");
        return Err(Failure::new(Kind::Usage, sentence)
            .hint("name it there: `--repo owner/name`")
            .hint("or use a preset without `pull_request`; then `loop session apply` takes the branch"));
    }
    let has_github = plan.skills.iter().any(|skill| skill.kind == GITHUB);
    if has_github || value::repo_is_path(repo) {
        return Ok(());
    }
    Err(Failure::new(Kind::Usage, format!("repository `{repo}` needs a skill of kind `{GITHUB}`"))
        .hint(format!("add `--skill {GITHUB}`, or `skills = [\"{GITHUB}\"]` to the preset")))
}

/// The plan is stored and shown, and the prompt is sent to a model.
fn check_credentials(plan: &LaunchPlan) -> Result<()> {
    let system = plan.system_prompt.iter();
    let texts = system
        .map(|text| ("the system prompt".to_owned(), text.as_str()))
        .chain(plan.env.iter().map(|(name, value)| (format!("`--env {name}`"), value.as_str())))
        .chain(
            plan.labels.iter().map(|(name, value)| (format!("`--label {name}`"), value.as_str())),
        )
        .chain(plan.name.iter().map(|name| ("`--name`".to_owned(), name.as_str())));
    for (what, text) in texts {
        check_credential(&what, text)?;
    }
    Ok(())
}

fn check_credential(what: &str, text: &str) -> Result<()> {
    let Some(credential) = credential::find(text) else { return Ok(()) };
    Err(Failure::new(Kind::Usage, format!("{what} holds what looks like {credential}"))
        .because("prompts and settings are stored, shown and sent to a model")
        .hint("take it out, and revoke it if it was real")
        .hint("a worker gets credentials by a skill: name the variable in its `[secrets]`"))
}

#[cfg(test)]
mod tests {
    use super::super::corpus::KNOWN;
    use super::*;
    use crate::config::{bundled, env::Env};
    use crate::domain::preset::{Credentials, SkillSecret};

    const NOW: i64 = 1_795_176_000_000;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn preset() -> Preset {
        Preset {
            name: "p".to_owned(),
            harness: "codex".to_owned(),
            model: Some("m".to_owned()),
            prompt: Some("{{issue}} in {{project}}, {{since}}".to_owned()),
            ..Preset::default()
        }
    }

    fn skill() -> Skill {
        let secrets = [("GH_TOKEN".to_owned(), SkillSecret::default())].into();
        let (name, kind) = (GITHUB.to_owned(), GITHUB.to_owned());
        Skill { name, kind, secrets, ..Skill::default() }
    }

    fn planned(
        flags: &StartFlags,
        preset: Option<&Preset>,
        skills: Vec<Skill>,
    ) -> Result<LaunchPlan> {
        let defaults = Defaults { sandbox: Some("local".to_owned()), ..Defaults::default() };
        let project = Some(bundled::demo());
        let (known, provider) = (KNOWN, "docker");
        let (defaults, sandboxes) = (&defaults, &BTreeMap::new());
        plan(
            flags,
            Given { preset, project, skills, defaults, sandboxes, known, provider, now: NOW },
        )
    }

    #[test]
    fn flag_over_preset_over_default() {
        let of_preset = planned(&StartFlags::default(), Some(&preset()), Vec::new()).unwrap();
        assert_eq!(
            of_preset.prompt,
            "the recurring failure that affects the most traces in `demo`, the whole trace set"
        );
        assert_eq!(of_preset.sandbox.provider, "local", "the default's, as the preset names none");
        assert_eq!(
            (of_preset.model.as_deref(), of_preset.credentials),
            (Some("m"), Credentials::Inject)
        );

        let flags = StartFlags {
            prompt: Some("why {{project}}?".to_owned()),
            since: Some("2h".to_owned()),
            harness: Some("claude-code".to_owned()),
            sandbox: Some("docker".to_owned()),
            image: Some("debian".to_owned()),
            timeout_ms: Some(1),
            keep: Some(Keep::Always),
            env: texts(&["A=b=c"]),
            labels: texts(&["team=shop"]),
            ..StartFlags::default()
        };
        let of_flags = planned(&flags, Some(&preset()), Vec::new()).unwrap();
        assert_eq!(of_flags.prompt, "why {{project}}?", "a prompt of the user's is no template");
        assert_eq!(of_flags.model, None, "the preset's model is its harness's");
        assert_eq!(of_flags.window.since, Some(NOW - 7_200_000));
        assert_eq!(of_flags.sandbox.image, Image::Reference("debian".to_owned()));
        assert_eq!((of_flags.limits.timeout_ms, of_flags.sandbox.keep), (1, Keep::Always));
        assert_eq!((of_flags.env["A"].as_str(), of_flags.labels["team"].as_str()), ("b=c", "shop"));
    }

    #[test]
    fn hosts_are_made_from_variables() {
        let env = [("URL".to_owned(), String::new()), ("SITE".to_owned(), "x.com".to_owned())];
        let hosts = texts(&["${URL}", "api.${SITE}"]);
        let skill = Skill { name: "s".to_owned(), env: env.into(), hosts, ..Skill::default() };
        let flags = |env: &[&str]| StartFlags { env: texts(env), ..StartFlags::default() };
        let plan =
            planned(&flags(&["URL=https://a.b/c"]), Some(&preset()), vec![skill.clone()]).unwrap();
        assert_eq!(plan.skills[0].hosts, ["a.b", "api.x.com"]);
        for (env, wanted) in [
            (vec![], "skill `s` needs the variable `URL`"),
            (vec!["URL=a b"], "`a b` is no host: skill `s` reaches `${URL}`"),
        ] {
            let failure = planned(&flags(&env), Some(&preset()), vec![skill.clone()]).unwrap_err();
            assert_eq!(failure.to_string(), wanted);
        }
    }

    #[test]
    fn refusals() {
        let key = ["sk-", "ant-api03-aB3dE6gH9jK2mN5pQ8sT"].concat();
        let start = StartFlags::default;
        let prompt = |text: &str| StartFlags { prompt: Some(text.to_owned()), ..start() };
        let env = |text: &str| StartFlags { env: texts(&[text]), ..start() };
        let repo = |text: &str| StartFlags { repo: Some(text.to_owned()), ..start() };
        let name = |text: &str| Some(text.to_owned());
        for (flags, wanted) in [
            (prompt(" \n"), "the prompt is empty"),
            (
                prompt(&"x".repeat(MAX_PROMPT + 1)),
                "the prompt is too long: 1 B over the most of 1.0 MiB",
            ),
            (prompt("a\0b"), "the prompt holds a NUL byte, so it is no text"),
            (prompt(&key), "the prompt holds what looks like an Anthropic API key"),
            (env(&format!("A={key}")), "`--env A` holds what looks like an Anthropic API key"),
            (env(&key), "`--env *********************************` names no value"),
            (env("A-B=c"), "`A-B` is no variable name"),
            (
                env("GH_TOKEN=x"),
                "`GH_TOKEN` is a secret of skill `github`, and flags are seen by all",
            ),
            (
                StartFlags { branch: name("main"), ..start() },
                "`--branch` needs a repository, and none is named",
            ),
            (StartFlags { branch: name("--x"), ..repo("a/b") }, "`--x` is no name of a branch"),
            (repo("--upload-pack=x"), "`--upload-pack=x` is no repository"),
            (StartFlags { harness: name("claud"), ..start() }, "no harness is called `claud`"),
            (
                StartFlags { harness: name(COMMAND), ..start() },
                "the harness `command` needs a preset that says which",
            ),
            (
                StartFlags { sandbox: name("dokcer"), ..start() },
                "no sandbox provider is called `dokcer`",
            ),
            (StartFlags { image: name("a b"), ..start() }, "`a b` is no image"),
            (StartFlags { max_turns: Some(0), ..start() }, "`--max-turns` is more than zero"),
            (StartFlags { budget_usd: Some(f64::NAN), ..start() }, "`--budget` is more than zero"),
        ] {
            let failure = planned(&flags, Some(&preset()), vec![skill()]).unwrap_err();
            assert_eq!((failure.sentence.as_str(), failure.kind), (wanted, Kind::Usage));
            assert!(
                !failure.hints.is_empty() && !failure.hints.iter().any(|hint| hint.contains(&key))
            );
        }
        assert!(
            planned(&prompt(&"x".repeat(MAX_PROMPT)), None, vec![])
                .unwrap_err()
                .sentence
                .contains("harness")
        );
        let failure = planned(&repo("a/b"), Some(&preset()), Vec::new()).unwrap_err();
        assert_eq!(failure.sentence, "repository `a/b` needs a skill of kind `github`");
        assert!(planned(&repo("/srv/x"), Some(&preset()), Vec::new()).is_ok());
        let wants = Preset { pull_request: true, ..preset() };
        let failure = planned(&start(), Some(&wants), vec![skill()]).unwrap_err();
        assert_eq!(failure.sentence, "a pull request needs a repository, and none is named");
        assert!(planned(&repo("a/b"), Some(&wants), vec![skill()]).is_ok());
    }

    #[test]
    fn bundled_presets_start() {
        let empty = tempfile::tempdir().unwrap();
        let vars = ["LOOP_CONFIG_DIR", "LOOP_DATA_DIR"].map(|name| (name, empty.path()));
        let layers = Layers::open(&Env::of(empty.path(), vars), KNOWN, false).unwrap();
        for listed in layers.presets() {
            let flags = StartFlags {
                preset: Some(listed.name.clone()),
                project: Some("demo".to_owned()),
                repo: listed.value.unwrap().pull_request.then(|| "acme/checkout".to_owned()),
                ..StartFlags::default()
            };
            let plan = resolve(&layers, &flags, "docker", NOW).unwrap();
            assert!(
                plan.prompt.contains("`demo`") && !plan.prompt.contains("{{"),
                "{}",
                plan.prompt
            );
            assert_eq!(plan.sandbox.provider, "docker");
            let nothing = StartFlags { project: None, ..flags };
            let failure = resolve(&layers, &nothing, "docker", NOW).unwrap_err();
            assert!(
                failure.sentence.ends_with("looks at a project, and none is named"),
                "{failure}"
            );
        }
        let failure = resolve(&layers, &StartFlags::default(), "docker", NOW).unwrap_err();
        assert_eq!(failure.sentence, "nothing says which harness to run");
        let path = StartFlags {
            repo: Some("./x".to_owned()),
            harness: Some("codex".to_owned()),
            prompt: Some("x".to_owned()),
            ..StartFlags::default()
        };
        let plan = resolve(&layers, &path, "docker", NOW).unwrap();
        assert!(plan.repo.unwrap().starts_with('/') && plan.preset.is_none());
    }
}
