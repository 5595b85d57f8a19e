//! The map of the house, and a few rules that no lint knows.
//!
//! Modules of one crate may all see each other, and grow into one knot where nobody looks. This
//! reads the sources as text, without comments and without what is only for tests, and holds them
//! to the tables below. It is a plain reader, no compiler: a name that a macro builds is not seen.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What each module may use. A module that is not named here may not be.
const ARROWS: [(&str, &[&str]); 19] = [
    ("error", &[]),
    ("retry", &["error"]),
    ("http", &["error", "retry"]),
    ("domain", &["error"]),
    ("harness", &["domain"]),
    ("config", &["domain", "error"]),
    ("store", &["domain", "error"]),
    ("secrets", &["domain", "error"]),
    ("supervise", &["domain", "error"]),
    ("gateway", &["domain", "error", "secrets"]),
    ("sandbox", &["domain", "error", "http", "retry", "secrets"]),
    ("managed", &["domain", "error", "http", "retry", "secrets"]),
    ("traces", &["domain", "error", "http", "retry", "secrets"]),
    ("triage", &["domain", "error", "traces"]),
    ("forge", &["domain", "error", "http", "retry", "secrets"]),
    ("telemetry", &["domain", "error", "http", "retry", "secrets"]),
    ("output", &["domain", "error"]),
    ("runner", &[ALL]),
    ("commands", &[ALL, "!retry"]),
];

/// Everything that stands above it in the table, but for what follows with a `!`.
const ALL: &str = "*";

/// The most lines of a file, without its tests.
const LINES: usize = 500;

/// Names that only their own file and their family's list may know: a harness or a provider. The
/// literal, and the file or folder. (`command`, `local` and `triage` are words of other things too.)
const NAMES: [(&str, &str); 8] = [
    ("claude-code", "src/harness/claude_code.rs"),
    ("codex", "src/harness/codex.rs"),
    ("opencode", "src/harness/opencode.rs"),
    ("gemini", "src/harness/gemini.rs"),
    ("cursor", "src/harness/cursor.rs"),
    ("docker", "src/sandbox/docker/"),
    ("kubernetes", "src/sandbox/kubernetes/"),
    ("claude-managed", "src/managed/"),
];

/// Ways to write to a terminal, which is for `output` alone.
const PRINTS: [&str; 8] =
    ["println!", "eprintln!", "print!", "eprint!", "io::stdout", "io::stderr", "Stdout", "Stderr"];
const PRINTER: &str = "src/output/";

/// Where standard output is no terminal but the wire out of the sandbox.
const WIRES: [&str; 2] = ["src/supervise/", "src/commands/hidden.rs"];

/// A file as the rules see it.
struct Source {
    path: String,
    /// Without comments, the insides of literals, and inline tests. The lines are where they were.
    code: String,
    /// String literals outside tests, with their lines.
    literals: Vec<(usize, String)>,
}

impl Source {
    fn read(path: &str, text: &str) -> Self {
        let (code, mut literals) = scan(text);
        let end = tests_at(&code).unwrap_or(code.len());
        let last = line_at(&code, end);
        literals.retain(|(line, _)| *line < last || end == code.len());
        Self { path: path.to_owned(), code: code[..end].to_owned(), literals }
    }

    /// `src/sandbox/docker/image.rs` is `["sandbox", "docker", "image"]`.
    fn module(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<&str> = path.split('/').collect();
        if matches!(module.last(), Some(&("mod" | "lib" | "main"))) {
            module.pop();
        }
        module
    }

    fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path, line_at(&self.code, at))
    }
}

fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Where the inline tests begin, which stand at the end.
fn tests_at(code: &str) -> Option<usize> {
    code.match_indices("#[cfg(test)]").map(|(at, _)| at).find(|at| {
        let rest = code[*at..].trim_start_matches("#[cfg(test)]").trim_start();
        rest.starts_with("mod ")
            && rest.find('{') < rest.find(';').or(Some(usize::MAX))
            && rest.contains('{')
    })
}

/// The text without comments and the insides of literals, and its string literals.
fn scan(text: &str) -> (String, Vec<(usize, String)>) {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut literals = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let len = match bytes[at] {
            b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            b'"' => {
                let len = quoted(rest);
                literals.push((line_at(text, at), rest[1..len - 1].to_owned()));
                len
            }
            b'r' if raw(rest).is_some() && !joined(bytes, at) => {
                let (hashes, len) = raw(rest).unwrap();
                let inside = &rest[hashes + 2..len - hashes - 1];
                literals.push((line_at(text, at), inside.to_owned()));
                len
            }
            b'\'' => character(rest),
            _ => {
                code.push(bytes[at]);
                at += 1;
                continue;
            }
        };
        // Newlines stay, so that lines are where they were.
        code.extend(bytes[at..at + len].iter().filter(|byte| **byte == b'\n'));
        code.push(b' ');
        at += len;
    }
    (String::from_utf8(code).unwrap(), literals)
}

/// Whether the byte goes on a name.
fn joined(bytes: &[u8], at: usize) -> bool {
    at > 0
        && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
        && bytes[at - 1] != b'b'
}

fn quoted(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// The hashes and the length of a raw string.
fn raw(rest: &str) -> Option<(usize, usize)> {
    let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
    let open = hashes + 2;
    if rest.as_bytes().get(hashes + 1) != Some(&b'"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    rest[open..].find(&close).map(|end| (hashes, open + end + close.len()))
}

/// The length of a character literal; 1 for a lifetime.
fn character(rest: &str) -> usize {
    let mut inside = rest[1..].char_indices();
    match inside.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(1, |end| end + 4),
        Some((_, first)) if rest[1 + first.len_utf8()..].starts_with('\'') => first.len_utf8() + 2,
        _ => 1,
    }
}

/// The top modules a file names: `crate::x`, `crate::{x, y}`, and `super::x` where that is as high.
fn used(source: &Source) -> Vec<(usize, String)> {
    let code = &source.code;
    let depth = source.module().len();
    let mut found = Vec::new();
    let mut roots: Vec<usize> =
        code.match_indices("crate::").map(|(at, root)| at + root.len()).collect();
    let up = "super::".repeat(depth);
    if depth > 0 {
        let chains = code.match_indices(&up).filter(|(at, _)| !code[..*at].ends_with("super::"));
        roots.extend(chains.map(|(at, _)| at + up.len()));
    }
    for root in roots {
        let rest = &code[root..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_names(group).into_iter().map(|name| (root, name))),
            None => found.push((root, name(rest))),
        }
    }
    found
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// `a::{b, c}, d as e}` names `a` and `d`.
fn first_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut level = 1;
    let mut fresh = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => level += 1,
            '}' => level -= 1,
            ',' if level == 1 => fresh = true,
            c if fresh && !c.is_whitespace() => {
                names.push(name(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
        if level == 0 {
            break;
        }
    }
    names
}

fn may_use(module: &str, other: &str) -> bool {
    let place = |name: &str| ARROWS.iter().position(|(listed, _)| *listed == name);
    let Some((at, place)) = place(module).zip(place(other)) else { return false };
    let allowed = ARROWS[at].1;
    let all = allowed.contains(&ALL) && place < at && !allowed.contains(&&*format!("!{other}"));
    module == other || allowed.contains(&other) || all
}

fn wrong_arrows(sources: &[Source]) -> Vec<String> {
    let modules: BTreeSet<&str> =
        sources.iter().filter_map(|source| source.module().first().copied()).collect();
    let mut wrong = Vec::new();
    for source in sources {
        let Some(user) = source.module().first().copied() else { continue };
        if !ARROWS.iter().any(|(name, _)| *name == user) {
            wrong.push(format!("{}: `{user}` is not in the table of arrows", source.path));
        }
        for (at, used) in used(source) {
            if modules.contains(&*used) && !may_use(user, &used) {
                wrong.push(format!("{}: `{user}` may not use `{used}`", source.place(at)));
            }
        }
    }
    wrong
}

fn too_long(sources: &[Source]) -> Vec<String> {
    let lines = |source: &Source| source.code.trim_end().lines().count();
    let long = sources.iter().filter(|source| lines(source) > LINES);
    long.map(|source| format!("{}: {} lines, at most {LINES}", source.path, lines(source)))
        .collect()
}

fn strange_names(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        for (line, literal) in &source.literals {
            let Some((name, home)) = NAMES.iter().find(|(name, _)| name == literal) else {
                continue;
            };
            let family =
                format!("{}/mod.rs", home.splitn(3, '/').take(2).collect::<Vec<_>>().join("/"));
            if !source.path.starts_with(home) && source.path != family {
                wrong.push(format!("{}:{line}: only `{home}` may know \"{name}\"", source.path));
            }
        }
    }
    wrong
}

fn prints(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let printer = |path: &str| path.starts_with(PRINTER);
    let wire = |path: &str| WIRES.iter().any(|wire| path.starts_with(wire));
    for source in sources.iter().filter(|s| !printer(&s.path) && !wire(&s.path)) {
        for print in PRINTS {
            for (at, _) in source.code.match_indices(print) {
                if !joined(source.code.as_bytes(), at) {
                    wrong.push(format!("{}: only `{PRINTER}` prints: `{print}`", source.place(at)));
                }
            }
        }
    }
    wrong
}

/// All sources but those that are only for tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = BTreeMap::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                texts.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    without_tests(&texts)
}

/// A file that its parent declares below `#[cfg(test)]` is a test, and so is all below it.
fn without_tests(texts: &BTreeMap<String, String>) -> Vec<Source> {
    let mut only_tests = Vec::new();
    for (path, text) in texts {
        let source = Source::read(path, text);
        let folder = format!("src/{}", source.module().join("/"));
        let (code, _) = scan(text);
        for (at, mark) in code.match_indices("#[cfg(test)]") {
            if let Some(rest) = code[at + mark.len()..].trim_start().strip_prefix("mod ")
                && rest[name(rest).len()..].starts_with(';')
            {
                only_tests.push(format!("{}/{}", folder.trim_end_matches('/'), name(rest)));
            }
        }
    }
    let is_test = |path: &str| {
        only_tests.iter().any(|test| {
            path.strip_prefix(test.as_str()).is_some_and(|rest| rest.starts_with(['.', '/']))
        })
    };
    let product = texts.iter().filter(|(path, _)| !is_test(path));
    product.map(|(path, text)| Source::read(path, text)).collect()
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn modules_use_only_what_they_may() {
    none(&wrong_arrows(&sources()));
}

#[test]
fn no_file_is_too_long() {
    none(&too_long(&sources()));
}

#[test]
fn names_stay_in_their_files() {
    none(&strange_names(&sources()));
}

#[test]
fn only_output_prints() {
    none(&prints(&sources()));
}

mod the_rules_can_fail {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Vec<Source> {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        without_tests(&files.iter().map(own).collect())
    }

    const STORE: (&str, &str) = ("src/store/mod.rs", "");

    fn arrows(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(
            wrong_arrows(&read(&[STORE, ("src/output/mod.rs", ""), (path, text)])),
            expected
        );
    }

    #[test]
    fn on_arrows() {
        let wrong = ["src/domain/x.rs:2: `domain` may not use `store`"];
        arrows("src/domain/x.rs", "\nuse crate::store::Store;", &wrong);
        arrows("src/domain/x.rs", "\nuse super::super::store::Store;", &wrong);
        arrows("src/domain/x.rs", "\nuse crate::{error, store::{A, B}};", &wrong);
        arrows("src/domain/x.rs", "\nfn f() { crate::store::g() }", &wrong);
        arrows("src/runner/mod.rs", "use crate::store::Store;\nuse crate::output::X;", &[]);
        arrows("src/store/x.rs", "use super::Y; use crate::store::Z;", &[]);
        arrows("src/domain/x.rs", "// crate::store::Y\nconst A: &str = \"crate::store::Y\";", &[]);
        arrows("src/domain/x.rs", "#[cfg(test)]\nmod tests {\nuse crate::store::Y;\n}", &[]);
        let sleep = ("src/retry.rs", "");
        let wrong = ["src/commands/x.rs:1: `commands` may not use `retry`"];
        let text = "use crate::{retry, store};";
        assert_eq!(wrong_arrows(&read(&[STORE, sleep, ("src/commands/x.rs", text)])), wrong);
        let foreign = ["src/odd/mod.rs: `odd` is not in the table of arrows"];
        arrows("src/odd/mod.rs", "", &foreign);
        let up = ["src/store/y.rs:1: `store` may not use `output`"];
        arrows("src/store/y.rs", "use crate::{\n    domain::A,\n    output,\n};", &up);
    }

    #[test]
    fn on_length() {
        let long = "fn f() {}\n".repeat(LINES + 1);
        let wrong = read(&[("src/domain/x.rs", &long)]);
        assert_eq!(too_long(&wrong), ["src/domain/x.rs: 501 lines, at most 500"]);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert!(too_long(&read(&[("src/domain/x.rs", &tests)])).is_empty());
        let apart = [("src/domain/mod.rs", "#[cfg(test)]\nmod x;"), ("src/domain/x.rs", &*long)];
        assert!(too_long(&read(&apart)).is_empty());
    }

    #[test]
    fn on_names() {
        let text = "\nfn f(c: char) -> bool { c == '\"' || g(\"codex\") }";
        let wrong = strange_names(&read(&[("src/runner/mod.rs", text)]));
        assert_eq!(wrong, ["src/runner/mod.rs:2: only `src/harness/codex.rs` may know \"codex\""]);
        for path in ["src/harness/codex.rs", "src/harness/mod.rs"] {
            assert!(strange_names(&read(&[(path, text)])).is_empty());
        }
        let raw = "const A: &str = r#\"codex\"#;\nconst B: &str = \"codex is one\";";
        assert_eq!(strange_names(&read(&[("src/domain/x.rs", raw)])).len(), 1);
        let tests = "#[cfg(test)]\nmod tests { const A: &str = \"codex\"; }";
        assert!(strange_names(&read(&[("src/domain/x.rs", tests)])).is_empty());
    }

    #[test]
    fn on_printing() {
        let text = "fn f() { eprintln!(\"x\"); }";
        let wrong = prints(&read(&[("src/runner/mod.rs", text)]));
        assert_eq!(wrong, ["src/runner/mod.rs:1: only `src/output/` prints: `eprintln!`"]);
        assert!(prints(&read(&[("src/output/mod.rs", text)])).is_empty());
        assert!(prints(&read(&[("src/runner/mod.rs", "// println!\nfn f() {}")])).is_empty());
    }
}
