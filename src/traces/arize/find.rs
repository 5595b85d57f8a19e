//! Which project is meant: by name or id, in one space or in all that the key sees.

use super::api::Api;
use crate::domain::preset::Project;
use crate::domain::words::did_you_mean;
use crate::error::{Failure, Kind, Result};
use base64::Engine as _;
use serde::Deserialize;

/// A project as the server has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Found {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub space_id: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Space {
    id: String,
    #[serde(default)]
    name: String,
}

/// How many candidates a message lists.
const SHOWN: usize = 5;

pub(super) fn project(api: &Api, project: &Project) -> Result<Found> {
    let wanted = project.project.as_deref().unwrap_or(&project.name);
    let space = project.space.as_deref().map(|space| self::space(api, space)).transpose()?;
    if is_id(wanted) {
        let path = format!("/v2/projects/{}", crate::http::encoded(wanted));
        return api.get(&format!("find the project `{wanted}`"), &path);
    }
    let doing = format!("look for the project `{wanted}`");
    let list = |name: Option<&str>| -> Result<Vec<Found>> {
        let mut query = Vec::new();
        query.extend(space.as_deref().map(|id| ("space_id", id)));
        query.extend(name.map(|name| ("name", name)));
        api.list((&doing, "projects"), "/v2/projects", &query)
    };
    match choose(wanted, list(Some(wanted))?) {
        Choice::One(found) => Ok(found),
        Choice::Several(found) => Err(ambiguous(&project.name, wanted, &found)),
        Choice::None => Err(unknown(project, wanted, &list(None)?)),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Choice {
    None,
    One(Found),
    Several(Vec<Found>),
}

/// The server's filter takes parts of names too, in any case.
fn choose(wanted: &str, mut found: Vec<Found>) -> Choice {
    if found.iter().any(|one| one.name == wanted) {
        found.retain(|one| one.name == wanted);
    } else {
        found.retain(|one| one.name.eq_ignore_ascii_case(wanted));
    }
    match found.len() {
        0 => Choice::None,
        1 => Choice::One(found.remove(0)),
        _ => Choice::Several(found),
    }
}

/// A global id: base64 of a type and a number, as `Model:10`.
pub(super) fn is_id(text: &str) -> bool {
    let engine = base64::engine::general_purpose::STANDARD;
    let Some(inner) = engine.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok())
    else {
        return false;
    };
    inner.split_once(':').is_some_and(|(kind, rest)| {
        !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric()) && !rest.is_empty()
    })
}

/// The id of a space that is named or given by its id.
fn space(api: &Api, wanted: &str) -> Result<String> {
    if is_id(wanted) {
        return Ok(wanted.to_owned());
    }
    let doing = format!("look for the space `{wanted}`");
    let mut found: Vec<Space> = api.list((&doing, "spaces"), "/v2/spaces", &[("name", wanted)])?;
    found.retain(|space| space.name == wanted);
    match found.len() {
        1 => Ok(found.remove(0).id),
        0 => Err(Failure::new(Kind::Config, format!("no space is called `{wanted}`"))
            .because("the key sees none of that name")
            .hint("name another with `space = \"…\"`, or leave it out to look in all")),
        many => {
            let ids = found.iter().map(|space| space.id.as_str()).collect::<Vec<_>>().join(", ");
            Err(Failure::new(Kind::Config, format!("{many} spaces are called `{wanted}`"))
                .because(format!("their ids are {ids}"))
                .hint(format!("write the id: `space = \"{}\"`", found[0].id)))
        }
    }
}

fn ambiguous(own: &str, wanted: &str, found: &[Found]) -> Failure {
    let shown: Vec<String> = found
        .iter()
        .take(SHOWN)
        .map(|one| format!("{} `{}` in space {}", one.name, one.id, one.space_id))
        .collect();
    let more = found.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Failure::new(Kind::Config, format!("{} projects are called `{wanted}`", found.len()))
        .because(format!("they are {}{more}", shown.join(", ")))
        .hint(format!("say which: `space = \"{}\"` in `[projects.{own}]`", found[0].space_id))
        .hint(format!("or by its id: `project = \"{}\"`", found[0].id))
}

fn unknown(project: &Project, wanted: &str, all: &[Found]) -> Failure {
    let place = project.space.as_ref().map(|space| format!(" in the space `{space}`"));
    let place = place.unwrap_or_default();
    let failure = Failure::new(Kind::Config, format!("Arize AX has no project `{wanted}`{place}"));
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    if names.is_empty() {
        return failure
            .because("the key sees no project at all")
            .hint("take a key of a user or service account that may read the space");
    }
    if let Some(near) = did_you_mean(wanted, names.iter().copied()) {
        return failure.hint(format!("did you mean `project = \"{near}\"`?"));
    }
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join("`, `");
    let own = &project.name;
    failure
        .because(format!("the key sees `{shown}`"))
        .hint(format!("name the vendor's own: `project = \"…\"` in `[projects.{own}]`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, name: &str) -> Found {
        Found { id: id.to_owned(), name: name.to_owned(), space_id: "s".to_owned() }
    }

    #[test]
    fn a_whole_name_counts_before_another_case() {
        let all = || vec![found("1", "Bot"), found("2", "bot"), found("3", "bot-two")];
        assert_eq!(choose("bot", all()), Choice::One(found("2", "bot")));
        assert_eq!(choose("BOT", all()), Choice::Several(all()[..2].to_vec()));
        assert_eq!(choose("two", all()), Choice::None);
    }

    #[test]
    fn ids_are_told_from_names() {
        for id in ["TW9kZWw6MTA=", "U3BhY2U6MQ==", "UHJvamVjdDox"] {
            assert!(is_id(id), "{id}");
        }
        for name in ["support-bot", "checkout", "", "abcd", "TW9kZWw6"] {
            assert!(!is_id(name), "{name}");
        }
    }

    #[test]
    fn several_of_one_name_are_listed() {
        let failure = ambiguous("p", "bot", &[found("1", "bot"), found("2", "bot")]);
        assert_eq!(failure.sentence, "2 projects are called `bot`");
        assert_eq!(failure.causes, ["they are bot `1` in space s, bot `2` in space s"]);
    }
}
