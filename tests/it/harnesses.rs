//! The real Claude Code, Codex and OpenCode in real containers, against the scripted model server.
//!
//! Each test starts as a person would and looks at two sides: what the program told, and what the
//! model was asked.

use crate::acts::{files, of_kind, processes, texts};
use crate::model_server::script::{
    CACHED_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS, Step, always, say, shell, status,
};
use crate::model_server::{Lane, ModelServer};
use crate::need;
use crate::support::{Done, Engine, Home, need};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// A value that must not be found anywhere it does not belong.
const CANARY: &str = "canary-7c1f0e5d9ab24e63";

struct Program {
    harness: &'static str,
    /// What it is called among the fetched ones.
    name: &'static str,
    model: &'static str,
}

const CLAUDE: Program = Program { harness: "claude-code", name: "claude", model: "sonnet" };
const CODEX: Program = Program { harness: "codex", name: "codex", model: "gpt-5.5" };
const OPENCODE: Program =
    Program { harness: "opencode", name: "opencode", model: "anthropic/claude-sonnet-4-5" };

impl Program {
    fn rig(&self, lane: &str, steps: Vec<Step>) -> Result<Rig, String> {
        let engine: Engine = need::docker()?;
        let image = need::image()?;
        let sandbox = format!("provider = \"docker\"\nimage = \"{image}\"\nmemory = \"2GiB\"");
        self.rig_in(&sandbox, &engine.gateway, lane, steps)
    }

    /// A rig without an engine.
    fn local_rig(&self, lane: &str, steps: Vec<Step>) -> Result<Rig, String> {
        need::bubblewrap()?;
        self.rig_in("provider = \"local\"", "127.0.0.1", lane, steps)
    }

    fn rig_in(
        &self,
        sandbox: &str,
        host: &str,
        lane: &str,
        steps: Vec<Step>,
    ) -> Result<Rig, String> {
        need::program(self.name)?;
        let lane = ModelServer::shared().lane(&format!("{}-{lane}", self.harness), steps);
        let home = Home::new();
        let (harness, model, url) = (self.harness, self.model, lane.url(host));
        home.preset(
            "real",
            &format!(
                "description = \"a real program\"\nharness = \"{harness}\"\nmodel = \"{model}\"\n\
                 [provider]\nbase_url = \"{url}\"\nsecret = \"MODEL_KEY\"\n[sandbox]\n{sandbox}\n"
            ),
        );
        Ok(Rig { home, lane })
    }
}

/// A home with a preset `real` for a program that talks to a lane of its own.
struct Rig {
    home: Home,
    lane: Lane,
}

impl Rig {
    fn run(&self, arguments: &[&str]) -> Done {
        self.home.run(arguments).env("MODEL_KEY", CANARY).done()
    }

    fn start(&self, prompt: &str) -> Done {
        self.run(&["session", "start", "--preset", "real", "--json", prompt])
    }

    /// Starts a session that goes on alone; its id.
    fn detach(&self, arguments: &[&str]) -> String {
        let all = [&["session", "start", "--preset", "real", "--detach", "--json"], arguments];
        let lines = self.run(&all.concat()).ok().lines();
        lines[0]["session"].as_str().unwrap().to_owned()
    }

    fn send(&self, session: &str, prompt: &str) -> Done {
        self.run(&["session", "send", session, "--wait", "--json", prompt])
    }

    /// Ends the session and looks after what is left.
    fn end(&self, session: &str) {
        self.home.ask(&["session", "stop", session]).ok();
        self.home.nothing_left();
    }

    /// The key is nowhere in what the program keeps.
    #[track_caller]
    fn no_canary_stored(&self) {
        let holds = |path: &std::path::Path| {
            std::fs::read(path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(CANARY))
        };
        let found = files(self.home.path(), &holds);
        assert!(found.is_empty(), "the key is in {found:?}");
    }
}

#[track_caller]
fn no_canary(what: &str, text: &str) {
    assert!(!text.contains(CANARY), "the key is in {what}:\n{text}");
}

/// A first turn with a tool call, and a follow-up with a tool error in the same conversation.
fn talks(program: &Program) {
    let steps = vec![
        shell("echo from-$((40+2)); echo key=$MODEL_KEY$ANTHROPIC_API_KEY$CODEX_API_KEY"),
        say("the first answer"),
        shell("echo broken >&2; exit 3"),
        say("the second answer"),
    ];
    let rig = need!(program.rig("talks", steps));
    let session = rig.detach(&["look around first"]);
    let shown = rig.home.wait(&session, "idle");
    assert_eq!(shown["turns"][0]["outcome"], "succeeded", "{shown:#}");
    let first = rig.home.events(&session);
    assert_eq!(texts(&first, "user"), "look around first");
    assert!(texts(&first, "assistant").contains("the first answer"), "{first:#?}");
    assert!(texts(&first, "tool_result").contains("from-42"), "{first:#?}");
    assert!(texts(&first, "tool_result").contains("key=[redacted]"), "{first:#?}");
    assert_eq!(of_kind(&first, "unread"), Vec::<&Value>::new(), "all of its stream is understood");

    let done = rig.send(&session, "and now the second thing").ok();
    let second = done.session(&rig.home);
    assert_eq!(texts(&second, "user"), "and now the second thing");
    assert!(texts(&second, "assistant").contains("the second answer"), "{second:#?}");
    let failed = of_kind(&second, "tool_result");
    assert_eq!(failed.len(), 1, "{second:#?}");
    assert!(failed[0]["output"].as_str().unwrap().contains("broken"), "{second:#?}");
    let told = failed[0]["is_error"] == true || failed[0]["exit_code"] == 3;
    assert!(told, "a tool error is told as one: {second:#?}");

    let asked = rig.lane.asked();
    assert_eq!(asked.len(), 4);
    let (before, last) = (asked[0].body.to_string(), asked[3].body.to_string());
    assert!(before.contains("/artifacts"), "the worker is told what it is to leave");
    for wanted in ["look around first", "from-42", "the first answer", "and now the second thing"] {
        assert!(last.contains(wanted), "it did not resume, there is no `{wanted}`: {last}");
    }
    let key = json!(asked[0].headers).to_string();
    assert!(key.contains(CANARY), "the model's key reached the model: {key}");
    let cached = 4 * CACHED_TOKENS;
    assert_eq!(
        rig.home.show(&session)["usage"],
        json!({"input_tokens": 4 * INPUT_TOKENS - cached, "output_tokens": 4 * OUTPUT_TOKENS,
               "cache_read_tokens": cached, "cache_write_tokens": 0})
    );
    no_canary("the lines", &format!("{}{}", done.stdout, done.stderr));
    rig.end(&session);
    rig.no_canary_stored();
}

/// The model's API says no. `sentence` is what a person is told.
fn is_refused(program: &Program, answer: u16, code: i32, sentence: &str) {
    let rig = need!(program.rig(&format!("refused-{answer}"), vec![always(status(answer))]));
    let done = rig.start("look around").exits(code);
    let lines = done.session(&rig.home);
    let last = &lines[lines.len() - 1];
    assert_eq!((&last["phase"], &last["outcome"]), (&json!("failed"), &json!("failed")));
    let reason = last["reason"].as_str().unwrap();
    assert!(reason.contains(sentence), "{reason}");
    let shown = rig.run(&["session", "show", "last"]).ok().stdout;
    assert!(shown.contains(sentence), "people are told too: {shown}");
    rig.home.nothing_left();
    rig.no_canary_stored();
}

/// The model says nothing more, somebody ends the turn, and the conversation goes on.
fn is_interrupted(program: &Program) {
    let rig = need!(program.rig("interrupted", vec![Step::Hang, say("back again")]));
    let session = rig.detach(&["think for ever"]);
    assert!(rig.lane.wait_asked(1, Duration::from_secs(40)), "the model was not asked");
    let early = rig.send(&session, "hurry").exits(2);
    assert!(early.stderr.contains("is running"), "{}", early.stderr);
    rig.run(&["session", "interrupt", &session]).ok();
    let shown = rig.home.wait(&session, "idle");
    assert_eq!(shown["turns"][0]["outcome"], "interrupted", "{shown:#}");
    let done = rig.send(&session, "then do this").ok();
    assert!(texts(&done.session(&rig.home), "assistant").contains("back again"));
    let asked = rig.lane.asked();
    let last = asked.last().unwrap().body.to_string();
    assert!(last.contains("then do this"), "{last}");
    assert!(last.contains("think for ever"), "it forgot its conversation: {last}");
    rig.end(&session);
}

/// It ends well and has nothing to say.
fn is_empty(program: &Program) {
    let rig = need!(program.rig("empty", vec![always(Step::Empty)]));
    let done = rig.start("look around").exits(1);
    let last = done.session(&rig.home).pop().unwrap();
    assert_eq!(last["outcome"], "empty", "{last:#}");
    assert!(last["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{last:#}");
    rig.home.nothing_left();
}

/// While the worker has the key, nobody who looks from outside sees it.
fn keeps_the_key(program: &Program) {
    let rig = need!(program.rig("key", vec![shell("sleep 4; env"), say("done")]));
    let session = rig.detach(&["--keep", "always", "show me everything"]);
    assert!(rig.lane.wait_asked(1, Duration::from_secs(40)), "the model was not asked");
    let container = format!("loop-{session}");
    no_canary("docker inspect", &output("docker", &["inspect", &container]));
    no_canary("docker top", &output("docker", &["top", &container, "-eo", "pid,args"]));
    assert_eq!(processes(CANARY), Vec::<String>::new(), "the key is in a command line");
    // As the worker and as the supervisor: neither has it in a file.
    let search = ["-s", "-r", "-l", "-I", CANARY, "/home", "/tmp", "/run", "/var/tmp", "/loop/run"];
    for user in ["0", "1000"] {
        let grep = [&["exec", "-u", user, container.as_str(), "grep"], &search[..]].concat();
        let found = output("docker", &grep);
        assert_eq!(found, "", "as user {user} the key is in a file of the sandbox");
    }
    rig.home.wait(&session, "idle");
    for format in ["md", "json"] {
        let done = rig.run(&["session", "export", &session, "--format", format]).ok();
        assert!(done.stdout.contains("[redacted]"), "its environment was told: {}", done.stdout);
        no_canary("the export", &done.stdout);
    }
    let raw = rig.run(&["session", "logs", &session, "--raw"]).ok().stdout;
    assert!(raw.contains("[redacted]"), "{raw}");
    no_canary("the journal", &raw);
    rig.run(&["session", "stop", &session]).ok();
    rig.no_canary_stored();
    assert_eq!(rig.home.containers().len(), 1, "it is kept");
    rig.run(&["session", "rm", &session]).ok();
    rig.home.nothing_left();
}

/// What a command says on standard output.
fn output(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[test]
fn claude_code_talks() {
    talks(&CLAUDE);
}

#[test]
fn codex_talks() {
    talks(&CODEX);
}

#[test]
fn opencode_talks() {
    talks(&OPENCODE);
}

const REFUSED: &str = "the model API refused the credential (401)";

#[test]
fn claude_code_is_refused() {
    is_refused(&CLAUDE, 401, 4, REFUSED);
}

#[test]
fn codex_is_refused() {
    is_refused(&CODEX, 401, 4, REFUSED);
}

#[test]
fn opencode_is_refused() {
    is_refused(&OPENCODE, 401, 4, REFUSED);
}

const OVERLOADED: &str = "the model API was overloaded";

#[test]
fn claude_code_meets_an_overloaded_api() {
    is_refused(&CLAUDE, 529, 1, OVERLOADED);
}

#[test]
fn codex_meets_an_overloaded_api() {
    is_refused(&CODEX, 529, 1, OVERLOADED);
}

#[test]
fn opencode_meets_an_overloaded_api() {
    is_refused(&OPENCODE, 529, 1, OVERLOADED);
}

#[test]
fn claude_code_is_interrupted() {
    is_interrupted(&CLAUDE);
}

#[test]
fn codex_is_interrupted() {
    is_interrupted(&CODEX);
}

#[test]
fn opencode_is_interrupted() {
    is_interrupted(&OPENCODE);
}

#[test]
fn claude_code_says_nothing() {
    is_empty(&CLAUDE);
}

#[test]
fn codex_says_nothing() {
    is_empty(&CODEX);
}

#[test]
fn opencode_says_nothing() {
    is_empty(&OPENCODE);
}

#[test]
fn claude_code_keeps_the_key() {
    keeps_the_key(&CLAUDE);
}

#[test]
fn codex_keeps_the_key() {
    keeps_the_key(&CODEX);
}

#[test]
fn opencode_keeps_the_key() {
    keeps_the_key(&OPENCODE);
}

/// On this machine the worker's home is a folder of the disk, so the program must not put the key
/// there either. It is looked for while the worker has it, and at the end.
fn keeps_the_key_off_the_disk(program: &Program) {
    let steps = vec![shell("echo from-$((40+2))"), say("one"), Step::Hang, say("two")];
    let rig = need!(program.local_rig("disk", steps));
    let session = rig.detach(&["look around"]);
    rig.home.wait(&session, "idle");
    assert!(texts(&rig.home.events(&session), "tool_result").contains("from-42"));
    rig.no_canary_stored();
    rig.run(&["session", "send", &session, "go on"]).ok();
    assert!(rig.lane.wait_asked(3, Duration::from_secs(40)), "the model was not asked");
    rig.no_canary_stored();
    assert_eq!(processes(CANARY), Vec::<String>::new(), "the key is in a command line");
    rig.run(&["session", "interrupt", &session]).ok();
    rig.home.wait(&session, "idle");
    rig.send(&session, "and the end").ok();
    rig.no_canary_stored();
    rig.end(&session);
}

#[test]
fn claude_code_keeps_the_key_off_the_disk() {
    keeps_the_key_off_the_disk(&CLAUDE);
}

#[test]
fn codex_keeps_the_key_off_the_disk() {
    keeps_the_key_off_the_disk(&CODEX);
}

#[test]
fn opencode_keeps_the_key_off_the_disk() {
    keeps_the_key_off_the_disk(&OPENCODE);
}

/// The main job with a model: the worker reads the evidence with `traces` in the sandbox, cites it,
/// and what it left is checked.
#[test]
fn an_investigation_by_claude_code() {
    let look = "traces list --errors --limit 5";
    let write = "id=$(traces list --errors --limit 1 --json | grep -oE '[0-9a-f]{32}' | head -1); \
                 printf '# Refunds fail\\n\\n## Overview\\nx\\n\\n## Evidence\\n%s\\n\\n## Proposed fix\\ny\\n' \
                 \"$id\" > /artifacts/investigation.md";
    let steps = vec![shell(look), shell(write), say("The refunds fail.")];
    let rig = need!(CLAUDE.rig("investigation", steps));
    let start = ["session", "start", "--preset", "real", "--project", "demo", "--json"];
    let done = rig.run(&[&start[..], &["why do refunds fail?"]].concat()).ok();
    let lines = done.session(&rig.home);
    let artifact = lines.iter().find(|line| line["type"] == "artifact").unwrap();
    assert_eq!(artifact["title"], "Refunds fail");
    assert!(artifact["checks"].to_string().contains("1 of 1 cited traces exist"), "{artifact:#}");
    let told = rig.lane.asked()[0].body.to_string();
    assert!(told.contains("/traces/snapshot.db"), "the worker is told where the evidence is");
    rig.home.nothing_left();
}

/// A question about the project is answered with `traces` alone: what the model gets to read are the
/// numbers that people get on the host, and the trace that the answer cites is there.
#[test]
fn a_question_answered_by_claude_code() {
    let host = Home::new();
    let ask = |arguments: &[&str]| {
        let all = [&["traces"], arguments, &["--project", "demo", "--json"]].concat();
        host.ask(&all).ok().json()
    };
    let tools = ask(&["stats", "--by", "tool"]);
    let mut groups = tools["groups"].as_array().unwrap().clone();
    let rate = |row: &Value| row["error_rate"].as_f64().unwrap();
    groups.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
    let worst = &groups[0];
    let tool = worst["key"].as_str().unwrap();
    let hits = ask(&["search", "\"rate limit\"", "--limit", "3"]);
    let trace = hits["hits"][0]["trace_id"].as_str().unwrap();
    let shown = ask(&["show", trace]);
    let span = shown["spans"][0]["span_id"].as_str().unwrap();
    let answer = format!("`{tool}` fails most often, and rate limits end answers, as in {trace}.");
    let write = format!(
        "printf '# Answer\\n\\n## Overview\\nx\\n\\n## Evidence\\n`%s`\\n\\n## Proposed fix\\ny\\n' \
         {trace} > /artifacts/investigation.md"
    );
    let steps = vec![
        shell("traces stats --by tool"),
        shell("traces search '\"rate limit\"' --limit 3"),
        shell(&format!("traces show {trace}")),
        shell(&write),
        say(&answer),
    ];
    let rig = need!(CLAUDE.rig("question", steps));
    let start = ["session", "start", "--preset", "real", "--project", "demo", "--json"];
    let done = rig.run(&[&start[..], &["which tool fails most, and why?"]].concat()).ok();
    let lines = done.session(&rig.home);
    let asked = rig.lane.asked();
    let read = |at: usize| asked[at].body.to_string();
    // Each call's result is in the request that follows it.
    let row = read(1).replace("\\n", "\n");
    let row = row.lines().find(|line| line.starts_with(tool)).unwrap_or_else(|| panic!("{row}"));
    let cells: Vec<&str> = row.split_whitespace().collect();
    let number = |key: &str| worst[key].to_string();
    assert_eq!(cells[1..3], [number("count"), number("errors")], "{row}");
    let found = format!("{} spans in {} traces match", hits["total"], hits["traces"]);
    assert!(read(2).contains(&found), "no `{found}`: {}", read(2));
    for wanted in [trace, span, "next: traces show"] {
        assert!(read(3).contains(wanted), "no `{wanted}`: {}", read(3));
    }
    assert!(texts(&lines, "assistant").contains(trace), "the answer cites it");
    let artifact = lines.iter().find(|line| line["type"] == "artifact").unwrap();
    assert!(artifact["checks"].to_string().contains("1 of 1 cited traces exist"), "{artifact:#}");
    rig.home.nothing_left();
}
