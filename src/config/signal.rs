//! Signal's part of an automation's file, and the file itself: `automations/signal-<project>.toml`.
//!
//! ```toml
//! preset = "signal"
//! project = "checkout"
//! [trigger]
//! cron = "*/10 * * * *"
//! [signal]
//! context = "…"
//! top = 3                     # 0: find and rank, look into nothing
//! budget_usd_per_day = 10.0
//! repo = "acme/checkout"
//! ```

use super::edit::{locked, write_atomically};
use super::env::Env;
use super::reader::Table;
use super::value;
use crate::domain::signal::{BUDGET_USD_PER_DAY, Signal, TOP};
use crate::error::{Cannot as _, Failure, Kind, Result};
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item};

/// More issues in one run than this are a mistake.
const MOST: f64 = 100.0;

/// What becomes of the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Repo {
    #[default]
    Stays,
    Is(String),
    Goes,
}

/// What is to be written; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub preset: Option<String>,
    pub cron: Option<String>,
    pub timezone: Option<String>,
    pub context: Option<String>,
    pub top: Option<u32>,
    pub budget_usd_per_day: Option<f64>,
    pub repo: Repo,
    pub enabled: Option<bool>,
}

/// The name of a project's automation.
pub fn name(project: &str) -> String {
    format!("signal-{project}")
}

/// Reads the table; `None` where the file has none.
pub fn read(table: &mut Table) -> Option<Signal> {
    let signal = Signal {
        context: table.text("context").map(|at| at.value),
        top: top(table),
        budget_usd_per_day: table
            .amount("budget_usd_per_day")
            .map_or(BUDGET_USD_PER_DAY, |at| at.value),
        repo: table.parsed("repo", value::repo).map(|at| at.value),
    };
    table.is_there().then_some(signal)
}

fn top(table: &mut Table) -> u32 {
    let Some(found) = table.number("top") else { return TOP };
    if found.value.fract() == 0.0 && (0.0..=MOST).contains(&found.value) {
        return found.value as u32;
    }
    let hint = "with 0 issues are found and ranked, and nothing is looked into".to_owned();
    table.wrong(&found.at, format!("`top` is a whole number from 0 to {MOST}"), Some(hint));
    TOP
}

/// Writes the file, or changes what it says; comments stay. `check` reads what comes out. Says where
/// it is, and whether it was there before.
pub fn write(
    env: &Env,
    project: &str,
    wanted: &Wanted,
    check: impl FnOnce(&str, &str) -> Result<()>,
) -> Result<(PathBuf, bool)> {
    let folder = env.config_dir()?.join("automations");
    let path = folder.join(format!("{}.toml", name(project)));
    let shown = path.display().to_string();
    let before = locked(&folder, || {
        let before = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            text => Some(text.cannot(Kind::Config, || format!("read `{shown}`"))?),
        };
        let text = changed(before.as_deref(), &shown, project, wanted)?;
        check(&shown, &text)?;
        write_atomically(&path, &text)?;
        Ok(before.is_some())
    })?;
    Ok((path, before))
}

/// Where the file is, where there is one.
pub fn file(env: &Env, project: &str) -> Result<Option<PathBuf>> {
    let path = env.config_dir()?.join("automations").join(format!("{}.toml", name(project)));
    Ok(Some(path).filter(|path: &PathBuf| Path::exists(path)))
}

fn changed(before: Option<&str>, file: &str, project: &str, wanted: &Wanted) -> Result<String> {
    let start = format!(
        "# Written by `loop signal enable {project}`. Change it by hand, or by that command.\n\
         description = \"recurring failures of {project}, found and looked into\"\n"
    );
    let mut document: DocumentMut = before
        .unwrap_or(&start)
        .parse()
        .cannot(Kind::Config, || format!("read `{file}`"))
        .map_err(|failed: Failure| failed.hint("mend it, or move it out of the way"))?;
    if before.is_none() {
        document["preset"] = toml_edit::value("signal");
        document["project"] = toml_edit::value(project);
        document["trigger"] = Item::Table(toml_edit::Table::new());
        document["signal"] = Item::Table(toml_edit::Table::new());
        document["signal"]["top"] = toml_edit::value(i64::from(TOP));
        document["signal"]["budget_usd_per_day"] = toml_edit::value(BUDGET_USD_PER_DAY);
    }
    let text = |text: &String| toml_edit::value(text);
    let mut set = |table: Option<&str>, key: &str, item: Option<Item>| {
        if let Some(item) = item {
            match table {
                Some(table) => document[table][key] = item,
                None => document[key] = item,
            }
        }
    };
    set(None, "preset", wanted.preset.as_ref().map(text));
    set(None, "enabled", wanted.enabled.map(toml_edit::value));
    set(Some("trigger"), "cron", wanted.cron.as_ref().map(text));
    set(Some("trigger"), "timezone", wanted.timezone.as_ref().map(text));
    set(Some("signal"), "context", wanted.context.as_ref().map(text));
    set(Some("signal"), "top", wanted.top.map(|top| toml_edit::value(i64::from(top))));
    set(Some("signal"), "budget_usd_per_day", wanted.budget_usd_per_day.map(toml_edit::value));
    if let Repo::Is(repo) = &wanted.repo {
        set(Some("signal"), "repo", Some(text(repo)));
    }
    if wanted.repo == Repo::Goes
        && let Some(signal) = document.get_mut("signal").and_then(Item::as_table_like_mut)
    {
        signal.remove("repo");
    }
    Ok(document.to_string())
}

/// The cron expression of a cadence: minutes that go into an hour, hours that go into a day.
pub fn cron_of(every_ms: u64) -> Result<String, String> {
    const MINUTE: u64 = 60_000;
    let minutes = every_ms / MINUTE;
    let whole = every_ms.is_multiple_of(MINUTE) && minutes > 0;
    match minutes {
        1 if whole => Ok("* * * * *".to_owned()),
        2..60 if whole && 60_u64.is_multiple_of(minutes) => Ok(format!("*/{minutes} * * * *")),
        60 if whole => Ok("0 * * * *".to_owned()),
        61..1_440 if whole && minutes.is_multiple_of(60) && 24_u64.is_multiple_of(minutes / 60) => {
            Ok(format!("0 */{} * * *", minutes / 60))
        }
        1_440 if whole => Ok("0 6 * * *".to_owned()),
        _ => Err("it is so many minutes that go into an hour, hours that go into a day, or `1d`; \
                  anything else is written with `--cron`"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cadences() {
        let of = |minutes: u64| cron_of(minutes * 60_000);
        assert_eq!(of(10).unwrap(), "*/10 * * * *");
        assert_eq!(of(1).unwrap(), "* * * * *");
        assert_eq!(of(60).unwrap(), "0 * * * *");
        assert_eq!(of(240).unwrap(), "0 */4 * * *");
        assert_eq!(of(1_440).unwrap(), "0 6 * * *");
        for wrong in [0, 7, 90, 300, 2_880] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert!(cron_of(1_500).is_err());
    }

    #[test]
    fn a_new_file_and_changes_to_it() {
        let first = Wanted { cron: Some("*/10 * * * *".to_owned()), ..Wanted::default() };
        let text = changed(None, "x", "shop", &first).unwrap();
        assert_eq!(
            text,
            "# Written by `loop signal enable shop`. Change it by hand, or by that command.\n\
             description = \"recurring failures of shop, found and looked into\"\n\
             preset = \"signal\"\nproject = \"shop\"\n\n[trigger]\ncron = \"*/10 * * * *\"\n\n\
             [signal]\ntop = 3\nbudget_usd_per_day = 10.0\n"
        );
        let commented = text.replace("top = 3", "top = 3 # enough");
        let more = Wanted {
            enabled: Some(false),
            repo: Repo::Is("acme/shop".to_owned()),
            context: Some("refunds are slow on Mondays".to_owned()),
            ..Wanted::default()
        };
        let changed_text = changed(Some(&commented), "x", "shop", &more).unwrap();
        for line in ["enabled = false\n", "repo = \"acme/shop\"\n", "top = 3 # enough\n"] {
            assert!(changed_text.contains(line), "{changed_text}");
        }
        let back = Wanted { repo: Repo::Goes, enabled: Some(true), ..Wanted::default() };
        let text = changed(Some(&changed_text), "x", "shop", &back).unwrap();
        assert!(!text.contains("repo") && text.contains("enabled = true"), "{text}");
        assert!(changed(Some("= broken"), "x", "shop", &back).is_err());
    }
}
