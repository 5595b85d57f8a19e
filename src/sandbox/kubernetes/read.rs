//! Reading what a session leaves, wherever that still runs: verbs beside the supervisor, files by way
//! of the keeper, and a claim by way of a pod that is made for it.

use super::Kubernetes;
use super::exec::{self, Target};
use super::make::nothing;
use super::manifest;
use super::names::{GO, KEEPER, STATE, SUPERVISOR, WORKER, reader};
use super::{standing, verb};
use crate::domain::places;
use crate::error::{Failure, Kind, Result};
use crate::sandbox::Area;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use std::io::{Cursor, Read};
use std::time::{Duration, Instant};

/// How long a pod that only reads may take to start.
const READER: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(200);

/// What is there of a session's.
struct There {
    job: Job,
    pod: Option<Pod>,
}

impl Kubernetes {
    fn there(&self, session: &str) -> Result<There> {
        let gone = || Failure::new(Kind::Sandbox, format!("the sandbox of `{session}` is gone"));
        let job = self.job(session)?.ok_or_else(gone)?;
        let pod = self.handed(session, &job)?;
        Ok(There { job, pod })
    }

    /// Runs a verb beside the supervisor; one that only reads also where that has ended.
    pub(super) fn beside(
        &self,
        session: &str,
        words: &[String],
        stdin: &[u8],
    ) -> Result<Box<dyn Read + Send>> {
        let doing = "reach the supervisor";
        let There { pod, .. } = self.there(session)?;
        let reads = words.first().is_some_and(|word| word == "journal");
        let runs = |name: &&str| pod.as_ref().is_some_and(|pod| standing::runs(pod, name));
        let place =
            [SUPERVISOR].iter().chain(reads.then_some(&KEEPER)).copied().find(|name| runs(name));
        let (Some(container), Some(pod)) = (place, pod.as_ref().and_then(called)) else {
            return Err(Failure::new(Kind::Sandbox, format!("cannot {doing}"))
                .because("it has ended, or its pod was deleted"));
        };
        let target = self.target(pod, container)?;
        if stdin.is_empty() {
            return self.stream(doing, &target, &verb(words));
        }
        let input = || -> std::io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(Cursor::new(stdin.to_vec())))
        };
        let words = exec::counted(&verb(words), stdin.len() as u64, GO);
        let said = self.run(doing, &target, &words, &input)?;
        Ok(Box::new(Cursor::new(said.into_bytes())))
    }

    pub(super) fn fetch(&self, session: &str, what: Area) -> Result<Box<dyn Read + Send>> {
        let doing = "read the sandbox's files";
        let There { job, pod } = self.there(session)?;
        let (path, places) = match what {
            // As the worker, who may have kept files to itself.
            Area::Artifacts => (places::ARTIFACTS.to_owned(), [WORKER, KEEPER]),
            Area::Journal => (format!("{STATE}/journal.jsonl"), [KEEPER, SUPERVISOR]),
        };
        let words = [places::PROGRAM, "pack", &path].map(str::to_owned);
        let runs = |name: &&str| pod.as_ref().is_some_and(|pod| standing::runs(pod, name));
        if let (Some(container), Some(pod)) =
            (places.into_iter().find(|name| runs(name)), pod.as_ref().and_then(called))
        {
            return self.stream(doing, &self.target(pod, container)?, &words);
        }
        if what == Area::Journal && self.settings.spool.is_some() {
            let reading = self.reading(session, &job)?;
            return self.stream(doing, &self.target(&reading, KEEPER)?, &words);
        }
        Err(Failure::new(Kind::Sandbox, format!("cannot {doing}"))
            .because("they went with the pod, which has ended"))
    }

    /// A pod that mounts the claim of a session whose own pod is gone.
    fn reading(&self, session: &str, job: &Job) -> Result<String> {
        let cluster = self.cluster()?;
        let doing = "read what is left on the sandbox's volume";
        let template = job.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
        let image = template.and_then(|spec| spec.containers.first()?.image.as_deref());
        let image = image.unwrap_or_default();
        let mut wanted = manifest::reading(session, &self.host.store, image, &self.settings);
        wanted.metadata.owner_references = manifest::owned_by(job).map(|owner| vec![owner]);
        let (pods, called) = (cluster.api::<Pod>(), reader(session));
        let how = PostParams::default();
        match cluster.answer(|| pods.create(&how, &wanted)) {
            Err(error) if super::failures::code(&error) != Some(409) => {
                return Err(cluster.failure(doing, &error));
            }
            _ => {}
        }
        let since = Instant::now();
        loop {
            let pod = cluster.call(doing, || pods.get(&called))?;
            if standing::runs(&pod, KEEPER) {
                break;
            }
            if standing::ended(&pod, None).is_some() || since.elapsed() > READER {
                return Err(Failure::new(Kind::Sandbox, format!("cannot {doing}"))
                    .because("the pod that reads it does not start"));
            }
            std::thread::sleep(PAUSE);
        }
        self.put_program(&called, KEEPER)?;
        let target: Target = self.target(&called, KEEPER)?;
        let words = [places::PROGRAM, "journal", "--run", STATE, "--after", &u64::MAX.to_string()];
        // So that a journal that is not there is told here.
        self.run(doing, &target, &words.map(str::to_owned), &nothing)?;
        Ok(called)
    }
}

fn called(pod: &Pod) -> Option<&str> {
    pod.metadata.name.as_deref()
}
