use super::super::snapshot::{About, Snapshot, Writer};
use super::proto::Framing;
use super::*;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
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
        // Of Parquet, by pandas: nulls everywhere, and counts that became fractions.
        ("data_frame_nulls.jsonl", 4, &[]),
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
    for (name, whole, step) in [
        ("phoenix_lines.jsonl", std::fs::read(corpus("phoenix_lines.jsonl")).unwrap(), 7),
        ("otlp_document.json", std::fs::read(corpus("otlp_document.json")).unwrap(), 7),
        ("nested_array.json", std::fs::read(corpus("nested_array.json")).unwrap(), 7),
        ("bare", proto(Framing::Bare), 1),
        ("varint", proto(Framing::Varint), 1),
        ("four bytes", proto(Framing::FourBytes), 1),
        ("zstd", zstd::encode_all(&*proto(Framing::Bare), 0).unwrap(), 1),
    ] {
        let mut most = 0;
        for end in (0..=whole.len()).step_by(step) {
            let mut counted = Counted::default();
            let outcome = content(name, &whole[..end], 0, &mut counted).unwrap();
            assert_eq!(matches!(outcome, text::Outcome::Spans), counted.spans > 0);
            assert!(counted.spans >= most, "{name} at {end}: a longer text gives no fewer spans");
            most = counted.spans;
        }
        assert!(most >= 3, "{name}");
    }
}

/// The corpus' OTLP lines as protobuf, a message for each line.
fn proto(framing: Framing) -> Vec<u8> {
    let lines = std::fs::read_to_string(corpus("otlp_lines.jsonl")).unwrap();
    let mut bytes = Vec::new();
    for line in lines.lines() {
        let message = encoded(&serde_json::from_str(line).unwrap());
        match framing {
            Framing::Bare => {}
            Framing::Varint => prost::encode_length_delimiter(message.len(), &mut bytes).unwrap(),
            Framing::FourBytes => bytes.extend(u32::try_from(message.len()).unwrap().to_be_bytes()),
        }
        bytes.extend(message);
    }
    bytes
}

fn any(json: &serde_json::Value) -> AnyValue {
    let (kind, inner) = json.as_object().unwrap().iter().next().unwrap();
    let value = match kind.as_str() {
        "stringValue" => Any::StringValue(inner.as_str().unwrap().to_owned()),
        "intValue" => Any::IntValue(inner.as_str().unwrap().parse().unwrap()),
        "doubleValue" => Any::DoubleValue(inner.as_f64().unwrap()),
        "arrayValue" => Any::ArrayValue(ArrayValue {
            values: inner["values"].as_array().unwrap().iter().map(any).collect(),
        }),
        other => unreachable!("{other}"),
    };
    AnyValue { value: Some(value) }
}

/// OTLP JSON as protobuf, of what the corpus has.
fn encoded(json: &serde_json::Value) -> Vec<u8> {
    use opentelemetry_proto::tonic::trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status, TracesData, span,
    };
    let pairs = |json: &serde_json::Value| -> Vec<KeyValue> {
        let one = |pair: &serde_json::Value| KeyValue {
            key: pair["key"].as_str().unwrap().to_owned(),
            value: Some(any(&pair["value"])),
            ..KeyValue::default()
        };
        json.as_array().into_iter().flatten().map(one).collect()
    };
    let text = |json: &serde_json::Value| json.as_str().unwrap_or_default().to_owned();
    let hex = |json: &serde_json::Value| -> Vec<u8> {
        let text = json.as_str().unwrap_or_default();
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    let time = |json: &serde_json::Value| json.as_str().unwrap().parse().unwrap();
    let event = |json: &serde_json::Value| span::Event {
        name: text(&json["name"]),
        time_unix_nano: time(&json["timeUnixNano"]),
        attributes: pairs(&json["attributes"]),
        ..span::Event::default()
    };
    let span = |json: &serde_json::Value| Span {
        trace_id: hex(&json["traceId"]),
        span_id: hex(&json["spanId"]),
        parent_span_id: hex(&json["parentSpanId"]),
        name: text(&json["name"]),
        start_time_unix_nano: time(&json["startTimeUnixNano"]),
        end_time_unix_nano: time(&json["endTimeUnixNano"]),
        attributes: pairs(&json["attributes"]),
        events: json["events"].as_array().into_iter().flatten().map(event).collect(),
        status: Some(Status {
            code: json["status"]["code"].as_i64().unwrap_or(0) as i32,
            message: text(&json["status"]["message"]),
        }),
        ..Span::default()
    };
    let spans = &json["resourceSpans"][0]["scopeSpans"][0]["spans"];
    let spans = spans.as_array().unwrap().iter().map(span).collect();
    let scope = ScopeSpans { spans, ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    prost::Message::encode_to_vec(&TracesData { resource_spans: vec![resource] })
}

/// What a file of these bytes gives.
fn taken_of(bytes: &[u8]) -> Result<(Snapshot, Vec<u8>, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    std::fs::write(&path, bytes).unwrap();
    taken(&path)
}

#[test]
fn protobuf_in_every_framing_gives_the_same_snapshot() {
    let (_, expected, _folder) = taken(&corpus("otlp_lines.jsonl")).unwrap();
    for framing in [Framing::Bare, Framing::Varint, Framing::FourBytes] {
        let bytes = proto(framing);
        assert_eq!(Framing::of(&bytes), Some(framing));
        assert!(taken_of(&bytes).unwrap().1 == expected, "{framing:?}");
        let packed = zstd::encode_all(&*bytes, 0).unwrap();
        assert!(taken_of(&packed).unwrap().1 == expected, "{framing:?}, compressed");
    }
    // As the collector's exporter compresses: each message by itself, JSON or not.
    let lines = std::fs::read_to_string(corpus("otlp_lines.jsonl")).unwrap();
    for json in [true, false] {
        let mut bytes = Vec::new();
        for line in lines.lines() {
            let message = match json {
                true => line.as_bytes().to_vec(),
                false => encoded(&serde_json::from_str(line).unwrap()),
            };
            let packed = zstd::encode_all(&*message, 0).unwrap();
            bytes.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
            bytes.extend(packed);
        }
        assert!(taken_of(&bytes).unwrap().1 == expected, "compressed messages, JSON: {json}");
    }
}

#[test]
fn no_text_is_taken_for_protobuf() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut texts: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    texts.extend(
        [&b"\n\n\n\n{\"a\":1}"[..], b"{\n  \"a\": 1}", b"[\n\n\n\n", b"\r\n{}"].map(<[u8]>::to_vec),
    );
    for text in texts {
        assert_eq!(
            Framing::of(&text),
            None,
            "{}",
            String::from_utf8_lossy(&text[..text.len().min(40)])
        );
    }
}

#[test]
fn broken_messages_cost_only_themselves() {
    for framing in [Framing::Varint, Framing::FourBytes] {
        let good = proto(framing);
        let mut bad = good.clone();
        let broken = [0x0a, 0x02, 0x12, 0x7f];
        match framing {
            Framing::Varint => bad.push(4),
            _ => bad.extend([0, 0, 0, 4]),
        }
        bad.extend(broken);
        bad.extend(&good);
        let (snapshot, ..) = taken_of(&bad).unwrap();
        let told = &snapshot.summary().left_out;
        let expected = [("messages that are not OTLP", 1), ("spans whose id was there already", 4)];
        assert_eq!(told.iter().map(|(why, n)| (why.as_str(), *n)).collect::<Vec<_>>(), expected);
    }
    let mut cut = proto(Framing::FourBytes);
    cut.pop();
    let (snapshot, ..) = taken_of(&cut).unwrap();
    assert_eq!(snapshot.summary().left_out, [("a last message that is cut off".to_owned(), 1)]);
}

#[test]
fn a_message_that_inflates_without_end_is_refused() {
    let huge = zstd::encode_all(&*vec![0; 2 << 20], 1).unwrap();
    assert!(huge.len() < 2_000);
    assert!(inflate::whole(&huge, 1 << 20).is_err());
    assert!(inflate::whole(&huge, 2 << 20).is_ok());
}

#[test]
fn garbage_behind_an_archive_is_told() {
    let plain = std::fs::read(corpus("gen_ai.jsonl")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&plain).unwrap();
    for mut packed in [gz.finish().unwrap(), zstd::encode_all(&*plain, 0).unwrap()] {
        packed.extend(b"and then something else");
        let (snapshot, ..) = taken_of(&packed).unwrap();
        assert_eq!(snapshot.summary().spans, 3);
        let told = &snapshot.summary().left_out;
        assert!(told[0].0.starts_with("the rest of a file"), "{told:?}");
    }
}

/// Some thousand broken files, the same ones every time: none may end the program, none may be read
/// without a word about what is missing, and what is read makes a snapshot that is whole.
#[test]
fn no_mutation_of_a_file_breaks_a_reader() {
    let mut seeds: Vec<Vec<u8>> = [
        "otlp_lines.jsonl",
        "otlp_document.json",
        "phoenix_page.json",
        "data_frame.jsonl",
        "data_frame_nulls.jsonl",
        "gen_ai.jsonl",
        "deep.jsonl",
    ]
    .map(|name| std::fs::read(corpus(name)).unwrap())
    .into();
    seeds.extend([Framing::Bare, Framing::Varint, Framing::FourBytes].map(proto));
    seeds.push(zstd::encode_all(&*seeds[0], 0).unwrap());
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&seeds[0]).unwrap();
    seeds.push(gz.finish().unwrap());
    let mut state = 0x6c6f_6f70_u64;
    let mut roll = |sides: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % sides.max(1)
    };
    let mut read = 0;
    for round in 0..2_200 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=roll(4) {
            let (at, length) = (roll(bytes.len()), roll(24));
            let end = (at + length).min(bytes.len());
            match roll(6) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..end)),
                2 => bytes.splice(at..at, (0..length).map(|_| roll(256) as u8)).for_each(drop),
                3 => bytes.extend_from_within(at..end),
                _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << roll(8)),
            }
        }
        if round % 220 < seeds.len() {
            let Ok((snapshot, ..)) = taken_of(&bytes) else { continue };
            let check =
                snapshot.database().query_row("PRAGMA integrity_check", [], |row| row.get(0));
            assert_eq!(check, Ok("ok".to_owned()));
        } else {
            let mut counted = Counted::default();
            let outcome = content("x", &*bytes, bytes.len() as u64, &mut counted).unwrap();
            assert!(counted.spans == 0 || matches!(outcome, text::Outcome::Spans));
            read += counted.spans;
        }
    }
    assert!(read > 1_500, "most of them still hold spans: {read}");
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

    fn packed(&mut self, packed: super::super::snapshot::Packed) -> Result<()> {
        self.spans += packed.spans() as u64;
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
