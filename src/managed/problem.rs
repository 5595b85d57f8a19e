//! What a refusal of the vendor's means, as a failure that says what to do next.
//!
//! Decided by the status and, where there is one, the error code; never by the message, which is only
//! told. A message that holds the key is told without it.

use super::reader::shortened;
use super::wire::Reach;
use crate::error::{Failure, Kind};
use crate::http::Answer;
use serde_json::Value;

/// `doing` reads as in "create the session".
pub(super) fn problem(answer: &Answer, doing: &str, reach: &Reach) -> Failure {
    let said = Said::of(answer);
    let (kind, hint) = meaning(answer.status, &said.code, &reach.secret);
    let failure = Failure::new(kind, format!("cannot {doing}"));
    let failure = match said.told(answer.status) {
        told if reach.key.expose().is_empty() => failure.because(told),
        told => failure.because(told.replace(reach.key.expose(), "[redacted]")),
    };
    hint.into_iter().fold(failure, Failure::hint)
}

/// What the vendor says of an error.
#[derive(Debug, Default)]
struct Said {
    message: String,
    code: String,
    request: String,
}

impl Said {
    fn of(answer: &Answer) -> Self {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |at: &str| body.pointer(at).and_then(Value::as_str).map(shortened);
        let request = text("/request_id").or(answer.header("request-id").map(shortened));
        Self {
            message: text("/error/message").unwrap_or_else(|| answer.said()),
            code: text("/error/details/error_code").unwrap_or_default(),
            request: request.unwrap_or_default(),
        }
    }

    fn told(&self, status: u16) -> String {
        let mut told = format!("the service answered {status}");
        if !self.code.is_empty() {
            told.push_str(&format!(" ({})", self.code));
        }
        if !self.message.is_empty() {
            told.push_str(&format!(": {}", self.message));
        }
        if !self.request.is_empty() {
            told.push_str(&format!(" (request {})", self.request));
        }
        told
    }
}

fn meaning(status: u16, code: &str, secret: &str) -> (Kind, Vec<String>) {
    let hints = |hints: &[&str]| hints.iter().map(|hint| (*hint).to_owned()).collect();
    match (status, code) {
        (_, "enforced_spend_limit_reached" | "contract_spend_limit_reached") => (
            Kind::Limit,
            hints(&["raise the organisation's spend limit, or wait until it begins anew"]),
        ),
        (_, "storage_quota_exceeded") => {
            (Kind::Limit, hints(&["delete files of the account that nobody needs any more"]))
        }
        (_, "environment_archived") => {
            (Kind::Config, hints(&["name an environment that is not archived: `environment = …`"]))
        }
        (_, "sandbox_egress_restricted" | "workspace_policy_violation") => {
            (Kind::Config, hints(&["ask the organisation's administrator to allow it"]))
        }
        (_, "organization_not_enrolled_in_beta") => {
            (Kind::Config, hints(&["ask the vendor to enrol the organisation in managed agents"]))
        }
        (401, _) => (
            Kind::Credential,
            vec![format!("store a key that is good: `loop secret set {secret}`")],
        ),
        (403, _) => (
            Kind::Credential,
            vec![format!(
                "let the key's workspace use managed agents, or store another: `loop secret set {secret}`"
            )],
        ),
        (402, _) => (Kind::Limit, hints(&["add credit to the account"])),
        (404, _) => (
            Kind::Config,
            vec![
                "check the ids in the preset: `agent`, `environment`, `vaults`".to_owned(),
                format!(
                    "check that the key is of the same workspace: `loop secret check {secret}`"
                ),
            ],
        ),
        (408 | 429 | 500.., _) => (Kind::Network, hints(&["try again in a while"])),
        _ => (Kind::Config, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secret;

    fn check(status: u16, body: &str) -> Failure {
        let reach = Reach {
            base: "https://x".to_owned(),
            key: Secret::new("sk-hidden-value", "KEY").unwrap(),
            secret: "KEY".to_owned(),
            ca_bundle: None,
            patience: super::super::wire::PATIENCE,
            back_off: super::super::wire::PATIENCE,
        };
        let answer = Answer {
            status,
            headers: reqwest::header::HeaderMap::default(),
            body: body.as_bytes().to_vec(),
        };
        problem(&answer, "create the session", &reach)
    }

    fn envelope(code: &str, message: &str) -> String {
        serde_json::json!({
            "type": "error", "request_id": "req_1",
            "error": { "type": "x", "message": message, "details": { "error_code": code } },
        })
        .to_string()
    }

    #[test]
    fn the_code_decides_and_the_message_is_told() {
        let failed = check(400, &envelope("environment_archived", "Not here.\nGo away."));
        assert_eq!(failed.kind, Kind::Config);
        assert_eq!(
            failed.to_string(),
            "cannot create the session: the service answered 400 (environment_archived): \
             Not here. Go away (request req_1)"
        );
        assert!(failed.hints[0].contains("archived"));
        let misleading = check(400, &envelope("", "authentication_error 401"));
        assert_eq!(misleading.kind, Kind::Config);
    }

    #[test]
    fn the_status_decides_where_there_is_no_code() {
        for (status, kind) in [
            (401, Kind::Credential),
            (402, Kind::Limit),
            (403, Kind::Credential),
            (404, Kind::Config),
            (409, Kind::Config),
            (429, Kind::Network),
            (529, Kind::Network),
        ] {
            assert_eq!(check(status, "no JSON").kind, kind, "{status}");
        }
        assert!(check(401, "").hints[0].contains("`loop secret set KEY`"));
    }

    #[test]
    fn the_key_is_in_no_message() {
        let failed = check(401, &envelope("", "invalid key sk-hidden-value"));
        assert_eq!(
            failed.causes[0],
            "the service answered 401: invalid key [redacted] (request req_1)"
        );
    }
}
