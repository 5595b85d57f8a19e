//! What a worker at the vendor's is told of the place it works in. Pure.
//!
//! What every worker is told (the evidence, what to leave) comes with the task, with the paths that
//! are given here. This says what is different: there is no program of ours but where it was sent
//! along, files that are left have no folders, and commits have to be packed by the worker itself.

use super::launch::Task;
use crate::domain::refname;

/// Where files that were sent along are.
const UPLOADS: &str = "/mnt/session/uploads";
/// The evidence.
pub const SNAPSHOT: &str = "/mnt/session/uploads/snapshot.db";
/// What the worker leaves for people.
pub const OUTPUTS: &str = "/mnt/session/outputs";

/// How files that are sent along are called below the folder of uploads.
pub(super) const SNAPSHOT_MOUNT: &str = "/snapshot.db";
pub(super) const PROGRAM_MOUNT: &str = "/traces";
/// The file in which the worker leaves its commits.
pub(super) const BUNDLE: &str = "commits.bundle";

/// Where the worker finds a repository of that address.
pub fn workspace(url: &str) -> String {
    let name = url.trim_end_matches('/').trim_end_matches(".git").rsplit('/').next();
    format!("/workspace/{}", name.unwrap_or_default())
}

/// The first message's first part: everything but the task itself.
pub(super) fn brief(task: &Task) -> String {
    let mut parts = Vec::new();
    if !task.instructions.trim().is_empty() {
        parts.push(task.instructions.trim().to_owned());
    }
    let mut place = format!(
        "## This place\n\n\
         - You work in a container of your own; the working folder is yours to fill.\n\
         - Only what is in `{OUTPUTS}` is kept, and folders in it are not: every file there needs a \
         name of its own. Make the folder if it is not there."
    );
    if task.snapshot.is_some() {
        place.push_str(&evidence(task));
    }
    if let Some(repository) = &task.repository {
        place.push_str(&commits(task.session, &workspace(repository.url), repository.base));
    }
    parts.push(place);
    parts.join("\n\n")
}

fn evidence(task: &Task) -> String {
    let how = if task.program.is_some() {
        format!(
            "- The command `traces` is sent along. Put it in its place once: \
             `install -m 755 {UPLOADS}{PROGRAM_MOUNT} /tmp/traces`. Then write \
             `/tmp/traces VERB … --project {SNAPSHOT}` wherever these instructions say \
             `traces VERB …`. Should it not run, use Python instead."
        )
    } else {
        "- There is no command `traces` here, whatever else is said of it: use Python instead."
            .to_owned()
    };
    format!(
        "\n{how}\n\
         - The evidence is one SQLite file. Python reads it without anything to install:\n\n\
         ```sh\n{}\n```\n\n  \
         It is read-only; open it with `immutable=1` as above. Ask for few rows and few columns at \
         a time: inputs and outputs are long. What it holds:\n\n\
         ```\n{}\n```",
        query("SELECT name, status, count(*) FROM spans GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20"),
        task.tables.trim()
    )
}

/// A line that asks the evidence something.
pub(super) fn query(sql: &str) -> String {
    format!(
        "python3 -c 'import sqlite3, sys; \
         db = sqlite3.connect(\"file:{SNAPSHOT}?mode=ro&immutable=1\", uri=True); \
         [print(*row, sep=\"\\t\") for row in db.execute(sys.argv[1])]' \\\n  \"{sql}\""
    )
}

fn commits(session: &str, workspace: &str, base: &str) -> String {
    let branch = refname::of_session(session);
    format!(
        "\n- The repository is in `{workspace}`, at the commit `{base}`. Begin with \
         `git -C {workspace} checkout -B {branch}`.\n\
         - Nobody can look into that folder afterwards. Whenever you have committed something, and as \
         the last thing you do, pack it, and do not push:\n\n\
         ```sh\nmkdir -p {OUTPUTS} && cd {workspace} && git update-ref refs/loop/head HEAD &&\n  \
         git bundle create {OUTPUTS}/{BUNDLE} refs/loop/head ^{base}\n```"
    )
}
