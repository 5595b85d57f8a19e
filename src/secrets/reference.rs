//! References that name their place: `env:NAME`, `file:PATH`, `command:gh auth token`,
//! `op://vault/item/field`. Anything else is a name.

use super::limited::{self, Limited};
use super::{MAX_LENGTH, Secret};
use crate::error::{Cannot as _, Failure, Kind, Result};
use std::io::Read as _;
use std::time::Duration;

/// How long a program may take to print a secret. One that asks for a fingerprint needs a while.
const PATIENCE: Duration = Duration::from_secs(30);
/// The program that reads `op://` references.
const OP: &str = "op";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    Name(String),
    Environment(String),
    File(String),
    /// A program and its arguments, which no shell sees.
    Command(Vec<String>),
    /// A reference of 1Password's, whole.
    Op(String),
}

impl Reference {
    pub fn read(text: &str) -> Result<Self> {
        if text.starts_with("op://") {
            return Ok(Self::Op(text.to_owned()));
        }
        let reference = match text.split_once(':') {
            None => Self::Name(text.to_owned()),
            Some(("env", name)) => Self::Environment(name.to_owned()),
            Some(("file", path)) => Self::File(path.to_owned()),
            Some(("command", line)) => {
                Self::Command(line.split_whitespace().map(str::to_owned).collect())
            }
            Some((scheme, _)) => {
                let sentence = format!("a secret cannot be read from `{scheme}:`");
                return Err(Failure::new(Kind::Config, sentence).hint(
                    "write a name, or `env:NAME`, `file:/path`, `command:gh auth token` or \
                     `op://vault/item/field`",
                ));
            }
        };
        let empty = match &reference {
            Self::Name(text) | Self::Environment(text) | Self::File(text) | Self::Op(text) => {
                text.is_empty()
            }
            Self::Command(words) => words.is_empty(),
        };
        if empty {
            return Err(Failure::new(Kind::Config, format!("`{text}` names no secret")));
        }
        Ok(reference)
    }

    /// How it is called: never with the arguments of a program, which may be secret themselves.
    pub fn place(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Environment(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{path}"),
            Self::Command(words) => format!("command:{}", words.first().map_or("", String::as_str)),
            Self::Op(reference) => reference.clone(),
        }
    }

    /// Reads the value from the place that is named.
    pub fn resolve(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Secret> {
        let value = match self {
            Self::Name(name) | Self::Environment(name) => environment(name).unwrap_or_default(),
            Self::File(path) => read(path)?,
            Self::Command(words) => run(&words.iter().map(String::as_str).collect::<Vec<_>>())?,
            Self::Op(reference) => run(&[OP, "read", "--no-newline", reference])?,
        };
        if value.trim_end_matches(['\n', '\r']).is_empty() {
            let place = self.place();
            let failed = Failure::new(Kind::Credential, format!("the secret `{place}` is not set"));
            return Err(match self {
                Self::Name(name) | Self::Environment(name) => {
                    failed.hint(format!("set it in the environment: `export {name}=…`"))
                }
                Self::File(path) => failed.because(format!("the file `{path}` is empty")),
                Self::Command(_) | Self::Op(_) => failed.because("the program printed nothing"),
            });
        }
        Secret::new(&value, &format!("`{}`", self.place()))
    }
}

fn read(path: &str) -> Result<String> {
    let doing = || format!("read the secret file `{path}`");
    let mut text = String::new();
    std::fs::File::open(path)
        .cannot(Kind::Credential, doing)?
        .take(MAX_LENGTH as u64 + 3)
        .read_to_string(&mut text)
        .cannot(Kind::Credential, doing)?;
    Ok(text)
}

/// What a program prints. What it says on standard error may hold the value, and is not told.
fn run(words: &[&str]) -> Result<String> {
    let program = words[0];
    let failed = |why: String| {
        Failure::new(Kind::Credential, format!("cannot get a secret from `{program}`")).because(why)
    };
    match limited::run(words, PATIENCE, MAX_LENGTH + 3) {
        Limited::Printed(bytes) => {
            String::from_utf8(bytes).map_err(|_| failed("what it printed is no UTF-8".to_owned()))
        }
        Limited::Failed(how) => {
            Err(failed(how).hint(format!("see what it says: run `{}` by hand", words.join(" "))))
        }
        Limited::NotStarted(why) => {
            Err(failed(why).hint(format!("install `{program}`, or put it into the PATH")))
        }
        Limited::TooSlow => {
            let seconds = PATIENCE.as_secs();
            Err(failed(format!("it did not end within {seconds} seconds")))
        }
        Limited::TooMuch => Err(failed("it printed more than a secret".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(reference: &str) -> Result<Secret> {
        let environment = |name: &str| (name == "SET").then(|| "of-environment".to_owned());
        Reference::read(reference)?.resolve(&environment)
    }

    #[track_caller]
    fn fails(reference: &str, parts: &[&str]) {
        let failed = resolved(reference).unwrap_err();
        let told = format!("{failed} {:?} {:?}", failed.causes, failed.hints);
        for part in parts {
            assert!(told.contains(part), "no `{part}` in {told}");
        }
    }

    #[test]
    fn places() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "of-file\r\n").unwrap();
        let of_file = format!("file:{}", file.path().display());
        for (reference, value) in [
            ("env:SET", "of-environment"),
            (&of_file, "of-file"),
            ("command:echo of-command", "of-command"),
            ("command:printf %s a$HOME`x`;b", "a$HOME`x`;b"),
        ] {
            assert_eq!(resolved(reference).unwrap().expose(), value, "{reference}");
        }
    }

    #[test]
    fn what_is_none() {
        fails("env:UNSET", &["`env:UNSET` is not set", "export UNSET"]);
        fails("file:/nonexistent/x", &["/nonexistent/x"]);
        fails("file:/dev/null", &["is empty"]);
        fails("file:/dev/zero", &["longer than 64 KiB"]);
        fails("command:true", &["printed nothing"]);
        fails("command:false", &["exit code 1"]);
        fails("command:no-such-program-there", &["install `no-such-program-there`"]);
        fails("command:printf a\\nb", &["line break"]);
        fails("command:", &["names no secret"]);
        fails("ssh:x", &["`ssh:`", "op://vault"]);
        fails("command:yes", &["more than a secret"]);
    }

    #[test]
    fn a_program_is_told_of_without_what_it_was_given_or_said() {
        let failed = resolved("command:sh -c echo${IFS}s3cret>&2;exit${IFS}3").unwrap_err();
        assert!(failed.causes[0].contains("exit code 3"), "{failed:?}");
        assert!(!format!("{failed} {:?}", failed.causes).contains("s3cret"));
        let place = Reference::read("command:vault read --token=x").unwrap().place();
        assert_eq!(place, "command:vault");
    }
}
