//! The answers of a server that does not do what it was asked: `Status` objects.

use serde_json::{Value, json};

/// A failure, as the API tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub code: u16,
    /// Seconds to wait, as a header tells them.
    pub retry_after: Option<u64>,
    pub status: Value,
}

impl Refusal {
    pub fn new(code: u16, reason: &str, message: &str, details: Value) -> Self {
        let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
            "status": "Failure", "message": message, "reason": reason, "details": details,
            "code": code});
        for name in ["details", "reason"] {
            if status[name].is_null() || status[name] == "" {
                status.as_object_mut().expect("an object").remove(name);
            }
        }
        Self { code, retry_after: None, status }
    }

    /// One that is told in words alone.
    pub fn plain(code: u16, words: &str) -> Self {
        Self { code, retry_after: None, status: Value::from(words) }
    }

    pub fn message(&self) -> &str {
        self.status["message"].as_str().unwrap_or_default()
    }

    pub fn bad_request(message: &str) -> Self {
        Self::new(400, "BadRequest", message, Value::Null)
    }

    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized", Value::Null)
    }

    /// What an authorizer says, for example of `create` and `pods/exec`.
    pub fn not_allowed(verb: &str, resource: (&str, &str), name: &str, place: &str) -> Self {
        let (group, plural) = resource;
        let quoted = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
        let full = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        let message = format!(
            "{full}{quoted} is forbidden: User \"{}\" cannot {verb} resource \"{plural}\" in API \
             group \"{group}\" in the namespace \"{place}\"",
            super::USER
        );
        let kind = plural.split('/').next().unwrap_or_default();
        Self::new(403, "Forbidden", &message, details(group, kind, name))
    }

    /// What an admission controller says.
    pub fn forbidden(resource: (&str, &str), name: &str, why: &str) -> Self {
        let (group, plural) = resource;
        let full = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        let message = format!("{full} \"{name}\" is forbidden: {why}");
        Self::new(403, "Forbidden", &message, details(group, plural, name))
    }

    pub fn not_found(group: &str, plural: &str, name: &str) -> Self {
        let full = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        let message = format!("{full} \"{name}\" not found");
        Self::new(404, "NotFound", &message, details(group, plural, name))
    }

    pub fn exists(group: &str, plural: &str, name: &str) -> Self {
        let full = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        let message = format!("{full} \"{name}\" already exists");
        Self::new(409, "AlreadyExists", &message, details(group, plural, name))
    }

    pub fn conflict(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let full = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        let message = format!("Operation cannot be fulfilled on {full} \"{name}\": {why}");
        Self::new(409, "Conflict", &message, details(group, plural, name))
    }

    /// A field whose value may not be so.
    pub fn invalid(kind: (&str, &str), name: &str, field: &str, why: &str) -> Self {
        let (group, kind) = kind;
        let full = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let message = format!("{full} \"{name}\" is invalid: {field}: {why}");
        let mut details = details(group, kind, name);
        details["causes"] =
            json!([{"reason": "FieldValueInvalid", "message": why, "field": field}]);
        Self::new(422, "Invalid", &message, details)
    }

    pub fn expired(version: u64, oldest: u64) -> Self {
        let message = format!("too old resource version: {version} ({oldest})");
        Self::new(410, "Expired", &message, Value::Null)
    }

    pub fn too_many(seconds: u64) -> Self {
        let message = "Too many requests, please try again later.";
        let details = json!({"retryAfterSeconds": seconds});
        let refusal = Self::new(429, "TooManyRequests", message, details);
        Self { retry_after: Some(seconds), ..refusal }
    }

    pub fn unavailable() -> Self {
        let message = "the server is currently unable to handle the request";
        Self::new(503, "ServiceUnavailable", message, Value::Null)
    }

    pub fn internal(why: &str) -> Self {
        let message = format!("Internal error occurred: {why}");
        Self::new(500, "InternalError", &message, json!({"causes": [{"message": why}]}))
    }
}

fn details(group: &str, plural: &str, name: &str) -> Value {
    let mut details = json!({"kind": plural});
    for (key, value) in [("group", group), ("name", name)] {
        if !value.is_empty() {
            details[key] = json!(value);
        }
    }
    details
}

/// That something was done, of which there is nothing left to show.
pub fn success(group: &str, plural: &str, object: &Value) -> Value {
    let mut details = details(group, plural, object["metadata"]["name"].as_str().unwrap_or(""));
    details["uid"] = object["metadata"]["uid"].clone();
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": details})
}
