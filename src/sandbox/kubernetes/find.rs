//! Looking: which Job and which pod are a session's, and how they stand.

use super::Kubernetes;
use super::names::{
    KEEPER, POD_ANNOTATION, SESSION_LABEL, STORE_LABEL, SUPERVISOR, WORKER, label, name, selector,
};
use super::standing;
use crate::error::Result;
use crate::sandbox::{Found, Status};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{ListParams, ObjectMeta};
use std::collections::BTreeMap;

impl Kubernetes {
    pub(super) fn job(&self, session: &str) -> Result<Option<Job>> {
        let cluster = self.cluster()?;
        let (jobs, called) = (cluster.api::<Job>(), name(session));
        cluster.call_for("look at the sandbox", || jobs.get(&called))
    }

    /// The pods of a Job, the newest last.
    pub(super) fn pods(&self, session: &str, job: &Job) -> Result<Vec<Pod>> {
        let cluster = self.cluster()?;
        let (pods, wanted) =
            (cluster.api::<Pod>(), ListParams::default().labels(&selector(session)));
        let found = cluster.call("look at the sandbox", || pods.list(&wanted))?;
        let own = |pod: &Pod| {
            let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
            owners.iter().any(|owner| Some(&owner.uid) == job.metadata.uid.as_ref())
        };
        let mut own: Vec<Pod> = found.items.into_iter().filter(own).collect();
        own.sort_by(|a, b| a.metadata.creation_timestamp.cmp(&b.metadata.creation_timestamp));
        Ok(own)
    }

    /// The pod that was handed the session's first turn, where it is still there.
    pub(super) fn handed(&self, session: &str, job: &Job) -> Result<Option<Pod>> {
        let Some(uid) = handed_to(job) else { return Ok(None) };
        let pods = self.pods(session, job)?;
        Ok(pods.into_iter().find(|pod| pod.metadata.uid.as_deref() == Some(uid)))
    }

    pub(super) fn look(&self, session: &str) -> Result<Status> {
        let Some(job) = self.job(session)? else { return Ok(Status::Gone) };
        if handed_to(&job).is_none() {
            return Ok(Status::Created);
        }
        let Some(pod) = self.handed(session, &job)? else {
            return Ok(self.lost(&job, None));
        };
        if standing::runs(&pod, SUPERVISOR) && standing::runs(&pod, WORKER) {
            return Ok(Status::Running);
        }
        let over =
            [SUPERVISOR, WORKER].iter().any(|name| standing::terminated(&pod, name).is_some());
        if standing::runs(&pod, KEEPER) && over && pod.metadata.deletion_timestamp.is_none() {
            return Ok(Status::Stopped { oom_killed: standing::ran_out_of_memory(&pod) });
        }
        if standing::ended(&pod, None).is_some() {
            Ok(self.lost(&job, Some(&pod)))
        } else {
            Ok(Status::Running)
        }
    }

    /// It was ended from outside, and its files went with it unless they are on a volume of their own.
    fn lost(&self, job: &Job, pod: Option<&Pod>) -> Status {
        let reason = standing::job_ended(job);
        let reason = reason.or_else(|| standing::ended(pod?, self.told(job).as_deref()));
        let reason = reason.or_else(|| self.told(job));
        let reason = reason.unwrap_or_else(|| "its pod was deleted from the cluster".to_owned());
        Status::Lost { reason, journal: self.settings.spool.is_some() }
    }

    /// What the cluster tells of the end of a Job's pod. Nobody need be allowed to ask.
    fn told(&self, job: &Job) -> Option<String> {
        const ENDS: [&str; 6] = [
            "Evicted",
            "Preempted",
            "Preempting",
            "TaintManagerEviction",
            "NodeNotReady",
            "DeadlineExceeded",
        ];
        let prefix = job.metadata.name.as_deref()?;
        let events = self.events("Pod").ok()?;
        let of_pod = |event: &Event| {
            event.involved_object.name.as_deref().is_some_and(|name| name.starts_with(prefix))
        };
        let ends = |event: &Event| event.reason.as_deref().is_some_and(|why| ENDS.contains(&why));
        let event = events.into_iter().rfind(|event| of_pod(event) && ends(event))?;
        let reason = event.reason.as_deref().unwrap_or_default();
        Some(standing::with(reason, event.message.as_ref()))
    }

    /// Why a Job gets no pod, the newest reason last.
    pub(super) fn refusals(&self, job: &Job) -> Vec<String> {
        let of_job = |event: &Event| {
            event.involved_object.uid == job.metadata.uid
                && event.reason.as_deref() == Some("FailedCreate")
        };
        let events = self.events("Job").unwrap_or_default();
        events.into_iter().filter(of_job).filter_map(|event| event.message).collect()
    }

    /// Why a pod's image cannot be had: its status soon only says that it is tried again.
    pub(super) fn unpulled(&self, pod: &Pod) -> Option<String> {
        let of_pod = |event: &Event| {
            event.involved_object.uid == pod.metadata.uid
                && event.reason.as_deref() == Some("Failed")
        };
        let told = self.events("Pod").ok()?.into_iter().filter(of_pod);
        told.filter_map(|event| event.message).find(|told| told.starts_with("Failed to pull"))
    }

    fn events(&self, of: &str) -> Result<Vec<Event>> {
        let cluster = self.cluster()?;
        let wanted = ListParams::default().fields(&format!("involvedObject.kind={of}"));
        let events = cluster.api::<Event>();
        Ok(cluster.call("read the cluster's events", || events.list(&wanted))?.items)
    }

    /// Everything that carries a session's label, whoever's it is.
    pub(super) fn all(&self) -> Result<Vec<Found>> {
        let cluster = self.cluster()?;
        let doing = "list the sandboxes";
        let wanted = ListParams::default().labels(SESSION_LABEL);
        let mut found: BTreeMap<String, Found> = BTreeMap::new();
        let mut add = |about: ObjectMeta| {
            let session = label(&about, SESSION_LABEL).to_owned();
            let ours = label(&about, STORE_LABEL) == self.host.store;
            let id = name(&session);
            found.entry(session.clone()).or_insert(Found { id, session, ours });
        };
        let (jobs, policies) = (cluster.api::<Job>(), cluster.api::<NetworkPolicy>());
        let claims = cluster.api::<PersistentVolumeClaim>();
        for job in cluster.call(doing, || jobs.list(&wanted))? {
            add(job.metadata);
        }
        // What a command left that was killed before there was a Job, or after.
        for policy in cluster.call(doing, || policies.list(&wanted))? {
            add(policy.metadata);
        }
        for claim in cluster.call(doing, || claims.list(&wanted))? {
            add(claim.metadata);
        }
        Ok(found.into_values().collect())
    }
}

/// The pod that has the first turn, as its Job remembers it.
pub(super) fn handed_to(job: &Job) -> Option<&str> {
    job.metadata.annotations.as_ref()?.get(POD_ANNOTATION).map(String::as_str)
}
