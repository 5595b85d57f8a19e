//! What of a change a person must look at before it goes anywhere. Pure.
//!
//! A change may do harm where it is merely pushed or checked out: workflows run with a repository's
//! secrets, attributes and hooks run programs on other people's machines, links lead elsewhere. Such
//! a change is a failed check, and is not pushed by itself.

use super::rewrite::is_unseen;
use crate::domain::artifact::Check;

/// One path that a change touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    pub path: String,
    /// As git has them: `100644`, `120000`; zeros where there is none.
    pub before: String,
    pub after: String,
    /// Where it leads, for a link.
    pub target: Option<String>,
}

/// A name for the check, what it says of its paths, and whether a path is one of them.
type Rule = (&'static str, &'static str, fn(&Touched) -> bool);

/// The first rule that holds of a path counts.
const RULES: [Rule; 8] = [
    ("names", "a path does not show as it is", |touched| {
        touched.path.chars().any(|c| c.is_control() || is_unseen(c) || c == '\u{fffd}')
    }),
    ("submodules", "submodules are changed", |touched| {
        touched.after == "160000" || touched.before == "160000" || is_named(touched, ".gitmodules")
    }),
    ("links", "a link leads out of the repository", |touched| {
        touched.target.as_ref().is_some_and(|target| leads_out(&touched.path, target))
    }),
    ("workflows", "what runs in continuous integration is changed", is_workflow),
    ("owners", "who must review is changed", |touched| is_named(touched, "codeowners")),
    ("attributes", "git's attributes or LFS settings are changed", |touched| {
        is_named(touched, ".gitattributes") || is_named(touched, ".lfsconfig")
    }),
    ("git files", "files with a meaning to git are changed", |touched| {
        touched.path.split('/').any(|part| {
            let part = part.to_ascii_lowercase();
            part.starts_with(".git")
                && !matches!(part.as_str(), ".github" | ".gitignore" | ".gitkeep")
                || part.starts_with("git~")
        })
    }),
    ("machine settings", "settings that run programs on a machine are changed", is_machine_setting),
];

/// A failed check for each rule that paths fall under, and what else is worth knowing.
pub fn checks(touched: &[Touched]) -> Vec<Check> {
    let mut found: Vec<Vec<&str>> = vec![Vec::new(); RULES.len()];
    for one in touched {
        if let Some(at) = RULES.iter().position(|(_, _, holds)| holds(one)) {
            found[at].push(&one.path);
        }
    }
    let mut checks: Vec<Check> = RULES
        .iter()
        .zip(&found)
        .filter(|(_, paths)| !paths.is_empty())
        .map(|((name, what, _), paths)| check(name, false, format!("{what}: {}", some(paths))))
        .collect();
    let runs: Vec<&str> = touched
        .iter()
        .filter(|one| one.after == "100755" && one.before != "100755")
        .map(|one| one.path.as_str())
        .collect();
    if !runs.is_empty() {
        checks.push(check("executable", true, format!("made executable: {}", some(&runs))));
    }
    checks
}

pub fn check(name: &str, passed: bool, detail: impl Into<String>) -> Check {
    Check { name: name.to_owned(), passed, detail: detail.into() }
}

/// The first few, and how many more.
fn some(paths: &[&str]) -> String {
    const SHOWN: usize = 5;
    let mut text = paths.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if paths.len() > SHOWN {
        text.push_str(&format!(" and {} more", paths.len() - SHOWN));
    }
    text
}

fn is_named(touched: &Touched, name: &str) -> bool {
    touched.path.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(name))
}

fn below(path: &str, folders: &[&str]) -> bool {
    let path = path.to_ascii_lowercase();
    folders.iter().any(|folder| path.starts_with(folder) || path.contains(&format!("/{folder}")))
}

fn is_workflow(touched: &Touched) -> bool {
    let files = [
        ".gitlab-ci.yml",
        "jenkinsfile",
        "azure-pipelines.yml",
        ".travis.yml",
        "appveyor.yml",
        "bitbucket-pipelines.yml",
        "cloudbuild.yaml",
        "dependabot.yml",
    ];
    below(&touched.path, &[".github/workflows/", ".github/actions/", ".circleci/", ".buildkite/"])
        || files.iter().any(|name| is_named(touched, name))
}

fn is_machine_setting(touched: &Touched) -> bool {
    let folders = [
        ".husky/",
        ".vscode/",
        ".idea/",
        ".devcontainer/",
        ".claude/",
        ".codex/",
        ".cursor/",
        ".loop/",
    ];
    let files = [".envrc", ".mcp.json", ".pre-commit-config.yaml", "lefthook.yml"];
    below(&touched.path, &folders) || files.iter().any(|name| is_named(touched, name))
}

/// Whether a link's target is above the top of the repository, or nothing of it at all.
fn leads_out(path: &str, target: &str) -> bool {
    if target.starts_with('/') || target.contains(':') || target.contains('\\') {
        return true;
    }
    let mut depth = path.matches('/').count();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            part if part.eq_ignore_ascii_case(".git") => return true,
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flagged(path: &str, after: &str, target: Option<&str>) -> Option<String> {
        let touched = Touched {
            path: path.to_owned(),
            before: "000000".to_owned(),
            after: after.to_owned(),
            target: target.map(str::to_owned),
        };
        checks(&[touched]).into_iter().find(|check| !check.passed).map(|check| check.name)
    }

    #[test]
    fn paths() {
        for (path, wanted) in [
            ("src/main.rs", ""),
            (".gitignore", ""),
            ("a/.gitkeep", ""),
            (".github/ISSUE_TEMPLATE.md", ""),
            (".github/workflows/ci.yml", "workflows"),
            (".GitHub/Workflows/ci.yml", "workflows"),
            (".github/actions/x/action.yml", "workflows"),
            ("Jenkinsfile", "workflows"),
            ("docs/CODEOWNERS", "owners"),
            (".gitmodules", "submodules"),
            ("x/.gitattributes", "attributes"),
            (".lfsconfig", "attributes"),
            (".GIT/config", "git files"),
            ("a/git~1/config", "git files"),
            (".gitconfig", "git files"),
            (".vscode/tasks.json", "machine settings"),
            (".envrc", "machine settings"),
            ("a\u{202e}b", "names"),
            ("a\nb", "names"),
        ] {
            assert_eq!(flagged(path, "100644", None).unwrap_or_default(), wanted, "{path:?}");
        }
        assert_eq!(flagged("lib/x", "160000", None).as_deref(), Some("submodules"));
    }

    #[test]
    fn links() {
        for (path, target, out) in [
            ("a", "b", false),
            ("a/b/c", "../../d", false),
            ("a/b", "../../etc/passwd", true),
            ("a", "/etc/passwd", true),
            ("a", "../x", true),
            ("a", "C:\\x", true),
            ("a", ".git/hooks/x", true),
            ("a/b", "../c/../../..", true),
        ] {
            let found = flagged(path, "120000", Some(target));
            assert_eq!(found.as_deref() == Some("links"), out, "{path} -> {target}");
        }
    }

    #[test]
    fn many_are_counted() {
        let touched: Vec<Touched> = (0..8)
            .map(|at| Touched {
                path: format!("bin/{at}"),
                before: "100644".to_owned(),
                after: "100755".to_owned(),
                target: None,
            })
            .collect();
        let told = &checks(&touched)[0];
        assert!(told.passed && told.detail.ends_with("bin/4 and 3 more"), "{told:?}");
    }
}
