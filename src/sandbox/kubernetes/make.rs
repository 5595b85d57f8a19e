//! Making a session's sandbox, step by step; each step may be done again.

use super::Kubernetes;
use super::exec::Target;
use super::find::handed_to;
use super::manifest::{self, Plan};
use super::names::{
    GO, POD_ANNOTATION, SESSION_LABEL, STORE_LABEL, SUPERVISOR, WORKER, label, name,
};
use super::policy::{Reach, policy};
use super::standing::{self, Look};
use super::{exec, failures};
use crate::domain::places;
use crate::domain::turn::TurnSpec;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::sandbox::Created;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a name may be taken by what is just being removed.
const NAME_TRIES: u32 = 300;
const PAUSE: Duration = Duration::from_millis(200);
/// How long a policy may take to be in force.
const POLICY: Duration = Duration::from_mins(1);
/// The same where one that is never is agreed to.
const POLICY_AGREED: Duration = Duration::from_secs(5);
/// How often in a row the pod has to be kept off the cluster's API.
const CLOSED: u32 = 2;

/// A Job of ours.
pub(super) enum Made {
    New(Box<Job>),
    /// It has its first turn already, or is about to get it from somebody else.
    Handed,
}

impl Kubernetes {
    /// The policy before any pod, then the Job, then what goes with the Job.
    pub(super) fn make(&self, plan: &Plan) -> Result<Made> {
        self.make_policy(plan)?;
        let Made::New(job) = self.make_job(plan)? else { return Ok(Made::Handed) };
        let cluster = self.cluster()?;
        let owner = manifest::owned_by(&job);
        let with_owner = json!({ "metadata": { "ownerReferences": [owner] } });
        let policies = cluster.api::<NetworkPolicy>();
        let (called, how) = (name(plan.spec.session), PatchParams::default());
        let patch = Patch::Merge(&with_owner);
        cluster.call("keep the network policy with the sandbox", || {
            policies.patch(&called, &how, &patch)
        })?;
        if let Some(mut claim) = manifest::claim(plan.spec.session, plan.store, plan.settings) {
            claim.metadata.owner_references = owner.map(|owner| vec![owner]);
            let claims = cluster.api::<PersistentVolumeClaim>();
            let how = how_to_make();
            let made = cluster.answer(|| claims.create(&how, &claim));
            made.map(drop).or_else(|error| match failures::code(&error) {
                Some(409) => Ok(()),
                _ => Err(cluster.failure("make a volume for the journal", &error)),
            })?;
        }
        Ok(Made::New(job))
    }

    /// What a pod may reach, with the addresses by which the cluster's API is known so far left out.
    fn policy(&self, plan: &Plan, seen: Option<IpAddr>) -> Result<NetworkPolicy> {
        let (mut api, egress) = (self.cluster()?.addresses(), &plan.settings.egress);
        api.extend(seen.filter(|seen| !api.contains(seen)));
        let reach = Reach { out: plan.spec.network, egress, api: &api };
        Ok(policy(plan.spec.session, plan.store, &reach))
    }

    fn make_policy(&self, plan: &Plan) -> Result<()> {
        let cluster = self.cluster()?;
        let policy = self.policy(plan, None)?;
        let (policies, how) = (cluster.api::<NetworkPolicy>(), how_to_make());
        match cluster.answer(|| policies.create(&how, &policy)) {
            Err(error) if failures::code(&error) != Some(409) => {
                Err(cluster.failure("make a network policy for the sandbox", &error))
            }
            _ => Ok(()),
        }
    }

    fn make_job(&self, plan: &Plan) -> Result<Made> {
        let cluster = self.cluster()?;
        let (jobs, wanted) = (cluster.api::<Job>(), manifest::job(plan));
        let how = how_to_make();
        for _ in 0..NAME_TRIES {
            match cluster.answer(|| jobs.create(&how, &wanted)) {
                Ok(job) => return Ok(Made::New(Box::new(job))),
                Err(error) if failures::code(&error) == Some(409) => {}
                Err(error) => return Err(cluster.failure("make the sandbox", &error)),
            }
            if let Some(found) = self.adopt(plan)? {
                return Ok(found);
            }
            std::thread::sleep(PAUSE);
        }
        Err(Failure::new(Kind::Sandbox, "cannot make the sandbox").because(format!(
            "the Job `{}` is being removed and does not go",
            name(plan.spec.session)
        )))
    }

    /// A Job of that name is there already: ours of an earlier attempt, or nobody's we know.
    fn adopt(&self, plan: &Plan) -> Result<Option<Made>> {
        let session = plan.spec.session;
        let Some(job) = self.job(session)? else { return Ok(None) };
        let ours = label(&job.metadata, SESSION_LABEL) == session
            && label(&job.metadata, STORE_LABEL) == plan.store;
        if !ours {
            let name = name(session);
            return Err(Failure::new(Kind::Sandbox, format!("a Job `{name}` exists already"))
                .because("it does not carry this store's labels")
                .hint(format!("remove it: `kubectl delete job {name}`")));
        }
        if job.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        let over = job.status.as_ref().is_some_and(|status| {
            let conditions = status.conditions.as_deref().unwrap_or_default();
            conditions
                .iter()
                .any(|c| c.status == "True" && ["Failed", "Complete"].contains(&&*c.type_))
        });
        if over {
            // Its first turn never began, and its pod cannot be had again.
            self.take_away(session)?;
            self.make_policy(plan)?;
            return Ok(None);
        }
        Ok(Some(if handed_to(&job).is_some() { Made::Handed } else { Made::New(Box::new(job)) }))
    }

    /// Waits until the pod's containers run, telling what it waits for.
    pub(super) fn await_pod(
        &self,
        plan: &Plan,
        job: &Job,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Pod> {
        let (since, mut stuck) = (Instant::now(), None);
        let mut told = String::new();
        loop {
            let pod = self.pods(plan.spec.session, job)?.pop();
            let asked = pod.is_none() && since.elapsed() > 3 * PAUSE;
            let refusals = if asked { self.refusals(job) } else { Vec::new() };
            let look = standing::look(pod.as_ref(), &refusals, plan.image);
            let (what, trouble) = match (look, &pod) {
                (Look::Ready, Some(pod)) => return Ok(pod.clone()),
                (Look::Failed(failure), _) => return Err(failure),
                (Look::Waiting { what, trouble }, _) => (what, trouble),
                (Look::Ready, None) => continue,
            };
            if what != told {
                progress(&what);
                told.clone_from(&what);
            }
            let patience = trouble.as_ref().and_then(|trouble| trouble.patience);
            let stood = patience.map(|_| stuck.get_or_insert_with(Instant::now).elapsed());
            if patience.is_none() {
                stuck = None;
            }
            let given_up = stood.zip(patience).is_some_and(|(stood, patience)| stood > patience);
            if given_up || since.elapsed() > plan.settings.start_timeout {
                let Some(trouble) = trouble else { return Err(late(&what)) };
                let told = patience.and_then(|_| self.unpulled(pod.as_ref()?));
                return Err(told.into_iter().fold(trouble.failure, Failure::because));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Sees from inside that the policy is in force: a new pod is open until it is. What the
    /// worker must never reach, and what is known to answer, is the cluster's own API.
    pub(super) fn see_shut(
        &self,
        plan: &Plan,
        pod: &str,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Option<String>> {
        let doing = "see that the network policy is in force";
        progress("waiting for the network policy to be in force");
        let words = [
            places::PROGRAM,
            "probe",
            "--of",
            "KUBERNETES_SERVICE_HOST",
            "KUBERNETES_SERVICE_PORT",
        ];
        let words = words.map(str::to_owned);
        let target = self.target(pod, WORKER)?;
        let limit = if plan.settings.unenforced { POLICY_AGREED } else { POLICY };
        let (since, mut closed, mut seen) = (Instant::now(), 0, None);
        while since.elapsed() < limit {
            let said = self.run(doing, &target, &words, &nothing)?;
            let (state, host) = said.trim().split_once(' ').unwrap_or_default();
            closed = if state == "closed" { closed + 1 } else { 0 };
            if closed >= CLOSED {
                return Ok(None);
            }
            if seen.is_none()
                && let Ok(address) = host.trim_matches(['[', ']']).parse()
            {
                // A pod may know the API by an address that we do not.
                self.shut(plan, address)?;
                seen = Some(address);
            }
            std::thread::sleep(PAUSE);
        }
        if plan.settings.unenforced {
            let note = "the cluster enforces no NetworkPolicy: the worker can reach whatever a pod \
                        of this cluster can, and its API";
            return Ok(Some(note.to_owned()));
        }
        Err(Failure::new(Kind::Sandbox, "the cluster does not enforce NetworkPolicy")
            .because("a pod that may not reach the cluster's API can still connect to it")
            .hint("use a network plugin that enforces policies, such as Calico or Cilium")
            .hint("or agree that workers reach it: `network_policy = \"unenforced\"`"))
    }

    fn shut(&self, plan: &Plan, address: IpAddr) -> Result<()> {
        let cluster = self.cluster()?;
        let wanted = json!({ "spec": self.policy(plan, Some(address))?.spec });
        let policies = cluster.api::<NetworkPolicy>();
        let (called, how) = (name(plan.spec.session), PatchParams::default());
        let patch = Patch::Merge(&wanted);
        let doing = "keep the worker off the cluster's API";
        cluster.call(doing, || policies.patch(&called, &how, &patch)).map(drop)
    }

    /// From here on the pod is the session's: another that takes its place is not.
    pub(super) fn mark(&self, session: &str, pod: &Pod) -> Result<()> {
        let cluster = self.cluster()?;
        let jobs = cluster.api::<Job>();
        let mark = json!({ "metadata": { "annotations": { POD_ANNOTATION: pod.metadata.uid } } });
        let (called, how, patch) = (name(session), PatchParams::default(), Patch::Merge(&mark));
        let marked = cluster.call("mark the sandbox", || jobs.patch(&called, &how, &patch));
        marked.map(drop)
    }

    /// Hands over the first turn. Its claim makes it safe to do twice.
    pub(super) fn hand_first(&self, pod: &str, first: &TurnSpec) -> Result<()> {
        let doing = "hand the first turn to the sandbox";
        let spec = serde_json::to_vec(first).cannot(Kind::Bug, || doing.to_owned())?;
        let words = exec::counted(&super::verb(&["turn".to_owned()]), spec.len() as u64, GO);
        let target: Target = self.target(pod, SUPERVISOR)?;
        let input = || -> std::io::Result<Box<dyn std::io::Read + Send>> {
            Ok(Box::new(std::io::Cursor::new(spec.clone())))
        };
        let said = self.run(doing, &target, &words, &input)?;
        let said: serde_json::Value =
            serde_json::from_str(said.trim()).cannot(Kind::Sandbox, || doing.to_owned())?;
        match said["state"].as_str() {
            Some("started" | "already") => Ok(()),
            _ => Err(Failure::new(Kind::Sandbox, format!("cannot {doing}"))
                .because(said["error"].as_str().unwrap_or("the supervisor took no turn"))),
        }
    }

    pub(super) fn found(session: &str) -> Created {
        Created { id: name(session), live: None, found: true, notes: Vec::new() }
    }
}

/// What a command reads that reads nothing.
#[expect(clippy::unnecessary_wraps, reason = "it stands where files are opened")]
pub(super) fn nothing() -> std::io::Result<Box<dyn std::io::Read + Send>> {
    Ok(Box::new(std::io::empty()))
}

fn how_to_make() -> PostParams {
    PostParams { field_manager: Some("loop".to_owned()), ..PostParams::default() }
}

fn late(what: &str) -> Failure {
    Failure::new(Kind::Sandbox, "the sandbox's pod did not start in time")
        .because(format!("still {what}"))
        .hint("look at it: `kubectl get events`; `start_timeout` waits longer")
}
