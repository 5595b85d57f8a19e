//! A short look at a server, for somebody who has just named it.

use super::page::{Page, Raw, span};
use super::server::VERSION;
use super::{Fact, Phoenix};
use crate::domain::words::Count;
use crate::error::Result;
use crate::traces::snapshot::show_time;
use serde::Deserialize;

/// Roles whose keys can change nothing.
const READERS: [&str; 1] = ["VIEWER"];

pub(super) fn inspect(phoenix: &Phoenix) -> Result<Vec<Fact>> {
    // The project first: its refusal says most about what is wrong.
    let (project, version) = project(phoenix)?;
    let server = Fact {
        what: "server",
        holds: true,
        detail: format!("Phoenix {version} at `{}`", phoenix.server.shown()),
        mend: None,
    };
    Ok(vec![server, project, key(phoenix)?])
}

fn project(phoenix: &Phoenix) -> Result<(Fact, String)> {
    let place = phoenix.place(phoenix.id()?.as_deref());
    // Without an order, the one that was stored last comes first.
    let answer = phoenix.server.ask(&format!("{place}/spans?limit=1"))?;
    if answer.status == 404 {
        return Err(phoenix.missing(&answer));
    }
    if !answer.is_success() {
        return Err(phoenix.server.refused(&answer));
    }
    let version = answer.header(VERSION).unwrap_or("of an unknown version").to_owned();
    let page: Page<Raw> = phoenix.server.read(&answer)?;
    let newest = page.data.first().and_then(|raw| span(raw).ok()).map(|span| span.start_us);
    let others = phoenix.projects(None)?.len();
    let name = phoenix.name();
    let among = Count::of(others, "project");
    let fact = Fact {
        what: "project",
        holds: newest.is_some(),
        detail: match &newest {
            Some(newest) => {
                format!("`{name}`, of {among}; its newest span is of {}", show_time(*newest))
            }
            None => format!("`{name}`, of {among}, holds no spans yet"),
        },
        mend: newest.is_none().then(|| {
            format!(
                "send spans with the resource attribute `openinference.project.name` = `{name}`"
            )
        }),
    };
    Ok((fact, version))
}

#[derive(Deserialize)]
struct User {
    data: Whose,
}

#[derive(Deserialize)]
struct Whose {
    username: Option<String>,
    role: Option<String>,
    auth_method: Option<String>,
}

fn key(phoenix: &Phoenix) -> Result<Fact> {
    let fact = |holds, detail, mend| Fact { what: "key", holds, detail, mend };
    let answer = phoenix.server.ask("/v1/user")?;
    if !answer.is_success() {
        return Ok(fact(true, "this Phoenix does not say what the key may do".to_owned(), None));
    }
    let Whose { username, role, auth_method } = phoenix.server.read::<User>(&answer)?.data;
    if auth_method.as_deref() == Some("ANONYMOUS") {
        let unused = phoenix.server.project().secret.as_ref();
        let detail = match unused {
            Some(secret) => format!("this Phoenix asks for none; `{secret}` is sent in vain"),
            None => "this Phoenix asks for none".to_owned(),
        };
        return Ok(fact(true, detail, None));
    }
    let user = username.unwrap_or_else(|| "somebody".to_owned());
    let role = role.unwrap_or_else(|| "unknown".to_owned());
    if READERS.contains(&role.as_str()) {
        return Ok(fact(true, format!("it is `{user}`'s, who may only read ({role})"), None));
    }
    let detail = format!("it is `{user}`'s, who may also write ({role}); reading is enough here");
    let mend = "in Phoenix, add a user with the role Viewer under Settings, sign in as that user, and \
                make a key under Profile";
    Ok(fact(false, detail, Some(mend.to_owned())))
}
