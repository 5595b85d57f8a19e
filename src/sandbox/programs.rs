//! Harness programs: fetched once from a package registry, checked, kept by version.
//!
//! A program is a native file (with Codex: and one beside it) of a published package. The archive
//! is hashed while it is read, nothing of it is unpacked before its hash is the pinned one, and
//! the folder of a version appears whole, by a rename. So what is in the cache may be run without
//! a further look and without the network. Of the archive only the named files are taken.
//!
//! Deliberately absent: the address of any registry, which comes from the user's settings, and
//! logging in to one. Where that is needed, a preset names a program that is there already.

use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::http::{self, shown};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::StreamExt as _;
use nix::fcntl::{Flock, FlockArg};
use reqwest::{Client, Response, StatusCode};
use sha2::{Digest as _, Sha512};
use std::fs::{self, File, Permissions};
use std::io::{Read, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A program as its makers publish it for one platform.
#[expect(
    clippy::struct_field_names,
    reason = "a package's own version is another than the program's"
)]
#[derive(Debug, Clone, Copy)]
pub struct Package<'a> {
    /// What it is called in the sandbox.
    pub name: &'a str,
    pub version: &'a str,
    pub arch: &'a str,
    pub libc: &'a str,
    /// The package, and its own version in the registry.
    pub package: &'a str,
    pub package_version: &'a str,
    /// The program's path in the archive.
    pub path: &'a str,
    /// Paths of further files that must stand beside it, under their own names.
    pub beside: &'a [&'a str],
    /// `sha512-…`, as the registry tells it.
    pub integrity: &'a str,
}

/// Where programs come from and go to.
#[derive(Debug, Clone, Copy)]
pub struct Fetching<'a> {
    /// The registry's address. None is an error only where something must be fetched.
    pub registry: Option<&'a str>,
    /// Where programs are kept.
    pub cache: &'a Path,
    /// Certificates to trust besides the machine's own.
    pub ca_bundle: Option<&'a Path>,
}

/// Told of the bytes that were read, and how many there are where that is known.
pub type Progress<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// How often a download is begun.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// The largest archive, and the largest file out of one. The largest today has 356 MiB.
const MAX_BYTES: u64 = 1 << 30;
/// The most that an archive may unpack to while a file is looked for in it.
const MAX_UNPACKED: u64 = 4 << 30;

const HINT: &str = "set `registry` below `[harness]` in `config.toml` to a package registry that this machine \
                    reaches, or `program` to a file that is there";

impl Package<'_> {
    /// The folder of the program, which holds it and what stands beside it, and nothing else.
    pub fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(format!("{}-{}-{}-{}", self.name, self.version, self.arch, self.libc))
    }

    /// The program, where it was fetched before.
    pub fn fetched(&self, cache: &Path) -> Option<PathBuf> {
        let folder = self.folder(cache);
        let there = self.files().all(|(_, name)| folder.join(name).is_file());
        there.then(|| folder.join(self.name))
    }

    /// Path in the archive, and name in the folder.
    fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let beside = self.beside.iter().map(|path| (*path, file_name(path)));
        std::iter::once((self.path, self.name)).chain(beside)
    }

    fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    fn url(&self, registry: &str) -> String {
        let base = file_name(self.package);
        format!("{}/{}/-/{base}-{}.tgz", base_of(registry), self.package, self.package_version)
    }
}

/// The program's path, fetched first where it is not there yet. Several processes may ask at once:
/// one fetches, the others wait for it.
pub fn fetch(package: &Package, from: &Fetching, progress: Progress) -> Result<PathBuf> {
    if let Some(path) = package.fetched(from.cache) {
        return Ok(path);
    }
    let doing = || format!("fetch `{}`", package.title());
    let Some(registry) = from.registry else {
        let failure = Failure::new(Kind::Network, format!("cannot {}", doing()));
        return Err(failure.because("no package registry is known").hint(HINT));
    };
    let keeping = || format!("keep programs in `{}`", from.cache.display());
    fs::create_dir_all(from.cache).cannot(Kind::Config, keeping)?;
    let mut lock = package.folder(from.cache).into_os_string();
    lock.push(".lock");
    let lock = File::create(&lock).cannot(Kind::Config, keeping)?;
    // Where locks do not work, two may fetch the same; the rename still lets one win.
    let _held = Flock::lock(lock, FlockArg::LockExclusive).ok();
    if let Some(path) = package.fetched(from.cache) {
        return Ok(path);
    }
    let stage = stage(package, from.cache).cannot(Kind::Config, keeping)?;
    let mut archive = tempfile::tempfile_in(stage.path()).cannot(Kind::Config, keeping)?;
    download(package, registry, from.ca_bundle, &mut archive, progress)
        .map_err(|failure| failure.while_doing(format!("cannot {}", doing())))?;
    let folder = stage.path().join("program");
    unpack(package, &mut archive, &folder)?;
    publish(&folder, &package.folder(from.cache)).cannot(Kind::Config, keeping)?;
    Ok(package.folder(from.cache).join(package.name))
}

/// The registry that the user's own package manager uses. Its settings are read in the order in
/// which they win; where none names one, the package manager itself is asked.
pub fn discover_registry(home: &Path, vars: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    for name in ["npm_config_registry", "NPM_CONFIG_REGISTRY"] {
        if let Some(url) = vars(name).as_deref().and_then(address) {
            return Some(url);
        }
    }
    if let Ok(text) = fs::read_to_string(home.join(".npmrc"))
        && let Some(url) = registry_of(&text, vars)
    {
        return Some(url);
    }
    // In the home folder, since a repository may bring settings of its own.
    let asked = Command::new("npm")
        .args(["config", "get", "registry"])
        .current_dir(home)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let answer = asked.ok().filter(|asked| asked.status.success())?;
    address(&String::from_utf8_lossy(&answer.stdout))
}

/// The line `registry = …` of a settings file, with `${NAME}` put in.
fn registry_of(text: &str, vars: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let value = text.lines().rev().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "registry").then(|| value.trim().trim_matches(['"', '\'']))
    })?;
    let mut whole = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}')?;
        whole.push_str(before);
        whole.push_str(&vars(name)?);
        rest = after;
    }
    whole.push_str(rest);
    address(&whole)
}

fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let known = text.starts_with("https://") || text.starts_with("http://");
    known.then(|| base_of(text).to_owned())
}

fn base_of(registry: &str) -> &str {
    registry.trim_end_matches('/')
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A folder to work in. What processes that were killed left of theirs goes first.
fn stage(package: &Package, cache: &Path) -> std::io::Result<tempfile::TempDir> {
    let prefix = format!(".{}-{}-{}.", package.name, package.version, package.arch);
    for entry in fs::read_dir(cache)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    tempfile::Builder::new().prefix(&prefix).tempdir_in(cache)
}

/// Reads the archive into the file, and checks it.
fn download(
    package: &Package,
    registry: &str,
    ca_bundle: Option<&Path>,
    archive: &mut File,
    progress: Progress,
) -> Result<()> {
    let client = http::builder(ca_bundle)?
        .build()
        .cannot(Kind::Network, || "prepare a download".to_owned())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .cannot(Kind::Bug, || "prepare a download".to_owned())?;
    let hash = runtime.block_on(async {
        let mut tried = 0;
        loop {
            tried += 1;
            match receive(&client, package, registry, archive, &mut *progress).await {
                Err(Trouble::Passing(_)) if tried < TRIES => tokio::time::sleep(PAUSE).await,
                Err(Trouble::Passing(failure) | Trouble::Lasting(failure)) => return Err(failure),
                Ok(hash) => return Ok(hash),
            }
        }
    })?;
    let hash = format!("sha512-{}", BASE64.encode(hash));
    if package.integrity.split_whitespace().any(|pinned| pinned == hash) {
        return Ok(());
    }
    Err(Failure::new(Kind::Network, "the archive is not the one that is pinned")
        .because(format!("expected `{}`", package.integrity))
        .because(format!("got `{hash}`"))
        .because("nothing of it was kept"))
}

/// Whether it is worth another try.
enum Trouble {
    Passing(Failure),
    Lasting(Failure),
}

async fn receive(
    client: &Client,
    package: &Package<'_>,
    registry: &str,
    archive: &mut File,
    progress: Progress<'_>,
) -> Result<sha2::digest::Output<Sha512>, Trouble> {
    let url = package.url(registry);
    let unreachable = |error: reqwest::Error| {
        let doing = || format!("read `{}`", shown(&url));
        let failed = Err::<(), _>(error.without_url()).cannot(Kind::Network, doing);
        Trouble::Passing(
            failed.err().unwrap_or_else(|| Failure::new(Kind::Bug, "no error")).hint(HINT),
        )
    };
    let keep = |error: std::io::Error| {
        let failed = Err::<(), _>(error).cannot(Kind::Config, || "keep the archive".to_owned());
        Trouble::Lasting(failed.err().unwrap_or_else(|| Failure::new(Kind::Bug, "no error")))
    };
    let response = client.get(&url).send().await.map_err(unreachable)?;
    let response = accept(response, &url)?;
    let total = response.content_length();
    if total.is_some_and(|total| total > MAX_BYTES) {
        return Err(too_large(&url));
    }
    archive.rewind().map_err(keep)?;
    archive.set_len(0).map_err(keep)?;
    let mut hash = Sha512::new();
    let mut done = 0;
    progress(0, total);
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(unreachable)?;
        done += piece.len() as u64;
        if done > MAX_BYTES {
            return Err(too_large(&url));
        }
        hash.update(&piece);
        archive.write_all(&piece).map_err(keep)?;
        progress(done, total);
    }
    Ok(hash.finalize())
}

fn accept(response: Response, url: &str) -> Result<Response, Trouble> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let failure = Failure::new(Kind::Network, format!("cannot read `{}`", shown(url)))
        .because(format!("the registry answered {status}"))
        .hint(HINT);
    let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    Err(if passing { Trouble::Passing(failure) } else { Trouble::Lasting(failure) })
}

fn too_large(url: &str) -> Trouble {
    let failure = Failure::new(Kind::Network, format!("cannot read `{}`", shown(url)));
    Trouble::Lasting(failure.because(format!("it is larger than {} MiB", MAX_BYTES >> 20)))
}

/// Takes the named files, and nothing else, out of the archive.
fn unpack(package: &Package, archive: &mut File, folder: &Path) -> Result<()> {
    let doing = || format!("unpack `{}`", package.title());
    let odd = |why: String| Failure::new(Kind::Network, format!("cannot {}", doing())).because(why);
    archive.rewind().cannot(Kind::Config, doing)?;
    fs::create_dir(folder).cannot(Kind::Config, doing)?;
    let unpacked =
        flate2::read::GzDecoder::new(std::io::BufReader::new(archive)).take(MAX_UNPACKED);
    let mut missing: Vec<(&str, &str)> = package.files().collect();
    let mut entries = tar::Archive::new(unpacked);
    for entry in entries.entries().cannot(Kind::Network, doing)? {
        let mut entry = entry.cannot(Kind::Network, doing)?;
        let path = entry.path_bytes();
        let Some(at) = missing.iter().position(|(wanted, _)| wanted.as_bytes() == &*path) else {
            continue;
        };
        let (path, name) = missing.swap_remove(at);
        if !entry.header().entry_type().is_file() || entry.size() > MAX_BYTES {
            return Err(odd(format!("`{path}` is no file, or too large")));
        }
        let target = folder.join(name);
        let mut file = File::create_new(&target).cannot(Kind::Config, doing)?;
        std::io::copy(&mut entry, &mut file).cannot(Kind::Config, doing)?;
        file.set_permissions(Permissions::from_mode(0o755)).cannot(Kind::Config, doing)?;
        file.sync_all().cannot(Kind::Config, doing)?;
        if missing.is_empty() {
            return Ok(());
        }
    }
    let missing: Vec<&str> = missing.iter().map(|(path, _)| *path).collect();
    Err(odd(format!("there is no `{}` in it", missing.join("`, `"))))
}

/// Puts the whole folder in its place.
fn publish(folder: &Path, place: &Path) -> std::io::Result<()> {
    // Workers run as other users.
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    File::open(folder)?.sync_all()?;
    if fs::rename(folder, place).is_err() {
        // Somebody took files out of it, or was faster where locks do not work.
        fs::remove_dir_all(place)?;
        fs::rename(folder, place)?;
    }
    match place.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gz);
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, *content).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    fn integrity(bytes: &[u8]) -> String {
        format!("sha512-{}", BASE64.encode(Sha512::digest(bytes)))
    }

    /// A registry of one archive. The first answers are these statuses, and then 200.
    struct Registry {
        url: String,
        asked: Arc<AtomicUsize>,
    }

    fn registry(path: &'static str, body: Vec<u8>, statuses: &'static [u16]) -> Registry {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/npm/", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap();
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let number = count.fetch_add(1, Ordering::SeqCst);
                let right = request.starts_with(&format!("GET {path} "));
                let status = statuses.get(number).copied().unwrap_or(if right { 200 } else { 404 });
                let body: &[u8] = if status == 200 { &body } else { b"no" };
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).unwrap();
                let _ = stream.write_all(body);
            }
        });
        Registry { url, asked }
    }

    const PATH: &str = "/npm/@acme/agent/-/agent-1.2.3-linux-x64.tgz";

    fn package(integrity: &str) -> Package<'_> {
        Package {
            name: "agent",
            version: "1.2.3",
            arch: "x86_64",
            libc: "any",
            package: "@acme/agent",
            package_version: "1.2.3-linux-x64",
            path: "package/bin/agent-x",
            beside: &["package/bin/helper"],
            integrity,
        }
    }

    fn whole() -> Vec<u8> {
        archive(&[
            ("package/package.json", b"{}"),
            ("package/bin/agent-x", b"#!/bin/sh\necho agent\n"),
            ("package/bin/helper", b"help"),
        ])
    }

    fn run(registry: &str, cache: &Path, integrity: &str) -> Result<(PathBuf, Vec<u64>)> {
        let mut told = Vec::new();
        let from = Fetching { registry: Some(registry), cache, ca_bundle: None };
        let path = fetch(&package(integrity), &from, &mut |done, _| told.push(done))?;
        Ok((path, told))
    }

    /// Nothing but locks may be left where a fetch failed.
    fn left(cache: &Path) -> Vec<String> {
        let names = fs::read_dir(cache).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> =
            names.filter(|name| Path::new(name).extension().is_none_or(|e| e != "lock")).collect();
        names.sort();
        names
    }

    #[test]
    fn fetches_once_and_whole() {
        let body = whole();
        let pinned = integrity(&body);
        let size = body.len() as u64;
        let registry = registry(PATH, body, &[503]);
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir(cache.path().join(".agent-1.2.3-x86_64.killed")).unwrap();
        let (path, told) = run(&registry.url, cache.path(), &pinned).unwrap();
        assert_eq!(path, cache.path().join("agent-1.2.3-x86_64-any/agent"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "#!/bin/sh\necho agent\n");
        assert_eq!(fs::read_to_string(path.with_file_name("helper")).unwrap(), "help");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(told.last(), Some(&size));
        assert_eq!(left(cache.path()), ["agent-1.2.3-x86_64-any"]);
        assert_eq!(registry.asked.load(Ordering::SeqCst), 2, "a 503 is tried again");
        run(&registry.url, cache.path(), &pinned).unwrap();
        assert_eq!(registry.asked.load(Ordering::SeqCst), 2, "the second time asks nobody");
        fs::remove_file(path.with_file_name("helper")).unwrap();
        run(&registry.url, cache.path(), &pinned).unwrap();
        assert!(path.with_file_name("helper").is_file(), "what somebody took out is fetched again");
    }

    #[test]
    fn two_at_once_fetch_once() {
        let body = whole();
        let pinned = integrity(&body);
        let registry = registry(PATH, body, &[]);
        let cache = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| run(&registry.url, cache.path(), &pinned).unwrap());
            }
        });
        assert_eq!(registry.asked.load(Ordering::SeqCst), 1);
    }

    fn check(body: Vec<u8>, pinned: Option<&str>, statuses: &'static [u16], expected: &str) {
        let right = integrity(&body);
        let registry = registry(PATH, body, statuses);
        let cache = tempfile::tempdir().unwrap();
        let failure = run(&registry.url, cache.path(), pinned.unwrap_or(&right)).unwrap_err();
        let told = failure.to_string().replace(&registry.url, "REGISTRY/");
        assert!(told.contains(expected), "{told}\ndoes not contain\n{expected}");
        assert_eq!(failure.kind.exit_code(), 6);
        assert!(left(cache.path()).is_empty(), "{:?}", left(cache.path()));
    }

    #[test]
    fn failures_leave_nothing() {
        check(
            whole(),
            Some("sha512-AAAA"),
            &[],
            "cannot fetch `agent 1.2.3`: the archive is not the one that is pinned: expected `sha512-AAAA`: got `sha512-",
        );
        check(
            whole(),
            None,
            &[404],
            "cannot fetch `agent 1.2.3`: cannot read `REGISTRY/@acme/agent/-/agent-1.2.3-linux-x64.tgz`: the registry answered 404",
        );
        check(
            archive(&[("package/other", b"x")]),
            None,
            &[],
            "there is no `package/bin/agent-x`, `package/bin/helper` in it",
        );
        check(b"no archive".to_vec(), None, &[], "cannot unpack `agent 1.2.3`");
        check(whole(), None, &[401], "the registry answered 401");
    }

    #[test]
    fn a_link_is_not_a_program() {
        let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gz);
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, "package/bin/agent-x", "/etc/passwd").unwrap();
        let body = tar.into_inner().unwrap().finish().unwrap();
        check(body, None, &[], "`package/bin/agent-x` is no file, or too large");
    }

    #[test]
    fn an_unreachable_registry_says_so_without_the_password() {
        let cache = tempfile::tempdir().unwrap();
        let failure =
            run("http://me:hidden@127.0.0.1:1/npm", cache.path(), "sha512-x").unwrap_err();
        assert_eq!(failure.kind, Kind::Network);
        let told = failure.to_string();
        assert!(told.contains("`http://127.0.0.1:1/npm/@acme/agent/"), "{told}");
        assert!(!told.contains("hidden"), "{told}");
        assert_eq!(failure.hints, [HINT]);
        let from = Fetching { registry: None, cache: cache.path(), ca_bundle: None };
        let failure = fetch(&package("sha512-x"), &from, &mut |_, _| ()).unwrap_err();
        assert!(failure.to_string().contains("no package registry is known"));
    }

    #[test]
    fn the_registry_of_a_settings_file() {
        let vars = |name: &str| (name == "HOST").then(|| "npm.acme.example".to_owned());
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(registry_of(text, &vars).as_deref(), expected, "{text}");
        };
        check("registry=https://npm.acme.example/\n", Some("https://npm.acme.example"));
        check("a=b\n registry = \"http://${HOST}/x\" \n", Some("http://npm.acme.example/x"));
        check("@scope:registry=https://other.example\n", None);
        check("registry=https://${MISSING}/\n", None);
        check("registry=undefined\n", None);
        check(
            "registry=https://a.example\nregistry=https://b.example\n",
            Some("https://b.example"),
        );
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".npmrc"), "registry=https://file.example").unwrap();
        let found = discover_registry(home.path(), &|_| None);
        assert_eq!(found.as_deref(), Some("https://file.example"));
        let set =
            |name: &str| (name == "NPM_CONFIG_REGISTRY").then(|| "https://env.example/".into());
        assert_eq!(discover_registry(home.path(), &set).as_deref(), Some("https://env.example"));
    }
}
