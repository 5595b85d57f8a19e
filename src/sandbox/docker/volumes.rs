//! What goes in where the engine does not see this machine's files: through volumes.
//!
//! The program and the harness are put into volumes of their own, once per version and engine; the
//! evidence goes into a volume of the session's. A volume is known to be whole by a mark on this
//! machine, which is made after it was filled.

use super::image::{EMPTY, append};
use super::{Docker, Inside, Put, SandboxSpec, status_code};
use crate::domain::digest;
use crate::domain::places;
use crate::error::{Cannot as _, Kind, Result};
use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType, VolumeCreateRequest};
use bollard::query_parameters as query;
use bytes::Bytes;
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Where a volume is while it is filled.
const FILLING: &str = "/put";

impl Docker {
    /// How everything a sandbox needs goes in. The volumes that are shared are filled already.
    pub(super) fn volumes(&self, spec: &SandboxSpec) -> Result<Vec<Put<'static>>> {
        let program = &self.host.program;
        let program = self.volume(&[file(program, "loop"), file(program, "traces")])?;
        let mut puts =
            vec![Put { target: places::PROGRAM.to_owned(), inside: Inside::Volume(program) }];
        if let Some(folder) = spec.program {
            let volume = self.volume(&files_of(folder)?)?;
            puts.push(Put {
                target: format!("{}/*", places::HARNESS),
                inside: Inside::Volume(volume),
            });
        }
        for (target, path) in own(spec) {
            if path.is_some() {
                puts.push(Put { target: target.to_owned(), inside: Inside::Fill });
            }
        }
        Ok(puts)
    }

    /// Fills what is the session's own, between the making of its container and the start.
    pub(super) fn fill(&self, spec: &SandboxSpec, puts: &[Put]) -> Result<()> {
        for put in puts.iter().filter(|put| matches!(put.inside, Inside::Fill)) {
            let source = own(spec).into_iter().find(|(target, _)| *target == put.target);
            let Some((_, Some(source))) = source else { continue };
            let target = Path::new(&put.target);
            let name = target.file_name().unwrap_or_default().to_string_lossy();
            let folder = target.parent().unwrap_or(target).display().to_string();
            let archive = archive_of(&[file(source, &name)], 0o444)?;
            self.put(&super::container_name(spec.session), &folder, archive)?;
        }
        Ok(())
    }

    /// A volume with files of this machine's, each under a name. Filled once per content.
    fn volume(&self, files: &[NamedFile]) -> Result<String> {
        let doing = || "put a program on the engine".to_owned();
        let volume = volume_name(files).cannot(Kind::Sandbox, doing)?;
        let marks = self.host.cache.join("volumes");
        std::fs::create_dir_all(&marks).cannot(Kind::Sandbox, doing)?;
        let engine: String =
            self.address.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let mark = marks.join(format!("{volume}@{engine}"));
        let lock = File::create(marks.join("lock")).cannot(Kind::Sandbox, doing)?;
        // Two commands at once: the second waits, and finds it filled.
        let _lock = Flock::lock(lock, FlockArg::LockExclusive)
            .map_err(|(_, error)| error)
            .cannot(Kind::Sandbox, doing)?;
        let there = match self.answer(self.client.inspect_volume(&volume)) {
            Ok(_) => true,
            Err(error) if status_code(&error) == Some(404) => false,
            Err(error) => return Err(self.failure(&doing(), &error)),
        };
        if !(there && mark.exists()) {
            self.fill_volume(&volume, archive_of(files, 0o755)?)?;
            File::create(&mark).cannot(Kind::Sandbox, doing)?;
        }
        Ok(volume)
    }

    /// Fills a volume by way of a container that is never started.
    fn fill_volume(&self, volume: &str, archive: Vec<u8>) -> Result<()> {
        let doing = "put a program on the engine";
        self.provide_empty()?;
        let wanted =
            VolumeCreateRequest { name: Some(volume.to_owned()), ..VolumeCreateRequest::default() };
        self.call(doing, self.client.create_volume(wanted))?;
        // Named and labelled like a session's, so that one that is left behind is found.
        let session = format!("fill-{}", uuid::Uuid::new_v4().simple());
        let helper = super::container_name(&session);
        let mount = Mount {
            typ: Some(MountType::VOLUME),
            source: Some(volume.to_owned()),
            target: Some(FILLING.to_owned()),
            ..Mount::default()
        };
        let body = ContainerCreateBody {
            image: Some(EMPTY.to_owned()),
            labels: Some(super::request::labels(&session, &self.host.store)),
            host_config: Some(HostConfig { mounts: Some(vec![mount]), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        };
        let options =
            query::CreateContainerOptions { name: Some(helper.clone()), ..Default::default() };
        self.call(doing, self.client.create_container(Some(options), body))?;
        let filled = self.put(&helper, FILLING, archive);
        let options = query::RemoveContainerOptions { force: true, ..Default::default() };
        self.call(doing, self.client.remove_container(&helper, Some(options)))?;
        filled
    }

    fn put(&self, container: &str, folder: &str, archive: Vec<u8>) -> Result<()> {
        let options =
            query::UploadToContainerOptions { path: folder.to_owned(), ..Default::default() };
        let body = bollard::body_full(Bytes::from(archive));
        let sent =
            self.runtime.block_on(self.client.upload_to_container(container, Some(options), body));
        sent.map_err(|error| self.failure("put files into the sandbox", &error))
    }
}

/// What is a session's own, by where it goes.
fn own<'a>(spec: &SandboxSpec<'a>) -> [(&'static str, Option<&'a Path>); 3] {
    [
        (places::SNAPSHOT, spec.snapshot),
        (places::REPOSITORY, spec.repository),
        (places::CA_BUNDLE, spec.ca_bundle),
    ]
}

/// A file of this machine and what it is called inside.
struct NamedFile {
    path: PathBuf,
    name: String,
}

fn file(path: &Path, name: &str) -> NamedFile {
    NamedFile { path: path.to_owned(), name: name.to_owned() }
}

/// The plain files of a folder, in a stable order.
fn files_of(folder: &Path) -> Result<Vec<NamedFile>> {
    let doing = || format!("read `{}`", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).cannot(Kind::Sandbox, doing)? {
        let entry = entry.cannot(Kind::Sandbox, doing)?;
        if entry.file_type().cannot(Kind::Sandbox, doing)?.is_file() {
            files.push(file(&entry.path(), &entry.file_name().to_string_lossy()));
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Follows from the files' names, sizes and times, so other content has another name.
fn volume_name(files: &[NamedFile]) -> std::io::Result<String> {
    let mut parts = Vec::new();
    for NamedFile { path, name } in files {
        let about = path.metadata()?;
        let times = format!("{} {}", about.mtime(), about.mtime_nsec());
        parts.push(format!("{name} {} {times}", about.len()));
    }
    let digest = digest::short(&parts);
    let name = files.first().map_or("files", |file| file.name.as_str());
    Ok(format!("loop-{name}-{digest}"))
}

fn archive_of(files: &[NamedFile], mode: u32) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for NamedFile { path, name } in files {
        let doing = || format!("read `{}`", path.display());
        let content = std::fs::read(path).cannot(Kind::Sandbox, doing)?;
        append(&mut archive, name, Some(&content), mode).cannot(Kind::Sandbox, doing)?;
    }
    archive.into_inner().cannot(Kind::Sandbox, || "pack files for the engine".to_owned())
}
