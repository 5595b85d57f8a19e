//! The images of sandboxes: looked for first, made or pulled only when the engine has none.

use super::{Docker, SandboxSpec, status_code};
use crate::domain::digest;
use crate::domain::preset::Image;
use crate::error::{Cannot as _, Kind, Result};
use bollard::errors::Error;
use bollard::query_parameters as query;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use std::path::Path;

/// Nothing but the folders that are mounted over. Its content never changes.
pub(super) const EMPTY: &str = "loop-empty:1";

const DOCKERFILE: &str = include_str!("Dockerfile");

impl Docker {
    /// The name of the image for a sandbox, which then is on the engine.
    pub(super) fn image(
        &self,
        spec: &SandboxSpec,
        progress: &mut dyn FnMut(&str),
    ) -> Result<String> {
        match spec.image {
            Image::Auto | Image::Own if spec.bare => {
                self.provide_empty().map(|()| EMPTY.to_owned())
            }
            Image::Auto | Image::Own => self.provide_base(spec, progress),
            Image::Reference(name) => {
                if !self.has_image(name)? {
                    self.pull(name, progress)?;
                }
                Ok(name.clone())
            }
            Image::Dockerfile(path) => self.provide_built(Path::new(path), progress),
        }
    }

    fn has_image(&self, name: &str) -> Result<bool> {
        match self.answer(self.client.inspect_image(name)) {
            Ok(_) => Ok(true),
            Err(error) if status_code(&error) == Some(404) => Ok(false),
            Err(error) => Err(self
                .failure(&format!("look for the image `{name}`"), &error)
                .hint("leave `sandbox.image` out: `auto` builds a small base")),
        }
    }

    pub(super) fn provide_empty(&self) -> Result<()> {
        if self.has_image(EMPTY)? {
            return Ok(());
        }
        let doing = || "make the empty image".to_owned();
        let mut archive = tar::Builder::new(Vec::new());
        for folder in ["tmp", "workspace", "artifacts", "traces", "home/worker", "etc"] {
            append(&mut archive, folder, None, 0o755).cannot(Kind::Sandbox, doing)?;
        }
        let users = b"root:x:0:0::/:/bin/false\nworker:x:1000:1000::/home/worker:/bin/false\n";
        append(&mut archive, "etc/passwd", Some(users), 0o644).cannot(Kind::Sandbox, doing)?;
        let body = archive.into_inner().cannot(Kind::Sandbox, doing)?;
        let (repo, tag) = EMPTY.split_once(':').unwrap_or((EMPTY, "latest"));
        let options = query::CreateImageOptions {
            from_src: Some("-".to_owned()),
            repo: Some(repo.to_owned()),
            tag: Some(tag.to_owned()),
            changes: vec!["CMD [\"/loop/bin/loop\"]".to_owned()],
            ..Default::default()
        };
        let body = bollard::body_full(Bytes::from(body));
        let steps = self.client.create_image(Some(options), Some(body), None);
        self.drain(steps, &doing(), |_| {})
    }

    fn pull(&self, name: &str, progress: &mut dyn FnMut(&str)) -> Result<()> {
        progress(&format!("pulling the image {name}"));
        let options =
            query::CreateImageOptions { from_image: Some(with_tag(name)), ..Default::default() };
        let steps = self.client.create_image(Some(options), None, None);
        let doing = format!("pull the image `{name}`");
        self.drain(steps, &doing, |step| {
            let (Some(status), Some(layer)) = (step.status, step.id) else { return };
            let detail = step.progress_detail.unwrap_or_default();
            if let (Some(now), Some(all)) = (detail.current, detail.total) {
                let share = now * 100 / all.max(1);
                progress(&format!("{}: {layer} {share} %", status.to_lowercase()));
            }
        })
        .map_err(|failure| {
            failure
                .hint(format!("check the name and the registry by hand: `docker pull {name}`"))
                .hint("or leave `sandbox.image` out: `auto` builds a small base")
        })
    }

    fn provide_base(&self, spec: &SandboxSpec, progress: &mut dyn FnMut(&str)) -> Result<String> {
        let ca = match spec.ca_bundle {
            Some(path) => std::fs::read(path)
                .cannot(Kind::Config, || format!("read the CA bundle `{}`", path.display()))?,
            None => Vec::new(),
        };
        let doing = || "write the base image's build context".to_owned();
        let mut archive = tar::Builder::new(Vec::new());
        append(&mut archive, "Dockerfile", Some(DOCKERFILE.as_bytes()), 0o644)
            .and_then(|()| append(&mut archive, "ca/ca.pem", Some(&ca), 0o644))
            .cannot(Kind::Sandbox, doing)?;
        let context = archive.into_inner().cannot(Kind::Sandbox, doing)?;
        self.build(context, Some(spec.base_image), progress)
    }

    /// A Dockerfile of the user's, with its folder as the build context.
    fn provide_built(&self, path: &Path, progress: &mut dyn FnMut(&str)) -> Result<String> {
        let doing = || format!("read the build context of `{}`", path.display());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut archive = tar::Builder::new(Vec::new());
        archive.follow_symlinks(false);
        archive.mode(tar::HeaderMode::Deterministic);
        archive
            .append_dir_all(".", folder.unwrap_or_else(|| Path::new(".")))
            .cannot(Kind::Config, doing)?;
        archive.append_path_with_name(path, "Dockerfile").cannot(Kind::Config, doing)?;
        let context = archive.into_inner().cannot(Kind::Config, doing)?;
        self.build(context, None, progress)
    }

    /// Builds what is in a context, tagged by its content; built once.
    fn build(
        &self,
        context: Vec<u8>,
        base: Option<&str>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<String> {
        let digest = digest::short(&[context.as_slice(), base.unwrap_or_default().as_bytes()]);
        let tag = format!("loop-base:{digest}");
        if self.has_image(&tag)? {
            return Ok(tag);
        }
        let from = base.map(|base| format!(" on {base}")).unwrap_or_default();
        progress(&format!("building the sandbox image{from} (once)"));
        let arguments = base.map(|base| [("BASE".to_owned(), base.to_owned())].into());
        let options = query::BuildImageOptions {
            t: Some(tag.clone()),
            rm: true,
            forcerm: true,
            buildargs: arguments,
            ..Default::default()
        };
        let body = bollard::body_full(Bytes::from(context));
        let steps = self.client.build_image(options, None, Some(body));
        let mut tail: Vec<String> = Vec::new();
        let built = self.drain(steps, &format!("build the sandbox image{from}"), |step| {
            for line in step.stream.unwrap_or_default().lines().filter(|line| !line.is_empty()) {
                progress(&format!("building: {line}"));
                tail.push(line.to_owned());
                if tail.len() > 5 {
                    tail.remove(0);
                }
            }
        });
        built.map_err(|failure| {
            tail.iter()
                .fold(failure, |failure, line| failure.because(format!("the build said: {line}")))
                .hint("name a base that the engine has: `sandbox.base_image`, or an image of your own: `sandbox.image`")
        })?;
        Ok(tag)
    }

    /// Runs a long call to its end. Pulls and builds take as long as they take.
    fn drain<T>(
        &self,
        steps: impl Stream<Item = Result<T, Error>>,
        doing: &str,
        mut each: impl FnMut(T),
    ) -> Result<()> {
        self.runtime.block_on(async {
            let mut steps = Box::pin(steps);
            while let Some(step) = steps.next().await {
                each(step.map_err(|error| self.failure(doing, &error))?);
            }
            Ok(())
        })
    }
}

/// Without a tag the engine would pull every one there is.
fn with_tag(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') || name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

/// Adds a folder, or a file where there is content; times and owners are always the same, so that
/// the same content makes the same archive.
pub(super) fn append(
    archive: &mut tar::Builder<Vec<u8>>,
    path: &str,
    content: Option<&[u8]>,
    mode: u32,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_size(content.map_or(0, |content| content.len() as u64));
    header.set_entry_type(if content.is_some() {
        tar::EntryType::Regular
    } else {
        tar::EntryType::Directory
    });
    archive.append_data(&mut header, path, content.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_tag_gets_one() {
        for (name, expected) in [
            ("debian", "debian:latest"),
            ("a.b:5000/x/y", "a.b:5000/x/y:latest"),
            ("a.b:5000/x/y:1", "a.b:5000/x/y:1"),
            ("x@sha256:abc", "x@sha256:abc"),
        ] {
            assert_eq!(with_tag(name), expected);
        }
    }
}
