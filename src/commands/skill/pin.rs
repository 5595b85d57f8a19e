//! Custom skills: looked at once by a person, and used as they were then.

use crate::commands::app::App;
use crate::config::lock::{self, Pin};
use crate::config::value;
use crate::domain::plan::LaunchPlan;
use crate::domain::preset::{GITHUB, Skill, SkillSource};
use crate::error::{Failure, Kind, Result};
use crate::forge::{Git, Pack, PackFrom, Remote};
use crate::output::view::{PackView, SkillPack};
use crate::output::{ask, failure, human};
use std::path::PathBuf;

/// What a source holds now.
pub struct Seen {
    pub commit: Option<String>,
    pub pack: Pack,
}

/// Where packs are kept.
fn root(app: &App) -> Result<PathBuf> {
    Ok(app.env.data_dir()?.join("skills"))
}

/// Reads a skill's source as it is now, or as it was at a commit.
pub fn look(app: &App, skill: &Skill, source: &SkillSource, at: Option<&str>) -> Result<Seen> {
    let name = &skill.name;
    let while_doing =
        |failed: Failure| failed.while_doing(format!("cannot read the skill `{name}`"));
    let folder = app.env.expand(app.env.cwd(), &source.git);
    if value::repo_is_path(&source.git) && source.rev.is_none() {
        let below = source.path.as_deref().map_or(folder.clone(), |path| folder.join(path));
        let pack = Pack::of_folder(&below, name).map_err(while_doing)?;
        return Ok(Seen { commit: None, pack });
    }
    let git = Git::new(&app.git_env(), app.ca_bundle().as_deref());
    let (forge, _) = app.layers()?.skill(GITHUB)?;
    let variable = |name: &str| skill.env.get(name).or(forge.env.get(name)).cloned();
    let address = match value::repo_is_path(&source.git) {
        true => folder.display().to_string(),
        false => source.git.clone(),
    };
    let remote = Remote::of(&address, &variable)?;
    let secret = forge.secrets.keys().next().filter(|_| remote.token_origin().is_some());
    let token = secret.and_then(|name| app.stores().ok()?.find(name).ok());
    let from = PackFrom {
        git: &git,
        remote: &remote,
        token: token.as_ref().map(|found| &found.secret),
        revision: at.or(source.rev.as_deref()),
        below: source.path.as_deref(),
    };
    let (commit, pack) = from.fetch(name).map_err(while_doing)?;
    Ok(Seen { commit: Some(commit), pack })
}

/// What a person is shown before it is used.
pub fn view(skill: &Skill, source: &SkillSource, seen: &Seen, agreed: Option<&Pin>) -> PackView {
    PackView {
        skill: skill.name.clone(),
        git: source.git.clone(),
        rev: source.rev.clone(),
        path: source.path.clone(),
        commit: seen.commit.clone(),
        digest: seen.pack.digest(),
        agreed: agreed.map(|pin| pin.digest.clone()),
        skills: seen
            .pack
            .about()
            .into_iter()
            .map(|about| SkillPack {
                folder: about.folder,
                description: about.description,
                files: about.files,
                bytes: about.bytes,
            })
            .collect(),
        files: seen.pack.files.iter().map(|file| file.path.clone()).collect(),
    }
}

/// Keeps what was agreed to.
pub fn agree(app: &App, skill: &str, source: &SkillSource, seen: &Seen) -> Result<Pin> {
    let SkillSource { git, rev, path } = source.clone();
    let digest = seen.pack.keep(&root(app)?)?;
    let pin = Pin { git, rev, path, commit: seen.commit.clone(), digest };
    lock::write(&app.env, skill, pin.clone())?;
    Ok(pin)
}

/// Holds every custom skill of a plan to what was agreed to; asks where somebody can be asked.
pub fn pin(app: &App, plan: &mut LaunchPlan) -> Result<()> {
    let pins = lock::read(&app.env)?;
    for skill in &mut plan.skills {
        let Some(source) = skill.source.clone() else { continue };
        let pin = match pins.get(&skill.name) {
            Some(pin) if pin.is_of(&source) => pin.clone(),
            agreed => asked(app, skill, &source, agreed)?,
        };
        if Pack::of_digest(&root(app)?, &pin.digest).is_none() {
            let seen = look(app, skill, &source, pin.commit.as_deref())?;
            if seen.pack.digest() != pin.digest {
                return Err(changed(&skill.name));
            }
            seen.pack.keep(&root(app)?)?;
        }
        skill.pinned = Some(pin.digest);
    }
    Ok(())
}

fn asked(app: &App, skill: &Skill, source: &SkillSource, agreed: Option<&Pin>) -> Result<Pin> {
    if !app.asks() {
        if agreed.is_some() {
            return Err(changed(&skill.name));
        }
        let sentence = format!("nobody has looked at what the skill `{}` installs", skill.name);
        return Err(Failure::new(Kind::Config, sentence)
            .hint(format!("look at it, and agree: `loop skill install {}`", skill.name)));
    }
    let seen = look(app, skill, source, None)?;
    let view = view(skill, source, &seen, agreed);
    failure::show(&app.screens, |err, screen| human::skills::write(err, screen, &view));
    match ask::confirm("let workers use these files?", &app.screens)? {
        true => agree(app, &skill.name, source, &seen),
        false => Err(refused(&skill.name)),
    }
}

pub fn refused(skill: &str) -> Failure {
    Failure::new(Kind::Config, format!("the skill `{skill}` was not agreed to"))
}

fn changed(skill: &str) -> Failure {
    let sentence = format!("the skill `{skill}` is no longer what was agreed to");
    Failure::new(Kind::Config, sentence)
        .because("its source names something else now, or gives something else under the same name")
        .hint(format!("look at it again: `loop skill install {skill}`"))
}
