//! `skills.lock`: which content of a custom skill somebody looked at and agreed to.
//!
//! It lies in the user's own configuration folder, also for skills of a repository: consent is a
//! person's. A skill whose source is no longer what is written here is used no more before somebody
//! looks again.

use super::edit;
use super::env::Env;
use crate::domain::preset::SkillSource;
use crate::error::{Cannot as _, Kind, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

const HEAD: &str = "# What `loop skill install` showed and was agreed to. Written by loop.\n";

/// What a skill was agreed to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    pub git: String,
    pub rev: Option<String>,
    pub path: Option<String>,
    /// Of a repository; a folder of this machine has none.
    pub commit: Option<String>,
    /// SHA-256 of the files.
    pub digest: String,
}

impl Pin {
    pub fn is_of(&self, source: &SkillSource) -> bool {
        (&self.git, &self.rev, &self.path) == (&source.git, &source.rev, &source.path)
    }
}

/// All of them, by the skill's name.
pub fn read(env: &Env) -> Result<BTreeMap<String, Pin>> {
    let path = path(env)?;
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        text => text.cannot(Kind::Config, || format!("read `{}`", path.display()))?,
    };
    toml::from_str(&text)
        .cannot(Kind::Config, || format!("read `{}`", path.display()))
        .map_err(|failed| failed.hint("remove it, and agree to each skill again"))
}

/// Writes down what was agreed to, and says where.
pub fn write(env: &Env, skill: &str, pin: Pin) -> Result<PathBuf> {
    let path = path(env)?;
    edit::locked(&env.config_dir()?, || {
        let mut pins = read(env)?;
        pins.insert(skill.to_owned(), pin);
        let text =
            toml::to_string(&pins).cannot(Kind::Bug, || format!("write `{}`", path.display()))?;
        edit::write_atomically(&path, &format!("{HEAD}\n{text}"))
    })?;
    Ok(path)
}

fn path(env: &Env) -> Result<PathBuf> {
    Ok(env.config_dir()?.join("skills.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::of("/", [("LOOP_CONFIG_DIR", folder.path())]);
        assert!(read(&env).unwrap().is_empty());
        let pin = |digest: &str| Pin {
            git: "acme/runbooks".to_owned(),
            rev: None,
            path: Some("skills/oncall".to_owned()),
            commit: Some("1".repeat(40)),
            digest: digest.to_owned(),
        };
        write(&env, "runbooks", pin("aa")).unwrap();
        write(&env, "other", pin("bb")).unwrap();
        write(&env, "runbooks", pin("cc")).unwrap();
        let pins = read(&env).unwrap();
        assert_eq!(pins["runbooks"], pin("cc"));
        assert_eq!(pins["other"], pin("bb"));
        let source = |rev: Option<&str>| SkillSource {
            git: "acme/runbooks".to_owned(),
            rev: rev.map(str::to_owned),
            path: Some("skills/oncall".to_owned()),
        };
        assert!(pins["other"].is_of(&source(None)) && !pins["other"].is_of(&source(Some("v3"))));
        std::fs::write(folder.path().join("skills.lock"), "x = 1").unwrap();
        assert_eq!(read(&env).unwrap_err().kind, Kind::Config);
    }
}
