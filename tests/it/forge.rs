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
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// A token that must not be found anywhere; each test has one that begins so.
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
    token: String,
}

impl Rig {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let token = format!("{TOKEN}{:04}", COUNT.fetch_add(1, Ordering::Relaxed));
        let github = GitHub::start(&token);
        let bare = github.repositories.make(REPOSITORY, &FILES);
        let home = Home::new();
        home.write("config/skills/github.toml", &github.skill());
        Self { home, github, bare, token }
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
            .env("GH_TOKEN", &self.token)
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

    /// Both forms in which the token travels.
    fn forms(&self) -> [String; 2] {
        use base64::Engine as _;
        let user = format!("x-access-token:{}", self.token);
        [self.token.clone(), base64::engine::general_purpose::STANDARD.encode(user)]
    }

    /// The token is in no file and in no command line.
    #[track_caller]
    fn no_token(&self) {
        for form in self.forms() {
            let holds = |path: &Path| {
                let bytes = std::fs::read(path).unwrap_or_default();
                memchr::memmem::find(&bytes, form.as_bytes()).is_some()
            };
            let found = files(self.home.path(), &holds);
            assert!(found.is_empty(), "the token is in {found:?}");
            assert_eq!(processes(&form), Vec::<String>::new());
        }
    }

    /// Does something while somebody looks at every command line there is, again and again.
    #[track_caller]
    fn watched(&self, work: impl FnOnce() -> Done) -> Done {
        let over = AtomicBool::new(false);
        let (done, looks, seen) = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let (mut looks, mut seen) = (0, Vec::new());
                while !over.load(Ordering::Relaxed) {
                    seen.extend(self.forms().iter().flat_map(|form| processes(form)));
                    looks += 1;
                }
                (looks, seen)
            });
            let done = work();
            over.store(true, Ordering::Relaxed);
            let (looks, seen) = watch.join().unwrap();
            (done, looks, seen)
        });
        assert!(looks > 10, "nobody looked");
        assert_eq!(seen, Vec::<String>::new(), "the token is in a command line");
        done
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
        let done = rig.watched(|| rig.start("fix", &[])).ok();
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

/// A real program with a scripted model, the bundled preset, and a container: one command, a link.
#[test]
fn claude_code_fixes_a_bug() {
    need!(need::program("claude"));
    let engine = need!(need::docker());
    let image = need!(need::image());
    let rig = Rig::new();
    let steps = vec![
        shell("cat total.sh; git status -sb; echo token=$GH_TOKEN"),
        shell(FIX),
        say("It adds now."),
    ];
    let lane = ModelServer::shared().lane("forge-claude", steps);
    let bundled = include_str!("../../presets/fix.toml");
    let provider = format!(
        "[provider]\nbase_url = \"{}\"\nsecret = \"MODEL_KEY\"\n\n[sandbox]\nprovider = \"docker\"\nimage = \"{image}\"\n",
        lane.url(&engine.gateway)
    );
    let text =
        bundled.replace("[sandbox]\n", &provider).replace("cpus = 4\n", "").replace("8GiB", "2GiB");
    rig.home.preset("fix", &text);
    // The last answer of the forge is lost, and the one before comes from a gateway.
    rig.github.fault(&[Fault::CommitThen502]);
    rig.github.repositories.drop_pushes(0);
    let start = ["session", "start", "--preset", "fix", "--project", "demo", "--repo", REPOSITORY];
    let done = rig.run(&start).ok();
    let pulls = rig.github.pulls();
    assert_eq!((pulls.len(), rig.github.opened()), (1, 1), "{}", done.stderr);
    let link = pulls[0]["html_url"].as_str().unwrap();
    assert!(done.stdout.contains(link), "{}\n{}", done.stdout, done.stderr);
    assert_eq!(
        (&pulls[0]["draft"], &pulls[0]["title"]),
        (&json!(true), &json!("Totals are wrong"))
    );
    let asked = lane.asked();
    let told = asked[0].body.to_string();
    assert!(
        told.contains("already on a branch of your own, `loop/"),
        "the worker knows its branch"
    );
    let seen = asked[1].body.to_string();
    assert!(seen.contains("## loop/") && seen.contains("$1 - $2"), "a clone on its branch: {seen}");
    assert!(seen.contains("token=") && !seen.contains(TOKEN), "the token is not in the sandbox");
    rig.no_token();
    rig.home.nothing_left();
}

/// Answers are lost, of pushes and of calls; limits are kept to; there is one pull request.
#[test]
fn whatever_is_lost_there_is_one() {
    need!(need::bubblewrap());
    for faults in [
        vec![Fault::CommitThenDrop],
        vec![Fault::CommitThen502],
        vec![Fault::Fail502],
        vec![Fault::Limited(403, Some(1))],
        vec![Fault::Limited(429, Some(1)), Fault::CommitThenDrop],
        vec![Fault::Limited(429, None)],
        vec![Fault::Limited(403, None), Fault::Limited(403, Some(0))],
        vec![Fault::Spent(1), Fault::CommitThen502],
    ] {
        let rig = Rig::new();
        rig.worker("fix", "local", FIX, OPENS);
        rig.github.fault(&faults);
        let done = rig.start("fix", &[]).ok();
        assert_eq!((rig.github.pulls().len(), rig.github.opened()), (1, 1), "{faults:?}");
        assert!(done.stdout.contains("/pull/1"), "{faults:?}: {}", done.stdout);
        // Once more finds it.
        rig.run(&["session", "publish", "last"]).ok();
        assert_eq!(rig.github.opened(), 1);
        assert_eq!(rig.branches().len(), 2);
    }
}

/// The answer of the push is lost: what was pushed is there, and the next try finds it so.
#[test]
fn a_push_whose_answer_is_lost() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    rig.worker("fix", "local", FIX, OPENS);
    rig.github.repositories.drop_pushes(1);
    let done = rig.start("fix", &[]).exits(6);
    assert!(done.stderr.contains("loop session publish"), "{}", done.stderr);
    assert_eq!((rig.branches().len(), rig.github.opened()), (2, 0));
    let branch = rig.artifact("branch").to_string();
    assert!(branch.contains("no pull request yet"), "{branch}");
    let done = rig.run(&["session", "publish", "last"]).ok();
    assert!(done.stdout.contains("/pull/1"), "{}", done.stdout);
    assert!(!rig.artifact("branch").to_string().contains("no pull request yet"));
    assert_eq!(rig.github.opened(), 1);
}

/// Killed between the push and the pull request: the next command that looks opens it, once.
#[test]
fn a_killed_command_is_finished_by_the_next() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    rig.worker("fix", "local", FIX, OPENS);
    rig.github.fault(&[Fault::Slow]);
    let start = ["session", "start", "--preset", "fix", "--json", "fix it"];
    let running = rig.home.run(&start).env("GH_TOKEN", &rig.token).start();
    let began = std::time::Instant::now();
    while !rig.github.calls().iter().any(|call| call.ends_with("/pulls")) {
        assert!(began.elapsed().as_secs() < 60, "it did not get so far");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.done();
    assert_eq!((rig.branches().len(), rig.github.opened()), (2, 0));
    let shown = rig.show();
    assert_eq!(rig.github.opened(), 1, "{shown:#}");
    for _ in 0..2 {
        rig.show();
        rig.run(&["session", "publish", "last"]).ok();
    }
    assert_eq!((rig.github.opened(), rig.branches().len()), (1, 2));
    rig.run(&["session", "stop", "last"]).ok();
    rig.home.nothing_left();
}

/// An investigation becomes an issue, of a session that has no repository; once, whatever is lost.
#[test]
fn an_investigation_becomes_an_issue() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    let start =
        ["session", "start", "--preset", "triage", "--project", "demo", "--sandbox", "local"];
    rig.run(&start).ok();
    let publish = ["session", "publish", "last", "--issue", "--repo", REPOSITORY];
    let nowhere = rig.run(&publish[..4]).exits(2);
    assert!(nowhere.stderr.contains("--repo owner/name"), "{}", nowhere.stderr);
    rig.github.fault(&[Fault::Limited(403, Some(1)), Fault::CommitThenDrop]);
    let done = rig.run(&publish).ok();
    let issues = rig.github.issues();
    assert_eq!(issues.len(), 1, "{}", done.stderr);
    assert!(done.stdout.contains(issues[0]["html_url"].as_str().unwrap()), "{}", done.stdout);
    let body = issues[0]["body"].as_str().unwrap();
    assert!(body.contains("## Overview") && body.contains("`triage`"), "{body}");
    rig.run(&publish).ok();
    assert_eq!(rig.github.issues().len(), 1);
    let report = rig.artifact("report");
    assert_eq!(report["url"], issues[0]["html_url"]);
    assert_eq!((rig.branches().len(), rig.github.opened()), (1, 0), "nothing is pushed");
    rig.no_token();
}

/// A person pushed to the branch meanwhile, and what they did stays.
#[test]
fn a_moved_branch_is_never_forced() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    rig.worker("fix", "local", FIX, "repo = \"acme/checkout\"\n");
    rig.start("fix", &[]).ok();
    assert_eq!((rig.branches().len(), rig.github.opened()), (1, 0), "nothing is pushed unasked");
    let id = rig.show()["id"].as_str().unwrap().to_owned();
    let branch = format!("loop/{id}");
    let theirs = tempfile::tempdir().unwrap();
    git(theirs.path(), &["clone", "--quiet", &rig.bare.display().to_string(), "."]);
    let kept = commit(theirs.path(), "by a person", &[("by-a-person", "x")]);
    git(theirs.path(), &["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
    let refused = rig.run(&["session", "publish", "last"]).exits(6);
    assert!(refused.stderr.contains("somebody moved"), "{}", refused.stderr);
    assert_eq!(git(&rig.bare, &["rev-parse", &branch]), kept);
    assert_eq!(rig.github.opened(), 0);
}

/// A second turn adds to the branch that was pushed.
#[test]
fn a_follow_up_adds_to_the_branch() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    let script =
        "n=$(git rev-list --count HEAD); echo $n > n-$n; git add -A; git commit -qm \"change $n\"";
    rig.worker("grow", "local", script, OPENS);
    let all = ["session", "start", "--detach", "--json", "--preset", "grow", "one"];
    let id = rig.run(&all).ok().lines()[0]["session"].as_str().unwrap().to_owned();
    let began = std::time::Instant::now();
    while rig.show()["phase"] != "idle" {
        assert!(began.elapsed().as_secs() < 60);
    }
    assert_eq!(rig.github.opened(), 1);
    rig.run(&["session", "send", &id, "--wait", "two"]).ok();
    let log = git(&rig.bare, &["log", "--format=%s", &format!("loop/{id}")]);
    assert_eq!(log, "change 2\nchange 1\nthe first commit");
    assert_eq!((rig.github.opened(), rig.github.pulls().len()), (1, 1));
    rig.run(&["session", "stop", &id]).ok();
    rig.home.nothing_left();
}

/// What a person must look at first is not pushed, and a secret never is.
#[test]
fn what_the_checks_find_is_not_pushed() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    let workflow = "mkdir -p .github/workflows; echo x > .github/workflows/ci.yml; git add -A; git commit -qm ci";
    rig.worker("flow", "local", workflow, OPENS);
    let done = rig.start("flow", &[]).exits(1);
    assert!(done.stderr.contains("must be looked at first"), "{}", done.stderr);
    assert!(rig.artifact("branch").to_string().contains("what runs in continuous integration"));
    assert_eq!((rig.branches().len(), rig.github.opened()), (1, 0));
    rig.run(&["session", "publish", "last"]).exits(1);
    rig.run(&["session", "publish", "last", "--reviewed"]).ok();
    assert_eq!(rig.github.opened(), 1);
    // In inject mode the worker has the token.
    let leak = "echo \"key = $GH_TOKEN\" > config; git add -A; git commit -qm \"use $GH_TOKEN\"";
    rig.worker("leak", "local", leak, "repo = \"acme/checkout\"\n");
    rig.start("leak", &[]).ok();
    let refused = rig.run(&["session", "publish", "last", "--reviewed"]).exits(1);
    assert!(refused.stderr.contains("holds the value of a secret"), "{}", refused.stderr);
    assert!(!refused.stderr.contains(TOKEN));
    assert_eq!(rig.github.opened(), 1);
}

/// Nothing is asked twice: what the mirror has is not fetched again.
#[test]
fn a_mirror_is_fetched_incrementally() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    rig.worker("look", "local", "git log --oneline; ls", "repo = \"acme/checkout\"\n");
    let fetched = || {
        let asked = rig.github.repositories.asked();
        asked
            .iter()
            .filter(|call| call.starts_with("POST") && call.ends_with("git-upload-pack"))
            .count()
    };
    rig.start("look", &[]).ok();
    let first = fetched();
    rig.start("look", &[]).ok();
    // One call lists the branches.
    assert_eq!(fetched() - first, 1, "{:?}", rig.github.repositories.asked());
    let work = tempfile::tempdir().unwrap();
    git(work.path(), &["clone", "--quiet", &rig.bare.display().to_string(), "."]);
    commit(work.path(), "the second commit", &[("new-file", "x")]);
    git(work.path(), &["push", "--quiet", "origin", "main"]);
    let done = rig.start("look", &[]).ok();
    assert!(
        done.stdout.contains("the second commit") && done.stdout.contains("new-file"),
        "{}",
        done.stdout
    );
    // A mirror that a crash left broken is made anew.
    let mirror = files(&rig.home.data().join("mirrors"), &|path| {
        path.extension().is_some_and(|e| e == "pack")
    });
    std::fs::remove_file(&mirror[0]).unwrap();
    let heads = files(&rig.home.data().join("mirrors"), &|path| path.ends_with("refs/heads/main"));
    std::fs::write(heads[0].with_extension("lock"), "").unwrap();
    for bundle in files(&rig.home.data().join("mirrors"), &|path| {
        path.extension().is_some_and(|e| e == "bundle")
    }) {
        std::fs::remove_file(bundle).unwrap();
    }
    let done = rig.start("look", &[]).ok();
    assert!(done.stdout.contains("the second commit"), "{}", done.stdout);
    rig.no_token();
}

/// As much history as was asked for, in a clone that is none the worse for it.
#[test]
fn a_shallow_history() {
    on_each(|sandbox| {
        let rig = Rig::new();
        let work = tempfile::tempdir().unwrap();
        git(work.path(), &["clone", "--quiet", &rig.bare.display().to_string(), "."]);
        for at in 0..5 {
            commit(work.path(), &format!("number {at}"), &[("n", &at.to_string())]);
        }
        git(work.path(), &["push", "--quiet", "origin", "main"]);
        // More than the journal tells by itself.
        let script = "git log --oneline | wc -l; git fsck 2>&1; echo more >> n; \
                      head -c 2000000 /dev/urandom > big; git add -A; git commit -qm more";
        rig.worker("shallow", sandbox, script, "repo = \"acme/checkout\"\ndepth = 2\n");
        let done = rig.start("shallow", &[]).ok();
        assert!(done.stdout.contains("\"2\""), "{}", done.stdout);
        let branch = rig.artifact("branch").to_string();
        assert!(branch.contains("1 commit: 2 files changed"), "{branch}");
        rig.run(&["session", "publish", "last"]).ok();
        assert_eq!(rig.github.opened(), 1);
    });
}

/// A pull request that the worker opened itself is shown, once the forge says that it is there.
#[test]
fn the_workers_own_pull_request_is_found() {
    need!(need::bubblewrap());
    need!(need::command("curl"));
    let rig = Rig::new();
    let url = rig.github.url();
    let call = format!(
        "git push -q http://x-access-token:$GH_TOKEN@{}/acme/checkout.git HEAD:refs/heads/mine; \
         curl -s -X POST -H \"Authorization: Bearer $GH_TOKEN\" {url}/api/v3/repos/acme/checkout/pulls \
         -d '{{\"title\":\"by hand\",\"head\":\"mine\",\"base\":\"main\",\"draft\":false}}' > /dev/null; \
         echo opened {url}/acme/checkout/pull/1, not {url}/acme/checkout/pull/77",
        url.trim_start_matches("http://")
    );
    rig.worker("own", "local", &call, "repo = \"acme/checkout\"\n");
    rig.start("own", &[]).ok();
    let shown = rig.show();
    let links: Vec<&Value> =
        shown["artifacts"].as_array().unwrap().iter().map(|one| &one["url"]).collect();
    assert_eq!(links, [&json!(format!("{url}/acme/checkout/pull/1"))], "{shown:#}");
    let state = |rig: &Rig| {
        rig.artifact("pull_request")["checks"][0]["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&rig), "open");
    rig.github.check(Some("success"));
    rig.github.check(Some("failure"));
    rig.github.check(None);
    rig.github.edit(1, |pull| pull["draft"] = json!(true));
    assert_eq!(state(&rig), "open, draft; 1 of 3 checks passed, 1 failed");
    rig.github.edit(1, |pull| {
        pull["state"] = json!("closed");
        pull["merged_at"] = json!("2026-01-01T00:00:00Z");
    });
    assert_eq!(state(&rig), "merged; 1 of 3 checks passed, 1 failed");
    let offline = rig.home.ask(&["session", "show", "last"]).ok().stdout;
    assert!(offline.contains("its state is unknown"), "without a token it says so: {offline}");
}

/// Somebody else's client gets along with the fake, so that the fake is right by a measure not ours.
#[test]
fn somebody_elses_client_drives_the_fake() {
    let python = crate::support::cache().join("pygithub/bin/python");
    if !python.exists() {
        crate::skip!("PyGithub is not there; tests/rig/pygithub.sh makes it");
    }
    let rig = Rig::new();
    git(&rig.bare, &["branch", "loop/x", "main"]);
    rig.github.check(Some("success"));
    let script = "import os, sys, github\n\
        hub = github.Github(base_url=sys.argv[1], auth=github.Auth.Token(os.environ['T']), retry=None)\n\
        repo = hub.get_repo('acme/checkout')\n\
        assert repo.default_branch == 'main'\n\
        def mine(state): return list(repo.get_pulls(state=state, head='acme:loop/x'))\n\
        assert mine('all') == []\n\
        made = repo.create_pull(base='main', head='loop/x', title='t', body='b', draft=True)\n\
        assert made.number == 1 and made.draft and made.state == 'open', made\n\
        assert [pull.html_url for pull in mine('all')] == [made.html_url]\n\
        assert list(repo.get_pulls(state='all', head='loop/x')) == [], 'without its owner: none'\n\
        try: repo.create_pull(base='main', head='loop/x', title='t', body='b')\n\
        except github.GithubException as error: assert error.status == 422 and 'already exists' in str(error.data)\n\
        else: raise SystemExit('a second one')\n\
        try: repo.create_pull(base='main', head='nothing', title='t', body='b')\n\
        except github.GithubException as error: assert error.status == 422\n\
        pull = repo.get_pull(1)\n\
        assert pull.head.ref == 'loop/x' and not pull.merged_at and pull.created_at\n\
        try: repo.get_pull(9)\n\
        except github.UnknownObjectException: pass\n\
        try: github.Github(base_url=sys.argv[1], auth=github.Auth.Token('x'), retry=None).get_repo('a/b')\n\
        except github.BadCredentialsException: print('well')\n";
    let done = std::process::Command::new(python)
        .args(["-c", script, &format!("{}/api/v3", rig.github.url())])
        .env("T", &rig.token)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "well", "{said}");
    assert_eq!(rig.github.opened(), 1);
}

/// Settings that run a program wherever git looks at them.
const POISON: [(&str, &str); 30] = [
    ("core.fsmonitor", "CMD"),
    ("core.hooksPath", "HOOKS"),
    ("core.sshCommand", "CMD"),
    ("core.gitProxy", "CMD"),
    ("core.askPass", "CMD"),
    ("core.editor", "CMD"),
    ("core.pager", "CMD"),
    ("core.alternateRefsCommand", "CMD"),
    ("sequence.editor", "CMD"),
    ("diff.external", "CMD"),
    ("diff.x.command", "CMD"),
    ("diff.x.textconv", "CMD"),
    ("filter.x.clean", "CMD"),
    ("filter.x.smudge", "CMD"),
    ("filter.x.process", "CMD"),
    ("merge.x.driver", "CMD"),
    ("credential.helper", "!CMD"),
    ("gpg.program", "CMD"),
    ("gpg.ssh.program", "CMD"),
    ("gpg.ssh.defaultKeyCommand", "CMD"),
    ("pager.log", "CMD"),
    ("pager.diff", "CMD"),
    ("alias.fetch", "!CMD"),
    ("alias.log", "!CMD"),
    ("uploadpack.packObjectsHook", "CMD"),
    ("receive.procReceiveRefs", "refs"),
    ("remote.origin.vcs", "x"),
    ("trailer.x.command", "CMD"),
    ("interactive.diffFilter", "CMD"),
    ("url.ext::CMD.insteadOf", "/"),
];

const HOOKS: [&str; 8] = [
    "reference-transaction",
    "post-checkout",
    "pre-push",
    "post-merge",
    "pre-commit",
    "post-index-change",
    "post-receive",
    "fsmonitor-watchman",
];

/// A program that tells that it ran, and the settings and hooks that would run it.
struct Poison {
    marker: PathBuf,
    program: PathBuf,
    hooks: PathBuf,
}

impl Poison {
    fn new(home: &Home) -> Self {
        let marker = home.path().join("marker");
        let program = home.write("hooks/run", &format!("#!/bin/sh\ntouch {}\n", marker.display()));
        let hooks = program.parent().unwrap().to_owned();
        for name in HOOKS {
            std::fs::copy(&program, hooks.join(name)).unwrap();
        }
        for path in files(&hooks, &|_| true) {
            let runs = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(path, runs).unwrap();
        }
        Self { marker, program, hooks }
    }

    /// Writes all of it into a clone; where its settings are.
    fn put(&self, folder: &Path) -> PathBuf {
        let config = folder.join(".git/config");
        let file = config.display().to_string();
        let put = |text: &str| {
            text.replace("CMD", &self.program.display().to_string())
                .replace("HOOKS", &self.hooks.display().to_string())
        };
        for (key, value) in POISON {
            git(&self.hooks, &["config", "--file", &file, "--add", &put(key), &put(value)]);
        }
        let _ = std::fs::create_dir_all(folder.join(".git/hooks"));
        for name in HOOKS {
            std::fs::copy(&self.program, folder.join(".git/hooks").join(name)).unwrap();
        }
        std::fs::write(folder.join(".git/info/attributes"), "* filter=x diff=x merge=x\n").unwrap();
        config
    }

    /// The same as a worker's script, as far as its own shell goes on after it.
    fn script() -> String {
        let kept = |key: &str| !key.starts_with("url.") && !key.starts_with("core.hooksPath");
        let lines = POISON.iter().filter(|(key, _)| kept(key)).map(|(key, value)| {
            format!("git config --add {key} '{}'", value.replace("CMD", "touch /artifacts/ran"))
        });
        lines.collect::<Vec<_>>().join("; ")
    }
}

/// Nothing that an agent wrote into a repository runs on this machine: not in one that is taken in by
/// its path, not in the sandbox's, not in the checkout that a branch is taken into.
#[test]
fn poisoned_repositories_run_nothing() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    let poison = Poison::new(&rig.home);
    let clone = |name: &str| {
        let folder = rig.home.path().join("work").join(name);
        let (from, to) = (rig.bare.display().to_string(), folder.display().to_string());
        git(rig.home.path(), &["clone", "--quiet", &from, &to]);
        folder
    };
    let (source, mine) = (clone("source"), clone("mine"));
    poison.put(&source);
    let config = poison.put(&mine);
    // It is the real thing: git by itself runs them.
    std::process::Command::new("git").arg("status").current_dir(&mine).output().unwrap();
    assert!(poison.marker.exists(), "the poison works");
    std::fs::remove_file(&poison.marker).unwrap();

    let script = Poison::script();
    let work = format!("echo 1 >> README.md; git commit -qam one; echo 2 > new; {script}");
    rig.worker("poison", "local", &work, "");
    let done = rig.start("poison", &["--repo", &source.display().to_string()]).ok();
    rig.run(&["session", "diff", "last"]).ok();
    rig.run(&["session", "diff", "last", "--stat"]).ok();
    let before = std::fs::read(&config).unwrap();
    rig.run(&["session", "apply", "last", "--branch", "taken", &mine.display().to_string()]).ok();
    assert!(!poison.marker.exists(), "something ran: {}", done.stderr);
    assert_eq!(std::fs::read(&config).unwrap(), before);
    std::fs::write(&config, "[core]\n\trepositoryformatversion = 0\n").unwrap();
    std::fs::remove_dir_all(mine.join(".git/hooks")).unwrap();
    assert_eq!(git(&mine, &["log", "-1", "--format=%s", "taken"]), "one");
    assert!(try_git(&mine, &["rev-parse", "--verify", "HEAD"]).0);
}

/// What is wrong is told with what to do, before anything of a sandbox is there.
#[test]
fn mistakes_say_what_to_do() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    rig.worker("look", "local", "ls", "");
    let start = |repo: &str, more: &[&str]| rig.start("look", &[&["--repo", repo], more].concat());
    for (repo, more, code, wanted) in [
        ("acme/nothing", &[][..], 6, "there is none of that name"),
        ("/nonexistent/x", &[], 6, "there is no git repository at that place"),
        (REPOSITORY, &["--branch", "nope"], 2, "has no branch `nope`"),
        (REPOSITORY, &["--branch", "--upload-pack=x"], 2, "no name of a branch"),
        ("http://git.example.com/a/b", &[], 3, "is not encrypted"),
    ] {
        let more: Vec<String> = match more {
            [flag, value] => vec![format!("{flag}={value}")],
            _ => Vec::new(),
        };
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let done = start(repo, &more).exits(code);
        assert!(format!("{}{}", done.stdout, done.stderr).contains(wanted), "{repo}: {done:?}");
    }
    let refused = rig
        .home
        .run(&["session", "start", "--preset", "look", "--repo", REPOSITORY, "x"])
        .env("GH_TOKEN", "another-token-1")
        .done()
        .exits(4);
    assert!(refused.stderr.contains("loop skill check github"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("another-token-1"));
    let unset =
        rig.home.ask(&["session", "start", "--preset", "look", "--repo", REPOSITORY, "x"]).exits(4);
    assert!(unset.stderr.contains("GH_TOKEN"), "{}", unset.stderr);
    rig.home.nothing_left();
}

/// An image without git: the turn fails with what to do, and not with a riddle.
#[test]
fn an_image_without_git_is_told() {
    let image = need!(need::image());
    let rig = Rig::new();
    rig.home.write(
        "config/presets/Dockerfile",
        &format!("FROM {image}\nRUN rm -f /usr/bin/git /usr/local/bin/git\n"),
    );
    rig.home.preset(
        "bare",
        "description = \"x\"\nharness = \"command\"\nskills = [\"github\"]\n\
         command = [\"/bin/sh\", \"-c\", \"echo hi\"]\n[sandbox]\nprovider = \"docker\"\n\
         image = { dockerfile = \"Dockerfile\" }\n",
    );
    let done = rig.start("bare", &["--repo", REPOSITORY]).exits(1);
    let reason = done.last()["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("there is no `git` in the sandbox's image"), "{reason}");
    rig.home.nothing_left();
}

/// What a worker does not get is said.
#[test]
fn what_is_not_taken_in_is_said() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    let more = [
        (".gitmodules", "[submodule \"x\"]\npath = x\nurl = https://example.com/x\n"),
        (".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n"),
    ];
    rig.github.repositories.make("acme/large", &more);
    rig.worker("look", "local", "ls", "repo = \"acme/large\"\n");
    let done = rig.run(&["session", "start", "--preset", "look", "look"]).ok();
    for wanted in ["has submodules", "keeps files by LFS"] {
        assert!(done.stderr.contains(wanted), "{wanted}: {}", done.stderr);
    }
}
