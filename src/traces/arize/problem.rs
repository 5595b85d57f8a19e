//! What the server says when it refuses: `application/problem+json`, in full sentences.

use crate::error::{Failure, Kind};
use crate::http::Answer;
use serde::Deserialize;

/// The most of a server's sentence that is passed on, in characters.
const LONGEST: usize = 400;

/// RFC 9457, with what the vendor adds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    request_id: Option<String>,
    entitlement: Option<String>,
    limit: Option<i64>,
    current_count: Option<i64>,
    required_plan: Option<String>,
}

/// Why something could not be done. `secret` is the one that holds the key.
pub(super) fn failure(answer: &Answer, doing: &str, secret: &str) -> Failure {
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
    let kind = if matches!(answer.status, 401 | 403) { Kind::Credential } else { Kind::Network };
    let mut failure = Failure::new(kind, format!("cannot {doing}"))
        .because(meaning(answer, &problem, secret))
        .because(said(answer, &problem));
    if let Some(id) = &problem.request_id {
        failure = failure.because(format!("the vendor knows this request as `{}`", short(id)));
    }
    match answer.status {
        401 => failure.hint(format!("store a key that is good: `loop secret set {secret}`")),
        403 if problem.entitlement.is_none() => failure.hint(format!(
            "ask for the right in the space, or take another key: `loop secret set {secret}`"
        )),
        429 => failure.hint("try again later, or ask for a shorter window: `--since 1h`"),
        500.. => failure.hint("try again later"),
        _ => failure,
    }
}

/// In our words, by the status.
fn meaning(answer: &Answer, problem: &Problem, secret: &str) -> String {
    match answer.status {
        401 => format!("Arize AX does not accept the key in `{secret}`"),
        403 => match &problem.entitlement {
            Some(entitlement) => plan(&short(entitlement), problem),
            None => format!("the key in `{secret}` may not do this"),
        },
        404 => "Arize AX has nothing of that id, or the key may not see it".to_owned(),
        409 => "it conflicts with what Arize AX has already".to_owned(),
        400 | 422 => "Arize AX does not take the request as it is".to_owned(),
        429 => match answer.header("retry-after") {
            Some(wait) => {
                let wait = short(wait);
                format!("Arize AX is asked too often, and wants {wait} seconds of rest")
            }
            None => "Arize AX is asked too often".to_owned(),
        },
        status @ 500.. => format!("Arize AX is not able to answer now (status {status})"),
        status => format!("Arize AX answered with status {status}"),
    }
}

/// What the account would have to pay for.
fn plan(entitlement: &str, problem: &Problem) -> String {
    let needed = match &problem.required_plan {
        Some(plan) => format!("; the plan {} has more", short(plan)),
        None => String::new(),
    };
    match (problem.limit, problem.current_count) {
        (Some(limit), Some(count)) => {
            format!("the account's plan allows {limit} of `{entitlement}` and has {count}{needed}")
        }
        _ => format!("the account's plan does not include `{entitlement}`{needed}"),
    }
}

/// In the server's words.
fn said(answer: &Answer, problem: &Problem) -> String {
    match (&problem.title, &problem.detail) {
        (Some(title), Some(detail)) => format!("it says: {}: {}", short(title), short(detail)),
        (Some(one), None) | (None, Some(one)) => format!("it says: {}", short(one)),
        (None, None) if answer.said().is_empty() => String::new(),
        (None, None) => format!("it says: {}", answer.said()),
    }
}

fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(status: u16, body: &serde_json::Value, kind: Kind, causes: &[&str]) {
        let headers = [(reqwest::header::RETRY_AFTER, "120".parse().unwrap())].into_iter();
        let answer =
            Answer { status, headers: headers.collect(), body: body.to_string().into_bytes() };
        let failure = failure(&answer, "read spans", "KEY");
        assert_eq!((failure.kind, failure.sentence.as_str()), (kind, "cannot read spans"));
        assert_eq!(failure.causes, causes);
    }

    #[test]
    fn every_refusal_is_a_sentence() {
        let problem = |title: &str, detail: &str| {
            json!({"type": "https://arize.com/docs/ax/rest-reference/errors", "title": title,
                   "detail": detail, "request_id": "r-1"})
        };
        let request = "the vendor knows this request as `r-1`";
        check(
            401,
            &problem("Unauthorized", "invalid key"),
            Kind::Credential,
            &[
                "Arize AX does not accept the key in `KEY`",
                "it says: Unauthorized: invalid key",
                request,
            ],
        );
        check(
            403,
            &json!({"title": "Forbidden", "entitlement": "SPANS", "required_plan": "ENTERPRISE"}),
            Kind::Credential,
            &[
                "the account's plan does not include `SPANS`; the plan ENTERPRISE has more",
                "it says: Forbidden",
            ],
        );
        check(
            403,
            &json!({"detail": "no", "entitlement": "SPACES", "limit": 2, "current_count": 2}),
            Kind::Credential,
            &["the account's plan allows 2 of `SPACES` and has 2", "it says: no"],
        );
        check(
            422,
            &problem("Unprocessable Entity", "give only one"),
            Kind::Network,
            &[
                "Arize AX does not take the request as it is",
                "it says: Unprocessable Entity: give only one",
                request,
            ],
        );
        check(
            429,
            &json!({}),
            Kind::Network,
            &["Arize AX is asked too often, and wants 120 seconds of rest", "it says: {}"],
        );
        check(
            503,
            &json!("over capacity"),
            Kind::Network,
            &["Arize AX is not able to answer now (status 503)", "it says: \"over capacity\""],
        );
    }
}
