//! `loop skill check`

use crate::commands::app::{App, Done};
use crate::domain::preset::{Skill, SkillCheck};
use crate::error::{Failure, Kind, Result};
use crate::http::{Answer, Client, Method, Request, shown};
use crate::output::human;
use crate::output::json::{self, v1};
use crate::output::view::{CheckOutcome, SecretRow, SkillCheckView};
use crate::secrets::{Found, Redactor, Secret};
use std::collections::BTreeMap;
use std::path::Path;

/// Try a skill's secrets with one real call
///
/// Looks for each of its secrets, and asks the service itself whether they work, and what for. A
/// service that cannot be reached proves nothing: that is `unknown`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop skill check github
  loop skill check github --env GITHUB_API_URL=https://ghe.example.com/api/v3
  loop skill check dynatrace --env DT_ENVIRONMENT_URL=https://abc12345.live.dynatrace.com --json")]
pub struct Check {
    name: String,
    /// A plain variable of the skill, instead of its own; may be given several times
    #[arg(long, value_name = "K=V")]
    env: Vec<String>,
}

impl Check {
    pub fn run(self, app: &App) -> Done {
        let (mut skill, _) = app.layers()?.skill(&self.name)?;
        for variable in &self.env {
            let (name, value) = variable.split_once('=').ok_or_else(|| {
                Failure::new(Kind::Usage, format!("`{variable}` is no variable"))
                    .hint("write it as `--env NAME=value`")
            })?;
            skill.env.insert(name.to_owned(), value.to_owned());
        }
        let find = |name: &str| app.stores()?.find(name);
        let view = tried(&skill, &find, app.ca_bundle().as_deref())?;
        app.show(
            |out| json::write_document(out, &v1::SkillCheck::of(&view)),
            |out| human::secrets::write_skill(out, &app.screens.out, &view),
        )?;
        Ok(match view.outcome {
            CheckOutcome::Works | CheckOutcome::Untried => 0,
            CheckOutcome::Refused | CheckOutcome::Missing => Kind::Credential.exit_code(),
            CheckOutcome::Unknown => Kind::Network.exit_code(),
        })
    }
}

/// Tries a skill's secrets, wherever they are found.
pub fn tried(
    skill: &Skill,
    find: &dyn Fn(&str) -> Result<Found>,
    ca_bundle: Option<&Path>,
) -> Result<SkillCheckView> {
    let mut values = BTreeMap::new();
    let mut rows = Vec::new();
    for name in skill.secrets.keys() {
        let found = find(name);
        let reason = found.as_ref().err().map(|failed| {
            failed.causes.first().cloned().unwrap_or_else(|| failed.sentence.clone())
        });
        let place = found.as_ref().ok().map(|found| found.place.clone());
        rows.push(SecretRow { name: name.clone(), place, wanted_by: Vec::new(), reason });
        if let Ok(found) = found {
            values.insert(name.as_str(), found.secret);
        }
    }
    let missing: Vec<&str> =
        rows.iter().filter(|row| row.place.is_none()).map(|row| &*row.name).collect();
    let said = match (&skill.check, missing.as_slice()) {
        (_, [first, ..]) => {
            let detail = format!("`{first}` is not set: `loop secret set {first}`");
            Said { outcome: CheckOutcome::Missing, detail, ..Said::unknown() }
        }
        (None, []) => {
            let detail = "the skill says no call to try: `[check]` in its file".to_owned();
            Said { outcome: CheckOutcome::Untried, detail, ..Said::unknown() }
        }
        (Some(check), []) => asked(skill, check, &values, ca_bundle)?,
    };
    let Said { outcome, detail, account, scopes, expires } = said;
    let skill = skill.name.clone();
    Ok(SkillCheckView { skill, secrets: rows, outcome, detail, account, scopes, expires })
}

type Values<'a> = BTreeMap<&'a str, Secret>;

fn asked(
    skill: &Skill,
    check: &SkillCheck,
    values: &Values,
    ca_bundle: Option<&Path>,
) -> Result<Said> {
    let request = request(skill, check, values)?;
    let client = Client::new(ca_bundle)?;
    let answer = client.send(&request);
    let mut said = match answer {
        Ok(answer) => read(check, &shown(&request.url), &answer),
        Err(failed) => {
            let why = failed.causes.first().map_or("", String::as_str);
            let detail = format!("{failed}: {why}");
            Said { detail: detail.trim_end_matches([':', ' ']).to_owned(), ..Said::unknown() }
        }
    };
    // A service may say back what it was sent.
    let redactor = Redactor::new(&values.values().map(Secret::expose).collect::<Vec<_>>());
    let clean = |text: &str| {
        String::from_utf8_lossy(&redactor.redact(text.as_bytes())).chars().take(300).collect()
    };
    said.detail = clean(&said.detail);
    said.account = said.account.as_deref().map(clean);
    said.expires = said.expires.as_deref().map(clean);
    said.scopes = said.scopes.map(|scopes| scopes.iter().take(100).map(|s| clean(s)).collect());
    Ok(said)
}

/// The one call. Secrets go over an encrypted line, or to this machine itself.
fn request(skill: &Skill, check: &SkillCheck, values: &Values) -> Result<Request> {
    let plain = |name: &str| skill.env.get(name).cloned();
    let url = filled(&check.url, &plain)?;
    let here = ["http://127.0.0.1", "http://localhost", "http://[::1]"].into_iter().any(|host| {
        url.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    });
    if !url.starts_with("https://") && !here {
        let sentence = format!("`{}` is no address that a secret may be sent to", shown(&url));
        return Err(Failure::new(Kind::Config, sentence)
            .because("it does not begin with `https://`")
            .hint(format!("name the right one: `loop skill check {} --env NAME=…`", skill.name)));
    }
    let mut request = match &check.body {
        None => Request::get(url),
        Some(body) => {
            let quoted = |name: &str| {
                let value = values.get(name).map(|secret| secret.expose().to_owned());
                let text = serde_json::to_string(&value.or_else(|| plain(name))?).ok()?;
                Some(text[1..text.len() - 1].to_owned())
            };
            let body = filled(body, &quoted)?.into_bytes();
            Request::new(Method::POST, url).body("application/json", body).repeatable()
        }
    };
    for (name, secret) in &skill.secrets {
        let (Some(header), Some(value)) = (&secret.header, values.get(name.as_str())) else {
            continue;
        };
        let (header, scheme) = header.split_once(": ").unwrap_or((header, ""));
        let value = format!("{scheme} {}", value.expose());
        request = request.header(header, value.trim_start().to_owned());
    }
    for (name, value) in &check.headers {
        request = request.header(name, value.clone());
    }
    Ok(request.header("accept", "application/json"))
}

/// A text with its variables filled in.
fn filled(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else { break };
        let filled = value(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            Failure::new(Kind::Config, format!("the variable `{name}` of the skill is empty"))
                .hint(format!("give it: `--env {name}=…`"))
        })?;
        out.push_str(before);
        out.push_str(&filled);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// What a service said of the secrets.
struct Said {
    outcome: CheckOutcome,
    detail: String,
    account: Option<String>,
    scopes: Option<Vec<String>>,
    expires: Option<String>,
}

impl Said {
    fn unknown() -> Self {
        Self {
            outcome: CheckOutcome::Unknown,
            detail: String::new(),
            account: None,
            scopes: None,
            expires: None,
        }
    }
}

fn read(check: &SkillCheck, place: &str, answer: &Answer) -> Said {
    let status = answer.status;
    let said = |outcome, detail: String| Said { outcome, detail, ..Said::unknown() };
    let why = |what: &str| match answer.said() {
        text if text.is_empty() => format!("`{place}` {what} ({status})"),
        text => format!("`{place}` {what} ({status}): {text}"),
    };
    match status {
        401 => return said(CheckOutcome::Refused, why("refuses it")),
        403 => return said(CheckOutcome::Refused, why("knows it and does not permit the call")),
        _ if !answer.is_success() => {
            return said(CheckOutcome::Unknown, why("says nothing of it"));
        }
        _ => {}
    }
    let body: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    // A page of a proxy's, to log in at, is a success too.
    let Some(body) = body else {
        return said(CheckOutcome::Unknown, format!("`{place}` answers something else than JSON"));
    };
    let told = |at: &Option<String>| told(at.as_deref()?, answer, &body);
    if let Some(valid) = &check.valid
        && told(&Some(valid.clone())) != Some(serde_json::Value::Bool(true))
    {
        return said(CheckOutcome::Refused, why("does not call it valid"));
    }
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    };
    let scopes = told(&check.scopes).map(|value| match value {
        serde_json::Value::Array(list) => list.into_iter().filter_map(text).collect(),
        other => {
            let list = text(other).unwrap_or_default();
            let scopes = list.split([',', ' ']).filter(|scope| !scope.is_empty());
            scopes.map(str::to_owned).collect()
        }
    });
    Said {
        outcome: CheckOutcome::Works,
        detail: format!("`{place}` accepts it ({status})"),
        account: told(&check.account).and_then(text),
        scopes,
        expires: told(&check.expires).and_then(text),
    }
}

/// What stands in the answer at a JSON pointer, or in a header of that name.
fn told(at: &str, answer: &Answer, body: &serde_json::Value) -> Option<serde_json::Value> {
    if at.starts_with('/') {
        return body.pointer(at).cloned();
    }
    answer.header(at).map(|text| serde_json::Value::String(text.to_owned()))
}
