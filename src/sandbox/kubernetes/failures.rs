//! What the cluster said, in its words and ours. Pure.

use crate::error::{Failure, Kind};
use kube::Error;
use std::time::Duration;

/// The status of an answer.
pub(super) fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// Whether it may be better next time.
pub(super) fn passes(error: &Error) -> bool {
    match error {
        // As it tells that there is no such container to run something in.
        Error::Api(status) if status.code == 500 && status.message.contains("not found") => false,
        Error::Api(status) => matches!(status.code, 429 | 500 | 502 | 503 | 504),
        Error::HyperError(_) | Error::Service(_) => true,
        _ => false,
    }
}

/// How long the server wants to be left alone.
pub(super) fn asked(error: &Error) -> Option<Duration> {
    let Error::Api(status) = error else { return None };
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
}

pub(super) fn failure(doing: &str, address: &str, error: &Error) -> Failure {
    let sentence = format!("cannot {doing}");
    let Error::Api(status) = error else {
        let mut failure = Failure::new(Kind::Network, sentence);
        failure = failure.because(format!("the cluster at {address} is out of reach"));
        let last = chain(error).pop().unwrap_or_default();
        return failure.because(last).hint("look at it: `kubectl cluster-info`");
    };
    let told = status.message.trim();
    match status.code {
        401 => Failure::new(Kind::Credential, sentence)
            .because(format!("the cluster at {address} does not know us"))
            .because(told)
            .hint("log in to the cluster again, or choose another `context`"),
        403 if told.contains("quota") => refused(sentence, told),
        403 if told.contains("PodSecurity") || told.contains("admission") => {
            Failure::new(Kind::Sandbox, sentence).because(told)
        }
        403 => Failure::new(Kind::Credential, sentence)
            .because(told)
            .hint("see what is missing, and what grants it: `loop doctor --kubernetes`"),
        _ => Failure::new(Kind::Sandbox, sentence).because(told),
    }
}

/// What a quota or a limit does not let in.
pub(super) fn refused(sentence: String, told: &str) -> Failure {
    let failure = Failure::new(Kind::Sandbox, sentence).because(told);
    if told.contains("exceeded quota") {
        return failure
            .hint("see what takes it: `kubectl describe quota`; `loop gc` removes what is over")
            .hint("or ask for less: `cpus` and `memory` in the preset's sandbox");
    }
    if told.contains("RuntimeClass") {
        return failure.hint("`kubectl get runtimeclass` shows those there are");
    }
    if told.contains("maximum") || told.contains("minimum") {
        return failure.hint("set `cpus` and `memory` in the preset's sandbox accordingly");
    }
    failure
}

/// Every cause's own words, outermost first.
fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut words = vec![error.to_string()];
    let mut at = error.source();
    while let Some(cause) = at {
        words.push(cause.to_string());
        at = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn api(code: u16, message: &str) -> Error {
        Error::Api(Box::new(Status { code, message: message.to_owned(), ..failed() }))
    }

    fn failed() -> Status {
        serde_json::from_str(r#"{"status":"Failure"}"#).unwrap()
    }

    #[test]
    fn a_missing_right_is_named() {
        let told = "jobs.batch is forbidden: User \"dev\" cannot create resource \"jobs\" in API \
                    group \"batch\" in the namespace \"agents\"";
        let failure = failure("start the sandbox", "https://c", &api(403, told));
        assert_eq!(failure.kind, Kind::Credential);
        assert!(failure.to_string().contains("cannot create resource"), "{failure}");
        assert!(failure.hints[0].contains("doctor"));
    }

    #[test]
    fn quotas_are_no_matter_of_rights() {
        let told = "jobs.batch \"loop-x\" is forbidden: exceeded quota: small, requested: \
                    count/jobs.batch=1, used: count/jobs.batch=3, limited: count/jobs.batch=3";
        let failure = failure("start the sandbox", "https://c", &api(403, told));
        assert_eq!(failure.kind, Kind::Sandbox);
        assert_eq!(failure.hints.len(), 2);
    }

    #[test]
    fn what_passes_is_known() {
        assert!(passes(&api(503, "")) && passes(&api(429, "")));
        assert!(!passes(&api(404, "")) && !passes(&api(409, "")));
        let lost = Error::Service("connection refused".into());
        assert!(passes(&lost));
        let failure = failure("list the sandboxes", "https://c", &lost);
        assert_eq!(failure.kind, Kind::Network);
        assert_eq!(code(&lost), None);
    }
}
