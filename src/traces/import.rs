//! Traces that are kept: files copied into a project's own folder.
//!
//! A file is copied as it is, byte by byte, so that nothing of it is lost, under its number and its
//! content's hash: importing it again finds it there. Beside the copies, in `.ids`, are the ids of
//! each one's spans, from which is told what is new. A copy is built under a hidden name, which the
//! reader of a folder passes over, and renamed when all files of one import have been read; a process
//! that is killed on the way leaves whole copies or none, and the next import takes up where it was.
//!
//! Whoever calls this holds the lock of the folder.

use super::annotation::Annotation;
use super::snapshot::Packed;
use super::span::Span;
use super::{Sink, file};
use crate::error::{Cannot, Failure, Kind, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What is hidden from the reader of the folder.
const STAGED: &str = ".import-";
const IDS: &str = ".ids";

/// Endings that a copy keeps, since the reader of a folder goes by them. What a file is, is told by
/// its content.
const ENDINGS: [&str; 12] = [
    ".json",
    ".jsonl",
    ".ndjson",
    ".pb",
    ".json.gz",
    ".jsonl.gz",
    ".ndjson.gz",
    ".pb.gz",
    ".json.zst",
    ".jsonl.zst",
    ".ndjson.zst",
    ".pb.zst",
];

/// Something to import.
pub struct Given<'a> {
    /// As messages call it.
    pub name: String,
    pub content: Box<dyn Read + 'a>,
}

/// What became of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    pub file: String,
    /// Spans that could be read.
    pub read: u64,
    /// Of these, the ones the project did not have.
    pub new: u64,
    /// Of these, the ones it had, or that were in the file before.
    pub doubled: u64,
    /// What was left out and why, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Whether the very same file was imported before.
    pub already: bool,
}

/// Copies files into a folder: all of them, or none where one cannot be read.
pub fn import<'a>(
    folder: &Path,
    given: impl IntoIterator<Item = Result<Given<'a>>>,
    progress: &dyn Fn(u64),
) -> Result<Vec<Imported>> {
    let mut kept = Kept::open(folder, progress)?;
    let mut imported = Vec::new();
    let mut staged = Vec::new();
    for given in given {
        let (told, copy) = kept.take(given?)?;
        imported.push(told);
        staged.extend(copy);
    }
    for copy in staged {
        kept.keep(copy)?;
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .cannot(Kind::Config, || writing(folder))?;
    Ok(imported)
}

/// What a project's folder of imports holds: files, and their bytes. `None` where there is none.
pub fn held(folder: &Path) -> Option<(u64, u64)> {
    let mut sum = (0, 0);
    for name in copies(folder).ok()? {
        sum.0 += 1;
        sum.1 += fs::metadata(folder.join(name)).map_or(0, |about| about.len());
    }
    (sum.0 > 0).then_some(sum)
}

/// A span's ids.
type Id = (u128, u64);

struct Kept<'a> {
    folder: &'a Path,
    /// Hashes of the files that are there or staged, and how many spans each has.
    hashes: HashMap<String, u64>,
    ids: HashSet<Id>,
    /// The number of the newest copy.
    last: u64,
    progress: &'a dyn Fn(u64),
    read: u64,
}

/// A file that was copied and read, but does not have its name yet.
struct Staged {
    file: NamedTempFile,
    hash: String,
    ending: &'static str,
    ids: Vec<Id>,
}

impl<'a> Kept<'a> {
    fn open(folder: &'a Path, progress: &'a dyn Fn(u64)) -> Result<Self> {
        let mut kept = Self {
            folder,
            hashes: HashMap::new(),
            ids: HashSet::new(),
            last: 0,
            progress,
            read: 0,
        };
        fs::create_dir_all(folder.join(IDS)).cannot(Kind::Config, || writing(folder))?;
        // Nobody else has the lock, so these were left by a process that is no more.
        for entry in fs::read_dir(folder).cannot(Kind::Config, || writing(folder))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(STAGED) {
                let _ = fs::remove_file(entry.path());
            }
        }
        for name in copies(folder)? {
            let (number, hash) = parts(&name);
            kept.last = kept.last.max(number);
            let ids = kept.ids_of(&name, hash)?;
            kept.hashes.insert(hash.to_owned(), ids.len() as u64);
            kept.ids.extend(ids);
        }
        Ok(kept)
    }

    /// The ids of a copy: as they were noted, else read again.
    fn ids_of(&mut self, name: &str, hash: &str) -> Result<Vec<Id>> {
        let noted = self.folder.join(IDS).join(hash);
        if let Ok(bytes) = fs::read(&noted)
            && bytes.len().is_multiple_of(ID_BYTES)
        {
            return Ok(bytes.chunks_exact(ID_BYTES).filter_map(id_of).collect());
        }
        let mut ids = Ids { ids: Vec::new(), left_out: BTreeMap::new(), tell: &mut |_| {} };
        file::read(&self.folder.join(name), &mut ids)?;
        let ids = ids.ids;
        self.note(hash, &ids)?;
        Ok(ids)
    }

    fn note(&self, hash: &str, ids: &[Id]) -> Result<()> {
        let doing = || writing(self.folder);
        let folder = self.folder.join(IDS);
        let mut file = NamedTempFile::new_in(&folder).cannot(Kind::Config, doing)?;
        let mut bytes = Vec::with_capacity(ids.len() * ID_BYTES);
        for (trace, span) in ids {
            bytes.extend_from_slice(&trace.to_be_bytes());
            bytes.extend_from_slice(&span.to_be_bytes());
        }
        file.write_all(&bytes).cannot(Kind::Config, doing)?;
        file.persist(folder.join(hash)).cannot(Kind::Config, doing)?;
        Ok(())
    }

    /// Copies and reads one file.
    fn take(&mut self, given: Given) -> Result<(Imported, Option<Staged>)> {
        let Given { name, mut content } = given;
        let doing = || format!("read traces from `{name}`");
        let file = tempfile::Builder::new()
            .prefix(STAGED)
            .tempfile_in(self.folder)
            .cannot(Kind::Config, || writing(self.folder))?;
        let hash = copy(&mut content, file.as_file()).cannot(Kind::Config, doing)?;
        let path = file.path().to_owned();
        if let Some(&read) = self.hashes.get(&hash) {
            let told =
                Imported { file: name, read, doubled: read, already: true, ..Imported::default() };
            return Ok((told, None));
        }
        let before = self.read;
        let progress = self.progress;
        let mut ids = Ids {
            ids: Vec::new(),
            left_out: BTreeMap::new(),
            tell: &mut |count| progress(before + count),
        };
        file::read(&path, &mut ids).map_err(|failure| renamed(failure, &path, &name))?;
        let Ids { ids, left_out, .. } = ids;
        self.read += ids.len() as u64;
        let read = ids.len() as u64;
        let new = ids.iter().filter(|id| self.ids.insert(**id)).count() as u64;
        let told = Imported {
            file: name.clone(),
            read,
            new,
            doubled: read - new,
            left_out,
            already: false,
        };
        if new == 0 {
            // Of spans with the same ids the first counts, so it would change nothing.
            return Ok((told, None));
        }
        self.hashes.insert(hash.clone(), read);
        let lower = name.to_ascii_lowercase();
        let ending = ENDINGS.into_iter().filter(|ending| lower.ends_with(ending));
        let ending = ending.max_by_key(|ending| ending.len()).unwrap_or(".json");
        Ok((told, Some(Staged { file, hash, ending, ids })))
    }

    fn keep(&mut self, copy: Staged) -> Result<()> {
        let Staged { file, hash, ending, ids } = copy;
        self.note(&hash, &ids)?;
        self.last += 1;
        // By number, so that they are read in the order in which they came.
        let name = format!("{:06}-{hash}{ending}", self.last);
        file.as_file().sync_all().cannot(Kind::Config, || writing(self.folder))?;
        file.persist(self.folder.join(name)).cannot(Kind::Config, || writing(self.folder))?;
        Ok(())
    }
}

const ID_BYTES: usize = 24;

fn id_of(bytes: &[u8]) -> Option<Id> {
    let (trace, span) = bytes.split_at_checked(16)?;
    Some((u128::from_be_bytes(trace.try_into().ok()?), u64::from_be_bytes(span.try_into().ok()?)))
}

/// The copies of a folder, in order.
fn copies(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder)
        .cannot(Kind::Config, || format!("list the folder `{}`", folder.display()))?;
    let names = entries.flatten().filter(|entry| entry.path().is_file());
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    Ok(names)
}

/// The number of a copy and its content's hash.
fn parts(name: &str) -> (u64, &str) {
    let (number, rest) = name.split_once('-').unwrap_or(("", name));
    (number.parse().unwrap_or(0), rest.split('.').next().unwrap_or(rest))
}

/// Copies, and gives the hash of what was copied.
fn copy(from: &mut dyn Read, mut to: &File) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
    }
    Ok(hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

fn writing(folder: &Path) -> String {
    format!("keep traces in `{}`", folder.display())
}

/// A failure that names the file as the user does, not its copy.
fn renamed(mut failure: Failure, path: &Path, name: &str) -> Failure {
    let path = path.display().to_string();
    let put = |text: &mut String| *text = text.replace(&path, name);
    put(&mut failure.sentence);
    failure.causes.iter_mut().for_each(put);
    failure.hints.iter_mut().for_each(put);
    if let Some(place) = &mut failure.place {
        put(&mut place.file);
    }
    failure
}

/// Takes only the ids.
struct Ids<'a> {
    ids: Vec<Id>,
    left_out: BTreeMap<String, u64>,
    tell: &'a mut dyn FnMut(u64),
}

/// After how many spans somebody is told.
const TOLD: usize = 1_000;

impl Sink for Ids<'_> {
    fn span(&mut self, span: Span) -> Result<()> {
        self.ids.push((span.trace_id.0, span.span_id.0));
        if self.ids.len().is_multiple_of(TOLD) {
            (self.tell)(self.ids.len() as u64);
        }
        Ok(())
    }

    fn packed(&mut self, packed: Packed) -> Result<()> {
        let before = self.ids.len();
        self.ids.extend(packed.ids().map(|(trace, span)| (trace.0, span.0)));
        if before / TOLD != self.ids.len() / TOLD {
            (self.tell)(self.ids.len() as u64);
        }
        Ok(())
    }

    fn annotation(&mut self, _: Annotation) -> Result<()> {
        Ok(())
    }

    fn left_out(&mut self, reason: &str, count: u64) {
        *self.left_out.entry(reason.to_owned()).or_default() += count;
    }
}

/// Where the imports of a project are, below the data folder.
pub fn folder(data: &Path, project: &str) -> PathBuf {
    data.join("projects").join(project)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(trace: u128, span: u64) -> String {
        format!(
            "{{\"trace_id\":\"{trace:032x}\",\"span_id\":\"{span:016x}\",\"name\":\"n\",\
             \"start_time\":\"2026-03-09T10:00:00Z\"}}\n"
        )
    }

    fn given<'a>(name: &str, text: &'a str) -> Given<'a> {
        Given { name: name.to_owned(), content: Box::new(text.as_bytes()) }
    }

    fn taken(folder: &Path, given: Vec<Given>) -> Result<Vec<Imported>> {
        import(folder, given.into_iter().map(Ok), &|_| {})
    }

    fn names(folder: &Path) -> Vec<String> {
        copies(folder).unwrap()
    }

    #[test]
    fn the_same_again_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (one, two) = (span(1, 1) + &span(1, 2), span(1, 2) + &span(2, 1) + "broken\n");
        let first = taken(folder, vec![given("a.jsonl", &one), given("b.json", &two)]).unwrap();
        assert_eq!((first[0].read, first[0].new, first[0].doubled), (2, 2, 0));
        assert_eq!((first[1].read, first[1].new, first[1].doubled), (2, 1, 1));
        assert_eq!(first[1].left_out.values().sum::<u64>(), 1, "{:?}", first[1].left_out);
        let kept = names(folder);
        assert_eq!(kept.len(), 2);
        assert!(kept[0].starts_with("000001-") && kept[0].contains(".jsonl"), "{kept:?}");
        let again = taken(folder, vec![given("c.jsonl", &one)]).unwrap();
        assert!(again[0].already);
        assert_eq!((again[0].new, again[0].doubled), (0, 2));
        let part = span(1, 2);
        let part = taken(folder, vec![given("d.jsonl", &part)]).unwrap();
        assert!(!part[0].already && part[0].new == 0, "other bytes, the same span");
        assert_eq!(names(folder), kept);
        // Without the notes the ids are read again.
        fs::remove_dir_all(folder.join(IDS)).unwrap();
        let again = taken(folder, vec![given("c.jsonl", &one)]).unwrap();
        assert_eq!((again[0].new, again[0].doubled), (0, 2));
        assert_eq!(held(folder).unwrap().0, 2);
    }

    #[test]
    fn all_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let stale = folder.join(".import-stale");
        fs::write(&stale, "half").unwrap();
        let good = span(1, 1);
        let failed =
            taken(folder, vec![given("good.jsonl", &good), given("bad.csv", "a,b\n1,2\n")]);
        let failure = failed.unwrap_err();
        assert!(failure.sentence.contains("`bad.csv`"), "{failure:?}");
        assert!(!format!("{failure:?}").contains(STAGED), "{failure:?}");
        let left: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [IDS], "neither a copy nor a stage");
    }
}
