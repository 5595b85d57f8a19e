//! What goes in where the engine does not see this machine's files: through volumes.
//!
//! The program and the harness are put into volumes of their own, once per version and engine; the
//! evidence goes into a volume of the session's. A volume is known to be whole by a mark on this
//! machine, which is made after it was filled.

use super::image::{EMPTY, append};
use super::{Docker, Inside, Put, SandboxSpec, harness_target, status_code};
use crate::domain::places;
use crate::error::{Cannot as _, Kind, Result};
use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType, VolumeCreateRequest};
use bollard::query_parameters as query;
use bytes::Bytes;
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Where a volume is while it is filled.
const FILLING: &str = "/put";

impl Docker {
    /// How everything a sandbox needs goes in. The volumes that are shared are filled already.
    pub(super) fn volumes(&self, spec: &SandboxSpec) -> Result<Vec<Put<'static>>> {
        let program = self.volume(&self.host.program, &["loop", "traces"])?;
        let mut puts =
            vec![Put { target: places::PROGRAM.to_owned(), inside: Inside::Volume(program) }];
        if let Some(path) = spec.program {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let volume = self.volume(path, &[&name])?;
            puts.push(Put { target: harness_target(path), inside: Inside::Volume(volume) });
        }
        for (path, target) in
            [(spec.snapshot, places::SNAPSHOT), (spec.ca_bundle, places::CA_BUNDLE)]
        {
            if path.is_some() {
                puts.push(Put { target: target.to_owned(), inside: Inside::Fill });
            }
        }
        Ok(puts)
    }

    /// Fills what is the session's own, between the making of its container and the start.
    pub(super) fn fill(&self, spec: &SandboxSpec, puts: &[Put]) -> Result<()> {
        for put in puts.iter().filter(|put| matches!(put.inside, Inside::Fill)) {
            let source =
                if put.target == places::SNAPSHOT { spec.snapshot } else { spec.ca_bundle };
            let Some(source) = source else { continue };
            let target = Path::new(&put.target);
            let name = target.file_name().unwrap_or_default().to_string_lossy();
            let folder = target.parent().unwrap_or(target).display().to_string();
            let archive = archive_of(source, &[&name], 0o444)?;
            self.put(&super::container_name(spec.session), &folder, archive)?;
        }
        Ok(())
    }

    /// A volume with one file of this machine's, under each of the names.
    fn volume(&self, file: &Path, names: &[&str]) -> Result<String> {
        let doing = || format!("put `{}` on the engine", file.display());
        let about = file.metadata().cannot(Kind::Sandbox, doing)?;
        let stem = names.first().copied().unwrap_or("file");
        let volume =
            format!("loop-{stem}-{:x}-{:x}", about.len(), about.mtime() ^ about.mtime_nsec());
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
            self.fill_volume(&volume, archive_of(file, names, 0o755)?)?;
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
        let helper = format!("loop-fill-{}", uuid::Uuid::new_v4().simple());
        let mount = Mount {
            typ: Some(MountType::VOLUME),
            source: Some(volume.to_owned()),
            target: Some(FILLING.to_owned()),
            ..Mount::default()
        };
        let body = ContainerCreateBody {
            image: Some(EMPTY.to_owned()),
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

/// One file of this machine as an archive, under each of the names.
fn archive_of(file: &Path, names: &[&str], mode: u32) -> Result<Vec<u8>> {
    let doing = || format!("read `{}`", file.display());
    let content = std::fs::read(file).cannot(Kind::Sandbox, doing)?;
    let mut archive = tar::Builder::new(Vec::new());
    for name in names {
        append(&mut archive, name, Some(&content), mode).cannot(Kind::Sandbox, doing)?;
    }
    archive.into_inner().cannot(Kind::Sandbox, doing)
}
