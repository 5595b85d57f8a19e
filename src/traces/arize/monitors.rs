//! The monitors of a project, which the vendor computes and anybody may read.

use super::super::monitor::Monitor;
use super::api::Api;
use crate::error::Result;
use serde::Deserialize;
use serde_json::Value;

/// Those of one project, newest first.
pub(super) fn list(api: &Api, project: &str) -> Result<Vec<Monitor>> {
    #[derive(Deserialize)]
    struct Read {
        id: String,
        #[serde(default)]
        name: String,
        #[serde(default, rename = "type")]
        kind: String,
        status: Option<String>,
        threshold: Option<Value>,
        evaluated_at: Option<String>,
        latest_computed_value: Option<f64>,
        uri: Option<String>,
    }
    let what = ("list the monitors of Arize AX", "monitors");
    let read: Vec<Read> = api.list(what, "/v2/monitors", &[("project_id", project)])?;
    let monitor = |read: Read| Monitor {
        id: read.id,
        name: read.name,
        kind: read.kind,
        status: read.status.unwrap_or_else(|| "NO_DATA".to_owned()),
        evaluated_at: read.evaluated_at,
        latest_value: read.latest_computed_value,
        threshold: read.threshold.as_ref().and_then(words),
        uri: read.uri,
    };
    Ok(read.into_iter().map(monitor).collect())
}

/// What sets it off. `None` where it is of a form that is not known here.
fn words(threshold: &Value) -> Option<String> {
    let bound = |side: &Value, amount: &str| {
        let word = match side["operator"].as_str()? {
            "GREATER_THAN" => "above",
            "GREATER_THAN_OR_EQUAL" => "at least",
            "LESS_THAN" => "below",
            "LESS_THAN_OR_EQUAL" => "at most",
            "EQUALS" => "equal to",
            "NOT_EQUALS" => "other than",
            _ => return None,
        };
        Some(format!("{word} {}", side[amount].as_f64()?))
    };
    let calculation = || threshold["calculation"].as_str().unwrap_or("deviation").to_lowercase();
    match threshold["type"].as_str()? {
        "MANUAL_SINGLE" => bound(threshold, "value"),
        "MANUAL_RANGE" => {
            let (lower, upper) = (&threshold["lower"], &threshold["upper"]);
            Some(format!("{} or {}", bound(lower, "value")?, bound(upper, "value")?))
        }
        "DYNAMIC_SINGLE" => {
            Some(format!("{} x {}", bound(threshold, "multiplier")?, calculation()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_sets_it_off() {
        #[track_caller]
        fn check(threshold: &Value, expected: Option<&str>) {
            assert_eq!(words(threshold).as_deref(), expected, "{threshold}");
        }
        let above = json!({"operator": "GREATER_THAN", "value": 8000});
        let below = json!({"operator": "LESS_THAN_OR_EQUAL", "value": 0.5});
        let mut single = above.clone();
        single["type"] = json!("MANUAL_SINGLE");
        check(&single, Some("above 8000"));
        check(
            &json!({"type": "MANUAL_RANGE", "lower": above, "upper": below}),
            Some("above 8000 or at most 0.5"),
        );
        check(
            &json!({"type": "DYNAMIC_SINGLE", "calculation": "STDEV", "operator": "GREATER_THAN",
                "multiplier": 2}),
            Some("above 2 x stdev"),
        );
        check(&json!({"type": "OF_LATER", "value": 1}), None);
        check(&json!("?"), None);
    }
}
