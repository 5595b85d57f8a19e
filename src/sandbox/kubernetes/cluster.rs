//! The cluster's API: found by a kubeconfig's context, or from inside by the pod's own identity.
//!
//! Every call here may be made twice: things are made under names that follow from the session, and
//! taking away what is gone is no failure. So each is tried again where that may help.

use super::failures;
use super::settings::Settings;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::retry::Patience;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, Error};
use std::future::Future;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// No call that only asks or tells takes longer, unless the cluster hangs.
const CALL: Duration = Duration::from_secs(30);
/// The pod's own identity.
const INSIDE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

pub(super) struct Cluster {
    pub runtime: Arc<Runtime>,
    pub client: Client,
    pub namespace: String,
    /// Where its API answers, for messages.
    pub address: String,
    /// By which name it is known here.
    pub context: String,
    patience: Patience,
}

impl Cluster {
    pub(super) fn connect(settings: &Settings, kubeconfigs: &[PathBuf]) -> Result<Self> {
        let doing = || "prepare a connection to the cluster".to_owned();
        // Fails only where one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .cannot(Kind::Bug, doing)?;
        let (mut config, context) = runtime.block_on(find(settings, kubeconfigs))?;
        config.connect_timeout = Some(CALL);
        // It would wait for as long as a server asks; how long is ours to say.
        config.default_retry = false;
        let namespace = settings.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
        let address = config.cluster_url.to_string();
        let client = runtime.block_on(async { Client::try_from(config) });
        let client = client.cannot(Kind::Config, doing)?;
        let patience = Patience::USUAL;
        Ok(Self { runtime: Arc::new(runtime), client, namespace, address, context, patience })
    }

    pub(super) fn api<K>(&self) -> kube::Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        kube::Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Asks, again where that may help.
    pub(super) fn answer<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut tried = 0;
        loop {
            tried += 1;
            let answer = self.once(ask());
            let Err(error) = &answer else { return answer };
            if !failures::passes(error) || !self.patience.wait(tried, failures::asked(error)) {
                return answer;
            }
        }
    }

    /// Asks once.
    pub(super) fn once<T>(&self, ask: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.runtime.block_on(async {
            let late = || Err(Error::Service("it did not answer in time".into()));
            tokio::time::timeout(CALL, ask).await.unwrap_or_else(|_| late())
        })
    }

    pub(super) fn call<T, F>(&self, doing: &str, ask: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.answer(ask).map_err(|error| self.failure(doing, &error))
    }

    /// The same, where what is asked for may not be there.
    pub(super) fn call_for<T, F>(&self, doing: &str, ask: impl Fn() -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<T, Error>>,
    {
        match self.answer(ask) {
            Ok(found) => Ok(Some(found)),
            Err(error) if failures::code(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.failure(doing, &error)),
        }
    }

    pub(super) fn failure(&self, doing: &str, error: &Error) -> Failure {
        failures::failure(doing, &self.address, error)
    }

    /// The addresses at which its API answers us.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let Ok(url) = reqwest::Url::parse(&self.address) else { return Vec::new() };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let found = (host, url.port_or_known_default().unwrap_or(443)).to_socket_addrs();
        let mut all: Vec<IpAddr> =
            found.into_iter().flatten().map(|address| address.ip()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Whether a cluster is named anywhere, without asking it anything.
pub(super) fn is_known(settings: &Settings, usual: &[PathBuf]) -> Result<()> {
    if there(settings, usual).is_empty() && !Path::new(INSIDE).exists() {
        return Err(Failure::new(Kind::Sandbox, "no cluster is known")
            .because("there is no kubeconfig, and this is no pod with an identity of its own")
            .hint("set `KUBECONFIG`, or `kubeconfig` and `context` in the preset's sandbox"));
    }
    Ok(())
}

/// The namespace that a context names, where it names one.
pub(super) fn namespace(settings: &Settings, usual: &[PathBuf]) -> Option<String> {
    let all = there(settings, usual).into_iter();
    let all: Vec<Kubeconfig> = all.filter_map(|path| Kubeconfig::read_from(path).ok()).collect();
    let current = || all.iter().find_map(|one| one.current_context.clone());
    let context = settings.context.clone().or_else(current)?;
    let mut contexts = all.iter().flat_map(|one| &one.contexts);
    let found = contexts.find(|one| one.name == context)?;
    found.context.as_ref()?.namespace.clone()
}

/// The kubeconfigs that count.
fn there<'a>(settings: &'a Settings, usual: &'a [PathBuf]) -> Vec<&'a PathBuf> {
    match settings.kubeconfig.as_slice() {
        [] => usual.iter().filter(|path| path.is_file()).collect(),
        named => named.iter().collect(),
    }
}

/// The settings of a context, and its name.
async fn find(settings: &Settings, usual: &[PathBuf]) -> Result<(Config, String)> {
    let doing = || "find a cluster".to_owned();
    let there = there(settings, usual);
    if there.is_empty() {
        // The identity of the pod that we run in.
        let config = Config::incluster();
        let config = config.cannot(Kind::Config, || "use this pod's own identity".to_owned())?;
        return Ok((config, "in-cluster".to_owned()));
    }
    let mut all = Kubeconfig::default();
    for path in there {
        let reading = || format!("read `{}`", path.display());
        let one = Kubeconfig::read_from(path).cannot(Kind::Config, reading)?;
        all = all.merge(one).cannot(Kind::Config, reading)?;
    }
    let context = settings.context.clone().or_else(|| all.current_context.clone());
    let names: Vec<String> = all.contexts.iter().map(|context| context.name.clone()).collect();
    let options = KubeConfigOptions { context: settings.context.clone(), ..Default::default() };
    let config = Config::from_custom_kubeconfig(all, &options).await;
    let config = config.cannot(Kind::Config, doing).map_err(|failure| match names.as_slice() {
        [] => failure,
        names => failure.hint(format!("its contexts are {}", crate::domain::words::or(names))),
    })?;
    Ok((config, context.unwrap_or_default()))
}
