//! What a worker left, as the archive that a sandbox would have given.
//!
//! The service takes what is written to the folder of outputs a little after the session comes to
//! rest, and tells names without folders. So the list is asked for until it stands still; of files of
//! one name the newest counts; names that are not plain, and what is more than anybody reviews, are
//! left and told. The bundle of commits goes where the host looks for one.

use super::Managed;
use super::brief::BUNDLE;
use crate::domain::measure::show_size;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::http::encoded;
use crate::retry::Patience;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek as _, Write as _};
use std::time::Duration;

/// Where the host looks for commits among what was left.
const COMMITS: &str = ".loop/commits.bundle";
/// Files come for some seconds after a session rests: a list counts once it has been the same for
/// [`STEADY`] looks, and an empty one only after all of them.
const LATE: Patience =
    Patience { tries: 7, first: Duration::from_millis(500), most: Duration::from_secs(2) };
const STEADY: u32 = 2;
/// The file that says what was left out.
const NOTE: &str = "left-out.txt";
/// The most that is taken, of files and of bytes.
const FILES: usize = 1000;
const BYTES: u64 = 1 << 30;
/// The longest name, in bytes.
const NAME: usize = 200;

/// A file of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Left {
    id: String,
    name: String,
    size: u64,
    created: String,
}

impl Managed {
    /// What there is as a tar archive, once nothing more comes where something is `expected`.
    pub fn artifacts(&self, id: &str, expected: bool) -> Result<Box<dyn Read + Send>> {
        let list = self.steady_list(id, expected)?;
        let (files, mut left) = chosen(list);
        let doing = || "keep what the worker left".to_owned();
        let file = tempfile::tempfile().cannot(Kind::Config, doing)?;
        let mut archive = tar::Builder::new(file);
        let mut room = BYTES;
        for file in files {
            let mut content = tempfile::tempfile().cannot(Kind::Config, doing)?;
            let path = format!("/v1/files/{}/content", encoded(&file.id));
            let Some(size) = self.wire()?.download(&path, &mut content, room)? else {
                return Err(too_much(&format!("more than {}", show_size(BYTES))));
            };
            if size != file.size {
                left.push(format!("`{}`: it is not as long as it was said to be", file.name));
                continue;
            }
            room -= size;
            content.rewind().cannot(Kind::Config, doing)?;
            let target = if file.name == BUNDLE { COMMITS } else { &file.name };
            append(&mut archive, target, size, &mut content).cannot(Kind::Config, doing)?;
        }
        if !left.is_empty() {
            let mut note = tempfile::tempfile().cannot(Kind::Config, doing)?;
            let text = left.join("\n") + "\n";
            note.write_all(text.as_bytes())
                .and_then(|()| note.rewind())
                .cannot(Kind::Config, doing)?;
            append(&mut archive, NOTE, text.len() as u64, &mut note).cannot(Kind::Config, doing)?;
        }
        let mut file = archive.into_inner().cannot(Kind::Config, doing)?;
        file.flush().and_then(|()| file.rewind()).cannot(Kind::Config, doing)?;
        Ok(Box::new(file))
    }

    /// The list, once it has stood still.
    fn steady_list(&self, id: &str, expected: bool) -> Result<Vec<Left>> {
        let inputs = self.inputs(id)?;
        let mut last = self.list_files(id, &inputs)?;
        let (mut tried, mut same) = (1, 0);
        while expected && (same < STEADY || last.is_empty()) && LATE.wait(tried, None) {
            tried += 1;
            let now = self.list_files(id, &inputs)?;
            same = if now == last { same + 1 } else { 0 };
            last = now;
        }
        Ok(last)
    }

    /// Ids of what was sent along, which is listed with what was left.
    fn inputs(&self, id: &str) -> Result<Vec<String>> {
        let session = self.look(id)?.unwrap_or_default();
        let resources = session["resources"].as_array().cloned().unwrap_or_default();
        let ids = resources.iter().filter_map(|one| one["file_id"].as_str());
        Ok(ids.map(str::to_owned).collect())
    }

    fn list_files(&self, id: &str, inputs: &[String]) -> Result<Vec<Left>> {
        let path = format!("/v1/files?scope_id={}&limit=1000", encoded(id));
        let mut files = Vec::new();
        self.wire()?.pages(&path, "list what the worker left", |file| {
            let text = |at: &str| file[at].as_str().unwrap_or_default().to_owned();
            // What it was given is listed, too, and cannot be downloaded.
            if file["downloadable"] != false
                && !inputs.contains(&text("id"))
                // One more than are taken, so that it is told.
                && files.len() <= FILES
            {
                files.push(Left {
                    id: text("id"),
                    name: text("filename"),
                    size: file["size_bytes"].as_u64().unwrap_or(0),
                    created: text("created_at"),
                });
            }
        })?;
        if files.len() > FILES {
            return Err(too_much(&format!("more than {FILES} files")));
        }
        files.sort_by(|a, b| (&a.name, &a.created, &a.id).cmp(&(&b.name, &b.created, &b.id)));
        Ok(files)
    }
}

/// The newest of each name that can be kept, and what is left out.
fn chosen(files: Vec<Left>) -> (Vec<Left>, Vec<String>) {
    let mut newest: BTreeMap<String, Left> = BTreeMap::new();
    let mut left = Vec::new();
    for file in files {
        let Some(name) = plain(&file.name) else {
            left.push(format!("`{}`: not a name that can be kept", shown(&file.name)));
            continue;
        };
        let kept = newest.get(&name).map(|kept| &kept.created);
        if kept.is_none_or(|kept| *kept <= file.created) {
            newest.insert(name.clone(), Left { name, ..file });
        }
    }
    (newest.into_values().collect(), left)
}

/// A name of one component that hides nothing.
fn plain(name: &str) -> Option<String> {
    let fine = !name.is_empty()
        && name.len() <= NAME
        && !name.starts_with('.')
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control);
    fine.then(|| name.to_owned())
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn append(
    archive: &mut tar::Builder<File>,
    name: &str,
    size: u64,
    content: &mut File,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(size);
    header.set_mode(0o600);
    archive.append_data(&mut header, name, content.take(size))
}

fn too_much(what: &str) -> Failure {
    Failure::new(Kind::Limit, format!("the worker left {what}"))
        .hint("ask it for less: only what people shall review belongs into the folder of outputs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(id: &str, name: &str, created: &str) -> Left {
        let (id, name) = (id.to_owned(), name.to_owned());
        Left { id, name, size: 1, created: created.to_owned() }
    }

    #[test]
    fn names_are_plain_and_the_newest_counts() {
        let long = "x".repeat(NAME + 1);
        let (files, told) = chosen(vec![
            left("1", "investigation.md", "2026-08-01T10:00:00Z"),
            left("2", "investigation.md", "2026-08-01T11:00:00Z"),
            left("3", "../../etc/passwd", ""),
            left("4", ".loop", ""),
            left("5", "a\\b", ""),
            left("6", "", ""),
            left("7", "a\u{1b}[31m\n", ""),
            left("8", &long, ""),
            left("9", "größe ü.txt", ""),
        ]);
        let kept: Vec<_> =
            files.iter().map(|file| (file.id.as_str(), file.name.as_str())).collect();
        assert_eq!(kept, [("9", "größe ü.txt"), ("2", "investigation.md")]);
        assert_eq!(told.len(), 6);
        assert_eq!(told[0], "`../../etc/passwd`: not a name that can be kept");
        assert!(told[4].starts_with("`a[31m`"), "{}", told[4]);
    }
}
