//! A skill's file.

use super::found::Value;
use super::reader::{self, At, Table};
use super::value;
use crate::domain::credential;
use crate::domain::preset::{CUSTOM, SKILL_KINDS, Skill, SkillCheck, SkillSecret, SkillSource};
use crate::error::Result;
use std::collections::BTreeMap;

/// Reads a skill. `name` is its own, `file` what messages call the file.
pub fn read(name: &str, file: &str, text: &str) -> Result<Skill> {
    reader::read(file, text, |table| {
        let mut skill = Skill { name: name.to_owned(), ..Skill::default() };
        let kind = table.name_of("kind", "kind of skill", &SKILL_KINDS);
        if kind.is_none() && !table.has("kind") {
            table.missing("kind", &format!("kind = \"{CUSTOM}\""));
        }
        skill.description = table.string("description").map(|at| at.value).unwrap_or_default();
        skill.instructions = table.text("instructions").map(|at| at.value).unwrap_or_default();
        skill.secrets = secrets(table);
        skill.env = env(table, &skill.secrets);
        skill.hosts = hosts(table, &skill);
        skill.source = source(table, kind.as_ref());
        skill.check = check(table, &skill);
        skill.kind = kind.map(|at| at.value).unwrap_or_default();
        skill
    })
}

fn secrets(table: &mut Table) -> BTreeMap<String, SkillSecret> {
    let mut secrets = BTreeMap::new();
    table.each("secrets", |name, found| {
        variable(name, &found);
        if !found.is_table() {
            // What stands there may be the secret itself.
            let hint = format!("write `{} = {{ help = \"what it is\" }}`", name.value);
            let sentence = format!("secret `{}` is given a value; a file holds none", name.value);
            found.wrong_hidden(sentence, Some(hint));
            return;
        }
        let secret = found.fields(&format!("secrets.{}", name.value), |table| SkillSecret {
            help: table.string("help").map(|at| at.value).unwrap_or_default(),
            header: table.parsed("header", header).map(|at| at.value),
        });
        secrets.insert(name.value.clone(), secret.unwrap_or_default());
    });
    secrets
}

fn env(table: &mut Table, secrets: &BTreeMap<String, SkillSecret>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    table.each("env", |name, found| {
        variable(name, &found);
        let Some(text) = found.string() else { return };
        if secrets.contains_key(&name.value) {
            let sentence =
                format!("`{}` is a secret of this skill, and has a value here", name.value);
            found.wrong_hidden(sentence, Some("leave it out of `[env]`".to_owned()));
        } else if let Some(what) = credential::find(&text.value) {
            let hint = format!("name it in `[secrets]`: `{} = {{ help = \"...\" }}`", name.value);
            found.wrong_hidden(format!("`{}` holds {what}", name.value), Some(hint));
        }
        env.insert(name.value.clone(), text.value);
    });
    env
}

fn variable(name: &At<String>, found: &Value) {
    if let Err(reason) = value::variable(&name.value) {
        let (reason, hint) = value::reason_and_hint(&reason);
        found.wrong_at(&name.at, reason, hint);
    }
}

/// Hosts may name the skill's own variables, as in `api.${DD_SITE}`; they are judged as hosts once
/// the variables are known, at the start of a session.
fn hosts(table: &mut Table, skill: &Skill) -> Vec<String> {
    let found = table.strings("hosts");
    for host in &found {
        for name in value::references(&host.value) {
            if !skill.env.contains_key(name) {
                let at = table.within(&host.at, &format!("${{{name}}}"));
                let hint = format!("add it under `[env]`: `{name} = \"...\"`");
                table.wrong(&at, format!("`{name}` is no variable of this skill"), Some(hint));
            }
        }
        let judged = value::host(&host.value).err();
        if let Some(reason) = judged.filter(|_| !host.value.contains("${")) {
            let (reason, hint) = value::reason_and_hint(&reason);
            table.wrong(&host.at, reason, hint);
        }
    }
    found.into_iter().map(|host| host.value).collect()
}

fn source(table: &mut Table, kind: Option<&At<String>>) -> Option<SkillSource> {
    let source = table.table("source", |table| {
        let git = table.parsed("git", value::repo);
        if git.is_none() && !table.has("git") {
            table.missing("git", "git = \"https://github.com/acme/runbooks\"");
        }
        let source = SkillSource {
            git: git.map(|at| at.value).unwrap_or_default(),
            rev: table.parsed("rev", rev).map(|at| at.value),
            path: table.parsed("path", path_within).map(|at| at.value),
        };
        table.is_there().then_some(source)
    });
    if let (Some(_), Some(kind)) = (&source, kind.filter(|kind| kind.value != CUSTOM)) {
        let sentence = format!("a skill of kind `{}` is not installed from anywhere", kind.value);
        table.wrong(&kind.at, sentence, Some(format!("write `kind = \"{CUSTOM}\"`")));
    }
    source
}

fn check(table: &mut Table, skill: &Skill) -> Option<SkillCheck> {
    table.table("check", |table| {
        let url = table.text("url");
        if url.is_none() && !table.has("url") {
            table.missing("url", "url = \"https://api.example.com/me\"");
        }
        let body = table.text("body");
        let is_secret = |name: &str| skill.secrets.contains_key(name);
        for (text, in_body) in [(&url, false), (&body, true)] {
            let Some(text) = text else { continue };
            for name in value::references(&text.value) {
                if skill.env.contains_key(name) || (in_body && is_secret(name)) {
                    continue;
                }
                let (sentence, hint) = match is_secret(name) {
                    true => (
                        format!("`{name}` is a secret, which does not belong into an address"),
                        format!("give it a header: `{name} = {{ header = \"...\" }}`"),
                    ),
                    false => (
                        format!("`{name}` is no variable of this skill"),
                        format!("add it under `[env]`: `{name} = \"...\"`"),
                    ),
                };
                let at = table.within(&text.at, &format!("${{{name}}}"));
                table.wrong(&at, sentence, Some(hint));
            }
        }
        let check = SkillCheck {
            url: url.map(|at| at.value).unwrap_or_default(),
            headers: plain_headers(table),
            body: body.map(|at| at.value),
            valid: table.text("valid").map(|at| at.value),
            account: table.text("account").map(|at| at.value),
            scopes: table.text("scopes").map(|at| at.value),
            expires: table.text("expires").map(|at| at.value),
        };
        table.is_there().then_some(check)
    })
}

/// Headers of a check that are no secrets: `Accept-Version = "3"`.
fn plain_headers(table: &mut Table) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    table.each("headers", |name, found| {
        if !is_token(&name.value) {
            found.wrong_at(&name.at, format!("`{}` is no header", name.value), None);
        }
        let Some(text) = found.string() else { return };
        if let Some(what) = credential::find(&text.value) {
            let hint = "name it in `[secrets]`, with its `header`".to_owned();
            found.wrong_hidden(format!("`{}` holds {what}", name.value), Some(hint));
        } else if text.value.contains(char::is_control) {
            found.wrong_hidden(format!("`{}` holds a control character", name.value), None);
        }
        headers.insert(name.value.clone(), text.value);
    });
    headers
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The name of an HTTP header, and the scheme before the value where there is one.
fn header(text: &str) -> Result<String, String> {
    let (name, scheme) = text.split_once(": ").map_or((text, None), |(n, s)| (n, Some(s)));
    if is_token(name) && scheme.is_none_or(is_token) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no header; write it as `DD-API-KEY` or `Authorization: Bearer`"))
}

/// A branch, tag or commit, as git takes it on a command line.
fn rev(text: &str) -> Result<String, String> {
    let good = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !text.contains("..");
    if good {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no revision; write a branch, a tag or a commit"))
}

/// A path that stays in the repository it is in.
fn path_within(text: &str) -> Result<String, String> {
    let good = !text.is_empty()
        && !text.starts_with(['/', '-', '~'])
        && text.split('/').all(|part| part != "..")
        && !text.contains(char::is_control);
    if good {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no path within a repository; write it as `skills/oncall`"))
}
