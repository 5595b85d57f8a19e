//! Whether a `.loop/` folder may be used.
//!
//! Such a folder comes with a repository: whoever wrote the repository chose the commands a sandbox
//! runs, the addresses keys are sent to and the files that are mounted. So nothing in it is used
//! until the user has allowed its content once. What is allowed is a hash over every file of the
//! folder; one changed byte, and the question is open again, as with direnv. The whole folder is
//! read into memory once, and what is used later is what was hashed.
//!
//! Symbolic links are hashed as links and never followed: what they point to is not covered.

use super::edit::{locked, write_atomically};
use super::env::Env;
use crate::domain::words::Count;
use crate::error::{Cannot, Failure, Kind, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of a repository that holds settings.
pub const FOLDER: &str = ".loop";

const MAX_FILES: usize = 2_000;
const MAX_BYTES: u64 = 32 << 20;
const MAX_DEPTH: usize = 16;

/// What `loop allow` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    pub folder: PathBuf,
    /// Every file that is now allowed, relative to the folder.
    pub files: Vec<String>,
    pub hash: String,
    /// Whether it was allowed before, with this very content.
    pub already: bool,
}

/// How a folder's content stands to what was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Allowed,
    /// Other content of the same folder was.
    Changed,
    Never,
}

/// Allows the content of the nearest `.loop/` folder as it is now.
pub fn allow(env: &Env) -> Result<Allowed> {
    let Some(root) = nearest(env) else {
        let sentence = format!("there is no `{FOLDER}` folder here or above");
        return Err(Failure::new(Kind::Usage, sentence).hint("change to the repository it is in"));
    };
    let folder = Folder::read(&root)?;
    let hash = folder.hash();
    let files = folder.entries.into_keys().collect();
    let data = env.data_dir()?;
    locked(&data, || {
        let path = data.join("allowed.toml");
        let mut list = allowed(&path)?;
        let name = root.to_string_lossy().into_owned();
        let already = list.get(&name) == Some(&hash);
        list.insert(name, hash.clone());
        if !already {
            write_atomically(&path, &show(&list))?;
        }
        Ok(Allowed { folder: root.clone(), files, hash, already })
    })
}

/// The nearest `.loop/` at or above the working directory, with its links resolved.
pub fn nearest(env: &Env) -> Option<PathBuf> {
    let found = env.cwd().ancestors().map(|dir| dir.join(FOLDER)).find(|dir| dir.is_dir())?;
    found.canonicalize().ok()
}

/// How a folder stands.
pub fn standing(env: &Env, folder: &Folder) -> Result<Standing> {
    let list = allowed(&env.data_dir()?.join("allowed.toml"))?;
    Ok(match list.get(folder.root.to_string_lossy().as_ref()) {
        Some(hash) if *hash == folder.hash() => Standing::Allowed,
        Some(_) => Standing::Changed,
        None => Standing::Never,
    })
}

fn allowed(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        text => text.cannot(Kind::Config, || format!("read `{}`", path.display()))?,
    };
    let name = path.to_string_lossy();
    super::reader::read(&name, &text, |table| {
        let mut list = BTreeMap::new();
        table.each("folders", |name, hash| {
            list.extend(hash.string().map(|hash| (name.value.clone(), hash.value)));
        });
        list
    })
    .map_err(|failure| failure.hint(format!("remove `{name}`, and allow again what you use")))
}

fn show(list: &BTreeMap<String, String>) -> String {
    let folders: toml_edit::Table =
        list.iter().map(|(name, hash)| (name.as_str(), toml_edit::value(hash))).collect();
    let mut document = toml_edit::DocumentMut::new();
    document.insert("folders", toml_edit::Item::Table(folders));
    format!("# Folders whose content `loop allow` has allowed.\n{document}")
}

/// A `.loop/` folder, in memory.
#[derive(Debug)]
pub struct Folder {
    pub root: PathBuf,
    /// By path below the root, with `/` between its parts.
    pub entries: BTreeMap<String, Entry>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    File(Vec<u8>),
    Link(PathBuf),
    /// A socket, a pipe, a device: reading it might never end.
    Other,
}

impl Folder {
    pub fn read(root: &Path) -> Result<Self> {
        let mut folder = Self { root: root.to_owned(), entries: BTreeMap::new() };
        let mut bytes = 0;
        folder.walk(root, "", &mut bytes, MAX_DEPTH)?;
        Ok(folder)
    }

    fn walk(&mut self, dir: &Path, prefix: &str, bytes: &mut u64, depth: usize) -> Result<()> {
        let doing = || format!("read the folder `{}`", dir.display());
        for entry in fs::read_dir(dir).cannot(Kind::Config, doing)? {
            let entry = entry.cannot(Kind::Config, doing)?;
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().cannot(Kind::Config, doing)?;
            if kind.is_dir() {
                if depth == 0 {
                    return Err(self.too_large());
                }
                self.walk(&path, &format!("{name}/"), bytes, depth - 1)?;
                continue;
            }
            let reading = || format!("read `{}`", path.display());
            let entry = if kind.is_symlink() {
                Entry::Link(fs::read_link(&path).cannot(Kind::Config, reading)?)
            } else if kind.is_file() {
                *bytes += entry.metadata().cannot(Kind::Config, reading)?.len();
                if *bytes > MAX_BYTES {
                    return Err(self.too_large());
                }
                Entry::File(fs::read(&path).cannot(Kind::Config, reading)?)
            } else {
                Entry::Other
            };
            self.entries.insert(name, entry);
            if self.entries.len() > MAX_FILES {
                return Err(self.too_large());
            }
        }
        Ok(())
    }

    fn too_large(&self) -> Failure {
        let sentence = format!("`{}` is too large to be settings", self.root.display());
        let most = Count::of(MAX_FILES, "file");
        Failure::new(Kind::Config, sentence)
            .because(format!("it may hold {most} and {} MiB", MAX_BYTES >> 20))
            .hint("move what is no setting out of it")
    }

    /// A hash over every name and every content. Lengths keep apart what stands side by side.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        for (name, entry) in &self.entries {
            field(name.as_bytes());
            match entry {
                Entry::File(content) => {
                    field(b"file");
                    field(content);
                }
                Entry::Link(target) => {
                    field(b"link");
                    field(target.as_os_str().as_encoded_bytes());
                }
                Entry::Other => field(b"other"),
            }
        }
        hash.finalize().iter().fold("sha256:".to_owned(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
