//! What traces that show a failure have in common and others mostly do not: a release, a prompt's
//! version, a channel, a plan.
//!
//! It looks at samples, after the pass: the kept traces of a group beside some of all traces. A value
//! is told where so many hits would have it by chance less than once in a thousand.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Of hits, this part must have the value; of others, at most that.
const OF_HITS: f64 = 0.9;
const OF_OTHERS: f64 = 0.8;
const BY_CHANCE: f64 = 0.001;
const LEAST: usize = 6;

/// What is told of one group, at most.
const TOLD: usize = 3;

const LONGEST: usize = 64;

/// Attributes that say how something was set up, and not what happened in it.
const KEYS: [&str; 5] = [
    "deployment.environment",
    "llm.prompt_template.version",
    "prompt.version",
    "service.version",
    "tag.tags",
];

/// Names and values, each once.
pub(super) fn facets(attributes: &Map<String, Value>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (key, value) in attributes {
        if let Some(name) = key.strip_prefix("metadata.") {
            add(&mut found, name, value);
        } else if KEYS.contains(&key.as_str()) {
            add(&mut found, key, value);
        } else if key == "metadata" {
            let parsed: Option<Value> =
                value.as_str().and_then(|text| serde_json::from_str(text).ok());
            if let Some(Value::Object(object)) = parsed {
                object.iter().for_each(|(name, value)| add(&mut found, name, value));
            }
        }
    }
    found
}

fn add(found: &mut BTreeMap<String, String>, name: &str, value: &Value) {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return,
    };
    if text.len() <= LONGEST && name.len() <= LONGEST && found.len() < 32 {
        found.insert(name.to_owned(), text);
    }
}

/// Sentences; the most telling first.
pub(super) fn apart(
    hits: &[BTreeMap<String, String>],
    others: &[BTreeMap<String, String>],
) -> Vec<String> {
    if hits.len() < LEAST || others.len() < LEAST {
        return Vec::new();
    }
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (name, value) in hits.iter().flatten() {
        *counts.entry((name, value)).or_default() += 1;
    }
    let mut told: Vec<(f64, String)> = Vec::new();
    for ((name, value), count) in counts {
        let there =
            others.iter().filter(|other| other.get(name).is_some_and(|own| own == value)).count();
        // One more, so that what was never seen elsewhere is not taken for impossible.
        let share = (there as f64 + 1.0) / (others.len() as f64 + 1.0);
        let own = count as f64 / hits.len() as f64;
        if own < OF_HITS || share > OF_OTHERS || share.powi(count as i32) > BY_CHANCE {
            continue;
        }
        let text = format!(
            "`{name}` is `{value}` in {count} of {} of these traces looked at, and in {there} of {} others",
            hits.len(),
            others.len()
        );
        told.push((share, text));
    }
    told.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    told.into_iter().take(TOLD).map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn many(count: usize, metadata: &Value) -> Vec<BTreeMap<String, String>> {
        let attributes =
            json!({"metadata": metadata.to_string(), "user.id": "u", "metadata.turn": 1});
        vec![facets(attributes.as_object().unwrap()); count]
    }

    #[test]
    fn a_release_is_told_and_what_all_have_is_not() {
        let hits = many(10, &json!({"version": "2", "channel": "web"}));
        let others = [
            many(10, &json!({"version": "1", "channel": "web"})),
            many(5, &json!({"version": "2"})),
        ]
        .concat();
        let told = apart(&hits, &others);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("`version` is `2` in 10 of 10"), "{told:?}");
        assert!(apart(&hits[..5], &others).is_empty(), "too few");
        // By chance: half of all have it, and eight hits.
        let half = [many(8, &json!({"version": "2"})), many(8, &json!({"version": "1"}))].concat();
        assert!(apart(&many(8, &json!({"version": "2"})), &half).is_empty());
    }
}
