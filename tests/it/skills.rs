//! Custom skills: agreed to once, and used as they were then.

use crate::acts::texts;
use crate::git_server::{commit, git};
use crate::github_server::GitHub;
use crate::model_server::ModelServer;
use crate::model_server::script::say;
use crate::need;
use crate::support::{Done, Home, need};
use std::path::PathBuf;

const TOKEN: &str = "ghx-canary-5b1c9e77aa03";
const PAGE: &str =
    "---\nname: oncall\ndescription: whom to wake when a page comes\n---\n\nWake Ada.\n";
const FILES: [(&str, &str); 3] = [
    ("README.md", "# runbooks\n"),
    ("skills/oncall/SKILL.md", PAGE),
    ("skills/oncall/scripts/who.sh", "echo wake Ada now\n"),
];
const RUNBOOKS: &str = "kind = \"custom\"\ndescription = \"runbooks\"\n[source]\n";

/// A home with a skill from a private repository, and a worker that reads what was installed.
struct Rig {
    home: Home,
    bare: PathBuf,
    _github: GitHub,
}

impl Rig {
    fn new() -> Self {
        let github = GitHub::start(TOKEN);
        let bare = github.repositories.make("acme/runbooks", &FILES);
        let home = Home::new();
        home.write("config/skills/github.toml", &github.skill());
        let rig = Self { home, bare, _github: github };
        rig.source("git = \"acme/runbooks\"\npath = \"skills\"\n");
        let script = "cat > /dev/null; cd ~/.agents/skills; find . -type f | sort; \
                      cat oncall/SKILL.md; sh oncall/scripts/who.sh";
        rig.home.preset(
            "reads",
            &format!(
                "description = \"reads\"\nharness = \"command\"\nskills = [\"runbooks\"]\n\
                 command = [\"/bin/sh\", \"-c\", '{script}']\n[sandbox]\nprovider = \"local\"\n"
            ),
        );
        rig
    }

    fn source(&self, source: &str) {
        self.home.write("config/skills/runbooks.toml", &format!("{RUNBOOKS}{source}"));
    }

    fn run(&self, arguments: &[&str]) -> Done {
        self.home.run(arguments).env("GH_TOKEN", TOKEN).done()
    }

    fn start(&self) -> Done {
        self.run(&["session", "start", "--preset", "reads", "--json", "read"])
    }

    /// Somebody changes the page where it comes from.
    fn change(&self, page: &str) {
        self.commit(&("skills/oncall/SKILL.md", page));
    }

    fn commit(&self, file: &(&str, &str)) {
        let work = tempfile::tempdir().unwrap();
        git(work.path(), &["clone", "--quiet", &self.bare.display().to_string(), "."]);
        commit(work.path(), "changed", &[*file]);
        git(work.path(), &["push", "--quiet", "origin", "HEAD:main"]);
    }
}

#[test]
fn a_skill_is_used_as_it_was_agreed_to() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    let unseen = rig.start().exits(3);
    assert!(unseen.stderr.contains("nobody has looked at what"), "{}", unseen.stderr);
    assert!(unseen.stderr.contains("loop skill install runbooks"), "{}", unseen.stderr);
    let shown = rig.run(&["skill", "install", "runbooks"]).exits(3);
    for text in ["acme/runbooks", "oncall/scripts/who.sh", "whom to wake", "never"] {
        assert!(shown.stdout.contains(text), "no `{text}`: {}", shown.stdout);
    }
    let installed = rig.run(&["skill", "install", "runbooks", "--yes", "--json"]).ok().json();
    assert_eq!(installed["commit"], git(&rig.bare, &["rev-parse", "main"]).trim());
    assert_eq!(installed["folders"][0]["name"], "oncall");

    let seen = texts(&rig.start().ok().lines(), "assistant");
    assert!(seen.contains("./oncall/SKILL.md") && seen.contains("wake Ada now"), "{seen}");
    assert!(!seen.contains("README"), "only skills are installed: {seen}");

    // What happens at the source changes nothing here, also where the files have to be had again.
    rig.change(&PAGE.replace("Ada", "Mallory"));
    std::fs::remove_dir_all(rig.home.data().join("skills")).unwrap();
    let seen = texts(&rig.start().ok().lines(), "assistant");
    assert!(seen.contains("Wake Ada.") && !seen.contains("Mallory"), "{seen}");
    let again = rig.run(&["skill", "install", "runbooks", "--json"]).ok().json();
    assert!(again["agreed"].is_string() && again["agreed"] != again["digest"], "{again}");

    // Another source under the same name was never agreed to.
    rig.source("git = \"acme/runbooks\"\nrev = \"main\"\npath = \"skills\"\n");
    let other = rig.start().exits(3);
    assert!(other.stderr.contains("no longer what was agreed to"), "{}", other.stderr);
    // A folder of the same name within it is a part of the path.
    rig.commit(&("skills/skills/SKILL.md", PAGE));
    rig.source("git = \"acme/runbooks\"\npath = \"skills\"\n");
    let deep = rig.run(&["skill", "install", "runbooks", "--json"]).ok().json();
    let names = [&deep["folders"][0]["name"], &deep["folders"][1]["name"]];
    assert_eq!(names, ["oncall", "skills"], "{deep}");
    rig.source("git = \"acme/runbooks\"\nrev = \"v9\"\n");
    let none = rig.run(&["skill", "install", "runbooks", "--yes"]).exits(6);
    assert!(none.stderr.contains("branch, tag or commit `v9`"), "{}", none.stderr);
    let bundled = rig.run(&["skill", "install", "github"]).exits(2);
    assert!(bundled.stderr.contains("installs nothing"), "{}", bundled.stderr);
}

#[test]
fn a_folder_of_this_machine_is_one_too() {
    need!(need::bubblewrap());
    let rig = Rig::new();
    let page = rig.home.write("work/mine/oncall/SKILL.md", PAGE);
    rig.home.write("work/mine/oncall/scripts/who.sh", "echo wake Ada now\n");
    rig.source(&format!("git = \"{}\"\n", rig.home.path().join("work/mine").display()));
    rig.run(&["skill", "install", "runbooks", "--yes"]).ok();
    assert!(texts(&rig.start().ok().lines(), "assistant").contains("wake Ada now"));
    // Agreed is what was shown, not what stands there later.
    std::fs::write(&page, PAGE.replace("Ada", "Mallory")).unwrap();
    assert!(texts(&rig.start().ok().lines(), "assistant").contains("Wake Ada."));
    std::fs::remove_dir_all(rig.home.data().join("skills")).unwrap();
    let changed = rig.start().exits(3);
    assert!(changed.stderr.contains("no longer what was agreed to"), "{}", changed.stderr);
}

/// Where the real program looks for skills, it finds them: it tells its model of them.
#[test]
fn claude_code_knows_of_it() {
    need!(need::program("claude"));
    let engine = need!(need::docker());
    let image = need!(need::image());
    let rig = Rig::new();
    rig.run(&["skill", "install", "runbooks", "--yes"]).ok();
    let lane = ModelServer::shared().lane("skills-claude", vec![say("Ada.")]);
    rig.home.preset(
        "reads",
        &format!(
            "description = \"reads\"\nharness = \"claude-code\"\nskills = [\"runbooks\"]\n\
             [provider]\nbase_url = \"{}\"\nsecret = \"MODEL_KEY\"\n\
             [sandbox]\nprovider = \"docker\"\nimage = \"{image}\"\n",
            lane.url(&engine.gateway)
        ),
    );
    let start = ["session", "start", "--preset", "reads", "--project", "demo", "whom do I wake?"];
    rig.home.run(&start).env("GH_TOKEN", TOKEN).env("MODEL_KEY", "model-key-canary-2").done().ok();
    let told = lane.asked()[0].body.to_string();
    assert!(told.contains("whom to wake when a page comes"), "{told}");
    rig.home.nothing_left();
}
