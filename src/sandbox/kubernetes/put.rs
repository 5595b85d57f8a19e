//! What goes into a pod before its worker begins: this program, and then by way of it the harness,
//! the evidence, the repository and the certificates.
//!
//! The program goes in with `head`, which every image has, and under its name only once all of it
//! is there. From then on it unpacks what comes itself, so no image's `tar` is trusted or needed.

use super::Kubernetes;
use super::exec::{Target, counted};
use super::manifest::inputs;
use super::names::{FILLED, SUPERVISOR};
use crate::domain::places;
use crate::error::{Cannot as _, Kind, Result};
use crate::sandbox::SandboxSpec;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Takes so many bytes for the program; whoever was cut off before has left nothing under its name.
const TAKE: &str = "t=/loop/bin/.new-$2; head -c \"$1\" >\"$t\" && [ \"$(wc -c <\"$t\")\" -eq \"$1\" ] && \
                    chmod 555 \"$t\" && ln -sf loop /loop/bin/traces && mv \"$t\" /loop/bin/loop";

impl Kubernetes {
    /// Puts this program into a container's folder for it.
    pub(super) fn put_program(&self, pod: &str, container: &str) -> Result<()> {
        let doing = "put this program into the sandbox";
        let path = &self.host.program;
        let size = path.metadata().cannot(Kind::Sandbox, || doing.to_owned())?.len();
        // Two at once must not write to one file.
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let words = ["/bin/sh", "-c", TAKE, "sh", &size.to_string(), &nonce].map(str::to_owned);
        let target = self.target(pod, container)?;
        self.run(doing, &target, &words, &|| Ok(Box::new(File::open(path)?))).map(drop)
    }

    /// Puts in everything that a session has besides.
    pub(super) fn put_inputs(&self, pod: &str, spec: &SandboxSpec) -> Result<()> {
        let doing = "put the evidence and the harness into the sandbox";
        let files = files(spec).cannot(Kind::Sandbox, || doing.to_owned())?;
        let mut verb = vec![places::PROGRAM.to_owned(), "fill".to_owned()];
        for (_, folder) in inputs(spec) {
            verb.extend(["--root".to_owned(), folder.to_owned()]);
        }
        verb.extend(["--done".to_owned(), FILLED.to_owned()]);
        let words = counted(&verb, length(&files), "/dev/null");
        let target: Target = self.target(pod, SUPERVISOR)?;
        self.run(doing, &target, &words, &|| archive(&files)).map(drop)
    }
}

/// A file of this machine, where it goes, and how long it is.
struct Put {
    path: PathBuf,
    target: String,
    size: u64,
    runs: bool,
}

/// What a session has, in a stable order.
fn files(spec: &SandboxSpec) -> io::Result<Vec<Put>> {
    let put = |path: &Path, target: String, runs: bool| -> io::Result<Put> {
        Ok(Put { path: path.to_owned(), target, size: path.metadata()?.len(), runs })
    };
    let mut files = Vec::new();
    if let Some(folder) = spec.program {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if path.is_file() {
                files.push(put(&path, format!("{}/{name}", places::HARNESS), true)?);
            }
        }
        files.sort_by(|a, b| a.target.cmp(&b.target));
    }
    for (path, target) in [
        (spec.snapshot, places::SNAPSHOT),
        (spec.repository, places::REPOSITORY),
        (spec.ca_bundle, places::CA_BUNDLE),
    ] {
        if let Some(path) = path {
            files.push(put(path, target.to_owned(), false)?);
        }
    }
    Ok(files)
}

const BLOCK: u64 = 512;

fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK) * BLOCK
}

/// How long their archive is: it is told before it is sent.
fn length(files: &[Put]) -> u64 {
    files.iter().map(|file| BLOCK + padded(file.size)).sum::<u64>() + 2 * BLOCK
}

/// Their archive, read as it is sent. A file that has changed its length meanwhile is an error of
/// whoever unpacks it.
fn archive(files: &[Put]) -> io::Result<Box<dyn Read + Send>> {
    let mut all: Box<dyn Read + Send> = Box::new(io::empty());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_path(file.target.trim_start_matches('/'))?;
        header.set_size(file.size);
        header.set_mode(if file.runs { 0o555 } else { 0o444 });
        header.set_cksum();
        let head = io::Cursor::new(header.as_bytes().to_vec());
        let padding = io::repeat(0).take(padded(file.size) - file.size);
        let content = File::open(&file.path)?.take(file.size).chain(padding);
        all = Box::new(all.chain(head).chain(content));
    }
    Ok(Box::new(all.chain(io::repeat(0).take(2 * BLOCK))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_as_long_as_was_said() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, size: usize| {
            let path = dir.path().join(name);
            std::fs::write(&path, vec![b'x'; size]).unwrap();
            Put { path, target: format!("/loop/harness/{name}"), size: size as u64, runs: true }
        };
        let files = [put("a", 0), put("b", 1), put("c", 512), put("d", 70_000)];
        let mut bytes = Vec::new();
        archive(&files).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, length(&files));
        let mut read = tar::Archive::new(&bytes[..]);
        let sizes: Vec<u64> = read.entries().unwrap().map(|e| e.unwrap().size()).collect();
        assert_eq!(sizes, [0, 1, 512, 70_000]);
        let mut none = Vec::new();
        archive(&[]).unwrap().read_to_end(&mut none).unwrap();
        assert_eq!(none.len() as u64, length(&[]));
    }
}
