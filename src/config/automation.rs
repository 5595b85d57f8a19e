//! An automation's file.

use super::reader::{self, At, Table};
use super::{Known, value};
use crate::domain::automation::watch::{MetricTrigger, NoData, Side};
use crate::domain::automation::{
    Automation, CatchUp, Format, MonitorTrigger, Notify, On, Overlap, RunLimits, Trigger,
    WebhookTrigger, due,
};
use crate::domain::digest;
use crate::domain::measure;
use crate::domain::provider::Ability;
use crate::domain::schedule::{self, Schedule};
use crate::domain::words::or;
use crate::error::Result;
use std::collections::BTreeMap;

/// What a metric and a monitor are looked at every so often, where the file says nothing.
const EVERY_MS: u64 = 60_000;

/// Looking more often costs the source more than it tells.
const LEAST_EVERY_MS: u64 = 5_000;

/// What an automation's names are held against.
#[derive(Debug, Clone)]
pub struct Around {
    pub known: Known,
    /// Every preset that can be found, and where its workers run: `None` where nothing says it.
    pub presets: BTreeMap<String, Option<String>>,
    /// Every project that has a name, and its source.
    pub projects: BTreeMap<String, String>,
}

/// Reads an automation. `name` is its own, `file` what messages call the file.
pub fn read(name: &str, file: &str, text: &str, around: &Around) -> Result<Automation> {
    reader::read(file, text, |table| {
        let description = table.string("description").map(|at| at.value).unwrap_or_default();
        let project = project(table, around);
        let trigger = table.table("trigger", |table| trigger(table, around, project.as_ref()));
        let trigger = trigger.unwrap_or_else(|| {
            if !table.has("trigger") {
                table.missing("trigger", "[trigger]` and below it `cron = \"0 2 * * *\"");
            }
            UNREAD
        });
        let limits = limits(table, &trigger);
        Automation {
            name: name.to_owned(),
            description,
            preset: preset(table, around),
            project: project.map(|at| at.value),
            prompt: table.text("prompt").map(|at| at.value),
            harness: table.name_of("harness", "harness", around.known.harnesses).map(|at| at.value),
            model: table.text("model").map(|at| at.value),
            repo: table.parsed("repo", value::repo).map(|at| at.value),
            since: table.text("since").map(|at| at.value),
            labels: labels(table),
            enabled: table.bool("enabled").is_none_or(|at| at.value),
            overlap: overlap(table),
            catch_up: catch_up(table),
            jitter_ms: duration(table, "jitter").unwrap_or(0),
            limits,
            trigger,
            notify: table.table("notify", notify),
            signal: table.table("signal", super::signal::read),
            spec: digest::short(&[text]),
        }
    })
}

fn preset(table: &mut Table, around: &Around) -> String {
    let Some(found) = table.text("preset") else {
        if !table.has("preset") {
            table.missing("preset", "preset = \"triage\"");
        }
        return String::new();
    };
    let names: Vec<&str> = around.presets.keys().map(String::as_str).collect();
    match around.presets.get(&found.value) {
        None => table.unknown_name(&found, "preset", &names),
        Some(Some(provider)) if !around.known.can(provider, Ability::Automations) => {
            let sentence = format!(
                "preset `{}` runs on `{provider}`, and automations do not run on a vendor's own \
                 infrastructure",
                found.value
            );
            let can = |name: &&&str| around.known.can(name, Ability::Automations);
            let own = or(&around.known.providers.iter().filter(can).collect::<Vec<_>>());
            table.wrong(&found.at, sentence, Some(format!("take a preset whose sandbox is {own}")));
        }
        Some(_) => {}
    }
    found.value
}

fn project(table: &mut Table, around: &Around) -> Option<At<String>> {
    let found = table.text("project")?;
    let is_path = found.value.contains(['/', '.']);
    if !is_path && !around.projects.contains_key(&found.value) {
        let names: Vec<&str> = around.projects.keys().map(String::as_str).collect();
        table.unknown_name(&found, "project", &names);
    }
    Some(found)
}

fn labels(table: &mut Table) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    table.each("labels", |key, value| {
        if let Some(text) = value.string() {
            labels.insert(key.value.clone(), text.value);
        }
    });
    labels
}

fn overlap(table: &mut Table) -> Overlap {
    let found = table.name_of("overlap", "rule of overlap", &Overlap::NAMES);
    found.and_then(|at| Overlap::of_name(&at.value)).unwrap_or_default()
}

fn catch_up(table: &mut Table) -> CatchUp {
    let found = table.name_of("catch_up", "way to catch up", &CatchUp::NAMES);
    found.and_then(|at| CatchUp::of_name(&at.value)).unwrap_or_default()
}

fn limits(table: &mut Table, trigger: &Trigger) -> RunLimits {
    let usual = match trigger {
        Trigger::Cron(_) => due::LIMITS,
        Trigger::Metric(_) | Trigger::Monitor(_) | Trigger::Webhook(_) => RunLimits::OUTSIDE,
    };
    RunLimits {
        per_hour: table.count("max_per_hour").map(|at| at.value).or(usual.per_hour),
        per_day: table.count("max_per_day").map(|at| at.value).or(usual.per_day),
    }
}

/// The keys that say which trigger it is, each with a line as it should be.
const TRIGGERS: [(&str, &str); 3] = [
    ("cron", "cron = \"0 2 * * *\""),
    ("metric", "metric = \"error_rate\""),
    ("monitor", "monitor = { source = \"arize\", name = \"…\" }"),
];

/// What stands for a trigger that has mistakes; it is never used.
const UNREAD: Trigger = Trigger::Webhook(WebhookTrigger { secret: String::new(), cooldown_ms: 0 });

/// `None` where the file has no such table.
fn trigger(table: &mut Table, around: &Around, project: Option<&At<String>>) -> Option<Trigger> {
    let keys = TRIGGERS.iter().map(|(key, _)| *key);
    let there: Vec<&str> = keys.filter(|key| table.has(key)).collect();
    let read = match there.as_slice() {
        ["cron"] => cron(table).map(Box::new).map(Trigger::Cron),
        ["metric"] => {
            needs_project(table, project);
            metric(table, around).map(Trigger::Metric)
        }
        ["monitor"] => monitor(table, around, project),
        [] => {
            let lines: Vec<_> = TRIGGERS.iter().map(|(_, line)| format!("`{line}`")).collect();
            let hint = format!("add one of {}", lines.join(", "));
            if table.is_there() {
                table.wrong_here("`[trigger]` names none", Some(hint));
            }
            known_keys(table);
            None
        }
        several => {
            let names = several.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>();
            let sentence =
                format!("{} are several triggers, and there is one", names.join(" and "));
            table.wrong_here(sentence, Some("write one automation for each".to_owned()));
            known_keys(table);
            None
        }
    };
    table.is_there().then(|| read.unwrap_or(UNREAD))
}

/// Asks for every key, so that slips of the pen are compared with them.
fn known_keys(table: &mut Table) {
    let keys = ["cron", "timezone", "metric", "window", "above", "below", "clear", "for"];
    for key in keys.into_iter().chain(["cooldown", "every", "no_data", "min_sample", "monitor"]) {
        let _ = table.take(key);
    }
}

fn cron(table: &mut Table) -> Option<Schedule> {
    let cron =
        table.parsed("cron", |text| schedule::cron(text).map(|cron| (cron, text.to_owned())));
    let zone =
        table.parsed("timezone", |text| schedule::zone(text).map(|tz| (text.to_owned(), tz)));
    let (name, tz) = match zone {
        Some(zone) => zone.value,
        None => ("UTC".to_owned(), schedule::zone("UTC").ok()?),
    };
    let (cron, text) = cron?.value;
    Some(Schedule::new(cron, &text, (&name, tz)))
}

fn metric(table: &mut Table, around: &Around) -> Option<MetricTrigger> {
    let metric =
        table.parsed("metric", |text| (around.known.metric)(text).map(|()| text.to_owned()));
    let window = duration(table, "window");
    let (side, threshold) = threshold(table)?;
    let clear = clear(table, side, threshold);
    let for_ms = duration(table, "for").unwrap_or(0);
    let cooldown_ms = duration(table, "cooldown").unwrap_or(0);
    let every_ms = every(table);
    let no_data = table.name_of("no_data", "meaning of no data", &NoData::NAMES);
    let min_sample = table.count("min_sample").map_or(1, |at| u64::from(at.value));
    Some(MetricTrigger {
        metric: metric?.value,
        window_ms: window.unwrap_or(3_600_000),
        side,
        threshold,
        clear,
        for_ms,
        cooldown_ms,
        every_ms,
        no_data: no_data.and_then(|at| NoData::of_name(&at.value)).unwrap_or_default(),
        min_sample,
    })
}

fn threshold(table: &mut Table) -> Option<(Side, f64)> {
    let (above, below) = (table.number("above"), table.number("below"));
    match (above, below) {
        (Some(above), None) => Some((Side::Above, above.value)),
        (None, Some(below)) => Some((Side::Below, below.value)),
        (Some(_), Some(below)) => {
            let hint = "write one automation for each".to_owned();
            table.wrong(&below.at, "`above` and `below` are two thresholds", Some(hint));
            None
        }
        (None, None) => {
            if table.is_there() && table.has("metric") && !table.has("above") && !table.has("below")
            {
                table.missing("above", "above = 0.05` or `below = 0.9");
            }
            Some((Side::Above, 0.0))
        }
    }
}

/// Where it counts as back: on the calm side of the threshold.
fn clear(table: &mut Table, side: Side, threshold: f64) -> f64 {
    let Some(At { value, at }) = table.number("clear") else { return threshold };
    let is_right = match side {
        Side::Above => value <= threshold,
        Side::Below => value >= threshold,
    };
    if !is_right {
        let than = if side == Side::Above { "more" } else { "less" };
        let sentence = format!("`clear` is {than} than the threshold, so it would never be back");
        table.wrong(&at, sentence, Some(format!("write `clear = {threshold}`, or leave it out")));
    }
    value
}

fn every(table: &mut Table) -> u64 {
    let Some(At { value, at }) = table.parsed("every", measure::duration) else { return EVERY_MS };
    let ms = u64::try_from(value.as_millis()).unwrap_or(u64::MAX);
    if ms < LEAST_EVERY_MS {
        let least = measure::show_duration(LEAST_EVERY_MS);
        let hint = "write it as `every = \"1m\"`".to_owned();
        table.wrong(&at, format!("`every` is at least {least}"), Some(hint));
    }
    ms
}

fn monitor(table: &mut Table, around: &Around, project: Option<&At<String>>) -> Option<Trigger> {
    let every_ms = every(table);
    let cooldown_ms = duration(table, "cooldown").unwrap_or(0);
    let found = table.take("monitor")?;
    let read = found.fields("trigger.monitor", |table| {
        let secret = table.parsed("webhook", value::secret);
        let source = table.text("source");
        let name = table.text("name");
        (secret, source, name)
    });
    let is_hook = found.table().is_some_and(|table| table.contains_key("webhook"));
    match read? {
        (Some(secret), None, None) => {
            Some(Trigger::Webhook(WebhookTrigger { secret: secret.value, cooldown_ms }))
        }
        (None, Some(source), Some(name)) => {
            needs_project(table, project);
            let own = project.and_then(|at| around.projects.get(&at.value));
            if own.is_some_and(|own| *own != source.value) {
                let own = own.map(String::as_str).unwrap_or_default();
                let sentence = format!("the project's source is `{own}`, not `{}`", source.value);
                table.wrong(&source.at, sentence, Some(format!("write `source = \"{own}\"`")));
            }
            let (source, name) = (source.value, name.value);
            Some(Trigger::Monitor(MonitorTrigger { source, name, every_ms, cooldown_ms }))
        }
        (None, None, None) if is_hook => None,
        _ => {
            let hint = "write `monitor = { source = \"arize\", name = \"…\" }`, or \
                        `monitor = { webhook = \"NAME_OF_A_SECRET\" }`";
            found.wrong(
                "`monitor` names a monitor of a source, or a webhook",
                Some(hint.to_owned()),
            );
            None
        }
    }
}

fn needs_project(table: &mut Table, project: Option<&At<String>>) {
    if project.is_none() {
        let hint = "add the line `project = \"…\"` above the first `[table]`".to_owned();
        table.wrong_here("this trigger looks at a project, and none is named", Some(hint));
    }
}

fn notify(table: &mut Table) -> Option<Notify> {
    let webhook = table.parsed("webhook", value::secret).map(|at| at.value);
    let format = table.name_of("format", "format", &Format::NAMES);
    let sign = table.parsed("sign", value::secret).map(|at| at.value);
    let command: Vec<String> = table.strings("command").into_iter().map(|at| at.value).collect();
    let on = table.name_of("on", "kind of outcome", &On::NAMES);
    if !table.is_there() {
        return None;
    }
    if webhook.is_none() && command.is_empty() && !table.has("webhook") && !table.has("command") {
        table.missing("webhook", "webhook = \"SLACK_WEBHOOK_URL\"` or `command = [\"./tell\"]");
    }
    Some(Notify {
        webhook,
        format: format.and_then(|at| Format::of_name(&at.value)).unwrap_or_default(),
        sign,
        command,
        on: on.and_then(|at| On::of_name(&at.value)).unwrap_or_default(),
    })
}

fn duration(table: &mut Table, key: &'static str) -> Option<u64> {
    let At { value, .. } = table.parsed(key, measure::duration)?;
    u64::try_from(value.as_millis()).ok()
}
