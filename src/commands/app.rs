//! What the pages share: the settings, the screens, the store and the providers, each opened when a
//! page asks for it, since most pages need only some.

use super::{Global, clock, providers};
use crate::config::Known;
use crate::config::env::Env;
use crate::config::layers::{self, Layers, Level as Origins, Origin};
use crate::domain::options::Options;
use crate::domain::plan::LaunchPlan;
use crate::domain::provider::About;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::forge::Git;
use crate::harness::{self, Harness};
use crate::output::human::transcript::Detail;
use crate::output::live::{Asked, Human};
use crate::output::stream::Json;
use crate::output::style::{Color, Level, Screens, Wanted};
use crate::output::view::Listed;
use crate::output::{Reporter, Silent, Step, ask, failure, json, wire};
use crate::runner::{self, Outside, Parts, Runner, Sandboxed, Worker};
use crate::sandbox::programs::{self, Fetching, Package};
use crate::sandbox::{EngineEnv, Host, Provider, Providers};
use crate::secrets::{Encrypted, Keyring, Stores, Unlock};
use crate::store::{Filter, SessionRecord, Store};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

/// What a page comes to: its exit code.
pub type Done = Result<u8>;

pub struct App {
    pub global: Global,
    pub env: Env,
    pub screens: Screens,
    providers: OnceCell<Providers>,
    stores: OnceCell<Stores>,
}

/// Runs a page and tells its failure.
pub fn run(global: Global, page: impl FnOnce(&App) -> Done) -> ExitCode {
    let env = Env::capture();
    let color = match global.color.as_deref() {
        Some("always") => Color::Always,
        Some("never") => Color::Never,
        _ => Color::Auto,
    };
    let level = match (global.quiet, global.verbose) {
        (true, _) => Level::Quiet,
        (false, 0) if env.var("LOOP_LOG").is_none() => Level::Normal,
        (false, _) => Level::Verbose,
    };
    let (no_color, term, columns) = (env.var("NO_COLOR"), env.term(), env.var("COLUMNS"));
    let screens = Screens::detect(&Wanted {
        color,
        level,
        no_color: no_color.as_deref(),
        term: term.as_deref(),
        columns: columns.as_deref(),
    });
    let app = App { global, env, screens, providers: OnceCell::new(), stores: OnceCell::new() };
    match page(&app) {
        Ok(code) => ExitCode::from(code),
        Err(failed) => {
            let told = failure::tell(&failed, &app.screens, app.global.json);
            match told.ok() {
                Ok(()) => ExitCode::from(failed.kind.exit_code()),
                Err(failed) => ExitCode::from(failed.kind.exit_code()),
            }
        }
    }
}

/// What the command line's reader says, on the stream where it belongs.
pub fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { Kind::Usage.exit_code() } else { 0 })
}

impl App {
    pub fn layers(&self) -> Result<Layers> {
        Layers::open(&self.env, known(), self.global.trust)
    }

    pub fn store(&self) -> Result<Store> {
        Store::open(&self.env.data_dir()?)
    }

    /// Whether somebody may be asked something.
    pub fn asks(&self) -> bool {
        !self.global.no_input
            && !self.global.json
            && !self.env.is_ci()
            && std::io::stdin().is_terminal()
            && self.screens.err.tty
    }

    /// Prints bytes that are an answer as they are.
    pub fn answer(&self, bytes: &[u8]) -> Done {
        wire::answer(|out| out.write_all(bytes))?;
        Ok(0)
    }

    /// Prints an answer: JSON where it was asked for, else what people read.
    pub fn show(
        &self,
        json: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
        human: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Done {
        wire::answer(|out| if self.global.json { json(out) } else { human(out) })?;
        Ok(0)
    }

    /// Who is told what a running session does.
    pub fn reporter(&self, asked: Asked) -> Box<dyn Reporter> {
        let detail =
            if self.screens.level == Level::Verbose { Detail::Full } else { Detail::Brief };
        if self.global.json {
            Box::new(Json::new(&self.screens))
        } else {
            Box::new(Human::new(&self.screens, asked, detail))
        }
    }

    pub fn providers(&self) -> Result<&Providers> {
        if let Some(providers) = self.providers.get() {
            return Ok(providers);
        }
        let store = self.store()?;
        let data = store.root().to_owned();
        let host = Host {
            program: own_program()?,
            store: store.id.clone(),
            sessions: data.join("sessions"),
            cache: self.env.cache_dir()?,
            runtime: self.env.path("XDG_RUNTIME_DIR"),
            engines: self.usual_engines(),
            engine_env: self.engine_env(),
            path: self.env.var("PATH").unwrap_or_default(),
        };
        Ok(self.providers.get_or_init(|| Providers::new(host)))
    }

    /// This machine as the far side of somebody's connection: it has no store of its own.
    pub fn far_host(&self) -> Result<Host> {
        Ok(Host {
            program: own_program()?,
            store: String::new(),
            sessions: self.env.data_dir()?.join("far"),
            cache: self.env.cache_dir()?,
            runtime: None,
            engines: self.env.docker_host().map_or_else(|| self.usual_engines(), |one| vec![one]),
            engine_env: EngineEnv::default(),
            path: self.env.var("PATH").unwrap_or_default(),
        })
    }

    fn engine_env(&self) -> EngineEnv {
        EngineEnv {
            host: self.env.docker_host(),
            context: self.env.var("DOCKER_CONTEXT"),
            config: self.env.docker_config(),
            certificates: self.env.path("DOCKER_CERT_PATH"),
            verify: self.env.var("DOCKER_TLS_VERIFY").is_some(),
            unverified: self.env.var("DOCKER_TLS").is_some(),
        }
    }

    /// Where a plan's worker runs.
    pub fn provider_of(&self, plan: &LaunchPlan) -> Result<Rc<dyn Provider>> {
        self.providers()?.at(&plan.sandbox.provider, &plan.sandbox.own_options())
    }

    /// Who does a plan's work.
    pub fn worker_of(&self, plan: &LaunchPlan) -> Result<Rc<dyn Worker>> {
        if providers::is_hosted(&plan.sandbox.provider) {
            return Ok(Rc::new(self.hosted(plan)?));
        }
        let (provider, harness) = (self.provider_of(plan)?, harness_named(&plan.harness)?);
        Ok(Rc::new(Sandboxed { provider, harness }))
    }

    /// What `config.toml` says of providers. A file with mistakes is told where settings are checked.
    pub fn configured(&self) -> BTreeMap<String, Options> {
        let said = self.layers().and_then(|layers| Ok(layers.settings()?.sandboxes));
        said.unwrap_or_default()
    }

    /// Wherever sandboxes of this store may be: where the settings say, and where sessions ran.
    pub fn places(&self, store: &Store) -> Result<Vec<(String, Options)>> {
        let mut said = self.configured();
        let place =
            |about: About| (about.name.to_owned(), said.remove(about.name).unwrap_or_default());
        let mut places: Vec<_> = providers::ALL.into_iter().map(place).collect();
        for session in store.sessions(&Filter::default())? {
            let sandbox = &session.plan.sandbox;
            let place = (sandbox.provider.clone(), sandbox.own_options());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Ok(places)
    }

    /// Everywhere that secrets can be. None of it is opened before it is asked.
    pub fn stores(&self) -> Result<&Stores> {
        if let Some(stores) = self.stores.get() {
            return Ok(stores);
        }
        let named = self.layers()?.settings()?.secrets;
        let env = self.env.clone();
        let (asks, screens) = (self.asks(), self.screens);
        let key_file = self.env.path("LOOP_SECRETS_KEY_FILE");
        let unlock = Unlock {
            key_file: key_file
                .map_or_else(|| Ok(self.env.config_dir()?.join("secrets.key")), Ok)?,
            known: self.env.var("LOOP_SECRETS_PASSPHRASE"),
            ask: Box::new(move |new| match asks {
                true => ask::passphrase(new, &screens).map(Some),
                false => Ok(None),
            }),
        };
        let file = self.env.data_dir()?.join("secrets.age");
        let stores = Stores::new(
            Box::new(move |name| env.var(name)),
            vec![Box::new(Keyring::default()), Box::new(Encrypted::new(file, unlock))],
            named,
        );
        Ok(self.stores.get_or_init(|| stores))
    }

    /// Where engines listen: Docker's, rootless Docker's, Docker Desktop's, Podman's.
    fn usual_engines(&self) -> Vec<String> {
        let mut sockets = vec!["/var/run/docker.sock".to_owned()];
        if let Some(runtime) = self.env.var("XDG_RUNTIME_DIR") {
            sockets.push(format!("{runtime}/docker.sock"));
            sockets.push(format!("{runtime}/podman/podman.sock"));
        }
        if let Some(home) = self.env.home() {
            sockets.push(format!("{}/.docker/run/docker.sock", home.display()));
        }
        sockets.push("/run/podman/podman.sock".to_owned());
        sockets.into_iter().map(|socket| format!("unix://{socket}")).collect()
    }

    /// Runs something with the runner of a session. The caller holds the session's lock.
    pub fn with_runner<T>(
        &self,
        store: &mut Store,
        session: SessionRecord,
        reporter: &mut dyn Reporter,
        work: impl FnOnce(&mut Runner) -> Result<T>,
    ) -> Result<T> {
        let worker = self.worker_of(&session.plan)?;
        self.with_outside(|outside| {
            let mut runner = Runner::new(store, worker, reporter, outside)(session);
            let done = work(&mut runner);
            runner.tell_spans();
            done
        })
    }

    /// Certificates to trust besides the machine's own.
    pub fn ca_bundle(&self) -> Option<PathBuf> {
        self.env.ssl_cert_file().filter(|path| path.is_file())
    }

    /// Does something with what lies outside: the clock, credentials, programs.
    pub fn with_outside<T>(&self, work: impl FnOnce(&Outside) -> T) -> T {
        work(&Outside {
            now: &clock::now,
            secret: &|name| Ok(self.stores()?.find(name)?.secret),
            program: &|program, progress| self.program(program, progress),
            ca_bundle: self.ca_bundle(),
            telemetry: &|| Ok(self.layers()?.settings()?.telemetry),
            git_env: self.git_env(),
        })
    }

    /// Git as it runs on this machine.
    pub fn git(&self) -> Git {
        Git::new(&self.git_env(), self.env.ssl_cert_file().as_deref())
    }

    /// Where programs are, the way out, and the SSH agent: all that git may know of the environment.
    pub fn git_env(&self) -> Vec<(String, String)> {
        const PASSED: [&str; 9] = [
            "PATH",
            "TMPDIR",
            "SSH_AUTH_SOCK",
            "HTTPS_PROXY",
            "https_proxy",
            "http_proxy",
            "NO_PROXY",
            "no_proxy",
            "ALL_PROXY",
        ];
        let passed = PASSED.map(|name| Some((name.to_owned(), self.env.var(name)?)));
        passed.into_iter().flatten().collect()
    }

    /// Takes in what sessions did that nobody drives. A look leaves those that were never started to
    /// `attach`; tidying up gives them up.
    pub fn sweep(
        &self,
        store: &mut Store,
        reporter: &mut dyn Reporter,
        tidy: bool,
    ) -> Result<runner::Swept> {
        self.with_outside(|outside| {
            let worker = |plan: &LaunchPlan| self.worker_of(plan);
            runner::sweep(store, &Parts { worker: &worker, outside, tidy }, reporter)
        })
    }

    /// The same, for pages that only want to show what is so.
    pub fn sweep_quietly(&self, store: &mut Store) -> Result<()> {
        for (_, result) in self.sweep(store, &mut Silent, false)? {
            // A provider out of reach is told where its sessions are meant; here it only means that
            // what is shown may be old.
            if let Err(failed) = result
                && self.screens.level == Level::Verbose
            {
                failure::warn(&failed.to_string(), &self.screens);
            }
        }
        Ok(())
    }

    /// A harness's program on this machine, fetched once.
    fn program(&self, wanted: &runner::Program, progress: &mut dyn FnMut(Step)) -> Result<PathBuf> {
        let native = &wanted.native;
        let build = native
            .builds
            .iter()
            .find(|build| build.arch == std::env::consts::ARCH && build.libc != "musl")
            .ok_or_else(|| {
                let arch = std::env::consts::ARCH;
                Failure::new(Kind::Sandbox, format!("`{}` is not built for {arch}", native.name))
            })?;
        let package = Package {
            name: native.name,
            version: native.version,
            arch: build.arch,
            libc: build.libc,
            package: build.package,
            package_version: build.package_version,
            path: build.path,
            beside: build.beside,
            integrity: build.integrity,
        };
        let cache = self.env.cache_dir()?.join("programs");
        if let Some(path) = package.fetched(&cache) {
            return Ok(path);
        }
        let registry = self.layers()?.settings()?.registry.or_else(|| {
            let home = self.env.home().unwrap_or_default();
            programs::discover_registry(&home, &|name| self.env.var(name))
        });
        let ca_bundle = self.env.ssl_cert_file();
        let from = Fetching {
            registry: registry.as_deref(),
            cache: &cache,
            ca_bundle: ca_bundle.as_deref(),
        };
        let what = format!("fetching {} {}", native.name, native.version);
        programs::fetch(&package, &from, &mut |done, all| progress(Step::bytes(&what, done, all)))
    }
}

pub fn own_program() -> Result<PathBuf> {
    std::env::current_exe().cannot(Kind::Bug, || "find this program's own file".to_owned())
}

/// The names of the families that settings may use.
pub fn known() -> Known {
    Known {
        harnesses: harness::NAMES,
        providers: &providers::NAMES,
        about: providers::about,
        metric: |text| crate::traces::metric::Metric::parse(text).map(drop),
    }
}

/// What of a list can be read; what cannot is warned of.
pub fn readable<T>(app: &App, all: Vec<layers::Listed<T>>) -> Vec<Listed<T>> {
    let mut readable = Vec::new();
    for layers::Listed { origin, hides, value, .. } in all {
        match value {
            Ok(value) => readable.push(listed(value, &origin, &hides)),
            Err(failed) => failure::warn(&failed.to_string(), &app.screens),
        }
    }
    readable
}

/// One that was found by its name, with what a list says of it.
pub fn one<T, U>(value: T, origin: &Origin, name: &str, all: &[layers::Listed<U>]) -> Listed<T> {
    let hides = all.iter().find(|other| other.name == name).map(|other| other.hides.as_slice());
    listed(value, origin, hides.unwrap_or_default())
}

fn listed<T>(value: T, origin: &Origin, hides: &[Origin]) -> Listed<T> {
    let file = |origin: &Origin| match origin.level {
        Origins::Bundled => origin.level.name().to_owned(),
        Origins::Repository | Origins::User => origin.file.clone(),
    };
    Listed { value, origin: file(origin), hides: hides.iter().map(file).collect() }
}

/// Tells every mistake of these files, or where none is named of all that can be found; or that there
/// is none.
pub fn validate<T>(
    app: &App,
    noun: &str,
    files: &[PathBuf],
    all: impl FnOnce() -> Vec<layers::Listed<T>>,
    read: impl Fn(&Path) -> Result<T>,
) -> Done {
    let results: Vec<Result<T>> = match files {
        [] => all().into_iter().map(|listed| listed.value).collect(),
        files => files.iter().map(|file| read(file)).collect(),
    };
    let count = results.len();
    let failures: Vec<Failure> = results.into_iter().filter_map(Result::err).collect();
    if let Some(failure) = Failure::all(failures) {
        return Err(failure);
    }
    let count = crate::domain::words::Count::of(count, noun);
    failure::note(&format!("{count}, no mistakes"), &app.screens);
    app.show(|out| json::write_document(out, &serde_json::json!([])), |_| Ok(()))
}

pub fn harness_named(name: &str) -> Result<&'static dyn Harness> {
    harness::by_name(name).ok_or_else(|| {
        Failure::new(Kind::Config, format!("no harness is called `{name}`"))
            .hint(format!("choose {}", crate::domain::words::or(harness::NAMES)))
    })
}
