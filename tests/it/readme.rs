//! The README does what it says: every command in it is run, and none of ours is missing there.

use crate::need;
use crate::support::{self, Home};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The words of a line as a shell would have them; the README uses double quotes only.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_console_command_of_the_readme_works() {
    need!(support::need::docker());
    let home = Home::new();
    let trace = r#"{"name":"answer","context":{"trace_id":"5b8aa5a2d2c872e8321cf37308d69df2","span_id":"051581bf3cb55c13"},"span_kind":"LLM","parent_id":null,"start_time":"2026-03-01T10:00:00Z","end_time":"2026-03-01T10:00:01Z","status_code":"OK","status_message":"","attributes":{"llm.model_name":"m"},"events":[]}"#;
    home.write("work/traces.jsonl", trace);
    let mut ran = 0;
    for line in readme().lines().filter_map(|line| line.strip_prefix("$ loop ")) {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let done = home.run(&words).limit(Duration::from_mins(3)).done();
        assert_eq!(done.code, Some(0), "`loop {line}`: {}{}", done.stdout, done.stderr);
        assert!(!done.stderr.contains("error:"), "`loop {line}`: {}", done.stderr);
        ran += 1;
    }
    assert!(ran >= 20, "only {ran} commands were found");
}

/// The blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let text = readme();
    let open = format!("```{language}\n");
    let begun = text.split(&open).skip(1);
    begun.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// What asks for a key, a terminal or a server elsewhere cannot be run here; its flags must exist.
#[test]
fn every_other_command_of_the_readme_parses() {
    let home = Home::new();
    let mut parsed = 0;
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let command =
            [" # ", " < ", " > "].iter().fold(line, |line, end| line.split(end).next().unwrap());
        let Some(at) = command.find("loop ") else { continue };
        let words = words(&command[at + "loop ".len()..]);
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.push("--help");
        let done = home.run(&words).done();
        assert_eq!(done.code, Some(0), "`{line}`: {}", done.stderr);
        parsed += 1;
    }
    assert!(parsed >= 10, "only {parsed} commands were found");
}

/// A file that the README shows is one that can be used as it stands.
#[test]
fn every_settings_file_of_the_readme_is_valid() {
    let home = Home::new();
    let add = ["project", "add", "checkout", "--source", "file", "--path", "."];
    home.ask(&add).ok();
    let mut kinds = BTreeSet::new();
    for block in blocks("toml") {
        let Some(path) = block.lines().next().unwrap().strip_prefix("# ~/.config/loop/") else {
            continue;
        };
        // Settings that are there already stay.
        let there = std::fs::read_to_string(home.config().join(path)).unwrap_or_default();
        home.write(&format!("config/{path}"), &(there + &block));
        kinds.insert(path.split('/').next().unwrap().to_owned());
    }
    for noun in ["preset", "skill", "automation"] {
        home.ask(&[noun, "validate"]).ok();
    }
    assert!(kinds.contains("presets") && kinds.contains("skills"), "{kinds:?}");
}

/// The commands of a help text, by their names.
fn commands(home: &Home, above: &[&str]) -> Vec<String> {
    let mut words = above.to_vec();
    words.push("--help");
    let help = home.run(&words).done().ok().stdout;
    let Some((_, list)) = help.split_once("Commands:\n") else { return Vec::new() };
    list.lines()
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_table_of_commands_is_whole() {
    let home = Home::new();
    let text = readme();
    let table: Vec<&str> = text.lines().filter(|line| line.starts_with("| `loop ")).collect();
    for noun in commands(&home, &[]) {
        let verbs = commands(&home, &[&noun]);
        if verbs.is_empty() {
            let wanted = format!("`loop {noun}`");
            assert!(table.iter().any(|row| row.contains(&wanted)), "{wanted} is missing");
        }
        let own = format!("| `loop {noun} ");
        let rows: Vec<_> = table.iter().filter(|row| row.starts_with(&own)).collect();
        for verb in verbs {
            let (whole, word) = (format!("`loop {noun} {verb}`"), format!("`{verb}`"));
            let told = rows.iter().any(|row| row.contains(&whole) || row.contains(&word));
            assert!(told, "`loop {noun} {verb}` is missing");
        }
    }
}

#[test]
fn every_help_has_examples_that_parse() {
    let home = Home::new();
    let mut seen = BTreeSet::new();
    for noun in commands(&home, &[]) {
        let verbs = commands(&home, &[&noun]);
        let pages = match verbs.as_slice() {
            [] => vec![vec![noun.clone()]],
            verbs => verbs.iter().map(|verb| vec![noun.clone(), verb.clone()]).collect(),
        };
        for page in pages {
            let mut words: Vec<&str> = page.iter().map(String::as_str).collect();
            words.push("--help");
            let help = home.run(&words).done().ok().stdout;
            assert!(help.contains("Examples:"), "`loop {}` has no examples", page.join(" "));
            seen.insert(page.join(" "));
        }
    }
    assert!(seen.len() >= 25, "{seen:?}");
}

#[test]
fn the_first_command_of_the_readme_installs_and_runs_the_main_job() {
    need!(support::need::docker());
    let home = Home::new();
    let prefix = home.path().join("prefix");
    // The release is built the same way; only cargo's profile differs.
    let done = Command::new("./install.sh")
        .args(["--demo", "--profile", "dev", "--prefix"])
        .arg(&prefix)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("LOOP_CONFIG_DIR", home.config())
        .env("LOOP_DATA_DIR", home.data())
        .env("LOOP_CACHE_DIR", home.path().join("cache"))
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}{err}");
    for file in [
        "bin/loop",
        "share/bash-completion/completions/loop",
        "share/fish/vendor_completions.d/loop.fish",
    ] {
        assert!(prefix.join(file).is_file(), "{file}");
    }
    assert!(out.contains("investigation.md"), "{out}");
    assert!(out.contains("of 50 cited traces exist"), "{out}");
    assert!(out.contains("InvalidOrderIdError"), "{out}");
}

#[test]
fn the_kept_completions_are_those_of_the_program() {
    let home = Home::new();
    for (shell, file) in [
        ("bash", "loop.bash"),
        ("zsh", "_loop"),
        ("fish", "loop.fish"),
        ("elvish", "loop.elv"),
        ("powershell", "loop.ps1"),
    ] {
        let made = home.run(&["completions", shell]).done().ok().stdout;
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        let kept = std::fs::read_to_string(kept).unwrap();
        assert!(made == kept, "write it anew: loop completions {shell} > completions/{file}");
    }
}
