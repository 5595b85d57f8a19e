//! The system's keyring: Secret Service on Linux, the Keychain on macOS, the Credential Manager on
//! Windows.
//!
//! Its service may hang, and its library blocks; so it is talked to from a thread of its own, and
//! waited for no longer than [`PATIENCE`] in all. Once it has not answered in time it is not asked again.
//! One that is locked is not unlocked by us: that would put up a window, and somebody may not be there.

use super::{Is, Secret, State, Store};
use crate::error::{Failure, Kind, Result};
use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

/// What our entries are filed under, beside their names.
const SERVICE: &str = "loop";
/// How long it may take in all.
const PATIENCE: Duration = Duration::from_millis(1900);
/// What works without one.
const INSTEAD: &str = "loop secret set NAME --store file";

type Job = Box<dyn FnOnce(&Opened) + Send>;
type Opened = std::result::Result<Arc<CredentialStore>, Trouble>;

/// Why it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    Absent(String),
    Locked,
    Hanging,
    Broken(String),
}

#[derive(Default)]
pub struct Keyring {
    worker: OnceLock<mpsc::Sender<Job>>,
    /// What is left of [`PATIENCE`].
    left: Mutex<Option<Duration>>,
}

impl Keyring {
    /// Has something done with the store, in the time that is left.
    fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Arc<CredentialStore>) -> std::result::Result<T, Trouble> + Send + 'static,
    ) -> std::result::Result<T, Trouble> {
        let mut left = self.left.lock().map_err(|_| Trouble::Hanging)?;
        let patience = left.unwrap_or(PATIENCE);
        if patience.is_zero() {
            return Err(Trouble::Hanging);
        }
        let worker = self.worker.get_or_init(|| {
            let (sender, jobs) = mpsc::channel::<Job>();
            super::in_background(move || {
                let opened = open();
                for job in jobs {
                    job(&opened);
                }
            });
            sender
        });
        let began = Instant::now();
        let (answer, answered) = mpsc::channel();
        let job: Job = Box::new(move |opened| {
            let done = opened.as_ref().map_err(Clone::clone).and_then(job);
            let _ = answer.send(done);
        });
        let done = match worker.send(job) {
            Ok(()) => answered.recv_timeout(patience),
            Err(_) => return Err(Trouble::Broken("its library has given up".to_owned())),
        };
        // Only what comes too late uses patience up; a keyring that answers may be asked for ever.
        match done {
            Ok(done) => done,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                *left = Some(patience.saturating_sub(began.elapsed()));
                Err(Trouble::Hanging)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(Trouble::Broken("its library has failed".to_owned()))
            }
        }
    }
}

impl Store for Keyring {
    fn name(&self) -> &'static str {
        "keyring"
    }

    fn state(&self) -> State {
        match self.ask(|_| Ok(())) {
            Ok(()) => State { is: Is::Here, detail: SYSTEM.to_owned(), mend: None },
            Err(trouble) => {
                let detail = match trouble.advice() {
                    Some(advice) => format!("{trouble}; {advice}"),
                    None => trouble.to_string(),
                };
                State { is: trouble.is(), detail, mend: Some(INSTEAD.to_owned()) }
            }
        }
    }

    fn names(&self) -> Result<Vec<String>> {
        let names = self.ask(|store| {
            let entries = store.search(&HashMap::from([("service", SERVICE)]));
            let entries = entries.map_err(Trouble::of)?;
            let mut names: Vec<String> = entries
                .iter()
                .filter_map(Entry::get_specifiers)
                .filter(|(service, _)| service == SERVICE)
                .map(|(_, name)| name)
                .collect();
            names.sort();
            names.dedup();
            Ok(names)
        });
        match names {
            Err(Trouble::Absent(_)) => Ok(Vec::new()),
            names => names.map_err(Trouble::failure),
        }
    }

    fn get(&self, name: &str) -> Result<Option<Secret>> {
        let entry = name.to_owned();
        let got = self.ask(move |store| match entry_of(store, &entry)?.get_secret() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(Trouble::of(error)),
        });
        let bytes = match got {
            // A machine without one has nothing in it, which is no failure.
            Err(Trouble::Absent(_)) => return Ok(None),
            got => got.map_err(Trouble::failure)?,
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|_| {
            let sentence = format!("the secret `{name}` in the keyring is no UTF-8");
            Failure::new(Kind::Credential, sentence)
        })?;
        Secret::new(&text, &format!("`{name}` in the keyring")).map(Some)
    }

    fn set(&self, name: &str, secret: &Secret) -> Result<()> {
        let (name, secret) = (name.to_owned(), secret.clone());
        self.ask(move |store| {
            let entry = entry_of(store, &name)?;
            entry.set_secret(secret.expose().as_bytes()).map_err(Trouble::of)
        })
        .map_err(Trouble::failure)
    }

    fn remove(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        let removed = self.ask(move |store| match entry_of(store, &name)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(Trouble::of(error)),
        });
        match removed {
            Err(Trouble::Absent(_)) => Ok(false),
            removed => removed.map_err(Trouble::failure),
        }
    }
}

fn entry_of(store: &Arc<CredentialStore>, name: &str) -> std::result::Result<Entry, Trouble> {
    let label = format!("{SERVICE}: {name}");
    let label = HashMap::from([("label", label.as_str())]);
    let modifiers = cfg!(target_os = "linux").then_some(&label);
    store.build(SERVICE, name, modifiers).map_err(Trouble::of)
}

#[cfg(target_os = "linux")]
const SYSTEM: &str = "Secret Service";
#[cfg(target_os = "macos")]
const SYSTEM: &str = "the macOS Keychain";
#[cfg(target_os = "windows")]
const SYSTEM: &str = "the Windows Credential Manager";

#[cfg(target_os = "linux")]
fn open() -> Opened {
    use secret_service::blocking::SecretService;
    use secret_service::{EncryptionType, Error as E};
    let trouble = |error: E| match error {
        E::Unavailable => Trouble::Absent("there is no session bus".to_owned()),
        E::Zbus(zbus::Error::MethodError(..)) | E::ZbusFdo(_) => {
            Trouble::Absent("no Secret Service is on the session bus".to_owned())
        }
        E::Zbus(_) => Trouble::Absent("no session bus answers".to_owned()),
        other => Trouble::Broken(other.to_string()),
    };
    // The other library would ask for the password of one that is locked.
    let service = SecretService::connect(EncryptionType::Plain).map_err(trouble)?;
    match service.get_default_collection() {
        Ok(collection) if collection.is_locked().map_err(trouble)? => return Err(Trouble::Locked),
        Ok(_) => {}
        Err(E::NoResult) => return Err(Trouble::Absent("it has no default keyring".to_owned())),
        Err(error) => return Err(trouble(error)),
    }
    let store: Arc<CredentialStore> =
        zbus_secret_service_keyring_store::Store::new().map_err(Trouble::of)?;
    Ok(store)
}

#[cfg(target_os = "macos")]
fn open() -> Opened {
    let store: Arc<CredentialStore> =
        apple_native_keyring_store::keychain::Store::new().map_err(Trouble::of)?;
    Ok(store)
}

#[cfg(target_os = "windows")]
fn open() -> Opened {
    let store: Arc<CredentialStore> =
        windows_native_keyring_store::Store::new().map_err(Trouble::of)?;
    Ok(store)
}

impl Trouble {
    fn of(error: Error) -> Self {
        match error {
            Error::NoStorageAccess(_) => Self::Locked,
            Error::Ambiguous(_) => Self::Broken("it holds several of that name".to_owned()),
            // These would show what is kept.
            Error::BadEncoding(_) | Error::BadDataFormat(..) => {
                Self::Broken("what it holds cannot be read".to_owned())
            }
            other => Self::Broken(other.to_string()),
        }
    }

    fn is(&self) -> Is {
        match self {
            Self::Absent(_) => Is::Absent,
            Self::Locked => Is::Locked,
            Self::Hanging => Is::Hanging,
            Self::Broken(_) => Is::Broken,
        }
    }

    /// What its owner can do about it.
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Locked => Some("log in to the desktop, which unlocks it"),
            Self::Hanging => Some("restart its service"),
            Self::Absent(_) | Self::Broken(_) => None,
        }
    }

    fn failure(self) -> Failure {
        let sentence = match &self {
            Self::Absent(_) => "there is no keyring on this machine",
            Self::Locked => "the keyring is locked",
            Self::Hanging => "the keyring does not answer",
            Self::Broken(_) => "the keyring cannot be used",
        };
        let advice = self.advice().map(str::to_owned);
        let mut failure = Failure::new(Kind::Credential, sentence);
        failure.hints.extend(advice);
        let failure = failure.hint(format!("or use the encrypted file: `{INSTEAD}`"));
        match self {
            Self::Absent(why) | Self::Broken(why) => failure.because(why),
            Self::Locked | Self::Hanging => failure,
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent(why) | Self::Broken(why) => f.write_str(why),
            Self::Locked => f.write_str("its password is needed first"),
            Self::Hanging => write!(f, "no answer within {} seconds", PATIENCE.as_secs_f32()),
        }
    }
}
