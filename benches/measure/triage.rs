//! (t) Triage of a million spans: the built-in worker by itself, on a snapshot that is there.

use super::rig::{Ran, Rig, text};
use super::table::{Aim, Row, Unit, median};
use anyhow::{Context as _, Result, ensure};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

const ROUNDS: usize = 5;
const TRACES: u64 = 100_000;
const SPANS_OF_ONE: u64 = 10;

/// Spans a second of one core.
const SPEED: f64 = 200_000.0;

/// 2 March 2026, 00:00 UTC, in seconds.
const START: u64 = 1_772_409_600;

pub fn measure(rig: &mut Rig) -> Result<()> {
    let few = snapshot(rig, "few", TRACES / 10)?;
    let many = snapshot(rig, "many", TRACES)?;
    let [few, many] = [few, many].map(|path| runs(rig, &path));
    let (few, many) = (few?, many?);
    let spans = (TRACES * SPANS_OF_ONE) as f64;
    let of = |runs: &[Ran], what: fn(&Ran) -> f64| median(runs.iter().map(what));
    let (wall, cpu) = (of(&many, |ran| ran.cost.wall), of(&many, |ran| ran.cost.cpu));
    let title = |what: &str| format!("(t) triage of 1,000,000 spans, {what}");
    rig.rows.push(Row::alone(&title("wall"), Unit::Seconds, wall, Aim::Told));
    let speed = Aim::Above(SPEED);
    rig.rows.push(Row::alone(&title("spans a CPU second"), Unit::Count, spans / cpu, speed));
    let peak = of(&many, |ran| ran.cost.peak);
    rig.rows.push(Row::alone(&title("memory"), Unit::MiB, peak, Aim::Told));
    let peak = of(&few, |ran| ran.cost.peak);
    rig.rows.push(Row::alone("(t) triage of 100,000 spans, memory", Unit::MiB, peak, Aim::Told));
    Ok(())
}

fn runs(rig: &Rig, snapshot: &Path) -> Result<Vec<Ran>> {
    let folder = rig.path("found");
    std::fs::create_dir_all(&folder)?;
    let argv = ["triage", "--snapshot", text(snapshot), "--artifacts", text(&folder)];
    rig.ours(&argv)?;
    let runs: Vec<Ran> = (0..ROUNDS).map(|_| rig.ours(&argv)).collect::<Result<_>>()?;
    let found = std::fs::read_to_string(folder.join("issues.json"))?;
    for planted in ["PaymentDown", "is called over and over", "is cut off", "finds nothing"] {
        ensure!(found.contains(planted), "`{planted}` was planted and is not found: {found}");
    }
    Ok(runs)
}

fn snapshot(rig: &Rig, name: &str, traces: u64) -> Result<PathBuf> {
    let (file, path) = (rig.path(&format!("{name}.jsonl")), rig.path(&format!("{name}.db")));
    let mut out = BufWriter::new(File::create(&file)?);
    for number in 0..traces {
        out.write_all(trace(number, traces).as_bytes())?;
    }
    out.flush()?;
    rig.ours(&["traces", "snapshot", "--project", text(&file), "-o", text(&path)])
        .context("make a snapshot of what was generated")?;
    std::fs::remove_file(file)?;
    Ok(path)
}

/// A trace of ten spans over ten days, with about as much text as real ones: some 5 kB.
fn trace(number: u64, of: u64) -> String {
    let mut lines = String::new();
    let start = START + number * 10 * 86_400 / of;
    let id = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let odd = number % 100;
    let order = number * 7_919 % 1_000_000;
    let prose = "Answer only from what the tools and articles say, and be brief. ".repeat(12);
    let mut span = |at: u64, parent: Option<u64>, kind: &str, name: &str, rest: &str| {
        let parent =
            parent.map_or("null".to_owned(), |parent| format!("\"{:016x}\"", id ^ (parent << 60)));
        let status = if rest.contains("exception") { "ERROR" } else { "OK" };
        let (attributes, events) = rest.split_once('|').unwrap_or((rest, ""));
        let _ = writeln!(
            lines,
            r#"{{"name":"{name}","context":{{"trace_id":"{:016x}{id:016x}","span_id":"{:016x}"}},"span_kind":"{kind}","parent_id":{parent},"start_time":{},"end_time":{},"status_code":"{status}","attributes":{{"session.id":"s{}","user.id":"u{}"{attributes}}},"events":[{events}]}}"#,
            number + 1,
            id ^ (at << 60),
            start * 1_000_000 + at * 1_000,
            start * 1_000_000 + at * 1_000 + 150_000 + number % 40_000,
            number / 3,
            number % 5_000,
        );
    };
    let question = format!("where is order NL-{order:06}, it should have come days ago?");
    let answer = if odd == 3 {
        "Yes, it is on its way to you and it will be there in two days."
    } else {
        "It is on its way."
    };
    span(
        0,
        None,
        "AGENT",
        "assistant",
        &format!(
            r#","agent.name":"assistant","input.value":"{question}","output.value":"{answer}""#
        ),
    );
    span(
        1,
        Some(0),
        "GUARDRAIL",
        "input_guardrail",
        &format!(r#","input.value":"{question}","output.value":"{{\"allowed\":true}}""#),
    );
    span(
        2,
        Some(0),
        "AGENT",
        "planner",
        &format!(r#","input.value":"{question}","output.value":"look up the order""#),
    );
    let finish = if odd == 2 { "length" } else { "stop" };
    span(
        3,
        Some(2),
        "LLM",
        "plan",
        &format!(
            r#","llm.model_name":"m-small","llm.finish_reason":"{finish}","llm.token_count.prompt":{},"llm.token_count.completion":60,"llm.cost.total":0.001,"llm.input_messages.0.message.role":"system","llm.input_messages.0.message.content":"{prose}","output.value":"look up""#,
            300 + number % 90
        ),
    );
    let documents = if odd == 3 {
        String::from(r#","output.value":"[]""#)
    } else {
        format!(
            r#","retrieval.documents.0.document.content":"{prose}","retrieval.documents.0.document.score":0.8,"retrieval.documents.1.document.content":"{prose}","retrieval.documents.1.document.score":0.7"#
        )
    };
    span(4, Some(0), "RETRIEVER", "help", &format!(r#","input.value":"{question}"{documents}"#));
    for at in 5..9 {
        let (name, key, value) = match (odd, at) {
            (1, _) => ("track", "parcel", format!("P{order}")),
            (_, 5) => ("orders", "id", format!("NL-{order:06}")),
            (_, 6) => ("track", "parcel", format!("P{order}")),
            (_, 7) => ("stock", "sku", format!("TN-{}", number % 300)),
            _ => ("pay", "sum", format!("{}", number % 900)),
        };
        let call = format!(r#","tool.name":"{name}","input.value":"{{\"{key}\":\"{value}\"}}""#);
        let rest = match (odd, at) {
            (0, 8) => format!(
                r#"{call}|{{"name":"exception","timestamp":{},"attributes":{{"exception.type":"PaymentDown","exception.message":"no answer for NL-{order} after {} ms"}}}}"#,
                start * 1_000_000,
                number % 977
            ),
            (3, _) => format!(r#"{call},"output.value":"[]""#),
            (1, _) => format!(r#"{call},"output.value":"{{\"state\":\"refresh\"}}""#),
            _ => format!(r#"{call},"output.value":"{{\"state\":\"sent\",\"id\":\"{order}\"}}""#),
        };
        span(at, Some(0), "TOOL", name, &rest);
    }
    span(
        9,
        Some(0),
        "LLM",
        "write",
        &format!(
            r#","llm.model_name":"m-large","llm.finish_reason":"stop","llm.token_count.prompt":{},"llm.token_count.completion":{},"llm.cost.total":0.01,"llm.input_messages.0.message.role":"system","llm.input_messages.0.message.content":"{prose}","llm.input_messages.1.message.role":"user","llm.input_messages.1.message.content":"{question}","output.value":"{answer}""#,
            700 + number % 300,
            40 + number % 60
        ),
    );
    lines
}
