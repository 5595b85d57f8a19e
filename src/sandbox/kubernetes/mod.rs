//! Sandboxes as Jobs of a Kubernetes cluster, with one pod each.
//!
//! The pod keeps to the restricted profile of Pod Security: no root, no privilege, no token of the
//! cluster's. So the worker cannot share a container with its supervisor, and gets its own (see
//! [`crate::supervise`]'s hands). A session's turns, with every secret in them, go over the exec's
//! standard input to the supervisor and are nowhere else: no Secret is made, and none is mounted.
//! What a worker may reach is a NetworkPolicy that is there before the pod, and that is seen in force
//! from inside before a worker begins; where it never is, nothing starts unless that was agreed to.
//!
//! Deliberately absent: building or pushing images (a cluster pulls from a registry that this program
//! does not know, so a preset names the image); container logs (they are rotated and end with the
//! pod; the journal is followed by exec, from any line on); and any trust in a stream's end, which
//! only the cluster's own word on the exit code is.

mod access;
mod cluster;
mod exec;
mod failures;
mod find;
mod make;
mod manifest;
mod names;
mod pod;
mod policy;
mod put;
mod read;
mod settings;
mod standing;

#[cfg(test)]
mod tests;

use super::{Area, Created, Entry, Fact, Found, Host, Provider, SandboxSpec, Status};
use crate::domain::options::Options;
use crate::domain::places;
use crate::domain::preset::Image;
use crate::domain::provider::{Ability, About};
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::retry::Patience;
use cluster::Cluster;
use exec::Target;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::DeleteParams;
use make::Made;
use manifest::Plan;
use names::{STATE, SUPERVISOR, name, reader};
use settings::Settings;
use std::cell::OnceCell;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;

pub(super) const ENTRY: Entry = Entry {
    about: About {
        name: "kubernetes",
        runs_in: "pods of a Kubernetes cluster",
        able: Ability::ALL,
        options: settings::OPTIONS,
    },
    make: |host, options| Ok(Rc::new(Kubernetes::new(host, options)?)),
};

/// The manifest that grants what is needed in the namespace that would be used, and no more.
pub(super) fn grants(host: &Host, options: &Options) -> Result<String> {
    let settings = Settings::of(options)?;
    let namespace = match &settings.namespace {
        Some(namespace) => namespace.clone(),
        None => cluster::namespace(&settings, &host.kubeconfigs).unwrap_or("loop".to_owned()),
    };
    Ok(access::manifest(&namespace))
}

pub struct Kubernetes {
    host: Host,
    settings: Settings,
    cluster: OnceCell<Result<Cluster>>,
}

/// Where a command's input comes from, from its beginning each time.
type Source<'s> = dyn Fn() -> io::Result<Box<dyn Read + Send>> + 's;

impl Kubernetes {
    pub fn new(host: Host, options: &Options) -> Result<Self> {
        let settings = Settings::of(options)?;
        cluster::is_known(&settings, &host.kubeconfigs)?;
        Ok(Self { host, settings, cluster: OnceCell::new() })
    }

    fn cluster(&self) -> Result<&Cluster> {
        let connect = || Cluster::connect(&self.settings, &self.host.kubeconfigs);
        self.cluster.get_or_init(connect).as_ref().map_err(Failure::clone)
    }

    fn target<'a>(&'a self, pod: &'a str, container: &'a str) -> Result<Target<'a>> {
        Ok(Target { namespace: &self.cluster()?.namespace, pod, container })
    }

    fn image<'a>(&'a self, spec: &'a SandboxSpec) -> Result<&'a str> {
        match (spec.image, &self.settings.image) {
            (Image::Reference(name), _) | (Image::Auto | Image::Own, Some(name)) => Ok(name),
            (Image::Auto | Image::Own, None) => {
                Err(Failure::new(Kind::Config, "no image is named for the cluster's pods")
                    .because("a cluster pulls images from a registry; none is built for it here")
                    .hint("set `image` below `[sandbox]` in the preset, or use `--image`")
                    .hint(
                        "or for all presets: `image` below `[sandbox.kubernetes]` in `config.toml`",
                    ))
            }
            (Image::Dockerfile(path), _) => {
                Err(Failure::new(Kind::Config, format!("a cluster cannot build `{path}`"))
                    .hint("build it, push it to a registry, and set `image` to its name"))
            }
        }
    }

    /// Runs a command that answers shortly, again where the connection was lost.
    fn run(
        &self,
        doing: &str,
        target: &Target,
        words: &[String],
        input: &Source,
    ) -> Result<String> {
        let cluster = self.cluster()?;
        let reads = words.first().is_some_and(|word| word == "/bin/sh");
        let mut tried = 0;
        loop {
            tried += 1;
            let open = || exec::start(&cluster.client, target.clone(), words, reads);
            let connection = cluster.call(doing, open)?;
            let mut input = input().cannot(Kind::Sandbox, || doing.to_owned())?;
            match cluster.runtime.block_on(connection.converse(&mut *input)) {
                Ok(said) => return Ok(String::from_utf8_lossy(&said).into_owned()),
                Err(error) if is_lost(&error) && Patience::USUAL.wait(tried, None) => {}
                Err(error) => {
                    let kind = if is_lost(&error) { Kind::Network } else { Kind::Sandbox };
                    return Err(error).cannot(kind, || doing.to_owned());
                }
            }
        }
    }

    /// Starts a command and gives what it writes.
    fn stream(
        &self,
        doing: &str,
        target: &Target,
        words: &[String],
    ) -> Result<Box<dyn Read + Send>> {
        let cluster = self.cluster()?;
        let open = || exec::start(&cluster.client, target.clone(), words, false);
        let connection = cluster.call(doing, open)?;
        Ok(Box::new(connection.reader(Arc::clone(&cluster.runtime))))
    }

    fn begin(&self, plan: &Plan, job: &Job, progress: &mut dyn FnMut(&str)) -> Result<Created> {
        let session = plan.spec.session;
        let pod = self.await_pod(plan, job, progress)?;
        let called = pod.metadata.name.as_deref().unwrap_or_default();
        progress("putting the program into the pod");
        self.put_program(called, SUPERVISOR)?;
        progress("putting the evidence into the pod");
        self.put_inputs(called, plan.spec)?;
        let note = self.see_shut(plan, called, progress)?;
        self.mark(session, &pod)?;
        if let Some(first) = &plan.spec.boot.first {
            self.hand_first(called, first)?;
        }
        Ok(Created { found: false, notes: note.into_iter().collect(), ..Self::found(session) })
    }

    /// Everything of a session's, in the order in which nothing is made again.
    fn take_away(&self, session: &str) -> Result<()> {
        let cluster = self.cluster()?;
        let (doing, called) = ("remove the sandbox", name(session));
        let (how, jobs) = (DeleteParams::background(), cluster.api::<Job>());
        cluster.call_for(doing, || jobs.delete(&called, &how))?;
        let policies = cluster.api::<NetworkPolicy>();
        cluster.call_for(doing, || policies.delete(&called, &how))?;
        let claims = cluster.api::<PersistentVolumeClaim>();
        cluster.call_for(doing, || claims.delete(&called, &how))?;
        let (pods, reading) = (cluster.api::<Pod>(), reader(session));
        cluster.call_for(doing, || pods.delete(&reading, &how)).map(drop)
    }
}

fn is_lost(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionReset
}

/// A verb of ours, for the folder that the supervisor uses here.
fn verb(words: &[String]) -> Vec<String> {
    let program = std::iter::once(places::PROGRAM.to_owned());
    program.chain(words.iter().cloned()).chain(["--run", STATE].map(str::to_owned)).collect()
}

impl Provider for Kubernetes {
    fn create(&self, spec: &SandboxSpec, progress: &mut dyn FnMut(&str)) -> Result<Created> {
        let image = self.image(spec)?;
        let plan = Plan { spec, store: &self.host.store, image, settings: &self.settings };
        progress("making the pod");
        let Made::New(job) = self.make(&plan)? else { return Ok(Self::found(spec.session)) };
        self.begin(&plan, &job, progress).inspect_err(|_| {
            // Nothing was handed over, so nothing can be lost with it.
            let _ = self.take_away(spec.session);
        })
    }

    fn status(&self, session: &str) -> Result<Status> {
        self.look(session)
    }

    fn exec(&self, session: &str, words: &[String], stdin: &[u8]) -> Result<Box<dyn Read + Send>> {
        self.beside(session, words, stdin)
    }

    fn download(&self, session: &str, what: Area) -> Result<Box<dyn Read + Send>> {
        self.fetch(session, what)
    }

    fn remove(&self, session: &str) -> Result<()> {
        self.take_away(session)
    }

    fn list(&self) -> Result<Vec<Found>> {
        self.all()
    }

    fn facts(&self) -> Vec<Fact> {
        access::facts(self)
    }
}
