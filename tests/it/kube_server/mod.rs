//! A Kubernetes API server with one node, whose containers are real ones of this machine's engine.
//!
//! It is reached through an ordinary kubeconfig. Behind it are small controllers: one makes the pod of
//! a job and gives the job its verdict, one is the scheduler and the node, one puts network policies
//! in force some time after a pod has started, one takes away what belongs to what is gone. It is
//! dumber than the real thing, and stricter: a call, a parameter or a field of an object that it does
//! not know is recorded, and fails the test when the server is dropped. What it answers was compared
//! with what real clusters answer.
//!
//! It can be told to go wrong: to refuse calls and rights, to lose answers, connections and verdicts of
//! commands, to find no node, no image and no room, to evict, and to lose its node.

mod admit;
mod api;
mod engine;
mod events;
mod exec;
mod jobs;
mod kinds;
mod kubelet;
mod policy;
pub mod refusal;
mod spec;
mod store;
mod tls;
mod volumes;
mod watch;
mod wire;

use base64::Engine as _;
use engine::Engine;
use kinds::Kind;
use kubelet::Made;
use refusal::Refusal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use store::Store;
use tls::Identity;
use tokio::sync::oneshot;
pub use wire::Network;

/// Who the caller is.
pub const USER: &str = "system:serviceaccount:loop:loop";
pub const TOKEN: &str = "kube-token-7f3a9c";
/// The namespace that there is, with the restricted Pod Security Standard.
pub const NAMESPACE: &str = "loop";
const NODE: &str = "node-1";

/// What happens to a call instead of its answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    Refuse(Refusal),
    /// It is done, and the answer is lost.
    Lost,
    /// Something in between answers that it cannot reach the server.
    Gateway,
}

/// What is wrong with the cluster.
#[derive(Default)]
struct Faults {
    /// The next call of a verb and a resource ends so.
    next: Vec<(String, String, Fault)>,
    /// Rights that the caller does not have.
    forbidden: Vec<(String, String)>,
    unauthorized: bool,
    /// What the scheduler says of every pod.
    unschedulable: Option<String>,
    /// Images that cannot be pulled, though the engine has them.
    missing: BTreeSet<String>,
    /// How long after a pod's start its network policies are in force, if ever.
    enforced: Option<Duration>,
    node_lost: bool,
    only_v4: bool,
    /// Of so many of the next commands, the verdict does not arrive.
    withheld: usize,
}

/// All that there is.
pub struct World {
    id: String,
    port: u16,
    /// This machine's address as pods see it, where the API answers them.
    host: String,
    store: Mutex<Store>,
    changed: tokio::sync::watch::Sender<u64>,
    engine: Engine,
    /// What there is on the engine, by the uids of pods.
    pods: Mutex<BTreeMap<String, Made>>,
    /// Jobs whose pod was made.
    had: Mutex<BTreeSet<String>>,
    /// When a job's pod was last refused.
    refused: Mutex<BTreeMap<String, Instant>>,
    /// Pods that are to be evicted, and what is said of it.
    evictions: Mutex<BTreeMap<String, String>>,
    faults: Mutex<Faults>,
    seen: Mutex<Vec<String>>,
    unexpected: Mutex<Vec<String>>,
}

/// A running server.
pub struct KubeServer {
    address: SocketAddr,
    world: Arc<World>,
    wire: Arc<wire::Wire>,
    /// Whose certificate it shows, in PEM, where it speaks over TLS.
    authority: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl KubeServer {
    /// With a network that puts policies in force at once. The address is this machine's as
    /// containers see it.
    pub fn start(gateway: &str) -> Self {
        Self::start_with(gateway, None)
    }

    /// The same over TLS, where a certificate can be made here.
    pub fn start_tls(gateway: &str) -> Result<Self, String> {
        tls::make().map(|identity| Self::start_with(gateway, Some(identity)))
    }

    fn start_with(gateway: &str, identity: Option<Identity>) -> Self {
        let listener = std::net::TcpListener::bind(("0.0.0.0", 0)).expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let id = uuid::Uuid::new_v4().simple().to_string();
        let faults = Faults { enforced: Some(Duration::ZERO), ..Faults::default() };
        let world = Arc::new(World {
            engine: Engine::new(&id).expect("the engine's client"),
            id,
            port,
            host: address_of_this_machine().unwrap_or(gateway.to_owned()),
            store: Mutex::default(),
            changed: tokio::sync::watch::Sender::new(0),
            pods: Mutex::default(),
            had: Mutex::default(),
            refused: Mutex::default(),
            evictions: Mutex::default(),
            faults: Mutex::new(faults),
            seen: Mutex::default(),
            unexpected: Mutex::default(),
        });
        furnish(&world);
        let wire = Arc::new(wire::Wire::default());
        let (stop, stopped) = oneshot::channel();
        let config = identity.as_ref().map(|identity| Arc::clone(&identity.config));
        let shared = (Arc::clone(&world), Arc::clone(&wire), config);
        let thread = std::thread::Builder::new()
            .name("kube-server".to_owned())
            .spawn(move || serve(listener, shared, stopped))
            .expect("a thread");
        let authority = identity.map(|identity| identity.authority);
        Self { address, world, wire, authority, stop: Some(stop), thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Where pods find the API.
    pub fn host(&self) -> &str {
        &self.world.host
    }

    /// Takes a pod away as `kubectl delete` does.
    pub fn delete_pod(&self, pod: &str) {
        let key = store::Key::new(Kind::of("pods"), NAMESPACE, pod);
        admit::delete(&self.world, &key, &Value::Null).expect("there is one");
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Writes the file by which clients find it, with one context, `tests`.
    pub fn kubeconfig(&self, path: &Path) -> PathBuf {
        let mut cluster = json!({"server": self.url()});
        if let Some(authority) = &self.authority {
            let engine = base64::engine::general_purpose::STANDARD;
            cluster["certificate-authority-data"] = json!(engine.encode(authority));
        }
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "tests",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "tests", "user": {"token": TOKEN}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests",
                "namespace": NAMESPACE}}]});
        std::fs::write(path, config.to_string()).expect("a file");
        path.to_owned()
    }

    /// The objects of a kind, of all namespaces.
    pub fn list(&self, plural: &str) -> Vec<Value> {
        lock(&self.world.store).list(plural, None).into_iter().map(|(_, object)| object).collect()
    }

    /// The names of all that callers and controllers have made and is still there, but for events.
    pub fn left(&self) -> Vec<String> {
        let kinds =
            ["jobs", "pods", "secrets", "networkpolicies", "persistentvolumeclaims", "configmaps"];
        let names = kinds.iter().flat_map(|plural| {
            let objects = self.list(plural).into_iter();
            objects.map(move |one| {
                format!("{plural}/{}", one["metadata"]["name"].as_str().unwrap_or(""))
            })
        });
        names.collect()
    }

    /// What components told, the reason and the message.
    pub fn told(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let events = self.list("events").into_iter();
        events.map(|event| (text(&event["reason"]), text(&event["message"]))).collect()
    }

    /// Adds an object as the cluster's owner would, for example a quota or a runtime class.
    pub fn add(&self, plural: &str, object: Value) {
        self.world.change(|store| store.create(Kind::of(plural), NAMESPACE, object));
    }

    /// Changes every object of a kind, for example the node.
    pub fn edit(&self, plural: &str, change: impl Fn(&mut Value)) {
        self.world.change(|store| {
            for (key, _) in store.list(plural, None) {
                store.update(&key, &change);
            }
        });
    }

    /// The next call of a verb and a resource ends so, for example of `create` and `pods/exec`.
    pub fn fail(&self, verb: &str, resource: &str, fault: Fault) {
        let fault = (verb.to_owned(), resource.to_owned(), fault);
        lock(&self.world.faults).next.push(fault);
    }

    /// Takes a right away, for example `create` and `pods/exec`.
    pub fn forbid(&self, verb: &str, resource: &str) {
        lock(&self.world.faults).forbidden.push((verb.to_owned(), resource.to_owned()));
    }

    /// Gives all rights back.
    pub fn allow(&self) {
        lock(&self.world.faults).forbidden.clear();
    }

    pub fn unauthorized(&self, so: bool) {
        lock(&self.world.faults).unauthorized = so;
    }

    /// From now on no pod finds a node, and the scheduler says so; or does again.
    pub fn unschedulable(&self, message: Option<&str>) {
        lock(&self.world.faults).unschedulable = message.map(str::to_owned);
    }

    /// An image that cannot be pulled.
    pub fn miss(&self, image: &str) {
        lock(&self.world.faults).missing.insert(image.to_owned());
    }

    /// Network policies of pods that start from now on are in force after this time, or never.
    pub fn enforce(&self, after: Option<Duration>) {
        lock(&self.world.faults).enforced = after;
    }

    /// The kubelet ends a pod because it needs its room.
    pub fn evict(&self, pod: &str, message: &str) {
        for object in self.list("pods") {
            if object["metadata"]["name"] == pod {
                let uid = object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
                lock(&self.world.evictions).insert(uid, message.to_owned());
            }
        }
        self.world.changed.send_modify(|_| {});
    }

    /// The node is no longer heard, or is again.
    pub fn lose_node(&self, lost: bool) {
        lock(&self.world.faults).node_lost = lost;
        let status = if lost { "Unknown" } else { "True" };
        self.edit("nodes", |node| node["status"]["conditions"][0]["status"] = json!(status));
        self.edit("pods", |pod| {
            let why = lost.then_some(("NodeNotReady", "")).filter(|_| lost);
            kubelet::condition(pod, "Ready", !lost, why);
        });
    }

    /// Commands speak the older protocol, in which nobody can say that an input has ended.
    pub fn only_v4(&self, so: bool) {
        lock(&self.world.faults).only_v4 = so;
    }

    /// The verdicts of the next commands do not arrive.
    pub fn withhold(&self, verdicts: usize) {
        lock(&self.world.faults).withheld = verdicts;
    }

    /// The connection of the next command ends after so many bytes of answer.
    pub fn cut(&self, bytes: usize) {
        self.wire.cut(bytes);
    }

    pub fn network(&self, network: Network) {
        self.wire.set(network);
    }

    /// Versions up to now are too old.
    pub fn compact(&self) {
        lock(&self.world.store).compact();
    }

    /// The containers behind a pod, by their names: for what cannot be done through the server.
    pub fn containers(&self, pod: &str) -> BTreeMap<String, String> {
        let pods = self.list("pods");
        let pod = pods.iter().find(|object| object["metadata"]["name"] == pod);
        let uid = pod.and_then(|pod| pod["metadata"]["uid"].as_str()).unwrap_or_default();
        self.world.made(uid).containers
    }

    /// The verbs and resources of the calls since this was last asked.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.world.seen))
    }

    /// Forgets what it did not know, for tests that mean it.
    pub fn pardon(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.world.unexpected))
    }
}

impl Drop for KubeServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may already have gone.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        Engine::clear(&self.world.id);
        if !std::thread::panicking() {
            let unexpected = self.pardon();
            assert!(unexpected.is_empty(), "the API server was asked: {unexpected:#?}");
        }
    }
}

impl World {
    /// Changes what is stored, and tells whoever waits for it.
    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = lock(&self.store);
        let before = store.version;
        let result = change(&mut store);
        let version = store.version;
        drop(store);
        if version != before {
            self.changed.send_replace(version);
        }
        result
    }

    /// Waits until something is so.
    async fn until(&self, mut holds: impl FnMut(&Store) -> bool) {
        let mut changes = self.changed.subscribe();
        loop {
            changes.borrow_and_update();
            if holds(&lock(&self.store)) {
                return;
            }
            if changes.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    async fn node_is_there(&self) {
        let lost = |_: &Store| !lock(&self.faults).node_lost;
        self.until(lost).await;
    }

    fn made(&self, uid: &str) -> Made {
        lock(&self.pods).get(uid).cloned().unwrap_or_default()
    }

    async fn has_image(&self, image: &str) -> bool {
        let missing = lock(&self.faults).missing.contains(image);
        !missing && self.engine.has_image(image).await
    }

    fn allows(&self, verb: &str, resource: &str) -> bool {
        let forbidden = (verb.to_owned(), resource.to_owned());
        !lock(&self.faults).forbidden.contains(&forbidden)
    }

    fn fault(&self, verb: &str, resource: &str) -> Option<Fault> {
        let next = &mut lock(&self.faults).next;
        let at = next.iter().position(|(own, about, _)| own == verb && about == resource)?;
        Some(next.remove(at).2)
    }

    fn unknown(&self, told: String) {
        lock(&self.unexpected).push(told);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that failed while it held the lock must not fail the others.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What is there before anybody comes.
fn furnish(world: &World) {
    let restricted = json!({"kubernetes.io/metadata.name": NAMESPACE,
        "pod-security.kubernetes.io/enforce": "restricted"});
    let room = json!({"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"});
    let node = json!({"metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE,
            "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}},
        "spec": {}, "status": {"capacity": room, "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True"}]}});
    world.change(|store| {
        for (name, labels) in [(NAMESPACE, restricted), ("default", json!({}))] {
            let namespace = json!({"metadata": {"name": name, "labels": labels},
                "spec": {}, "status": {"phase": "Active"}});
            store.create(Kind::of("namespaces"), "", namespace);
        }
        store.create(Kind::of("nodes"), "", node);
    });
}

type Shared = (Arc<World>, Arc<wire::Wire>, Option<Arc<rustls::ServerConfig>>);

fn serve(listener: std::net::TcpListener, shared: Shared, stopped: oneshot::Receiver<()>) {
    let (world, wire, tls) = shared;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let inner = tokio::net::TcpListener::from_std(listener).expect("a socket");
        let shared = Arc::clone(&world);
        let handler = move |request| api::answer(Arc::clone(&shared), request);
        let router = axum::Router::new().fallback(handler);
        let served = axum::serve(wire::Listener::new(inner, wire, tls), router).into_future();
        tokio::select! {
            served = served => served.expect("it serves"),
            () = control(&world) => {}
            _ = stopped => {}
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
}

/// The controllers, at every change and where time passes.
async fn control(world: &Arc<World>) {
    let mut changes = world.changed.subscribe();
    loop {
        changes.borrow_and_update();
        jobs::sync(world);
        kubelet::sync(world);
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
}

/// Not that of the engine's network, where tests have their other servers: what a policy says of the
/// API must not be true of them.
fn address_of_this_machine() -> Option<String> {
    let socket = std::net::UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    // Nothing is sent; the address is that of the way there.
    socket.connect(("203.0.113.1", 9)).ok()?;
    Some(socket.local_addr().ok()?.ip().to_string())
}
