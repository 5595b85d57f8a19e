//! Secrets in an encrypted file, for machines without a keyring.
//!
//! It is a file of the `age` tool's, made for a passphrase or for the key of a key file, whichever there
//! is; whoever has either opens it with that tool as well. It is read and written whole: a write goes to
//! a file beside it, which takes its place, and two that write wait for each other.

use super::{Is, Secret, State, Store};
use crate::error::{Cannot as _, Failure, Kind, Result};
use age::secrecy::SecretString;
use age::{DecryptError, scrypt, x25519};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// More is no file of ours.
const MAX_FILE: u64 = 4 << 20;
/// How hard a passphrase is to guess: 2^17 rounds, 128 MiB. A file that asks for more than the double
/// is not opened, since it may have been made to use a machine up.
const WORK: u8 = 17;
const MAX_WORK: u8 = 18;
const VERSION: u32 = 1;

/// What a file is opened with.
pub struct Unlock {
    /// A key of the `age` tool's; used where the file is there.
    pub key_file: PathBuf,
    /// A passphrase that is known without asking.
    pub known: Option<String>,
    /// Asks for it; the argument says whether it is a new one. `None` where nobody can be asked.
    pub ask: Box<dyn Fn(bool) -> Result<Option<String>>>,
}

pub struct Encrypted {
    path: PathBuf,
    unlock: Unlock,
    /// A passphrase that was given.
    given: RefCell<Option<SecretString>>,
    /// What the file was when it was read last, and what came of it: opening it takes a while.
    last: RefCell<Option<(Vec<u8>, Opened)>>,
}

type Opened = Result<BTreeMap<String, String>>;

#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    secrets: BTreeMap<String, String>,
}

enum Key {
    File(Box<x25519::Identity>),
    Passphrase(SecretString),
}

impl Encrypted {
    pub fn new(path: PathBuf, unlock: Unlock) -> Self {
        Self { path, unlock, given: RefCell::default(), last: RefCell::default() }
    }

    /// Everything in it; nothing where there is none.
    fn read(&self) -> Result<BTreeMap<String, String>> {
        let Some(bytes) = private(&self.path)? else { return Ok(BTreeMap::new()) };
        if let Some((_, read)) = self.last.borrow().as_ref().filter(|(last, _)| *last == bytes) {
            return read.clone();
        }
        let read = self.open(&bytes);
        *self.last.borrow_mut() = Some((bytes, read.clone()));
        read
    }

    fn open(&self, bytes: &[u8]) -> Result<BTreeMap<String, String>> {
        let doing = || format!("open the secrets in `{}`", self.path.display());
        let failed = |why: &str, hint: String| {
            let sentence = format!("cannot {}", doing());
            Failure::new(Kind::Credential, sentence).because(why).hint(hint)
        };
        let damaged = || {
            let hint =
                format!("put a copy of it back, or begin anew: `rm {}`", self.path.display());
            failed("the file is damaged", hint)
        };
        let is_for_passphrase = match age::Decryptor::new(bytes) {
            Ok(decryptor) => decryptor.is_scrypt(),
            Err(_) => return Err(damaged()),
        };
        let key = self.key(is_for_passphrase, false)?;
        let opened = match &key {
            Key::File(identity) => age::decrypt(&**identity, bytes),
            Key::Passphrase(passphrase) => {
                let mut identity = scrypt::Identity::new(passphrase.clone());
                identity.set_max_work_factor(MAX_WORK);
                age::decrypt(&identity, bytes)
            }
        };
        let text = opened.map_err(|error| match error {
            DecryptError::DecryptionFailed
            | DecryptError::KeyDecryptionFailed
            | DecryptError::NoMatchingKeys => match &key {
                Key::File(_) => failed(
                    "it was made for another key",
                    format!(
                        "name the right one: `LOOP_SECRETS_KEY_FILE`, now `{}`",
                        self.unlock.key_file.display()
                    ),
                ),
                Key::Passphrase(_) => failed("the passphrase is wrong", "type it again".to_owned()),
            },
            DecryptError::ExcessiveWork { required, .. } => failed(
                &format!("it asks for 2^{required} rounds, which is more than any file of ours"),
                format!("if it is yours, write it anew with `age -p`: `{}`", self.path.display()),
            ),
            _ => damaged(),
        })?;
        if let Key::Passphrase(passphrase) = key {
            *self.given.borrow_mut() = Some(passphrase);
        }
        let content: Content = serde_json::from_slice(&text).map_err(|_| damaged())?;
        if content.version > VERSION {
            let why = format!("a newer version of this program wrote it ({})", content.version);
            return Err(failed(&why, "use that one".to_owned()));
        }
        Ok(content.secrets)
    }

    /// What opens it, or what it is made for.
    fn key(&self, is_for_passphrase: bool, new: bool) -> Result<Key> {
        let from = &self.unlock.key_file;
        if !is_for_passphrase {
            let doing = || format!("read the key in `{}`", from.display());
            let bytes = private(from)?.ok_or_else(|| {
                Failure::new(Kind::Credential, format!("cannot {}", doing()))
                    .because("there is no such file")
                    .hint("name it: `export LOOP_SECRETS_KEY_FILE=/path/to/key`")
            })?;
            let text = String::from_utf8_lossy(&bytes);
            let line = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-"));
            let key = line.and_then(|line| line.trim().parse::<x25519::Identity>().ok());
            return key.map(|key| Key::File(Box::new(key))).ok_or_else(|| {
                Failure::new(Kind::Credential, format!("cannot {}", doing()))
                    .because("it holds no key of the `age` tool's")
                    .hint(format!("make one: `age-keygen -o {}`", from.display()))
            });
        }
        if let Some(given) = self.given.borrow().clone() {
            return Ok(Key::Passphrase(given));
        }
        let known = self.unlock.known.clone();
        let passphrase = match known {
            Some(known) => Some(known),
            None => (self.unlock.ask)(new)?,
        };
        match passphrase.filter(|passphrase| !passphrase.is_empty()) {
            Some(passphrase) => Ok(Key::Passphrase(SecretString::from(passphrase))),
            None => Err(Failure::new(Kind::Credential, "the file of secrets needs its passphrase")
                .because("there is no terminal to ask at")
                .hint("give it: `export LOOP_SECRETS_PASSPHRASE=…`")
                .hint(format!("or use a key instead: `age-keygen -o {}`", from.display()))),
        }
    }

    /// Changes what is in it.
    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<String, String>) -> T) -> Result<T> {
        let doing = || format!("write the secrets to `{}`", self.path.display());
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).cannot(Kind::Config, doing)?;
        let mut lock = self.path.clone().into_os_string();
        lock.push(".lock");
        let lock = std::fs::File::options().create(true).append(true).mode(0o600).open(lock);
        let lock = lock.cannot(Kind::Config, doing)?;
        lock.lock().cannot(Kind::Config, doing)?;
        let mut secrets = self.read()?;
        let changed = change(&mut secrets);
        let new = private(&self.path)?;
        let is_for_passphrase = match &new {
            None => !self.unlock.key_file.exists(),
            Some(bytes) => age::Decryptor::new(&bytes[..]).is_ok_and(|file| file.is_scrypt()),
        };
        let content = Content { version: VERSION, secrets };
        let text = serde_json::to_vec(&content).cannot(Kind::Bug, doing)?;
        let sealed = match self.key(is_for_passphrase, new.is_none())? {
            Key::File(identity) => age::encrypt(&identity.to_public(), &text),
            Key::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(passphrase.clone());
                recipient.set_work_factor(WORK);
                *self.given.borrow_mut() = Some(passphrase);
                age::encrypt(&recipient, &text)
            }
        };
        let sealed = sealed.cannot(Kind::Credential, doing)?;
        // Nobody but its owner can read what `tempfile` makes.
        let mut staged = tempfile::NamedTempFile::new_in(folder).cannot(Kind::Config, doing)?;
        staged.write_all(&sealed).cannot(Kind::Config, doing)?;
        staged.as_file().sync_all().cannot(Kind::Config, doing)?;
        staged.persist(&self.path).cannot(Kind::Config, doing)?;
        Ok(changed)
    }
}

impl Store for Encrypted {
    fn name(&self) -> &'static str {
        "file"
    }

    fn state(&self) -> State {
        let shown = self.path.display();
        let state = |is, detail: String, mend: Option<String>| State { is, detail, mend };
        let broken = |failed: Failure| {
            let mend = failed.hints.first().cloned();
            state(Is::Broken, failed.to_string(), mend)
        };
        let bytes = match private(&self.path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let mend = Some("loop secret set NAME --store file".to_owned());
                return state(Is::Absent, format!("there is no `{shown}`"), mend);
            }
            Err(failed) => return broken(failed),
        };
        match age::Decryptor::new(&bytes[..]).map(|file| file.is_scrypt()) {
            Ok(true) if self.unlock.known.is_none() && self.given.borrow().is_none() => {
                let mend = Some("export LOOP_SECRETS_PASSPHRASE=…".to_owned());
                state(Is::Locked, format!("`{shown}` needs its passphrase"), mend)
            }
            // Whether the key fits shows only when it is used; it takes no second.
            Ok(_) => match self.read() {
                Ok(secrets) => {
                    let count = crate::domain::words::Count::of(secrets.len(), "secret");
                    state(Is::Here, format!("`{shown}`, {count}"), None)
                }
                Err(failed) => broken(failed),
            },
            Err(_) => {
                let mend = Some(format!("put a copy back, or begin anew: `rm {shown}`"));
                state(Is::Broken, format!("`{shown}` is damaged"), mend)
            }
        }
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(self.read()?.into_keys().collect())
    }

    fn get(&self, name: &str) -> Result<Option<Secret>> {
        let found = self.read()?.remove(name);
        found.map(|value| Secret::new(&value, &format!("`{name}`"))).transpose()
    }

    fn set(&self, name: &str, secret: &Secret) -> Result<()> {
        self.change(|secrets| {
            secrets.insert(name.to_owned(), secret.expose().to_owned());
        })
    }

    fn remove(&self, name: &str) -> Result<bool> {
        if !self.path.exists() {
            return Ok(false);
        }
        self.change(|secrets| secrets.remove(name).is_some())
    }
}

/// A file that nobody but us may read, whole; `None` where there is none. What is looked at is what was
/// opened, so nothing can be put in its place in between.
fn private(path: &Path) -> Result<Option<Vec<u8>>> {
    let shown = path.display();
    let doing = || format!("read `{shown}`");
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
    let opened = std::fs::File::options().read(true).custom_flags(flags.bits()).open(path);
    let file = match opened {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.cannot(Kind::Credential, doing)?,
    };
    let about = file.metadata().cannot(Kind::Credential, doing)?;
    let failed =
        |why: String| Failure::new(Kind::Credential, format!("cannot {}", doing())).because(why);
    if !about.is_file() {
        return Err(failed("it is no file".to_owned()));
    }
    if about.uid() != nix::unistd::geteuid().as_raw() {
        return Err(failed("it belongs to somebody else".to_owned()));
    }
    if about.mode() & 0o077 != 0 {
        let why = format!("others may read or write it (mode {:o})", about.mode() & 0o777);
        return Err(failed(why).hint(format!("chmod 600 {shown}")));
    }
    let mut bytes = Vec::new();
    let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.cannot(Kind::Credential, doing)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(failed("it is too large".to_owned()));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret as _;
    use std::os::unix::fs::PermissionsExt;

    fn store(folder: &Path, passphrase: Option<&str>) -> Encrypted {
        let unlock = Unlock {
            key_file: folder.join("key"),
            known: passphrase.map(str::to_owned),
            ask: Box::new(|_| Ok(None)),
        };
        Encrypted::new(folder.join("secrets.age"), unlock)
    }

    fn secret(value: &str) -> Secret {
        Secret::new(value, "x").unwrap()
    }

    #[track_caller]
    fn told(failed: &Failure, why: &str) {
        let all = format!("{failed} {:?}", failed.causes);
        assert!(all.contains(why), "no `{why}` in {all}");
    }

    /// With a key, which is quick.
    fn with_key(folder: &Path) -> Encrypted {
        let key = x25519::Identity::generate().to_string();
        let text = format!("# made by a test\n{}\n", key.expose_secret());
        std::fs::write(folder.join("key"), text).unwrap();
        std::fs::set_permissions(folder.join("key"), PermissionsExt::from_mode(0o600)).unwrap();
        store(folder, None)
    }

    #[test]
    fn kept_by_key() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_key(folder.path());
        assert_eq!(store.state().is, Is::Absent);
        assert_eq!(store.get("A").unwrap(), None);
        assert!(!store.remove("A").unwrap());
        store.set("A", &secret("value-of-a")).unwrap();
        store.set("B", &secret("value-of-b")).unwrap();
        assert_eq!(store.state().is, Is::Here);
        assert_eq!(store.names().unwrap(), ["A", "B"]);
        assert_eq!(store.get("A").unwrap(), Some(secret("value-of-a")));
        assert!(store.remove("A").unwrap());
        assert_eq!(store.get("A").unwrap(), None);
        let file = folder.path().join("secrets.age");
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        let bytes = std::fs::read(file).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("value-of"));
    }

    #[test]
    fn kept_by_passphrase() {
        let folder = tempfile::tempdir().unwrap();
        told(&store(folder.path(), None).set("A", &secret("v")).unwrap_err(), "no terminal");
        store(folder.path(), Some("right")).set("A", &secret("value")).unwrap();
        let right = store(folder.path(), Some("right"));
        assert_eq!(right.get("A").unwrap(), Some(secret("value")));
        told(&store(folder.path(), Some("wrong")).get("A").unwrap_err(), "passphrase is wrong");
        let locked = store(folder.path(), None);
        assert_eq!(locked.state().is, Is::Locked);
        told(&locked.get("A").unwrap_err(), "no terminal");
    }

    #[test]
    fn damaged_is_not_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_key(folder.path());
        store.set("A", &secret("value")).unwrap();
        let path = folder.path().join("secrets.age");
        let whole = std::fs::read(&path).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            let failed = store.get("A").unwrap_err();
            seen.insert(failed.causes[0].clone());
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(store.get("A").is_err());
            assert!(store.set("A", &secret("other")).is_err(), "what cannot be read is kept");
        }
        assert!(seen.contains("the file is damaged"), "{seen:?}");
        std::fs::write(&path, &whole).unwrap();
        let key = x25519::Identity::generate().to_string();
        std::fs::write(folder.path().join("key"), key.expose_secret()).unwrap();
        told(&store.get("A").unwrap_err(), "another key");
    }

    #[test]
    fn who_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_key(folder.path());
        store.set("A", &secret("value")).unwrap();
        let path = folder.path().join("secrets.age");
        for mode in [0o640, 0o604, 0o620, 0o666] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let failed = store.get("A").unwrap_err();
            told(&failed, "others may read or write it");
            assert!(failed.hints[0].starts_with("chmod 600"));
            assert_eq!(store.state().is, Is::Broken);
        }
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(folder.path().join("key"), &path).unwrap();
        assert!(store.get("A").is_err(), "links are not followed");
    }

    #[test]
    fn work_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut recipient = scrypt::Recipient::new(SecretString::from("right".to_owned()));
        recipient.set_work_factor(10);
        let bytes = age::encrypt(&recipient, b"{}").unwrap();
        // The number of rounds stands in the first lines as text.
        let text = String::from_utf8_lossy(&bytes[..80]).into_owned();
        let at = text.find(" 10\n").unwrap();
        let mut bytes = bytes;
        bytes[at + 1..at + 3].copy_from_slice(b"40");
        let path = folder.path().join("secrets.age");
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        told(&store(folder.path(), Some("right")).get("A").unwrap_err(), "2^40 rounds");
    }
}
