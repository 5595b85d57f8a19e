//! Repositories in, commits and pull requests out: against a real Git server and a fake GitHub.

use crate::acts::{files, processes};
use crate::git_server::{commit, git, try_git};
use crate::github_server::{Fault, GitHub};
use crate::model_server::ModelServer;
use crate::model_server::script::{say, shell};
use crate::need;
use crate::support::{Done, Home, need};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A token that must not be found anywhere.
const TOKEN: &str = "ghx-canary-2f8b1c7d9e4a6053";
const REPOSITORY: &str = "acme/checkout";

/// A program with a bug, and its test.
const FILES: [(&str, &str); 3] = [
    ("README.md", "# checkout\n"),
    ("total.sh", "#!/bin/sh\n# The sum of two numbers.\necho $(($1 - $2))\n"),
    ("test.sh", "#!/bin/sh\ntest \"$(sh total.sh 2 3)\" = 5\n"),
];

const FIX: &str = "git checkout -q -b fix-it; sed -i 's/ - / + /' total.sh; sh test.sh && \
    git commit -qam 'total: add, do not subtract\n\nSigned-off-by: Somebody Else <x@y>'; \
    printf '# Totals are wrong\n\n## Overview\nIt subtracts.\n\n## Evidence\nThe test.\n\n## Proposed fix\nAdd.\n' \
    > /artifacts/investigation.md";

/// A home whose GitHub is the fake one, with one repository in it.
struct Rig {
    home: Home,
    github: GitHub,
    bare: PathBuf,
}

impl Rig {
    fn new() -> Self {
        let github = GitHub::start(TOKEN);
        let bare = github.repositories.make(REPOSITORY, &FILES);
        let home = Home::new();
        home.write("config/skills/github.toml", &github.skill());
        Self { home, github, bare }
    }

    /// A preset whose worker is a shell script.
    fn worker(&self, name: &str, sandbox: &str, script: &str, more: &str) {
        let script = serde_json::to_string(&format!("read -r asked; {script}; echo done")).unwrap();
        let text = format!(
            "description = \"a script\"\nharness = \"command\"\nskills = [\"github\"]\n{more}\n\
             command = [\"/bin/sh\", \"-c\", {script}]\n[sandbox]\nprovider = \"{sandbox}\"\n\
             image = \"loop-test-base:1\"\n"
        );
        self.home.preset(name, &text);
    }

    fn run(&self, arguments: &[&str]) -> Done {
        self.home
            .run(arguments)
            .env("GH_TOKEN", TOKEN)
            .env("MODEL_KEY", "model-key-canary-1")
            .done()
    }

    fn start(&self, preset: &str, more: &[&str]) -> Done {
        let all = [&["session", "start", "--preset", preset, "--json"], more, &["fix it"]];
        self.run(&all.concat())
    }

    fn show(&self) -> Value {
        self.run(&["session", "show", "last", "--json"]).ok().json()
    }

    /// What the session left of a kind.
    fn artifact(&self, kind: &str) -> Value {
        let shown = self.show();
        let all = shown["artifacts"].as_array().unwrap();
        all.iter().find(|one| one["kind"] == kind).unwrap_or_else(|| panic!("{shown:#}")).clone()
    }

    fn branches(&self) -> Vec<String> {
        let names = git(&self.bare, &["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
        names.lines().map(str::to_owned).collect()
    }

    /// The token is in no file and in no command line.
    #[track_caller]
    fn no_token(&self) {
        use base64::Engine as _;
        let encoded =
            base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{TOKEN}"));
        for form in [TOKEN, encoded.as_str()] {
            let holds = |path: &Path| {
                std::fs::read(path)
                    .is_ok_and(|bytes| memchr::memmem::find(&bytes, form.as_bytes()).is_some())
            };
            let found = files(self.home.path(), &holds);
            assert!(found.is_empty(), "the token is in {found:?}");
            assert_eq!(processes(form), Vec::<String>::new());
        }
    }
}

fn on_each(check: impl Fn(&str)) {
    need!(need::bubblewrap());
    check("local");
    need!(need::image());
    check("docker");
}

const OPENS: &str = "repo = \"acme/checkout\"\npull_request = true\ndraft = true\n";

/// From a repository to a pull request, with a worker that is a shell script.
#[test]
fn a_branch_becomes_a_pull_request() {
    on_each(|sandbox| {
        let rig = Rig::new();
        rig.worker("fix", sandbox, FIX, OPENS);
        let done = rig.start("fix", &[]).ok();
        let id = rig.show()["id"].as_str().unwrap().to_owned();
        let pulls = rig.github.pulls();
        assert_eq!(pulls.len(), 1, "{}\n{}", done.stdout, done.stderr);
        let pull = &pulls[0];
        assert_eq!(pull["head"]["ref"], format!("loop/{id}"));
        assert_eq!((&pull["draft"], &pull["base"]["ref"]), (&json!(true), &json!("main")));
        assert_eq!(pull["title"], "Totals are wrong");
        let body = pull["body"].as_str().unwrap();
        for wanted in ["## Overview\n\nIt subtracts.", "## How it was verified", &id] {
            assert!(body.contains(wanted), "{wanted}: {body}");
        }
        assert!(done.stdout.contains(pull["html_url"].as_str().unwrap()), "{}", done.stdout);
        // Only what it says, and by us.
        let branch = format!("loop/{id}");
        assert_eq!(rig.branches(), [branch.clone(), "main".to_owned()]);
        let about = git(&rig.bare, &["log", "-1", "--format=%an <%ae>%n%cn%n%B", &branch]);
        assert!(about.starts_with("loop <loop@localhost>\nloop\ntotal: add"), "{about}");
        assert!(
            about.contains(&format!("Loop-Session: {id}")) && !about.contains("Somebody"),
            "{about}"
        );
        let text = git(&rig.bare, &["show", &format!("{branch}:total.sh")]);
        assert!(text.contains("+ $2"), "{text}");
        let artifact = rig.artifact("branch");
        assert_eq!(
            artifact["checks"][0]["detail"],
            "1 commit: 1 file changed, 1 insertion(+), 1 deletion(-)"
        );
        let diff = rig.run(&["session", "diff", "last"]).ok().stdout;
        assert!(diff.contains("-echo $(($1 - $2))\n+echo $(($1 + $2))"), "{diff}");
        assert!(rig.run(&["session", "diff", "last", "--stat"]).ok().stdout.contains("total.sh"));
        rig.no_token();
        rig.home.nothing_left();
    });
}
