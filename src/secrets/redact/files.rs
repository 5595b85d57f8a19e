//! Files that a worker leaves: text is cleaned, and what is no text is withheld where it holds a value.
//!
//! What is compressed or encrypted cannot be looked into, and is kept as it is.

use super::Redactor;
use std::borrow::Cow;
use std::io::{self, Read as _};
use std::path::Path;

/// What becomes of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Kept {
    AsItIs,
    /// With what was secret taken out.
    Cleaned(Vec<u8>),
    /// It holds a secret and cannot be cleaned; this is what stands in its place.
    Withheld(&'static str),
}

/// The note that stands in the place of a file which is withheld, and what its name ends with.
pub const NOTE: &str =
    "This file held a secret of its session, and is no text that it could be taken out of.\n";
pub const SUFFIX: &str = ".withheld.txt";
/// What a file is called whose own name holds a secret.
const NAMELESS: &str = "a-file-named-like-a-secret.withheld.txt";

impl Redactor {
    /// What becomes of a file of this content.
    pub fn file(&self, content: &[u8]) -> Kept {
        let is_text = std::str::from_utf8(content).is_ok() && memchr::memchr(0, content).is_none();
        if !is_text {
            return if self.holds(content) { Kept::Withheld(NOTE) } else { Kept::AsItIs };
        }
        match self.document(content) {
            Cow::Borrowed(_) => Kept::AsItIs,
            // Files end in a newline or not, as they did.
            Cow::Owned(cleaned) => Kept::Cleaned(cleaned),
        }
    }

    /// What a file is to be called where its own name tells a secret.
    pub fn name<'n>(&self, name: &'n Path) -> Cow<'n, Path> {
        match self.redact(name.as_os_str().as_encoded_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(name),
            Cow::Owned(_) => Cow::Borrowed(Path::new(NAMELESS)),
        }
    }

    /// An archive with its files cleaned; the same bytes where there was nothing to take out. Only
    /// files and folders are left in one that is written anew.
    pub fn archive(&self, archive: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut made = tar::Builder::new(Vec::new());
        let mut changed = false;
        for entry in tar::Archive::new(&archive[..]).entries()? {
            let mut entry = entry?;
            let mut header = entry.header().clone();
            let path = entry.path()?.into_owned();
            let name = self.name(&path);
            changed |= *name != *path;
            if header.entry_type().is_dir() {
                header.set_size(0);
                made.append_data(&mut header, &name, io::empty())?;
            } else if header.entry_type().is_file() {
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                let (name, content) = match self.file(&content) {
                    Kept::AsItIs => (name.into_owned(), content),
                    Kept::Cleaned(cleaned) => {
                        changed = true;
                        (name.into_owned(), cleaned)
                    }
                    Kept::Withheld(note) => {
                        changed = true;
                        (withheld(&name), note.as_bytes().to_vec())
                    }
                };
                header.set_size(content.len() as u64);
                made.append_data(&mut header, name, &content[..])?;
            }
        }
        if changed { made.into_inner() } else { Ok(archive) }
    }
}

/// What the note is called that stands for a file.
pub fn withheld(name: &Path) -> std::path::PathBuf {
    let mut name = name.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cret-value-of-ours";

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut made = tar::Builder::new(Vec::new());
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o600);
            made.append_data(&mut header, name, *content).unwrap();
        }
        made.into_inner().unwrap()
    }

    fn unpacked(archive: &[u8]) -> Vec<(String, String)> {
        let mut files = Vec::new();
        for entry in tar::Archive::new(archive).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let content = String::from_utf8_lossy(&content).into_owned();
            files.push((entry.path().unwrap().display().to_string(), content));
        }
        files
    }

    #[test]
    fn what_becomes_of_files() {
        let redactor = Redactor::new(&[SECRET]);
        let text = format!("# x\n\nthe key {SECRET}\n");
        let issues = format!("{{\n  \"title\": \"{SECRET}\",\n  \"n\": 1.0\n}}\n");
        let binary = [b"\0\xff", SECRET.as_bytes()].concat();
        let long = format!("{}/x.md", "d".repeat(120));
        let archive = packed(&[
            ("investigation.md", text.as_bytes()),
            ("issues.json", issues.as_bytes()),
            ("dump.bin", &binary),
            ("clean.bin", b"\0\xff"),
            (&format!("{SECRET}.md"), b"x"),
            (&long, b"y"),
        ]);
        let files = unpacked(&redactor.archive(archive).unwrap_or_default());
        let names: Vec<&str> = files.iter().map(|(name, _)| &**name).collect();
        let wanted = [
            "investigation.md",
            "issues.json",
            "dump.bin.withheld.txt",
            "clean.bin",
            NAMELESS,
            &long,
        ];
        assert_eq!(names, wanted);
        assert_eq!(files[0].1, "# x\n\nthe key [redacted]\n");
        assert_eq!(files[1].1, "{\n  \"title\": \"[redacted]\",\n  \"n\": 1.0\n}\n");
        assert_eq!(files[2].1, NOTE);
    }

    #[test]
    fn an_archive_without_secrets_stays_as_it_is() {
        let archive = packed(&[("a.md", b"nothing"), ("b.bin", b"\0\xff")]);
        let redactor = Redactor::new(&[SECRET]);
        assert_eq!(redactor.archive(archive.clone()).unwrap(), archive);
        assert!(redactor.archive(b"no archive at all".to_vec()).is_err());
    }
}
