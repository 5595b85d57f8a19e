//! Every file under `tests/config/` is a case: a valid one reads, an invalid one has its whole
//! message as a snapshot beside it. What kind of file it is stands before the first `-` of its name.

use super::layers::Layers;
use super::{
    Context, Known, automation, bundled, env::Env, preset, reader, settings, skill, template,
};
use crate::domain::options::{Opt, Shape};
use crate::domain::provider::{Ability, About};
use crate::error::{Failure, Result};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(super) const KNOWN: Known = Known {
    harnesses: &["claude-code", "codex", "command", "opencode", "triage"],
    providers: &["docker", "local", "vendor"],
    about: |name| {
        Some(match name {
            "docker" => About {
                name: "docker",
                able: &[Ability::Images, Ability::Automations],
                options: &OF_DOCKER,
                runs_in: "",
            },
            "local" => {
                About { name: "local", able: &[Ability::Automations], options: &[], runs_in: "" }
            }
            "vendor" => About { name: "vendor", able: &[], options: &[], runs_in: "" },
            _ => return None,
        })
    },
    metric: |text| match text {
        "error_rate" => Ok(()),
        _ => Err(format!("no metric is called `{text}`; did you mean `error_rate`?")),
    },
};

const OF_DOCKER: [Opt; 6] = [
    opt("host", Shape::Text),
    opt("engine", Shape::Name(&["docker", "podman"])),
    opt("mirrors", Shape::Texts),
    opt("tries", Shape::Count),
    opt("rootless", Shape::Flag),
    opt("labels", Shape::Table),
];

const fn opt(name: &'static str, shape: Shape) -> Opt {
    Opt { name, shape, required: false, help: "only a test's" }
}

fn around() -> automation::Around {
    let presets = [("triage", None), ("away", Some("vendor"))];
    let presets =
        presets.map(|(name, on): (&str, Option<&str>)| (name.to_owned(), on.map(str::to_owned)));
    let projects = [("checkout", "phoenix"), ("ax", "arize")];
    let projects = projects.map(|(name, source)| (name.to_owned(), source.to_owned()));
    automation::Around { known: KNOWN, presets: presets.into(), projects: projects.into() }
}

fn context() -> Context {
    let skills = [("github", "github"), ("datadog", "datadog"), ("oncall", "custom")];
    let skills = skills.map(|(name, kind)| (name.to_owned(), Some(kind.to_owned())));
    Context { known: KNOWN, skills: skills.into() }
}

fn read(kind: &str, file: &str, text: &str) -> Result<String> {
    match kind {
        "preset" => preset::read("x", file, text, &context()).map(|x| format!("{x:#?}")),
        "skill" => skill::read("x", file, text).map(|x| format!("{x:#?}")),
        "automation" => automation::read("x", file, text, &around()).map(|x| format!("{x:#?}")),
        "config" => settings::read(file, text, &KNOWN).map(|x| format!("{x:#?}")),
        other => panic!("no kind of file is called {other}"),
    }
}

fn cases(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// Draws a failure as the program does, as far as these tests need it.
pub(super) fn draw(failure: &Failure) -> String {
    let mut text = format!("error: {}\n", failure.sentence);
    if let Some(place) = &failure.place {
        let gutter = " ".repeat(place.line.to_string().len());
        let at = " ".repeat(place.column - 1);
        let carets = "^".repeat(place.width);
        let _ = writeln!(text, "{gutter}--> {}:{}:{}", place.file, place.line, place.column);
        let _ = writeln!(text, "{gutter} |\n{} | {}", place.line, place.text);
        let _ = writeln!(text, "{gutter} | {at}{carets}");
    }
    for cause in &failure.causes {
        let _ = writeln!(text, "  because: {cause}");
    }
    for hint in &failure.hints {
        let _ = writeln!(text, "hint: {hint}");
    }
    for also in &failure.also {
        let _ = write!(text, "\n{}", draw(also));
    }
    text
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings
        .set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn invalid_files() {
    for (name, text) in cases("invalid") {
        let kind = name.split('-').next().unwrap();
        let failure = read(kind, &format!("{name}.toml"), &text)
            .map(|value| panic!("{name} reads as {value}"))
            .unwrap_err();
        let places: Vec<_> = std::iter::once(&failure)
            .chain(&failure.also)
            .map(|failure| failure.place.as_ref().map(|place| (place.line, place.column)))
            .collect();
        assert!(places.is_sorted(), "{name}: {places:?}");
        assert!(places.iter().all(Option::is_some), "{name}: every mistake has its place");
        snapshot(&name, &draw(&failure));
    }
}

#[test]
fn valid_files() {
    for (name, text) in cases("valid") {
        let kind = name.split('-').next().unwrap();
        match read(kind, &format!("{name}.toml"), &text) {
            Ok(value) => snapshot(&name, &value),
            Err(failure) => panic!("{}", draw(&failure)),
        }
    }
}

#[test]
fn bundled_files_have_no_mistake() {
    let empty = tempfile::tempdir().unwrap();
    let vars = ["LOOP_CONFIG_DIR", "LOOP_DATA_DIR"].map(|name| (name, empty.path()));
    let layers = Layers::open(&Env::of(empty.path(), vars), KNOWN, false).unwrap();
    let (presets, skills) = (layers.presets(), layers.skills());
    assert_eq!(presets.len() + skills.len(), bundled::FILES.len());
    for listed in presets {
        let preset = listed.value.unwrap_or_else(|failure| panic!("{}", draw(&failure)));
        assert!(!preset.description.is_empty() && preset.prompt.is_some(), "{}", preset.name);
        let prompt = preset.prompt.unwrap();
        for needed in ["investigation.md", "Overview", "Evidence", "Proposed", "fix"] {
            assert!(prompt.contains(needed), "{}: {needed}", preset.name);
        }
    }
    for listed in skills {
        let skill = listed.value.unwrap_or_else(|failure| panic!("{}", draw(&failure)));
        assert!(!skill.instructions.is_empty() && !skill.secrets.is_empty(), "{}", skill.name);
    }
}

#[test]
fn the_template_is_a_preset_with_and_without_its_comments() {
    let text = template::template_preset("mine");
    let read = |text: &str| preset::read("mine", "mine.toml", text, &context());
    read(&text).unwrap();
    // Every line that is a key or a table in a comment, taken in.
    let all: Vec<_> = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || rest.contains(" = ") => rest,
            _ => line,
        })
        .collect();
    let preset = read(&all.join("\n")).unwrap_or_else(|failure| panic!("{}", draw(&failure)));
    assert!(preset.pull_request && preset.limits.max_turns.is_some());
}

#[test]
fn the_template_is_an_automation_with_each_trigger() {
    let text = template::template_automation("mine").replace("\"demo\"", "\"ax\"");
    let read = |text: &str| automation::read("mine", "mine.toml", text, &around());
    assert!(!read(&text).unwrap().enabled);
    // Above the trigger, and below it the lines of each kind.
    let (head, rest) = text.split_once("[trigger]").unwrap();
    let out = |text: &str, wanted: &dyn Fn(&str) -> bool| -> String {
        let bare = text.lines().map(|line| line.strip_prefix("# ").unwrap_or(line));
        bare.filter(|line| wanted(line)).map(|line| format!("{line}\n")).collect()
    };
    let head = out(head, &|line| line.contains(" = "));
    let starts =
        |line: &str, keys: &[&str]| keys.iter().any(|key| line.starts_with(&format!("{key} = ")));
    let metric = ["metric", "window", "above", "clear", "for", "cooldown", "no_data"];
    let notify = out(rest, &|line| line.starts_with('[') || starts(line, &["webhook", "on"]));
    let triggers = [
        out(rest, &|line| starts(line, &["cron", "timezone"])),
        out(rest, &|line| starts(line, &metric)),
        out(rest, &|line| line.starts_with("monitor = { source")),
        out(rest, &|line| line.starts_with("monitor = { webhook")),
    ];
    for trigger in triggers {
        assert!(!trigger.is_empty());
        let text = format!("{head}[trigger]\n{trigger}{notify}");
        read(&text).unwrap_or_else(|failure| panic!("{text}{}", draw(&failure)));
    }
}

#[test]
fn what_is_too_long_is_told_by_its_length() {
    let text = format!("harness = \"codex\"\nsystem_prompt = \"{}\"", "ü".repeat(100_001));
    let failure = preset::read("x", "x.toml", &text, &context()).unwrap_err();
    assert_eq!(failure.sentence, "`system_prompt` has 100001 characters, and 100000 are the most");
    assert!(preset::read("x", "x.toml", &text.replacen('ü', "", 1), &context()).is_ok());
    let failure = reader::read("x.toml", &"#".repeat((1 << 20) + 1), |_| ()).unwrap_err();
    assert_eq!(failure.sentence, "`x.toml` is too large to be settings");
}

#[test]
fn a_file_made_to_be_slow_is_not() {
    let keys: Vec<_> = (0..100_000).map(|i| format!("k{i}=1")).collect();
    let text = format!("x = {{{}}}\ny = 1\n{} = 1", keys.join(","), "z".repeat(200_000));
    let wide = format!("[sandbox]\n{}", keys.join("\n"));
    let deep = format!("a = {}", "[".repeat(100_000));
    for text in [text, wide, deep] {
        assert!(preset::read("x", "x.toml", &text, &context()).unwrap_err().also.len() < 50);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        for kind in ["preset", "skill", "config", "automation"] {
            let _ = read(kind, "x.toml", &text).map_err(|failure| draw(&failure));
        }
    }

    /// Files that are nearly right: each line of a good one cut, doubled or spoilt.
    #[test]
    fn no_damage_makes_it_panic(
        at in 0_usize..3000,
        cut in 0_usize..40,
        new in "[\\[\\]{}\"'=,.#a-zü0-9 \n$]{0,12}",
    ) {
        for (name, text) in cases("valid") {
            let start = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            let end = (start + cut..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            let damaged = format!("{}{new}{}", &text[..start], &text[end.max(start)..]);
            let kind = name.split('-').next().unwrap();
            let _ = read(kind, "x.toml", &damaged).map_err(|failure| draw(&failure));
        }
    }
}
