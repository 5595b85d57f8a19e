//! Sandboxes as containers of a Docker engine, or of what speaks its API (Podman, rootless Docker).
//!
//! The first turn is handed to the supervisor on the container's attached standard input, and the
//! journal comes back on its standard output: no exec stands between `start` and the harness. The
//! program, the harness and the evidence are bound read-only where the engine sees this machine's
//! files, and travel through volumes where it does not. Nothing needs an image registry unless the
//! preset names an image.

mod endpoint;
mod image;
mod remote;
mod request;
mod stream;
mod volumes;

use super::{Area, Created, Entry, Fact, Found, Host, Provider, SandboxSpec, Status};
use crate::domain::options::{Opt, Options, Shape};
use crate::domain::places;
use crate::domain::provider::{Ability, About};
use crate::error::{Cannot as _, Failure, Kind, Result};
use bollard::Docker as Client;
use bollard::errors::Error;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters as query;
use futures_util::StreamExt as _;
use request::{Inside, Put, SESSION_LABEL, STORE_LABEL, container_name};
use std::future::Future;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use stream::Reader;
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::Runtime;

pub(super) const ENTRY: Entry = Entry {
    about: About {
        name: "docker",
        runs_in: "containers of a Docker engine, or of what speaks its API",
        able: Ability::ALL,
        options: &[
            Opt {
                name: "host",
                shape: Shape::Text,
                required: false,
                help: "the engine, as `unix://`, `tcp://` or `ssh://user@host`",
            },
            Opt {
                name: "context",
                shape: Shape::Text,
                required: false,
                help: "a context of the docker CLI",
            },
            Opt {
                name: "ssh_config",
                shape: Shape::Path,
                required: false,
                help: "an `ssh_config` file to use instead of yours, for `ssh://`",
            },
        ],
    },
    make: |host, options| Ok(Rc::new(Docker::new(host, options)?)),
};

/// No call that only asks or tells takes longer, unless the engine hangs.
const CALL: Duration = Duration::from_secs(30);

/// How long a name may be taken without a container to it.
const NAME_TRIES: u32 = 100;
const NAME_PAUSE: Duration = Duration::from_millis(50);

pub struct Docker {
    host: Host,
    client: Client,
    /// Where the engine answers.
    address: String,
    runtime: Arc<Runtime>,
    /// Why a connection over SSH ended badly.
    trouble: remote::Trouble,
}

impl Docker {
    /// The engine that somebody named, else the first of the usual ones that answers.
    pub fn new(host: Host, options: &Options) -> Result<Self> {
        let Some(endpoint) = endpoint::find(&host.engine_env, options)? else {
            return Self::connect(host);
        };
        let address = endpoint.address.clone();
        let reached = if address.starts_with("ssh://") {
            let config = options.text("ssh_config").map(Path::new);
            remote::over_ssh(&endpoint, config, host.runtime.as_deref())
        } else {
            let client = match &endpoint.certificates {
                Some(certificates) => remote::over_tls(&address, certificates),
                None => client(&address).map_err(|error| {
                    let sentence = format!("the engine at {address} does not answer");
                    let denied = error.contains("ermission");
                    hinted(Failure::new(Kind::Sandbox, sentence).because(error), denied)
                }),
            };
            client.map(|client| (client, remote::Trouble::default()))
        };
        let (client, trouble) =
            reached.map_err(|failure| failure.because(format!("{} names it", endpoint.by)))?;
        Ok(Self { host, client, address, runtime: runtime()?, trouble })
    }

    /// Connects to the first of the usual engines that answers.
    pub fn connect(host: Host) -> Result<Self> {
        let mut tried = Vec::new();
        for address in &host.engines {
            match client(address) {
                Ok(client) => {
                    let (address, runtime) = (address.clone(), runtime()?);
                    let trouble = remote::Trouble::default();
                    return Ok(Self { host, client, address, runtime, trouble });
                }
                Err(error) => tried.push((address, error)),
            }
        }
        let denied = tried.iter().any(|(_, error)| error.contains("ermission"));
        let mut failure = Failure::new(Kind::Sandbox, "no Docker engine answers");
        for (address, error) in
            tried.iter().filter(|(_, error)| !denied || error.contains("ermission"))
        {
            failure = failure.because(format!("{address}: {error}"));
        }
        Err(hinted(failure, denied))
    }

    /// Where it answers, as a URL.
    pub fn address(&self) -> &str {
        &self.address
    }

    fn call<T>(&self, doing: &str, future: impl Future<Output = Result<T, Error>>) -> Result<T> {
        self.answer(future).map_err(|error| self.failure(doing, &error))
    }

    fn answer<T>(&self, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.runtime.block_on(async {
            tokio::time::timeout(CALL, future).await.unwrap_or(Err(Error::RequestTimeoutError))
        })
    }

    fn failure(&self, doing: &str, error: &Error) -> Failure {
        if let Some(trouble) = self.trouble.take() {
            return trouble.while_doing(format!("cannot {doing}"));
        }
        let failure = Failure::new(Kind::Sandbox, format!("cannot {doing}"));
        match error {
            Error::DockerResponseServerError { message, .. } => failure.because(message.trim()),
            Error::RequestTimeoutError => failure
                .because(format!("the engine at {} did not answer in time", self.address))
                .hint("look at the engine: `docker info`"),
            other => failure.because(format!("the engine at {}: {}", self.address, whole(other))),
        }
    }

    fn inspect(&self, session: &str) -> Result<Option<ContainerInspectResponse>> {
        let name = container_name(session);
        match self.answer(self.client.inspect_container(&name, None)) {
            Ok(found) => Ok(Some(found)),
            Err(error) if status_code(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.failure("look at the sandbox", &error)),
        }
    }

    /// Makes the container, with this machine's files bound where the engine sees them.
    fn make(&self, spec: &SandboxSpec, image: &str) -> Result<Result<Vec<Put<'static>>, Error>> {
        if self.address.starts_with("unix:") {
            match self.create_container(spec, image, &self.binds(spec)) {
                Err(error) if source_is_not_there(&error) => {}
                result => return Ok(result.map(|()| Vec::new())),
            }
        }
        let puts = self.volumes(spec)?;
        let result = self.create_container(spec, image, &puts);
        Ok(result.map(|()| puts))
    }

    fn create_container(&self, spec: &SandboxSpec, image: &str, puts: &[Put]) -> Result<(), Error> {
        let body = request::body(spec, &self.host.store, image, puts);
        let name = Some(container_name(spec.session));
        let options = query::CreateContainerOptions { name, ..Default::default() };
        self.answer(self.client.create_container(Some(options), body)).map(drop)
    }

    fn binds<'a>(&'a self, spec: &'a SandboxSpec) -> Vec<Put<'a>> {
        let program = &self.host.program;
        let mut puts = vec![bind(places::PROGRAM, program), bind(places::TRACES, program)];
        puts.extend(spec.program.map(|folder| bind(places::HARNESS, folder)));
        puts.extend(spec.snapshot.map(|path| bind(places::SNAPSHOT, path)));
        puts.extend(spec.repository.map(|path| bind(places::REPOSITORY, path)));
        puts.extend(spec.ca_bundle.map(|path| bind(places::CA_BUNDLE, path)));
        puts
    }

    /// Attaches, starts, and hands over the supervisor's specification.
    fn start(&self, spec: &SandboxSpec) -> Result<Box<dyn Read + Send>> {
        let name = container_name(spec.session);
        let options = query::AttachContainerOptions {
            stream: true,
            stdin: true,
            stdout: true,
            ..Default::default()
        };
        let attached =
            self.call("attach to the sandbox", self.client.attach_container(&name, Some(options)))?;
        self.call("start the sandbox", self.client.start_container(&name, None))?;
        let mut boot = serde_json::to_vec(&request::boot(spec))
            .cannot(Kind::Bug, || "write the supervisor's specification".to_owned())?;
        boot.push(b'\n');
        let mut input = attached.input;
        self.runtime
            .block_on(async {
                input.write_all(&boot).await?;
                input.flush().await?;
                input.shutdown().await
            })
            .cannot(Kind::Sandbox, || "hand the first turn to the sandbox".to_owned())?;
        Ok(self.reader(attached.output))
    }

    fn reader<T: stream::Chunk + 'static>(
        &self,
        chunks: impl futures_util::Stream<Item = Result<T, Error>> + Send + 'static,
    ) -> Box<dyn Read + Send> {
        let (runtime, chunks) = (Arc::clone(&self.runtime), chunks.boxed());
        Box::new(Reader { runtime, chunks, rest: bytes::Bytes::new() })
    }

    /// A container of that name is there already: ours of an earlier attempt, or nobody's we know.
    fn adopt(&self, spec: &SandboxSpec) -> Result<Option<Created>> {
        let Some(found) = self.inspect(spec.session)? else { return Ok(None) };
        let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
        let ours = labels.get(SESSION_LABEL).map(String::as_str) == Some(spec.session)
            && labels.get(STORE_LABEL) == Some(&self.host.store);
        if !ours {
            let name = container_name(spec.session);
            return Err(Failure::new(
                Kind::Sandbox,
                format!("a container `{name}` exists already"),
            )
            .because("it does not carry this store's labels")
            .hint(format!("remove it: `docker rm -f {name}`")));
        }
        if matches!(self.status(spec.session)?, Status::Created | Status::Stopped { .. }) {
            // Its first turn never began, and its standard input cannot be had again.
            self.remove(spec.session)?;
            return Ok(None);
        }
        Ok(Some(Created {
            id: container_name(spec.session),
            live: None,
            found: true,
            notes: Vec::new(),
        }))
    }
}

impl Provider for Docker {
    fn create(&self, spec: &SandboxSpec, progress: &mut dyn FnMut(&str)) -> Result<Created> {
        let image = self.image(spec, progress)?;
        let mut tries = 0;
        let puts = loop {
            match self.make(spec, &image)? {
                Ok(puts) => break puts,
                Err(error) if status_code(&error) == Some(409) && tries < NAME_TRIES => {
                    if let Some(found) = self.adopt(spec)? {
                        return Ok(found);
                    }
                    // The engine has the name but not yet, or no longer, a container to show for it:
                    // what was asked of it by somebody who was killed is still being done.
                    tries += 1;
                    std::thread::sleep(NAME_PAUSE);
                }
                Err(error) => return Err(self.failure("make the sandbox", &error)),
            }
        };
        self.fill(spec, &puts)?;
        let live = self.start(spec).inspect_err(|_| {
            // Nothing was handed over, so nothing can be lost with it.
            let _ = self.remove(spec.session);
        })?;
        Ok(Created {
            id: container_name(spec.session),
            live: Some(live),
            found: false,
            notes: Vec::new(),
        })
    }

    fn status(&self, session: &str) -> Result<Status> {
        let Some(state) = self.inspect(session)?.and_then(|found| found.state) else {
            return Ok(Status::Gone);
        };
        let name = state.status.map(|status| status.to_string()).unwrap_or_default();
        Ok(match name.as_str() {
            "running" | "restarting" => Status::Running,
            "paused" => Status::Paused,
            "created" => Status::Created,
            "removing" => Status::Gone,
            _ => Status::Stopped { oom_killed: state.oom_killed.unwrap_or_default() },
        })
    }

    fn exec(&self, session: &str, verb: &[String], stdin: &[u8]) -> Result<Box<dyn Read + Send>> {
        let doing = "reach the supervisor";
        let mut cmd = vec![places::PROGRAM.to_owned()];
        cmd.extend_from_slice(verb);
        let options = bollard::models::ExecConfig {
            cmd: Some(cmd),
            user: Some("0:0".to_owned()),
            attach_stdin: Some(!stdin.is_empty()),
            attach_stdout: Some(true),
            attach_stderr: Some(false),
            ..Default::default()
        };
        let made = self.call(doing, self.client.create_exec(&container_name(session), options))?;
        let start = bollard::exec::StartExecOptions {
            output_capacity: Some(1 << 20),
            ..Default::default()
        };
        let started = self.call(doing, self.client.start_exec(&made.id, Some(start)))?;
        let bollard::exec::StartExecResults::Attached { output, mut input } = started else {
            return Err(Failure::new(Kind::Sandbox, format!("cannot {doing}")));
        };
        if !stdin.is_empty() {
            self.runtime
                .block_on(async {
                    input.write_all(stdin).await?;
                    input.shutdown().await
                })
                .cannot(Kind::Sandbox, || doing.to_owned())?;
        }
        Ok(self.reader(output))
    }

    fn download(&self, session: &str, what: Area) -> Result<Box<dyn Read + Send>> {
        let path = match what {
            Area::Artifacts => format!("{}/.", places::ARTIFACTS),
            Area::Journal => format!("{}/journal.jsonl", places::RUN),
        };
        let options = query::DownloadFromContainerOptions { path };
        let name = container_name(session);
        let mut chunks = self.client.download_from_container(&name, Some(options)).boxed();
        // The first chunk tells whether there is anything to read.
        match self.runtime.block_on(chunks.next()) {
            Some(Err(error)) => Err(self.failure("read the sandbox's files", &error)),
            first => {
                let first = futures_util::stream::iter(first);
                Ok(self.reader(first.chain(chunks)))
            }
        }
    }

    fn remove(&self, session: &str) -> Result<()> {
        let options = query::RemoveContainerOptions { force: true, v: true, ..Default::default() };
        let name = container_name(session);
        match self.answer(self.client.remove_container(&name, Some(options))) {
            // Gone, or another process is at it.
            Err(error) if !matches!(status_code(&error), Some(404 | 409)) => {
                Err(self.failure("remove the sandbox", &error))
            }
            _ => Ok(()),
        }
    }

    fn list(&self) -> Result<Vec<Found>> {
        let filters = [("label".to_owned(), vec![SESSION_LABEL.to_owned()])].into();
        let options = query::ListContainersOptions {
            all: true,
            filters: Some(filters),
            ..Default::default()
        };
        let found = self.call("list the sandboxes", self.client.list_containers(Some(options)))?;
        Ok(found
            .into_iter()
            .map(|container| {
                let labels = container.labels.unwrap_or_default();
                let label = |key: &str| labels.get(key).cloned().unwrap_or_default();
                let name = container.names.unwrap_or_default().into_iter().next();
                Found {
                    id: name.unwrap_or_default().trim_start_matches('/').to_owned(),
                    session: label(SESSION_LABEL),
                    ours: label(STORE_LABEL) == self.host.store,
                }
            })
            .collect())
    }

    fn facts(&self) -> Vec<Fact> {
        let fact = |what: &str, holds: bool, detail: String, mend: Option<&str>| Fact {
            what: what.to_owned(),
            holds,
            detail,
            mend: mend.map(str::to_owned),
        };
        match self.answer(self.client.version()) {
            Err(error) => {
                let told = self.failure("reach the engine", &error);
                let mend = told.hints.first().map_or("docker info", String::as_str);
                vec![fact("Docker engine", false, told.to_string(), Some(mend))]
            }
            Ok(version) => {
                let api = version.api_version.unwrap_or_default();
                let engine = version.version.unwrap_or_default();
                let old = api_number(&api) < (1, 41);
                vec![fact(
                    "Docker engine",
                    !old,
                    format!("{engine}, API {api}, at {}", self.address),
                    old.then_some("update the engine: API 1.41 or newer is needed"),
                )]
            }
        }
    }
}

/// What to do where no engine answers.
fn hinted(failure: Failure, denied: bool) -> Failure {
    failure.hint(if denied {
        "add yourself to the `docker` group, or use `--sandbox local`"
    } else {
        "start the engine, set `DOCKER_HOST`, or use `--sandbox local`"
    })
}

fn api_number(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

fn bind<'a>(target: &str, path: &'a Path) -> Put<'a> {
    Put { target: target.to_owned(), inside: Inside::Bind(path) }
}

/// An error with what it comes from: of a refused certificate the outermost says nothing.
fn whole(error: &Error) -> String {
    let mut told = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_told = cause.to_string();
        if !told.contains(&cause_told) {
            told = format!("{told}: {cause_told}");
        }
        source = cause.source();
    }
    told
}

fn runtime() -> Result<Arc<Runtime>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map(Arc::new).cannot(Kind::Sandbox, || "start the engine's client".to_owned())
}

fn client(address: &str) -> Result<Client, String> {
    let version = bollard::API_DEFAULT_VERSION;
    let seconds = CALL.as_secs();
    if let Some(path) = address.strip_prefix("unix://") {
        std::os::unix::net::UnixStream::connect(path).map_err(|error| error.to_string())?;
        return Client::connect_with_unix(address, seconds, version).map_err(|e| e.to_string());
    }
    if address.starts_with("tcp://") || address.starts_with("http://") {
        let seconds = remote::TRANSFER.as_secs();
        return Client::connect_with_http(address, seconds, version).map_err(|e| e.to_string());
    }
    Err("only unix://, tcp:// and ssh:// addresses are understood".to_owned())
}

fn status_code(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether a bind failed since the engine does not see this machine's files.
fn source_is_not_there(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { message, .. }
        if message.contains("bind source path does not exist") || message.contains("invalid mount config"))
}
