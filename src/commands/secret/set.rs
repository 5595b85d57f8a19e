//! `loop secret set`

use super::name;
use crate::commands::app::{App, Done};
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::output::{ask, failure, json};
use crate::secrets::{MAX_LENGTH, MIN_LENGTH, Secret};
use std::io::{IsTerminal as _, Read as _};

/// Store a secret; its value is typed, or read from standard input
///
/// It goes to the system's keyring, or with `--store file` to an encrypted file; never to plain text.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop secret set ANTHROPIC_API_KEY
  gh auth token | loop secret set GH_TOKEN --skill github
  loop secret set DD_API_KEY --store file < key.txt")]
pub struct Set {
    /// The variable that it becomes
    name: String,
    /// The skill that it is for
    #[arg(long, value_name = "NAME")]
    skill: Option<String>,
    /// Where it is kept; else in the first store that can be used
    #[arg(long, value_name = "STORE", value_parser = ["keyring", "file"])]
    store: Option<String>,
    /// Refused: a value does not belong here
    #[arg(hide = true)]
    value: Vec<String>,
}

impl Set {
    pub fn run(self, app: &App) -> Done {
        if !self.value.is_empty() || self.name.contains('=') {
            return Err(Failure::new(
                Kind::Usage,
                "a secret's value is not taken from the command line",
            )
            .because("every program of this machine can read it there, and the shell keeps it")
            .hint("type it when you are asked: `loop secret set NAME`")
            .hint("or pipe it: `loop secret set NAME < file`; and revoke what was shown"));
        }
        let name = name(&self.name)?;
        if let Some(skill) = &self.skill {
            of_skill(app, skill, &name)?;
        }
        // Before anybody types something in vain.
        let store = app.stores()?.store(self.store.as_deref())?;
        let secret = Secret::new(&self.read(app, &name)?, &format!("`{name}`"))?;
        store.set(&name, &secret)?;
        let stored = format!("stored `{name}` in the {}", store.name());
        failure::note(&stored, &app.screens);
        if secret.is_short() {
            let short = format!(
                "it is shorter than {MIN_LENGTH} characters, and will not be taken out of transcripts"
            );
            failure::warn(&short, &app.screens);
        }
        if app.env.var(&name).is_some() {
            let hides = format!("`{name}` is set in the environment too, which comes first");
            failure::warn(&hides, &app.screens);
        }
        let document = serde_json::json!({ "v": 1, "name": name, "store": store.name() });
        app.show(|out| json::write_document(out, &document), |_| Ok(()))
    }

    fn read(&self, app: &App, name: &str) -> Result<String> {
        if app.asks() {
            return ask::hidden(&format!("value of {name}"), &app.screens);
        }
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            let sentence = format!("nobody may be asked for the value of `{name}`");
            return Err(Failure::new(Kind::Usage, sentence)
                .hint(format!("pipe it: `loop secret set {name} < file`")));
        }
        let mut value = Vec::new();
        let doing = || format!("read the value of `{name}` from standard input");
        stdin
            .lock()
            .take(MAX_LENGTH as u64 + 3)
            .read_to_end(&mut value)
            .cannot(Kind::Usage, doing)?;
        String::from_utf8(value).cannot(Kind::Credential, doing)
    }
}

/// Whether the skill wants it.
fn of_skill(app: &App, skill: &str, name: &str) -> Result<()> {
    let (skill, _) = app.layers()?.skill(skill)?;
    if skill.secrets.contains_key(name) {
        return Ok(());
    }
    let names: Vec<&str> = skill.secrets.keys().map(String::as_str).collect();
    let failed = Failure::new(Kind::Usage, format!("the skill `{}` wants no `{name}`", skill.name));
    Err(match names.as_slice() {
        [] => failed.because("it wants no secret at all"),
        names => failed.hint(format!("it wants {}", names.join(", "))),
    })
}
