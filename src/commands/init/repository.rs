//! The credential of the forge, where one is at hand: it is needed only for repositories.

use super::row;
use crate::commands::app::{App, known};
use crate::commands::skill;
use crate::config::edit;
use crate::domain::preset::GITHUB;
use crate::error::Result;
use crate::output::ask;
use crate::output::view::{CheckOutcome, DoctorRow, DoctorState, SkillCheckView};
use crate::secrets::{Found, Reference};

const FORGE: &str = "repositories";

/// Where `gh` keeps its token is its own business; it prints it for whoever may ask.
const PROGRAM: &str = "command:gh auth token";

/// Looks for a token, tries it, and offers to use what the forge's own program has.
pub fn offer(app: &App) -> Result<DoctorRow> {
    let (forge, _) = app.layers()?.skill(GITHUB)?;
    let Some(name) = forge.secrets.keys().next() else {
        return Ok(row(FORGE, DoctorState::Ready, "they need no secret"));
    };
    let ca_bundle = app.ca_bundle();
    let tried =
        |found: Found| skill::check::tried(&forge, &|_| Ok(found.clone()), ca_bundle.as_deref());
    if app.stores()?.look(name).ok().flatten().is_some() {
        let found = app.stores()?.find(name)?;
        let place = found.place.clone();
        return Ok(told(&tried(found)?, &format!("{name} ({place})")));
    }
    let environment = |name: &str| app.env.var(name);
    let Ok(secret) = Reference::read(PROGRAM).and_then(|program| program.resolve(&environment))
    else {
        let mut none = row(FORGE, DoctorState::Optional, format!("no {name}"));
        none.mend = Some(format!("loop secret set {name}"));
        return Ok(none);
    };
    let view = tried(Found { secret, place: PROGRAM.to_owned() })?;
    let mut told = told(&view, &format!("`{}`", PROGRAM.trim_start_matches("command:")));
    let line = format!("{name} = \"{PROGRAM}\"");
    let question = format!("use it for repositories and pull requests ({line})?");
    if view.outcome == CheckOutcome::Works && app.asks() && ask::confirm(&question, &app.screens)? {
        edit::set(&app.env, &known(), "secrets", &[(name, PROGRAM)])?;
        told.detail.push_str("; used from now on");
    } else {
        told.detail.push_str(&format!("; to use it: `[secrets]` {line} in config.toml"));
    }
    Ok(told)
}

fn told(view: &SkillCheckView, what: &str) -> DoctorRow {
    let state = match view.outcome {
        CheckOutcome::Works => DoctorState::Ready,
        _ => DoctorState::Optional,
    };
    let account = view.account.as_ref().map_or_else(String::new, |name| format!(", {name}"));
    let scopes = view.scopes.as_ref().filter(|scopes| !scopes.is_empty());
    let scopes = scopes.map_or_else(String::new, |all| format!(", scopes {}", all.join(" ")));
    row(FORGE, state, format!("{what}: {}{account}{scopes}", view.detail))
}
