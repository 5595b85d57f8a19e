//! Where credentials live, and how they are kept out of what is stored and shown.
//!
//! A credential is a [`Secret`]: it has no `Display`, no `Debug` that tells, and no `Serialize`, so
//! it cannot get into a message or a file by accident. It leaves only through [`Secret::expose`],
//! which is called where it is used or stored: a turn's standard input, a header, a keyring.
//!
//! A reference that names its place (`env:`, `file:`, `command:`, `op://`) is looked up there and
//! nowhere else. A bare name is looked up in the environment, then in each [`Store`] in turn. A store
//! that is locked, absent or hangs is passed over and told of where nothing was found; a value is never
//! kept in plain text instead, and nobody is asked anything where there is no terminal.

mod file;
mod keyring;
mod limited;
mod redact;
mod reference;
pub mod signature;

pub use file::{Encrypted, Unlock};
pub use keyring::Keyring;
pub use redact::{Kept, MIN_LENGTH, NOTE, Redactor, withheld};
pub use reference::Reference;

use crate::error::{Failure, Kind, Result};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What the place is called that is this process's own variables.
pub const ENVIRONMENT: &str = "environment";

/// The longest value, in bytes.
pub const MAX_LENGTH: usize = 64 << 10;

#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A value alone, on one line: the variable that it will be travels through programs that end
    /// strings at a NUL and lines at a newline. `what` is what it is called where it is refused.
    pub fn new(value: &str, what: &str) -> Result<Self> {
        let value = value.strip_suffix('\n').unwrap_or(value);
        let value = value.strip_suffix('\r').unwrap_or(value);
        let refused = if value.is_empty() {
            "is empty".to_owned()
        } else if value.len() > MAX_LENGTH {
            format!("is longer than {} KiB", MAX_LENGTH >> 10)
        } else if value.contains(['\0', '\n', '\r']) {
            "holds a line break or a NUL".to_owned()
        } else {
            return Ok(Self(value.to_owned()));
        };
        Err(Failure::new(Kind::Credential, format!("the secret {what} {refused}"))
            .hint("store the value alone, on one line"))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is too short to be kept out of a transcript.
    pub fn is_short(&self) -> bool {
        self.0.len() < MIN_LENGTH
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub is: Is,
    pub detail: String,
    /// What to type to mend it.
    pub mend: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// It can be read and written.
    Here,
    /// It is there, and needs a password first.
    Locked,
    /// There is none on this machine.
    Absent,
    /// It does not answer.
    Hanging,
    /// It is there and cannot be used.
    Broken,
}

impl Is {
    pub fn name(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Locked => "locked",
            Self::Absent => "absent",
            Self::Hanging => "hanging",
            Self::Broken => "broken",
        }
    }
}

/// A place that secrets are kept in by their names.
pub trait Store {
    fn name(&self) -> &'static str;

    /// How it is, without asking anybody anything.
    fn state(&self) -> State;

    /// What is kept there.
    fn names(&self) -> Result<Vec<String>>;

    fn get(&self, name: &str) -> Result<Option<Secret>>;

    fn set(&self, name: &str, secret: &Secret) -> Result<()>;

    /// Says whether there was one.
    fn remove(&self, name: &str) -> Result<bool>;
}

/// A secret and where it was found: `environment`, a store, or a reference.
#[derive(Debug, Clone)]
pub struct Found {
    pub secret: Secret,
    pub place: String,
}

/// Reads a variable of the environment.
pub type Environment = Box<dyn Fn(&str) -> Option<String>>;

/// Everywhere that secrets can be.
pub struct Stores {
    environment: Environment,
    /// In the order in which they are asked.
    stores: Vec<Box<dyn Store>>,
    /// Names that stand for references.
    named: BTreeMap<String, String>,
    found: RefCell<BTreeMap<String, Found>>,
}

impl Stores {
    pub fn new(
        environment: Environment,
        stores: Vec<Box<dyn Store>>,
        named: BTreeMap<String, String>,
    ) -> Self {
        Self { environment, stores, named, found: RefCell::default() }
    }

    pub fn all(&self) -> impl Iterator<Item = &dyn Store> {
        self.stores.iter().map(|store| &**store)
    }

    /// The store of a name, or the first one that can be used.
    pub fn store(&self, name: Option<&str>) -> Result<&dyn Store> {
        if let Some(name) = name {
            let found = self.all().find(|store| store.name() == name);
            return found
                .ok_or_else(|| Failure::new(Kind::Usage, format!("there is no store `{name}`")));
        }
        let mut states = Vec::new();
        for store in self.all() {
            let state = store.state();
            if state.is == Is::Here {
                return Ok(store);
            }
            states.push((store.name(), state));
        }
        let mut failed = Failure::new(Kind::Credential, "no store of secrets can be used");
        for (name, state) in states {
            failed = failed.because(format!("the {name} is {}: {}", state.is.name(), state.detail));
            failed.hints.extend(state.mend);
        }
        Err(failed)
    }

    /// A secret by its reference. What was found once is not looked up again.
    pub fn find(&self, reference: &str) -> Result<Found> {
        if let Some(found) = self.found.borrow().get(reference) {
            return Ok(found.clone());
        }
        let target = self.named.get(reference).map_or(reference, String::as_str);
        let found = match Reference::read(target)? {
            Reference::Name(name) => self.by_name(&name)?,
            explicit => {
                let secret = explicit.resolve(&self.environment)?;
                Found { secret, place: explicit.place() }
            }
        };
        self.found.borrow_mut().insert(reference.to_owned(), found.clone());
        Ok(found)
    }

    /// Where a secret is, without asking anybody anything and without running a program.
    pub fn look(&self, reference: &str) -> Result<Option<String>> {
        let target = self.named.get(reference).map_or(reference, String::as_str);
        let name = match Reference::read(target)? {
            Reference::Name(name) => name,
            program @ (Reference::Command(_) | Reference::Op(_)) => {
                return Ok(Some(program.place()));
            }
            explicit => {
                return Ok(explicit.resolve(&self.environment).ok().map(|_| explicit.place()));
            }
        };
        if (self.environment)(&name).is_some_and(|value| !value.is_empty()) {
            return Ok(Some(ENVIRONMENT.to_owned()));
        }
        for store in self.all() {
            if store.state().is == Is::Here && store.get(&name)?.is_some() {
                return Ok(Some(store.name().to_owned()));
            }
        }
        Ok(None)
    }

    fn by_name(&self, name: &str) -> Result<Found> {
        if let Some(value) = (self.environment)(name).filter(|value| !value.is_empty()) {
            let secret = Secret::new(&value, &format!("`{name}`"))?;
            return Ok(Found { secret, place: ENVIRONMENT.to_owned() });
        }
        let mut stood_in_the_way = Vec::new();
        for store in self.all() {
            match store.get(name) {
                Ok(Some(secret)) => return Ok(Found { secret, place: store.name().to_owned() }),
                Ok(None) => {}
                Err(failed) => stood_in_the_way.push(failed),
            }
        }
        let mut missing = Failure::new(Kind::Credential, format!("the secret `{name}` is not set"));
        if let Some(failed) = stood_in_the_way.first() {
            missing = missing.because(failed);
            missing.hints.extend(failed.hints.first().cloned());
        }
        Err(missing
            .hint(format!("store it: `loop secret set {name}`, or set it: `export {name}=…`")))
    }
}

/// Runs something beside what else there is. A signal is for those who expect one: this thread, and all
/// that a library starts from it, never takes one.
fn in_background(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        // It fails only for what is no set of signals.
        let _ = nix::sys::signal::SigSet::all().thread_block();
        work();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store in memory, or one that fails.
    struct Fake(&'static str, Option<RefCell<BTreeMap<String, Secret>>>);

    impl Fake {
        fn inside(&self) -> Result<&RefCell<BTreeMap<String, Secret>>> {
            let locked = || Failure::new(Kind::Credential, "it is locked").hint("unlock it");
            self.1.as_ref().ok_or_else(locked)
        }
    }

    impl Store for Fake {
        fn name(&self) -> &'static str {
            self.0
        }

        fn state(&self) -> State {
            let is = if self.1.is_some() { Is::Here } else { Is::Locked };
            State { is, detail: "a fake".to_owned(), mend: Some(format!("open {}", self.0)) }
        }

        fn names(&self) -> Result<Vec<String>> {
            Ok(self.inside()?.borrow().keys().cloned().collect())
        }

        fn get(&self, name: &str) -> Result<Option<Secret>> {
            Ok(self.inside()?.borrow().get(name).cloned())
        }

        fn set(&self, name: &str, secret: &Secret) -> Result<()> {
            self.inside()?.borrow_mut().insert(name.to_owned(), secret.clone());
            Ok(())
        }

        fn remove(&self, name: &str) -> Result<bool> {
            Ok(self.inside()?.borrow_mut().remove(name).is_some())
        }
    }

    fn stores(fakes: Vec<Fake>, named: &[(&str, &str)]) -> Stores {
        let environment =
            |name: &str| (name == "IN_ENV" || name == "BOTH").then(|| "of-environment".to_owned());
        let named = named.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let fakes = fakes.into_iter().map(|fake| Box::new(fake) as Box<dyn Store>).collect();
        Stores::new(Box::new(environment), fakes, named)
    }

    fn holding(name: &'static str, secrets: &[&str]) -> Fake {
        let value = |key: &&str| ((*key).to_owned(), Secret::new(name, "x").unwrap());
        Fake(name, Some(RefCell::new(secrets.iter().map(value).collect())))
    }

    #[test]
    fn a_secret_never_shows() {
        let secret = Secret::new("sk-very-secret\n", "x").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.expose(), "sk-very-secret");
    }

    #[test]
    fn what_is_no_value() {
        for bad in ["", "\n", "a\nb", "a\0b", "a\rb", &"x".repeat(MAX_LENGTH + 1)] {
            let failed = Secret::new(bad, "`X`").unwrap_err();
            assert_eq!(failed.kind, Kind::Credential);
        }
    }

    #[test]
    fn the_order_of_places() {
        #[track_caller]
        fn check(name: &str, place: &str, value: &str) {
            let named = [("ALIAS", "env:IN_ENV"), ("OTHER", "BOTH_STORES")];
            let stores = stores(
                vec![
                    holding("keyring", &["BOTH", "BOTH_STORES"]),
                    holding("file", &["BOTH_STORES", "IN_FILE"]),
                ],
                &named,
            );
            let found = stores.find(name).unwrap();
            assert_eq!((&*found.place, found.secret.expose()), (place, value));
        }
        check("BOTH", "environment", "of-environment");
        check("BOTH_STORES", "keyring", "keyring");
        check("IN_FILE", "file", "file");
        check("ALIAS", "env:IN_ENV", "of-environment");
        check("OTHER", "keyring", "keyring");
    }

    #[test]
    fn what_stood_in_the_way_is_told() {
        let stores = stores(vec![Fake("keyring", None), holding("file", &["B"])], &[]);
        assert_eq!(stores.find("B").unwrap().place, "file");
        let failed = stores.find("ANTHROPIC_API_KEY").unwrap_err();
        assert_eq!(failed.kind, Kind::Credential);
        assert_eq!(failed.causes, ["it is locked"]);
        assert_eq!(failed.hints[0], "unlock it");
        assert!(failed.hints[1].contains("loop secret set ANTHROPIC_API_KEY"));
        assert!(failed.hints[1].contains("export ANTHROPIC_API_KEY"));
    }

    #[test]
    fn where_to_put_one() {
        let both = stores(vec![Fake("keyring", None), holding("file", &[])], &[]);
        assert_eq!(both.store(None).unwrap().name(), "file");
        assert_eq!(both.store(Some("keyring")).unwrap().name(), "keyring");
        assert!(both.store(Some("paper")).is_err());
        let none = stores(vec![Fake("keyring", None)], &[]);
        let failed = none.store(None).map(|_| ()).unwrap_err();
        assert!(failed.causes[0].contains("locked") && failed.hints == ["open keyring"]);
    }
}
