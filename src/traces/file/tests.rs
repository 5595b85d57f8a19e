use super::super::snapshot::{About, Snapshot, Writer};
use super::*;
use std::io::Write as _;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(name)
}

/// The snapshot of a file, and its bytes.
fn taken(path: &Path) -> Result<(Snapshot, Vec<u8>, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("x.db");
    let mut writer = Writer::new(About::default())?;
    read(path, &mut writer)?;
    writer.finish(&target)?;
    let bytes = std::fs::read(&target).unwrap();
    Ok((Snapshot::open(&target)?, bytes, folder))
}

#[test]
fn every_shape_of_the_same_spans_gives_the_same_snapshot() {
    let (snapshot, expected, _folder) = taken(&corpus("otlp_lines.jsonl")).unwrap();
    let summary = snapshot.summary();
    assert_eq!((summary.traces, summary.spans, summary.failing), (2, 4, 1));
    assert_eq!(summary.left_out, []);
    for name in [
        "otlp_document.json",
        "otlp_one_line_no_newline.json",
        "phoenix_lines.jsonl",
        "phoenix_page.json",
        "nested_array.json",
        "data_frame.jsonl",
        "byte_order_mark.jsonl",
        "windows_lines.jsonl",
        "children_first.jsonl",
    ] {
        assert!(taken(&corpus(name)).unwrap().1 == expected, "{name}");
        // And compressed, in two members, under a name that does not say so.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let plain = std::fs::read(corpus(name)).unwrap();
        let mut file = File::create(&path).unwrap();
        for part in [&plain[..plain.len() / 2], &plain[plain.len() / 2..]] {
            let mut gz = flate2::write::GzEncoder::new(&mut file, flate2::Compression::fast());
            gz.write_all(part).unwrap();
            gz.finish().unwrap();
        }
        assert!(taken(&path).unwrap().1 == expected, "{name}, compressed");
    }
}

#[test]
fn what_cannot_be_read_is_left_out_and_counted() {
    for (name, spans, left_out) in [
        ("cut_line.jsonl", 3, &[("a last line that is cut off", 1)][..]),
        ("cut_document.json", 3, &[("the end of a document that is cut off", 1)]),
        ("doubled.jsonl", 4, &[("spans whose id was there already", 1)]),
        ("deep.jsonl", 2, &[("lines nested deeper than 128 levels", 1)]),
        (
            "broken_lines.jsonl",
            2,
            &[
                ("lines that are not JSON", 1),
                ("lines that are not UTF-8", 1),
                ("objects that are no spans", 1),
                ("spans whose trace id is not 32 hexadecimal digits", 1),
                ("spans without a start time", 1),
            ],
        ),
        ("two_roots.jsonl", 2, &[]),
        ("clock_skew.jsonl", 1, &[]),
        ("gen_ai.jsonl", 3, &[]),
    ] {
        let (snapshot, ..) = taken(&corpus(name)).unwrap();
        let summary = snapshot.summary();
        let told: Vec<_> = summary.left_out.iter().map(|(why, n)| (why.as_str(), *n)).collect();
        assert_eq!((summary.spans, told.as_slice()), (spans, left_out), "{name}");
    }
}

#[test]
fn the_gen_ai_vocabulary_fills_the_same_columns() {
    let (snapshot, ..) = taken(&corpus("gen_ai.jsonl")).unwrap();
    let sql = "SELECT group_concat(concat_ws(' ', kind, model, tool, agent, total_tokens, error_type, input), '; ') FROM spans";
    let told: String = snapshot.database().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(told, "AGENT shop 30; LLM m-2 15 hello there; TOOL find TimeoutError {\"q\":1}");
    let sql = "SELECT concat_ws(' ', name, total_tokens, session_id, status) FROM traces";
    let told: String = snapshot.database().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(told, "invoke_agent shop 15 c-1 ERROR", "the agent's own sum is not counted again");
}

#[test]
fn skewed_clocks_give_no_negative_latency() {
    let (snapshot, ..) = taken(&corpus("clock_skew.jsonl")).unwrap();
    let latency: f64 = snapshot
        .database()
        .query_row("SELECT latency_ms FROM traces", [], |row| row.get(0))
        .unwrap();
    assert!(latency.abs() < 1e-9);
}

#[test]
fn what_is_no_traces_is_a_failure_with_its_place() {
    for (name, why, line) in [
        ("not_traces.json", "no span is here", Some(1)),
        ("not_traces.jsonl", "no span is here", Some(1)),
        ("list_of_numbers.json", "no span is here", Some(1)),
        ("table.csv", "it is not JSON: expected ident", Some(1)),
        ("text.json", "it is not JSON: expected value", Some(1)),
        ("utf16.json", "it is text in UTF-16, not UTF-8", None),
        ("empty.json", "it is empty", None),
        ("blank.json", "expected OTLP JSON", None),
        ("none.json", "No such file", None),
    ] {
        let failure = taken(&corpus(name)).err().unwrap();
        assert_eq!(failure.kind, Kind::Config, "{name}");
        assert!(failure.sentence.contains(name), "{name}: {failure}");
        assert!(failure.causes[0].starts_with(why), "{name}: {failure}");
        assert_eq!(failure.place.as_ref().map(|place| place.line), line, "{name}");
    }
}

#[test]
fn cut_at_every_byte_nothing_breaks() {
    for name in ["phoenix_lines.jsonl", "otlp_document.json", "nested_array.json"] {
        let whole = std::fs::read(corpus(name)).unwrap();
        let mut most = 0;
        for end in (0..whole.len()).step_by(7) {
            let mut counted = Counted::default();
            let outcome = text::read(name, &mut &whole[..end], &mut counted).unwrap();
            assert_eq!(matches!(outcome, text::Outcome::Spans), counted.spans > 0);
            assert!(counted.spans >= most, "{name} at {end}: a longer text gives no fewer spans");
            most = counted.spans;
        }
        assert!(most >= 3);
    }
}

#[derive(Default)]
struct Counted {
    spans: u64,
    left_out: u64,
}

impl Sink for Counted {
    fn annotation(&mut self, _: super::super::annotation::Annotation) -> Result<()> {
        Ok(())
    }

    fn span(&mut self, _: super::super::span::Span) -> Result<()> {
        self.spans += 1;
        Ok(())
    }

    fn left_out(&mut self, _: &str, count: u64) {
        self.left_out += count;
    }
}

#[test]
fn a_folder_is_read_in_order_and_says_what_it_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, from: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(corpus(from), path).unwrap();
    };
    let failure = taken(folder.path()).err().unwrap();
    assert!(failure.sentence.ends_with("holds no trace files"), "{failure}");
    put("package.json", "not_traces.json");
    let failure = taken(folder.path()).err().unwrap();
    assert!(failure.sentence.ends_with("package.json` holds no spans"), "{failure}");
    put("b/c.jsonl", "phoenix_lines.jsonl");
    put("readme.md", "text.json");
    put(".hidden.json", "text.json");
    put("z.json", "doubled.jsonl");
    let (snapshot, ..) = taken(folder.path()).unwrap();
    let left_out: Vec<_> =
        snapshot.summary().left_out.iter().map(|(why, n)| (why.as_str(), *n)).collect();
    assert_eq!(
        left_out,
        [
            ("files of another kind", 1),
            ("files without a span", 1),
            ("objects that are no spans", 1),
            ("spans whose id was there already", 5)
        ]
    );
    let name: String = snapshot
        .database()
        .query_row("SELECT name FROM spans WHERE span_id = 'eee19b7ec3c1b174'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(name, "support", "the first that was read is kept");
}

#[test]
fn a_cut_archive_gives_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gz");
    let plain = std::fs::read(corpus("phoenix_lines.jsonl")).unwrap().repeat(200);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gz.write_all(&plain).unwrap();
    let mut packed = gz.finish().unwrap();
    packed.truncate(packed.len() / 2);
    std::fs::write(&path, packed).unwrap();
    let (snapshot, ..) = taken(&path).unwrap();
    assert_eq!(snapshot.summary().spans, 4);
    let told = &snapshot.summary().left_out;
    assert!(
        told.iter().any(|(why, n)| why.starts_with("the rest of a file") && *n == 1),
        "{told:?}"
    );
}

#[test]
fn a_large_value_passes_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    let value = "x".repeat(50 << 20);
    let line = format!(
        r#"{{"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","start_time":"2026-08-20T10:00:00Z","attributes":{{"blob":"{value}"}}}}"#
    );
    std::fs::write(&path, line).unwrap();
    let (snapshot, ..) = taken(&path).unwrap();
    let length: i64 = snapshot
        .database()
        .query_row("SELECT length(attributes ->> '$.blob') FROM spans", [], |row| row.get(0))
        .unwrap();
    assert_eq!(length, 50 << 20);
}
